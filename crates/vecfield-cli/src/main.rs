//! The `vecfield` program: one command for each question about an equation that changes with time.
//!
//! ```console
//! $ vecfield examples lotka-volterra
//! $ vecfield solve lotka-volterra/lotka-volterra.toml --set alpha=0.6 --t 0,50 --json
//! $ vecfield solve --method list
//! ```
//!
//! | you want | look at |
//! |---|---|
//! | what a command does | `commands/<command>.rs`: its arguments, its work, its words |
//! | what all commands share | [`context`] |
//! | which exit status a failure has | [`failure`] |
//! | progress, Ctrl-C and limits of time | [`watch`] |
//! | how numbers and tables are printed | [`layout`] |
//!
//! **Architecture invariant:** results go to standard output in one piece, when the work is done; all else goes to
//! standard error. *Why:* a script that reads the output of a failed run must find nothing. *Checked by*
//! `tests/it/errors.rs`.

mod commands;
mod context;
mod failure;
mod layout;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use commands::Command;
use context::{Context, GlobalArguments};

/// Solve differential equations, and read them out of measured data.
#[derive(Debug, Parser)]
#[command(name = "vecfield", version, after_help = commands::overview::EXAMPLES, arg_required_else_help = false)]
struct Arguments {
    #[command(flatten)]
    global: GlobalArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => {
            // Help and version are messages too, with status 0. A closed pipe is no reason to fail.
            let _ = message.print();
            return ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(2));
        }
    };
    let context = Context::new(&arguments.global);
    let done = match arguments.command {
        Some(command) => command.run(&context),
        None => commands::overview::run(&context),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            context.complain(&failure);
            failure.exit_code()
        }
    }
}
