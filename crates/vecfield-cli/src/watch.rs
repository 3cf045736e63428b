//! What a long job is watched by: progress on a terminal, Ctrl-C, a limit of seconds.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::context::Context;
use crate::failure::Failure;

/// Nobody waits for a bar for less.
const PATIENCE: Duration = Duration::from_millis(500);
/// What stands below the bar is made anew no more often.
const REFRESH: Duration = Duration::from_millis(200);
/// The bar; what stands below comes as the prefix, with the line break before it.
const TEMPLATE: &str = "{msg:24} {wide_bar} {percent:>3} % {elapsed}, {eta} left{prefix}";

/// Watches one job. Jobs ask it at every boundary whether to go on.
#[derive(Debug)]
pub(crate) struct Watch {
    bar: Option<ProgressBar>,
    /// When that below the bar was made.
    below: Mutex<Option<Instant>>,
    began: Instant,
    limit: Option<Duration>,
    interrupted: Arc<AtomicBool>,
    cut: AtomicBool,
}

impl Watch {
    /// Begins to watch: from here on the first Ctrl-C asks the job to stop, the second ends the program.
    ///
    /// # Errors
    ///
    /// [`Failure::Argument`] for a limit that is no time, and for a system that does not report Ctrl-C.
    pub(crate) fn new(context: &Context, seconds: Option<f64>) -> Result<Self, Failure> {
        let limit = seconds.map(Duration::try_from_secs_f64).transpose();
        let limit =
            limit.map_err(|e| Failure::Argument(format!("--seconds: {e}; give a number of seconds above zero")))?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        let handled = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                // 128 + SIGINT, as shells say it.
                std::process::exit(130);
            }
        });
        handled.map_err(|e| Failure::Argument(format!("cannot listen to Ctrl-C: {e}")))?;
        let bar = (!context.quiet && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template(TEMPLATE);
            let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr_with_hz(10));
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        let (began, below, cut) = (Instant::now(), Mutex::new(None), AtomicBool::new(false));
        Ok(Self { bar, below, began, limit, interrupted, cut })
    }

    /// Shows how far `stage` is, from 0 to 1, and says whether the job goes on.
    pub(crate) fn goes_on(&self, stage: &str, share: f64) -> bool {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.began.elapsed() > PATIENCE) {
            bar.set_message(stage.to_string());
            bar.set_position((share.clamp(0.0, 1.0) * 1000.0) as u64);
        }
        let stop =
            self.interrupted.load(Ordering::Relaxed) || self.limit.is_some_and(|limit| self.began.elapsed() > limit);
        if stop {
            self.cut.store(true, Ordering::Relaxed);
        }
        !stop
    }

    /// The same with lines below the bar, made for a terminal of so many rows and columns; nothing is made where there is none.
    pub(crate) fn goes_on_with_lines(&self, stage: &str, share: f64, lines: impl FnOnce(u16, u16) -> String) -> bool {
        let mut below = self.below.lock().unwrap_or_else(PoisonError::into_inner);
        let due = self.began.elapsed() > PATIENCE && below.is_none_or(|made| made.elapsed() > REFRESH);
        if let Some(bar) = self.bar.as_ref().filter(|_| due) {
            let (rows, columns) = Term::stderr().size();
            bar.set_prefix(format!("\n{}", lines(rows, columns).trim_end()));
            *below = Some(Instant::now());
        }
        drop(below);
        self.goes_on(stage, share)
    }

    /// Was the job told to stop before it was done?
    pub(crate) fn cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
