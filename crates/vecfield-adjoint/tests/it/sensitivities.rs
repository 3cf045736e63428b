//! The Jacobian of a shooting problem is that of its residuals.

use crate::systems::{LotkaVolterra, changed, runs, scatter};
use proptest::prelude::*;
use vecfield_adjoint::{Loss, Measurement, Noise, Shooting, Window};
use vecfield_optim::NormalEquations;
use vecfield_solvers::Options;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// `∂ cost/∂ x` by duals = central differences of the cost, for constants and window starts, under both noise models
    /// and losses, several runs, missing cells.
    #[test]
    fn sensitivities_are_finite_differences(
        theta in prop::array::uniform4(0.3..0.8_f64),
        starts in prop::collection::vec(prop::collection::vec(0.5..2.0_f64, 2), 1..3),
        length in 3..12_usize,
        multiplicative in any::<bool>(),
        huber in any::<bool>(),
    ) {
        let times: Vec<f64> = (0..10).map(|k| 0.3 * f64::from(k) + 0.05 * f64::from(k % 3)).collect();
        let exact = runs(&LotkaVolterra, &theta, &starts, &times);
        let data = changed(&exact, |run, row, v, value| {
            let k = 20 * run + 2 * row + v;
            if k % 7 == 3 { f64::NAN } else { value * (1.0 + 0.2 * scatter(k)) }
        });
        let measurement = Measurement {
            observed: vec![0, 1],
            noise: if multiplicative { Noise::Multiplicative } else { Noise::Additive },
            loss: if huber { Loss::Huber } else { Loss::Squared },
            sigma: vec![0.1, 0.15],
        };
        let windows = Window::cut(&data, length);
        let mut x = theta.to_vec();
        for window in &windows {
            x.extend(exact.runs()[window.run].row(window.rows.start).iter().map(|v| 1.05 * v));
        }
        let options = Options::tolerances(1e-11, 1e-12);
        let mut problem =
            Shooting::new(&LotkaVolterra, &data, measurement, windows, vec![0, 1, 2, 3], &theta, &options).unwrap();
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
                (gradient[i] - difference).abs() < 2e-4 * (1.0 + gradient[i].abs()),
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
