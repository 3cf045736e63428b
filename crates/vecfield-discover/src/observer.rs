//! Progress and cancellation, which the caller owns: this crate reads no clock.

use crate::ledger::Ledger;
pub use vecfield_sindy::Progress;

/// Watches a discovery, and may cut it short.
pub trait Observer: Sync {
    /// Called before every candidate, from any thread; `false` cuts the run at the next boundary.
    fn goes_on(&self, progress: Progress) -> bool;

    /// Where what is found out is kept, for a run that goes on later; `None` for nowhere.
    fn ledger(&self) -> Option<&Ledger> {
        None
    }
}

/// Watches nothing and never cuts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn goes_on(&self, _progress: Progress) -> bool {
        true
    }
}

/// A part of the work, as its own whole: shares from 0 to 1 become those of `from..to`.
pub(crate) struct Part<'a> {
    pub(crate) of: &'a dyn Observer,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Observer for Part<'_> {
    fn goes_on(&self, progress: Progress) -> bool {
        let share = self.from + (self.to - self.from) * progress.share.clamp(0.0, 1.0);
        self.of.goes_on(Progress { share, ..progress })
    }

    fn ledger(&self) -> Option<&Ledger> {
        self.of.ledger()
    }
}

/// Asks the observer on, from inside the work of one candidate.
#[derive(Clone, Copy)]
pub struct Pulse<'a> {
    observer: &'a dyn Observer,
    progress: Progress,
}

impl<'a> Pulse<'a> {
    /// A pulse that reports `progress`.
    pub fn new(observer: &'a dyn Observer, progress: Progress) -> Self {
        Self { observer, progress }
    }

    /// A pulse that never stops.
    pub fn unobserved() -> Self {
        Self { observer: &Unobserved, progress: Progress { stage: "", share: 0.0 } }
    }

    /// Does the work go on?
    pub fn goes_on(self) -> bool {
        self.observer.goes_on(self.progress)
    }

    /// Where what is found out is kept.
    pub(crate) fn ledger(self) -> Option<&'a Ledger> {
        self.observer.ledger()
    }

    /// The answer in the form that a fit's observer gives.
    pub(crate) fn flow(self) -> core::ops::ControlFlow<()> {
        if self.goes_on() { core::ops::ControlFlow::Continue(()) } else { core::ops::ControlFlow::Break(()) }
    }
}
