//! Laws of smoothed paths in either scale.

use proptest::prelude::*;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::smooth::Order;
use vecfield_sindy::{Paths, Scale};

/// A positive variable at irregular times, with scatter.
fn positive(rate: f64, rows: usize) -> Trajectories {
    let times: Vec<f64> = (0..rows).map(|k| 0.3 * k as f64 + 0.1 * (k as f64 * 1.3).sin()).collect();
    let values = times.iter().enumerate().map(|(k, t)| (rate * t.sin() + 0.1 * (k as f64 * 7.7).sin()).exp()).collect();
    Trajectories::new(vec!["x".into()], vec![], vec![Trajectory::new(times, values, vec![]).unwrap()]).unwrap()
}

proptest! {
    /// A path on logarithms is positive everywhere, between and beyond the samples, and its derivative is that of its value.
    #[test]
    fn logarithmic_paths_stay_positive(rate in -3.0..3.0_f64, rows in 8..40_usize, t in -2.0..15.0_f64) {
        let paths = Paths::smooth_by(&positive(rate, rows), Order::Cubic, Scale::Logarithms, 1.0).unwrap();
        let curve = &paths.run(0)[0];
        prop_assert!(curve.value(t) > 0.0);
        let h = 1e-5;
        let difference = (curve.value(t + h) - curve.value(t - h)) / (2.0 * h);
        prop_assert!((curve.derivative(t) - difference).abs() < 1e-4 * (curve.value(t) + difference.abs()));
    }

    /// A path that is less stiff lies nearer to the data.
    #[test]
    fn less_stiff_is_nearer(rate in 0.5..3.0_f64, rows in 10..40_usize) {
        let data = positive(rate, rows);
        let misfit = |stiffness| {
            let paths = Paths::smooth_by(&data, Order::Cubic, Scale::Values, stiffness).unwrap();
            data.runs()[0].observed(0).map(|(t, y)| (y - paths.run(0)[0].value(t)).powi(2)).sum::<f64>()
        };
        prop_assert!(misfit(0.1) <= misfit(1.0) * (1.0 + 1e-9) + 1e-18);
    }
}
