//! From data to linear least squares, one problem per equation: integral form on windows, or derivatives.
//!
//! Integral form: `yᵢ(t_j) = c_window + Σ_k θ_ik ∫_{t_0}^{t_j} φ_k + noise`. In each window of samples both sides lose their mean, which
//! eliminates the constant, and ordinary least squares remains. For white measurement noise this is what generalised least
//! squares makes of the weak form: no test function, radius or covariance is left to choose, and nothing is differentiated.

mod differences;
mod gram;
mod rows;
mod windows;

use crate::{Library, Paths, SindyError};
pub(crate) use gram::{Equilibrated, inverse_diagonal, mirror, solve_on};
pub use gram::{GramSystem, NoiseModel};
pub(crate) use rows::{Source, pointwise};
use vecfield_data::Trajectories;
pub(crate) use windows::window_edges;
use windows::{Integrand, integrated};

/// The integral form on windows of about `window` samples: one system per equation.
///
/// # Errors
///
/// [`SindyError::FeatureNotFinite`]; [`SindyError::TooFewPoints`] when no window holds three samples.
pub fn integral(
    data: &Trajectories,
    paths: &Paths,
    library: &Library,
    window: usize,
) -> Result<Vec<GramSystem>, SindyError> {
    integrated(data, paths, library, &Integrand::Features, window, 1).and_then(finished)
}

/// The same for each of at most `blocks` blocks of windows.
pub(crate) fn integral_blocks(
    data: &Trajectories,
    paths: &Paths,
    library: &Library,
    window: usize,
    blocks: usize,
) -> Result<Vec<Vec<GramSystem>>, SindyError> {
    integrated(data, paths, library, &Integrand::Features, window, blocks)
}

/// The integral form of `yᵢ' = κᵢ + Σ a_k φ_k / (1 + Σ b_k φ_k)`, cleared of its fraction: `yᵢ = c + ∫κᵢ + Σ a_k ∫φ_k - Σ b_k ∫φ_k (yᵢ' - κᵢ)`,
/// with the derivative of the smoothed path. Columns: `selectable` for `a`, as many for `b`, then the rest of the library; `known` are
/// the features `(equation, feature)` of `κ`.
pub(crate) fn rational_integral(
    data: &Trajectories,
    paths: &Paths,
    library: &Library,
    selectable: usize,
    known: &[(usize, usize)],
    window: usize,
) -> Result<Vec<GramSystem>, SindyError> {
    integrated(data, paths, library, &Integrand::Quotient { selectable, known }, window, 1).and_then(finished)
}

fn finished(blocks: Vec<Vec<GramSystem>>) -> Result<Vec<GramSystem>, SindyError> {
    let systems = only(blocks);
    match systems.iter().find(|system| system.rows < 2) {
        Some(short) => Err(SindyError::TooFewPoints { found: short.rows, needed: 3 }),
        None => Ok(systems),
    }
}

/// The differential form `dyᵢ/dt = Σ θ_ik φ_k` at the samples, with differences of the given order of accuracy (one-sided at the
/// ends, on irregular times too): one system per equation.
///
/// # Errors
///
/// [`SindyError::MissingCell`], [`SindyError::FeatureNotFinite`]; [`SindyError::TooFewPoints`] when a run is shorter than
/// the stencil.
pub fn finite_difference(data: &Trajectories, library: &Library, order: usize) -> Result<Vec<GramSystem>, SindyError> {
    pointwise(data, library, 1, &Source::Differences(order.max(1)), &|_| true).map(only)
}

/// The differential form at the samples with state and derivative from the smoothed paths: one system per equation.
///
/// # Errors
///
/// [`SindyError::FeatureNotFinite`].
pub fn smoothed_derivative(
    data: &Trajectories,
    paths: &Paths,
    library: &Library,
) -> Result<Vec<GramSystem>, SindyError> {
    pointwise(data, library, 1, &Source::Curves(paths), &|_| true).map(only)
}

fn only(mut blocks: Vec<Vec<GramSystem>>) -> Vec<GramSystem> {
    blocks.swap_remove(0)
}
