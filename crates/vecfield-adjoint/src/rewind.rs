//! The discrete adjoint of a reversible method, by walking back over its steps: nothing of a step is kept but its size.

use core::ops::ControlFlow;

use vecfield_solvers::reversible::{Reversible, ReversibleMethod};
use vecfield_solvers::stepper::{Evaluator, Formula, Stepper};
use vecfield_solvers::{
    Clock, Flow, Integrator, Interrupted, Options, Save, Segment, Solution, SolveError, Step, Witness,
};
use vecfield_traits::{Real, Scalar, VectorField, Vjp};

use crate::AdjointError;
use crate::budget::Limit;
use crate::discrete::{Cotangents, Gradient, Unfinished, event};
use crate::event::Crossing;
use crate::record::{Record, Restart};
use crate::reverse::{Bars, ReversibleReverse, Taken};
use crate::sweep::{Sweep, Trail};

/// Both states are kept every so many steps: a step back enlarges rounding by `1/λ`, so many by about 60.
const ANCHOR: usize = 4096;

/// How far off, in units of the tolerance, the way back may arrive where the method began.
const ASTRAY: f64 = 1e3;

/// Step sizes in one piece of memory: pieces do not move when more are kept.
const PIECE: usize = 1024;

/// Bytes set aside for places from the beginning: a million steps of a state of two components need no more.
const ASIDE: usize = 1 << 14;

/// A reversible method with its memory, for solves and the gradients through them.
///
/// The gradient is that of [`Discrete`](crate::Discrete) over the same steps, up to the rounding of the way back. Kept are eight bytes a
/// step (none where the step is fixed), and both states at three kinds of places: every 4096 steps, at jumps, and where the
/// two had parted by more than the tolerance and the method began anew. A problem that keeps its volume has next to none of the last;
/// one that forgets its beginning has them all the way, since what is forgotten cannot be found by going back.
///
/// ```
/// use vecfield_adjoint::{Cotangents, Rewind};
/// use vecfield_autodiff::Lifted;
/// use vecfield_solvers::{Options, reversible::REVERSIBLE_TSIT5};
/// use vecfield_traits::{Dynamics, Elementary};
///
/// /// x'' = -θ x
/// struct Spring;
/// impl Dynamics for Spring {
///     fn dim(&self) -> usize { 2 }
///     fn parameter_count(&self) -> usize { 1 }
///     fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) { (dy[0], dy[1]) = (y[1], -theta[0] * y[0]); }
/// }
///
/// // x = cos(√θ t): its slope by θ is -t sin(√θ t) / (2√θ).
/// let mut field = Lifted::new(Spring, vec![1.0]);
/// let mut adjoint = Rewind::new(&REVERSIBLE_TSIT5, 2, &Options::tolerances(1e-9, 1e-9))?;
/// adjoint.solve(&mut field, (0.0, 2.0), &[1.0, 0.0], &[])?;
/// let gradient = adjoint.pull_back(&mut field, &Cotangents::end(&[1.0, 0.0]))?;
/// assert!((gradient.parameters[0] + 2.0_f64.sin()).abs() < 1e-7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rewind<R: Real> {
    integrator: Integrator<Reversible<R>, R>,
    reverse: ReversibleReverse<R>,
    record: Record<R>,
    path: Path<R>,
    trail: Trail<R>,
}

impl<R: Real> Rewind<R> {
    /// A reversible method, for states of `n` components.
    ///
    /// # Errors
    ///
    /// Options that the method cannot use.
    pub fn new(method: &'static ReversibleMethod, n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        Ok(Rewind {
            integrator: Integrator::reversible(method, n, options)?,
            reverse: ReversibleReverse::new(),
            record: Record::new(Limit::Everything),
            path: Path::new(options.step.is_none(), n),
            trail: Trail::default(),
        })
    }

    /// The time and the state at the end of the last solve, saved or not.
    pub fn end(&self) -> (R, &[R]) {
        self.trail.end()
    }

    /// At how many places the last solve kept both states.
    pub fn anchors(&self) -> usize {
        self.path.places.len()
    }

    /// [`Discrete::solve`](crate::Discrete::solve).
    ///
    /// # Errors
    ///
    /// Those of the solve.
    pub fn solve<F: Vjp<R>>(
        &mut self,
        field: &mut F,
        span: (R, R),
        y0: &[R],
        save: &[R],
    ) -> Result<Solution<R>, Unfinished<R>> {
        self.solve_with_events(field, span, y0, save, &mut [], &mut |_| ControlFlow::Continue(()))
    }

    /// [`Discrete::solve_with_events`](crate::Discrete::solve_with_events).
    ///
    /// # Errors
    ///
    /// Those of the solve.
    pub fn solve_with_events<F: Vjp<R>>(
        &mut self,
        field: &mut F,
        span: (R, R),
        y0: &[R],
        save: &[R],
        crossings: &mut [Crossing<'_, R>],
        progress: &mut dyn FnMut(R) -> ControlFlow<()>,
    ) -> Result<Solution<R>, Unfinished<R>> {
        self.record.begin(span.0, y0);
        self.path.begin();
        let mut walker = Walker { record: &mut self.record, path: &mut self.path, progress };
        let mut events: Vec<_> = crossings.iter_mut().map(event).collect();
        let kept = if save.is_empty() { Save::End } else { Save::At(save) };
        let ended = self.integrator.run_witnessed(field, span, y0, kept, &mut events, &mut walker);
        self.path.keep(false);
        let solution = ended.map_err(|Interrupted { error, partial }| Unfinished { error: error.into(), partial })?;
        self.trail.take(&solution, span, &self.record.end);
        Ok(solution)
    }

    /// [`Discrete::pull_back`](crate::Discrete::pull_back).
    ///
    /// # Errors
    ///
    /// As [`pull_back_with_events`](Rewind::pull_back_with_events).
    pub fn pull_back<F: Vjp<R>>(
        &mut self,
        field: &mut F,
        cotangents: &Cotangents<'_, R>,
    ) -> Result<Gradient<R>, AdjointError> {
        self.pull_back_with_events(field, cotangents, &mut [], &mut |_| ControlFlow::Continue(()))
    }

    /// [`Discrete::pull_back_with_events`](crate::Discrete::pull_back_with_events).
    ///
    /// # Errors
    ///
    /// As there; [`AdjointError::NotReversed`] where the way back does not lead to the beginning.
    pub fn pull_back_with_events<F: Vjp<R>>(
        &mut self,
        field: &mut F,
        cotangents: &Cotangents<'_, R>,
        crossings: &mut [Crossing<'_, R>],
        progress: &mut dyn FnMut(R) -> ControlFlow<()>,
    ) -> Result<Gradient<R>, AdjointError> {
        self.trail.check(cotangents)?;
        let n = self.trail.dim();
        let bars = Bars::new(n, field.parameters().len());
        let mut work = field.workspace();
        let grid = self.integrator.options().step.map(|h| if self.trail.span.1 < self.trail.span.0 { -h } else { h });
        let Rewind { integrator, reverse, record, path, trail } = self;
        let mut sweep = Sweep::new(trail, cotangents, bars, integrator.options().initial);
        let (mut kept, mut pair, mut t) = (path.places.len(), Vec::with_capacity(2 * n + 1), trail.span.1);
        for index in (0..record.steps).rev() {
            let begun = &record.restarts[record.restarts.partition_point(|restart| restart.step <= index) - 1];
            let first = begun.step == index;
            let h;
            if let Some((place, ends)) = path.at(kept, index, n) {
                kept -= 1;
                (t, h) = (place.t, place.h);
                integrator.stepper_mut().set_state(&ends[..n], &ends[n..]);
            } else {
                (t, h) = path.step(index, t, begun, grid);
                let mut evaluator = Evaluator::new(&mut *field, &mut work);
                integrator.stepper_mut().step_back(&mut evaluator, t, h);
            }
            let stepper = integrator.stepper();
            let (y, z) = stepper.state();
            let joined = first || path.places[..kept].last().is_some_and(|last| last.parts && last.step + 1 == index);
            let distance = if first { stepper.distance(&begun.y) } else { stepper.distance(z) };
            if joined && (distance > R::from_f64(ASTRAY) || !Scalar::is_finite(&distance)) {
                return Err(AdjointError::NotReversed { t: t.to_f64(), distance: distance.to_f64() });
            }
            pair.clear();
            pair.extend_from_slice(y);
            pair.extend_from_slice(z);
            pair.push(if joined { R::one() } else { R::zero() });
            let (y, stages) = pair.split_at(n);
            let taken = Taken { t, h, y, stages, formula: Formula::Reversible(stepper.method()), kept: &[] };
            sweep.step((index, taken), record, reverse, field, &mut work, crossings, progress)?;
        }
        Ok(sweep.gradient(field, &mut work, 0))
    }
}

/// What the way back has to know of the way forth.
#[derive(Debug, Clone)]
struct Path<R> {
    adaptive: bool,
    /// The sizes of the steps, unless they are on a grid.
    sizes: Vec<Vec<R>>,
    places: Vec<Place<R>>,
    /// Both states at the places, `[places, 2, n]`.
    pairs: Vec<R>,
    /// The step last taken.
    last: Option<Place<R>>,
    pair: Vec<R>,
}

/// A step at whose beginning both states are kept.
#[derive(Debug, Clone, Copy)]
struct Place<R> {
    step: usize,
    t: R,
    h: R,
    /// Does the method begin anew after it?
    parts: bool,
}

impl<R: Real> Path<R> {
    fn new(adaptive: bool, n: usize) -> Path<R> {
        let room = ASIDE / (size_of::<Place<R>>() + 2 * n * size_of::<R>());
        let (places, pairs, pair) = (Vec::with_capacity(room), Vec::with_capacity(2 * n * room), Vec::new());
        Path { adaptive, sizes: Vec::new(), places, pairs, last: None, pair }
    }

    fn begin(&mut self) {
        self.sizes.clear();
        self.places.clear();
        self.pairs.clear();
        self.last = None;
    }

    fn take(&mut self, place: Place<R>, (y, z): (&[R], &[R])) {
        if self.adaptive {
            if self.sizes.last().is_none_or(|piece| piece.len() == PIECE) {
                self.sizes.push(Vec::with_capacity(PIECE));
            }
            if let Some(piece) = self.sizes.last_mut() {
                piece.push(place.h);
            }
        }
        self.last = Some(place);
        self.pair.clear();
        self.pair.extend_from_slice(y);
        self.pair.extend_from_slice(z);
    }

    /// Keeps both states at the beginning of the step last taken.
    fn keep(&mut self, parts: bool) {
        if let Some(last) = self.last.take() {
            self.places.push(Place { parts, ..last });
            self.pairs.extend_from_slice(&self.pair);
        }
    }

    /// The last of `kept` places, if it is at this step, with both states.
    fn at(&self, kept: usize, step: usize, n: usize) -> Option<(Place<R>, &[R])> {
        let last = kept.checked_sub(1)?;
        (self.places[last].step == step).then(|| (self.places[last], &self.pairs[2 * n * last..][..2 * n]))
    }

    /// The beginning and the size of a step, given where it ends.
    fn step(&self, index: usize, end: R, begun: &Restart<R>, grid: Option<R>) -> (R, R) {
        if let Some(h) = grid {
            // As the clock finds them.
            let on = |k: usize| begun.t + h * R::from_f64((k - begun.step) as f64);
            return (on(index), on(index + 1) - on(index));
        }
        let h = self.sizes[index / PIECE][index % PIECE];
        (if begun.step == index { begun.t } else { end - h }, h)
    }
}

/// Writes the record and the path while the solve goes on.
struct Walker<'a, R> {
    record: &'a mut Record<R>,
    path: &'a mut Path<R>,
    progress: &'a mut dyn FnMut(R) -> ControlFlow<()>,
}

impl<R: Real, F: VectorField<R>> Witness<F, Reversible<R>> for Walker<'_, R> {
    fn step(&mut self, step: &mut Step<'_, '_, F, Reversible<R>>) -> Flow {
        let place = Place { step: self.record.steps, t: step.t0(), h: step.h(), parts: false };
        self.path.take(place, step.stepper().state());
        self.record.steps += 1;
        if (self.progress)(step.t1()).is_break() { Flow::Stop } else { Flow::Continue }
    }

    fn advanced(&mut self, stepper: &Reversible<R>, clock: &Clock<R>) {
        if clock.done() {
            self.record.end.copy_from_slice(Stepper::<F>::y(stepper));
        }
        if stepper.joined() || self.record.steps.is_multiple_of(ANCHOR) {
            self.path.keep(stepper.joined());
        }
    }

    fn restarted(&mut self, t: R, y: &[R], due: &[usize]) {
        self.path.keep(false);
        let step = self.record.steps;
        self.record.restarts.push(Restart { step, t, y: y.to_vec(), due: due.to_vec() });
    }
}
