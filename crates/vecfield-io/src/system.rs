//! From a problem to what a solver takes: a field, parameters, a state, guards and jumps.
//!
//! A discrete value is a component of the state whose rate is zero, behind the variables: an event may then set it like
//! any other, and every formula sees its present value.

use vecfield_expr::{CompileError, ExprField, ExprId, Graph, Program, SymbolicField};
use vecfield_traits::Elementary;

use crate::problem::{Direction, Event, Problem};

/// The formulas of a problem, compiled.
#[derive(Debug, Clone)]
pub struct System {
    /// Variables, then discrete values.
    names: Vec<String>,
    variables: usize,
    parameters: Vec<String>,
    theta: Vec<f64>,
    field: SymbolicField,
    initial: Program,
    events: Vec<Guarded>,
}

/// An event, compiled. The inputs of its programs are `t`, the state and the parameters.
#[derive(Debug, Clone)]
pub struct Guarded {
    /// Its name.
    pub name: String,
    /// The function whose zero it is: one output.
    pub guard: Program,
    /// Which crossings count.
    pub direction: Direction,
    /// The components of the state that jump, and the program of their new values; none when nothing jumps.
    pub jump: Option<(Vec<usize>, Program)>,
    /// The occurrence that ends the run, if any.
    pub stop_after: Option<u64>,
}

impl System {
    /// Compiles a problem.
    ///
    /// # Errors
    ///
    /// [`CompileError`], which a problem that was read without an error does not cause.
    pub fn new(problem: &Problem) -> Result<Self, CompileError> {
        let mut graph = problem.graph().clone();
        let variables = problem.variables();
        let discrete = problem.discrete();
        let names: Vec<String> =
            variables.iter().map(|v| v.name.clone()).chain(discrete.iter().map(|d| d.name.clone())).collect();
        let parameters: Vec<String> = problem.parameters().iter().map(|p| p.name.clone()).collect();
        let inputs: Vec<&str> = ["t"].into_iter().chain(names.iter().chain(&parameters).map(String::as_str)).collect();
        let still = graph.constant(0.0);
        let rates: Vec<ExprId> = variables.iter().map(|v| v.rate).chain(discrete.iter().map(|_| still)).collect();
        let starts: Vec<ExprId> =
            variables.iter().map(|v| v.initial).chain(discrete.iter().map(|d| graph.constant(d.value))).collect();
        let parts = variables.iter().map(|v| v.stiff.unwrap_or(still)).chain(discrete.iter().map(|_| still));
        let parts: Vec<ExprId> = parts.collect();
        let field = match problem.is_split() {
            true => SymbolicField::split(&mut graph, &rates, &parts, &names, &parameters)?,
            false => SymbolicField::new(&mut graph, &rates, &names, &parameters)?,
        };
        let algebraic = (0..variables.len()).filter(|&i| variables[i].algebraic).collect();
        let events = problem.events().iter().map(|event| guarded(&graph, event, &names, &inputs));
        let events = events.collect::<Result<_, _>>()?;
        Ok(Self {
            variables: variables.len(),
            theta: problem.parameters().iter().map(|p| p.value).collect(),
            field: field.with_algebraic(algebraic),
            initial: Program::compile(&graph, &starts, &parameters)?,
            events,
            names,
            parameters,
        })
    }

    /// Names of the variables.
    pub fn variables(&self) -> &[String] {
        &self.names[..self.variables]
    }

    /// Names of all components of the state: the variables, then the discrete values.
    pub fn components(&self) -> &[String] {
        &self.names
    }

    /// Names of the parameters.
    pub fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// Values of the parameters.
    pub fn theta(&self) -> &[f64] {
        &self.theta
    }

    /// The rates of all components, over the parameters; of algebraic ones what must vanish.
    pub fn field(&self) -> &ExprField {
        self.field.field()
    }

    /// The same, with their Jacobian, and with the mass matrix where there are algebraic components.
    pub fn symbolic(&self) -> &SymbolicField {
        &self.field
    }

    /// The events.
    pub fn events(&self) -> &[Guarded] {
        &self.events
    }

    /// The state at the start, for these values of the parameters.
    ///
    /// # Panics
    ///
    /// If `theta` does not have one value per parameter.
    pub fn initial<S: Elementary>(&self, theta: &[S]) -> Vec<S> {
        let mut state = vec![S::zero(); self.names.len()];
        self.initial.eval(theta, &mut state, &mut self.initial.registers());
        state
    }
}

fn guarded(graph: &Graph, event: &Event, names: &[String], inputs: &[&str]) -> Result<Guarded, CompileError> {
    // A problem is sound: whatever an event sets is a component.
    let place = |name: &String| names.iter().position(|n| n == name);
    let (components, values): (Vec<usize>, Vec<ExprId>) =
        event.jump.iter().filter_map(|(name, value)| Some((place(name)?, *value))).unzip();
    let jump = match components[..] {
        [] => None,
        _ => Some((components, Program::compile(graph, &values, inputs)?)),
    };
    Ok(Guarded {
        name: event.name.clone(),
        guard: Program::compile(graph, &[event.guard], inputs)?,
        direction: event.direction,
        jump,
        stop_after: event.stop_after,
    })
}
