//! Why a minimisation cannot start.

/// What is wrong with a problem or its start.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// The residuals at the start cannot be evaluated, or are not finite.
    #[error("the residuals cannot be evaluated at the start; start where the model gives finite values")]
    InfeasibleStart,
    /// The start has the wrong number of parameters.
    #[error("the start has {found} parameters where the problem has {expected}; give one value per parameter")]
    StartLength {
        /// Values given.
        found: usize,
        /// Parameters of the problem.
        expected: usize,
    },
    /// A bound is not a number, or the box is empty.
    #[error(
        "parameter {parameter} has the bounds {lower} to {upper}, which leave no value; give a lower bound below the upper"
    )]
    EmptyBox {
        /// Which parameter.
        parameter: usize,
        /// Its lower bound.
        lower: f64,
        /// Its upper bound.
        upper: f64,
    },
    /// There are fewer residuals than parameters to estimate, so no variance is left over.
    #[error(
        "{residuals} residuals cannot give standard errors to {parameters} parameters; measure more, or hold some fixed"
    )]
    TooFewResiduals {
        /// Number of residuals.
        residuals: usize,
        /// Rank of the Jacobian.
        parameters: usize,
    },
    /// The Jacobian is not finite.
    #[error("the Jacobian is not finite in row {row}, column {column}; check the derivative of that residual")]
    JacobianNotFinite {
        /// Residual.
        row: usize,
        /// Parameter.
        column: usize,
    },
    /// Groups of parameters that do not fit.
    #[error(
        "the group of parameters {start}..{end} overlaps another, reaches beyond the {parameters} there are, or is no matrix \
         of its shape; give each parameter to one group"
    )]
    Groups {
        /// Its first parameter.
        start: usize,
        /// The one behind its last.
        end: usize,
        /// Parameters.
        parameters: usize,
    },
    /// What was remembered belongs to another descent.
    #[error("{found} remembered numbers for {expected}; resume with the rule and the model of the checkpoint")]
    MemoryLength {
        /// Numbers given.
        found: usize,
        /// Numbers the rule remembers.
        expected: usize,
    },
}
