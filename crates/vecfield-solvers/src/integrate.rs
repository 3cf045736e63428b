//! The one integration loop: every method, save time, event and observer goes through [`integrate`].

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

use crate::checkpoint::Checkpoint;
use crate::event::{Verdict, Watch};
use crate::stepper::{Evaluator, Stepper};
use crate::{Options, SolveError};

/// An accepted step, or the part of it before an event.
pub trait Segment<S: Scalar> {
    /// Where it begins.
    fn t0(&self) -> S::Real;
    /// Where it ends.
    fn t1(&self) -> S::Real;
    /// The state at its beginning.
    fn y0(&self) -> &[S];
    /// The state at its end, before any jump.
    fn y1(&self) -> &[S];
    /// Writes the state at `t`, between the ends, into `out`: the dense output of the method, exact at both ends.
    fn at(&mut self, t: S::Real, out: &mut [S]);
}

/// Is shown every accepted step, and may end the solve after it.
pub trait Observer<S: Scalar> {
    /// Sees the state at the start: that given, but for algebraic components, which become consistent with their equations.
    fn begin(&mut self, _t: S::Real, _y: &[S]) {}

    /// Looks at one step.
    fn step(&mut self, segment: &mut dyn Segment<S>) -> Flow;
}

/// Go on or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// End the solve here; it is then not an error.
    Stop,
}

/// Observes nothing.
impl<S: Scalar> Observer<S> for () {
    fn step(&mut self, _segment: &mut dyn Segment<S>) -> Flow {
        Flow::Continue
    }
}

/// One observer, then another; the solve ends when either says so.
impl<S: Scalar, A: Observer<S>, B: Observer<S>> Observer<S> for (&mut A, &mut B) {
    fn begin(&mut self, t: S::Real, y: &[S]) {
        self.0.begin(t, y);
        self.1.begin(t, y);
    }

    fn step(&mut self, segment: &mut dyn Segment<S>) -> Flow {
        match (self.0.step(segment), self.1.step(segment)) {
            (Flow::Continue, Flow::Continue) => Flow::Continue,
            _ => Flow::Stop,
        }
    }
}

/// How a solve ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At the end asked for.
    Reached,
    /// At an observer's wish.
    Stopped,
    /// At an event, by its index.
    Event(usize),
}

/// Is shown every accepted step together with the stepper that took it: what an adjoint needs, beyond an [`Observer`].
pub trait Witness<F: VectorField<K::Scalar>, K: Stepper<F>> {
    /// Sees the state at the start, as [`Observer::begin`] does.
    fn begin(&mut self, _t: RealOf<F, K>, _y: &[K::Scalar]) {}

    /// Looks at an accepted step; an event may have cut it short.
    fn step(&mut self, step: &mut Step<'_, '_, F, K>) -> Flow;

    /// After a step that no event cut short: the stepper and the clock are ready for the next.
    fn advanced(&mut self, _stepper: &K, _clock: &Clock<RealOf<F, K>>) {}

    /// After the jumps at the end of a step: the solve begins anew at `(t, y)`.
    fn restarted(&mut self, _t: RealOf<F, K>, _y: &[K::Scalar], _due: &[usize]) {}
}

/// An observer as a witness.
pub(crate) struct Observing<'a, O: ?Sized>(pub(crate) &'a mut O);

impl<F, K, O> Witness<F, K> for Observing<'_, O>
where
    F: VectorField<K::Scalar>,
    K: Stepper<F>,
    O: Observer<K::Scalar> + ?Sized,
{
    fn begin(&mut self, t: RealOf<F, K>, y: &[K::Scalar]) {
        self.0.begin(t, y);
    }

    fn step(&mut self, step: &mut Step<'_, '_, F, K>) -> Flow {
        self.0.step(step)
    }
}

/// One witness, then another; the solve ends when either says so.
pub(crate) struct Together<'a, A, B>(pub(crate) A, pub(crate) &'a mut B);

impl<F, K, A, B> Witness<F, K> for Together<'_, A, B>
where
    F: VectorField<K::Scalar>,
    K: Stepper<F>,
    A: Witness<F, K>,
    B: Witness<F, K>,
{
    fn begin(&mut self, t: RealOf<F, K>, y: &[K::Scalar]) {
        self.0.begin(t, y);
        self.1.begin(t, y);
    }

    fn step(&mut self, step: &mut Step<'_, '_, F, K>) -> Flow {
        match (self.0.step(step), self.1.step(step)) {
            (Flow::Continue, Flow::Continue) => Flow::Continue,
            _ => Flow::Stop,
        }
    }

    fn advanced(&mut self, stepper: &K, clock: &Clock<RealOf<F, K>>) {
        self.0.advanced(stepper, clock);
        self.1.advanced(stepper, clock);
    }

    fn restarted(&mut self, t: RealOf<F, K>, y: &[K::Scalar], due: &[usize]) {
        self.0.restarted(t, y, due);
        self.1.restarted(t, y, due);
    }
}

/// Integrates from `(t0, y0)` to `t1`, through the jumps of `events`, showing every accepted step to `witness`.
///
/// # Errors
///
/// The field not finite, the step too small, too many steps or jumps; the witness has then seen all that is good.
pub(crate) fn integrate<F, K>(
    stepper: &mut K,
    field: &mut Evaluator<'_, F, K::Scalar>,
    (t0, t1): (RealOf<F, K>, RealOf<F, K>),
    y0: &[K::Scalar],
    options: &Options<RealOf<F, K>>,
    events: &mut Watch<'_, '_, K::Scalar, F>,
    witness: &mut (impl Witness<F, K> + ?Sized),
) -> Result<Halt<RealOf<F, K>>, SolveError>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    stepper.start(field, t0, y0)?;
    witness.begin(t0, stepper.y());
    events.begin(field.field, t0, stepper.y())?;
    let clock = Clock::new(stepper, field, (t0, t1), options);
    go_on(stepper, field, (clock, t1), options, events, witness)
}

/// Goes on from a checkpoint.
///
/// # Errors
///
/// As [`integrate`].
pub(crate) fn resume<F, K>(
    stepper: &mut K,
    field: &mut Evaluator<'_, F, K::Scalar>,
    from: &Checkpoint<K::Scalar>,
    options: &Options<RealOf<F, K>>,
    events: &mut Watch<'_, '_, K::Scalar, F>,
    witness: &mut (impl Witness<F, K> + ?Sized),
) -> Result<Halt<RealOf<F, K>>, SolveError>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    let (t, t1) = (from.clock.t, from.span.1);
    events.recall(&from.events);
    if from.events.due.is_empty() {
        stepper.restore(field, &from.stepper);
        // What is evaluated again was counted when it was evaluated first.
        field.stats = from.stats;
        witness.begin(t, stepper.y());
        return go_on(stepper, field, (from.clock.clone(), t1), options, events, witness);
    }
    field.stats = from.stats;
    witness.begin(t, &from.y);
    events.state.copy_from_slice(&from.y);
    let clock = jump(stepper, field, (t, t1), options, events, witness)?;
    go_on(stepper, field, (clock, t1), options, events, witness)
}

/// How the loop ended, and where it can go on if an observer ended it.
pub(crate) struct Halt<R> {
    pub(crate) ending: Ending,
    pub(crate) pause: Option<Pause<R>>,
}

/// Where a solve was stopped.
pub(crate) enum Pause<R> {
    /// Between two steps.
    Between(Clock<R>),
    /// Before the jumps that are due at this time.
    Jump(R),
}

impl<R> From<Ending> for Halt<R> {
    fn from(ending: Ending) -> Halt<R> {
        Halt { ending, pause: None }
    }
}

/// The loop.
fn go_on<F, K>(
    stepper: &mut K,
    field: &mut Evaluator<'_, F, K::Scalar>,
    (mut clock, t1): (Clock<RealOf<F, K>>, RealOf<F, K>),
    options: &Options<RealOf<F, K>>,
    events: &mut Watch<'_, '_, K::Scalar, F>,
    witness: &mut (impl Witness<F, K> + ?Sized),
) -> Result<Halt<RealOf<F, K>>, SolveError>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    loop {
        if clock.done() {
            let Some(t) = clock.resume() else { return Ok(Ending::Reached.into()) };
            events.state.copy_from_slice(stepper.y());
            witness.restarted(t, &events.state, &[]);
            stepper.start(field, t, &events.state)?;
            clock = Clock::new(stepper, field, (t, t1), options);
            continue;
        }
        let leg = clock.advance(stepper, field, options.max_steps)?;
        let t = clock.t;
        let mut step = Step { stepper: &mut *stepper, field: &mut *field, t0: t, t1: leg.end, h: leg.h, end: None };
        let verdict = events.pass(&mut step)?;
        if let Verdict::Jump(t) | Verdict::Stop(t, _) = verdict {
            step.t1 = t;
            step.end = Some(&events.state);
        }
        let flow = witness.step(&mut step);
        match verdict {
            Verdict::Stop(_, event) => return Ok(Ending::Event(event).into()),
            Verdict::Jump(t) if flow == Flow::Stop => {
                return Ok(Halt { ending: Ending::Stopped, pause: Some(Pause::Jump(t)) });
            }
            Verdict::Jump(t) => clock = jump(stepper, field, (t, t1), options, events, witness)?,
            Verdict::GoOn => {
                stepper.commit();
                clock.accept(&leg);
                if flow == Flow::Stop {
                    return Ok(Halt { ending: Ending::Stopped, pause: Some(Pause::Between(clock)) });
                }
                witness.advanced(stepper, &clock);
                clock.check(stepper, true)?;
            }
        }
    }
}

/// Makes the jumps due at `t`, and begins anew there.
fn jump<F, K>(
    stepper: &mut K,
    field: &mut Evaluator<'_, F, K::Scalar>,
    (t, t1): (RealOf<F, K>, RealOf<F, K>),
    options: &Options<RealOf<F, K>>,
    events: &mut Watch<'_, '_, K::Scalar, F>,
    witness: &mut (impl Witness<F, K> + ?Sized),
) -> Result<Clock<RealOf<F, K>>, SolveError>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    events.jump(field.field, t)?;
    witness.restarted(t, &events.state, &events.due);
    stepper.start(field, t, &events.state)?;
    Ok(Clock::new(stepper, field, (t, t1), options))
}

/// Of a solve from `t` to `t1`: the end of the part before the next of these discontinuities (ascending), and where it goes on
/// after that, if it does. The one lies just before the discontinuity and the other just after it: the field belongs to either
/// side there.
pub(crate) fn part<R: Real>(discontinuities: &[R], (t, t1): (R, R)) -> (R, Option<R>) {
    let forward = t1 >= t;
    let sides = |at: &R| {
        let ulp = Elementary::max(at.abs(), R::MIN_POSITIVE / R::EPSILON) * R::EPSILON;
        if forward { (*at - ulp, *at + ulp) } else { (*at + ulp, *at - ulp) }
    };
    // Nothing is left of a part that ends where it begins, nor of a solve that ends at the discontinuity.
    let between = |(before, after): &(R, R)| {
        if forward { *before > t && *after < t1 } else { *before < t && *after > t1 }
    };
    let (behind, ahead) = discontinuities.split_at(discontinuities.partition_point(|at| *at < t));
    let around =
        if forward { ahead.iter().map(sides).find(between) } else { behind.iter().rev().map(sides).find(between) };
    around.map_or((t1, None), |(before, after)| (before, Some(after)))
}

type RealOf<F, K> = <<K as Stepper<F>>::Scalar as Scalar>::Real;

/// Where a solve is, and how large its next step may be. A copy, with one of the stepper, goes on where they were made,
/// bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock<R> {
    pub(crate) t: R,
    /// The end of the solve, or of its part before a declared discontinuity.
    pub(crate) t1: R,
    pub(crate) resume: Option<R>,
    /// Proposed step, with sign.
    pub(crate) h: R,
    pub(crate) longest: R,
    pub(crate) fixed: Option<Grid<R>>,
}

/// Times of fixed steps, `origin + index·h`: not accumulated, so that rounding does not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grid<R> {
    pub(crate) origin: R,
    pub(crate) h: R,
    pub(crate) index: f64,
}

/// An accepted step.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg<R> {
    /// Where it begins.
    pub start: R,
    /// Where it ends.
    pub end: R,
    /// Its size, `end - start` up to rounding.
    pub h: R,
    /// The factor to the next step.
    factor: R,
}

impl<R: Real> Clock<R> {
    /// The clock of a solve from `t0` to `t1`, or of its part before the next declared discontinuity, after the stepper's
    /// [`start`](Stepper::start).
    pub fn new<F, K>(
        stepper: &mut K,
        field: &mut Evaluator<'_, F, K::Scalar>,
        (t0, t1): (R, R),
        options: &Options<R>,
    ) -> Clock<R>
    where
        K: Stepper<F>,
        K::Scalar: Scalar<Real = R>,
        F: VectorField<K::Scalar>,
    {
        let (t1, resume) = part(&options.discontinuities, (t0, t1));
        let span = t1 - t0;
        let signed = |h: R| if span < R::zero() { -h } else { h };
        let longest = options.max_step.map_or(span.abs(), |longest| Elementary::min(longest, span.abs()));
        let first = match (options.step, options.first_step) {
            (Some(h), _) | (None, Some(h)) => h,
            (None, None) => stepper.first_step(field, t0, span),
        };
        let fixed = options.step.map(|h| Grid { origin: t0, h: signed(h), index: 0.0 });
        let mut clock = Clock { t: t0, t1, resume, h: signed(first), longest, fixed };
        clock.limit();
        clock
    }

    /// A clock that stands at `t`, where another is yet to be made.
    pub(crate) fn at(t: R) -> Clock<R> {
        Clock { t, t1: t, resume: None, h: R::zero(), longest: R::zero(), fixed: None }
    }

    /// The time reached.
    pub fn t(&self) -> R {
        self.t
    }

    /// Where the solve goes on, with a new start and a new clock, when this one is [`done`](Clock::done) before a declared
    /// discontinuity; `None` if that is the end of the solve.
    pub fn resume(&self) -> Option<R> {
        self.resume
    }

    /// Is the end reached?
    pub fn done(&self) -> bool {
        self.t == self.t1
    }

    /// Tries steps until one is accepted; the stepper has then yet to [`commit`](Stepper::commit) it, and the clock to
    /// [`accept`](Clock::accept) it.
    ///
    /// # Errors
    ///
    /// No step is small enough, or there were too many.
    pub fn advance<F, K>(
        &mut self,
        stepper: &mut K,
        field: &mut Evaluator<'_, F, K::Scalar>,
        max_steps: u64,
    ) -> Result<Leg<R>, SolveError>
    where
        K: Stepper<F>,
        K::Scalar: Scalar<Real = R>,
        F: VectorField<K::Scalar>,
    {
        loop {
            if field.stats.steps + field.stats.rejected >= max_steps {
                let (t, step) = (self.t.to_f64(), self.h.to_f64());
                return Err(SolveError::TooManySteps { t, step, limit: max_steps });
            }
            let (end, h) = self.trial();
            let attempt = stepper.attempt(field, self.t, h);
            if attempt.accepted {
                field.stats.steps += 1;
                return Ok(Leg { start: self.t, end, h, factor: attempt.factor });
            }
            field.stats.rejected += 1;
            self.reject(h, attempt.factor);
            self.check(stepper, false)?;
        }
    }

    /// The end of the next trial step, and its size.
    fn trial(&self) -> (R, R) {
        let left = self.t1 - self.t;
        if let Some(grid) = &self.fixed {
            let next = grid.origin + grid.h * R::from_f64(grid.index + 1.0);
            // A last step that is longer by rounding only is not followed by one of the size of rounding.
            let last = (self.t1 - next).abs() <= grid.h.abs() * R::from_f64(1e-9);
            let beyond = (next - self.t1) * grid.h > R::zero();
            return if last || beyond { (self.t1, left) } else { (next, next - self.t) };
        }
        // The last step is stretched by up to a percent, rather than followed by a tiny one.
        if left.abs() <= self.h.abs() * R::from_f64(1.01) { (self.t1, left) } else { (self.t + self.h, self.h) }
    }

    /// Goes to the end of a step.
    pub fn accept(&mut self, leg: &Leg<R>) {
        // A last step cut short to hit the end says nothing of a smaller step being needed.
        self.t = leg.end;
        self.h = leg.h * leg.factor;
        if let Some(grid) = &mut self.fixed {
            grid.index += 1.0;
            self.h = grid.h;
        }
        self.limit();
    }

    fn reject(&mut self, h: R, factor: R) {
        if self.fixed.is_none() {
            self.h = h * factor;
        }
    }

    fn limit(&mut self) {
        if self.fixed.is_none() && self.h.abs() > self.longest {
            self.h = if self.h < R::zero() { -self.longest } else { self.longest };
        }
    }

    /// Says why no further step can be taken, if so. Fixed steps are never repeated with a smaller one.
    pub(crate) fn check<F, K>(&self, stepper: &K, accepted: bool) -> Result<(), SolveError>
    where
        K: Stepper<F>,
        F: VectorField<K::Scalar>,
    {
        let stuck = if self.fixed.is_some() {
            !accepted
        } else {
            let resolution = R::from_f64(4.0) * R::EPSILON * self.t.abs();
            let smallest = Elementary::max(resolution, R::MIN_POSITIVE / R::EPSILON);
            !self.done() && (self.h.is_nan() || self.h.abs() < smallest)
        };
        if !stuck {
            return Ok(());
        }
        let culprit = stepper.culprit();
        let (component, t, step) = (culprit.component, self.t.to_f64(), self.h.to_f64());
        Err(match (&self.fixed, culprit.finite) {
            (Some(_), _) => SolveError::StepFailed { component, t, step },
            (None, true) => SolveError::StepTooSmall { component, t, step },
            (None, false) => SolveError::NotFinite { component, t, step },
        })
    }
}

/// The accepted step of a stepper.
pub struct Step<'a, 'b, F, K>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    pub(crate) stepper: &'a mut K,
    pub(crate) field: &'a mut Evaluator<'b, F, K::Scalar>,
    pub(crate) t0: RealOf<F, K>,
    pub(crate) t1: RealOf<F, K>,
    pub(crate) h: RealOf<F, K>,
    /// The state at `t1`, where an event cuts the step short.
    pub(crate) end: Option<&'a [K::Scalar]>,
}

impl<F, K> Step<'_, '_, F, K>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    pub(crate) fn field(&self) -> &F {
        self.field.field
    }

    /// The stepper, with the accepted step not yet committed.
    pub fn stepper(&self) -> &K {
        self.stepper
    }

    /// The field, and memory to evaluate it.
    pub fn field_and_work(&mut self) -> (&F, &mut F::Workspace) {
        (&*self.field.field, &mut *self.field.work)
    }

    /// The size of the whole step; an event may have cut it short.
    pub fn h(&self) -> RealOf<F, K> {
        self.h
    }

    /// The time at a fraction of the step.
    pub(crate) fn time(&self, theta: RealOf<F, K>) -> RealOf<F, K> {
        if theta == RealOf::<F, K>::one() { self.t1 } else { self.t0 + self.h * theta }
    }

    /// What of `θ` is lost when it becomes a time, in units of rounding.
    pub(crate) fn resolution(&self) -> RealOf<F, K> {
        Elementary::max(self.t0.abs(), self.t1.abs()) / self.h.abs() + RealOf::<F, K>::one()
    }
}

impl<F, K> Segment<K::Scalar> for Step<'_, '_, F, K>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    fn t0(&self) -> RealOf<F, K> {
        self.t0
    }

    fn t1(&self) -> RealOf<F, K> {
        self.t1
    }

    fn y0(&self) -> &[K::Scalar] {
        self.stepper.y()
    }

    fn y1(&self) -> &[K::Scalar] {
        self.end.unwrap_or_else(|| self.stepper.y_new())
    }

    fn at(&mut self, t: RealOf<F, K>, out: &mut [K::Scalar]) {
        if t == self.t1 {
            out.copy_from_slice(self.y1());
        } else if t == self.t0 {
            out.copy_from_slice(self.stepper.y());
        } else {
            let theta = (t - self.t0) / self.h;
            self.stepper.dense(self.field, self.t0, self.h, theta, out);
        }
    }
}
