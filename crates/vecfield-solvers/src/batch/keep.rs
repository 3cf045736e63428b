//! States inside a step: each row keeps those that fall due in its own.

use vecfield_traits::Real;

use super::lane::{Lanes, place};
use super::outcome::Kept;
use super::plan::Plan;
use super::{BatchMember, BatchWitness, KeptState};
use crate::combine::Term;
use crate::stepper::first_not_finite;

impl<R: Real> Lanes<R> {
    /// Keeps the states that have fallen due.
    pub(super) fn keep(
        &mut self,
        plan: &Plan<R>,
        members: &[BatchMember<'_, R>],
        kept: &mut Kept<R>,
        witness: &mut dyn BatchWitness<R>,
    ) {
        self.find_due(members);
        self.broken.clear();
        self.broken.resize(self.lanes.len(), None);
        if plan.tableau.slots() > plan.tableau.end_slot() + 1 {
            self.extend(plan, witness);
        }
        let (n, end) = (self.numbers(plan), plan.tableau.end_slot());
        for state in &self.kept {
            let place = place(plan, state.row);
            let out = kept.state(self.member[state.row], state.index, plan.width);
            if state.theta == R::one() {
                out.copy_from_slice(&self.states[end * n..][place]);
                continue;
            }
            out.fill(R::zero());
            for slot in 0..plan.tableau.slots() {
                let weight = plan.tableau.interpolant.weight(slot, state.theta);
                if weight != R::zero() {
                    let rates = &self.rates[slot * n..][place.clone()];
                    out.iter_mut().zip(rates).for_each(|(out, rate)| *out += *rate * weight);
                }
            }
            let h = self.h[state.row];
            out.iter_mut().zip(&self.states[place]).for_each(|(out, y)| *out = *y + *out * h);
            if let Some(component) = first_not_finite(out) {
                out.fill(R::from_f64(f64::NAN));
                self.broken[state.row].get_or_insert(component);
            }
        }
    }

    /// The save times in the steps accepted.
    fn find_due(&mut self, members: &[BatchMember<'_, R>]) {
        self.kept.clear();
        for (row, lane) in self.lanes.iter_mut().enumerate().filter(|(row, _)| self.accepted[*row]) {
            let (t, h, end) = (self.t[row], self.h[row], self.ends[row]);
            let within = |due: R| if h < R::zero() { due >= end } else { due <= end };
            while let Some(&due) = members[lane.member].save.get(lane.due).filter(|due| within(**due)) {
                let theta = if due == end { R::one() } else { (due - t) / h };
                self.kept.push(KeptState { row, index: lane.due, theta });
                lane.due += 1;
            }
        }
    }

    /// The interpolant's own stages, of the rows that keep a state inside their step.
    fn extend(&mut self, plan: &Plan<R>, witness: &mut dyn BatchWitness<R>) {
        let n = self.numbers(plan);
        self.inside.clear();
        for state in self.kept.iter().filter(|state| state.theta != R::one()) {
            // The states of a row stand behind each other.
            if self.inside.last() != Some(&state.row) {
                self.inside.push(state.row);
            }
        }
        for slot in plan.tableau.end_slot() + 1..plan.tableau.slots() {
            self.group.clear();
            for &row in &self.inside {
                let place = place(plan, row);
                let (known, unknown) = self.states.split_at_mut(slot * n);
                let state = &mut unknown[place.clone()];
                point(&known[place.clone()], self.h[row], &plan.rows[slot], (n, place.start), &self.rates, state);
                let t = self.t[row] + plan.times[slot] * self.h[row];
                self.group.push(self.member[row], t, state.iter().copied());
                self.lanes[row].stats.rhs_evals += 1;
            }
            self.group.eval(slot, witness);
            for (&row, rates) in self.inside.iter().zip(self.group.rates.chunks_exact(plan.width.max(1))) {
                self.rates[slot * n..][place(plan, row)].copy_from_slice(rates);
            }
        }
    }
}

/// The state at which a stage of one row is evaluated, with the bits of [`stage_point`](crate::combine::stage_point); numbers of
/// a slot lie `n` apart, the row's begin at `at`.
fn point<R: Real>(y: &[R], h: R, terms: &[Term<R>], (n, at): (usize, usize), rates: &[R], out: &mut [R]) {
    let Some((last, older)) = terms.split_last() else { return out.copy_from_slice(y) };
    let weight = h * last.weight;
    for i in 0..y.len() {
        let sum = older.iter().fold(R::zero(), |sum, term| sum + rates[term.slot * n + at + i] * term.weight);
        out[i] = (y[i] + sum * h) + rates[last.slot * n + at + i] * weight;
    }
}
