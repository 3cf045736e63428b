//! Every law rejects what it is there to reject: a right toy passes, and fails with one mistake in it.
//!
//! `cargo xtask docs` makes the table of the book from the names of laws and mutants here.

use std::cell::Cell;

use vecfield_laws::problems::Turning;
use vecfield_laws::{
    Broken, allocates_nothing, check_jvp, check_parameter_vjp, check_vjp, comes_back, draws, is_equivariant, is_linear,
    is_the_pullback, is_the_transpose, is_undone, order_is_at_least, rows_do_not_see_each_other, steps_converge,
    threads_do_not_matter,
};
use vecfield_traits::{Jvp, VectorField, Vjp};

/// A mistake, and the law that must notice it.
struct Mutant {
    law: &'static str,
    /// What was done to the right toy.
    mistake: &'static str,
    /// The law on the toy, with the mistake or without.
    verdict: fn(bool) -> Result<(), Broken>,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        law: "steps_converge",
        mistake: "a weight of the classical Runge–Kutta method mistyped in its third digit",
        verdict: |wrong| runge_kutta(0.5, if wrong { 0.334 } else { 1.0 / 3.0 }),
    },
    Mutant {
        law: "steps_converge",
        mistake: "a stage of the classical Runge–Kutta method taken at the wrong time",
        verdict: |wrong| runge_kutta(if wrong { 0.25 } else { 0.5 }, 1.0 / 3.0),
    },
    Mutant {
        law: "steps_converge",
        mistake: "Euler's method under the name of the midpoint rule",
        verdict: |wrong| {
            steps_converge(2.0, |field, t, h, y| {
                let k = field.rate(t, [y[0], y[1]]);
                let reach = if wrong { 0.0 } else { h / 2.0 };
                let k = field.rate(t + reach, [y[0] + reach * k[0], y[1] + reach * k[1]]);
                (y[0], y[1]) = (y[0] + h * k[0], y[1] + h * k[1]);
            })
        },
    },
    Mutant {
        law: "order_is_at_least",
        mistake: "dense output through the ends alone, where cubic Hermite interpolation is claimed",
        verdict: |wrong| {
            let inside = |h: f64| {
                let (a, b) = (Turning::solution(0.0), Turning::solution(h));
                let (da, db) = (Turning.rate(0.0, a), Turning.rate(h, b));
                let bend = |i: usize| if wrong { 0.0 } else { h / 8.0 * (da[i] - db[i]) };
                let middle = [0, 1].map(|i| (a[i] + b[i]) / 2.0 + bend(i));
                Turning::error(h / 2.0, &middle)
            };
            let errors: Vec<f64> = (1..10).map(|k| inside(0.5_f64.powi(k))).collect();
            order_is_at_least(4.0, 0.3, &errors, 1e-13)
        },
    },
    Mutant {
        law: "check_jvp",
        mistake: "the derivative by time forgotten",
        verdict: |wrong| check_jvp(&Toy { timeless: wrong, ..RIGHT }, 0.3, &AT, 1e-8, 1),
    },
    Mutant {
        law: "check_vjp",
        mistake: "a sign of the pullback turned over",
        verdict: |wrong| check_vjp(&Toy { turned: wrong, ..RIGHT }, 0.3, &AT, 1e-8, 1),
    },
    Mutant {
        law: "check_vjp",
        mistake: "a pullback that overwrites what it should add to",
        verdict: |wrong| check_vjp(&Toy { overwrites: wrong, ..RIGHT }, 0.3, &AT, 1e-8, 1),
    },
    Mutant {
        law: "check_parameter_vjp",
        mistake: "a cotangent of a parameter off by a millionth",
        verdict: |wrong| {
            let factor = if wrong { 1.0 + 1e-6 } else { 1.0 };
            check_parameter_vjp(|theta| Toy { theta: [theta[0]], factor, ..RIGHT }, 0.3, &AT, &[0.7], 1e-8, 1)
        },
    },
    Mutant {
        law: "is_the_pullback",
        mistake: "a layer's pullback that takes the slope of tanh at the input of the layer",
        verdict: |wrong| {
            let value = |x: &[f64], out: &mut [f64]| (out[0], out[1]) = ((x[0] * x[1]).tanh(), x[1]);
            let pull = |w: &[f64], bar: &mut [f64]| {
                let at = if wrong { AT[0] } else { AT[0] * AT[1] };
                let slope = 1.0 - at.tanh().powi(2);
                bar[0] += slope * AT[1] * w[0];
                bar[1] += slope * AT[0] * w[0] + w[1];
            };
            is_the_pullback(value, &AT, 2, pull, 1e-8, 1)
        },
    },
    Mutant {
        law: "is_the_transpose",
        mistake: "a matrix read by rows in both directions",
        verdict: |wrong| {
            let a = draws::<f64>(9, 5);
            let push =
                |v: &[f64], out: &mut [f64]| (0..3).for_each(|i| out[i] = (0..3).map(|j| a[3 * i + j] * v[j]).sum());
            let entry = |i: usize, j: usize| if wrong { a[3 * i + j] } else { a[3 * j + i] };
            let pull = |w: &[f64], bar: &mut [f64]| {
                (0..3).for_each(|i| bar[i] += (0..3).map(|j| entry(i, j) * w[j]).sum::<f64>());
            };
            is_the_transpose((3, 3), push, pull, 1e-13, 1)
        },
    },
    Mutant {
        law: "is_linear",
        mistake: "a bias in a map that is to be linear",
        verdict: |wrong| {
            let bias = if wrong { 1e-6 } else { 0.0 };
            is_linear((2, 1), |x, out| out[0] = 3.0 * x[0] - x[1] + bias, 1e-13, 1)
        },
    },
    Mutant {
        law: "is_equivariant",
        mistake: "a layer of a set that looks at a token's place",
        verdict: |wrong| {
            // Each token and the mean of all; a weight of the place breaks the symmetry.
            let layer = |x: &[f64]| -> Vec<f64> {
                let mean = x.iter().sum::<f64>() / 4.0;
                let place = |i: usize| if wrong { i as f64 } else { 1.0 };
                x.iter().enumerate().map(|(i, x)| (x - place(i) * mean).tanh()).collect()
            };
            let turned = |x: &[f64]| vec![x[2], x[0], x[3], x[1]];
            is_equivariant(&[0.3, -0.8, 0.5, 1.2], layer, turned, turned, 1e-14)
        },
    },
    Mutant {
        law: "is_equivariant",
        mistake: "a step whose stages scale with one component: affine changes of variables do not commute with it",
        verdict: |wrong| {
            let step = |y: &[f64]| -> Vec<f64> {
                let h = if wrong { 0.1 * y[0].abs() } else { 0.1 };
                y.iter().map(|y| y - h * y).collect()
            };
            let change = |y: &[f64]| vec![2.0 * y[0] + y[1], y[1] - y[0]];
            is_equivariant(&[0.4, -1.1], step, change, change, 1e-14)
        },
    },
    Mutant {
        law: "is_undone",
        mistake: "a coupling block undone in the order it was done",
        verdict: |wrong| {
            let forth = |x: &[f64]| {
                let q = x[0] + x[1].sin();
                vec![q, x[1] + q.cos()]
            };
            let back = |y: &[f64]| match wrong {
                true => {
                    let q = y[0] - y[1].sin();
                    vec![q, y[1] - q.cos()]
                }
                false => {
                    let p = y[1] - y[0].cos();
                    vec![y[0] - p.sin(), p]
                }
            };
            is_undone(&AT, forth, back, 1e-14)
        },
    },
    Mutant {
        law: "rows_do_not_see_each_other",
        mistake: "rows normalised by the mean of their batch",
        verdict: |wrong| {
            let map = |rows: usize, x: &[f64]| -> Vec<f64> {
                let mean = if wrong { x.iter().sum::<f64>() / (2 * rows) as f64 } else { 0.0 };
                x.chunks(2).map(|row| row[0] * row[1] - mean).collect()
            };
            rows_do_not_see_each_other(5, &draws::<f64>(10, 2), map)
        },
    },
    Mutant {
        law: "threads_do_not_matter",
        mistake: "a sum with a part for each thread",
        verdict: |wrong| {
            let numbers = draws::<f64>(1000, 3);
            threads_do_not_matter(&[1, 3, 8], |threads| {
                let part = if wrong { 1000_usize.div_ceil(threads) } else { 64 };
                numbers.chunks(part).map(|part| part.iter().sum::<f64>()).sum::<f64>().to_bits()
            })
        },
    },
    Mutant {
        law: "comes_back",
        mistake: "a printer that leaves out the parentheses of a difference on the right",
        verdict: |wrong| {
            let print =
                |[a, b, c]: &[i32; 3]| if wrong { format!("{a} - {b} - {c}") } else { format!("{a} - ({b} - {c})") };
            let parse = |text: &str| -> Result<[i32; 3], std::num::ParseIntError> {
                // `a - b - c` is `(a - b) - c`, which is `a - (b - -c)`.
                let sign = if text.contains('(') { 1 } else { -1 };
                let plain = text.replace(['(', ')'], "");
                let terms = plain.split(" - ").map(str::parse).collect::<Result<Vec<i32>, _>>()?;
                Ok([terms[0], terms[1], sign * terms[2]])
            };
            comes_back(&[5, 3, 2], print, parse)
        },
    },
    Mutant {
        law: "allocates_nothing",
        mistake: "a stepper that makes the memory of its stage in every step",
        verdict: |wrong| {
            let (mut y, mut stage) = (vec![1.0; 4], vec![0.0; 4]);
            allocates_nothing(|| {
                for _ in 0..10 {
                    if wrong {
                        stage = y.clone();
                    } else {
                        stage.copy_from_slice(&y);
                    }
                    y.iter_mut().zip(&stage).for_each(|(y, k)| *y -= 0.1 * k);
                }
            })
        },
    },
    Mutant {
        law: "allocates_nothing",
        mistake: "room that grows while it is written to",
        verdict: |wrong| {
            let mut saved = Vec::with_capacity(if wrong { 0 } else { 8 });
            allocates_nothing(|| (0..8).for_each(|i| saved.push(i)))
        },
    },
];

#[test]
fn every_mutant_is_rejected() {
    for Mutant { law, mistake, verdict } in MUTANTS {
        assert_eq!(verdict(false), Ok(()), "{law} rejects what is right, without this: {mistake}");
        assert!(verdict(true).is_err(), "{law} does not notice: {mistake}");
    }
}

/// No law without a mutant: its name would stand in the front page's table alone.
#[test]
fn every_law_has_a_mutant() {
    let front_page = include_str!("../../src/lib.rs");
    let table = front_page.lines().filter(|line| line.starts_with("//! | ")).skip(1);
    let laws =
        table.flat_map(|row| row.split("[`").skip(1).filter_map(|rest| rest.split_once("`]").map(|(name, _)| name)));
    let count = Cell::new(0);
    // What measures, and the two that one other stands for: an order claimed is the same comparison on one side or both.
    for law in laws.filter(|law| !["measure", "difference", "order_is"].contains(law)) {
        count.set(count.get() + 1);
        assert!(MUTANTS.iter().any(|mutant| mutant.law == law), "{law} has no mutant");
    }
    assert!(count.get() > 10, "the table of laws was not found");
}

/// The classical method of order four, with the time of the second stage and the weight of the third as they may be mistyped.
fn runge_kutta(c2: f64, b3: f64) -> Result<(), Broken> {
    steps_converge(4.0, |field, t, h, y| {
        let y0 = [y[0], y[1]];
        let from = |k: [f64; 2], by: f64| [y0[0] + by * k[0], y0[1] + by * k[1]];
        let k1 = field.rate(t, y0);
        let k2 = field.rate(t + c2 * h, from(k1, h / 2.0));
        let k3 = field.rate(t + h / 2.0, from(k2, h / 2.0));
        let k4 = field.rate(t + h, from(k3, h));
        for i in 0..2 {
            y[i] += h * (k1[i] / 6.0 + k2[i] / 3.0 + b3 * k3[i] + k4[i] / 6.0);
        }
    })
}

const AT: [f64; 2] = [1.2, -0.6];

/// `y₀' = θ y₀ y₁ + t, y₁' = y₀²`, with derivatives by hand and room for mistakes.
struct Toy {
    theta: [f64; 1],
    timeless: bool,
    turned: bool,
    overwrites: bool,
    factor: f64,
}

const RIGHT: Toy = Toy { theta: [0.7], timeless: false, turned: false, overwrites: false, factor: 1.0 };

impl VectorField<f64> for Toy {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        2
    }
    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64], _work: &mut ()) {
        (dy[0], dy[1]) = (self.theta[0] * y[0] * y[1] + t, y[0] * y[0]);
    }
}

impl Jvp<f64> for Toy {
    fn jvp(&self, t: f64, y: &[f64], t_dot: f64, y_dot: &[f64], dy: &mut [f64], dy_dot: &mut [f64], work: &mut ()) {
        self.eval(t, y, dy, work);
        dy_dot[0] = self.theta[0] * (y_dot[0] * y[1] + y[0] * y_dot[1]) + if self.timeless { 0.0 } else { t_dot };
        dy_dot[1] = 2.0 * y[0] * y_dot[0];
    }
}

impl Vjp<f64> for Toy {
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
    fn vjp(&self, _t: f64, y: &[f64], w: &[f64], y_bar: &mut [f64], theta_bar: &mut [f64], _work: &mut ()) -> f64 {
        if self.overwrites {
            y_bar.fill(0.0);
        }
        let sign = if self.turned { -1.0 } else { 1.0 };
        y_bar[0] += self.theta[0] * y[1] * w[0] + sign * 2.0 * y[0] * w[1];
        y_bar[1] += self.theta[0] * y[0] * w[0];
        theta_bar[0] += y[0] * y[1] * w[0] * self.factor;
        w[0]
    }
}
