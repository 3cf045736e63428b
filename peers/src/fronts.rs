//! Times at equal error: what a ratio between two work–precision curves means here.
//!
//! The front of a group is its fastest way to each error, straight between its points on logarithmic axes. At the error of
//! every point of a peer's front the peer's time is divided by ours; beyond our finest error there is nothing to compare.

use crate::run::Point;

/// Pairs of error and time, errors falling and times rising.
#[derive(Debug, Clone)]
pub struct Front(pub Vec<(f64, f64)>);

impl Front {
    /// The front of these points.
    pub fn new<'a>(points: impl IntoIterator<Item = &'a Point>) -> Front {
        let pairs = points.into_iter().filter_map(|point| Some((point.error?.max(1e-15), point.seconds?)));
        let mut pairs: Vec<(f64, f64)> = pairs.filter(|(error, _)| error.is_finite()).collect();
        pairs.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut front: Vec<(f64, f64)> = Vec::new();
        for pair in pairs {
            if front.last().is_none_or(|last| pair.0 < last.0) {
                front.push(pair);
            }
        }
        Front(front)
    }

    /// The time to an error; none below the finest.
    pub fn time(&self, error: f64) -> Option<f64> {
        let at = self.0.iter().position(|pair| pair.0 <= error)?;
        let fine = self.0[at];
        let Some(coarse) = at.checked_sub(1).map(|before| self.0[before]) else { return Some(fine.1) };
        let share = (coarse.0 / error).ln() / (coarse.0 / fine.0).ln();
        Some((coarse.1.ln() + share * (fine.1 / coarse.1).ln()).exp())
    }

    /// A peer's time over ours at each error of its front.
    pub fn ratios(&self, ours: &Front) -> Vec<f64> {
        self.0.iter().filter_map(|&(error, seconds)| Some(seconds / ours.time(error)?)).collect()
    }
}

/// The geometric mean; one of nothing is NaN.
pub fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(error: f64, seconds: f64) -> Point {
        let (case, library, method) = (String::new(), String::new(), String::new());
        Point { case, library, method, rtol: 0.0, seconds: Some(seconds), error: Some(error), failed: None }
    }

    #[test]
    fn fronts_keep_what_is_not_beaten_and_read_straight_between() {
        let front = Front::new(&[point(1e-2, 1.0), point(1e-6, 100.0), point(1e-3, 200.0)]);
        assert_eq!(front.0, [(1e-2, 1.0), (1e-6, 100.0)]);
        assert!((front.time(1e-4).unwrap() - 10.0).abs() < 1e-9);
        assert_eq!((front.time(0.5), front.time(1e-7)), (Some(1.0), None));
        let twice = Front::new(&[point(1e-2, 0.5), point(1e-6, 50.0)]);
        assert!((geometric_mean(&front.ratios(&twice)) - 2.0).abs() < 1e-9);
    }
}
