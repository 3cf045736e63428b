//! [`ExprField`]: differential equations given as formulas, as a field for the solvers.

use vecfield_traits::{Elementary, ParametricField};

use crate::error::CompileError;
use crate::graph::{ExprId, Graph};
use crate::program::{Program, Registers};

/// `dy/dt = f(t, y; θ)` with each component a formula over `t`, the states and the parameters.
///
/// A [`ParametricField`] over every [`Elementary`] number, so that derivatives with respect to state, parameters and time
/// come from evaluating it over duals.
///
/// ```
/// use vecfield_expr::{ExprField, Graph, Registers, Scope};
/// use vecfield_traits::{ParametricField, VectorField};
///
/// let mut graph = Graph::new();
/// let scope = Scope::new(["t", "x", "v", "drag"])?;
/// let equations = [graph.parse("v", &scope)?, graph.parse("-x - drag*v", &scope)?];
/// let oscillator = ExprField::new(&graph, &equations, &["x", "v"], &["drag"])?;
///
/// let (mut dy, field) = ([0.0; 2], oscillator.at(vec![0.5]));
/// field.eval(0.0, &[1.0, 2.0], &mut dy, &mut Registers::new());
/// assert_eq!(dy, [2.0, -2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ExprField {
    program: Program,
    states: usize,
    parameters: usize,
}

impl ExprField {
    /// The field whose component `i` is `equations[i]`, the derivative of `states[i]`.
    ///
    /// Formulas may use `t`, unless that is the name of a state or a parameter. Definitions need no treatment of their
    /// own: [substituted](Graph::substitute) into the equations they are shared, and worked out once.
    ///
    /// # Errors
    ///
    /// [`CompileError`]: a name that is neither, two quantities of one name, or not one equation per state.
    pub fn new<N: AsRef<str>, P: AsRef<str>>(
        graph: &Graph,
        equations: &[ExprId],
        states: &[N],
        parameters: &[P],
    ) -> Result<ExprField, CompileError> {
        if equations.len() != states.len() {
            return Err(CompileError::Count { equations: equations.len(), states: states.len() });
        }
        let program = Program::compile(graph, equations, &input_names(states, parameters))?;
        Ok(ExprField { program, states: states.len(), parameters: parameters.len() })
    }

    /// Evaluates; what [`ParametricField::eval`] does, without asking which number is meant.
    #[inline]
    pub(crate) fn write<S: Elementary>(&self, t: S, y: &[S], theta: &[S], dy: &mut [S], work: &mut Registers<S>) {
        assert_eq!((y.len(), theta.len()), (self.states, self.parameters), "one value per state and per parameter");
        self.program.eval_parts([&[t], y, theta], dy, work);
    }

    /// The same family for numbers that are several systems side by side, such as the lanes of an ensemble: compiled for
    /// the widest vectors the processor has.
    pub fn side_by_side(&self) -> SideBySide<'_> {
        SideBySide(self)
    }

    /// How many states and parameters it has.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.states, self.parameters)
    }

    /// The program behind it, over the inputs `t`, states, parameters.
    pub fn program(&self) -> &Program {
        &self.program
    }
}

impl<S: Elementary> ParametricField<S> for ExprField {
    type Workspace = Registers<S>;

    fn workspace(&self) -> Registers<S> {
        self.program.registers()
    }

    fn dim(&self) -> usize {
        self.states
    }

    fn parameter_count(&self) -> usize {
        self.parameters
    }

    #[inline]
    fn eval(&self, t: S, y: &[S], theta: &[S], dy: &mut [S], work: &mut Registers<S>) {
        self.write(t, y, theta, dy, work);
    }
}

/// An [`ExprField`] over numbers that are several side by side; made by [`ExprField::side_by_side`].
#[derive(Debug, Clone, Copy)]
pub struct SideBySide<'a>(&'a ExprField);

impl<S: Elementary> ParametricField<S> for SideBySide<'_> {
    type Workspace = Registers<S>;

    fn workspace(&self) -> Registers<S> {
        self.0.program.registers()
    }

    fn dim(&self) -> usize {
        self.0.states
    }

    fn parameter_count(&self) -> usize {
        self.0.parameters
    }

    #[inline]
    fn eval(&self, t: S, y: &[S], theta: &[S], dy: &mut [S], work: &mut Registers<S>) {
        let ExprField { program, states, parameters } = self.0;
        assert_eq!((y.len(), theta.len()), (*states, *parameters), "one value per state and per parameter");
        program.eval_parts_vectorised([&[t], y, theta], dy, work);
    }
}

/// `t`, the states, the parameters. A quantity of the name `t` hides time, which then has a name no formula can write.
pub(crate) fn input_names<'a, N: AsRef<str>, P: AsRef<str>>(states: &'a [N], parameters: &'a [P]) -> Vec<&'a str> {
    let names = states.iter().map(AsRef::as_ref).chain(parameters.iter().map(AsRef::as_ref));
    let mut inputs: Vec<&str> = core::iter::once("t").chain(names).collect();
    if inputs[1..].contains(&"t") {
        inputs[0] = "time hidden by a quantity called t";
    }
    inputs
}
