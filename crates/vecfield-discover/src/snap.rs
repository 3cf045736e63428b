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

/// Estimates with their covariance, `[n, n]`, some of which are to be round: where one of them is moved the others move with it, to second order of the
/// likelihood, and are known the better for it.
pub(crate) struct Estimates {
    values: Vec<f64>,
    covariance: Vec<f64>,
    held: Vec<bool>,
}

impl Estimates {
    pub(crate) fn new(values: Vec<f64>, covariance: Vec<f64>) -> Estimates {
        let held = vec![false; values.len()];
        Estimates { values, covariance, held }
    }

    /// Rounds one after the other, the surest first; where each of them then is, and whether it was rounded.
    pub(crate) fn rounded(mut self) -> Vec<(f64, bool)> {
        while let Some((k, round)) = self.surest() {
            self.hold(k, round);
        }
        self.values.into_iter().zip(self.held).collect()
    }

    fn surest(&self) -> Option<(usize, f64)> {
        let n = self.values.len();
        let stderr = |k: usize| self.covariance[k * n + k].max(0.0).sqrt();
        let round = |k: usize| Some((k, round_number(self.values[k], stderr(k))?));
        let doubt = |k: usize| stderr(k) / self.values[k].abs();
        let open = (0..n).filter(|&k| !self.held[k]).filter_map(round);
        open.min_by(|(i, _), (j, _)| doubt(*i).total_cmp(&doubt(*j)))
    }

    /// The distribution given that number `k` is `value`.
    fn hold(&mut self, k: usize, value: f64) {
        let n = self.values.len();
        let row: Vec<f64> = self.covariance[k * n..(k + 1) * n].to_vec();
        let by = (value - self.values[k]) / row[k];
        for (i, with_i) in row.iter().enumerate() {
            self.values[i] += with_i * by;
            for (j, with_j) in row.iter().enumerate() {
                self.covariance[i * n + j] -= with_i * with_j / row[k];
            }
        }
        (self.values[k], self.held[k]) = (value, true);
    }
}

#[cfg(test)]
mod tests {
    use super::{Estimates, round_number};
    use proptest::prelude::*;
    use vecfield_linalg::least_squares;

    proptest! {
        /// A snapped constant is one that the data cannot tell from the estimate.
        #[test]
        fn stays_within_two_standard_errors(value in -20.0..20.0_f64, stderr in 1e-6..1.0_f64) {
            if let Some(round) = round_number(value, stderr) {
                prop_assert!((round - value).abs() <= 2.0 * stderr);
            }
        }

        /// What is held moves the others to where least squares without it put them.
        #[test]
        fn the_others_move_as_least_squares_says(
            columns in proptest::collection::vec(proptest::array::uniform3(-1.0..1.0_f64), 12),
            noise in proptest::collection::vec(-1e-3..1e-3_f64, 12),
        ) {
            let y: Vec<f64> = columns.iter().zip(&noise).map(|([a, b, c], e)| 2.0 * a - 3.0 * b + 1.2345 * c + e).collect();
            let whole = least_squares(&columns.concat(), 12, 3, &y).unwrap();
            let mut normal = [0.0; 9];
            for row in &columns {
                (0..9).for_each(|at| normal[at] += row[at / 3] * row[at % 3]);
            }
            let mut cholesky = vecfield_linalg::Cholesky::new(3);
            prop_assume!(cholesky.factorize(&normal).is_ok() && whole.x.len() == 3);
            let mut inverse = vec![0.0; 9];
            cholesky.inverse_into(&mut inverse);
            prop_assume!(inverse.iter().all(|x| x.abs() < 1e3));
            let covariance = inverse.iter().map(|x| 3e-7 * x).collect();
            let mut estimates = Estimates::new(whole.x, covariance);
            estimates.hold(0, 2.0);
            let rest: Vec<f64> = columns.iter().flat_map(|row| [row[1], row[2]]).collect();
            let left: Vec<f64> = y.iter().zip(&columns).map(|(y, row)| y - 2.0 * row[0]).collect();
            let held = least_squares(&rest, 12, 2, &left).unwrap();
            for (value, expected) in estimates.values[1..].iter().zip(&held.x) {
                prop_assert!((value - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{value} {expected}");
            }
            let rounded = estimates.rounded();
            prop_assert_eq!(rounded[0], (2.0, true));
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
