//! Which features: sparse regression on normal equations.
//!
//! | method | finds | for |
//! |---|---|---|
//! | [`stlsq`] | a support by repeated thresholding (Brunton et al. 2016) | comparison with other programs |
//! | [`best_subsets`] | the best supports of each size, certified | up to about thirty features |
//! | [`evidence_search`] | a local maximum of the Bayesian evidence | hundreds of features |

mod evidence;
mod stlsq;
mod subsets;

pub use evidence::{Evidence, evidence_search};
pub use stlsq::stlsq;
pub use subsets::{MOST_SUBSET_FEATURES, Subset, Subsets, best_subsets};
