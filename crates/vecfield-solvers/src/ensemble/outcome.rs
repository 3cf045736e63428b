//! What an ensemble leaves behind: states of every member, and how each ended.

use crate::event::Occurrence;
use crate::stepper::Stats;
use crate::{Ending, SolveError};

use super::{F64Lanes, Rows};

/// The states of all members at the times kept, and how each of them ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EnsembleSolution {
    /// `[member, row, component]`: one row a save time, or the end alone. Rows that a member did not reach are NaN.
    pub y: Vec<f64>,
    /// Rows a member.
    pub rows: usize,
    /// Components of a state.
    pub dim: usize,
    /// How each member ended, in their order.
    pub outcomes: Vec<Outcome>,
}

/// How one member of an ensemble ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// How it ended, or why it stopped early.
    pub ending: Result<Ending, SolveError>,
    /// The time it came to.
    pub t: f64,
    /// The work it took, as much as that of a solve on its own.
    pub stats: Stats,
    /// The events that happened, in order.
    pub events: Vec<Occurrence<f64>>,
}

impl EnsembleSolution {
    /// Nothing solved yet.
    pub(super) fn blank(members: usize, rows: usize, dim: usize) -> EnsembleSolution {
        let not_begun = Outcome::ended(Stats::default(), f64::NAN, Ending::Stopped);
        EnsembleSolution { y: vec![f64::NAN; members * rows * dim], rows, dim, outcomes: vec![not_begun; members] }
    }

    /// The rows of a member, `[row, component]`.
    ///
    /// # Panics
    ///
    /// If there is no such member.
    pub fn member(&self, index: usize) -> &[f64] {
        let size = self.rows * self.dim;
        &self.y[index * size..][..size]
    }

    /// The state of a member in one row.
    ///
    /// # Panics
    ///
    /// If there is no such member or row.
    pub fn state(&self, member: usize, row: usize) -> &[f64] {
        &self.member(member)[row * self.dim..][..self.dim]
    }

    /// The members that stopped early, with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &SolveError)> {
        self.outcomes.iter().enumerate().filter_map(|(i, outcome)| Some((i, outcome.ending.as_ref().err()?)))
    }

    /// The work of all members together.
    pub fn stats(&self) -> Stats {
        let mut total = Stats::default();
        for Outcome { stats, .. } in &self.outcomes {
            total.steps += stats.steps;
            total.rejected += stats.rejected;
            total.rhs_evals += stats.rhs_evals;
            total.jacobian_evals += stats.jacobian_evals;
            total.factorizations += stats.factorizations;
        }
        total
    }
}

impl Outcome {
    pub(super) fn ended(stats: Stats, t: f64, ending: Ending) -> Outcome {
        Outcome { ending: Ok(ending), t, stats, events: Vec::new() }
    }

    pub(super) fn failed(stats: Stats, t: f64, error: SolveError) -> Outcome {
        Outcome { ending: Err(error), t, stats, events: Vec::new() }
    }
}

/// Where the members of one batch write their rows.
pub(super) struct Sheet<'a> {
    pub(super) rows: Rows<'a>,
    pub(super) dim: usize,
    /// Rows a member.
    count: usize,
    /// `[member, row, component]` of this batch.
    y: &'a mut [f64],
    outcomes: &'a mut [Outcome],
    /// Members that have ended since somebody asked.
    finished: usize,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(rows: Rows<'a>, dim: usize, y: &'a mut [f64], outcomes: &'a mut [Outcome]) -> Self {
        Sheet { rows, dim, count: rows.count(), y, outcomes, finished: 0 }
    }

    /// Keeps the rows that fall on the beginning; how many are they?
    pub(super) fn keep_beginning(&mut self, member: usize, t0: f64, y0: &[f64]) -> usize {
        let Rows::At(times) = self.rows else { return 0 };
        let rows = times.iter().take_while(|&&t| t == t0).count();
        for row in 0..rows {
            self.row(member, row).copy_from_slice(y0);
        }
        rows
    }

    /// Keeps the end, if it is the end that is asked for.
    pub(super) fn keep_end(&mut self, member: usize, y: &[f64]) {
        if self.rows == Rows::End {
            self.row(member, 0).copy_from_slice(y);
        }
    }

    /// The time of a row; infinite, in the direction of the solve, behind the last.
    pub(super) fn due(&self, row: usize, direction: f64) -> f64 {
        match self.rows {
            Rows::At(times) => times.get(row).copied().unwrap_or(direction * f64::INFINITY),
            Rows::End => direction * f64::INFINITY,
        }
    }

    /// Copies one lane into a row; is it finite?
    pub(super) fn keep(&mut self, member: usize, row: usize, states: &[F64Lanes], lane: usize) -> bool {
        let mut finite = true;
        for (x, lanes) in self.row(member, row).iter_mut().zip(states) {
            *x = lanes.0[lane];
            finite &= x.is_finite();
        }
        finite
    }

    /// The component of a row that is not finite; the row is then struck out.
    pub(super) fn not_finite(&mut self, member: usize, row: usize) -> usize {
        let row = self.row(member, row);
        let component = row.iter().position(|x| !x.is_finite()).unwrap_or(0);
        row.fill(f64::NAN);
        component
    }

    /// All rows of a member from this one on.
    pub(super) fn rows_from(&mut self, member: usize, row: usize) -> &mut [f64] {
        &mut self.y[(member * self.count + row) * self.dim..(member + 1) * self.count * self.dim]
    }

    fn row(&mut self, member: usize, row: usize) -> &mut [f64] {
        &mut self.y[(member * self.count + row) * self.dim..][..self.dim]
    }

    pub(super) fn end(&mut self, member: usize, outcome: Outcome) {
        self.outcomes[member] = outcome;
        self.finished += 1;
    }

    /// How many members have ended since this was last asked.
    pub(super) fn take_finished(&mut self) -> usize {
        core::mem::take(&mut self.finished)
    }
}
