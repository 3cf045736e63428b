//! What a solve leaves behind for the pass back through it: stages, checkpoints, and the states after jumps.

mod kept;

use core::ops::ControlFlow;

use vecfield_solvers::stepper::{Formula, Stepper};
use vecfield_solvers::{Clock, Flow, Segment, Step, Witness};
use vecfield_traits::{Real, VectorField, Vjp};

use crate::AdjointError;
use crate::budget::Limit;
use crate::reverse::Taken;
use kept::Kept;

/// Numbers in one piece of memory, at most: pieces do not move when more is kept.
const PIECE: usize = 8192;

/// The record of a solve, steps counted from zero.
#[derive(Debug, Clone)]
pub(crate) struct Record<R> {
    limit: Limit,
    /// The number of steps.
    pub(crate) steps: usize,
    /// Where the solve began, and began anew.
    pub(crate) restarts: Vec<Restart<R>>,
    /// In the order of their steps.
    pub(crate) checkpoints: Vec<Checkpoint<R>>,
    /// Stages of every step while they fit; afterwards those of one stretch on the way back.
    pub(crate) traces: Traces<R>,
    /// What the evaluations of these steps left for pullbacks, while that fits too.
    kept: Kept<R>,
    /// Are there such?
    keeping: bool,
    /// After how many steps there was no more room for them, in a solve before.
    overflow: Option<usize>,
    /// The state at the end of the last step, if no event cut it short.
    pub(crate) end: Vec<R>,
    /// Are the stages of all steps there?
    pub(crate) complete: bool,
    /// Can the stepper be taken up at a checkpoint?
    savable: bool,
    /// Checkpoints are kept at multiples of this.
    stride: usize,
    /// The largest checkpoint and the largest trace of a step, in bytes.
    largest: (usize, usize),
}

/// A beginning: that of the solve, or that after a jump.
#[derive(Debug, Clone)]
pub(crate) struct Restart<R> {
    /// The first step after it.
    pub(crate) step: usize,
    pub(crate) t: R,
    /// The state after the jump.
    pub(crate) y: Vec<R>,
    /// The events whose jumps led there, in order.
    pub(crate) due: Vec<usize>,
}

/// A place between two steps from which the solve can go on.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint<R> {
    /// The step that comes next.
    pub(crate) step: usize,
    pub(crate) clock: Clock<R>,
    pub(crate) numbers: Vec<R>,
}

/// What the way back over a record is planned from.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    /// Every place from which the solve can go on, from the last: the step, and whether a checkpoint is there.
    pub(crate) places: Vec<(usize, bool)>,
    pub(crate) steps: usize,
    pub(crate) checkpoints: usize,
    /// How many steps' stages fit at once.
    pub(crate) stretch: usize,
    /// How many checkpoints fit; none if the method cannot be taken up.
    pub(crate) rooms: usize,
}

impl<R: Real> Record<R> {
    pub(crate) fn new(limit: Limit) -> Record<R> {
        Record {
            limit,
            steps: 0,
            restarts: Vec::new(),
            checkpoints: Vec::new(),
            traces: Traces::default(),
            kept: Kept::default(),
            keeping: true,
            overflow: None,
            end: Vec::new(),
            complete: true,
            savable: true,
            stride: 1,
            largest: (0, 0),
        }
    }

    /// Forgets everything; memory stays.
    pub(crate) fn begin(&mut self, t: R, y: &[R]) {
        // Not tried again where it was in vain.
        self.keeping = self.overflow.is_none_or(|steps| self.steps < steps);
        (self.steps, self.complete, self.savable, self.stride) = (0, true, true, 1);
        self.largest = (0, 0);
        self.restarts.clear();
        self.checkpoints.clear();
        self.clear_stages(0);
        self.end.clear();
        self.end.extend_from_slice(y);
        self.restarts.push(Restart { step: 0, t, y: y.to_vec(), due: Vec::new() });
    }

    /// Forgets the stages of all steps, those of step `first` being the next to be kept; memory stays.
    pub(crate) fn clear_stages(&mut self, first: usize) {
        self.traces.clear(first);
        self.kept.clear(first);
    }

    /// A step whose stages are there, of a state of `n` components.
    pub(crate) fn taken(&self, step: usize, n: usize) -> Taken<'_, R> {
        Taken { kept: self.kept.get(step), ..self.traces.get(step, n) }
    }

    /// Which restart, if any, this step begins at.
    pub(crate) fn begins_at(&self, step: usize) -> Option<usize> {
        self.restarts.binary_search_by_key(&step, |restart| restart.step).ok()
    }

    /// Where the solve can be taken up, and what there is room for.
    pub(crate) fn outline(&self) -> Outline {
        let mut places = Vec::with_capacity(self.restarts.len() + self.checkpoints.len());
        places.extend(self.restarts.iter().map(|restart| (restart.step, false)));
        places.extend(self.checkpoints.iter().map(|checkpoint| (checkpoint.step, true)));
        places.sort_unstable();
        places.dedup_by_key(|place| place.0);
        places.reverse();
        Outline {
            places,
            steps: self.steps,
            checkpoints: self.checkpoints.len(),
            stretch: self.limit.stretch(self.largest.1),
            rooms: if self.savable { self.limit.room(0, self.largest.0) } else { 0 },
        }
    }

    /// Keeps the stages of the step the stepper has just taken.
    pub(crate) fn trace<F, K>(&mut self, t: R, h: R, stepper: &K) -> Result<(), AdjointError>
    where
        F: VectorField<R>,
        K: Stepper<F, Scalar = R>,
    {
        let piece = |each: usize| match self.limit {
            Limit::Everything => PIECE,
            Limit::Bytes(limit) => PIECE.min(limit / 16 / size_of::<R>()),
            Limit::Slots(slots) => PIECE.min(slots.saturating_mul(each)),
        };
        let bytes = self.traces.push::<F, K>(t, h, stepper, piece)?;
        self.largest.1 = self.largest.1.max(bytes);
        Ok(())
    }

    /// Takes what the evaluations of this step, the last that was [traced](Record::trace), left for pullbacks, if there is room.
    pub(crate) fn take_kept<F: Vjp<R>>(&mut self, step: usize, (field, work): (&F, &mut F::Workspace)) {
        if !self.keeping {
            return;
        }
        let taken = self.traces.get(step, field.dim());
        if !self.kept.take((field, &mut *work), &taken) {
            self.keeping = false;
        } else if !self.limit.allows_kept(self.traces.bytes() + self.kept.bytes()) {
            (self.keeping, self.overflow) = (false, Some(step));
            self.kept.release();
            field.keep(0, work);
        }
    }

    pub(crate) fn keep<F, K>(&mut self, step: usize, stepper: &K, clock: &Clock<R>) -> bool
    where
        F: VectorField<R>,
        K: Stepper<F, Scalar = R>,
    {
        let mut numbers = Vec::with_capacity(self.checkpoints.first().map_or(0, |first| first.numbers.len()));
        if !stepper.save(&mut numbers) {
            return false;
        }
        numbers.shrink_to_fit();
        // A growing list may have twice the room it needs.
        let bytes = 2 * size_of::<Checkpoint<R>>() + numbers.len() * size_of::<R>();
        self.largest.0 = self.largest.0.max(bytes);
        self.checkpoints.push(Checkpoint { step, clock: clock.clone(), numbers });
        true
    }

    /// Forgets the last checkpoint.
    pub(crate) fn drop_checkpoint(&mut self) {
        self.checkpoints.pop();
    }

    /// Drops every second checkpoint until they fit.
    fn thin(&mut self) {
        while !self.limit.allows_checkpoints(self.checkpoints.len(), self.largest.0) {
            self.stride *= 2;
            self.checkpoints.retain(|checkpoint| checkpoint.step.is_multiple_of(self.stride));
        }
    }
}

/// Writes the record while the solve goes on.
pub(crate) struct Recorder<'a, R> {
    pub(crate) record: &'a mut Record<R>,
    pub(crate) progress: &'a mut dyn FnMut(R) -> ControlFlow<()>,
    /// Why no pass back is possible.
    pub(crate) refused: Option<AdjointError>,
}

impl<R: Real, F: Vjp<R>, K: Stepper<F, Scalar = R>> Witness<F, K> for Recorder<'_, R> {
    fn step(&mut self, step: &mut Step<'_, '_, F, K>) -> Flow {
        let record = &mut *self.record;
        if record.complete {
            if let Err(refused) = record.trace::<F, K>(step.t0(), step.h(), step.stepper()) {
                self.refused = Some(refused);
                return Flow::Stop;
            }
            record.take_kept(record.steps, step.field_and_work());
            if !record.limit.allows_traces(record.steps + 1, record.traces.bytes()) {
                record.complete = false;
                let kept = record.traces.bytes();
                self.refused = match record.limit {
                    Limit::Bytes(bytes) if record.steps == 0 => {
                        Some(AdjointError::BudgetTooSmall { bytes, needed: 2 * kept })
                    }
                    _ if !record.savable => Some(AdjointError::NoCheckpoints { bytes: kept }),
                    _ => None,
                };
                record.traces.release();
                record.kept.release();
                let (field, work) = step.field_and_work();
                field.keep(0, work);
            }
        }
        record.steps += 1;
        if (self.progress)(step.t1()).is_break() || self.refused.is_some() { Flow::Stop } else { Flow::Continue }
    }

    fn advanced(&mut self, stepper: &K, clock: &Clock<R>) {
        let record = &mut *self.record;
        if clock.done() {
            record.end.copy_from_slice(stepper.y());
        }
        if record.limit == Limit::Everything || !record.steps.is_multiple_of(record.stride) || clock.done() {
            return;
        }
        let step = record.steps;
        record.savable = record.keep::<F, K>(step, stepper, clock);
        if let Limit::Bytes(bytes) = record.limit
            && 2 * record.largest.0 > bytes
        {
            self.refused = Some(AdjointError::BudgetTooSmall { bytes, needed: 2 * record.largest.0 });
        }
        record.thin();
    }

    fn restarted(&mut self, t: R, y: &[R], due: &[usize]) {
        let step = self.record.steps;
        self.record.kept.part();
        self.record.restarts.push(Restart { step, t, y: y.to_vec(), due: due.to_vec() });
    }
}

/// The stages of consecutive steps, in pieces of memory that do not move.
#[derive(Debug, Clone)]
pub(crate) struct Traces<R> {
    first: usize,
    len: usize,
    pieces: Vec<Piece<R>>,
    /// The piece being filled.
    current: usize,
    scratch: Vec<R>,
}

impl<R> Default for Traces<R> {
    fn default() -> Traces<R> {
        Traces { first: 0, len: 0, pieces: Vec::new(), current: 0, scratch: Vec::new() }
    }
}

#[derive(Debug, Clone)]
struct Piece<R> {
    /// The step of the first head.
    first: usize,
    heads: Vec<Head<R>>,
    numbers: Vec<R>,
}

#[derive(Debug, Clone)]
struct Head<R> {
    t: R,
    h: R,
    formula: Formula,
    /// Where the state and the stages begin.
    at: usize,
}

impl<R: Real> Traces<R> {
    /// Begins anew with step `first`; memory stays.
    pub(crate) fn clear(&mut self, first: usize) {
        (self.first, self.len, self.current) = (first, 0, 0);
        for piece in &mut self.pieces {
            piece.heads.clear();
            piece.numbers.clear();
        }
    }

    /// Gives the memory back.
    fn release(&mut self) {
        self.clear(0);
        self.pieces = Vec::new();
    }

    /// The bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let piece = |piece: &Piece<R>| {
            piece.numbers.capacity() * size_of::<R>() + piece.heads.capacity() * size_of::<Head<R>>()
        };
        self.pieces.iter().map(piece).sum()
    }

    /// Appends the step just taken, and says how many bytes it needs; `piece` says how many numbers a new piece holds, given
    /// how many this step needs.
    fn push<F, K>(&mut self, t: R, h: R, stepper: &K, piece: impl Fn(usize) -> usize) -> Result<usize, AdjointError>
    where
        F: VectorField<R>,
        K: Stepper<F, Scalar = R>,
    {
        self.scratch.clear();
        self.scratch.extend_from_slice(stepper.y());
        let Some(formula) = stepper.trace(&mut self.scratch) else { return Err(AdjointError::NoPassBack) };
        let needed = self.scratch.len();
        let full = |piece: &Piece<R>| {
            piece.numbers.len() + needed > piece.numbers.capacity() || piece.heads.len() == piece.heads.capacity()
        };
        let step = self.first + self.len;
        while self.pieces.get(self.current).is_some_and(full) {
            // One that is too small for this step is left empty, and stands before it.
            let piece = &mut self.pieces[self.current];
            piece.first = if piece.heads.is_empty() { step } else { piece.first };
            self.current += 1;
        }
        if self.current == self.pieces.len() {
            let steps = (piece(needed) / needed).max(1);
            let (heads, numbers) = (Vec::with_capacity(steps), Vec::with_capacity(steps * needed));
            self.pieces.push(Piece { first: step, heads, numbers });
        }
        let piece = &mut self.pieces[self.current];
        if piece.heads.is_empty() {
            piece.first = step;
        }
        piece.heads.push(Head { t, h, formula, at: piece.numbers.len() });
        piece.numbers.extend_from_slice(&self.scratch);
        self.len += 1;
        Ok(needed * size_of::<R>() + size_of::<Head<R>>())
    }

    /// The step of this number, of a state of `n` components.
    pub(crate) fn get(&self, step: usize, n: usize) -> Taken<'_, R> {
        let used = &self.pieces[..(self.current + 1).min(self.pieces.len())];
        let piece = &used[used.partition_point(|piece| piece.first <= step) - 1];
        let index = step - piece.first;
        let head = &piece.heads[index];
        let end = piece.heads.get(index + 1).map_or(piece.numbers.len(), |next| next.at);
        let (y, stages) = piece.numbers[head.at..end].split_at(n);
        Taken { t: head.t, h: head.h, y, stages, formula: head.formula, kept: &[] }
    }
}
