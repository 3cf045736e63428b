//! The field of one member of a family.

use vecfield_traits::{ParametricField, VectorField};

/// A member of a family, with parameters that stay where they are.
pub(super) struct Held<'a, F> {
    pub(super) family: &'a F,
    pub(super) theta: &'a [f64],
}

impl<F: ParametricField<f64>> VectorField<f64> for Held<'_, F> {
    type Workspace = F::Workspace;

    fn workspace(&self) -> F::Workspace {
        self.family.workspace()
    }

    fn dim(&self) -> usize {
        self.family.dim()
    }

    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64], work: &mut F::Workspace) {
        self.family.eval(t, y, self.theta, dy, work);
    }
}
