//! Stabilised methods: order, stability interval, and parabolic equations.

use proptest::prelude::*;
use vecfield_autodiff::Dual;
use vecfield_solvers::stabilised::Polynomials;
use vecfield_solvers::{Integrator, Options, Save, VectorField, field};
use vecfield_traits::{Elementary, Scalar};

use crate::trees::{Forest, Target, Weights};

const FAMILIES: [Polynomials; 2] = [Polynomials::Chebyshev, Polynomials::Legendre];

/// The Runge–Kutta matrix that the recurrence amounts to; its last row is `b`.
fn matrix(family: Polynomials, stages: u32) -> Vec<Vec<f64>> {
    let s = stages as usize;
    let mut rows = vec![vec![0.0; s]];
    for (j, stage) in (1..).zip(family.stages(stages)) {
        let before = if j > 1 { rows[j - 2].clone() } else { vec![0.0; s] };
        let mut row: Vec<f64> =
            rows[j - 1].iter().zip(&before).map(|(a, b)| stage.previous * a + stage.before * b).collect();
        row[j - 1] += stage.rate;
        row[0] += stage.first_rate;
        let time: f64 = row.iter().sum();
        assert!((time - stage.time).abs() < 1e-14, "{}: stage {j} of {stages} is at {time}", family.name());
        rows.push(row);
    }
    rows
}

#[test]
fn the_order_is_two_for_any_number_of_stages() {
    let forest = Forest::plain(3);
    for family in FAMILIES {
        // With more of them the recurrence rounds by more than a direct sum: as the square of their number.
        for stages in 2..12 {
            let mut rows = matrix(family, stages);
            let b = rows.pop().expect("a last row");
            let name = format!("{} of {stages} stages", family.name());
            forest.runge_kutta(&rows).assert_order(&name, &Weights::of(&b), Target::Step, 2);
        }
    }
}

/// `Y_s` of `y' = λy`, `z = hλ`.
fn stability_polynomial(family: Polynomials, stages: u32, z: f64) -> f64 {
    let (mut before, mut now) = (1.0, 1.0);
    for (j, stage) in (1..).zip(family.stages(stages)) {
        let rest = 1.0 - stage.previous - stage.before;
        let next = if j == 1 {
            1.0 + stage.rate * z
        } else {
            rest + stage.previous * now + stage.before * before + stage.rate * z * now + stage.first_rate * z
        };
        (before, now) = (now, next);
    }
    now
}

#[test]
fn stability_intervals_are_as_long_as_claimed() {
    for family in FAMILIES {
        for stages in [2, 3, 4, 5, 7, 10, 19, 50, 200] {
            let longest = family.stability(stages);
            assert!(longest > 0.45 * f64::from(stages * stages - 1), "{}", family.name());
            for i in 0..=2000 {
                let z = -longest * f64::from(i) / 2000.0;
                let value = stability_polynomial(family, stages, z).abs();
                assert!(value <= 1.0 + 1e-11, "{} of {stages} stages: {value} at {z}", family.name());
            }
            assert!(family.stages_for(longest * 0.999) <= stages, "{}", family.name());
            assert!(family.stages_for(longest * 1.001) == stages + 1, "{}", family.name());
        }
    }
}

/// The heat equation on `[0, 1]` with `u = 0` at both ends, whose modes `sin(kπx)` decay each at a rate of its own.
struct Heat(usize);

impl<S: Elementary> VectorField<S> for Heat {
    type Workspace = ();
    fn workspace(&self) {}
    fn dim(&self) -> usize {
        self.0
    }
    fn eval(&self, _t: S, u: &[S], du: &mut [S], _work: &mut ()) {
        let n = self.0;
        let scale = S::constant(((n + 1) * (n + 1)) as f64).value();
        for i in 0..n {
            let left = if i > 0 { u[i - 1] } else { S::zero() };
            let right = if i + 1 < n { u[i + 1] } else { S::zero() };
            du[i] = (left - u[i] - u[i] + right).scale(scale);
        }
    }
}

/// `-λ_k` of the differences.
fn decay(n: usize, k: usize) -> f64 {
    let half = 0.5 * std::f64::consts::PI * k as f64 / (n + 1) as f64;
    4.0 * ((n + 1) * (n + 1)) as f64 * half.sin().powi(2)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn heat_flows_as_it_should(n in 20..200_usize, k in 1..4_usize, slow in 0.1..1.0_f64, fast in 0.1..1.0_f64) {
        let mode = |k: usize, i: usize| (std::f64::consts::PI * (k * (i + 1)) as f64 / (n + 1) as f64).sin();
        let u0: Vec<f64> = (0..n).map(|i| slow * mode(k, i) + fast * mode(n / 2, i)).collect();
        for family in FAMILIES {
            let options = Options::tolerances(1e-3, 1e-5);
            let mut integrator = Integrator::stabilised(family, n, &options).unwrap();
            let solution = integrator.solve(&Heat(n), (0.0, 0.1), &u0, Save::At(&[0.03, 0.1])).unwrap();
            for (row, t) in [0.03, 0.1].into_iter().enumerate() {
                for i in 0..n {
                    let exact = slow * mode(k, i) * (-decay(n, k) * t).exp() + fast * mode(n / 2, i) * (-decay(n, n / 2) * t).exp();
                    let error = (solution.state(row)[i] - exact).abs();
                    prop_assert!(error < 3e-4, "{} at {t}: {error:e}", family.name());
                }
            }
            // Euler's method would need a step of half the square of the mesh width throughout.
            let euler = 0.1 * decay(n, n) / 2.0;
            let evaluations = solution.stats.rhs_evals as f64;
            prop_assert!(n < 100 || evaluations < euler, "{}: {evaluations}, Euler {euler}", family.name());
        }
    }

    /// Duals take the steps of floats, the estimates of the spectral radius included.
    #[test]
    fn duals_take_the_same_steps(shift in 0.0..1.0_f64) {
        let n = 30;
        let u0: Vec<f64> = (0..n).map(|i| (shift + 0.2 * i as f64).sin()).collect();
        for family in FAMILIES {
            let options = Options::tolerances(1e-4, 1e-6);
            let mut plain = vec![0.0; n];
            let floats = Integrator::stabilised(family, n, &options).unwrap()
                .sample(&Heat(n), 0.0, &u0, &[0.05], &mut plain).unwrap();
            let start: Vec<Dual<f64, 1>> = u0.iter().map(|u| Dual::variable(*u, 0)).collect();
            let mut dual = vec![Dual::<f64, 1>::constant(0.0); n];
            let duals = Integrator::stabilised(family, n, &options).unwrap()
                .sample(&Heat(n), 0.0, &start, &[0.05], &mut dual).unwrap();
            prop_assert_eq!(floats, duals);
            prop_assert!(plain.iter().zip(&dual).all(|(x, d)| x.to_bits() == d.value().to_bits()));
        }
    }
}

#[test]
fn a_given_spectral_radius_saves_the_estimates() {
    let n = 100;
    let u0: Vec<f64> = (0..n).map(|i| (0.3 * i as f64).sin()).collect();
    let work = |spectral_radius| {
        let options = Options { spectral_radius, ..Options::tolerances(1e-4, 1e-6) };
        let mut integrator = Integrator::stabilised(Polynomials::Chebyshev, n, &options).unwrap();
        integrator.solve(&Heat(n), (0.0, 1.0), &u0, Save::End).unwrap().stats
    };
    let (estimated, given) = (work(None), work(Some(decay(n, n))));
    assert!(given.rhs_evals < estimated.rhs_evals, "{given:?}, {estimated:?}");
    // The estimate is at most a fifth above, the number of stages a tenth.
    assert!((estimated.rhs_evals as f64) < 1.3 * given.rhs_evals as f64, "{given:?}, {estimated:?}");
}

#[test]
fn steps_are_of_order_two() {
    let rotation = field(2, |t: f64, y: &[f64], dy: &mut [f64]| {
        let speed = 1.0 + 0.5 * t.cos();
        (dy[0], dy[1]) = (-speed * y[1], speed * y[0]);
    });
    for family in FAMILIES {
        let error = |h: f64| {
            let mut integrator = Integrator::stabilised(family, 2, &Options::fixed(h)).unwrap();
            let mut y = [0.0; 2];
            integrator.sample(&rotation, 0.0, &[1.0, 0.0], &[2.0], &mut y).unwrap();
            let angle = 2.0 + 0.5 * 2.0_f64.sin();
            (y[0] - angle.cos()).hypot(y[1] - angle.sin())
        };
        let order = (error(0.01) / error(0.005)).log2();
        assert!(order > 1.85, "{}: {order}", family.name());
    }
}

#[test]
fn single_precision_diffuses_too() {
    let n = 40;
    let u0: Vec<f32> = (0..n).map(|i| (std::f32::consts::PI * (i + 1) as f32 / (n + 1) as f32).sin()).collect();
    for family in FAMILIES {
        let mut integrator = Integrator::stabilised(family, n, &Options::tolerances(1e-3_f32, 1e-4)).unwrap();
        let mut u = vec![0.0; n];
        integrator.sample(&Heat(n), 0.0, &u0, &[0.1], &mut u).unwrap();
        let exact = (-decay(n, 1) * 0.1).exp() as f32;
        assert!((u[n / 2] / u0[n / 2] - exact).abs() < 5e-3, "{}: {}", family.name(), u[n / 2] / u0[n / 2]);
    }
}
