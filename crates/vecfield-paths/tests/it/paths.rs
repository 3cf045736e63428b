//! What every interpolation obeys, then what each is.

use proptest::prelude::*;
use vecfield_paths::{Interpolation, Path, PathOptions};

use crate::rows;

fn value(path: &Path, s: f64) -> Vec<f64> {
    let mut x = vec![0.0; path.channels()];
    path.value(s, &mut x);
    x
}

fn derivative(path: &Path, s: f64) -> Vec<f64> {
    let mut x = vec![0.0; path.channels()];
    path.derivative(s, &mut x);
    x
}

fn smooth() -> impl Iterator<Item = Interpolation> {
    Interpolation::ALL.into_iter().filter(|interpolation| *interpolation != Interpolation::Rectilinear)
}

proptest! {
    #[test]
    fn a_path_goes_through_its_rows((times, values) in rows(2, 0)) {
        for interpolation in Interpolation::ALL {
            let path = PathOptions::new(interpolation).with_time().path(&times, &values, 2).unwrap();
            for (t, row) in times.iter().zip(values.chunks(2)) {
                for (x, y) in value(&path, path.parameter(*t)).iter().zip([*t, row[0], row[1]]) {
                    prop_assert!((x - y).abs() < 1e-12, "{}: {x} for {y}", interpolation.name());
                }
            }
        }
    }

    /// The derivative of a cubic by differences of `h` is off by `h²/6 x'''`, and `x'''` is a few thousand for the shortest steps.
    #[test]
    fn derivatives_are_those_of_values((times, values) in rows(2, 3), at in 0.0..1.0_f64) {
        for interpolation in Interpolation::ALL {
            let options = PathOptions::new(interpolation).with_time().with_intensities().with_missing();
            let path = options.path(&times, &values, 2).unwrap();
            let piece = ((at * path.len() as f64) as usize).min(path.len() - 1);
            let [from, to] = [path.knots()[piece], path.knots()[piece + 1]];
            // Well inside one piece.
            let (s, h) = (from + (to - from) * (0.1 + 0.8 * at), 1e-5 * (to - from));
            let (above, below) = (value(&path, s + h), value(&path, s - h));
            for (i, slope) in derivative(&path, s).iter().enumerate() {
                let difference = (above[i] - below[i]) / (2.0 * h);
                prop_assert!((slope - difference).abs() < 1e-6 * (1.0 + slope.abs() + 1.0 / (to - from)), "{}: {slope}, {difference}", interpolation.name());
            }
        }
    }

    /// As many derivatives are continuous as the interpolation promises, and its breaks are where the others are not.
    #[test]
    fn pieces_meet_as_smoothly_as_promised((times, values) in rows(1, 0)) {
        for interpolation in Interpolation::ALL {
            let path = PathOptions::new(interpolation).with_time().path(&times, &values, 1).unwrap();
            let channels = path.channels();
            for piece in 1..path.len() {
                let [before, behind] = [piece - 1, piece].map(|piece| path.knots()[piece + 1] - path.knots()[piece]);
                let (a, b) = (path.piece(piece - 1), path.piece(piece));
                for i in 0..channels {
                    let a = |k: usize| a[k * channels + i];
                    let b = |k: usize| b[k * channels + i];
                    let jumps = [
                        a(0) + a(1) + a(2) + a(3) - b(0),
                        (a(1) + 2.0 * a(2) + 3.0 * a(3)) / before - b(1) / behind,
                        (2.0 * a(2) + 6.0 * a(3)) / (before * before) - 2.0 * b(2) / (behind * behind),
                    ];
                    // Second derivatives are divided by the shortest step, .05, twice.
                    for (order, jump) in jumps.iter().enumerate().take(interpolation.smoothness() + 1) {
                        prop_assert!(jump.abs() < 1e-8, "{}, order {order}: {jump:e}", interpolation.name());
                        prop_assert!(path.breaks(order).is_empty());
                    }
                    prop_assert_eq!(path.breaks(interpolation.smoothness() + 1).len(), path.len() - 1);
                }
            }
        }
    }

    /// A piece reparametrised to the unit interval is the same way.
    #[test]
    fn a_derivative_within_a_piece_is_that_by_its_fraction((times, values) in rows(2, 0), u in 0.0..0.99_f64) {
        for interpolation in Interpolation::ALL {
            let path = PathOptions::new(interpolation).with_time().path(&times, &values, 2).unwrap();
            for piece in 0..path.len() {
                let [from, to] = [path.knots()[piece], path.knots()[piece + 1]];
                let mut within = vec![0.0; 3];
                path.derivative_within(piece, u, &mut within);
                for (within, by_s) in within.iter().zip(derivative(&path, from + u * (to - from))) {
                    prop_assert!((within - (to - from) * by_s).abs() < 1e-9 * (1.0 + within.abs()));
                }
            }
        }
    }

    /// Interpolation commutes with adding a straight line to the data, and with scaling them.
    #[test]
    fn a_line_added_to_the_data_is_added_to_the_path((times, values) in rows(1, 0), slope in -2.0..2.0_f64, at in 0.0..1.0_f64) {
        let moved: Vec<f64> = times.iter().zip(&values).map(|(t, x)| 2.0 * (x + slope * t)).collect();
        for interpolation in smooth().filter(|kind| !matches!(kind, Interpolation::Monotone | Interpolation::Akima)) {
            let [own, other] = [&values, &moved].map(|x| PathOptions::new(interpolation).path(&times, x, 1).unwrap());
            let s = times[0] + at * (times[times.len() - 1] - times[0]);
            let (a, b) = (value(&own, s)[0], value(&other, s)[0]);
            prop_assert!((2.0 * (a + slope * s) - b).abs() < 1e-9 * (1.0 + b.abs()), "{}", interpolation.name());
        }
    }

    /// What was not measured does not count: the path is that through the measured cells.
    #[test]
    fn gaps_of_smooth_paths_are_bridged((times, values) in rows(1, 3), at in 0.0..1.0_f64) {
        let (t, x): (Vec<f64>, Vec<f64>) = times.iter().zip(&values).filter(|(_, x)| !x.is_nan()).unzip();
        prop_assume!(t.len() > 1);
        for interpolation in [Interpolation::Natural, Interpolation::Akima, Interpolation::Monotone] {
            let gaps = PathOptions::new(interpolation).with_missing().path(&times, &values, 1).unwrap();
            let whole = PathOptions::new(interpolation).path(&t, &x, 1).unwrap();
            let s = t[0] + at * (t[t.len() - 1] - t[0]);
            prop_assert!((value(&gaps, s)[0] - value(&whole, s)[0]).abs() < 1e-9);
            prop_assert_eq!(value(&gaps, times[0])[0], x[0]);
        }
    }

    #[test]
    fn monotone_data_give_a_monotone_path((times, mut values) in rows(1, 0)) {
        values.sort_by(f64::total_cmp);
        let path = PathOptions::new(Interpolation::Monotone).path(&times, &values, 1).unwrap();
        for piece in 0..path.len() {
            for k in 0..=20 {
                let mut slope = [0.0];
                path.derivative_within(piece, f64::from(k) / 20.0, &mut slope);
                prop_assert!(slope[0] >= -1e-12, "{}", slope[0]);
            }
        }
    }

    #[test]
    fn a_natural_spline_does_not_bend_at_its_ends((times, values) in rows(1, 0)) {
        let path = PathOptions::new(Interpolation::Natural).path(&times, &values, 1).unwrap();
        let (first, last) = (path.piece(0), path.piece(path.len() - 1));
        prop_assert!(first[2].abs() < 1e-10 && (2.0 * last[2] + 6.0 * last[3]).abs() < 1e-9);
    }
}

#[test]
fn slopes_are_those_of_the_formulas() {
    let slopes = |interpolation, t: &[f64], x: &[f64]| -> Vec<f64> {
        let path = PathOptions::new(interpolation).path(t, x, 1).unwrap();
        t.iter().map(|t| derivative(&path, *t)[0]).collect()
    };
    let near = |found: Vec<f64>, expected: &[f64]| {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} for {expected:?}");
    };
    let t = [0.0, 1.0, 2.0, 3.0, 4.0];
    // The spline of a hat, by hand: 2 d₀ + d₁ = 3, d₀ + 4 d₁ + d₂ = 0.
    near(slopes(Interpolation::Natural, &t[..3], &[0.0, 1.0, 0.0]), &[1.5, 0.0, -1.5]);
    // Fritsch & Butland: the harmonic mean of 1 and 3; at the left end the three-point slope is (3·1 - 3)/2 = 0, at the right
    // one (3·3 - 1)/2 = 4.
    near(slopes(Interpolation::Monotone, &t[..3], &[0.0, 1.0, 4.0]), &[0.0, 1.5, 4.0]);
    // Akima: m = 1, 1, 3, 3; in the middle both weights vanish, beside it one of them does.
    near(slopes(Interpolation::Akima, &t, &[0.0, 1.0, 2.0, 5.0, 8.0]), &[1.0, 1.0, 2.0, 3.0, 3.0]);
    // m = 0, 1, 3, 0: in the middle |0 - 3| = 3 by 1 and |1 - 0| = 1 by 3.
    assert!((slopes(Interpolation::Akima, &t, &[0.0, 0.0, 1.0, 4.0, 4.0])[2] - 6.0 / 4.0).abs() < 1e-12);
    // Backward differences.
    near(slopes(Interpolation::Hermite, &t[..4], &[0.0, 1.0, 4.0, 3.0])[..3].to_vec(), &[1.0, 1.0, 3.0]);
}

#[test]
fn rectilinear_paths_move_time_and_values_in_turn() {
    let options = PathOptions::new(Interpolation::Rectilinear).with_time();
    let path = options.path(&[0.0, 2.0, 3.0], &[5.0, 7.0, 4.0], 1).unwrap();
    assert_eq!(path.knots(), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(value(&path, 0.5), [1.0, 5.0]);
    assert_eq!(value(&path, 1.5), [2.0, 6.0]);
    assert_eq!((path.parameter(1.0), path.parameter(2.0), path.parameter(3.0)), (0.5, 2.0, 4.0));
    assert_eq!(value(&path, path.parameter(2.5)), [2.5, 7.0]);
}

#[test]
fn measurements_are_counted() {
    let nan = f64::NAN;
    let options = PathOptions::new(Interpolation::Hermite).with_intensities().with_missing().with_value_before(-1.0);
    let path = options.path(&[0.0, 1.0, 2.0, 4.0], &[1.0, nan, nan, nan, 2.0, 3.0, 2.0, nan], 2).unwrap();
    assert_eq!(value(&path, 0.0), [1.0, -1.0, 1.0, 0.0]);
    assert_eq!(value(&path, 1.5)[2..], [1.5, 0.5]);
    assert_eq!(value(&path, 4.0)[2..], [3.0, 1.0]);
    assert_eq!(path.breaks(1), [1.0, 2.0], "counts have corners");
}
