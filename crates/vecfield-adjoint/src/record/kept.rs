//! What the evaluations of a solve left for pullbacks, step by step.

use core::ops::Range;

use vecfield_solvers::stepper::Formula;
use vecfield_solvers::tableau::Tableau;
use vecfield_traits::{Real, Vjp};

use crate::reverse::Taken;

/// The records of consecutive steps of explicit methods, a stage each. A stage that is the last of one step and the first of the
/// next has one.
#[derive(Debug, Clone)]
pub(super) struct Kept<R> {
    /// Never shortened: the first `used` count.
    records: Vec<Vec<R>>,
    used: usize,
    /// The step of the first place.
    first: usize,
    places: Vec<Range<usize>>,
    /// The method whose step ended with the first stage of the next.
    joins: Option<&'static Tableau>,
    /// Numbers in all records, and in those that the field itself holds.
    numbers: usize,
    held: usize,
}

impl<R> Default for Kept<R> {
    fn default() -> Kept<R> {
        Kept { records: Vec::new(), used: 0, first: 0, places: Vec::new(), joins: None, numbers: 0, held: 0 }
    }
}

impl<R: Real> Kept<R> {
    /// Begins anew with step `first`; memory stays.
    pub(super) fn clear(&mut self, first: usize) {
        (self.used, self.first, self.joins) = (0, first, None);
        self.places.clear();
    }

    /// Gives the memory back.
    pub(super) fn release(&mut self) {
        *self = Kept::default();
    }

    /// The next step does not begin where the last one ended.
    pub(super) fn part(&mut self) {
        self.joins = None;
    }

    /// The bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        (self.numbers + self.held) * size_of::<R>()
            + self.records.capacity() * size_of::<Vec<R>>()
            + self.places.capacity() * size_of::<Range<usize>>()
    }

    /// The records of a step, in the order of its stages; empty if it has none.
    pub(super) fn get(&self, step: usize) -> &[Vec<R>] {
        let place = step.checked_sub(self.first).and_then(|index| self.places.get(index));
        place.map_or(&[], |place| &self.records[place.clone()])
    }

    /// Takes from the field what it has left at the stages of the step just taken, and lets it go on; false, and nothing kept, for
    /// a field that leaves nothing.
    pub(super) fn take<F: Vjp<R>>(&mut self, (field, work): (&F, &mut F::Workspace), step: &Taken<'_, R>) -> bool {
        let Formula::Explicit(tableau) = step.formula else {
            self.joins = None;
            if self.places.is_empty() {
                self.first += 1
            } else {
                self.places.push(0..0)
            }
            return true;
        };
        // The slots of a step, and the stage it shares with the one before.
        let last = tableau.slots() + 1;
        if !field.keep(last, work) {
            return false;
        }
        let joined = self.joins.is_some_and(|before| core::ptr::eq(before, tableau));
        let start = self.used - usize::from(joined);
        for rate in step.stages.chunks_exact(step.y.len()).skip(usize::from(joined)) {
            self.push(rate, field, work);
        }
        let each = self.records[start..self.used].iter().map(Vec::len).max();
        self.held = last * each.unwrap_or(0);
        self.joins = tableau.first_same_as_last().then_some(tableau);
        self.places.push(start..self.used);
        true
    }

    /// Takes what the evaluation with this result left, if it is still there.
    fn push<F: Vjp<R>>(&mut self, rate: &[R], field: &F, work: &mut F::Workspace) {
        if self.used == self.records.len() {
            self.records.push(Vec::new());
        }
        let record = &mut self.records[self.used];
        self.numbers -= record.capacity();
        if !field.take_kept(rate, record, work) {
            record.clear();
        }
        self.numbers += record.capacity();
        self.used += 1;
    }
}
