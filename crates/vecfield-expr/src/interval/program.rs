//! [`IntervalProgram`]: a formula over boxes.

use super::Interval;
use crate::error::CompileError;
use crate::graph::{ExprId, Graph, Node};
use crate::op::{Binary, Unary};

/// A formula that is evaluated over intervals: its natural extension, each operation at a time.
///
/// ```
/// use vecfield_expr::{Graph, Interval, IntervalProgram, Scope};
///
/// let mut graph = Graph::new();
/// let formula = graph.parse("x^2 + exp(-y)", &Scope::new(["x", "y"])?)?;
/// let mut program = IntervalProgram::compile(&graph, formula, &["x", "y"])?;
/// let values = program.eval(&[Interval::new(-1.0, 2.0), Interval::new(0.0, 5.0)]);
/// assert!(values.low() > 0.0 && values.high() < 5.0 + 1e-14 && values.is_defined());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct IntervalProgram {
    steps: Vec<Step>,
    values: Vec<Interval>,
}

/// An operation on what was made before, by place.
#[derive(Debug, Clone, Copy)]
enum Step {
    Constant(f64),
    Input(usize),
    Unary(Unary, usize),
    Binary(Binary, usize, usize),
    Power(usize, f64),
}

impl IntervalProgram {
    /// Compiles a formula over these variables.
    ///
    /// # Errors
    ///
    /// [`CompileError`] for a name in the formula that is none of `names`, as [`Program::compile`](crate::Program::compile).
    pub fn compile<N: AsRef<str>>(
        graph: &Graph,
        formula: ExprId,
        names: &[N],
    ) -> Result<IntervalProgram, CompileError> {
        let order = graph.reachable(&[formula]);
        let mut steps: Vec<Step> = Vec::with_capacity(order.len());
        for &id in order.ids() {
            let place = |id| order.position(id);
            steps.push(match graph.node(id) {
                Node::Constant(value) => Step::Constant(value),
                Node::Symbol(symbol) => {
                    let name = graph.name(symbol);
                    let input = names.iter().position(|known| known.as_ref() == name);
                    Step::Input(input.ok_or_else(|| CompileError::Unbound { name: name.to_string() })?)
                }
                Node::Unary(op, x) => Step::Unary(op, place(x)),
                Node::Binary(Binary::Pow, base, exponent) => match graph.constant_value(exponent) {
                    Some(value) => Step::Power(place(base), value),
                    None => Step::Binary(Binary::Pow, place(base), place(exponent)),
                },
                Node::Binary(op, a, b) => Step::Binary(op, place(a), place(b)),
            });
        }
        let values = Vec::with_capacity(steps.len());
        Ok(IntervalProgram { steps, values })
    }

    /// An interval that contains all values of the formula where each variable lies in its own. Allocates nothing after the first time.
    ///
    /// # Panics
    ///
    /// If there are fewer intervals than names.
    pub fn eval(&mut self, inputs: &[Interval]) -> Interval {
        self.values.clear();
        for &step in &self.steps {
            let value = match step {
                Step::Constant(value) if value.is_nan() => Interval::UNKNOWN,
                Step::Constant(value) => Interval::point(value),
                Step::Input(i) => inputs[i],
                Step::Unary(op, x) => self.values[x].unary(op),
                Step::Binary(op, a, b) => self.values[a].binary(op, self.values[b]),
                Step::Power(x, exponent) => self.values[x].power(exponent),
            };
            self.values.push(value);
        }
        self.values.last().copied().unwrap_or(Interval::UNKNOWN)
    }
}
