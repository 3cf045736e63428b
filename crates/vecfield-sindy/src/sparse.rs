//! Which features: sparse regression on normal equations.
//!
//! | method | finds | for |
//! |---|---|---|
//! | [`stlsq`] | a support by repeated thresholding (Brunton et al. 2016) | comparison with other programs |
//! | [`best_subsets`] | the best supports of each size, certified | up to about thirty features |
//! | [`best_small_supports`] | the best supports of small sizes, each looked at | supports that help only together |
//! | [`evidence_search`] | a local maximum of the Bayesian evidence | hundreds of features |

mod evidence;
mod small;
mod stlsq;
mod subsets;

pub use evidence::{Evidence, Neighbour, evidence, evidence_search, neighbours};
pub use small::{SmallSupport, best_small_supports};
pub use stlsq::stlsq;
pub use subsets::{MOST_SUBSET_FEATURES, Subset, Subsets, best_subsets};
