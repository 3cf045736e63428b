//! Which features: sparse regression on normal equations.
//!
//! | method | finds | for |
//! |---|---|---|
//! | [`stlsq`] | a support by repeated thresholding (Brunton et al. 2016) | comparison with other programs |
//! | [`sr3`] | the same by relaxation (Zheng et al. 2019) | comparison |
//! | [`lasso`] | a support from the `L1` path | many features, comparison |
//! | [`best_subsets`] | the best supports of each size, certified | up to about thirty features |
//! | [`best_small_supports`] | the best supports of small sizes, each looked at | supports that help only together |
//! | [`evidence_search`] | a local maximum of the Bayesian evidence | hundreds of features |

mod constrained;
mod evidence;
mod lasso;
mod small;
mod sr3;
mod stlsq;
mod subsets;

pub(crate) use constrained::{Constrained, MOST_JOINT};
pub(crate) use evidence::inclusion;
pub use evidence::{Evidence, Neighbour, evidence, evidence_search, neighbours};
pub use lasso::lasso;
pub use small::{SmallSupport, best_small_supports};
pub use sr3::sr3;
pub use stlsq::stlsq;
pub use subsets::{MOST_SUBSET_FEATURES, Subset, Subsets, best_subsets};

use crate::SindyError;
use crate::regression::GramSystem;

/// Least squares on the features that `inside` takes, zero elsewhere.
pub(crate) fn on_support(system: &GramSystem, inside: impl Fn(usize) -> bool) -> Result<Vec<f64>, SindyError> {
    let support: Vec<usize> = (0..system.len()).filter(|&k| inside(k)).collect();
    let mut theta = vec![0.0; system.len()];
    if !support.is_empty() {
        for (&feature, c) in support.iter().zip(system.solve(&support, 0.0)?.0) {
            theta[feature] = c;
        }
    }
    Ok(theta)
}

/// The Bayesian information criterion `n log(RSS/n) + k log n`: white Gaussian residuals of unknown variance (Schwarz 1978).
pub(crate) fn information(system: &GramSystem, theta: &[f64]) -> f64 {
    let support: Vec<usize> = (0..theta.len()).filter(|&k| theta[k] != 0.0).collect();
    let coefficients: Vec<f64> = support.iter().map(|&k| theta[k]).collect();
    let n = system.rows as f64;
    // Residuals below the rounding of the Gram matrix are all alike.
    let floor = 1e3 * f64::EPSILON * system.total;
    n * (system.rss(&support, &coefficients).max(floor) / n).ln() + support.len() as f64 * n.ln()
}
