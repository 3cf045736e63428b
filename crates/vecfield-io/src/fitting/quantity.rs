//! A formula as a quantity that a fit measures, or starts at.

use vecfield_adjoint::Quantity;
use vecfield_expr::{CompileError, ExprId, Graph, Program, Pullback, Registers};

/// A formula over `t`, the state and the parameters, with its gradient.
#[derive(Debug, Clone)]
pub(super) struct FormulaQuantity {
    program: Program,
    pullback: Pullback,
}

impl FormulaQuantity {
    /// `inputs` are `t`, the components of the state (where it has any) and the parameters.
    pub(super) fn new(graph: &mut Graph, formula: ExprId, inputs: &[&str]) -> Result<Self, CompileError> {
        let program = Program::compile(graph, &[formula], inputs)?;
        Ok(Self { program, pullback: Pullback::compile(graph, &[formula], inputs)? })
    }
}

impl Quantity for FormulaQuantity {
    fn value(&self, t: f64, y: &[f64], theta: &[f64]) -> f64 {
        let mut value = [0.0];
        self.program.eval(&[&[t], y, theta].concat(), &mut value, &mut Registers::new());
        value[0]
    }

    fn differentiate(&self, t: f64, y: &[f64], theta: &[f64], by_state: &mut [f64], by_parameter: &mut [f64]) -> f64 {
        let (inputs, n) = ([&[t], y, theta].concat(), y.len());
        self.pullback.add([&inputs, &[1.0]], &mut Registers::new(), &mut Vec::new(), |input, bar| {
            match input.checked_sub(1) {
                None => {} // rows stay where they are in time
                Some(i) if i < n => by_state[i] += bar,
                Some(i) => by_parameter[i - n] += bar,
            }
        });
        self.value(t, y, theta)
    }
}
