//! Progress and cancellation, which the caller owns: this crate reads no clock.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is being done, in a few words.
    pub stage: &'static str,
    /// The share of the whole work that is done, from 0 to 1.
    pub share: f64,
}

/// Told where a fit stands, from any thread, by one at a time, with shares that never fall; `false` cuts it short.
pub type GoesOn<'a> = dyn Fn(Progress) -> bool + Sync + 'a;

/// What a fit asks whether it goes on. Once it was told to stop it is not asked again.
pub(crate) struct Pulse<'a> {
    goes_on: &'a GoesOn<'a>,
    stand: Mutex<Stand>,
    cut: AtomicBool,
}

struct Stand {
    last: Progress,
    /// The share of the whole at which the present part began.
    begun: f64,
}

impl<'a> Pulse<'a> {
    pub(crate) fn new(goes_on: &'a GoesOn<'a>) -> Self {
        let stand = Stand { last: Progress { stage: "", share: 0.0 }, begun: 0.0 };
        Self { goes_on, stand: Mutex::new(stand), cut: AtomicBool::new(false) }
    }

    /// What was done until now was the share `done` of the whole: shares told from here on are of the rest.
    pub(crate) fn rest_from(&self, done: f64) {
        self.stand().begun = done;
    }

    /// Tells where the fit is, and asks.
    pub(crate) fn tell(&self, stage: &'static str, share: f64) -> bool {
        let mut stand = self.stand();
        let share = stand.begun + (1.0 - stand.begun) * share;
        // A thread that was held up tells less than another one has told since.
        stand.last = Progress { stage, share: share.max(stand.last.share) };
        self.ask(&stand)
    }

    /// Asks again.
    pub(crate) fn goes_on(&self) -> bool {
        self.ask(&self.stand())
    }

    /// While the stand is held, lest another thread's tale overtakes this one.
    fn ask(&self, stand: &Stand) -> bool {
        if !self.is_cut() && !(self.goes_on)(stand.last) {
            self.cut.store(true, Ordering::Relaxed);
        }
        !self.is_cut()
    }

    fn stand(&self) -> MutexGuard<'_, Stand> {
        self.stand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Was it told to stop?
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }
}
