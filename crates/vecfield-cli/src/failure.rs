//! Why a command failed, and the exit status that says so: 1 for a computation that failed, 2 for wrong input.

use std::process::ExitCode;

use vecfield_io::{
    DocumentError, PausedError, ProblemError, SamplesError, SetError, SettingError, TableError, WriteError,
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The problem file is wrong.
    #[error(transparent)]
    Problem(#[from] ProblemError),
    /// The model file is wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A setting on the command line is wrong.
    #[error("{flag}: {reason}")]
    Setting {
        /// The flag.
        flag: &'static str,
        /// What is wrong with it.
        reason: SettingError,
    },
    /// `--set` is wrong.
    #[error("--set {given}: {reason}")]
    Set {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: SetError,
    },
    /// An argument is wrong, in a way no type above tells.
    #[error("{0}")]
    Argument(String),
    /// The table is wrong.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The rows, or their labels, are wrong.
    #[error(transparent)]
    Samples(#[from] SamplesError),
    /// The run to go on with is none.
    #[error(transparent)]
    Paused(#[from] PausedError),
    /// A result could not be written to its folder.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The input is legal and the computation failed.
    #[error("{0}")]
    Computation(String),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Computation(_) | Self::Output(_) | Self::Write(WriteError::Io { .. }) => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }
}
