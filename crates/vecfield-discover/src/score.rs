//! Forecast scores of a model, and when two of them can be told apart.

/// Forecast errors at several origins: root mean squares of `(observed - forecast) / scale`, in the noise model's units
/// (standard deviations of the variable, or natural logarithms).
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    by_origin: Vec<f64>,
    /// Measured cells ahead of the earliest origin: what all the forecasts together are checked against.
    cells: usize,
}

/// Errors are counted up to here: a forecast three standard deviations off has failed, however far it runs away. Without a
/// ceiling one origin would decide the mean, and no mean of infinities could be compared.
pub const CEILING: f64 = 3.0;

/// Forecasts are integrated to about this accuracy: smaller differences between scores mean nothing.
const RESOLUTION: f64 = 1e-4;

impl Score {
    /// A score from the errors at each origin, checked against `cells` measurements; not-a-number and anything above
    /// [`CEILING`] count as [`CEILING`].
    pub fn new(cells: usize, by_origin: impl IntoIterator<Item = f64>) -> Self {
        Self { by_origin: by_origin.into_iter().map(|e| if e < CEILING { e } else { CEILING }).collect(), cells }
    }

    /// The errors, origin by origin.
    pub fn by_origin(&self) -> &[f64] {
        &self.by_origin
    }

    /// Mean over the origins; [`CEILING`] when there is none.
    pub fn mean(&self) -> f64 {
        if self.by_origin.is_empty() {
            return CEILING;
        }
        self.by_origin.iter().sum::<f64>() / self.by_origin.len() as f64
    }

    /// Adds the error at one more origin.
    pub fn push(&mut self, error: f64) {
        self.by_origin.push(if error < CEILING { error } else { CEILING });
    }

    /// How much worse than `better` this score is: the mean of the paired differences and its standard error.
    ///
    /// Pairing removes what all models share (a hard year is hard for everyone). With a single origin the standard error
    /// is unknown and taken as the difference itself.
    pub fn excess_over(&self, better: &Score) -> (f64, f64) {
        let pairs: Vec<f64> = self.by_origin.iter().zip(&better.by_origin).map(|(a, b)| a - b).collect();
        let n = pairs.len() as f64;
        let mean = pairs.iter().sum::<f64>() / n;
        if pairs.len() < 2 {
            return (mean, mean.abs());
        }
        let variance = pairs.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, (variance / n).sqrt())
    }

    /// By how many standard errors this score exceeds the `better` one: those of the paired differences over the origins, or
    /// of a root mean square of so many errors (`1/√(2n)` of it), whichever is larger.
    pub fn errors_over(&self, better: &Score) -> f64 {
        let (excess, paired) = self.excess_over(better);
        let sampling = better.mean() / (2.0 * better.cells.max(1) as f64).sqrt();
        if excess <= 0.0 { 0.0 } else { excess / paired.max(sampling).max(RESOLUTION) }
    }

    /// Can the data not tell this score from the `better` one?
    ///
    /// True when the difference is within one standard error, and at most a quarter of the better score: four origins
    /// estimate a standard error badly, and a rare large one must not excuse a model that is plainly worse.
    pub fn ties_with(&self, better: &Score) -> bool {
        self.errors_over(better) <= 1.0 && self.excess_over(better).0 <= (0.25 * better.mean()).max(RESOLUTION)
    }
}

#[cfg(test)]
mod tests {
    use super::{CEILING, Score};
    use proptest::prelude::*;

    proptest! {
        /// A score ties with itself, and the excess is antisymmetric.
        #[test]
        fn excess_is_antisymmetric(a in prop::collection::vec(0.0..2.0_f64, 4), b in prop::collection::vec(0.0..2.0_f64, 4)) {
            let (a, b) = (Score::new(20, a), Score::new(20, b));
            prop_assert!(a.ties_with(&a));
            let ((ab, ea), (ba, eb)) = (a.excess_over(&b), b.excess_over(&a));
            prop_assert!((ab + ba).abs() < 1e-12 && (ea - eb).abs() < 1e-12);
        }
    }

    #[test]
    fn failures_are_counted_not_lost() {
        let score = Score::new(20, [0.1, f64::NAN, f64::INFINITY, 0.1]);
        assert_eq!(score.by_origin(), [0.1, CEILING, CEILING, 0.1]);
        assert!(!score.ties_with(&Score::new(20, [0.1; 4])));
    }
}
