//! A training under watch: progress, what it costs in time, and what is put aside on the way.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use vecfield_io::{OutputDir, WriteError};
use vecfield_nde::Progress;

use super::MODEL;
use crate::failure::Failure;
use crate::watch::Watch;

/// A training is put aside this often, so that a machine that fails does not take it along.
const EVERY: Duration = Duration::from_secs(30);

/// Tells the command line's watch of every step.
pub(super) struct Watched<'a> {
    watch: &'a Watch,
    began: Instant,
    folder: Option<&'a OutputDir>,
    /// The end of the first step, and of the last, and how many there were.
    first: Option<Instant>,
    last: Instant,
    steps: u32,
    /// The loss of single batches jumps: what is shown is an average.
    loss: f64,
    put_aside: Instant,
    failure: Option<Failure>,
}

/// What a training cost in time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub(super) seconds: f64,
    /// From the start of the program to the end of the first step.
    pub(super) startup: f64,
    pub(super) step: f64,
}

impl<'a> Watched<'a> {
    pub(super) fn new(watch: &'a Watch, began: Instant, folder: Option<&'a OutputDir>) -> Self {
        let now = Instant::now();
        Watched {
            watch,
            began,
            folder,
            first: None,
            last: now,
            steps: 0,
            loss: f64::NAN,
            put_aside: now,
            failure: None,
        }
    }

    pub(super) fn step(&mut self, progress: &Progress<'_>) -> ControlFlow<()> {
        let now = Instant::now();
        self.first.get_or_insert(now);
        (self.last, self.steps) = (now, self.steps + 1);
        if progress.loss.is_finite() {
            self.loss = if self.loss.is_nan() { progress.loss } else { 0.95 * self.loss + 0.05 * progress.loss };
        }
        if now - self.put_aside > EVERY {
            self.put_aside = now;
            if let Err(failure) = self.put_aside(progress) {
                self.failure = Some(failure);
                return ControlFlow::Break(());
            }
        }
        let share = progress.step as f64 / progress.steps as f64;
        match self.watch.goes_on(&format!("loss {:.3e}", self.loss), share) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }

    fn put_aside(&self, progress: &Progress<'_>) -> Result<(), Failure> {
        let Some(folder) = self.folder else { return Ok(()) };
        let bytes = progress.checkpoint().and_then(|checkpoint| Ok(checkpoint.to_bytes()?));
        let bytes = bytes.map_err(|e| Failure::Computation(format!("the training cannot be put aside: {e}")))?;
        folder.write(MODEL, |to| to.write_all(&bytes)).map(|_| ()).map_err(|error: WriteError| error.into())
    }

    /// What it cost, or why it could not be put aside.
    pub(super) fn timing(self) -> Result<Timing, Failure> {
        match self.failure {
            Some(failure) => Err(failure),
            None => {
                let first = self.first.unwrap_or(self.last);
                let behind = f64::from(self.steps.saturating_sub(1).max(1));
                Ok(Timing {
                    seconds: self.began.elapsed().as_secs_f64(),
                    startup: (first - self.began).as_secs_f64(),
                    step: (self.last - first).as_secs_f64() / behind,
                })
            }
        }
    }
}
