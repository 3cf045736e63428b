//! Forward regression with orthogonal least squares (Chen, Billings and Luo 1989; Billings 2013, ch. 3): of the features that are left, each made
//! orthogonal to those taken, the one comes next that explains most. It is orthogonal matching pursuit with the best next fit in place of the
//! best next cosine.

use super::Sparsest;
use crate::SindyError;
use crate::regression::GramSystem;

/// What is left of a feature beside those taken, in shares of itself, that is no more than rounding.
const DEPENDENT: f64 = 1e-12;

/// Coefficients `[p]` on the first features taken that leave at most the share `tolerance` of `rᵀr`, so that the error reduction ratios
/// `(wᵀr)²/(wᵀw rᵀr)` of the orthogonal features `w` add up to `1 - tolerance` or more; or without one, on those of least Bayesian
/// information criterion. Least squares on the support. Costs `O(p²)` a feature.
///
/// # Errors
///
/// [`SindyError::SingularSupport`].
pub fn frols(system: &GramSystem, tolerance: Option<f64>) -> Result<Vec<f64>, SindyError> {
    let p = system.len();
    let (mut gram, mut rhs) = (system.gram.clone(), system.rhs.clone());
    let (mut taken, mut support) = (vec![false; p], Vec::new());
    let mut left = system.total;
    let mut sparsest = Sparsest::new(system);
    sparsest.offer(left, &[]);
    while support.len() < p.min(system.rows.saturating_sub(1)) {
        if tolerance.is_some_and(|tolerance| left <= tolerance * system.total) {
            break;
        }
        let open = |k: &usize| !taken[*k] && gram[k * p + k] > DEPENDENT * system.gram[k * p + k];
        let gain = |k: usize| rhs[k] * rhs[k] / gram[k * p + k];
        let Some(best) = (0..p).filter(open).max_by(|&a, &b| gain(a).total_cmp(&gain(b))) else { break };
        left -= gain(best);
        taken[best] = true;
        support.push(best);
        let (row, level, pivot) = (gram[best * p..(best + 1) * p].to_vec(), rhs[best], gram[best * p + best]);
        for k in (0..p).filter(|&k| row[k] != 0.0) {
            vecfield_linalg::axpy(-row[k] / pivot, &row, &mut gram[k * p..(k + 1) * p]);
            rhs[k] -= row[k] / pivot * level;
        }
        sparsest.offer(left, &support);
    }
    let chosen = if tolerance.is_some() { support } else { sparsest.support };
    super::on_support(system, |k| chosen.contains(&k))
}
