//! Stepwise sparse regression (Boninsegna, Nüske and Clementi 2018): from all features down, the smallest coefficient goes.

use super::Sparsest;
use crate::SindyError;
use crate::regression::GramSystem;
use vecfield_linalg::{Cholesky, axpy};

/// Coefficients `[p]` where the smallest is at least `threshold`; or without one, those of least Bayesian information criterion on the way
/// from all features to none. Least squares on the support. Costs `O(p³)` in all.
///
/// # Errors
///
/// [`SindyError::SingularSupport`] when the features depend on each other.
pub fn ssr(system: &GramSystem, threshold: Option<f64>) -> Result<Vec<f64>, SindyError> {
    let p = system.len();
    let scale: Vec<f64> = (0..p).map(|k| system.gram[k * p + k].sqrt()).collect();
    if let Some(feature) = scale.iter().position(|s| *s <= 0.0) {
        return Err(SindyError::SingularSupport { feature });
    }
    let scaled: Vec<f64> = (0..p * p).map(|at| system.gram[at] / (scale[at / p] * scale[at % p])).collect();
    let mut cholesky = Cholesky::new(p);
    cholesky.factorize(&scaled).map_err(|_| SindyError::SingularSupport { feature: 0 })?;
    // Of the inverse, and of the coefficients, a feature is taken out by one step of elimination.
    let (mut inverse, mut theta) = (vec![0.0; p * p], vec![0.0; p]);
    cholesky.inverse_into(&mut inverse);
    theta.iter_mut().zip(&system.rhs).zip(&scale).for_each(|((t, h), s)| *t = h / s);
    cholesky.solve(&mut theta);
    let mut support: Vec<usize> = (0..p).collect();
    let mut sparsest = Sparsest::new(system);
    let mut left = system.dense_rss();
    loop {
        sparsest.offer(left, &support);
        let size = |k: usize| (theta[k] / scale[k]).abs();
        let Some(at) = (0..support.len()).min_by(|&a, &b| size(support[a]).total_cmp(&size(support[b]))) else { break };
        if threshold.is_some_and(|threshold| size(support[at]) >= threshold) {
            break;
        }
        let out = support.remove(at);
        let (row, value, pivot) = (inverse[out * p..(out + 1) * p].to_vec(), theta[out], inverse[out * p + out]);
        left += value * value / pivot;
        for &k in &support {
            axpy(-row[k] / pivot, &row, &mut inverse[k * p..(k + 1) * p]);
            theta[k] -= row[k] / pivot * value;
        }
    }
    let chosen = if threshold.is_some() { support } else { sparsest.support };
    super::on_support(system, |k| chosen.contains(&k))
}
