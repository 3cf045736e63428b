//! What can be fitted: families of fields with derivatives by state and parameters.

use vecfield_autodiff::{Dual, Formula, LANES, Lifted};
use vecfield_traits::{Jacobian, ParametricField, Scalar, Vjp};

/// A family of fields that a fit can move through: integrated over floats and duals, with members that know their
/// derivatives, for implicit methods.
///
/// Every [`Dynamics`](vecfield_traits::Dynamics), and whatever else is a formula over any number, is one by [`Lifted`]. A family with
/// derivatives of its own (symbolic, or a network's) implements this.
pub trait Differentiable: ParametricField<f64> + ParametricField<Dual<f64, LANES>> {
    /// A field of the family.
    type Member<'a>: Jacobian<f64> + Vjp<f64>
    where
        Self: 'a;

    /// The field at these parameters.
    fn member(&self, theta: &[f64]) -> Self::Member<'_>;
}

impl<F: Formula<f64>> Differentiable for F {
    type Member<'a>
        = Lifted<Borrowed<'a, F>>
    where
        F: 'a;

    fn member(&self, theta: &[f64]) -> Lifted<Borrowed<'_, F>> {
        Lifted::new(Borrowed(self), theta.to_vec())
    }
}

/// A family by reference.
#[derive(Debug, Clone, Copy)]
pub struct Borrowed<'a, F>(&'a F);

impl<S: Scalar, F: ParametricField<S>> ParametricField<S> for Borrowed<'_, F> {
    type Workspace = F::Workspace;

    fn workspace(&self) -> F::Workspace {
        self.0.workspace()
    }

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn parameter_count(&self) -> usize {
        self.0.parameter_count()
    }

    fn eval(&self, t: S, y: &[S], theta: &[S], dy: &mut [S], work: &mut F::Workspace) {
        self.0.eval(t, y, theta, dy, work);
    }
}
