//! Reverse mode over formulas: all slopes of a weighted sum of outputs, in one pass from the outputs to the inputs.
//!
//! ```text
//! x̄ = Σ_i w_i ∂f_i/∂x        for every input x at once
//! ```
//!
//! The cotangents of shared sub-expressions are formulas of the same graph, and shared again; compiled, the pullback costs
//! two to four evaluations of the outputs, however many inputs there are.

use std::collections::HashSet;

use vecfield_traits::Elementary;

use crate::error::CompileError;
use crate::graph::{ExprId, Graph, Node, SymbolId};
use crate::op::{Binary, Unary};
use crate::program::{Program, Registers};

impl Graph {
    /// `Σ_i w_i ∂f_i/∂x` for each `x` of `inputs`, with `(f_i, w_i)` the `outputs`. Corners as in
    /// [`derivative`](Graph::derivative); `None` where no output depends on the input.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let f = graph.parse("x*y", &Scope::new(["x", "y"])?)?;
    /// let w = graph.symbol("w");
    /// let slopes = graph.pullback(&[(f, w)], &["x", "y"]);
    /// let slopes: Vec<String> = slopes.into_iter().flatten().map(|slope| graph.to_text(slope)).collect();
    /// assert_eq!(slopes, ["w*y", "x*w"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pullback<N: AsRef<str>>(&mut self, outputs: &[(ExprId, ExprId)], inputs: &[N]) -> Vec<Option<ExprId>> {
        let roots: Vec<ExprId> = outputs.iter().map(|&(output, _)| output).collect();
        let order = self.reachable(&roots);
        let wanted: Vec<_> = inputs.iter().map(|name| self.find_symbol(name.as_ref())).collect();
        let moving: HashSet<SymbolId> = wanted.iter().copied().flatten().collect();
        // Which expressions depend on a wanted input: only their cotangents are formed.
        let mut depends: Vec<bool> = Vec::with_capacity(order.len());
        for &id in order.ids() {
            let yes = match self.node(id) {
                Node::Symbol(symbol) => moving.contains(&symbol),
                _ => self.arguments(id).any(|x| depends[order.position(x)]),
            };
            depends.push(yes);
        }
        let mut bars: Vec<Option<ExprId>> = vec![None; order.len()];
        // What is below a condition has a cotangent of zero where it is not chosen, and perhaps no slope.
        let mut gated = vec![false; order.len()];
        for &(output, weight) in outputs {
            let at = order.position(output);
            bars[at] = self.sum_of(bars[at], Some(weight));
        }
        for (at, &id) in order.ids().iter().enumerate().rev() {
            let Some(bar) = bars[at].filter(|_| depends[at]) else { continue };
            if let Node::Binary(Binary::Cond, _, chosen) = self.node(id) {
                gated[order.position(chosen)] = true;
            }
            if gated[at] {
                self.arguments(id).for_each(|x| gated[order.position(x)] = true);
            }
            let parts = match self.node(id) {
                Node::Constant(_) | Node::Symbol(_) => [None, None],
                Node::Unary(op, x) => [self.unary_slope(op, id, x).times(self, bar).map(|bar| (x, bar)), None],
                Node::Binary(op, a, b) => {
                    let moves = [a, b].map(|x| depends[order.position(x)]);
                    let [bar_a, bar_b] = self.binary_bars(op, id, (a, b), moves, bar);
                    [bar_a.map(|bar| (a, bar)), bar_b.map(|bar| (b, bar))]
                }
            };
            for (x, part) in parts.into_iter().flatten() {
                let part = if gated[at] { self.only_if(bar, part) } else { part };
                let at = order.position(x);
                bars[at] = self.sum_of(bars[at], Some(part));
            }
        }
        let bar_of = |symbol: Option<SymbolId>| {
            let id = self.intern(Node::Symbol(symbol?));
            bars[order.ids().binary_search(&id).ok()?]
        };
        wanted.into_iter().map(bar_of).collect()
    }

    /// What `bar`, the cotangent of `id = a op b`, gives to `a` and to `b`, where they move.
    fn binary_bars(
        &mut self,
        op: Binary,
        id: ExprId,
        (a, b): (ExprId, ExprId),
        [moves_a, moves_b]: [bool; 2],
        bar: ExprId,
    ) -> [Option<ExprId>; 2] {
        match op {
            Binary::Add => [moves_a.then_some(bar), moves_b.then_some(bar)],
            Binary::Sub => [moves_a.then_some(bar), moves_b.then(|| self.neg(bar))],
            Binary::Mul => [moves_a.then(|| self.mul(bar, b)), moves_b.then(|| self.mul(a, bar))],
            Binary::Div => {
                let share = self.div(bar, b);
                let by_divisor = moves_b.then(|| {
                    let product = self.mul(share, id);
                    self.neg(product)
                });
                [moves_a.then_some(share), by_divisor]
            }
            Binary::Pow => {
                let by_base = if moves_a { self.power_slope(a, b, bar) } else { None };
                [by_base, moves_b.then(|| self.exponent_slope(a, id, bar))]
            }
            Binary::Min | Binary::Max => {
                let (more, less) = if op == Binary::Max { (a, b) } else { (b, a) };
                let by_a = moves_a.then(|| self.choice_slope(more, less, Some(bar), None));
                [by_a, moves_b.then(|| self.choice_slope(more, less, None, Some(bar)))]
            }
            Binary::Greater => [None, None],
            Binary::Cond => [None, moves_b.then(|| self.cond(a, bar))],
        }
    }

    /// The part of a cotangent that is handed on, zero where the cotangent is: a slope that is not there does not come in.
    fn only_if(&mut self, bar: ExprId, part: ExprId) -> ExprId {
        let handed_on = match self.node(part) {
            Node::Unary(Unary::Neg, x) => x,
            _ => part,
        };
        if handed_on == bar {
            return part;
        }
        let size = self.unary(Unary::Abs, bar);
        self.cond(size, part)
    }

    /// `a^b ln a · bar` with `id = a^b`: zero at `a = 0`, where the power is.
    fn exponent_slope(&mut self, a: ExprId, id: ExprId, bar: ExprId) -> ExprId {
        let tiny = self.constant(f64::MIN_POSITIVE);
        let positive = self.max(a, tiny);
        let logarithm = self.unary(Unary::Log, positive);
        let factor = self.mul(id, logarithm);
        self.mul(factor, bar)
    }
}

impl Program {
    /// The value of `formula`, then its slopes by each of `by`, as functions of `inputs`: one sweep forth and one back, which
    /// costs two to four evaluations of the value, however many slopes there are. The graph grows by it.
    ///
    /// ```
    /// use vecfield_expr::{Column, Graph, Program, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let names = ["x", "a", "b"];
    /// let decay = graph.parse("a*exp(b*x)", &Scope::new(names)?)?;
    /// let program = Program::compile_with_slopes(&mut graph, decay, &["a", "b"], &names)?;
    /// let ([mut value, mut by_a, mut by_b], x) = ([[0.0; 2]; 3], [0.0, 1.0]);
    /// let columns = [Column::Rows(&x[..]), Column::Same(3.0), Column::Same(0.0)];
    /// program.eval_columns(&columns, &mut [&mut value, &mut by_a, &mut by_b], &mut program.row_registers());
    /// assert_eq!((value, by_a, by_b), ([3.0, 3.0], [1.0, 1.0], [0.0, 3.0]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Program::compile`].
    pub fn compile_with_slopes<M: AsRef<str>, N: AsRef<str>>(
        graph: &mut Graph,
        formula: ExprId,
        by: &[M],
        inputs: &[N],
    ) -> Result<Program, CompileError> {
        let (zero, one) = (graph.constant(0.0), graph.constant(1.0));
        let slopes = graph.pullback(&[(formula, one)], by);
        let outputs: Vec<ExprId> = [formula].into_iter().chain(slopes.into_iter().map(|s| s.unwrap_or(zero))).collect();
        Program::compile(graph, &outputs, inputs)
    }
}

/// The pullback of formulas over named inputs, compiled.
///
/// ```
/// use vecfield_expr::{Graph, Pullback, Registers, Scope};
///
/// let mut graph = Graph::new();
/// let f = graph.parse("x*y", &Scope::new(["x", "y"])?)?;
/// let pullback = Pullback::compile(&mut graph, &[f], &["x", "y"])?;
/// let mut bars = [1.0, 1.0];
/// pullback.add([&[3.0, 5.0], &[2.0]], &mut Registers::new(), &mut Vec::new(), |input, bar| bars[input] += bar);
/// assert_eq!(bars, [11.0, 7.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pullback {
    /// Over the inputs, then one cotangent an output; the cotangents that are not zero by structure.
    program: Program,
    /// The input each belongs to.
    places: Vec<usize>,
}

impl Pullback {
    /// Of `outputs` over `inputs`, in the order of both; the graph grows by it.
    ///
    /// # Errors
    ///
    /// As [`Program::compile`].
    pub fn compile<N: AsRef<str>>(
        graph: &mut Graph,
        outputs: &[ExprId],
        inputs: &[N],
    ) -> Result<Pullback, CompileError> {
        // No formula can write these names.
        let weights: Vec<String> = (0..outputs.len()).map(|i| format!("cotangent of output {i}")).collect();
        let weighted: Vec<_> = outputs.iter().zip(&weights).map(|(&output, w)| (output, graph.symbol(w))).collect();
        let bars = graph.pullback(&weighted, inputs);
        let (places, bars): (Vec<_>, Vec<_>) =
            bars.into_iter().enumerate().filter_map(|(place, bar)| Some((place, bar?))).unzip();
        let inputs: Vec<&str> = inputs.iter().map(AsRef::as_ref).chain(weights.iter().map(String::as_str)).collect();
        Ok(Pullback { program: Program::compile(graph, &bars, &inputs)?, places })
    }

    /// Calls `add(input, bar)` for each input with a cotangent `bar`; `parts` are, one after the other, the values of the
    /// inputs and the cotangents of the outputs. `bars` is scratch.
    #[inline]
    pub fn add<S: Elementary, const P: usize>(
        &self,
        parts: [&[S]; P],
        registers: &mut Registers<S>,
        bars: &mut Vec<S>,
        mut add: impl FnMut(usize, S),
    ) {
        bars.resize(self.places.len(), S::zero());
        self.program.eval_parts(parts, bars, registers);
        for (&place, &bar) in self.places.iter().zip(bars.iter()) {
            add(place, bar);
        }
    }
}
