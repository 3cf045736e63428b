//! The one integration loop: every method, save time, event and observer goes through [`integrate`].

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

use crate::event::{Verdict, Watch};
use crate::stepper::{Culprit, Evaluator, Stepper};
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

/// Integrates from `(t0, y0)` to `t1`, through the jumps of `events`, showing every accepted step to `observer`.
///
/// # Errors
///
/// The field not finite, the step too small, too many steps or jumps; the observer has then seen all that is good.
pub(crate) fn integrate<F, K>(
    stepper: &mut K,
    field: &mut Evaluator<'_, F, K::Scalar>,
    (t0, t1): (RealOf<F, K>, RealOf<F, K>),
    y0: &[K::Scalar],
    options: &Options<RealOf<F, K>>,
    events: &mut Watch<'_, '_, K::Scalar, F>,
    observer: &mut (impl Observer<K::Scalar> + ?Sized),
) -> Result<Ending, SolveError>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    stepper.start(field, t0, y0)?;
    events.begin(field.field, t0, y0)?;
    let mut clock = Clock::new(stepper, field, (t0, t1), options);
    while !clock.done() {
        if field.stats.steps + field.stats.rejected >= options.max_steps {
            let (t, step) = (clock.t.to_f64(), clock.h.to_f64());
            return Err(SolveError::TooManySteps { t, step, limit: options.max_steps });
        }
        let (next, h) = clock.trial();
        let attempt = stepper.attempt(field, clock.t, h);
        if attempt.accepted {
            field.stats.steps += 1;
            let mut step = Step { stepper: &mut *stepper, field: &mut *field, t0: clock.t, t1: next, h, end: None };
            let verdict = events.pass(&mut step)?;
            if let Verdict::Jump(t) | Verdict::Stop(t, _) = verdict {
                step.t1 = t;
                step.end = Some(&events.state);
            }
            let flow = observer.step(&mut step);
            match verdict {
                Verdict::Stop(_, event) => return Ok(Ending::Event(event)),
                _ if flow == Flow::Stop => return Ok(Ending::Stopped),
                Verdict::Jump(t) => {
                    events.jump(field.field, t)?;
                    stepper.start(field, t, &events.state)?;
                    clock = Clock::new(stepper, field, (t, t1), options);
                    continue;
                }
                Verdict::GoOn => {}
            }
            stepper.commit();
            clock.accept(next, h, attempt.factor);
        } else {
            field.stats.rejected += 1;
            clock.reject(h, attempt.factor);
        }
        if clock.stuck(attempt.accepted) {
            return Err(clock.failure(stepper.culprit()));
        }
    }
    Ok(Ending::Reached)
}

type RealOf<F, K> = <<K as Stepper<F>>::Scalar as Scalar>::Real;

/// Where the solve is, and how large its next step may be.
struct Clock<R> {
    t: R,
    t1: R,
    /// Proposed step, with sign.
    h: R,
    longest: R,
    fixed: Option<Grid<R>>,
}

/// Times of fixed steps, `origin + index·h`: not accumulated, so that rounding does not.
struct Grid<R> {
    origin: R,
    h: R,
    index: f64,
}

impl<R: Real> Clock<R> {
    fn new<F, K>(
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
        let span = t1 - t0;
        let signed = |h: R| if span < R::zero() { -h } else { h };
        let longest = options.max_step.map_or(span.abs(), |longest| Elementary::min(longest, span.abs()));
        let first = match (options.step, options.first_step) {
            (Some(h), _) | (None, Some(h)) => h,
            (None, None) => stepper.first_step(field, t0, span),
        };
        let fixed = options.step.map(|h| Grid { origin: t0, h: signed(h), index: 0.0 });
        let mut clock = Clock { t: t0, t1, h: signed(first), longest, fixed };
        clock.limit();
        clock
    }

    fn done(&self) -> bool {
        self.t == self.t1
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

    fn accept(&mut self, next: R, h: R, factor: R) {
        // A last step cut short to hit the end says nothing of a smaller step being needed.
        self.t = next;
        self.h = h * factor;
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

    /// Why no further step can be taken.
    fn failure(&self, culprit: Culprit) -> SolveError {
        let (component, t, step) = (culprit.component, self.t.to_f64(), self.h.to_f64());
        match (&self.fixed, culprit.finite) {
            (Some(_), _) => SolveError::StepFailed { component, t, step },
            (None, true) => SolveError::StepTooSmall { component, t, step },
            (None, false) => SolveError::NotFinite { component, t, step },
        }
    }

    /// Can no further step be taken? Fixed steps are never repeated with a smaller one.
    fn stuck(&self, accepted: bool) -> bool {
        if self.fixed.is_some() {
            return !accepted;
        }
        let resolution = R::from_f64(4.0) * R::EPSILON * self.t.abs();
        let smallest = Elementary::max(resolution, R::MIN_POSITIVE / R::EPSILON);
        !self.done() && (self.h.is_nan() || self.h.abs() < smallest)
    }
}

/// The accepted step of a stepper.
pub(crate) struct Step<'a, 'b, F, K>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    stepper: &'a mut K,
    field: &'a mut Evaluator<'b, F, K::Scalar>,
    t0: RealOf<F, K>,
    t1: RealOf<F, K>,
    h: RealOf<F, K>,
    /// The state at `t1`, where an event cuts the step short.
    end: Option<&'a [K::Scalar]>,
}

impl<F, K> Step<'_, '_, F, K>
where
    K: Stepper<F>,
    F: VectorField<K::Scalar>,
{
    pub(crate) fn field(&self) -> &F {
        self.field.field
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
