//! Formulas compiled: what goes into networks, in stages, and at last the rates.
//!
//! All programs have the same inputs: time, the variables, the constants, the values of all calls. A stage holds the calls
//! whose arguments depend on calls of earlier stages alone.

use core::ops::Range;

use vecfield_expr::{CompileError, ExprId, Graph, Program, Pullback};

use super::equations::Equations;
use crate::error::{NdeError, SettingError};

/// The programs of a model.
#[derive(Debug, Clone)]
pub(super) struct Stages {
    pub(super) stages: Vec<Stage>,
    pub(super) rates: Compiled,
    /// Networks of the calls, stage by stage, with the places of their arguments among the outputs of the stage.
    pub(super) calls: Vec<(usize, Range<usize>)>,
    pub(super) variables: usize,
    pub(super) constants: usize,
}

/// Calls that are made side by side.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// All their arguments.
    pub(super) arguments: Compiled,
    /// Their places.
    pub(super) calls: Range<usize>,
}

/// Formulas with their pullback.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub(super) program: Program,
    pub(super) pullback: Pullback,
}

impl Compiled {
    fn compile(graph: &mut Graph, outputs: &[ExprId], inputs: &[&str]) -> Result<Compiled, CompileError> {
        let program = Program::compile(graph, outputs, inputs)?;
        Ok(Compiled { program, pullback: Pullback::compile(graph, outputs, inputs)? })
    }
}

impl Stages {
    /// Compiles the equations for variables in this order.
    ///
    /// # Errors
    ///
    /// A variable without an equation.
    pub(super) fn compile(equations: &mut Equations, variables: &[String]) -> Result<Stages, NdeError> {
        let depths = equations.depths();
        let deepest = depths.iter().max().map_or(0, |depth| depth + 1);
        let Equations { graph, constants, rates, calls, .. } = equations;
        let ordered: Vec<Vec<usize>> =
            (0..deepest).map(|depth| (0..calls.len()).filter(|&call| depths[call] == depth).collect()).collect();
        let symbols = ordered.iter().flatten().map(|&call| calls[call].symbol.as_str());
        let named = variables.iter().chain(constants.iter().map(|(name, ..)| name)).map(String::as_str);
        let inputs: Vec<&str> = ["t"].into_iter().chain(named).chain(symbols).collect();
        let compiled = |graph: &mut Graph, outputs: &[ExprId]| {
            Compiled::compile(graph, outputs, &inputs).map_err(|error| broken(&error.to_string()))
        };
        let (mut stages, mut placed) = (Vec::new(), Vec::new());
        for members in &ordered {
            let (first, mut outputs) = (placed.len(), Vec::new());
            for &call in members {
                placed.push((calls[call].network, outputs.len()..outputs.len() + calls[call].arguments.len()));
                outputs.extend_from_slice(&calls[call].arguments);
            }
            stages.push(Stage { arguments: compiled(graph, &outputs)?, calls: first..placed.len() });
        }
        let rate = |variable: &String| {
            let found = rates.iter().find(|(name, _)| name == variable).map(|&(_, id)| id);
            found.ok_or_else(|| broken(&format!("`{variable}` has no equation; add one")))
        };
        let outputs: Vec<ExprId> = variables.iter().map(rate).collect::<Result<_, _>>()?;
        let rates = compiled(graph, &outputs)?;
        Ok(Stages { stages, rates, calls: placed, variables: variables.len(), constants: constants.len() })
    }

    /// Numbers that every program takes.
    pub(super) fn inputs(&self) -> usize {
        self.call(self.calls.len())
    }

    /// The place of a constant among the inputs.
    pub(super) fn constant(&self, constant: usize) -> usize {
        1 + self.variables + constant
    }

    /// The place of a call among the inputs.
    pub(super) fn call(&self, call: usize) -> usize {
        self.constant(self.constants) + call
    }
}

/// Equations that do not fit the data, which were asked for before.
fn broken(reason: &str) -> NdeError {
    SettingError::Rejected { key: "equations", reason: reason.into() }.into()
}
