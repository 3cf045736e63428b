//! Progress and cancellation, which the caller owns: this crate reads no clock.

/// Where a discovery stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is being done, in a few words.
    pub stage: &'static str,
    /// The share of the whole work that is done, from 0 to 1.
    pub share: f64,
}

/// Watches a discovery, and may cut it short.
pub trait Observer: Sync {
    /// Called before every candidate, from any thread; `false` cuts the run at the next boundary.
    fn goes_on(&self, progress: Progress) -> bool;
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
}
