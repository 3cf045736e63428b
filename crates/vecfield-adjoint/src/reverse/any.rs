//! The pass back of every family, of a field behind a pointer: compiled once for each float, and not again for every field.

use core::fmt::Debug;

use vecfield_solvers::stepper::Formula;
use vecfield_traits::{AnyVjp, Jacobian, PerReal, Real, Vjp, with_any_vjp};

use super::{
    AdamsReverse, BackwardReverse, Bars, CollocationReverse, DiagonalReverse, ExplicitReverse, Inside, ReverseStep,
    ReversibleReverse, RosenbrockReverse, StabilisedReverse, SymplecticReverse, Taken, consistent,
};
use crate::AdjointError;

/// The pass back of every family, for fields that know their Jacobian.
#[derive(Debug)]
pub struct AnyReverse<R>(Box<dyn Family<R>>);

impl<R: Real> AnyReverse<R> {
    /// No memory yet: the first step of a family makes what it needs.
    pub fn new() -> AnyReverse<R> {
        struct Make;
        impl PerReal for Make {
            type Of<R: Real> = fn() -> Box<dyn Family<R>>;
        }
        AnyReverse(R::choose::<Make>(single, double)())
    }
}

#[inline(never)]
fn single() -> Box<dyn Family<f32>> {
    Box::new(Families::new())
}

#[inline(never)]
fn double() -> Box<dyn Family<f64>> {
    Box::new(Families::new())
}

impl<R: Real> Default for AnyReverse<R> {
    fn default() -> Self {
        AnyReverse::new()
    }
}

impl<R> Clone for AnyReverse<R> {
    fn clone(&self) -> Self {
        AnyReverse(self.0.cloned())
    }
}

impl<R: Real, F: Jacobian<R> + Vjp<R>> ReverseStep<R, F> for AnyReverse<R> {
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        with_any_vjp(field, work, |field| self.0.pull_back(&field, step, inside, bars))
    }

    fn pull_start(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        start: (R, &[R]),
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        with_any_vjp(field, work, |field| self.0.pull_start(&field, start, bars))
    }

    fn rate(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        theta: R,
        rate: &mut [R],
    ) -> Result<(), AdjointError> {
        with_any_vjp(field, work, |field| self.0.rate(&field, step, theta, rate))
    }
}

/// [`ReverseStep`] of a field behind a pointer, in a form that can itself be behind one.
trait Family<R>: Debug + Send + Sync {
    fn cloned(&self) -> Box<dyn Family<R>>;
    fn pull_back(
        &mut self,
        field: &AnyVjp<'_, R>,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError>;
    fn pull_start(&mut self, field: &AnyVjp<'_, R>, start: (R, &[R]), bars: &mut Bars<R>) -> Result<(), AdjointError>;
    fn rate(
        &mut self,
        field: &AnyVjp<'_, R>,
        step: &Taken<'_, R>,
        theta: R,
        rate: &mut [R],
    ) -> Result<(), AdjointError>;
}

/// Every family, each with its memory.
#[derive(Debug, Clone)]
struct Families<R> {
    explicit: ExplicitReverse<R>,
    collocation: CollocationReverse<R>,
    diagonal: DiagonalReverse<R>,
    rosenbrock: RosenbrockReverse<R>,
    reversible: ReversibleReverse<R>,
    symplectic: SymplecticReverse<R>,
    stabilised: StabilisedReverse<R>,
    backward: BackwardReverse<R>,
    adams: AdamsReverse<R>,
}

impl<R: Real> Families<R> {
    fn new() -> Families<R> {
        Families {
            explicit: ExplicitReverse::new(),
            collocation: CollocationReverse::new(),
            diagonal: DiagonalReverse::new(),
            rosenbrock: RosenbrockReverse::new(),
            reversible: ReversibleReverse::new(),
            symplectic: SymplecticReverse::new(),
            stabilised: StabilisedReverse::new(),
            backward: BackwardReverse::new(),
            adams: AdamsReverse::new(),
        }
    }
}

/// The pass back of the family a formula belongs to.
macro_rules! family {
    ($any:expr, $formula:expr, $reverse:ident => $call:expr) => {
        match $formula {
            Formula::Explicit(_) => {
                let $reverse = &mut $any.explicit;
                $call
            }
            Formula::Collocation(_) | Formula::Gauss(_) => {
                let $reverse = &mut $any.collocation;
                $call
            }
            Formula::Dirk(_) | Formula::Additive(_) => {
                let $reverse = &mut $any.diagonal;
                $call
            }
            Formula::Rosenbrock(_) => {
                let $reverse = &mut $any.rosenbrock;
                $call
            }
            Formula::Reversible(_) => {
                let $reverse = &mut $any.reversible;
                $call
            }
            Formula::Symplectic(_) => {
                let $reverse = &mut $any.symplectic;
                $call
            }
            Formula::Stabilised(_) => {
                let $reverse = &mut $any.stabilised;
                $call
            }
            Formula::Backward => {
                let $reverse = &mut $any.backward;
                $call
            }
            Formula::Adams => {
                let $reverse = &mut $any.adams;
                $call
            }
            _ => Err(AdjointError::NoPassBack),
        }
    };
}

impl<R: Real> Family<R> for Families<R> {
    fn cloned(&self) -> Box<dyn Family<R>> {
        Box::new(self.clone())
    }

    fn pull_back(
        &mut self,
        field: &AnyVjp<'_, R>,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        family!(self, step.formula, reverse => reverse.pull_back(field, &mut (), step, inside, bars))
    }

    fn pull_start(&mut self, field: &AnyVjp<'_, R>, start: (R, &[R]), bars: &mut Bars<R>) -> Result<(), AdjointError> {
        consistent::pull_start(field, &mut (), start, bars)
    }

    fn rate(
        &mut self,
        field: &AnyVjp<'_, R>,
        step: &Taken<'_, R>,
        theta: R,
        rate: &mut [R],
    ) -> Result<(), AdjointError> {
        family!(self, step.formula, reverse => reverse.rate(field, &mut (), step, theta, rate))
    }
}
