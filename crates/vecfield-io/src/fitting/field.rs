//! A problem's equations as a family that can be fitted, with symbolic derivatives.

use vecfield_adjoint::Differentiable;
use vecfield_autodiff::{Dual, LANES};
use vecfield_expr::{ExprField, Registers, SymbolicAt, SymbolicField};
use vecfield_traits::ParametricField;

/// The equations over all their parameters.
#[derive(Debug, Clone, Copy)]
pub struct Equations<'a>(pub(crate) &'a SymbolicField);

impl Differentiable for Equations<'_> {
    type Member<'b>
        = SymbolicAt<'b, f64>
    where
        Self: 'b;

    fn member(&self, theta: &[f64]) -> SymbolicAt<'_, f64> {
        self.0.at(theta.to_vec())
    }
}

/// Over floats and duals alone: whatever is a formula over any number has its derivatives by duals.
macro_rules! over {
    ($number:ty) => {
        impl ParametricField<$number> for Equations<'_> {
            type Workspace = Registers<$number>;

            fn workspace(&self) -> Self::Workspace {
                <ExprField as ParametricField<$number>>::workspace(self.0.field())
            }

            fn dim(&self) -> usize {
                <ExprField as ParametricField<$number>>::dim(self.0.field())
            }

            fn parameter_count(&self) -> usize {
                <ExprField as ParametricField<$number>>::parameter_count(self.0.field())
            }

            fn eval(
                &self,
                t: $number,
                y: &[$number],
                theta: &[$number],
                dy: &mut [$number],
                work: &mut Self::Workspace,
            ) {
                self.0.field().eval(t, y, theta, dy, work);
            }
        }
    };
}

over!(f64);
over!(Dual<f64, LANES>);
