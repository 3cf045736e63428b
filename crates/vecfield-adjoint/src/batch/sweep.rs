//! The way back over the frames of a batch.

use vecfield_solvers::batch::{combine_each, stage_points};
use vecfield_solvers::stepper::{Term, terms};
use vecfield_solvers::tableau::Tableau;
use vecfield_traits::{AnyRows, BatchField, BatchRows, BatchVjp, Real};

use super::apart::{Apart, Group};
use super::record::{Record, View};
use crate::reverse::{add_scaled, polynomial};

/// A method, by rows for the states of its slots and by columns for their cotangents, with the memory of a way back.
#[derive(Debug, Clone)]
pub(super) struct Sweep<R> {
    tableau: &'static Tableau,
    rows: Vec<Box<[Term<R>]>>,
    columns: Vec<Box<[Term<R>]>>,
    fractions: Vec<R>,
    /// Of each member: the cotangents of the state and of the rate at the end of its next step back.
    y_bar: Vec<R>,
    rate_bar: Vec<R>,
    room: Room<R>,
    apart: Apart<R>,
    group: Group<R>,
}

/// The memory of a frame, whose slots have `n` numbers.
#[derive(Debug, Clone, Default)]
struct Room<R> {
    /// Steps, once for each number of a row.
    each: Vec<R>,
    at: Vec<R>,
    /// States of the slots, where they were not kept, and their rates: `[slots, n]`.
    states: Vec<R>,
    rates: Vec<R>,
    /// Cotangents of the slots' states, `[slots, n]`.
    bars: Vec<R>,
    /// What states inside steps give to the cotangents of the rates, `[slots, n]`.
    dense: Vec<R>,
    /// The cotangents of the states at the beginning and at the end, and of the rate at the end.
    start: Vec<R>,
    end: Vec<R>,
    rate: Vec<R>,
    /// The cotangent of the rate of a slot.
    k_bar: Vec<R>,
}

impl<R: Real> Room<R> {
    fn fit(&mut self, slots: usize, n: usize) {
        for buffer in [&mut self.bars, &mut self.dense, &mut self.states, &mut self.rates] {
            buffer.resize(slots * n, R::zero());
        }
        for buffer in [&mut self.start, &mut self.end, &mut self.rate, &mut self.k_bar] {
            buffer.resize(n, R::zero());
        }
        for buffer in [&mut self.bars, &mut self.dense, &mut self.start] {
            buffer.fill(R::zero());
        }
    }
}

impl<R: Real> Sweep<R> {
    pub(super) fn new(tableau: &'static Tableau) -> Sweep<R> {
        let slots = tableau.slots();
        let (rows, fractions): (Vec<_>, Vec<_>) = (0..slots).map(|slot| tableau.slot(slot)).unzip();
        let column = |j: usize| {
            let behind: Vec<f64> = rows.iter().map(|row| row.get(j).copied().unwrap_or(0.0)).collect();
            terms(&behind)
        };
        Sweep {
            tableau,
            columns: (0..slots).map(column).collect(),
            rows: rows.iter().map(|row| terms(row)).collect(),
            fractions: fractions.into_iter().map(R::from_f64).collect(),
            y_bar: Vec::new(),
            rate_bar: Vec::new(),
            room: Room::default(),
            apart: Apart::default(),
            group: Group::default(),
        }
    }

    /// See [`BatchAdjoint::pull_back`](super::BatchAdjoint::pull_back); `bar` is the cotangent of a state, by member and save
    /// time.
    pub(super) fn pull_back<'b>(
        &mut self,
        record: &mut Record<R>,
        field: &AnyRows<'_, R>,
        bar: &dyn Fn(usize, usize) -> &'b [R],
        initial_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> u64
    where
        R: 'b,
    {
        field.workspace(record.members());
        let width = record.width();
        let mut pulled = 0;
        for buffer in [&mut self.y_bar, &mut self.rate_bar] {
            buffer.clear();
            buffer.resize(record.members() * width, R::zero());
        }
        for &member in record.at_end() {
            self.y_bar[member * width..][..width].copy_from_slice(bar(member, 0));
        }
        for index in (0..record.frames()).rev() {
            let mut view = record.frame(index);
            self.gather(&view, width, bar);
            if !view.staged {
                self.stages(&view, width, field);
            }
            pulled += self.slots(&mut view, width, field, theta_bar);
            self.scatter(&view, width);
        }
        pulled += self.beginnings(record, field, theta_bar);
        for &(member, index) in record.at_start() {
            add_scaled(&mut self.y_bar[member * width..][..width], R::one(), bar(member, index));
        }
        initial_bar.copy_from_slice(&self.y_bar);
        pulled
    }

    /// The cotangents at the end of a frame, and those of states inside it.
    fn gather<'b>(&mut self, view: &View<'_, R>, width: usize, bar: &dyn Fn(usize, usize) -> &'b [R])
    where
        R: 'b,
    {
        let n = view.member.len() * width;
        let room = &mut self.room;
        room.fit(self.tableau.slots(), n);
        room.each.clear();
        for (row, &member) in view.member.iter().enumerate() {
            room.each.extend(core::iter::repeat_n(view.h[row], width));
            let (to, from) = (row * width..(row + 1) * width, member * width..(member + 1) * width);
            room.end[to.clone()].copy_from_slice(&self.y_bar[from.clone()]);
            room.rate[to].copy_from_slice(&self.rate_bar[from]);
        }
        for kept in view.kept {
            let (place, bar) = (kept.row * width..(kept.row + 1) * width, bar(view.member[kept.row], kept.index));
            if kept.theta == R::one() {
                add_scaled(&mut room.end[place], R::one(), bar);
                continue;
            }
            add_scaled(&mut room.start[place.clone()], R::one(), bar);
            for (slot, weights) in self.tableau.interpolant.weights.iter().enumerate() {
                let weight = view.h[kept.row] * polynomial(weights, kept.theta).0;
                add_scaled(&mut room.dense[slot * n..][place.clone()], weight, bar);
            }
        }
    }

    /// The states of the slots of a frame that kept only those at its beginning.
    ///
    /// The interpolant's own stages are taken of all rows: those without a state inside their step are not looked at.
    fn stages(&mut self, view: &View<'_, R>, width: usize, field: &AnyRows<'_, R>) {
        let (n, end, last) = (view.member.len() * width, self.tableau.end_slot(), self.last(view));
        let Room { each, at, states, rates, .. } = &mut self.room;
        states[..n].copy_from_slice(view.states);
        for slot in 0..=last {
            if slot > 0 {
                let (known, unknown) = states.split_at_mut(slot * n);
                let point = if slot == end { combine_each } else { stage_points };
                point(&known[..n], each, &self.rows[slot], &rates[..slot * n], &mut unknown[..n]);
            }
            if slot < last {
                view.times(self.fractions[slot], at);
                let rows = BatchRows { member: view.member, t: at, y: &states[slot * n..][..n] };
                field.eval(rows, &mut rates[slot * n..][..n], &mut ());
            }
        }
    }

    /// The last slot of a frame that counts.
    fn last(&self, view: &View<'_, R>) -> usize {
        if view.rows_inside().next().is_some() { self.tableau.slots() - 1 } else { self.tableau.end_slot() }
    }

    /// Pulls back the slots of a frame, from the last.
    fn slots(&mut self, view: &mut View<'_, R>, width: usize, field: &AnyRows<'_, R>, theta_bar: &mut [R]) -> u64 {
        let (n, end, last) = (view.member.len() * width, self.tableau.end_slot(), self.last(view));
        let Sweep { columns, fractions, room, apart, group, .. } = self;
        let mut pulled = 0;
        for slot in (0..=last).rev() {
            let own = slot * n..(slot + 1) * n;
            combine_each(&room.dense[own.clone()], &room.each, &columns[slot], &room.bars, &mut room.k_bar);
            if slot == 0 {
                break;
            }
            if slot == end {
                add_scaled(&mut room.k_bar, R::one(), &room.rate);
            }
            if room.k_bar.iter().any(|bar| *bar != R::zero()) {
                view.times(fractions[slot], &mut room.at);
                let states = if view.staged { view.states } else { &room.states[..] };
                let rows = BatchRows { member: view.member, t: &room.at, y: &states[own.clone()] };
                let (k_bar, y_bar) = (&room.k_bar[..], &mut room.bars[own.clone()]);
                pulled += if slot > end {
                    group.inside(view, rows, (k_bar, y_bar, theta_bar), apart, field)
                } else if let Some(tape) = &mut view.tape {
                    let len = tape.len() / end;
                    let own = &mut tape[(slot - 1) * len..slot * len];
                    field.pull_back(rows, own, k_bar, y_bar, theta_bar, &mut ());
                    view.member.len() as u64
                } else {
                    apart.again(rows, (k_bar, y_bar, theta_bar), field)
                };
            }
            if slot == end {
                add_scaled(&mut room.bars[own.clone()], R::one(), &room.end);
            }
            add_scaled(&mut room.start, R::one(), &room.bars[own]);
        }
        pulled
    }

    /// The cotangents at the beginning of a frame: the rate there is that at the end of the frame before.
    fn scatter(&mut self, view: &View<'_, R>, width: usize) {
        for (row, &member) in view.member.iter().enumerate() {
            let (from, to) = (row * width..(row + 1) * width, member * width..(member + 1) * width);
            self.y_bar[to.clone()].copy_from_slice(&self.room.start[from.clone()]);
            self.rate_bar[to].copy_from_slice(&self.room.k_bar[from]);
        }
    }

    /// Pulls back the rates where the members begin.
    fn beginnings(&mut self, record: &Record<R>, field: &AnyRows<'_, R>, theta_bar: &mut [R]) -> u64 {
        let (width, Sweep { apart, group, y_bar, rate_bar, .. }) = (record.width(), self);
        let place = |member: usize| member * width..(member + 1) * width;
        group.clear();
        for member in 0..record.members() {
            if let Some(t) = record.start(member) {
                group.push((member, member), t, &record.initial()[place(member)], &rate_bar[place(member)]);
            }
        }
        let pulled = group.pull_back(apart, theta_bar, field);
        for (row, &member) in group.row.iter().enumerate() {
            add_scaled(&mut y_bar[place(member)], R::one(), &group.y_bar[place(row)]);
        }
        pulled
    }
}
