//! What a batch leaves behind.

use core::ops::Range;

use vecfield_traits::Real;

use super::{BatchMember, BatchOutcome};
use crate::{SolveError, Stats};

/// The states that members keep, and how they ended.
#[derive(Debug, Clone)]
pub(super) struct Kept<R> {
    pub(super) states: Vec<R>,
    /// Where each member's states end.
    ends: Vec<usize>,
    pub(super) outcomes: Vec<BatchOutcome<R>>,
}

impl<R> Default for Kept<R> {
    fn default() -> Self {
        Kept { states: Vec::new(), ends: Vec::new(), outcomes: Vec::new() }
    }
}

impl<R: Real> Kept<R> {
    /// Makes room for these members, of which nothing is known.
    pub(super) fn clear(&mut self, members: &[BatchMember<'_, R>], width: usize) {
        self.ends.clear();
        let mut end = 0;
        for member in members {
            end += width * member.save.len().max(1);
            self.ends.push(end);
        }
        self.states.clear();
        self.states.resize(end, R::from_f64(f64::NAN));
        self.outcomes.clear();
        let begun =
            |member: &BatchMember<'_, R>| BatchOutcome { ending: Ok(()), t: member.span.0, stats: Stats::default() };
        self.outcomes.extend(members.iter().map(begun));
    }

    pub(super) fn range(&self, member: usize) -> Range<usize> {
        let start = if member == 0 { 0 } else { self.ends[member - 1] };
        start..self.ends[member]
    }

    /// The place of one state.
    pub(super) fn state(&mut self, member: usize, index: usize, width: usize) -> &mut [R] {
        let start = self.range(member).start + index * width;
        &mut self.states[start..start + width]
    }

    pub(super) fn end(&mut self, member: usize, ending: Result<(), SolveError>, t: R, stats: Stats) {
        self.outcomes[member] = BatchOutcome { ending, t, stats };
    }
}
