//! The project's own chores, as `cargo xtask VERB`.
//!
//! | verb | what it answers |
//! |---|---|
//! | `ci` | may this change land? |
//! | `tidy` | does the tree keep the rules that a compiler does not check? |
//! | `docs` | do the documents build, and do the generated pages say what is? |
//! | `api` | which public items changed? |
//! | `new` | where does a new method, layer or library term go? |
//! | `accept` | does the program keep the promises it is tested against from outside? |
//! | `laws` | do the property tests hold, on as many cases as one likes? |
//! | `fuzz` | does any input break a parser? |
//! | `bench` | how fast are the hot paths here? |
//! | `peers` | how fast are others at the same work? |
//!
//! **Architecture invariant:** no crate depends on this one, and it depends on no crate of the house: it sees them as
//! text and through `cargo metadata`. *Why:* the checks must run on a tree that does not compile. *Checked by*
//! `cargo xtask tidy`.

mod accept;
mod api;
mod bench;
mod ci;
mod docs;
mod features;
mod flags;
mod fuzz;
mod instructions;
mod laws;
mod peers;
mod scaffold;
mod tidy;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

fn main() -> ExitCode {
    match run(&flags::Xtask::from_env_or_exit()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &flags::Xtask) -> anyhow::Result<()> {
    let workspace = Workspace::read()?;
    match &arguments.subcommand {
        flags::XtaskCmd::Ci(flags) => ci::run(&workspace, flags.only.as_deref()),
        // Any renderer will do.
        flags::XtaskCmd::Formulas(flags) if !flags.question.is_empty() => Ok(()),
        flags::XtaskCmd::Formulas(_) => docs::preprocess(),
        flags::XtaskCmd::Api(api) => api::run(&workspace, api.keep),
        flags::XtaskCmd::Tidy(_) => tidy::run(&workspace),
        flags::XtaskCmd::Docs(flags) if flags.pages => docs::generated(&workspace, flags.check),
        flags::XtaskCmd::Docs(flags) => docs::run(&workspace, flags.check),
        flags::XtaskCmd::Bench(bench) if bench.instructions => instructions::run(&workspace, bench.keep),
        flags::XtaskCmd::Bench(bench) => bench::run(&workspace, bench.only.as_deref()),
        flags::XtaskCmd::Peers(peers) => peers::run(&workspace, peers.what.as_deref()),
        flags::XtaskCmd::Laws(laws) => {
            let (cases, seed) = (laws.cases.unwrap_or(256), laws.seed.unwrap_or(laws::SEED));
            laws::run(&workspace, laws.member.as_deref(), cases, seed)
        }
        flags::XtaskCmd::Fuzz(fuzz) => fuzz::run(&workspace, fuzz.target.as_deref(), fuzz.runs.unwrap_or(fuzz::RUNS)),
        flags::XtaskCmd::New(new) => scaffold::run(&workspace, &new.kind, &new.name),
        flags::XtaskCmd::Accept(flags) => accept::run(&workspace, flags.only.as_deref()),
    }
}
