//! What can be wrong with a model file, the data or a training.

use core::ops::Range;

use vecfield_adjoint::AdjointError;
use vecfield_nn::{CheckpointError, NnError};
use vecfield_optim::OptimError;
use vecfield_paths::PathError;
use vecfield_solvers::SolveError;

use crate::data::DataKind;
use crate::kind::Kind;

/// Why a value of a model file is refused. The file's reader adds the place: [`key`](SettingError::key).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// A number out of its range.
    #[error("{key} is {found}; it must be {range}")]
    Range {
        /// The path of the key.
        key: &'static str,
        /// What was given.
        found: f64,
        /// What is allowed.
        range: &'static str,
    },
    /// A key of `[model]` that other kinds have.
    #[error("{kind} has no `{key}`; it has {known}", kind = .kind.name())]
    NotOfKind {
        /// The key.
        key: &'static str,
        /// The kind.
        kind: Kind,
        /// The keys it has.
        known: String,
    },
    /// A formula that cannot be read, or a name in it.
    #[error("{reason}")]
    Formula {
        /// The path of the key.
        key: String,
        /// The bytes of the formula that are wrong, where it is not the whole.
        inside: Option<Range<usize>>,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// A value that does not fit for a reason of its own.
    #[error("{reason}")]
    Rejected {
        /// The path of the key.
        key: &'static str,
        /// Why.
        reason: String,
    },
}

impl SettingError {
    pub(crate) fn range(key: &'static str, found: f64, range: &'static str) -> SettingError {
        SettingError::Range { key, found, range }
    }

    /// The path of the key, `table.key`.
    pub fn key(&self) -> String {
        match self {
            SettingError::Range { key, .. } | SettingError::Rejected { key, .. } => (*key).into(),
            SettingError::NotOfKind { key, .. } => format!("model.{key}"),
            SettingError::Formula { key, .. } => key.clone(),
        }
    }

    /// The bytes of the value, where that is a formula, that are wrong.
    pub fn inside(&self) -> Option<Range<usize>> {
        match self {
            SettingError::Formula { inside, .. } => inside.clone(),
            _ => None,
        }
    }
}

/// Why a model could not be trained, restored or asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NdeError {
    /// The model file.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Data of another kind.
    #[error("a {} takes {takes}, not {found}; give it those", .kind.name())]
    Data {
        /// The kind of model.
        kind: Kind,
        /// What it takes.
        takes: DataKind,
        /// What was given.
        found: DataKind,
    },
    /// No sample that anything could be learned from.
    #[error("{what}; {remedy}")]
    NothingToLearn {
        /// What is missing.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A column that the model does not know, or lacks.
    #[error("the data has the columns {found} where the model was trained on {expected}; name them alike")]
    Columns {
        /// What was given.
        found: String,
        /// What the model knows.
        expected: String,
    },
    /// Columns that are not the variables of the equations.
    #[error("{what}")]
    Variables {
        /// Which, and what to do.
        what: String,
    },
    /// Too many batches in a row without a gradient.
    #[error(
        "the last {batches} batches gave no gradient ({cause}), so the training stopped at step {step}; lower the learning rate, \
         clip gradients (`clip = 1.0`), shorten the first horizon, or take a stiff method (`method = \"kvaerno5\"`)"
    )]
    Diverged {
        /// How many.
        batches: u64,
        /// The step reached.
        step: u64,
        /// Why the last one gave none.
        cause: String,
    },
    /// A forecast that could not be computed.
    #[error("trajectory {trajectory}, counted from 0, cannot be forecast: {source}")]
    Forecast {
        /// Which, by its place.
        trajectory: usize,
        /// Why.
        source: AdjointError,
    },
    /// A series that makes no path.
    #[error("trajectory {trajectory}, counted from 0: {source}")]
    Series {
        /// Which, by its place.
        trajectory: usize,
        /// Why.
        source: PathError,
    },
    /// A row that cannot be carried along a flow.
    #[error("row {row}, counted from 1, cannot be followed: {source}")]
    Row {
        /// Which.
        row: usize,
        /// Why.
        source: SolveError,
    },
    /// A checkpoint of another training.
    #[error("{what} of the checkpoint is another; go on with the model file and the data it was made with")]
    OtherTraining {
        /// What differs.
        what: String,
    },
    /// Samples asked of a model that draws none, or none given to one that needs some.
    #[error("a {} {what}", .kind.name())]
    Request {
        /// The kind of model.
        kind: Kind,
        /// What it does instead, and what to do.
        what: &'static str,
    },
    /// A network that cannot be built.
    #[error(transparent)]
    Network(#[from] NnError),
    /// A checkpoint that cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A solver that cannot work.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// Groups of parameters that cannot be.
    #[error(transparent)]
    Optimizer(#[from] OptimError),
}
