//! Which features: sparse regression on normal equations.
//!
//! | method | finds | for |
//! |---|---|---|
//! | [`stlsq`] | a support by repeated thresholding (Brunton et al. 2016) | comparison with other programs |
//! | [`sr3`] | the same by relaxation, with several [penalties](Penalty) (Zheng et al. 2019) | comparison |
//! | [`lasso`], [`adaptive_lasso`], [`elastic_net`] | a support from the path of penalties | many features, comparison |
//! | [`frols`] | a support that grows by what explains most | many features, comparison |
//! | [`ssr`] | a support that loses its smallest coefficient | comparison |
//! | [`best_subsets`] | the best supports of each size, certified | up to about thirty features |
//! | [`best_small_supports`] | the best supports of small sizes, each looked at | supports that help only together |
//! | [`evidence_search`] | a local maximum of the Bayesian evidence | hundreds of features |

mod constrained;
mod elastic_net;
mod evidence;
mod frols;
mod small;
mod sr3;
mod ssr;
mod stlsq;
mod subsets;

pub(crate) use constrained::{Constrained, MOST_JOINT};
pub use elastic_net::{adaptive_lasso, elastic_net, lasso};
pub(crate) use evidence::inclusion;
pub use evidence::{Evidence, Neighbour, evidence, evidence_search, neighbours};
pub use frols::frols;
pub use small::{SmallSupport, best_small_supports};
pub use sr3::{Penalty, sr3};
pub use ssr::ssr;
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
    information_of(system, system.rss(&support, &coefficients), support.len())
}

/// The same of so many terms that leave `left` of `rᵀr`.
pub(crate) fn information_of(system: &GramSystem, left: f64, terms: usize) -> f64 {
    let n = system.rows as f64;
    // Residuals below the rounding of the Gram matrix are all alike.
    let floor = 1e3 * f64::EPSILON * system.total;
    n * (left.max(floor) / n).ln() + terms as f64 * n.ln()
}

/// Of supports, the one of least [`information_of`], the first among equals.
struct Sparsest<'a> {
    system: &'a GramSystem,
    score: f64,
    support: Vec<usize>,
}

impl<'a> Sparsest<'a> {
    fn new(system: &'a GramSystem) -> Self {
        Self { system, score: f64::INFINITY, support: Vec::new() }
    }

    /// A support that leaves `left` of `rᵀr`.
    fn offer(&mut self, left: f64, support: &[usize]) {
        let score = information_of(self.system, left, support.len());
        if score < self.score {
            self.score = score;
            self.support = support.to_vec();
        }
    }
}
