//! Snapping: when may `1.0003 ± 0.0007` be called `1`?
//!
//! A constant is replaced by a round number only if data this sharp would hit a round number by luck less than once in
//! `LUCK` times. A wide error bar is near *some* round number always, so it proves nothing and the constant stays.

/// The chance of a coincidence below which a round number is believed: one in twenty, the usual level.
const LUCK: f64 = 0.05;

/// The farthest the round number may lie from the estimate, in standard errors.
const REACH: f64 = 2.0;

/// The round number that `value ± stderr` cannot be told from, if believing it is no coincidence.
///
/// Tried from the coarsest: integers up to 10 and halves, quarters, thirds; then two significant digits. The first grid so
/// coarse that a random value would fall within two standard errors of it less than one time in twenty decides.
///
/// ```
/// use vecfield_discover::snap::round_number;
///
/// assert_eq!(round_number(1.0003, 0.0007), Some(1.0));
/// assert_eq!(round_number(-2.6661, 0.0009), Some(-8.0 / 3.0));
/// assert_eq!(round_number(0.482, 0.02), None); // 0.5 is one error bar away, but so is something round, always
/// ```
pub fn round_number(value: f64, stderr: f64) -> Option<f64> {
    if !(value.is_finite() && stderr.is_finite() && stderr > 0.0) || value == 0.0 {
        return None;
    }
    let size = value.abs();
    let decade = 10f64.powf(size.log10().floor());
    let in_simple_range = (0.2..=10.5).contains(&size);
    let grids = [
        in_simple_range.then_some(1.0),
        in_simple_range.then_some(0.5),
        in_simple_range.then_some(1.0 / 3.0),
        in_simple_range.then_some(0.25),
        Some(decade),
        Some(decade / 2.0),
        Some(decade / 10.0),
    ];
    let mut tried = 0.0;
    for step in grids.into_iter().flatten() {
        let nearest = (size / step).round() * step;
        // Share of all values that lie within REACH standard errors of this grid; every grid tried is one more chance.
        tried += (2.0 * REACH * stderr / step).min(1.0);
        if tried > LUCK {
            return None;
        }
        if nearest > 0.0 && (size - nearest).abs() <= REACH * stderr {
            return Some(nearest.copysign(value));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::round_number;
    use proptest::prelude::*;

    proptest! {
        /// A snapped constant is one that the data cannot tell from the estimate.
        #[test]
        fn stays_within_two_standard_errors(value in -20.0..20.0_f64, stderr in 1e-6..1.0_f64) {
            if let Some(round) = round_number(value, stderr) {
                prop_assert!((round - value).abs() <= 2.0 * stderr);
            }
        }

        /// False alarms: of values with no round number behind them, at most LUCK are snapped (counted over 2,000 draws,
        /// five standard deviations of slack).
        #[test]
        fn luck_is_bounded(stderr in 1e-5..1e-1_f64, offset in 0.0..1.0_f64) {
            let draws = 2000;
            let golden = 0.618_033_988_749_895;
            let snapped = (0..draws)
                .filter(|k| round_number(0.2 + 9.0 * ((f64::from(*k) * golden + offset) % 1.0), stderr).is_some())
                .count();
            prop_assert!((snapped as f64) < f64::from(draws) * 0.05 + 5.0 * (f64::from(draws) * 0.05 * 0.95).sqrt());
        }
    }
}
