//! The commands, a module each: its arguments, its work, its words.

mod belonging;
mod bench;
mod completions;
mod discover;
mod examples;
mod fit;
mod input;
mod man;
pub(crate) mod overview;
mod pages;
mod pinn;
mod predict;
mod sindy;
mod solve;
mod symreg;
mod train;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Failure;

/// What the program is asked to do. Each variant is one line in [`overview`] too.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Solve a differential equation: what does it do?
    Solve(Box<solve::Arguments>),
    /// Fit constants and initial values to measured trajectories: which constants, and how surely?
    Fit(Box<fit::Arguments>),
    /// Find the equations behind measured trajectories: which equation made my data?
    Discover(Box<discover::Arguments>),
    /// Find sparse equations over a library of terms: which equation made my data?
    Sindy(Box<sindy::Arguments>),
    /// Find a formula for one column of a table in the others
    Symreg(Box<symreg::Arguments>),
    /// Train a neural differential equation: learn a right-hand side that nobody knows
    Train(Box<train::Arguments>),
    /// Solve a differential or integral equation whose solution is a network: I know the equation
    Pinn(Box<pinn::Arguments>),
    /// Ask a trained model: forecasts, labels, densities, samples
    Predict(Box<predict::Arguments>),
    /// List the gallery of examples, or write one to start from
    Examples(examples::Arguments),
    /// Time the program at work that other libraries do too
    Bench(bench::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
    /// Print or write the manual, as pages for `man`
    Man(man::Arguments),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Solve(arguments) => solve::run(&arguments, context),
            Self::Fit(arguments) => fit::run(&arguments, context),
            Self::Discover(arguments) => discover::run(&arguments, context),
            Self::Sindy(arguments) => sindy::run(&arguments, context),
            Self::Symreg(arguments) => symreg::run(&arguments, context),
            Self::Train(arguments) => train::run(&arguments, context),
            Self::Pinn(arguments) => pinn::run(&arguments, context),
            Self::Predict(arguments) => predict::run(&arguments, context),
            Self::Examples(arguments) => examples::run(&arguments, context),
            Self::Bench(arguments) => bench::run(&arguments, context),
            Self::Completions(arguments) => completions::run(&arguments, context),
            Self::Man(arguments) => man::run(&arguments, context),
        }
    }
}
