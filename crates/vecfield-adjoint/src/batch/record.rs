//! What a batch leaves behind for the way back.

use core::ops::Range;

use vecfield_solvers::batch::{BatchMember, BatchStep, BatchWitness, KeptState};
use vecfield_solvers::tableau::Tableau;
use vecfield_traits::{AnyRows, BatchField, BatchRows, BatchVjp, Real};

use crate::budget::Limit;

/// The frames of a solve, one behind the other in a few buffers that are used again.
#[derive(Debug, Clone)]
pub(super) struct Record<R> {
    limit: Limit,
    width: usize,
    tableau: &'static Tableau,
    frames: Vec<Frame>,
    /// Of the rows of all frames.
    member: Vec<usize>,
    t: Vec<R>,
    h: Vec<R>,
    kept: Vec<KeptState<R>>,
    states: Vec<R>,
    /// Never shortened: `taped` numbers of it count.
    tape: Vec<R>,
    taped: usize,
    /// Where each member begins, and whether it did.
    starts: Vec<R>,
    initial: Vec<R>,
    begun: Vec<bool>,
    /// Members and save times whose state is the initial one.
    at_start: Vec<(usize, usize)>,
    /// Members that keep the state at their end alone, and reached it.
    at_end: Vec<usize>,
    ends_alone: Vec<bool>,
}

/// A step of some rows.
#[derive(Debug, Clone)]
struct Frame {
    rows: Range<usize>,
    kept: Range<usize>,
    states: usize,
    /// Are the states of all slots kept, not that at the beginning alone?
    staged: bool,
    /// Of each slot from the second to that of the end, so many numbers; none kept if there is no place.
    tape: Option<(usize, usize)>,
}

/// A frame as the way back reads it.
pub(super) struct View<'a, R> {
    pub(super) member: &'a [usize],
    pub(super) t: &'a [R],
    pub(super) h: &'a [R],
    pub(super) kept: &'a [KeptState<R>],
    /// `[slots, rows, width]`, or those at the beginning alone.
    pub(super) states: &'a [R],
    pub(super) staged: bool,
    /// The tapes of the slots from the second to that of the end.
    pub(super) tape: Option<&'a mut [R]>,
}

impl<R: Real> View<'_, R> {
    /// When a slot is evaluated, as a fraction of each row's step.
    pub(super) fn times(&self, fraction: R, at: &mut Vec<R>) {
        at.clear();
        at.extend(self.t.iter().zip(self.h).map(|(&t, &h)| t + fraction * h));
    }

    /// The rows that keep a state inside their step.
    pub(super) fn rows_inside(&self) -> impl Iterator<Item = usize> {
        let inside = self.kept.iter().filter(|kept| kept.theta != R::one()).map(|kept| kept.row);
        let mut before = None;
        inside.filter(move |&row| before.replace(row) != Some(row))
    }
}

impl<R: Real> Record<R> {
    pub(super) fn new(limit: Limit, width: usize, tableau: &'static Tableau) -> Record<R> {
        Record {
            limit,
            width,
            tableau,
            frames: Vec::new(),
            member: Vec::new(),
            t: Vec::new(),
            h: Vec::new(),
            kept: Vec::new(),
            states: Vec::new(),
            tape: Vec::new(),
            taped: 0,
            starts: Vec::new(),
            initial: Vec::new(),
            begun: Vec::new(),
            at_start: Vec::new(),
            at_end: Vec::new(),
            ends_alone: Vec::new(),
        }
    }

    /// Forgets everything, for a solve of these members.
    pub(super) fn begin(&mut self, members: &[BatchMember<'_, R>]) {
        self.frames.clear();
        self.member.clear();
        for buffer in [&mut self.t, &mut self.h, &mut self.states, &mut self.starts, &mut self.initial] {
            buffer.clear();
        }
        self.kept.clear();
        self.taped = 0;
        self.begun.clear();
        self.begun.resize(members.len(), false);
        self.at_start.clear();
        self.at_end.clear();
        self.ends_alone.clear();
        for (index, member) in members.iter().enumerate() {
            self.starts.push(member.span.0);
            self.initial.extend(member.y0.iter().copied().chain(core::iter::repeat(R::zero())).take(self.width));
            self.ends_alone.push(member.save.is_empty());
            let first = member.save.iter().take_while(|&&t| t == member.span.0);
            self.at_start.extend(first.enumerate().map(|(save, _)| (index, save)));
        }
    }

    /// Says how a member ended.
    pub(super) fn close(&mut self, member: usize, reached: bool) {
        if reached && self.ends_alone[member] {
            self.at_end.push(member);
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn members(&self) -> usize {
        self.starts.len()
    }

    /// The initial states, `[members, width]`.
    pub(super) fn initial(&self) -> &[R] {
        &self.initial
    }

    /// When a member begins, if it did.
    pub(super) fn start(&self, member: usize) -> Option<R> {
        self.begun[member].then(|| self.starts[member])
    }

    pub(super) fn at_start(&self) -> &[(usize, usize)] {
        &self.at_start
    }

    pub(super) fn at_end(&self) -> &[usize] {
        &self.at_end
    }

    pub(super) fn frames(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn frame(&mut self, index: usize) -> View<'_, R> {
        let Frame { rows, kept, states, staged, tape } = self.frames[index].clone();
        let slots = if staged { self.tableau.slots() } else { 1 };
        let end = self.tableau.end_slot();
        View {
            member: &self.member[rows.clone()],
            t: &self.t[rows.clone()],
            h: &self.h[rows.clone()],
            kept: &self.kept[kept],
            states: &self.states[states..states + slots * rows.len() * self.width],
            staged,
            tape: tape.map(|(start, each)| &mut self.tape[start..start + end * each]),
        }
    }

    /// May there be so many more numbers of tapes and states?
    fn has_room(&self, more: usize) -> bool {
        match self.limit {
            Limit::Everything => true,
            Limit::Bytes(limit) => (self.taped + self.states.len() + more) * size_of::<R>() <= limit,
            Limit::Slots(slots) => self.frames.len() < slots,
        }
    }
}

/// Evaluates the field and writes down what the way back needs.
pub(super) struct Recorder<'a, R> {
    record: &'a mut Record<R>,
    field: &'a AnyRows<'a, R>,
}

impl<'a, R: Real> Recorder<'a, R> {
    /// For up to so many rows.
    pub(super) fn new(record: &'a mut Record<R>, field: &'a AnyRows<'a, R>, rows: usize) -> Recorder<'a, R> {
        field.workspace(rows);
        Recorder { record, field }
    }

    /// The place on the tape of a slot of the step under way, if there is room for the whole step.
    fn place(&mut self, slot: usize, rows: usize) -> Option<Range<usize>> {
        let (end, each) = (self.record.tableau.end_slot(), self.field.tape_len(rows));
        if slot == 0 || slot > end || !self.record.has_room(end * each) {
            return None;
        }
        let start = self.record.taped + (slot - 1) * each;
        let tape = &mut self.record.tape;
        tape.resize(tape.len().max(start + each), R::zero());
        Some(start..start + each)
    }
}

impl<R: Real> BatchWitness<R> for Recorder<'_, R> {
    fn eval(&mut self, slot: usize, rows: BatchRows<'_, R>, dy: &mut [R]) {
        match self.place(slot, rows.member.len()) {
            Some(place) => self.field.record(rows, dy, &mut self.record.tape[place], &mut ()),
            None => self.field.eval(rows, dy, &mut ()),
        }
    }

    fn step(&mut self, step: &BatchStep<'_, R>) {
        let (width, end) = (self.record.width, self.record.tableau.end_slot());
        let all = step.accepted.iter().all(|&accepted| accepted);
        let each = self.field.tape_len(step.member.len());
        let record = &mut *self.record;
        // A tape holds all rows: those of a trial thrown away would spoil it.
        let tape = (all && record.has_room(end * each)).then_some((record.taped, each));
        record.taped += tape.map_or(0, |_| end * each);
        let slots = record.tableau.slots();
        let staged = record.has_room(slots * step.member.len() * width);
        let (row, kept, states) = (record.member.len(), record.kept.len(), record.states.len());
        let n = step.member.len() * width;
        let slots = if staged { slots } else { 1 };
        let accepted = || step.accepted.iter().enumerate().filter(|(_, accepted)| **accepted).map(|(row, _)| row);
        for row in accepted() {
            record.begun[step.member[row]] = true;
            record.member.push(step.member[row]);
            record.t.push(step.t[row]);
            record.h.push(step.h[row]);
        }
        if all {
            record.states.extend_from_slice(&step.states[..slots * n]);
            record.kept.extend_from_slice(step.kept);
        } else {
            for slot in 0..slots {
                for row in accepted() {
                    record.states.extend_from_slice(&step.states[slot * n + row * width..][..width]);
                }
            }
            let place = |row: usize| step.accepted[..row].iter().filter(|accepted| **accepted).count();
            record.kept.extend(step.kept.iter().map(|kept| KeptState { row: place(kept.row), ..*kept }));
        }
        if record.member.len() > row {
            let (rows, kept) = (row..record.member.len(), kept..record.kept.len());
            record.frames.push(Frame { rows, kept, states, staged, tape });
        }
    }
}
