//! A stepper chosen at run time.

use vecfield_traits::{Jacobian, PerReal, Real};

use crate::auto::Auto;
use crate::dirk::DiagonallyImplicit;
use crate::erased::AnyFamily;
use crate::explicit::ExplicitRungeKutta;
use crate::extrapolation::Extrapolation;
use crate::gauss::Gauss;
use crate::multistep::{Adams, Bdf};
use crate::radau::{Radau, RadauOrder};
use crate::reversible::Reversible;
use crate::rosenbrock::Rosenbrock;
use crate::stabilised::Stabilised;
use crate::stepper::{Attempt, Culprit, Evaluator, Formula, Stepper};
use crate::symplectic::Symplectic;
use crate::taylor::Taylor;
use crate::{Method, Options, SolveError};

/// The stepper of any [`Method`], over floats.
#[derive(Debug, Clone)]
pub struct AnyStepper<R: Real>(Inner<R>, Method);

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // one of them is made for a whole solve
enum Inner<R: Real> {
    Auto(Auto<R>),
    Explicit(ExplicitRungeKutta<R>),
    Other(AnyFamily<R>),
}

impl<R: Real> AnyStepper<R> {
    /// Memory for a state of `n` components.
    ///
    /// # Errors
    ///
    /// Options that the method cannot use.
    pub fn new(method: Method, n: usize, options: &Options<R>) -> Result<Self, SolveError> {
        let inner = match method {
            Method::Auto => Inner::Auto(Auto::new(n, options)?),
            Method::Explicit(tableau) => Inner::Explicit(ExplicitRungeKutta::new(tableau, n, options)?),
            other => Inner::Other(family(other, n, options)?),
        };
        Ok(AnyStepper(inner, method))
    }
}

/// The stepper of a method for any field; all that is behind the pointer is compiled here.
///
/// # Errors
///
/// Options that the method cannot use.
pub(crate) fn family<R: Real>(method: Method, n: usize, options: &Options<R>) -> Result<AnyFamily<R>, SolveError> {
    struct Make;
    impl PerReal for Make {
        type Of<R: Real> = fn(Method, usize, &Options<R>) -> Result<AnyFamily<R>, SolveError>;
    }
    R::choose::<Make>(single, double)(method, n, options)
}

#[inline(never)]
fn single(method: Method, n: usize, options: &Options<f32>) -> Result<AnyFamily<f32>, SolveError> {
    make(method, n, options)
}

#[inline(never)]
fn double(method: Method, n: usize, options: &Options<f64>) -> Result<AnyFamily<f64>, SolveError> {
    make(method, n, options)
}

fn make<R: Real>(method: Method, n: usize, options: &Options<R>) -> Result<AnyFamily<R>, SolveError> {
    Ok(match method {
        Method::Auto => AnyFamily::new(Auto::new(n, options)?),
        Method::Explicit(tableau) => AnyFamily::new(ExplicitRungeKutta::new(tableau, n, options)?),
        Method::Extrapolation => AnyFamily::new(Extrapolation::new(n, options)?),
        Method::Stabilised(polynomials) => AnyFamily::new(Stabilised::new(polynomials, n, options)?),
        Method::Taylor => AnyFamily::new(Taylor::new(n, options)?),
        Method::Adams => AnyFamily::new(Adams::new(n, options)?),
        Method::DiagonallyImplicit(tableau) => AnyFamily::new(DiagonallyImplicit::new(tableau, n, options)?),
        Method::Bdf => AnyFamily::new(Bdf::new(n, options)?),
        Method::Ndf => AnyFamily::new(Bdf::numerical(n, options)?),
        Method::Rosenbrock(tableau) => AnyFamily::new(Rosenbrock::new(tableau, n, options)?),
        Method::Radau5 => AnyFamily::new(Radau::new(RadauOrder::Five, n, options)?),
        Method::Radau9 => AnyFamily::new(Radau::new(RadauOrder::Nine, n, options)?),
        Method::Radau13 => AnyFamily::new(Radau::new(RadauOrder::Thirteen, n, options)?),
        Method::Radau => AnyFamily::new(Radau::new(RadauOrder::Variable, n, options)?),
        Method::Gauss(method) => AnyFamily::new(Gauss::new(method, n, options)?),
        Method::Symplectic(method) => AnyFamily::new(Symplectic::new(method, n, options)?),
        Method::Reversible(method) => AnyFamily::new(Reversible::new(method, n, options)?),
    })
}

/// The same call, on whichever stepper it is.
macro_rules! each {
    ($inner:expr, $stepper:ident => $call:expr) => {
        match $inner {
            Inner::Auto($stepper) => $call,
            Inner::Explicit($stepper) => $call,
            Inner::Other($stepper) => $call,
        }
    };
}

impl<R: Real, F: Jacobian<R>> Stepper<F> for AnyStepper<R> {
    type Scalar = R;

    fn dim(&self) -> usize {
        each!(&self.0, stepper => Stepper::<F>::dim(stepper))
    }

    fn start(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) -> Result<(), SolveError> {
        if field.field.mass().is_some() && !self.1.mass() {
            return Err(SolveError::NotOffered {
                method: self.1.name(),
                needs: "equations for every dy/dt alone (no mass matrix, no algebraic equations)",
                remedy: "use auto, radau5 or rodas5p",
            });
        }
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
        each!(&mut self.0, stepper => Stepper::<F>::commit(stepper));
    }

    fn y(&self) -> &[R] {
        each!(&self.0, stepper => Stepper::<F>::y(stepper))
    }

    fn y_new(&self) -> &[R] {
        each!(&self.0, stepper => Stepper::<F>::y_new(stepper))
    }

    fn trace(&self, out: &mut Vec<R>) -> Option<Formula> {
        each!(&self.0, stepper => Stepper::<F>::trace(stepper, out))
    }

    fn save(&self, out: &mut Vec<R>) -> bool {
        each!(&self.0, stepper => Stepper::<F>::save(stepper, out))
    }

    fn restore(&mut self, field: &mut Evaluator<'_, F, R>, saved: &[R]) {
        each!(&mut self.0, stepper => stepper.restore(field, saved));
    }

    fn stability(&self) -> Option<f64> {
        each!(&self.0, stepper => Stepper::<F>::stability(stepper))
    }

    fn spectral_bound(&mut self) -> Option<R> {
        each!(&mut self.0, stepper => Stepper::<F>::spectral_bound(stepper))
    }

    fn culprit(&self) -> Culprit {
        each!(&self.0, stepper => Stepper::<F>::culprit(stepper))
    }
}
