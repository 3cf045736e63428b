//! Which few columns out of thousands span a target: subsets grown one by one, the best of each size kept (a beam), all pairs tried.
//!
//! Adding a column `f` to columns with the orthonormal basis `Q` and the residual `r` leaves `‖r‖² - (r·f)² / (1 - ‖Qᵀf‖²)`: two dot
//! products for each of the first pairs, a few for larger sets.

use std::collections::HashSet;

use rayon::prelude::*;
use vecfield_kernels::dot;

use crate::weighted::Intercept;

/// Columns to choose from, centred where there is a number beside them, and of unit length.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    rows: usize,
    /// The roots of the rows' weights.
    scale: Vec<f64>,
    intercept: Intercept,
    /// `[columns, rows]`.
    unit: Vec<f64>,
    costs: Vec<usize>,
}

/// Some columns of a pool.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) columns: Vec<u32>,
    /// The share of the target's variance that they, and a number where there is one, leave over.
    pub(crate) left: f64,
    pub(crate) cost: usize,
}

/// How wide and how far to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Breadth {
    /// The most columns of a span.
    pub(crate) largest: usize,
    /// Spans of each size that are grown further.
    pub(crate) beam: usize,
    /// Columns, from the cheapest, of which all pairs are tried and with which spans grow.
    pub(crate) narrow: usize,
}

/// Spans that one thread grows at a time.
const CHUNK: usize = 128;
/// And between two looks whether the search goes on.
const PART: usize = 4 * CHUNK;
/// Spans that grow by any column.
const FAVOURED: usize = 150;

/// A part of a column that the basis does not have: less is rounding.
const INDEPENDENT: f64 = 1e-10;

/// A share of the variance that no better span could improve on.
const NOTHING: f64 = 1e-26;

impl Pool {
    /// No columns yet, of rows whose weights have these roots.
    pub(crate) fn new(scale: &[f64], intercept: Intercept) -> Pool {
        Pool { rows: scale.len(), scale: scale.to_vec(), intercept, unit: Vec::new(), costs: Vec::new() }
    }

    /// Adds a column; one that does not vary is zero, and in no span.
    pub(crate) fn push(&mut self, values: &[f64], cost: usize) {
        self.unit.extend(self.entered(values));
        self.costs.push(cost);
    }

    pub(crate) fn len(&self) -> usize {
        self.costs.len()
    }

    /// The first columns alone.
    pub(crate) fn cheapest(&self, count: usize) -> Pool {
        let count = count.min(self.len());
        Pool {
            rows: self.rows,
            scale: self.scale.clone(),
            intercept: self.intercept,
            unit: self.unit[..count * self.rows].to_vec(),
            costs: self.costs[..count].to_vec(),
        }
    }

    /// Centred and of unit length; zero where there is nothing but the mean.
    fn entered(&self, values: &[f64]) -> Vec<f64> {
        let mut unit = values.to_vec();
        self.intercept.enter(&mut unit, &self.scale);
        let length = norm(&unit);
        let scale = if length > 0.0 && length.is_finite() { 1.0 / length } else { 0.0 };
        unit.iter_mut().for_each(|x| *x *= scale);
        unit
    }

    fn column(&self, i: usize) -> &[f64] {
        &self.unit[i * self.rows..][..self.rows]
    }

    /// The best spans of each size for `target`, the smallest first, and within a size the best first.
    pub(crate) fn spans(&self, target: &[f64], breadth: Breadth, goes_on: &mut dyn FnMut() -> bool) -> Vec<Span> {
        self.spans_beside(None, target, breadth, goes_on)
    }

    /// The same beside one more column, which is in none of the spans and helps all.
    pub(crate) fn spans_beside(
        &self,
        beside: Option<&[f64]>,
        target: &[f64],
        breadth: Breadth,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Vec<Span> {
        let mut whole = target.to_vec();
        self.intercept.enter(&mut whole, &self.scale);
        let total = dot(&whole, &whole);
        if !(total > 0.0 && total.is_finite()) {
            return Vec::new();
        }
        let mut empty = State { columns: Vec::new(), basis: Vec::new(), residual: whole, left: total, cost: 0 };
        if let Some(beside) = beside {
            let Some(helped) = empty.with(&self.entered(beside)) else { return Vec::new() };
            empty = helped;
        }
        let narrow = breadth.narrow.min(self.len());
        let mut found = Vec::new();
        // All pairs, not only those of which one column is good alone.
        let singles: Vec<State> = (0..narrow).filter_map(|i| self.with(&empty, i)).collect();
        let mut grown = self.grown(&[empty], self.len(), breadth.beam, goes_on);
        for size in 1..=breadth.largest {
            let Grown { beam, cheap } = grown;
            found.extend(beam.iter().take(breadth.beam / 4 + 1).chain(&cheap).map(|state| state.span(total)));
            let done = beam.iter().any(|state| state.left <= NOTHING * total);
            if done || size == breadth.largest || !goes_on() {
                break;
            }
            grown = if size == 1 {
                let both: Vec<State> = beam.iter().chain(&singles).cloned().collect();
                self.grown(&both, narrow, breadth.beam, goes_on)
            } else {
                self.grown(&beam, narrow, breadth.beam, goes_on)
            };
        }
        found
    }

    /// The best `keep` spans that have one column more, out of the first `among`, and what is best among the cheap.
    fn grown(&self, states: &[State], among: usize, keep: usize, goes_on: &mut dyn FnMut() -> bool) -> Grown {
        // Chunks of one length on any number of threads, so that what is kept is the same.
        let (mut best, mut by_cost) = (Vec::new(), no_additions());
        for (part, states) in states.chunks(PART).enumerate() {
            let chunks = states.par_chunks(CHUNK).enumerate();
            let of = |(at, chunk)| self.best_of(chunk, part * PART + at * CHUNK, among, keep);
            for (some, cheap) in chunks.map(of).collect::<Vec<_>>() {
                best.extend(some);
                by_cost.iter_mut().zip(cheap).for_each(|(known, other)| take_better(known, other));
            }
            if !goes_on() {
                break;
            }
        }
        sort(&mut best);
        let mut seen = HashSet::new();
        let mut beam = Vec::new();
        for (_, s, i) in best {
            let mut columns = states[s].columns.clone();
            columns.push(i as u32);
            columns.sort_unstable();
            if beam.len() < keep && seen.insert(columns) {
                beam.extend(self.with(&states[s], i));
            }
        }
        // Those that leave less than all that cost less.
        let mut least = f64::INFINITY;
        let improves = |&(left, ..): &Addition| {
            let less = left < least;
            least = least.min(left);
            less
        };
        let cheap = by_cost.into_iter().filter(improves).filter_map(|(_, s, i)| self.with(&states[s], i)).collect();
        Grown { beam, cheap }
    }

    /// The best additions of a column to some of the states, of which the first is number `first`; of all, and of each cost.
    fn best_of(&self, states: &[State], first: usize, among: usize, keep: usize) -> (Vec<Addition>, ByCost) {
        let (mut best, mut by_cost) = (Vec::new(), no_additions());
        let mut worst = f64::INFINITY;
        for (s, state) in (first..).zip(states) {
            // The best few may grow by anything.
            let among = if s < FAVOURED { self.len() } else { among };
            for i in 0..among {
                let column = self.column(i);
                let along = dot(&state.residual, column);
                // Not even alone would it be among the best.
                let most = state.left - along * along;
                let cost = (state.cost + self.costs[i]).min(COSTLIEST);
                let known = by_cost[cost].0;
                let wanted = worst.max(known);
                let inside: f64 = state.basis.iter().map(|q| dot(q, column)).map(|x| x * x).sum();
                let own = 1.0 - inside;
                if own <= INDEPENDENT || (most > wanted && own > 0.5) {
                    continue;
                }
                let left = (state.left - along * along / own).max(0.0);
                if left < known {
                    by_cost[cost] = (left, s, i);
                }
                if left < worst {
                    best.push((left, s, i));
                    if best.len() >= 8 * keep {
                        shrink(&mut best, 4 * keep);
                        worst = best.last().map_or(f64::INFINITY, |entry| entry.0);
                    }
                }
            }
        }
        (best, by_cost)
    }

    fn with(&self, state: &State, i: usize) -> Option<State> {
        let mut state = state.with(self.column(i))?;
        state.columns.push(i as u32);
        state.cost += self.costs[i];
        Some(state)
    }
}

#[derive(Debug, Clone)]
struct State {
    columns: Vec<u32>,
    basis: Vec<Vec<f64>>,
    residual: Vec<f64>,
    left: f64,
    cost: usize,
}

impl State {
    /// With a column of unit length in the basis too, if there is something of it that was not.
    fn with(&self, column: &[f64]) -> Option<State> {
        let mut q = column.to_vec();
        for _ in 0..2 {
            for known in &self.basis {
                let along = dot(known, &q);
                q.iter_mut().zip(known).for_each(|(q, known)| *q -= along * known);
            }
        }
        let length = norm(&q);
        if length.is_nan() || length * length <= INDEPENDENT {
            return None;
        }
        q.iter_mut().for_each(|q| *q /= length);
        let mut state = self.clone();
        let along = dot(&q, &state.residual);
        state.residual.iter_mut().zip(&q).for_each(|(r, q)| *r -= along * q);
        state.left = dot(&state.residual, &state.residual);
        state.basis.push(q);
        Some(state)
    }

    fn span(&self, total: f64) -> Span {
        Span { columns: self.columns.clone(), left: self.left / total, cost: self.cost }
    }
}

/// A column to put beside a state: what is then left over, and the places of the two.
type Addition = (f64, usize, usize);

/// The best addition of each cost. Where there is noise thousands of long expressions leave a little less than the short one that is the law, and
/// none of these is as cheap.
type ByCost = Vec<Addition>;

/// What costs more is all alike.
const COSTLIEST: usize = 400;

fn no_additions() -> ByCost {
    vec![(f64::INFINITY, usize::MAX, usize::MAX); COSTLIEST + 1]
}

fn take_better(known: &mut Addition, other: Addition) {
    if other < *known {
        *known = other;
    }
}

/// Spans that have one column more than others.
struct Grown {
    /// The best.
    beam: Vec<State>,
    /// Those that leave less than all that cost less, the cheapest first.
    cheap: Vec<State>,
}

fn sort(best: &mut [Addition]) {
    best.sort_by(|a, b| a.partial_cmp(b).expect("no NaN among them"));
}

fn shrink(best: &mut Vec<Addition>, keep: usize) {
    sort(best);
    best.truncate(keep);
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}
