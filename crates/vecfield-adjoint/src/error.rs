//! Why a fit could not be made.

use vecfield_linalg::LinalgError;
use vecfield_optim::OptimError;
use vecfield_solvers::SolveError;

/// Why a fit could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdjointError {
    /// The equations cannot be integrated from the start that was given.
    #[error(
        "the equations cannot be integrated from the starting constants; start nearer to the data, or use shorter windows"
    )]
    Start,
    /// A point that was accepted could not be evaluated again.
    #[error("the equations could no longer be integrated at the fitted constants; tighten the solver's tolerance")]
    Lost,
    /// No window length was given.
    #[error("a fit needs at least one window length; give `usize::MAX` for whole runs")]
    NoWindows,
    /// More unknowns than measurements.
    #[error(
        "{observed} measurements cannot determine {unknowns} constants and initial states; hold some, or measure more"
    )]
    TooFewObservations {
        /// Number of measured cells.
        observed: usize,
        /// Number of unknowns.
        unknowns: usize,
    },
    /// Integration failed.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The minimiser refused.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// Something is not determined by the data.
    #[error("the data do not determine all constants and initial states ({0}); hold some of them, or measure more")]
    Undetermined(#[from] LinalgError),
}
