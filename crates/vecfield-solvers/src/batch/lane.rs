//! The rows of a batch that have not ended, and a step of all of them.

use core::ops::Range;

use vecfield_traits::{BatchRows, Real};

use super::group::Group;
use super::outcome::Kept;
use super::plan::{Plan, combine_each, stage_points, weighted};
use super::{BatchMember, BatchStep, BatchWitness, KeptState};
use crate::clock::{Clock, Leg};
use crate::combine::Term;
use crate::controller::{Past, logarithm_of_root};
use crate::explicit::Estimate;
use crate::initial::Look;
use crate::stepper::{Culprit, first_not_finite, worst};
use crate::{SolveError, Stats};

/// One row: where it is in time, and what its controller remembers.
#[derive(Debug, Clone)]
pub(super) struct Lane<R> {
    pub(super) member: usize,
    pub(super) clock: Clock<R>,
    past: Past<R>,
    /// The next of the member's save times.
    pub(super) due: usize,
    pub(super) stats: Stats,
}

impl<R: Real> Lane<R> {
    /// A member at its beginning, with a clock yet to be set.
    pub(super) fn new(member: usize, t: R, plan: &Plan<R>) -> Lane<R> {
        Lane { member, clock: Clock::at(t), past: plan.law.beginning(), due: 0, stats: Stats::default() }
    }
}

/// All rows, side by side.
#[derive(Debug, Clone)]
pub(super) struct Lanes<R> {
    pub(super) lanes: Vec<Lane<R>>,
    /// The member of each row.
    pub(super) member: Vec<usize>,
    /// Where each row's step begins and ends, and its size.
    pub(super) t: Vec<R>,
    pub(super) ends: Vec<R>,
    pub(super) h: Vec<R>,
    /// The size of a row's step, once for each of its numbers.
    each: Vec<R>,
    /// When a slot is evaluated.
    at: Vec<R>,
    pub(super) accepted: Vec<bool>,
    factor: Vec<R>,
    /// Sums of squares of each row's errors, then the square of its error ratio.
    squares: Vec<[R; 2]>,
    /// `[slots, rows, width]`: where slots are evaluated, and the rates there.
    pub(super) states: Vec<R>,
    pub(super) rates: Vec<R>,
    errors: Vec<R>,
    pub(super) kept: Vec<KeptState<R>>,
    /// The rows that keep states inside their step.
    pub(super) inside: Vec<usize>,
    /// The component of each row that is not finite in one of them.
    pub(super) broken: Vec<Option<usize>>,
    pub(super) looks: Vec<(usize, Look<R>)>,
    pub(super) group: Group<R>,
}

impl<R: Real> Lanes<R> {
    pub(super) fn new() -> Lanes<R> {
        Lanes {
            lanes: Vec::new(),
            member: Vec::new(),
            t: Vec::new(),
            ends: Vec::new(),
            h: Vec::new(),
            each: Vec::new(),
            at: Vec::new(),
            accepted: Vec::new(),
            factor: Vec::new(),
            squares: Vec::new(),
            states: Vec::new(),
            rates: Vec::new(),
            errors: Vec::new(),
            kept: Vec::new(),
            inside: Vec::new(),
            broken: Vec::new(),
            looks: Vec::new(),
            group: Group::new(),
        }
    }

    /// No rows, and room for so many.
    pub(super) fn clear(&mut self, plan: &Plan<R>, rows: usize) {
        self.lanes.clear();
        self.member.clear();
        self.broken.clear();
        self.accepted.clear();
        let numbers = plan.tableau.slots() * rows * plan.width;
        for buffer in [&mut self.states, &mut self.rates] {
            buffer.resize(numbers.max(buffer.len()), R::zero());
        }
    }

    /// Adds a row.
    pub(super) fn enter(&mut self, lane: Lane<R>, y: &[R]) {
        let start = self.lanes.len() * y.len();
        self.states[start..start + y.len()].copy_from_slice(y);
        self.member.push(lane.member);
        self.lanes.push(lane);
    }

    /// Takes a row out; the last takes its place.
    pub(super) fn leave(&mut self, plan: &Plan<R>, row: usize) {
        let last = self.lanes.len() - 1;
        for buffer in [&mut self.states, &mut self.rates] {
            buffer.copy_within(place(plan, last), row * plan.width);
        }
        self.member.swap_remove(row);
        self.lanes.swap_remove(row);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Numbers in a slot.
    pub(super) fn numbers(&self, plan: &Plan<R>) -> usize {
        self.lanes.len() * plan.width
    }

    /// Tries a step of every row.
    pub(super) fn attempt(&mut self, plan: &Plan<R>, witness: &mut dyn BatchWitness<R>) {
        let (n, end) = (self.numbers(plan), plan.tableau.end_slot());
        self.set_steps(plan);
        for slot in 1..=end {
            let (known, unknown) = self.states.split_at_mut(slot * n);
            let (y, state, rates) = (&known[..n], &mut unknown[..n], &self.rates[..slot * n]);
            if slot < end {
                stage_points(y, &self.each, &plan.rows[slot], rates, state);
            } else {
                combine_each(y, &self.each, &plan.rows[end], rates, state);
            }
            if slot < end || !plan.ends_apart() {
                self.eval(plan, slot, witness);
            }
        }
        self.measure(plan);
        if plan.ends_apart() {
            self.eval_end(plan, witness);
        }
        self.judge(plan);
    }

    fn set_steps(&mut self, plan: &Plan<R>) {
        for buffer in [&mut self.t, &mut self.ends, &mut self.h, &mut self.each] {
            buffer.clear();
        }
        for lane in &self.lanes {
            let (end, h) = lane.clock.trial();
            self.t.push(lane.clock.t);
            self.ends.push(end);
            self.h.push(h);
            self.each.extend(core::iter::repeat_n(h, plan.width));
        }
    }

    /// The rates of a slot at the states of all rows.
    fn eval(&mut self, plan: &Plan<R>, slot: usize, witness: &mut dyn BatchWitness<R>) {
        let (n, time) = (self.numbers(plan), plan.times[slot]);
        self.at.clear();
        self.at.extend(self.t.iter().zip(&self.h).map(|(&t, &h)| t + time * h));
        let rows = BatchRows { member: &self.member, t: &self.at, y: &self.states[slot * n..][..n] };
        witness.eval(slot, rows, &mut self.rates[slot * n..][..n]);
        self.lanes.iter_mut().for_each(|lane| lane.stats.rhs_evals += 1);
    }

    /// The squares of the error ratios.
    fn measure(&mut self, plan: &Plan<R>) {
        self.squares.clear();
        self.squares.resize(self.lanes.len(), [R::zero(); 2]);
        match &plan.error {
            Estimate::None => self.check_finite(plan),
            Estimate::Embedded(weights) => self.add_squares(plan, weights, 0),
            Estimate::Pair { higher, lower } => {
                self.add_squares(plan, higher, 0);
                self.add_squares(plan, lower, 1);
            }
        }
        for (squares, &h) in self.squares.iter_mut().zip(&self.h) {
            squares[0] = plan.error.squared_ratio(h, plan.width, *squares);
        }
    }

    /// Zero times a finite number is zero, else NaN.
    fn check_finite(&mut self, plan: &Plan<R>) {
        let n = self.numbers(plan);
        let ends = &self.states[plan.tableau.end_slot() * n..][..n];
        for (squares, end) in self.squares.iter_mut().zip(ends.chunks_exact(plan.width.max(1))) {
            end.iter().for_each(|y| squares[0] += *y * R::zero());
        }
    }

    fn add_squares(&mut self, plan: &Plan<R>, weights: &[Term<R>], which: usize) {
        let (n, width) = (self.numbers(plan), plan.width);
        self.errors.resize(n, R::zero());
        weighted(weights, &self.rates, &mut self.errors);
        let (y, y_new) = (&self.states[..n], &self.states[plan.tableau.end_slot() * n..][..n]);
        for (row, squares) in self.squares.iter_mut().enumerate() {
            let at = row * width;
            let ratio = |i: usize| self.errors[at + i] / plan.norm.scale(i, y[at + i], y_new[at + i]);
            squares[which] = plan.norm.sum_of_squares(width, ratio);
        }
    }

    /// The rates at the ends of the steps that are good, for methods without a stage there.
    fn eval_end(&mut self, plan: &Plan<R>, witness: &mut dyn BatchWitness<R>) {
        let (n, end) = (self.numbers(plan), plan.tableau.end_slot());
        let good = |squares: &[R; 2]| squares[0] <= R::one();
        if self.squares.iter().all(good) {
            self.eval(plan, end, witness);
        } else {
            self.group.clear();
            for row in (0..self.lanes.len()).filter(|&row| good(&self.squares[row])) {
                let y = &self.states[end * n..][place(plan, row)];
                self.group.push(self.member[row], self.t[row] + self.h[row], y.iter().copied());
                self.lanes[row].stats.rhs_evals += 1;
            }
            self.group.eval(end, witness);
            let mut from = self.group.rates.chunks_exact(plan.width.max(1));
            for row in (0..self.lanes.len()).filter(|&row| good(&self.squares[row])) {
                if let Some(rates) = from.next() {
                    self.rates[end * n..][place(plan, row)].copy_from_slice(rates);
                }
            }
        }
        for (row, squares) in self.squares.iter_mut().enumerate() {
            if squares[0] <= R::one() {
                let rates = &self.rates[end * n..][place(plan, row)];
                squares[0] += rates.iter().fold(R::zero(), |sum, k| sum + *k * R::zero());
            }
        }
    }

    /// Which steps are accepted, and how large the next ones are.
    fn judge(&mut self, plan: &Plan<R>) {
        self.accepted.clear();
        self.factor.clear();
        for (lane, &[square, _]) in self.lanes.iter_mut().zip(&self.squares) {
            self.accepted.push(square <= R::one());
            if plan.options.step.is_some() {
                self.factor.push(R::one());
                continue;
            }
            let factor;
            (factor, lane.past) = plan.law.factor(lane.past, square, logarithm_of_root(square));
            self.factor.push(factor);
        }
    }

    /// The step just tried.
    pub(super) fn step(&self, plan: &Plan<R>) -> BatchStep<'_, R> {
        let numbers = plan.tableau.slots() * self.numbers(plan);
        BatchStep {
            member: &self.member,
            t: &self.t,
            h: &self.h,
            accepted: &self.accepted,
            states: &self.states[..numbers],
            kept: &self.kept,
        }
    }

    /// Goes to the ends of the steps accepted, and lets go of the rows that have ended.
    pub(super) fn advance(&mut self, plan: &Plan<R>, members: &[BatchMember<'_, R>], kept: &mut Kept<R>) {
        let (n, end) = (self.numbers(plan), plan.tableau.end_slot());
        for row in 0..self.lanes.len() {
            let (lane, h, factor) = (&mut self.lanes[row], self.h[row], self.factor[row]);
            if !self.accepted[row] {
                lane.stats.rejected += 1;
                lane.clock.reject(h, factor);
                continue;
            }
            lane.stats.steps += 1;
            lane.clock.accept(&Leg { start: self.t[row], end: self.ends[row], h, factor });
            let Range { start, end: stop } = place(plan, row);
            for buffer in [&mut self.states, &mut self.rates] {
                buffer.copy_within(end * n + start..end * n + stop, start);
            }
        }
        self.retire(plan, members, kept);
    }

    /// Lets go of the rows that are at their end, or can go no further.
    pub(super) fn retire(&mut self, plan: &Plan<R>, members: &[BatchMember<'_, R>], kept: &mut Kept<R>) {
        let n = self.numbers(plan);
        for row in (0..self.lanes.len()).rev() {
            let Some(ending) = self.ending(plan, n, row) else { continue };
            let Lane { member, ref clock, stats, .. } = self.lanes[row];
            if ending.is_ok() && members[member].save.is_empty() {
                kept.state(member, 0, plan.width).copy_from_slice(&self.states[place(plan, row)]);
            }
            kept.end(member, ending, clock.t, stats);
            self.leave(plan, row);
        }
    }

    /// How a row ends now, if it does; `n` numbers were in a slot of the last step.
    fn ending(&self, plan: &Plan<R>, n: usize, row: usize) -> Option<Result<(), SolveError>> {
        let Lane { clock, stats, .. } = &self.lanes[row];
        if let Some(component) = self.broken.get(row).copied().flatten() {
            let (t, step) = (self.t[row].to_f64(), self.h[row].to_f64());
            return Some(Err(SolveError::NotFinite { component, t, step, stage: None }));
        }
        if clock.done() {
            return Some(Ok(()));
        }
        let accepted = self.accepted.get(row).copied().unwrap_or(true);
        if clock.stuck(accepted) {
            return Some(Err(clock.failure(self.culprit(plan, n, row))));
        }
        let limit = plan.options.max_steps;
        (stats.steps + stats.rejected >= limit).then(|| {
            let (t, step) = (clock.t.to_f64(), clock.h.to_f64());
            Err(SolveError::TooManySteps { t, step, limit })
        })
    }

    /// The component that spoilt the last trial.
    fn culprit(&self, plan: &Plan<R>, n: usize, row: usize) -> Culprit {
        let (end, place) = (plan.tableau.end_slot(), place(plan, row));
        let ends = &self.states[end * n..][place.clone()];
        let rate = |stage: usize| first_not_finite(&self.rates[stage * n..][place.clone()]);
        let not_a_rate = (0..=end).find_map(|stage| rate(stage).map(|component| (Some(stage), component)));
        if let Some((stage, component)) =
            not_a_rate.or_else(|| first_not_finite(ends).map(|component| (None, component)))
        {
            return Culprit { stage, ..Culprit::not_finite(component) };
        }
        let (y, weights) = (&self.states[place.clone()], plan.error.leading().unwrap_or(&plan.rows[end]));
        worst(plan.width, |i| {
            let error = |sum: R, term: &Term<R>| sum + self.rates[term.slot * n + place.start + i] * term.weight;
            weights.iter().fold(R::zero(), error) / plan.norm.scale(i, y[i], ends[i])
        })
    }
}

/// A row in a slot.
pub(super) fn place<R>(plan: &Plan<R>, row: usize) -> Range<usize> {
    row * plan.width..(row + 1) * plan.width
}
