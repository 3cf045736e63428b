//! The commands, a module each: its arguments, its work, its words.

mod completions;
pub(crate) mod overview;
mod solve;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Failure;

/// What the program is asked to do. Each variant is one line in [`overview`] too.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Solve a differential equation: what does it do?
    Solve(Box<solve::Arguments>),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Solve(arguments) => solve::run(&arguments, context),
            Self::Completions(arguments) => completions::run(&arguments, context),
        }
    }
}
