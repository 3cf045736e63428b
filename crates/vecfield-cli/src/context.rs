//! What every command is given: how to print, how many threads, which seed.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::failure::Failure;

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalArguments {
    /// Print one JSON object, with numbers in full precision
    #[arg(long, global = true)]
    json: bool,
    /// No progress and no warnings; errors are still printed
    #[arg(long, global = true)]
    quiet: bool,
    /// Fixes every random choice
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Threads to work on; changes the speed, never the result
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// How this run of the program talks and works.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// Print JSON rather than text for people.
    pub(crate) json: bool,
    /// Print neither progress nor warnings.
    pub(crate) quiet: bool,
    /// What fixes every random choice.
    pub(crate) seed: u64,
    /// When the program began.
    pub(crate) began: Instant,
    /// How many threads long jobs use; as many as there are cores unless said.
    threads: Option<NonZeroUsize>,
}

impl Context {
    pub(crate) fn new(arguments: &GlobalArguments) -> Self {
        let GlobalArguments { json, quiet, seed, threads } = *arguments;
        Self { json, quiet, seed, began: Instant::now(), threads }
    }

    /// Runs `job` on as many threads as the user gave.
    ///
    /// # Errors
    ///
    /// [`Failure::Computation`] when the system gives no threads.
    pub(crate) fn on_threads<T: Send>(&self, job: impl FnOnce() -> T + Send) -> Result<T, Failure> {
        let threads = self.threads.map_or(0, NonZeroUsize::get); // 0: one per core
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        Ok(pool.map_err(|e| Failure::Computation(format!("cannot start {threads} threads: {e}")))?.install(job))
    }

    /// Prints a result: the object as JSON, or what `human` makes of it.
    pub(crate) fn result<T: Serialize>(&self, result: &T, human: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        if !self.json {
            return self.print(&human(result));
        }
        let text = serde_json::to_string(result).map_err(|e| Failure::Output(e.to_string()))?;
        self.print(&(text + "\n"))
    }

    /// Prints text to standard output. A reader that has seen enough (`| head`) is no failure.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(e.to_string())),
            _ => Ok(()),
        }
    }

    /// Prints a remark to standard error, unless asked to be quiet.
    pub(crate) fn remark(&self, text: &str) {
        if !self.quiet {
            // Where standard error is closed nobody is there to be told.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Prints why the run failed.
    pub(crate) fn complain(&self, failure: &Failure) {
        let _ = writeln!(io::stderr(), "error: {failure}");
    }
}
