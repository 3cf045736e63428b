//! A family at its constants with an integrator and room for the states of one window: what both passes of a fit use.

use vecfield_solvers::tableau::TSIT5;
use vecfield_solvers::{ExplicitRungeKutta, Integrator, Options, SolveError};
use vecfield_traits::{At, ParametricField, Scalar};

pub(crate) struct Sampler<'a, F: ParametricField<S>, S: Scalar<Real = f64>> {
    pub(crate) field: At<'a, F, S>,
    /// The state at the first time; set before [`run`](Self::run).
    pub(crate) start: Vec<S>,
    /// The states of the last run, `[times, dim]`.
    pub(crate) states: Vec<S>,
    integrator: Integrator<ExplicitRungeKutta<S>, f64>,
    work: F::Workspace,
}

impl<'a, F: ParametricField<S>, S: Scalar<Real = f64>> Sampler<'a, F, S> {
    /// Room for `rows` times.
    pub(crate) fn new(family: &'a F, theta: Vec<S>, rows: usize, options: &Options<f64>) -> Result<Self, SolveError> {
        let dim = family.dim();
        Ok(Self {
            field: family.at(theta),
            start: vec![S::zero(); dim],
            states: vec![S::zero(); rows * dim],
            integrator: Integrator::explicit(&TSIT5, dim, options)?,
            work: family.workspace(),
        })
    }

    /// Integrates from `start` at `times[0]` and returns the states at all `times`.
    pub(crate) fn run(&mut self, times: &[f64]) -> Result<&[S], SolveError> {
        let dim = self.start.len();
        let out = &mut self.states[..times.len() * dim];
        match times {
            [] => {}
            [_] => out.copy_from_slice(&self.start),
            [first, ..] => {
                self.integrator.sample_with(&self.field, &mut self.work, *first, &self.start, times, out)?;
            }
        }
        Ok(out)
    }
}
