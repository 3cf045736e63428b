//! Derivatives of measured series.

use crate::support::Noise;
use proptest::prelude::*;
use vecfield_data::Trajectory;
use vecfield_sindy::SindyError;
use vecfield_sindy::derivative::{Estimate, savitzky_golay, spectral, total_variation};

fn series(times: Vec<f64>, value: impl Fn(f64) -> f64) -> Trajectory {
    let values = times.iter().map(|&t| value(t)).collect();
    Trajectory::new(times, values, vec![]).unwrap()
}

fn even(n: usize, step: f64) -> Vec<f64> {
    (0..n).map(|k| step * k as f64).collect()
}

fn worst(estimate: &Estimate, run: &Trajectory, slope: impl Fn(f64) -> f64) -> f64 {
    let errors = estimate.rates.iter().zip(run.times()).map(|(rate, &t)| (rate - slope(t)).abs());
    errors.fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Local polynomials of degree 3 derive a cubic exactly, at irregular times and where a measurement is missing.
    #[test]
    fn local_polynomials_derive_polynomials(a in -2.0..2.0_f64, b in -2.0..2.0_f64, c in -1.0..1.0_f64, seed in 0..1000_u64) {
        let mut noise = Noise::new(seed);
        let mut t = 0.0;
        let times = (0..30).map(|_| { t += 0.05 + 0.1 * noise.uniform(); t }).collect();
        let cubic = |t: f64| 1.0 + a * t + b * t * t + c * t * t * t;
        let full = series(times, cubic);
        let mut values = full.values().to_vec();
        values[7] = f64::NAN;
        let run = Trajectory::new(full.times().to_vec(), values, vec![]).unwrap();
        let found = savitzky_golay(&run, 0, 7, 3).unwrap();
        prop_assert!(worst(&found, &run, |t| a + 2.0 * b * t + 3.0 * c * t * t) < 1e-9);
        prop_assert!((found.values[7] - cubic(run.times()[7])).abs() < 1e-10);
    }

    /// Reversed in time, derivatives change their sign.
    #[test]
    fn reversal_turns_the_sign(frequency in 0.5..2.0_f64, phase in 0.0..6.0_f64) {
        let wave = |t: f64| (frequency * t + phase).sin() + 0.2 * t;
        let (forth, back) = (series(even(80, 0.1), wave), series(even(80, 0.1), |t| wave(7.9 - t)));
        let both = |of: &dyn Fn(&Trajectory) -> Estimate| (of(&forth), of(&back));
        for (a, b) in [
            both(&|run| savitzky_golay(run, 0, 9, 4).unwrap()),
            both(&|run| total_variation(run, 0, "x", 1e-3).unwrap()),
            both(&|run| spectral(run, 0, "x", 1e-3).unwrap()),
        ] {
            // Rounding, and for total variation a bisection that ends a bit apart.
            prop_assert!(a.rates.iter().zip(b.rates.iter().rev()).all(|(a, b)| (a + b).abs() < 1e-3));
        }
    }
}

#[test]
fn smooth_series_are_derived_spectrally() {
    let run = series(even(200, 0.05), |t| (1.3 * t).sin() * (-0.1 * t).exp());
    let slope = |t: f64| (1.3 * (1.3 * t).cos() - 0.1 * (1.3 * t).sin()) * (-0.1 * t).exp();
    let found = spectral(&run, 0, "x", 0.0).unwrap();
    assert!(worst(&found, &run, slope) < 1e-3, "{}", worst(&found, &run, slope));
    let uneven = series(vec![0.0, 0.1, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], |t| t);
    assert!(matches!(spectral(&uneven, 0, "x", 0.0), Err(SindyError::UnevenTimes { .. })));
}

/// A slope that jumps from 1 to -1 under noise: away from the jump and from the ends the estimate is within 0.1, which differences, with
/// errors of 2, are not.
#[test]
fn total_variation_keeps_jumps_of_the_slope() {
    let mut noise = Noise::new(4);
    let clean = series(even(201, 0.01), |t| 1.0 - (t - 1.0).abs());
    let values = clean.values().iter().map(|y| y + 0.01 * noise.normal()).collect();
    let run = Trajectory::new(clean.times().to_vec(), values, vec![]).unwrap();
    let found = total_variation(&run, 0, "x", 0.01).unwrap();
    for k in (30..80).chain(120..170) {
        let slope = if k < 100 { 1.0 } else { -1.0 };
        assert!((found.rates[k] - slope).abs() < 0.1, "{k}: {}", found.rates[k]);
    }
}

#[test]
fn gaps_and_short_series_are_named() {
    let run =
        Trajectory::new(even(12, 0.1), (0..12).map(|k| if k == 5 { f64::NAN } else { 1.0 }).collect(), vec![]).unwrap();
    assert!(
        matches!(total_variation(&run, 0, "x", 0.1), Err(SindyError::MissingCell { t, .. }) if (t - 0.5).abs() < 1e-12)
    );
    assert!(matches!(spectral(&run, 0, "x", 0.1), Err(SindyError::MissingCell { .. })));
    assert!(matches!(savitzky_golay(&run, 0, 15, 3), Err(SindyError::TooFewPoints { found: 11, needed: 15 })));
}
