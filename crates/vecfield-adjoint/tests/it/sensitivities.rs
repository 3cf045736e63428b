//! The Jacobian of a shooting problem is that of its residuals.

use crate::systems::{LotkaVolterra, changed, runs, scatter};
use proptest::prelude::*;
use std::sync::Arc;
use vecfield_adjoint::{Belief, FitOptions, Initial, Loss, Noise, Observed, Prior, Quantity, Scale, Shooting, Window};
use vecfield_optim::NormalEquations;
use vecfield_solvers::{Method, Options};

/// `y₀ + y₁`.
#[derive(Debug)]
struct Sum;

impl Quantity for Sum {
    fn value(&self, _t: f64, y: &[f64], _theta: &[f64]) -> f64 {
        y[0] + y[1]
    }

    fn differentiate(&self, t: f64, y: &[f64], theta: &[f64], by_state: &mut [f64], _by_parameter: &mut [f64]) -> f64 {
        by_state.iter_mut().for_each(|by| *by += 1.0);
        self.value(t, y, theta)
    }
}

/// `3 θ₁ θ₂`.
#[derive(Debug)]
struct Product;

impl Quantity for Product {
    fn value(&self, _t: f64, _y: &[f64], theta: &[f64]) -> f64 {
        3.0 * theta[1] * theta[2]
    }

    fn differentiate(&self, t: f64, y: &[f64], theta: &[f64], _by_state: &mut [f64], by_parameter: &mut [f64]) -> f64 {
        by_parameter[1] += 3.0 * theta[2];
        by_parameter[2] += 3.0 * theta[1];
        self.value(t, y, theta)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// `∂ cost/∂ x` by duals = central differences of the cost, for constants (in both scales, shared and by run, with a prior) and
    /// window starts (one of them a quantity of the constants), under both noise models and losses, several runs, missing cells, a
    /// column that measures a sum, and methods of every kind.
    #[test]
    fn sensitivities_are_finite_differences(
        theta in prop::array::uniform4(0.3..0.8_f64),
        starts in prop::collection::vec(prop::collection::vec(0.5..2.0_f64, 2), 1..3),
        length in 3..12_usize,
        multiplicative in any::<bool>(),
        huber in any::<bool>(),
        method in prop::sample::select(vec!["auto", "tsit5", "radau5", "kvaerno4"]),
        scales in prop::collection::vec(prop::sample::select(vec![Scale::Linear, Scale::Log]), 4),
        local in prop::sample::subsequence(vec![0, 1, 2, 3], 0..3),
    ) {
        let times: Vec<f64> = (0..10).map(|k| 0.3 * f64::from(k) + 0.05 * f64::from(k % 3)).collect();
        let exact = runs(&LotkaVolterra, &theta, &starts, &times);
        let data = changed(&exact, |run, row, v, value| {
            let k = 20 * run + 2 * row + v;
            if k % 7 == 3 { f64::NAN } else { value * (1.0 + 0.2 * scatter(k)) }
        });
        let options = FitOptions {
            observed: vec![Observed::State(0), Observed::Quantity(Arc::new(Sum))],
            loss: if huber { Loss::Huber } else { Loss::Squared },
            priors: vec![
                Prior { parameter: 0, belief: Belief::Normal { mean: 0.5, deviation: 0.1 } },
                Prior { parameter: 2, belief: Belief::Lognormal { median: 0.4, deviation: 0.3 } },
            ],
            initial: vec![Initial::Free, Initial::Quantity(Arc::new(Product))],
            method: Method::named(method).unwrap(),
            solver: Options::tolerances(1e-11, 1e-12),
            scales: scales.clone(),
            local: local.clone(),
            ..FitOptions::new(2, 4, if multiplicative { Noise::Multiplicative } else { Noise::Additive }, vec![])
        };
        let windows = Window::cut(&data, length);
        let mut x = vec![];
        for parameter in 0..4 {
            let value = if scales[parameter] == Scale::Log { theta[parameter].ln() } else { theta[parameter] };
            x.extend(vec![value; if local.contains(&parameter) { starts.len() } else { 1 }]);
        }
        for window in &windows {
            x.extend(exact.runs()[window.run].row(window.rows.start).iter().map(|v| 1.05 * v));
        }
        let thetas = theta.repeat(starts.len());
        let mut problem =
            Shooting::new(&LotkaVolterra, &data, &options, windows, &thetas, vec![0.1, 0.15]).unwrap();
        let (mut gradient, mut diagonal) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let cost = problem.linearize(&x, &mut gradient, &mut diagonal).unwrap();
        prop_assert!((problem.cost(&x).unwrap() - cost).abs() <= 1e-12 * cost);
        for i in 0..x.len() {
            // Huber's second derivative jumps, so the difference quotient errs by h rather than h²: hence a small h.
            let h = 1e-6;
            let mut at = |value: f64| {
                let mut moved = x.clone();
                moved[i] = value;
                problem.cost(&moved).unwrap()
            };
            let difference = (at(x[i] + h) - at(x[i] - h)) / (2.0 * h);
            prop_assert!(
                (gradient[i] - difference).abs() < 3e-4 * (1.0 + gradient[i].abs() + cost),
                "unknown {i}: {} by duals, {difference} by differences", gradient[i]
            );
        }
    }

    /// Windows partition the rows of every run.
    #[test]
    fn windows_partition_the_rows(rows in prop::collection::vec(1..40_usize, 1..4), length in 1..50_usize) {
        let runs = rows.iter().map(|&n| {
            let times = (0..n).map(|k| k as f64).collect();
            vecfield_data::Trajectory::new(times, vec![1.0; n], vec![]).unwrap()
        });
        let data = vecfield_data::Trajectories::new(vec!["x".into()], vec![], runs.collect()).unwrap();
        let windows = Window::cut(&data, length);
        for (run, &n) in rows.iter().enumerate() {
            let own: Vec<_> = windows.iter().filter(|w| w.run == run).collect();
            prop_assert_eq!(own[0].rows.start, 0);
            prop_assert_eq!(own[own.len() - 1].rows.end, n);
            prop_assert!(own.windows(2).all(|pair| pair[0].rows.end == pair[1].rows.start));
            prop_assert!(own.iter().all(|w| 2 * w.rows.len() >= length.min(n) && !w.rows.is_empty()));
        }
    }
}
