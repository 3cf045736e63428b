//! What models are trained on, asked with, and answer.

use core::fmt;

use vecfield_data::Trajectories;

use crate::error::NdeError;
use crate::kind::Kind;

/// What a model is trained on or asked with.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// Measured trajectories.
    Trajectories(Trajectories),
}

/// The kinds of [`Data`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataKind {
    /// Measured trajectories.
    Trajectories,
}

impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DataKind::Trajectories => "trajectories (a table with a column `t`)",
        })
    }
}

impl Data {
    /// Which kind it is.
    pub fn kind(&self) -> DataKind {
        match self {
            Data::Trajectories(_) => DataKind::Trajectories,
        }
    }

    /// The trajectories, for a model of that kind.
    ///
    /// # Errors
    ///
    /// [`NdeError::Data`] where it is something else.
    pub(crate) fn trajectories(&self, kind: Kind) -> Result<&Trajectories, NdeError> {
        match self {
            Data::Trajectories(data) => Ok(data),
            #[allow(unreachable_patterns)]
            other => Err(NdeError::Data { kind, takes: DataKind::Trajectories, found: other.kind() }),
        }
    }
}

/// How a trained model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
    /// How many samples to draw, where the model draws some.
    pub samples: Option<usize>,
    /// What fixes the draws.
    pub seed: u64,
}

/// A table that a model answers with.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// What its rows belong to.
    pub of: RowsOf,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Row by row.
    pub values: Vec<f64>,
}

/// What the rows of a [`Prediction`] belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowsOf {
    /// To the rows of the trajectories that were given, one trajectory behind the other.
    Times,
    /// To the trajectories that were given.
    Trajectories,
    /// To the rows that were given.
    Rows,
    /// To nothing: they were drawn.
    Nothing,
}

/// A measure of how good a model is, by its name.
pub type Metric = (String, f64);
