//! What the one integration loop asks of a method.

use vecfield_traits::{self as traits, Half, Jacobian, Scalar, VectorField};

use crate::SolveError;
pub use crate::bootstrap::{Round, rounds};
pub use crate::combine::{Term, combine, stage_point, terms};
use crate::dirk::tableau::DirkTableau;
use crate::gauss::GaussTableau;
pub use crate::radau::Collocation;
use crate::reversible::ReversibleMethod;
use crate::rosenbrock::RosenbrockTableau;
use crate::stabilised::Polynomials;
use crate::symplectic::Splitting;
use crate::tableau::Tableau;

/// Advances a state by one step, estimates the local error and offers a polynomial inside the step.
///
/// The loop calls `start`, then `attempt` until one is accepted, then any number of `dense`, then `commit`, and again.
pub trait Stepper<F: VectorField<Self::Scalar>> {
    /// The number the state is made of.
    type Scalar: Scalar;

    /// The dimension the memory was made for.
    fn dim(&self) -> usize;

    /// Begins at `(t, y)`, forgetting everything before.
    ///
    /// # Errors
    ///
    /// [`SolveError::NotFinite`] if the field is not finite there.
    fn start(
        &mut self,
        field: &mut Evaluator<'_, F, Self::Scalar>,
        t: Real<Self, F>,
        y: &[Self::Scalar],
    ) -> Result<(), SolveError>;

    /// A first step, in absolute value, for a solve that goes on for `span` (with sign).
    fn first_step(
        &mut self,
        field: &mut Evaluator<'_, F, Self::Scalar>,
        t: Real<Self, F>,
        span: Real<Self, F>,
    ) -> Real<Self, F>;

    /// Tries a step from `t` to `t + h`.
    fn attempt(
        &mut self,
        field: &mut Evaluator<'_, F, Self::Scalar>,
        t: Real<Self, F>,
        h: Real<Self, F>,
    ) -> Attempt<Real<Self, F>>;

    /// Writes the state at `t + θh` inside the accepted step into `out`.
    fn dense(
        &mut self,
        field: &mut Evaluator<'_, F, Self::Scalar>,
        t: Real<Self, F>,
        h: Real<Self, F>,
        theta: Real<Self, F>,
        out: &mut [Self::Scalar],
    );

    /// Makes the end of the accepted step the beginning of the next.
    fn commit(&mut self);

    /// The state at the beginning of the step.
    fn y(&self) -> &[Self::Scalar];

    /// The state at the end of the step.
    fn y_new(&self) -> &[Self::Scalar];

    /// Which component spoilt the last attempt, and was it by not being finite?
    fn culprit(&self) -> Culprit;

    /// `h|λ|` up to which a step damps a decaying mode, for a method that larger ones make unstable; `None` where no step does.
    fn stability(&self) -> Option<f64> {
        None
    }

    /// A bound of `|λ|` over all eigenvalues of the Jacobian that the last step was taken with, where the method has one.
    fn spectral_bound(&mut self) -> Option<Real<Self, F>> {
        None
    }

    /// Appends to `out` what the accepted step is made of besides the state at its beginning, for a pass back through it, and
    /// says by which formula; `None` where the family has no such pass.
    fn trace(&self, _out: &mut Vec<Self::Scalar>) -> Option<Formula> {
        None
    }

    /// Appends to `out` all that the steps after a [`commit`](Stepper::commit) depend on, and says whether the family can.
    fn save(&self, _out: &mut Vec<Self::Scalar>) -> bool {
        false
    }

    /// Goes on where [`save`](Stepper::save) wrote `saved`, with the same bits; `field` may be evaluated. Does nothing for a
    /// family that cannot save.
    fn restore(&mut self, _field: &mut Evaluator<'_, F, Self::Scalar>, _saved: &[Self::Scalar]) {}
}

/// The formula of an accepted step, with what [`trace`](Stepper::trace) keeps of it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Formula {
    /// Explicit Runge–Kutta; the stages `k_i`, `[s, n]`.
    Explicit(&'static Tableau),
    /// Diagonally implicit Runge–Kutta, of a field as a whole; the rates `k_i` at the stages, `[s, n]`. With a mass matrix, which
    /// hides the rate at the beginning, `k_0` is that at the end of the step before; one more number is the step with which it
    /// was resolved, where the method begins, and else zero.
    Dirk(&'static DirkTableau),
    /// An implicit–explicit pair, of a field that is split; the implicit rates at the stages, then the explicit ones, `[2, s, n]`.
    Additive(&'static DirkTableau),
    /// Rosenbrock; the stages `k_i`, `[s, n]`.
    Rosenbrock(&'static RosenbrockTableau),
    /// Implicit Runge–Kutta with stages that depend on each other; `z_i = Y_i - y`, `[s, n]`.
    Collocation(&'static Collocation),
    /// Gauss–Legendre; `z_i = Y_i - y`, `[s, n]`. Dense output is that of [`rounds`] of the method's order.
    Gauss(&'static GaussTableau),
    /// A stabilised method; the number of stages.
    Stabilised(Polynomials),
    /// Drifts and kicks; nothing is kept. Dense output is that of [`rounds`] of the method's order.
    Symplectic(&'static Splitting),
    /// Backward differentiation. The order `k`, the leading coefficient `c`, the step of the first difference where the method
    /// begins (else zero), and whether a starter took the step (one or zero); the spans `ψ_0 ..= ψ_{k-1}`; the differences
    /// `φ_1 ..= φ_k` and the correction `e`, `[n]` each; the stages `z_i` of the [starter](crate::BDF_STARTER), if it was one.
    Backward,
    /// Adams–Bashforth–Moulton. The order `k`, whether the method begins with this step, and whether a starter took it (one
    /// or zero each); the spans `ψ_0 ..= ψ_{k-2}`; the differences `φ_0 ..= φ_{k-1}` of the rates and the correction `e`, `[n]` each;
    /// the stages of the [starter](crate::ADAMS_STARTER), if it was one.
    Adams,
    /// A reversible method; the second state `z` at the beginning of the step, `[n]`, and one number that is not zero where it
    /// was found from the first alone ([`joined`](crate::Reversible::joined)).
    Reversible(&'static ReversibleMethod),
}

type Real<K, F> = <<K as Stepper<F>>::Scalar as Scalar>::Real;

/// The outcome of a trial step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attempt<R> {
    /// Is the error within the tolerance, and everything finite?
    pub accepted: bool,
    /// The factor from this step to the next, or to the repetition of this one.
    pub factor: R,
}

/// The component that made an attempt fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Culprit {
    /// Its index.
    pub component: usize,
    /// Was it still a number?
    pub finite: bool,
    /// The stage whose rate was none, where the method has such; those before it were numbers.
    pub stage: Option<usize>,
}

impl Culprit {
    /// A component that is no number.
    pub(crate) fn not_finite(component: usize) -> Culprit {
        Culprit { component, finite: false, stage: None }
    }

    /// The first among the rates of stages, `[s, n]`, that is no number.
    fn among_stages<S: Scalar>(rates: &[S], n: usize) -> Option<Culprit> {
        let at = first_not_finite(rates)?;
        Some(Culprit { stage: Some(at / n), ..Culprit::not_finite(at % n) })
    }

    /// What spoilt a step first: a slope of the linearisation, the rate of a stage, `[s, n]`, or one of the `results` of them.
    pub(crate) fn spoilt<S: Scalar>(slope: Option<usize>, rates: &[S], n: usize, results: &[&[S]]) -> Option<Culprit> {
        let result = || results.iter().find_map(|x| first_not_finite(x)).map(Culprit::not_finite);
        slope.map(Culprit::not_finite).or_else(|| Culprit::among_stages(rates, n)).or_else(result)
    }

    /// A component whose error is too large.
    pub(crate) fn inaccurate(component: usize) -> Culprit {
        Culprit { component, finite: true, stage: None }
    }

    /// Why a solve that stands at `t` can take no step; `step` is the last tried.
    pub(crate) fn failure(self, t: f64, step: f64, fixed: bool) -> SolveError {
        let Culprit { component, finite, stage } = self;
        match (fixed, finite) {
            (true, _) => SolveError::StepFailed { component, t, step, stage },
            (false, true) => SolveError::StepTooSmall { component, t, step },
            (false, false) => SolveError::NotFinite { component, t, step, stage },
        }
    }
}

/// The work of a solve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Accepted steps.
    pub steps: u64,
    /// Trial steps thrown away.
    pub rejected: u64,
    /// Evaluations of the field; its two halves, asked for one at a time, count as one, with the momenta's.
    pub rhs_evals: u64,
    /// Evaluations of its Jacobian.
    pub jacobian_evals: u64,
    /// Factorisations of an iteration matrix (a real and a complex one together count once).
    pub factorizations: u64,
}

/// A field with its scratch memory, counting what is asked of it.
#[derive(Debug)]
pub struct Evaluator<'a, F: VectorField<S>, S: Scalar> {
    /// The field itself; a jump may change it.
    pub field: &'a mut F,
    pub(crate) work: &'a mut F::Workspace,
    /// The work so far.
    pub stats: Stats,
}

impl<'a, F: VectorField<S>, S: Scalar> Evaluator<'a, F, S> {
    /// The field with memory that [`workspace`](VectorField::workspace) made; nothing counted yet.
    pub fn new(field: &'a mut F, work: &'a mut F::Workspace) -> Self {
        Evaluator { field, work, stats: Stats::default() }
    }

    /// The field, and memory to evaluate it, uncounted.
    pub fn field_and_work(&mut self) -> (&F, &mut F::Workspace) {
        (&*self.field, &mut *self.work)
    }

    /// `dy = f(t, y)`.
    #[inline(always)]
    pub fn eval(&mut self, t: S::Real, y: &[S], dy: &mut [S]) {
        self.stats.rhs_evals += 1;
        self.field.eval(S::lift(t), y, dy, self.work);
    }

    /// [`eval`](Self::eval) where a solve begins.
    ///
    /// # Errors
    ///
    /// [`SolveError::NotFinite`], with the first rate that is none.
    pub fn eval_finite(&mut self, t: S::Real, y: &[S], dy: &mut [S]) -> Result<(), SolveError> {
        self.eval(t, y, dy);
        match first_not_finite(dy) {
            Some(component) => Err(SolveError::undefined(component, t)),
            None => Ok(()),
        }
    }

    /// The rates of one half of a partition at their places in `dy`; the other places hold garbage afterwards.
    #[inline(always)]
    pub fn eval_half(&mut self, half: Half, t: S::Real, y: &[S], dy: &mut [S]) {
        self.stats.rhs_evals += u64::from(half == Half::Momenta);
        self.field.eval_half(half, S::lift(t), y, dy, self.work);
    }
}

impl<F: Jacobian<R>, R: traits::Real> Evaluator<'_, F, R> {
    /// The series of the solution through `(t, y)` up to `order`, which counts as so many evaluations; false if the field has
    /// none.
    pub fn taylor(&mut self, t: R, y: &[R], order: usize, coefficients: &mut [R]) -> bool {
        self.stats.rhs_evals += order as u64;
        self.field.taylor(t, y, order, coefficients, self.work)
    }

    /// How far the series written last holds, up to `h`.
    pub fn smooth_within(&self, h: R) -> R {
        self.field.smooth_within(h, self.work)
    }

    /// `jac = ∂f/∂y` and `time = ∂f/∂t`.
    pub fn jacobian(&mut self, t: R, y: &[R], jac: &mut [R], time: &mut [R]) {
        self.stats.jacobian_evals += 1;
        self.field.jacobian(t, y, jac, time, self.work);
    }

    /// The part of `f` to treat implicitly, if the field is split.
    pub fn stiff_part(&mut self, t: R, y: &[R], dy: &mut [R]) -> bool {
        self.stats.rhs_evals += 1;
        self.field.stiff_part(t, y, dy, self.work)
    }

    /// [`jacobian`](Evaluator::jacobian) of that part.
    pub fn stiff_jacobian(&mut self, t: R, y: &[R], jac: &mut [R], time: &mut [R]) {
        self.stats.jacobian_evals += 1;
        self.field.stiff_jacobian(t, y, jac, time, self.work);
    }
}

/// The component of `n` whose error is largest in tolerances, where all are finite.
pub(crate) fn worst<R: traits::Real>(n: usize, ratio: impl Fn(usize) -> R) -> Culprit {
    let larger = |(worst, most): (usize, R), i: usize| {
        let ratio = ratio(i).abs();
        if ratio > most { (i, ratio) } else { (worst, most) }
    };
    Culprit::inaccurate((0..n).fold((0, R::zero()), larger).0)
}

/// The first component of `x` whose value is not finite.
pub(crate) fn first_not_finite<S: Scalar>(x: &[S]) -> Option<usize> {
    x.iter().position(|x| !Scalar::is_finite(&x.value()))
}
