//! Why a factorisation is refused.

/// What is wrong with a matrix.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LinalgError {
    /// No usable pivot is left in a column: the matrix is singular to working precision.
    #[error(
        "the matrix is singular: column {column} has no pivot left; it depends on the columns before it, so remove or \
         regularise it, or use `least_squares`, which reports the rank"
    )]
    Singular {
        /// The first column that depends on those before it.
        column: usize,
    },
    /// A pivot of a Cholesky factorisation is not positive.
    #[error(
        "the matrix is not positive definite: the pivot of row {row} is {pivot:e}; add a positive multiple of the \
         identity, or remove the variable that depends on those before it"
    )]
    NotPositiveDefinite {
        /// The row of the bad pivot.
        row: usize,
        /// Its value.
        pivot: f64,
    },
    /// An entry is NaN or infinite.
    #[error("entry ({row}, {column}) of the matrix is not finite; check what it was computed from")]
    NotFinite {
        /// Zero-based row.
        row: usize,
        /// Zero-based column.
        column: usize,
    },
    /// Jacobi rotations did not bring the off-diagonal part to zero.
    #[error(
        "the decomposition did not converge in {sweeps} sweeps; scale the matrix so that its entries neither overflow \
         nor underflow when squared"
    )]
    NoConvergence {
        /// Sweeps made.
        sweeps: usize,
    },
    /// An iterative method did not reach its tolerance.
    #[error(
        "the iteration left a residual of {residual:e} after {products} products with the matrix; give a better \
         preconditioner, more directions before a restart, or use a factorisation"
    )]
    NoSolution {
        /// Products with the matrix.
        products: usize,
        /// Euclidean norm of the residual left.
        residual: f64,
    },
}

/// The first entry of a row-major matrix with `columns` columns that is not finite, as an error.
pub(crate) fn all_finite<R: vecfield_traits::Real>(a: &[R], columns: usize) -> Result<(), LinalgError> {
    match a.iter().position(|entry| !entry.is_finite()) {
        Some(at) => Err(LinalgError::NotFinite { row: at / columns, column: at % columns }),
        None => Ok(()),
    }
}
