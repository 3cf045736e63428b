//! A candidate as a family of fields: formulas over states, inputs and constants.

use std::sync::Arc;
use vecfield_expr::{CompileError, ExprField, ExprId, Graph, Registers};
use vecfield_sindy::Inputs;
use vecfield_traits::{At, Elementary, ParametricField};

/// `dy/dt = f(t, y, u_r(t); θ)` with the inputs `u_r` of run `r`.
///
/// Its parameters are the constants `θ` and, where there are inputs, the number of the run behind them: a constant that no fit changes
/// and that differs from run to run. Derivatives by time know the slopes of the inputs.
#[derive(Debug, Clone)]
pub struct Family {
    field: ExprField,
    inputs: Arc<Inputs>,
    constants: usize,
}

impl Family {
    /// The family whose component `i` is `equations[i]`, over `variables`, the names of the inputs and `constants`.
    ///
    /// # Errors
    ///
    /// [`CompileError`] when the formulas are too large to compile.
    pub(crate) fn new(
        graph: &Graph,
        equations: &[ExprId],
        variables: &[String],
        inputs: Arc<Inputs>,
        constants: &[String],
    ) -> Result<Self, CompileError> {
        let parameters: Vec<&String> = inputs.names().iter().chain(constants).collect();
        let field = ExprField::new(graph, equations, variables, &parameters)?;
        Ok(Self { field, inputs, constants: constants.len() })
    }

    /// Number of constants.
    pub fn constants(&self) -> usize {
        self.constants
    }

    /// The inputs.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The field of a run at these constants, `[constants]`.
    pub fn of_run(&self, constants: &[f64], run: usize) -> At<'_, Family, f64> {
        ParametricField::<f64>::at(self, self.parameters(constants, run).collect())
    }

    /// The parameters of every run, `[runs, parameters]`.
    pub(crate) fn thetas(&self, constants: &[f64], runs: usize) -> Vec<f64> {
        (0..runs).flat_map(|run| self.parameters(constants, run)).collect()
    }

    fn parameters<'c>(&self, constants: &'c [f64], run: usize) -> impl Iterator<Item = f64> + 'c {
        let number = (!self.inputs.names().is_empty()).then_some(run as f64);
        constants[..self.constants].iter().copied().chain(number)
    }
}

/// What an evaluation of a [`Family`] needs: inputs and constants side by side.
#[derive(Debug, Clone)]
pub struct FamilyWorkspace<S> {
    theta: Vec<S>,
    registers: Registers<S>,
}

impl<S: Elementary<Real = f64>> ParametricField<S> for Family {
    type Workspace = FamilyWorkspace<S>;

    fn workspace(&self) -> FamilyWorkspace<S> {
        let theta = vec![S::zero(); self.inputs.names().len() + self.constants];
        FamilyWorkspace { theta, registers: ParametricField::<S>::workspace(&self.field) }
    }

    fn dim(&self) -> usize {
        ParametricField::<S>::dim(&self.field)
    }

    fn parameter_count(&self) -> usize {
        self.constants + usize::from(!self.inputs.names().is_empty())
    }

    #[inline]
    fn eval(&self, t: S, y: &[S], theta: &[S], dy: &mut [S], work: &mut FamilyWorkspace<S>) {
        let Some(run) = theta.get(self.constants) else {
            self.field.eval(t, y, theta, dy, &mut work.registers);
            return;
        };
        let (inputs, constants) = work.theta.split_at_mut(self.inputs.names().len());
        self.inputs.at(run.value() as usize, t, inputs);
        constants.copy_from_slice(&theta[..self.constants]);
        self.field.eval(t, y, &work.theta, dy, &mut work.registers);
    }
}
