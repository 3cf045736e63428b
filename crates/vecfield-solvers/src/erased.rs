//! Steppers of a field behind a pointer: those that a name chooses are compiled once, and not again for every field.
//!
//! What it saves is the code of a dozen families for every field of a program. Explicit Runge–Kutta methods, whose evaluations may cost no more than that, keep their own field, in [`Auto`](crate::auto)
//! as well.

use core::fmt::Debug;

use vecfield_traits::{AnyField, Jacobian, Real, with_any_field};

use crate::SolveError;
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper};

/// Makes a call with the field behind a pointer.
pub(crate) fn erased<R: Real, F: Jacobian<R>, T>(
    field: &mut Evaluator<'_, F, R>,
    call: impl FnOnce(&mut Evaluator<'_, AnyField<'_, R>, R>) -> T,
) -> T {
    let stats = &mut field.stats;
    with_any_field(&*field.field, field.work, |mut any| {
        let mut inner = Evaluator { field: &mut any, work: &mut (), stats: *stats };
        let out = call(&mut inner);
        *stats = inner.stats;
        out
    })
}

/// A stepper of any family: [`Stepper`] of a field behind a pointer, in a form that can itself be behind one.
trait Family<R: Real>: Debug + Send + Sync {
    fn cloned(&self) -> Box<dyn Family<R>>;
    fn dim(&self) -> usize;
    fn start(&mut self, field: &mut Evaluator<'_, AnyField<'_, R>, R>, t: R, y: &[R]) -> Result<(), SolveError>;
    fn first_step(&mut self, field: &mut Evaluator<'_, AnyField<'_, R>, R>, t: R, span: R) -> R;
    fn attempt(&mut self, field: &mut Evaluator<'_, AnyField<'_, R>, R>, t: R, h: R) -> Attempt<R>;
    fn dense(&mut self, field: &mut Evaluator<'_, AnyField<'_, R>, R>, t: R, h: R, theta: R, out: &mut [R]);
    fn commit(&mut self);
    fn y(&self) -> &[R];
    fn y_new(&self) -> &[R];
    fn culprit(&self) -> Culprit;
    fn stability(&self) -> Option<f64>;
    fn spectral_bound(&mut self) -> Option<R>;
    fn trace(&self, out: &mut Vec<R>) -> Option<Formula>;
    fn save(&self, out: &mut Vec<R>) -> bool;
    fn restore(&mut self, field: &mut Evaluator<'_, AnyField<'_, R>, R>, saved: &[R]);
}

impl<R: Real, K> Family<R> for K
where
    K: for<'f> Stepper<AnyField<'f, R>, Scalar = R> + Debug + Clone + Send + Sync + 'static,
{
    fn cloned(&self) -> Box<dyn Family<R>> {
        Box::new(self.clone())
    }

    fn dim(&self) -> usize {
        Stepper::dim(self)
    }

    fn start(&mut self, field: &mut Evaluator<'_, AnyField<'_, R>, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        Stepper::start(self, field, t, y)
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, AnyField<'_, R>, R>, t: R, span: R) -> R {
        Stepper::first_step(self, field, t, span)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, AnyField<'_, R>, R>, t: R, h: R) -> Attempt<R> {
        Stepper::attempt(self, field, t, h)
    }

    fn dense(&mut self, field: &mut Evaluator<'_, AnyField<'_, R>, R>, t: R, h: R, theta: R, out: &mut [R]) {
        Stepper::dense(self, field, t, h, theta, out);
    }

    fn commit(&mut self) {
        Stepper::commit(self);
    }

    fn y(&self) -> &[R] {
        Stepper::y(self)
    }

    fn y_new(&self) -> &[R] {
        Stepper::y_new(self)
    }

    fn culprit(&self) -> Culprit {
        Stepper::culprit(self)
    }

    fn stability(&self) -> Option<f64> {
        Stepper::stability(self)
    }

    fn spectral_bound(&mut self) -> Option<R> {
        Stepper::spectral_bound(self)
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        Stepper::trace(self, out)
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        Stepper::save(self, out)
    }

    fn restore(&mut self, field: &mut Evaluator<'_, AnyField<'_, R>, R>, saved: &[R]) {
        Stepper::restore(self, field, saved);
    }
}

impl<R: Real> Clone for Box<dyn Family<R>> {
    fn clone(&self) -> Self {
        (**self).cloned()
    }
}

/// A stepper of some family, for any field.
#[derive(Debug, Clone)]
pub(crate) struct AnyFamily<R: Real>(Box<dyn Family<R>>);

impl<R: Real> AnyFamily<R> {
    pub(crate) fn new<K>(stepper: K) -> AnyFamily<R>
    where
        K: for<'f> Stepper<AnyField<'f, R>, Scalar = R> + Debug + Clone + Send + Sync + 'static,
    {
        AnyFamily(Box::new(stepper))
    }
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for AnyFamily<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        erased(field, |field| self.0.start(field, t, y))
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        erased(field, |field| self.0.first_step(field, t, span))
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        erased(field, |field| self.0.attempt(field, t, h))
    }

    fn dense(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R, theta: R, out: &mut [R]) {
        erased(field, |field| self.0.dense(field, t, h, theta, out));
    }

    fn commit(&mut self) {
        self.0.commit();
    }

    fn y(&self) -> &[R] {
        self.0.y()
    }

    fn y_new(&self) -> &[R] {
        self.0.y_new()
    }

    fn culprit(&self) -> Culprit {
        self.0.culprit()
    }

    fn stability(&self) -> Option<f64> {
        self.0.stability()
    }

    fn spectral_bound(&mut self) -> Option<R> {
        self.0.spectral_bound()
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        self.0.trace(out)
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        self.0.save(out)
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        erased(field, |field| self.0.restore(field, saved));
    }
}
