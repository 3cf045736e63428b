//! One pass back over the steps of a solve: what is added where, and how times move.

use core::ops::ControlFlow;

use vecfield_solvers::{Ending, Initial, Solution};
use vecfield_traits::{Real, Scalar, Vjp};

use crate::AdjointError;
use crate::discrete::{Cotangents, Gradient};
use crate::event::Crossing;
use crate::record::Record;
use crate::reverse::{Bars, Inside, ReverseStep, Taken, add_scaled, dot};

/// Parameters up to which each step looks for one whose cotangent is not finite.
const WATCHED_PARAMETERS: usize = 64;

/// What happened along a solve, besides its steps.
#[derive(Debug, Clone)]
pub(crate) struct Trail<R> {
    pub(crate) span: (R, R),
    dim: usize,
    /// Where the solve ended.
    end: R,
    end_state: Vec<R>,
    ending: Ending,
    /// The times kept.
    saved: Vec<R>,
    /// Events and their times.
    happened: Vec<(usize, R)>,
    /// The states there, `[events, n]`.
    states: Vec<R>,
}

impl<R: Real> Default for Trail<R> {
    fn default() -> Trail<R> {
        Trail {
            span: (R::zero(), R::zero()),
            dim: 0,
            end: R::zero(),
            end_state: Vec::new(),
            ending: Ending::Reached,
            saved: Vec::new(),
            happened: Vec::new(),
            states: Vec::new(),
        }
    }
}

impl<R: Real> Trail<R> {
    /// Takes over what a solve says of itself.
    pub(crate) fn take(&mut self, solution: &Solution<R>, span: (R, R), reached: &[R]) {
        (self.span, self.dim, self.ending) = (span, solution.dim, solution.ending);
        let (end, state) = match solution.ending {
            Ending::Reached => (span.1, reached),
            _ => (solution.t.last().copied().unwrap_or(span.0), solution.last()),
        };
        self.end = end;
        self.end_state.clear();
        self.end_state.extend_from_slice(state);
        self.saved.clone_from(&solution.t);
        self.happened.clear();
        self.states.clear();
        for occurrence in &solution.events {
            self.happened.push((occurrence.event, occurrence.t));
            self.states.extend_from_slice(&occurrence.y);
        }
    }

    pub(crate) fn end(&self) -> (R, &[R]) {
        (self.end, &self.end_state)
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// Do the cotangents fit?
    pub(crate) fn check(&self, cotangents: &Cotangents<'_, R>) -> Result<(), AdjointError> {
        let (rows, events) = (self.saved.len(), self.happened.len());
        let slices = [
            ("the cotangent of the saved states", cotangents.saved.len(), rows * self.dim),
            ("the cotangent of the end", cotangents.end.len(), self.dim),
            ("the cotangent of the event times", cotangents.event_times.len(), events),
            ("the cotangent of the states at events", cotangents.event_states.len(), events * self.dim),
        ];
        for (what, found, expected) in slices {
            if found != 0 && found != expected {
                return Err(AdjointError::Dimension { what, found, expected });
            }
        }
        Ok(())
    }

    /// Is `a` later than `b`, in the direction of the solve?
    fn after(&self, a: R, b: R) -> bool {
        if self.span.1 < self.span.0 { a < b } else { a > b }
    }
}

/// Cotangents on their way back over the steps.
pub(crate) struct Sweep<'a, R> {
    trail: &'a Trail<R>,
    cotangents: &'a Cotangents<'a, R>,
    bars: Bars<R>,
    /// Were algebraic components made consistent where the solve began, and began anew?
    settles: bool,
    /// Of the time at which the solve began, or began anew, last passed.
    t_bar: R,
    /// Of the end of the interval.
    t1_bar: R,
    /// Save times and events not yet passed.
    saved: usize,
    happened: usize,
    /// Places inside the present step, and the cotangents there.
    thetas: Vec<R>,
    inside: Vec<R>,
    rate: Vec<R>,
    moved: Vec<R>,
    guard_theta: Vec<R>,
    /// States between the jumps of one event time.
    states: Vec<R>,
}

impl<'a, R: Real> Sweep<'a, R> {
    pub(crate) fn new(
        trail: &'a Trail<R>,
        cotangents: &'a Cotangents<'a, R>,
        mut bars: Bars<R>,
        initial: Initial,
    ) -> Self {
        let n = trail.dim;
        add_scaled(&mut bars.y, R::one(), cotangents.end);
        let mut saved = trail.saved.len();
        while saved > 0 && trail.saved[saved - 1] == trail.end && trail.end != trail.span.0 {
            saved -= 1;
            add_scaled(&mut bars.y, R::one(), row(cotangents.saved, saved, n));
        }
        let vector = || vec![R::zero(); n];
        Sweep {
            trail,
            cotangents,
            settles: initial == Initial::Consistent,
            t_bar: R::zero(),
            t1_bar: R::zero(),
            saved,
            happened: trail.happened.len(),
            thetas: Vec::new(),
            inside: Vec::new(),
            rate: vector(),
            moved: vector(),
            guard_theta: vec![R::zero(); bars.theta.len()],
            states: Vec::new(),
            bars,
        }
    }

    /// Passes back over a step of the record, by its number.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn step<F: Vjp<R>, V: ReverseStep<R, F>>(
        &mut self,
        (index, step): (usize, Taken<'_, R>),
        record: &Record<R>,
        reverse: &mut V,
        field: &F,
        work: &mut F::Workspace,
        crossings: &mut [Crossing<'_, R>],
        progress: &mut dyn FnMut(R) -> ControlFlow<()>,
    ) -> Result<(), AdjointError> {
        if progress(step.t).is_break() {
            return Err(AdjointError::Stopped);
        }
        if !crossings.is_empty() {
            field.settle(&mut self.bars.theta, work); // events add to it too
        }
        let mut pass = Pass { step, reverse, field, work, crossings };
        self.thetas.clear();
        self.inside.clear();
        let last = index + 1 == record.steps;
        let mut cut = false;
        if let (true, Ending::Event(event)) = (last, self.trail.ending) {
            self.end_at_event(event, &mut pass)?;
            cut = true;
        } else if let (false, Some(restart)) = (last, record.begins_at(index + 1)) {
            let restart = &record.restarts[restart];
            // At a declared discontinuity, where no event is due, the time is fixed and nothing jumps.
            if let Some(&first) = restart.due.first() {
                self.jump_back(restart.t, first, &restart.due, &mut pass)?;
                cut = true;
            }
        }
        self.pass_events(&mut pass)?;
        self.pass_saved(&step, cut);
        let Pass { reverse, field, work, .. } = pass;
        let inside = Inside { thetas: &self.thetas, bars: &self.inside };
        reverse.pull_back(field, work, &step, inside, &mut self.bars)?;
        let first = record.begins_at(index).is_some();
        if first || (last && !cut) {
            // Times inside the step stay where they are when its ends move.
            for (theta, bar) in inside.iter(self.trail.dim) {
                reverse.rate(field, work, &step, theta, &mut self.rate)?;
                let pull = dot(bar, &self.rate);
                self.bars.t -= pull;
                self.bars.h -= theta * pull;
            }
            if last && !cut {
                self.t1_bar = self.cotangents.end_time + self.bars.h;
            }
            if first {
                if index == 0 {
                    self.add_saved();
                }
                if self.settles {
                    reverse.pull_start(field, work, (step.t, step.y), &mut self.bars)?;
                }
                self.t_bar = self.bars.t - self.bars.h;
            }
        }
        if self.watched() {
            field.settle(&mut self.bars.theta, work);
        }
        self.check(step.t)
    }

    /// The gradient, after the first step.
    pub(crate) fn gradient<F: Vjp<R>>(mut self, field: &F, work: &mut F::Workspace, repeated: u64) -> Gradient<R> {
        self.add_saved();
        field.settle(&mut self.bars.theta, work);
        let Bars { y: initial, theta: parameters, .. } = self.bars;
        Gradient { initial, parameters, t0: self.t_bar, t1: self.t1_bar, repeated }
    }

    /// The save times not yet passed, which are those at the beginning.
    fn add_saved(&mut self) {
        for saved in (0..self.saved).rev() {
            add_scaled(&mut self.bars.y, R::one(), row(self.cotangents.saved, saved, self.trail.dim));
        }
        self.saved = 0;
    }

    /// The solve ended at an event inside this step: its end moves.
    fn end_at_event<F: Vjp<R>, V: ReverseStep<R, F>>(
        &mut self,
        event: usize,
        pass: &mut Pass<'_, '_, R, F, V>,
    ) -> Result<(), AdjointError> {
        let n = self.trail.dim;
        self.inside.extend_from_slice(&self.bars.y);
        self.bars.y.fill(R::zero());
        let state = self.trail.happened.iter().rposition(|happening| happening.0 == event).unwrap_or(0);
        let state = &self.trail.states[state * n..][..n];
        self.fix_time(event, self.trail.end, state, self.cotangents.end_time, pass)
    }

    /// Back from the state after the jumps at `t` to the state inside this step before them.
    fn jump_back<F: Vjp<R>, V: ReverseStep<R, F>>(
        &mut self,
        t: R,
        first: usize,
        due: &[usize],
        pass: &mut Pass<'_, '_, R, F, V>,
    ) -> Result<(), AdjointError> {
        let n = self.trail.dim;
        let theta = pass.field.parameters();
        let happened = &self.trail.happened[..self.happened];
        let before = happened.iter().rposition(|&(event, at)| at == t && event == first);
        let before = &self.trail.states[before.unwrap_or(0) * n..][..n];
        self.states.clear();
        self.states.extend_from_slice(before);
        for (k, &event) in due.iter().enumerate() {
            self.states.resize((k + 2) * n, R::zero());
            let (from, to) = self.states.split_at_mut((k + 1) * n);
            if let Some(jump) = &mut pass.crossings[event].jump {
                jump.eval(t, &from[k * n..], theta, to);
            }
        }
        let mut t_bar = self.t_bar;
        for (k, &event) in due.iter().enumerate().rev() {
            if let Some(jump) = &mut pass.crossings[event].jump {
                self.moved.fill(R::zero());
                let from = &self.states[k * n..][..n];
                t_bar += jump.pull_back(t, from, theta, &self.bars.y, &mut self.moved, &mut self.bars.theta);
                self.bars.y.copy_from_slice(&self.moved);
            }
        }
        self.inside.extend_from_slice(&self.bars.y);
        self.bars.y.fill(R::zero());
        self.fix_time(first, t, before, t_bar, pass)
    }

    /// The events inside this step whose times or states count.
    fn pass_events<F: Vjp<R>, V: ReverseStep<R, F>>(
        &mut self,
        pass: &mut Pass<'_, '_, R, F, V>,
    ) -> Result<(), AdjointError> {
        let n = self.trail.dim;
        while let Some(&(event, t)) = self.trail.happened[..self.happened].last()
            && self.trail.after(t, pass.step.t)
        {
            self.happened -= 1;
            let t_bar = self.cotangents.event_times.get(self.happened).copied().unwrap_or(R::zero());
            let bar = row(self.cotangents.event_states, self.happened, n);
            if t_bar == R::zero() && bar.iter().all(|bar| *bar == R::zero()) {
                continue;
            }
            let start = self.inside.len();
            self.inside.resize(start + n, R::zero());
            add_scaled(&mut self.inside[start..], R::one(), bar);
            let state = &self.trail.states[self.happened * n..][..n];
            self.fix_time(event, t, state, t_bar, pass)?;
        }
        Ok(())
    }

    /// The save times inside this step, and at its end.
    fn pass_saved(&mut self, step: &Taken<'_, R>, cut: bool) {
        while let Some(&t) = self.trail.saved[..self.saved].last()
            && self.trail.after(t, step.t)
        {
            self.saved -= 1;
            let bar = row(self.cotangents.saved, self.saved, self.trail.dim);
            if bar.is_empty() {
                continue;
            }
            let end = step.t + step.h;
            let rounding = R::from_f64(4.0) * R::EPSILON * t.abs();
            if !cut && (t - end).abs() <= rounding {
                add_scaled(&mut self.bars.y, R::one(), bar);
            } else {
                self.thetas.push((t - step.t) / step.h);
                self.inside.extend_from_slice(bar);
            }
        }
    }

    /// Turns the last cotangent in `inside`, that of the state at the time `t` of `event`, which moves and has the cotangent
    /// `t_bar`, into that of the state at the fixed time `t`.
    fn fix_time<F: Vjp<R>, V: ReverseStep<R, F>>(
        &mut self,
        event: usize,
        t: R,
        state: &[R],
        t_bar: R,
        pass: &mut Pass<'_, '_, R, F, V>,
    ) -> Result<(), AdjointError> {
        let n = self.trail.dim;
        let theta = (t - pass.step.t) / pass.step.h;
        self.thetas.push(theta);
        pass.reverse.rate(pass.field, pass.work, &pass.step, theta, &mut self.rate)?;
        let start = self.inside.len() - n;
        let bar = &mut self.inside[start..];
        let pull = t_bar + dot(bar, &self.rate);
        if pull == R::zero() {
            return Ok(());
        }
        self.moved.fill(R::zero());
        self.guard_theta.fill(R::zero());
        let parameters = pass.field.parameters();
        let guard = &mut pass.crossings[event].guard;
        let slope = guard.pull_back(t, state, parameters, &[R::one()], &mut self.moved, &mut self.guard_theta);
        let crossing = slope + dot(&self.moved, &self.rate);
        let weight = -pull / crossing;
        if !Scalar::is_finite(&weight) {
            return Err(AdjointError::Grazing { event, t: t.to_f64() });
        }
        add_scaled(bar, weight, &self.moved);
        add_scaled(&mut self.bars.theta, weight, &self.guard_theta);
        Ok(())
    }

    /// Does each step look at the cotangents of the parameters?
    fn watched(&self) -> bool {
        self.bars.theta.len() <= WATCHED_PARAMETERS
    }

    /// Says which cotangent is not finite after the step that began at `t`.
    fn check(&self, t: R) -> Result<(), AdjointError> {
        let first = |bars: &[R]| bars.iter().position(|bar| !Scalar::is_finite(bar));
        let watched = if self.watched() { &self.bars.theta[..] } else { &[] };
        if let Some(index) = first(watched) {
            return Err(AdjointError::NotFinite { parameter: true, index, t: t.to_f64() });
        }
        match first(&self.bars.y) {
            Some(index) => Err(AdjointError::NotFinite { parameter: false, index, t: t.to_f64() }),
            None => Ok(()),
        }
    }
}

/// A step with what passes back over it.
struct Pass<'p, 'c, R, F: Vjp<R>, V>
where
    R: Real,
{
    step: Taken<'p, R>,
    reverse: &'p mut V,
    field: &'p F,
    work: &'p mut F::Workspace,
    crossings: &'p mut [Crossing<'c, R>],
}

/// Row `i` of `[rows, n]`; empty if there are no rows.
fn row<R>(rows: &[R], i: usize, n: usize) -> &[R] {
    rows.get(i * n..(i + 1) * n).unwrap_or(&[])
}
