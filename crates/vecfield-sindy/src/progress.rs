//! Progress and cancellation, which the caller owns: this crate reads no clock.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is being done, in a few words.
    pub stage: &'static str,
    /// The share of the whole work that is done, from 0 to 1.
    pub share: f64,
}

/// Told where a fit stands, from any thread; `false` cuts it short.
pub type GoesOn<'a> = dyn Fn(Progress) -> bool + Sync + 'a;

/// What a fit asks whether it goes on. Once it was told to stop it is not asked again.
pub(crate) struct Pulse<'a> {
    goes_on: &'a GoesOn<'a>,
    last: Mutex<Progress>,
    cut: AtomicBool,
}

impl<'a> Pulse<'a> {
    pub(crate) fn new(goes_on: &'a GoesOn<'a>) -> Self {
        Self { goes_on, last: Mutex::new(Progress { stage: "", share: 0.0 }), cut: AtomicBool::new(false) }
    }

    /// Tells where the fit is, and asks.
    pub(crate) fn tell(&self, stage: &'static str, share: f64) -> bool {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Progress { stage, share };
        self.goes_on()
    }

    /// Asks again.
    pub(crate) fn goes_on(&self) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_cut() && !(self.goes_on)(last) {
            self.cut.store(true, Ordering::Relaxed);
        }
        !self.is_cut()
    }

    /// Was it told to stop?
    pub(crate) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }
}
