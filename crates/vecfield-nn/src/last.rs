//! What the last evaluations of a network left for pullbacks at the same places.
//!
//! A solve asks for these and takes those of the steps it accepts. A record is the time, the state, the rate there, and what the
//! layers [keep](crate::Layer::keep) of their tape.

use vecfield_kernels::LayerMath;

/// The records of so many evaluations, in a ring.
#[derive(Debug, Clone)]
pub(crate) struct Last<R> {
    records: Vec<Record<R>>,
    at: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Record<R> {
    numbers: Vec<R>,
    /// Of a state, and of the whole record.
    n: usize,
    len: usize,
    /// Has it been written, and not been taken?
    there: bool,
}

impl<R: LayerMath> Last<R> {
    /// Of no evaluations.
    pub(crate) fn none() -> Last<R> {
        Last { records: Vec::new(), at: 0 }
    }

    /// Of the last `count` evaluations from now on, at states of `n` numbers, with `kept` numbers of the layers.
    pub(crate) fn keep(&mut self, count: usize, n: usize, kept: usize) {
        if self.records.len() != count {
            self.records.clear();
            let empty = || Record { numbers: Vec::new(), n, len: 1 + 2 * n + kept, there: false };
            self.records.resize_with(count, empty);
            self.at = 0;
        }
    }

    /// The record to be written next, in place of the oldest; `None` if none are kept.
    pub(crate) fn next(&mut self) -> Option<&mut Record<R>> {
        let count = self.records.len();
        let record = self.records.get_mut(self.at)?;
        self.at = (self.at + 1) % count;
        Some(record)
    }

    /// Exchanges `record` for that of an evaluation that gave `dy`, if there is one.
    pub(crate) fn take(&mut self, dy: &[R], record: &mut Vec<R>) -> bool {
        let gave = |record: &&mut Record<R>| record.there && record.numbers[1 + record.n..][..record.n] == *dy;
        let Some(found) = self.records.iter_mut().find(gave) else { return false };
        core::mem::swap(&mut found.numbers, record);
        found.there = false;
        true
    }
}

impl<R: LayerMath> Record<R> {
    /// Of an evaluation at `(t, y)` that gave `dy`: the room for what the layers keep.
    pub(crate) fn write(&mut self, (t, y): (R, &[R]), dy: &[R]) -> &mut [R] {
        self.numbers.resize(self.len, R::zero());
        self.there = true;
        let (place, kept) = self.numbers.split_at_mut(1 + 2 * self.n);
        place[0] = t;
        place[1..=self.n].copy_from_slice(y);
        place[1 + self.n..].copy_from_slice(dy);
        kept
    }
}

/// The rate in a record, and what the layers kept, if it was made at the state `y`, and at the time `t` if that counts.
pub(crate) fn left_at<'a, R: LayerMath>(record: &'a [R], t: Option<R>, y: &[R]) -> Option<(&'a [R], &'a [R])> {
    let (place, kept) = record.split_at_checked(1 + 2 * y.len())?;
    let (state, dy) = place[1..].split_at(y.len());
    (state == y && t.is_none_or(|t| t == place[0])).then_some((dy, kept))
}
