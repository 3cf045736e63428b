//! What a run has found out, for one that goes on where it was cut short.
//!
//! A discovery is the same for the same data and options, step by step: one that is begun again with the ledger of one that was cut reads
//! there what was judged already, and ends with the same bits as if it had never been cut.

use crate::source::Formulas;
use core::convert::Infallible;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What was judged, and which formulas were found, under names that say of what.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Mutex<Entries>,
}

/// The entries of a [`Ledger`].
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Entries {
    /// Forecasts by candidate and origin.
    pub judged: BTreeMap<String, Judged>,
    /// Formulas by source.
    pub formulas: BTreeMap<String, Formulas>,
}

/// What came of a fit to the past of an origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The error of its forecast.
    pub error: f64,
    /// What the fit left of the past; `None` where there was none.
    pub cost: Option<f64>,
}

impl Ledger {
    /// A ledger that goes on with these entries.
    pub fn new(entries: Entries) -> Self {
        Self { entries: Mutex::new(entries) }
    }

    /// A copy of all there is.
    pub fn entries(&self) -> Entries {
        self.with(|entries| entries.clone())
    }

    /// A forecast, made unless it is known; `sure` says whether what was made is whole.
    pub(crate) fn judged(&self, name: String, make: impl FnOnce() -> Judged, sure: impl FnOnce() -> bool) -> Judged {
        let made = self.known(|entries| &mut entries.judged, name, || Ok::<_, Infallible>(make()), sure);
        made.unwrap_or_else(|never| match never {})
    }

    /// The formulas of a source, likewise.
    pub(crate) fn formulas<E>(
        &self,
        name: String,
        make: impl FnOnce() -> Result<Formulas, E>,
        sure: impl FnOnce() -> bool,
    ) -> Result<Formulas, E> {
        self.known(|entries| &mut entries.formulas, name, make, sure)
    }

    fn known<T: Clone, E>(
        &self,
        part: impl Fn(&mut Entries) -> &mut BTreeMap<String, T>,
        name: String,
        make: impl FnOnce() -> Result<T, E>,
        sure: impl FnOnce() -> bool,
    ) -> Result<T, E> {
        if let Some(known) = self.with(|entries| part(entries).get(&name).cloned()) {
            return Ok(known);
        }
        let made = make()?; // nobody waits for the lock meanwhile
        if sure() {
            self.with(|entries| part(entries).insert(name, made.clone()));
        }
        Ok(made)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Entries) -> T) -> T {
        work(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
