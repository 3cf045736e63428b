//! A field behind a pointer, so that the steppers that a name chooses are compiled once, and not again for every field.
//!
//! A call through the pointer costs two nanoseconds; what it saves is the code of a dozen families for every field of a
//! program. Explicit Runge–Kutta methods, whose evaluations may cost no more than that, keep their own field, in [`Auto`](crate::auto)
//! as well.

use core::cell::RefCell;
use core::fmt::Debug;

use vecfield_traits::{Half, Jacobian, Mass, Partition, Real, Sparsity, VectorField};

use crate::SolveError;
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper};

/// What a stepper asks of a field.
trait Asked<R: Real> {
    fn dim(&self) -> usize;
    fn eval(&self, t: R, y: &[R], dy: &mut [R]);
    fn eval_half(&self, half: Half, t: R, y: &[R], dy: &mut [R]);
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R]);
    fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R]) -> bool;
    fn smooth_within(&self, h: R) -> R;
    fn stiff_part(&self, t: R, y: &[R], dy: &mut [R]) -> bool;
    fn stiff_jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R]);
    fn sparsity(&self) -> Option<&Sparsity>;
    fn mass(&self) -> Option<&Mass<R>>;
    fn partition(&self) -> Option<&Partition>;
}

/// A field with its memory.
struct Bound<'a, F: VectorField<R>, R: Real> {
    field: &'a F,
    work: RefCell<&'a mut F::Workspace>,
}

impl<R: Real, F: Jacobian<R>> Asked<R> for Bound<'_, F, R> {
    fn dim(&self) -> usize {
        self.field.dim()
    }

    fn eval(&self, t: R, y: &[R], dy: &mut [R]) {
        self.field.eval(t, y, dy, &mut self.work.borrow_mut());
    }

    fn eval_half(&self, half: Half, t: R, y: &[R], dy: &mut [R]) {
        self.field.eval_half(half, t, y, dy, &mut self.work.borrow_mut());
    }

    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R]) {
        self.field.jacobian(t, y, jac, time, &mut self.work.borrow_mut());
    }

    fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R]) -> bool {
        self.field.taylor(t, y, order, coefficients, &mut self.work.borrow_mut())
    }

    fn smooth_within(&self, h: R) -> R {
        self.field.smooth_within(h, &self.work.borrow())
    }

    fn stiff_part(&self, t: R, y: &[R], dy: &mut [R]) -> bool {
        self.field.stiff_part(t, y, dy, &mut self.work.borrow_mut())
    }

    fn stiff_jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R]) {
        self.field.stiff_jacobian(t, y, jac, time, &mut self.work.borrow_mut());
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.field.sparsity()
    }

    fn mass(&self) -> Option<&Mass<R>> {
        self.field.mass()
    }

    fn partition(&self) -> Option<&Partition> {
        self.field.partition()
    }
}

/// Any field.
pub(crate) struct Erased<'a, R>(&'a dyn Asked<R>);

impl<R: Real> VectorField<R> for Erased<'_, R> {
    type Workspace = ();

    fn workspace(&self) {}

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn eval(&self, t: R, y: &[R], dy: &mut [R], _work: &mut ()) {
        self.0.eval(t, y, dy);
    }

    fn partition(&self) -> Option<&Partition> {
        self.0.partition()
    }

    fn eval_half(&self, half: Half, t: R, y: &[R], dy: &mut [R], _work: &mut ()) {
        self.0.eval_half(half, t, y, dy);
    }
}

impl<R: Real> Jacobian<R> for Erased<'_, R> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], _work: &mut ()) {
        self.0.jacobian(t, y, jac, time);
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.0.sparsity()
    }

    fn mass(&self) -> Option<&Mass<R>> {
        self.0.mass()
    }

    fn taylor(&self, t: R, y: &[R], order: usize, coefficients: &mut [R], _work: &mut ()) -> bool {
        self.0.taylor(t, y, order, coefficients)
    }

    fn smooth_within(&self, h: R, _work: &()) -> R {
        self.0.smooth_within(h)
    }

    fn stiff_part(&self, t: R, y: &[R], dy: &mut [R], _work: &mut ()) -> bool {
        self.0.stiff_part(t, y, dy)
    }

    fn stiff_jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], _work: &mut ()) {
        self.0.stiff_jacobian(t, y, jac, time);
    }
}

/// Makes a call with the field behind a pointer.
pub(crate) fn erased<R: Real, F: Jacobian<R>, T>(
    field: &mut Evaluator<'_, F, R>,
    call: impl FnOnce(&mut Evaluator<'_, Erased<'_, R>, R>) -> T,
) -> T {
    let bound = Bound { field: &*field.field, work: RefCell::new(&mut *field.work) };
    let mut inner = Evaluator { field: &mut Erased(&bound), work: &mut (), stats: field.stats };
    let out = call(&mut inner);
    let stats = inner.stats;
    field.stats = stats;
    out
}

/// A stepper of any family: [`Stepper`] of a field behind a pointer, in a form that can itself be behind one.
trait Family<R: Real>: Debug + Send + Sync {
    fn cloned(&self) -> Box<dyn Family<R>>;
    fn dim(&self) -> usize;
    fn start(&mut self, field: &mut Evaluator<'_, Erased<'_, R>, R>, t: R, y: &[R]) -> Result<(), SolveError>;
    fn first_step(&mut self, field: &mut Evaluator<'_, Erased<'_, R>, R>, t: R, span: R) -> R;
    fn attempt(&mut self, field: &mut Evaluator<'_, Erased<'_, R>, R>, t: R, h: R) -> Attempt<R>;
    fn dense(&mut self, field: &mut Evaluator<'_, Erased<'_, R>, R>, t: R, h: R, theta: R, out: &mut [R]);
    fn commit(&mut self);
    fn y(&self) -> &[R];
    fn y_new(&self) -> &[R];
    fn culprit(&self) -> Culprit;
    fn stability(&self) -> Option<f64>;
    fn trace(&self, out: &mut Vec<R>) -> Option<Formula>;
    fn save(&self, out: &mut Vec<R>) -> bool;
    fn restore(&mut self, field: &mut Evaluator<'_, Erased<'_, R>, R>, saved: &[R]);
}

impl<R: Real, K> Family<R> for K
where
    K: for<'f> Stepper<Erased<'f, R>, Scalar = R> + Debug + Clone + Send + Sync + 'static,
{
    fn cloned(&self) -> Box<dyn Family<R>> {
        Box::new(self.clone())
    }

    fn dim(&self) -> usize {
        Stepper::dim(self)
    }

    fn start(&mut self, field: &mut Evaluator<'_, Erased<'_, R>, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        Stepper::start(self, field, t, y)
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, Erased<'_, R>, R>, t: R, span: R) -> R {
        Stepper::first_step(self, field, t, span)
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, Erased<'_, R>, R>, t: R, h: R) -> Attempt<R> {
        Stepper::attempt(self, field, t, h)
    }

    fn dense(&mut self, field: &mut Evaluator<'_, Erased<'_, R>, R>, t: R, h: R, theta: R, out: &mut [R]) {
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

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        Stepper::trace(self, out)
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        Stepper::save(self, out)
    }

    fn restore(&mut self, field: &mut Evaluator<'_, Erased<'_, R>, R>, saved: &[R]) {
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
        K: for<'f> Stepper<Erased<'f, R>, Scalar = R> + Debug + Clone + Send + Sync + 'static,
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
