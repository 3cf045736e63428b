//! A stepper chosen at run time.

use vecfield_traits::{Jacobian, Real};

use crate::auto::Auto;
use crate::dirk::DiagonallyImplicit;
use crate::explicit::ExplicitRungeKutta;
use crate::gauss::Gauss;
use crate::multistep::{Adams, Bdf};
use crate::radau::Radau5;
use crate::reversible::Reversible;
use crate::rosenbrock::Rosenbrock;
use crate::stabilised::Stabilised;
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper};
use crate::symplectic::Symplectic;
use crate::{Method, Options, SolveError};

/// The stepper of any [`Method`], over floats.
#[derive(Debug, Clone)]
pub struct AnyStepper<R: Real>(Inner<R>);

#[derive(Debug, Clone)]
enum Inner<R: Real> {
    Auto(Box<Auto<R>>),
    Explicit(Box<ExplicitRungeKutta<R>>),
    Stabilised(Box<Stabilised<R>>),
    Adams(Box<Adams<R>>),
    DiagonallyImplicit(Box<DiagonallyImplicit<R>>),
    Bdf(Box<Bdf<R>>),
    Rosenbrock(Box<Rosenbrock<R>>),
    Radau5(Box<Radau5<R>>),
    Gauss(Box<Gauss<R>>),
    Symplectic(Box<Symplectic<R>>),
    Reversible(Box<Reversible<R>>),
}

impl<R: Real> AnyStepper<R> {
    /// Memory for a state of `n` components.
    ///
    /// # Errors
    ///
    /// Options that the method cannot use.
    pub fn new(method: Method, n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        Ok(AnyStepper(match method {
            Method::Auto => Inner::Auto(Box::new(Auto::new(n, options)?)),
            Method::Explicit(tableau) => Inner::Explicit(Box::new(ExplicitRungeKutta::new(tableau, n, options)?)),
            Method::Stabilised(polynomials) => Inner::Stabilised(Box::new(Stabilised::new(polynomials, n, options)?)),
            Method::Adams => Inner::Adams(Box::new(Adams::new(n, options)?)),
            Method::DiagonallyImplicit(tableau) => {
                Inner::DiagonallyImplicit(Box::new(DiagonallyImplicit::new(tableau, n, options)?))
            }
            Method::Bdf => Inner::Bdf(Box::new(Bdf::new(n, options)?)),
            Method::Ndf => Inner::Bdf(Box::new(Bdf::numerical(n, options)?)),
            Method::Rosenbrock(tableau) => Inner::Rosenbrock(Box::new(Rosenbrock::new(tableau, n, options)?)),
            Method::Radau5 => Inner::Radau5(Box::new(Radau5::new(n, options)?)),
            Method::Gauss(method) => Inner::Gauss(Box::new(Gauss::new(method, n, options)?)),
            Method::Reversible(method) => Inner::Reversible(Box::new(Reversible::new(method, n, options)?)),
            Method::Symplectic(method) => Inner::Symplectic(Box::new(Symplectic::new(method, n, options)?)),
        }))
    }
}

/// The same call, on whichever stepper it is.
macro_rules! each {
    ($inner:expr, $stepper:ident => $call:expr) => {
        match $inner {
            Inner::Auto($stepper) => $call,
            Inner::Explicit($stepper) => $call,
            Inner::Stabilised($stepper) => $call,
            Inner::Adams($stepper) => $call,
            Inner::DiagonallyImplicit($stepper) => $call,
            Inner::Bdf($stepper) => $call,
            Inner::Rosenbrock($stepper) => $call,
            Inner::Radau5($stepper) => $call,
            Inner::Gauss($stepper) => $call,
            Inner::Symplectic($stepper) => $call,
            Inner::Reversible($stepper) => $call,
        }
    };
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for AnyStepper<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        each!(&self.0, stepper => Stepper::<F>::dim(&**stepper))
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        each!(&mut self.0, stepper => stepper.start(field, t, y))
    }

    fn first_step(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        each!(&mut self.0, stepper => stepper.first_step(field, t, span))
    }

    fn attempt(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        each!(&mut self.0, stepper => stepper.attempt(field, t, h))
    }

    fn dense(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R, theta: R, out: &mut [R]) {
        each!(&mut self.0, stepper => stepper.dense(field, t, h, theta, out));
    }

    fn commit(&mut self) {
        each!(&mut self.0, stepper => Stepper::<F>::commit(&mut **stepper));
    }

    fn y(&self) -> &[R] {
        each!(&self.0, stepper => Stepper::<F>::y(&**stepper))
    }

    fn y_new(&self) -> &[R] {
        each!(&self.0, stepper => Stepper::<F>::y_new(&**stepper))
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        each!(&self.0, stepper => Stepper::<F>::trace(&**stepper, out))
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        each!(&self.0, stepper => Stepper::<F>::save(&**stepper, out))
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        each!(&mut self.0, stepper => stepper.restore(field, saved));
    }

    fn culprit(&self) -> Culprit {
        each!(&self.0, stepper => Stepper::<F>::culprit(&**stepper))
    }
}
