//! Laws of smoothing splines.

use crate::support::Noise;
use proptest::prelude::*;
use vecfield_sindy::SindyError;
use vecfield_sindy::smooth::{Criterion, Order, SmoothingSpline};

const ORDERS: [Order; 2] = [Order::Cubic, Order::Quintic];

fn times(gaps: &[f64]) -> Vec<f64> {
    gaps.iter()
        .scan(0.3, |t, gap| {
            *t += gap;
            Some(*t)
        })
        .collect()
}

proptest! {
    #[test]
    fn lines_and_parabolas_pass_unchanged(gaps in prop::collection::vec(0.05..2.0_f64, 1..60), c in prop::array::uniform3(-3.0..3.0_f64), log_lambda in -8.0..8.0_f64) {
        let times = times(&gaps);
        for order in ORDERS {
            for criterion in [Criterion::Reml, Criterion::Gcv, Criterion::KnownNoise(0.1), Criterion::Fixed(10.0_f64.powf(log_lambda))] {
                let bend = if order == Order::Quintic { c[2] } else { 0.0 };
                let values: Vec<f64> = times.iter().map(|t| c[0] + c[1] * t + bend * t * t).collect();
                let curve = SmoothingSpline::fit(&times, &values, order, criterion).unwrap();
                let size = values.iter().fold(1.0_f64, |s, v| s.max(v.abs()));
                let (first, last) = (times[0], times[times.len() - 1]);
                // Two points make a line, one a constant: the parabola is known from three points on.
                prop_assume!(times.len() >= if bend == 0.0 { 2 } else { 3 });
                for k in 0..=20 {
                    let t = first - 0.5 + (last - first + 1.0) * f64::from(k) / 20.0;
                    // Ratios of gaps up to 40 enter to the power 2m - 1.
                    prop_assert!((curve.value(t) - (c[0] + c[1] * t + bend * t * t)).abs() < 1e-6 * size, "{order:?} {criterion:?}");
                    prop_assert!((curve.derivative(t) - (c[1] + 2.0 * bend * t)).abs() < 1e-5 * size);
                    let area = |t: f64| t * (c[0] + t * (c[1] / 2.0 + t * bend / 3.0));
                    prop_assert!((curve.integral(t) - (area(t) - area(first))).abs() < 1e-5 * size * (1.0 + last - first));
                }
            }
        }
    }

    /// The value is smooth across the samples, the derivative is its derivative, the integral its integral.
    #[test]
    fn derivative_and_integral_belong_to_the_value(gaps in prop::collection::vec(0.2..1.0_f64, 4..30), seed in 0..1000_u64, log_lambda in -4.0..2.0_f64) {
        let times = times(&gaps);
        let mut noise = Noise::new(seed);
        let values: Vec<f64> = times.iter().map(|t| t.sin() + 0.1 * noise.normal()).collect();
        for order in ORDERS {
            let curve = SmoothingSpline::fit(&times, &values, order, Criterion::Fixed(10.0_f64.powf(log_lambda))).unwrap();
            let mut probes: Vec<f64> = times.clone();
            probes.extend((0..20).map(|k| times[0] - 0.2 + 0.07 * f64::from(k)));
            for &t in &probes {
                let h = 1e-4;
                let slope = (curve.value(t + h) - curve.value(t - h)) / (2.0 * h);
                // Third derivatives of the curve are at most of order 1e3 here.
                prop_assert!((slope - curve.derivative(t)).abs() < 1e-4, "{order:?} at {t}: {slope} {}", curve.derivative(t));
                let rise = (curve.integral(t + h) - curve.integral(t - h)) / (2.0 * h);
                prop_assert!((rise - curve.value(t)).abs() < 1e-5);
                let bend = |t: f64| (curve.derivative(t + h) - curve.derivative(t)) / h;
                prop_assert!((bend(t) - bend(t - h)).abs() < 0.05 * (1.0 + bend(t).abs()), "{order:?}: f'' jumps at {t}");
            }
        }
    }

    /// Time run backwards gives the curve run backwards; another unit of time changes nothing.
    #[test]
    fn reversal_and_units(gaps in prop::collection::vec(0.2..1.0_f64, 4..30), seed in 0..1000_u64, unit in 1e-3..1e3_f64) {
        let times = times(&gaps);
        let mut noise = Noise::new(seed);
        let values: Vec<f64> = times.iter().map(|t| t.sin() + 0.1 * noise.normal()).collect();
        let reversed_times: Vec<f64> = times.iter().rev().map(|t| -t * unit).collect();
        let reversed_values: Vec<f64> = values.iter().rev().copied().collect();
        for order in ORDERS {
            let forth = SmoothingSpline::fit(&times, &values, order, Criterion::Reml).unwrap();
            let back = SmoothingSpline::fit(&reversed_times, &reversed_values, order, Criterion::Reml).unwrap();
            prop_assert!((forth.noise() - back.noise()).abs() < 1e-5);
            for k in 0..40 {
                let t = times[0] - 0.1 + 0.1 * f64::from(k);
                prop_assert!((forth.value(t) - back.value(-t * unit)).abs() < 1e-5, "{order:?}");
                prop_assert!((forth.derivative(t) + unit * back.derivative(-t * unit)).abs() < 1e-4, "{order:?} at {t}");
            }
        }
    }

    /// The curve is linear in the data; a leverage is its derivative by its own measurement.
    #[test]
    fn leverages_are_derivatives(gaps in prop::collection::vec(0.2..1.0_f64, 4..20), at in 0..20_usize, log_lambda in -4.0..2.0_f64) {
        let times = times(&gaps);
        let at = at % times.len();
        let values: Vec<f64> = times.iter().map(|t| t.cos()).collect();
        let mut moved = values.clone();
        moved[at] += 1.0;
        for order in ORDERS {
            let fit = |values: &[f64]| SmoothingSpline::fit(&times, values, order, Criterion::Fixed(10.0_f64.powf(log_lambda))).unwrap();
            let (one, two) = (fit(&values), fit(&moved));
            let rise = two.value(times[at]) - one.value(times[at]);
            prop_assert!((rise - one.leverages()[at]).abs() < 1e-9, "{order:?} {rise} {}", one.leverages()[at]);
            let m = order.derivative() as f64;
            prop_assert!(one.degrees_of_freedom() >= m - 1e-9 && one.degrees_of_freedom() <= times.len() as f64);
        }
    }
}

/// The noise estimate is right within its sampling error σ/√(2(n - edf)): 4.5 of them, a false alarm in 10⁵ each.
#[test]
fn noise_is_estimated() {
    for order in ORDERS {
        {
            let criterion = Criterion::Reml;
            for (n, sigma) in [(60, 0.05), (200, 0.02), (200, 0.3), (2000, 0.1)] {
                let mut noise = Noise::new(7 + n as u64);
                let times = times(
                    &(0..n).map(|_| 0.2 + 1.6 * noise.uniform()).map(|gap| gap * 20.0 / n as f64).collect::<Vec<_>>(),
                );
                let values: Vec<f64> =
                    times.iter().map(|t| t.sin() + (0.3 * t).cos() + sigma * noise.normal()).collect();
                let curve = SmoothingSpline::fit(&times, &values, order, criterion).unwrap();
                let left = n as f64 - curve.degrees_of_freedom();
                let z = (curve.noise() / sigma - 1.0) * (2.0 * left).sqrt();
                assert!(z.abs() < 4.5, "{order:?} n = {n}, sigma = {sigma}: {} (z = {z:.1})", curve.noise());
                let rms = |errors: Vec<f64>| (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
                let error = rms(times.iter().map(|&t| curve.value(t) - t.sin() - (0.3 * t).cos()).collect());
                let expected = sigma * (curve.degrees_of_freedom() / n as f64).sqrt();
                assert!(error < 2.0 * expected, "{order:?} n = {n}: error {error}, expected {expected}");
            }
        }
    }
}

/// Without noise the curve interpolates: to fourth order the cubic, to sixth the quintic. At the ends, where the m-th derivative
/// is taken to vanish, both lose orders: left out here.
#[test]
fn clean_data_are_interpolated() {
    for (order, bound) in [(Order::Cubic, 1e-5), (Order::Quintic, 3e-9)] {
        let times: Vec<f64> = (0..400).map(|i| 0.05 * f64::from(i)).collect();
        let values: Vec<f64> = times.iter().map(|t| t.sin()).collect();
        let curve = SmoothingSpline::fit(&times, &values, order, Criterion::Reml).unwrap();
        let worst =
            (200..3800).map(|k| 0.005 * f64::from(k)).map(|t| (curve.value(t) - t.sin()).abs()).fold(0.0, f64::max);
        assert!(worst < bound, "{order:?}: {worst:e} lambda {:e} noise {:e}", curve.lambda(), curve.noise());
        let worst = (200..3800)
            .map(|k| 0.005 * f64::from(k))
            .map(|t| (curve.derivative(t) - t.cos()).abs())
            .fold(0.0, f64::max);
        assert!(worst < 100.0 * bound, "{order:?}: {worst:e}");
    }
}

#[test]
fn runs_share_their_smoothness_and_noise() {
    let mut noise = Noise::new(3);
    let runs: Vec<(Vec<f64>, Vec<f64>)> = [1, 2, 3, 7, 7, 7, 30]
        .iter()
        .map(|&n| {
            let times: Vec<f64> = (0..n).map(|i| 0.3 * f64::from(i)).collect();
            let values = times.iter().map(|t| t.sin() + 0.05 * noise.normal()).collect();
            (times, values)
        })
        .collect();
    let slices: Vec<(&[f64], &[f64])> = runs.iter().map(|(t, y)| (&t[..], &y[..])).collect();
    let curves = SmoothingSpline::fit_runs(&slices, Order::Quintic, Criterion::Reml).unwrap();
    assert!(curves.iter().all(|curve| curve.noise() == curves[0].noise() && curve.lambda() == curves[0].lambda()));
    assert!((curves[0].noise() / 0.05 - 1.0).abs() < 0.4, "{}", curves[0].noise());
    assert_eq!(curves[0].value(5.0), runs[0].1[0]);
    assert!(matches!(
        SmoothingSpline::fit(&[], &[], Order::Cubic, Criterion::Reml),
        Err(SindyError::TooFewPoints { .. })
    ));
}

#[test]
fn thousands_of_points_are_no_trouble() {
    let mut noise = Noise::new(11);
    let times: Vec<f64> = (0..5000).map(|i| 0.01 * f64::from(i)).collect();
    for (scale, amplitude) in [(0.0, 1.0), (1.0, 0.0), (1.0, 1e-6)] {
        let values: Vec<f64> = times.iter().map(|t| scale * t.sin() + amplitude * noise.normal()).collect();
        for order in ORDERS {
            let curve = SmoothingSpline::fit(&times, &values, order, Criterion::Reml).unwrap();
            // A cubic's prior takes 1e-6 beside a sine for the sine's own roughness: only the quintic sees it.
            let unseen = amplitude == 0.0 || (order == Order::Cubic && amplitude < 1.0);
            assert!(unseen || (curve.noise() / amplitude - 1.0).abs() < 0.05, "{order:?} {}", curve.noise());
            let largest = curve.leverages().iter().copied().fold(0.0, f64::max);
            let worst = times.iter().map(|&t| (curve.value(t) - scale * t.sin()).abs()).fold(0.0, f64::max);
            assert!(worst < 5.5 * amplitude * largest.sqrt() + 1e-9, "{order:?} {scale} {amplitude}: {worst:e}");
        }
    }
}
