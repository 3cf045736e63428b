//! The discrete adjoint: the exact gradient of the numbers a solve computed.
//!
//! The accepted steps are a composition of maps; their pullbacks, last to first, give the gradient of anything computed from
//! the states with respect to initial state, parameters, and both ends of the interval. Where the steps end is data: the
//! controller's choices are not differentiated (they have no derivative), events and the ends of the interval are.

use core::ops::ControlFlow;

use vecfield_solvers::stepper::{Evaluator, Stepper};
use vecfield_solvers::tableau::Tableau;
use vecfield_solvers::{
    AnyStepper, Clock, Event, ExplicitRungeKutta, Integrator, Interrupted, Method, Options, Save, Solution, SolveError,
};
use vecfield_traits::{Real, VectorField, Vjp};

use crate::AdjointError;
use crate::budget::Budget;
use crate::event::Crossing;
use crate::record::{Outline, Record, Recorder};
use crate::reverse::{AnyReverse, Bars, ExplicitReverse, ReverseStep};
use crate::schedule::{Action, go_back};
use crate::sweep::{Sweep, Trail};

/// A method with its memory, for solves and the gradients through them.
///
/// ```
/// use vecfield_adjoint::{Budget, Cotangents, Discrete};
/// use vecfield_autodiff::Lifted;
/// use vecfield_solvers::{Options, tableau::TSIT5};
/// use vecfield_traits::{Dynamics, Elementary};
///
/// /// y' = -θ y
/// struct Decay;
/// impl Dynamics for Decay {
///     fn dim(&self) -> usize { 1 }
///     fn parameter_count(&self) -> usize { 1 }
///     fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) { dy[0] = -theta[0] * y[0]; }
/// }
///
/// // y(2) = 3 exp(-2θ): slopes exp(-2θ) and -6 exp(-2θ).
/// let mut field = Lifted::new(Decay, vec![0.5]);
/// let mut adjoint = Discrete::explicit(&TSIT5, 1, &Options::tolerances(1e-9, 1e-9), Budget::default())?;
/// adjoint.solve(&mut field, (0.0, 2.0), &[3.0], &[])?;
/// let gradient = adjoint.pull_back(&mut field, &Cotangents::end(&[1.0]))?;
/// assert!((gradient.initial[0] - (-1.0_f64).exp()).abs() < 1e-8);
/// assert!((gradient.parameters[0] + 6.0 * (-1.0_f64).exp()).abs() < 1e-7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Discrete<K, V, R: Real> {
    integrator: Integrator<K, R>,
    reverse: V,
    record: Record<R>,
    trail: Trail<R>,
}

/// Derivatives of a quantity by all states it was computed from, [zero](Cotangents::default) where left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cotangents<'a, R> {
    /// By the states at the save times, `[times, n]`; empty for zero.
    pub saved: &'a [R],
    /// By the state at the end, `[n]`; empty for zero.
    pub end: &'a [R],
    /// By the time of the end, at a fixed state.
    pub end_time: R,
    /// By the times of the events, one each in the order they happened; empty for zero.
    pub event_times: &'a [R],
    /// By the states at the events, before jumps, `[events, n]`; empty for zero.
    pub event_states: &'a [R],
}

impl<R: Real> Default for Cotangents<'_, R> {
    fn default() -> Self {
        Cotangents { saved: &[], end: &[], end_time: R::zero(), event_times: &[], event_states: &[] }
    }
}

impl<'a, R: Real> Cotangents<'a, R> {
    /// By the state at the end alone.
    pub fn end(end: &'a [R]) -> Self {
        Cotangents { end, ..Cotangents::default() }
    }

    /// By the states at the save times alone.
    pub fn saved(saved: &'a [R]) -> Self {
        Cotangents { saved, ..Cotangents::default() }
    }
}

/// A gradient with respect to all that a solve starts from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Gradient<R> {
    /// By the initial state, `[n]`.
    pub initial: Vec<R>,
    /// By the parameters.
    pub parameters: Vec<R>,
    /// By the beginning of the interval.
    pub t0: R,
    /// By the end of the interval; zero where an event ended the solve before.
    pub t1: R,
    /// How many steps were taken again.
    pub repeated: u64,
}

/// A solve for a gradient that stopped early: why, and what was found before.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct Unfinished<R: Real> {
    /// Why.
    #[source]
    pub error: AdjointError,
    /// The states up to there.
    pub partial: Box<Solution<R>>,
}

impl<R: Real> From<Unfinished<R>> for AdjointError {
    fn from(unfinished: Unfinished<R>) -> AdjointError {
        unfinished.error
    }
}

impl<R: Real> Discrete<ExplicitRungeKutta<R>, ExplicitReverse<R>, R> {
    /// An explicit method, for fields that pull back (no Jacobian is needed) with states of `n` components.
    ///
    /// # Errors
    ///
    /// Options that the method cannot use.
    pub fn explicit(
        tableau: &'static Tableau,
        n: usize,
        options: &Options<R>,
        budget: Budget,
    ) -> Result<Self, SolveError> {
        Ok(Discrete::with(Integrator::explicit(tableau, n, options)?, ExplicitReverse::new(), budget))
    }
}

impl<R: Real> Discrete<AnyStepper<R>, AnyReverse<R>, R> {
    /// Any method, for fields that pull back and know their Jacobian.
    ///
    /// # Errors
    ///
    /// Options that the method cannot use.
    pub fn new(method: Method, n: usize, options: &Options<R>, budget: Budget) -> Result<Self, SolveError> {
        Ok(Discrete::with(Integrator::new(method, n, options)?, AnyReverse::new(), budget))
    }
}

impl<K, V, R: Real> Discrete<K, V, R> {
    /// A stepper and the pass back of its family.
    pub fn with(integrator: Integrator<K, R>, reverse: V, Budget(limit): Budget) -> Self {
        Discrete { integrator, reverse, record: Record::new(limit), trail: Trail::default() }
    }

    /// The time and the state at the end of the last solve, saved or not.
    pub fn end(&self) -> (R, &[R]) {
        self.trail.end()
    }

    /// How many steps a pass back will take again, for each step of the solve.
    pub fn recompute_factor(&self) -> f64 {
        let mut repeated = 0;
        if !self.record.complete {
            let counted = back(&self.record.outline(), &mut |action| {
                repeated += action.steps();
                Ok::<(), ()>(())
            });
            debug_assert!(counted.is_ok(), "counting cannot fail");
        }
        repeated as f64 / self.record.steps.max(1) as f64
    }

    /// Solves from `t0` to `t1` and keeps the states at the times `save`, or the last alone where there are none.
    ///
    /// # Errors
    ///
    /// Those of the solve; a method without a pass back; a budget below one step.
    pub fn solve<F>(&mut self, field: &mut F, span: (R, R), y0: &[R], save: &[R]) -> Result<Solution<R>, Unfinished<R>>
    where
        F: Vjp<R>,
        K: Stepper<F, Scalar = R>,
    {
        self.solve_with_events(field, span, y0, save, &mut [], &mut |_| ControlFlow::Continue(()))
    }

    /// [`solve`](Discrete::solve) through events. `progress` is told the time reached after every step, and may end the solve.
    ///
    /// # Errors
    ///
    /// As [`solve`](Discrete::solve).
    pub fn solve_with_events<F>(
        &mut self,
        field: &mut F,
        span: (R, R),
        y0: &[R],
        save: &[R],
        crossings: &mut [Crossing<'_, R>],
        progress: &mut dyn FnMut(R) -> ControlFlow<()>,
    ) -> Result<Solution<R>, Unfinished<R>>
    where
        F: Vjp<R>,
        K: Stepper<F, Scalar = R>,
    {
        self.record.begin(span.0, y0);
        let mut recorder = Recorder { record: &mut self.record, progress, refused: None };
        let mut events: Vec<_> = crossings.iter_mut().map(event).collect();
        let kept = if save.is_empty() { Save::End } else { Save::At(save) };
        let ended = self.integrator.run_witnessed(field, span, y0, kept, &mut events, &mut recorder);
        let refused = recorder.refused;
        match (ended, refused) {
            (Ok(solution), None) => {
                self.trail.take(&solution, span, &self.record.end);
                Ok(solution)
            }
            (Ok(partial), Some(error)) => Err(Unfinished { error, partial: Box::new(partial) }),
            (Err(Interrupted { error, partial }), refused) => {
                Err(Unfinished { error: refused.unwrap_or(error.into()), partial })
            }
        }
    }

    /// The gradient of a quantity with these cotangents, through the last [`solve`](Discrete::solve).
    ///
    /// # Errors
    ///
    /// Cotangents that do not fit; a pass back that a step does not have, or whose result is not finite.
    pub fn pull_back<F>(&mut self, field: &mut F, cotangents: &Cotangents<'_, R>) -> Result<Gradient<R>, AdjointError>
    where
        F: Vjp<R>,
        K: Stepper<F, Scalar = R>,
        V: ReverseStep<R, F>,
    {
        self.pull_back_with_events(field, cotangents, &mut [], &mut |_| ControlFlow::Continue(()))
    }

    /// [`pull_back`](Discrete::pull_back) through the events of the solve. `progress` is told the time reached before every
    /// step, and may end the pass.
    ///
    /// # Errors
    ///
    /// As [`pull_back`](Discrete::pull_back); an event that grazes its zero; [`AdjointError::Stopped`].
    pub fn pull_back_with_events<F>(
        &mut self,
        field: &mut F,
        cotangents: &Cotangents<'_, R>,
        crossings: &mut [Crossing<'_, R>],
        progress: &mut dyn FnMut(R) -> ControlFlow<()>,
    ) -> Result<Gradient<R>, AdjointError>
    where
        F: Vjp<R>,
        K: Stepper<F, Scalar = R>,
        V: ReverseStep<R, F>,
    {
        let n = self.trail.dim();
        self.trail.check(cotangents)?;
        let bars = Bars::new(n, field.parameters().len());
        let mut work = field.workspace();
        let mut repeated = 0;
        let Discrete { integrator, reverse, record, trail, .. } = self;
        let mut sweep = Sweep::new(trail, cotangents, bars, integrator.options().initial);
        if record.complete {
            for step in (0..record.steps).rev() {
                let taken = record.taken(step, n);
                sweep.step((step, taken), record, reverse, field, &mut work, crossings, progress)?;
            }
            return Ok(sweep.gradient(field, &mut work, 0));
        }
        // As it comes, not as a list: the list would grow with the number of steps.
        back(&record.outline(), &mut |action| {
            repeated += action.steps() as u64;
            match action {
                Action::Keep { from, at } => {
                    let mut evaluator = Evaluator::new(field, &mut work);
                    let clock = replay(integrator, record, &mut evaluator, trail.span, (from, at, at))?;
                    record.keep::<F, K>(at, integrator.stepper(), &clock);
                }
                Action::Pull { from, start, end } => {
                    let mut evaluator = Evaluator::new(field, &mut work);
                    replay(integrator, record, &mut evaluator, trail.span, (from, start, end))?;
                    for step in (start..end).rev() {
                        let taken = record.taken(step, n);
                        sweep.step((step, taken), record, reverse, field, &mut work, crossings, progress)?;
                    }
                }
                Action::Drop { .. } => record.drop_checkpoint(),
            }
            Ok::<(), AdjointError>(())
        })?;
        Ok(sweep.gradient(field, &mut work, repeated))
    }
}

/// The whole way back over a record that does not hold every stage.
fn back<E>(outline: &Outline, act: &mut impl FnMut(Action) -> Result<(), E>) -> Result<(), E> {
    let mut end = outline.steps;
    let mut kept = outline.checkpoints;
    for &(from, checkpoint) in &outline.places {
        go_back(from, end, outline.stretch, outline.rooms.saturating_sub(kept), act)?;
        if checkpoint {
            act(Action::Drop { at: from })?;
            kept -= 1;
        }
        end = from;
    }
    Ok(())
}

/// Takes the steps from the place at `from` on again: up to `start` without keeping their stages, then up to `end` with.
/// The stepper is then ready for step `end`, unless a jump comes first.
fn replay<R, F, K>(
    integrator: &mut Integrator<K, R>,
    record: &mut Record<R>,
    field: &mut Evaluator<'_, F, R>,
    span: (R, R),
    (from, start, end): (usize, usize, usize),
) -> Result<Clock<R>, AdjointError>
where
    R: Real,
    F: Vjp<R>,
    K: Stepper<F, Scalar = R>,
{
    let options = integrator.options().clone();
    let stepper = integrator.stepper_mut();
    let mut clock = match record.checkpoints.iter().rfind(|checkpoint| checkpoint.step == from) {
        Some(checkpoint) => {
            stepper.restore(field, &checkpoint.numbers);
            checkpoint.clock.clone()
        }
        None => begin(stepper, record, field, span, &options, from)?,
    };
    record.clear_stages(start);
    for step in from..end {
        let leg = clock.advance(stepper, field, u64::MAX)?;
        if step >= start {
            record.trace::<F, K>(leg.start, leg.h, stepper)?;
            record.take_kept(step, field.field_and_work());
        }
        stepper.commit();
        clock.accept(&leg);
    }
    Ok(clock)
}

/// Begins anew where the solve did before this step.
fn begin<R, F, K>(
    stepper: &mut K,
    record: &Record<R>,
    field: &mut Evaluator<'_, F, R>,
    span: (R, R),
    options: &Options<R>,
    step: usize,
) -> Result<Clock<R>, AdjointError>
where
    R: Real,
    F: VectorField<R>,
    K: Stepper<F, Scalar = R>,
{
    let restart = &record.restarts[record.begins_at(step).expect("the way back goes from place to place")];
    stepper.start(field, restart.t, &restart.y)?;
    Ok(Clock::new(stepper, field, (restart.t, span.1), options))
}

/// The solver's event for a crossing.
pub(crate) fn event<'a, R: Real, F: Vjp<R>>(crossing: &'a mut Crossing<'_, R>) -> Event<'a, R, F> {
    let Crossing { direction, guard, jump, stop_after } = crossing;
    let mut event = Event::new(*direction, |field: &F, t, y: &[R]| {
        let mut value = [R::zero()];
        guard.eval(t, y, field.parameters(), &mut value);
        value[0]
    });
    if let Some(jump) = jump {
        let mut before = Vec::new();
        event = event.jump(move |field: &mut F, t, y: &mut [R]| {
            before.clear();
            before.extend_from_slice(y);
            jump.eval(t, &before, field.parameters(), y);
        });
    }
    match *stop_after {
        Some(count) => event.stop_after(count),
        None => event,
    }
}
