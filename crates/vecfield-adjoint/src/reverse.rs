//! The pass back through one accepted step, family by family.
//!
//! A step is a map `(t, h, y; θ) ↦ y⁺`, with the dense output inside it. A [`ReverseStep`] pulls the cotangents of `y⁺` and of
//! states inside the step back to `y`, `θ`, `t` and `h`, from what the step left behind: stages are never solved again, and
//! implicit ones are differentiated by the implicit function theorem, with one transposed system a step.
//!
//! **Architecture invariant:** a pass back calls only `Vjp` (and, for implicit families, `Jacobian`) of a field. *Why:*
//! formulas, networks and hand-written Rust are differentiated by the same code. *Checked by* the compiler.

mod any;
mod bootstrap;
pub(crate) mod collocation;
pub(crate) mod consistent;
mod diagonal;
mod explicit;
mod multistep;
mod reversible;
pub(crate) mod rosenbrock;
mod stabilised;
mod stagewise;
mod symplectic;

use vecfield_solvers::stepper::Formula;
use vecfield_traits::{Real, VectorField};

use crate::AdjointError;
pub use any::AnyReverse;
pub use collocation::CollocationReverse;
pub use diagonal::DiagonalReverse;
pub use explicit::ExplicitReverse;
pub use multistep::{AdamsReverse, BackwardReverse};
pub use reversible::ReversibleReverse;
pub use rosenbrock::RosenbrockReverse;
pub use stabilised::StabilisedReverse;
pub use symplectic::SymplecticReverse;

/// An accepted step, as it was left behind.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a, R> {
    /// Where it began.
    pub t: R,
    /// Its size.
    pub h: R,
    /// The state at its beginning, `[n]`.
    pub y: &'a [R],
    /// What [`trace`](vecfield_solvers::stepper::Stepper::trace) kept of it.
    pub stages: &'a [R],
    /// The formula it follows.
    pub formula: Formula,
    /// What the evaluations at its stages left for pullbacks, in their order; empty where nothing was kept, and so is a record
    /// of which nothing is there.
    pub kept: &'a [Vec<R>],
}

/// Cotangents of the dense output inside a step.
#[derive(Debug, Clone, Copy)]
pub struct Inside<'a, R> {
    /// Where, as fractions of the step.
    pub thetas: &'a [R],
    /// The cotangents of the states there, `[thetas.len(), n]`.
    pub bars: &'a [R],
}

impl<'a, R: Real> Inside<'a, R> {
    /// Each place with its cotangent.
    pub fn iter(self, n: usize) -> impl Iterator<Item = (R, &'a [R])> {
        self.thetas.iter().copied().zip(self.bars.chunks_exact(n))
    }
}

/// Cotangents on their way back.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars<R> {
    /// Of the state: at the end of the step on entry, at its beginning on return; `[n]`.
    pub y: Vec<R>,
    /// Of the parameters; accumulated.
    pub theta: Vec<R>,
    /// Of what a family hands from step to step besides the state: the second state of a reversible method, the differences
    /// and spans of a multistep one. Empty until such a step is passed.
    pub carried: Vec<R>,
    /// Of `t`, at fixed `h` and fixed fractions of the step; overwritten.
    pub t: R,
    /// Of `h`, at fixed `t` and fixed fractions of the step; overwritten.
    pub h: R,
}

impl<R: Real> Bars<R> {
    /// Zeros, for a state of `n` components and `p` parameters.
    pub fn new(n: usize, p: usize) -> Bars<R> {
        let zeros = |count| vec![R::zero(); count];
        Bars { y: zeros(n), theta: zeros(p), carried: Vec::new(), t: R::zero(), h: R::zero() }
    }
}

/// Pulls cotangents back through the steps of a family.
pub trait ReverseStep<R: Real, F: VectorField<R>> {
    /// Pulls `bars` back through `step`. What the field [defers](vecfield_traits::Vjp::vjp_deferred) waits in `work`: it is for the caller to
    /// [settle](vecfield_traits::Vjp::settle), after this step or after many.
    ///
    /// # Errors
    ///
    /// [`AdjointError::NoPassBack`] for a step of another family, [`AdjointError::NoSecondDerivatives`] where the family needs
    /// those, [`AdjointError::SingularStage`] where the transposed system has no solution.
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError>;

    /// Pulls `bars` back from the state `(t, y)` at which a solve began to the one that it was given, which differs in algebraic
    /// components; adds to the cotangent of `t`. A family without mass matrices has nothing to do.
    ///
    /// # Errors
    ///
    /// [`AdjointError::SingularStage`] where the algebraic equations do not determine their components.
    fn pull_start(
        &mut self,
        _field: &F,
        _work: &mut F::Workspace,
        _start: (R, &[R]),
        _bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        Ok(())
    }

    /// Writes `d/dt` of the dense output at the fraction `theta` of `step` into `rate`.
    ///
    /// # Errors
    ///
    /// [`AdjointError::NoPassBack`] for a step of another family.
    fn rate(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        theta: R,
        rate: &mut [R],
    ) -> Result<(), AdjointError>;
}

/// `Σ a_i b_i`.
pub(crate) fn dot<R: Real>(a: &[R], b: &[R]) -> R {
    a.iter().zip(b).fold(R::zero(), |sum, (&a, &b)| sum + a * b)
}

/// `to += by · from`.
pub(crate) fn add_scaled<R: Real>(to: &mut [R], by: R, from: &[R]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += by * from;
    }
}

/// The cubic Hermite polynomial: the weights of the change and of the rates at both ends, and their derivatives.
pub(crate) fn cubic<R: Real>(theta: R) -> ([R; 3], [R; 3]) {
    let [one, two, three] = [1.0, 2.0, 3.0].map(R::from_f64);
    let rest = one - theta;
    let weights = [theta * theta * (three - two * theta), theta * rest * rest, -theta * theta * rest];
    let slopes = [two * three * theta * rest, rest * (one - three * theta), theta * (three * theta - two)];
    (weights, slopes)
}

/// `Σ_p w_p θ^(p+1)` and its derivative by `θ`.
pub(crate) fn polynomial<R: Real>(weights: &[f64], theta: R) -> (R, R) {
    let (mut value, mut slope) = (R::zero(), R::zero());
    for &weight in weights.iter().rev() {
        slope = slope * theta + value;
        value = value * theta + R::from_f64(weight);
    }
    // value is Σ w_p θ^p so far.
    (value * theta, slope * theta + value)
}
