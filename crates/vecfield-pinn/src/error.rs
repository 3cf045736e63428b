//! [`PinnError`]: why a problem cannot be solved, at which key of its file, and what to do.

use core::ops::Range;

/// Why a problem is refused, or was not solved.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PinnError {
    /// A formula is wrong.
    #[error("{reason}")]
    Formula {
        /// The path of its key, as in `equations.momentum`.
        key: String,
        /// The bytes of the formula that it is about.
        inside: Range<usize>,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A derivative by something that is no coordinate.
    #[error(
        "`{name}` is no derivative of `{unknown}`: there is no coordinate `{}`; the coordinates are {known}",
        name.get(unknown.len() + 1..).unwrap_or_default()
    )]
    UnknownDerivative {
        /// The path of the formula's key.
        key: String,
        /// Where in the formula.
        inside: Range<usize>,
        /// As the text has it.
        name: String,
        /// What is differentiated.
        unknown: String,
        /// The coordinates there are.
        known: String,
    },
    /// A value that does not fit.
    #[error("{reason}")]
    Setting {
        /// The path of its key.
        key: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A condition on something outside the domain.
    #[error(
        "`{name} = {value}` is not on the boundary: `{name}` runs from {low} to {high}; \
         put the condition on `{name} = {low}` or `{name} = {high}`"
    )]
    OffDomain {
        /// The path of the key.
        key: String,
        /// The coordinate.
        name: String,
        /// Where the condition is put.
        value: f64,
        /// Where the coordinate begins.
        low: f64,
        /// Where it ends.
        high: f64,
    },
    /// Two conditions that cannot both hold.
    #[error(
        "two conditions give `{quantity}` different values where {place}: {first} and {second}; remove one of them or make them agree"
    )]
    Contradiction {
        /// The path of the later condition's key.
        key: String,
        /// What they give.
        quantity: String,
        /// Where.
        place: String,
        /// The value of the earlier.
        first: f64,
        /// The value of the later.
        second: f64,
    },
    /// A measurement outside the domain.
    #[error(
        "row {row} of the measurements is outside the domain: `{name}` = {value}, but runs from {low} to {high}; \
         widen the domain or remove the row"
    )]
    DataOutside {
        /// One-based, without the header.
        row: usize,
        /// The coordinate.
        name: String,
        /// Its value there.
        value: f64,
        /// Where the coordinate begins.
        low: f64,
        /// Where it ends.
        high: f64,
    },
    /// The table of measurements or points lacks a column, or has one too many.
    #[error("{reason}")]
    Columns {
        /// What is wrong and what to do.
        reason: String,
    },
    /// Nothing of the geometry is left.
    #[error("no point of the domain lies inside the geometry; check the signs and sizes of its shapes")]
    EmptyGeometry,
    /// The solution was not found.
    #[error("the residual stays at {residual:e} (root mean square) after {iterations} Newton steps; {remedy}")]
    Diverged {
        /// Of the best attempt.
        residual: f64,
        /// How many steps were made.
        iterations: usize,
        /// What may help.
        remedy: String,
    },
    /// The parameters of a deep network left the finite numbers.
    #[error("after {iterations} iterations the network is no longer finite; {remedy}")]
    Untrained {
        /// How many iterations were made.
        iterations: usize,
        /// What may help.
        remedy: String,
    },
    /// Broken off before there was anything to show.
    #[error("stopped before the first solution was there; give more time")]
    NoTime,
    /// A checkpoint of something else.
    #[error(
        "the checkpoint is that of another problem, network, training or seed; resume with the file it was made from"
    )]
    OtherTraining,
    /// Something that the program has no method for.
    #[error("{reason}")]
    Unsupported {
        /// The path of the key it is about.
        key: String,
        /// What it is and what can be done instead.
        reason: String,
    },
}

impl PinnError {
    /// The path of the key in the problem file that the error is about, if it is about one.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Formula { key, .. }
            | Self::UnknownDerivative { key, .. }
            | Self::Setting { key, .. }
            | Self::OffDomain { key, .. }
            | Self::Contradiction { key, .. }
            | Self::Unsupported { key, .. } => Some(key),
            Self::EmptyGeometry => Some("domain.geometry"),
            _ => None,
        }
    }

    /// The bytes inside the formula at [`key`](PinnError::key) that the error is about.
    pub fn inside(&self) -> Option<Range<usize>> {
        match self {
            Self::Formula { inside, .. } | Self::UnknownDerivative { inside, .. } => Some(inside.clone()),
            _ => None,
        }
    }

    /// Is it the input that is wrong, rather than that no solution was found?
    pub fn is_input(&self) -> bool {
        !matches!(self, Self::Diverged { .. } | Self::Untrained { .. } | Self::NoTime)
    }

    pub(crate) fn setting(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Setting { key: key.into(), reason: reason.into() }
    }

    pub(crate) fn unsupported(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unsupported { key: key.into(), reason: reason.into() }
    }
}
