//! Who looks at a solve: observers of its steps, witnesses of its stepper too, and the step they are shown.

use vecfield_traits::{Elementary, Scalar, VectorField};

use crate::clock::Clock;
use crate::stepper::{Evaluator, Stepper};

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
        self.field.field_and_work()
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

type RealOf<F, K> = <<K as Stepper<F>>::Scalar as Scalar>::Real;
