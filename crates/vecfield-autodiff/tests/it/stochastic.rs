//! Derivatives of a lifted stochastic equation are those of finite differences, for either layout of the noise.

use proptest::prelude::*;
use vecfield_autodiff::StochasticLifted;
use vecfield_traits::{Calculus, DriftDiffusion, DriftDiffusionVjp, Elementary, Layout, Noise, StochasticDynamics};

struct Swirl(Layout);

impl StochasticDynamics for Swirl {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        2
    }
    fn noise(&self) -> Noise {
        if self.0 == Layout::Diagonal { Noise::diagonal(2) } else { Noise::general(2) }
    }
    fn calculus(&self) -> Calculus {
        Calculus::Ito
    }
    fn drift<S: Elementary>(&self, t: S, y: &[S], theta: &[S], f: &mut [S]) {
        f[0] = theta[0] * y[0] * y[1] + t;
        f[1] = (y[0] * theta[1]).sin() - y[1];
    }
    fn diffusion<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], g: &mut [S]) {
        match self.0 {
            Layout::Diagonal => (g[0], g[1]) = (theta[0] * y[0].cos(), y[1] * y[1] * theta[1]),
            Layout::Dense => {
                (g[0], g[1]) = (y[1].cos(), theta[0] * y[0]);
                (g[2], g[3]) = (theta[1] * y[0] * y[1], y[1].exp());
            }
        }
    }
}

proptest! {
    #[test]
    fn derivatives_are_finite_differences(
        y in prop::array::uniform6(-1.0..1.0_f64), theta in prop::array::uniform2(0.3..1.0_f64),
        weights in prop::array::uniform18(-1.0..1.0_f64),
    ) {
        const PATHS: usize = 3;
        for layout in [Layout::Diagonal, Layout::Dense] {
            let entries = Swirl(layout).noise().entries(2);
            let (f_bar, g_bar) = (&weights[..6], &weights[6..][..entries * PATHS]);
            let evaluate = |y: &[f64], theta: [f64; 2]| {
                let field = StochasticLifted::new(Swirl(layout), theta.to_vec());
                let (mut f, mut g) = (vec![0.0; 2 * PATHS], vec![0.0; entries * PATHS]);
                field.both(0.3, y, &mut f, &mut g, &mut field.workspace(PATHS));
                (f, g)
            };
            let score = |y: &[f64], theta: [f64; 2]| {
                let (f, g) = evaluate(y, theta);
                f.iter().zip(f_bar).chain(g.iter().zip(g_bar)).map(|(a, b)| a * b).sum::<f64>()
            };
            let close = |slope: f64, above: f64, below: f64| (slope - (above - below) / 2e-6).abs() < 1e-7 * (1.0 + slope.abs());
            let field = StochasticLifted::new(Swirl(layout), theta.to_vec());
            let (mut y_bar, mut theta_bar, mut work) = ([0.0; 6], [0.0; 2], field.workspace(PATHS));
            field.pull_back(0.3, &y, f_bar, g_bar, &mut y_bar, &mut theta_bar, &mut work);
            for i in 0..6 {
                let at = |by: f64| { let mut y = y; y[i] += by; score(&y, theta) };
                prop_assert!(close(y_bar[i], at(1e-6), at(-1e-6)), "{layout:?}: state {i}");
            }
            for i in 0..2 {
                let at = |by: f64| { let mut theta = theta; theta[i] += by; score(&y, theta) };
                prop_assert!(close(theta_bar[i], at(1e-6), at(-1e-6)), "{layout:?}: parameter {i}");
            }
            let columns = if layout == Layout::Diagonal { 1 } else { 2 };
            let (_, g) = evaluate(&y, theta);
            let (mut slopes, mut jacobian) = (vec![0.0; entries * columns * PATHS], vec![0.0; 4 * PATHS]);
            prop_assert!(field.self_slopes(0.3, &y, &mut slopes, &mut work));
            prop_assert!(field.drift_jacobian(0.3, &y, &mut jacobian, &mut work));
            for j in 0..columns {
                // Every path along its own column.
                let along = |by: f64| {
                    let moved = |i: usize| y[i] + by * g[(i / PATHS * columns + j) * PATHS + i % PATHS];
                    evaluate(&(0..6).map(moved).collect::<Vec<_>>(), theta).1
                };
                let (above, below) = (along(1e-6), along(-1e-6));
                for place in 0..entries * PATHS {
                    let slope = slopes[(place / PATHS * columns + j) * PATHS + place % PATHS];
                    prop_assert!(close(slope, above[place], below[place]), "{layout:?}: column {j} at {place}");
                }
            }
            for l in 0..2 {
                let moved = |by: f64| {
                    let mut y = y;
                    y[l * PATHS..][..PATHS].iter_mut().for_each(|y| *y += by);
                    evaluate(&y, theta).0
                };
                let (above, below) = (moved(1e-6), moved(-1e-6));
                for i in 0..2 {
                    for p in 0..PATHS {
                        let (slope, at) = (jacobian[(i * 2 + l) * PATHS + p], i * PATHS + p);
                        prop_assert!(close(slope, above[at], below[at]), "{layout:?}: {i} by {l}");
                    }
                }
            }
        }
    }
}
