//! Fields with a mass matrix: [`WithMass`].

use crate::field::{Jacobian, VectorField, Vjp};
use crate::forward::forward;
use crate::number::{Real, Scalar};
use crate::structure::{Half, Mass, Sparsity};

/// A field with a mass matrix before its derivative, `M dy/dt = f(t, y)`; where `M` is singular, differential-algebraic
/// equations.
///
/// ```
/// use vecfield_traits::{Mass, VectorField, WithMass, field};
///
/// // x' = -x, 0 = x + z - 1.
/// let balance = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (-y[0], y[0] + y[1] - 1.0));
/// let equations = WithMass::new(balance, Mass::diagonal(vec![1.0, 0.0]));
/// assert_eq!(VectorField::<f64>::dim(&equations), 2);
/// ```
#[derive(Debug, Clone)]
pub struct WithMass<F, R> {
    field: F,
    mass: Mass<R>,
}

impl<F, R: Real> WithMass<F, R> {
    /// Puts `mass` before the derivative of `field`.
    ///
    /// # Panics
    ///
    /// If their sizes differ.
    pub fn new(field: F, mass: Mass<R>) -> Self
    where
        F: VectorField<R>,
    {
        assert_eq!(field.dim(), mass.sparsity().n(), "a row of the mass matrix for each component");
        WithMass { field, mass }
    }

    /// The field itself.
    pub fn field(&self) -> &F {
        &self.field
    }
}

impl<S: Scalar, F: VectorField<S>, R> VectorField<S> for WithMass<F, R> {
    forward!(VectorField<S>: self => self.field);
}

/// No [series](Jacobian::taylor): that of the field is the solution's only where nothing stands before the derivative.
impl<R: Real, F: Jacobian<R>> Jacobian<R> for WithMass<F, R> {
    forward!(Jacobian<R>: self => self.field);

    fn mass(&self) -> Option<&Mass<R>> {
        Some(&self.mass)
    }
}

impl<R: Real, F: Vjp<R>> Vjp<R> for WithMass<F, R> {
    forward!(Vjp<R>: self => self.field);
}
