//! Standard errors against the closed form of linear regression.

use proptest::prelude::*;
use vecfield_optim::{Covariance, FromResiduals, Loss, OptimError};

proptest! {
    /// A line through `n` points: `Var slope = σ² / Σ (t - t̄)²`, `Var intercept = σ² (1/n + t̄² / Σ (t - t̄)²)`.
    #[test]
    fn a_line_has_its_textbook_errors(data in prop::collection::vec(-1.0..1.0_f64, 4..40), unit in -20..20_i32) {
        let n = data.len();
        let unit = 2.0_f64.powi(unit); // the slope's
        let times: Vec<f64> = (0..n).map(|i| i as f64 + 0.3 * (i as f64).sin()).collect();
        let (mean_t, mean_y) = (times.iter().sum::<f64>() / n as f64, data.iter().sum::<f64>() / n as f64);
        let spread: f64 = times.iter().map(|t| (t - mean_t).powi(2)).sum();
        let slope = times.iter().zip(&data).map(|(t, y)| (t - mean_t) * (y - mean_y)).sum::<f64>() / spread;
        let intercept = mean_y - slope * mean_t;
        let rss: f64 = times.iter().zip(&data).map(|(t, y)| (y - intercept - slope * t).powi(2)).sum();
        prop_assume!(rss > 1e-12);
        let variance = rss / (n - 2) as f64;
        let mut problem = FromResiduals::new(2, n, |x: &[f64], r: &mut [f64]| {
            for i in 0..n { r[i] = x[0] + x[1] * unit * times[i] - data[i]; }
        });
        let covariance = Covariance::at(&mut problem, &[intercept, slope / unit], &[true, true], Loss::Squared).unwrap();
        let exact = [(variance * (1.0 / n as f64 + mean_t * mean_t / spread)).sqrt(), (variance / spread).sqrt() / unit];
        for (found, exact) in covariance.stderr.iter().zip(exact) {
            // The differenced Jacobian is good to about ten digits.
            prop_assert!((found / exact - 1.0).abs() < 1e-6, "{found} {exact}");
        }
        prop_assert!(covariance.unidentifiable.is_empty());
        let normal = [n as f64, mean_t * n as f64, mean_t * n as f64, times.iter().map(|t| t * t).sum()];
        let same = Covariance::from_normal(&normal, 2, variance).unwrap();
        prop_assert!((same.stderr[0] / exact[0] - 1.0).abs() < 1e-9);
        prop_assert!((same.correlation(0, 1) - covariance.correlation(0, 1)).abs() < 1e-6);
    }
}

#[test]
fn an_unidentifiable_direction_is_named() {
    // Only the product x0 x1 and x2 matter.
    let mut problem = FromResiduals::new(3, 10, |x: &[f64], r: &mut [f64]| {
        for (i, r) in r.iter_mut().enumerate() {
            *r = x[0] * x[1] * i as f64 + x[2] - 3.0 * i as f64 + 0.01 * (i as f64).sin();
        }
    });
    let covariance = Covariance::at(&mut problem, &[1.0, 3.0, 0.0], &[true; 3], Loss::Squared).unwrap();
    assert_eq!(covariance.unidentifiable.len(), 1);
    let open = &covariance.unidentifiable[0];
    assert_eq!(open.parameters, [0, 1]);
    assert!((open.direction[0] * 3.0 + open.direction[1]).abs() < 1e-6, "{open:?}");
    assert!(covariance.stderr[0].is_infinite() && covariance.stderr[2] < 0.1);
    // Holding one of the pair fixed settles the other.
    let held = Covariance::at(&mut problem, &[1.0, 3.0, 0.0], &[true, false, true], Loss::Squared).unwrap();
    assert!(held.unidentifiable.is_empty() && held.stderr[0].is_finite() && held.stderr[1] == 0.0);
}

#[test]
fn too_few_residuals_have_no_errors() {
    let mut problem = FromResiduals::new(2, 2, |x: &[f64], r: &mut [f64]| r.copy_from_slice(x));
    assert_eq!(
        Covariance::at(&mut problem, &[0.0, 0.0], &[true; 2], Loss::Squared),
        Err(OptimError::TooFewResiduals { residuals: 2, parameters: 2 })
    );
}
