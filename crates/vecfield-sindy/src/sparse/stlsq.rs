//! Sequentially thresholded least squares (Brunton–Proctor–Kutz 2016), with the conventions of PySINDy 2: least squares over
//! everything, drop what is below the threshold, ridge on the rest, until the support stays; then least squares without ridge.

use crate::SindyError;
use crate::regression::GramSystem;

const ROUNDS: usize = 20;

/// Coefficients `[p]` (zero off the support) of the fixed point of thresholding at `threshold`, with `ridge` on the way.
///
/// # Errors
///
/// [`SindyError::SingularSupport`] when the features depend on each other.
pub fn stlsq(system: &GramSystem, threshold: f64, ridge: f64) -> Result<Vec<f64>, SindyError> {
    let mut support: Vec<usize> = (0..system.len()).collect();
    let (mut coefficients, _) = system.solve(&support, 0.0)?;
    for _ in 0..ROUNDS {
        let kept: Vec<usize> = (support.iter().zip(&coefficients))
            .filter(|(_, c)| c.abs() >= threshold)
            .map(|(&feature, _)| feature)
            .collect();
        let settled = kept == support;
        support = kept;
        if support.is_empty() {
            break;
        }
        coefficients = system.solve(&support, ridge)?.0;
        if settled {
            break;
        }
    }
    let mut theta = vec![0.0; system.len()];
    if !support.is_empty() {
        for (&feature, c) in support.iter().zip(system.solve(&support, 0.0)?.0) {
            theta[feature] = c;
        }
    }
    Ok(theta)
}
