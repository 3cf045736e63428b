//! A formula with open numbers, and those numbers fitted by Levenberg–Marquardt through all rows.

use vecfield_expr::{Binary, Column, ExprId, Graph, Node, Program, RowRegisters};
use vecfield_linalg::Cholesky;
use vecfield_optim::{Infeasible, LeastSquares, LevenbergMarquardt, Options};

use crate::front::is_number;
use crate::loss::{FITTING, Loss};
use crate::table::Table;

/// The rows of a search: variables column by column, and the target.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) names: Vec<String>,
    /// A list for each variable.
    pub(crate) columns: Vec<Vec<f64>>,
    pub(crate) y: Vec<f64>,
    /// The roots of the weights.
    pub(crate) scale: Vec<f64>,
    /// What errors cost, if not their squares.
    pub(crate) loss: Option<Loss>,
    /// What it costs to be right, row by row; empty for squares.
    least: Vec<f64>,
}

impl Rows {
    /// All of a table, for formulas that are to lessen a loss.
    pub(crate) fn of(table: &Table, loss: Option<Loss>) -> Rows {
        let scale = table.weights.iter().map(|w| w.sqrt()).collect();
        let least = loss.as_ref().map_or_else(Vec::new, |loss| loss.least(&table.target));
        Rows { loss, least, ..Rows::plain(table.names.clone(), table.columns.clone(), table.target.clone(), scale) }
    }

    /// Rows of which errors cost their squares, given the roots of the weights.
    pub(crate) fn plain(names: Vec<String>, columns: Vec<Vec<f64>>, y: Vec<f64>, scale: Vec<f64>) -> Rows {
        Rows { names, columns, y, scale, loss: None, least: Vec::new() }
    }

    /// So many of the rows at the most, spread over the values of the target where they are in its order.
    pub(crate) fn spread(&self, most: usize) -> Rows {
        let n = self.y.len();
        let count = n.min(most);
        let of = |column: &Vec<f64>| (0..count).map(|i| column[i * n / count]).collect::<Vec<f64>>();
        let least = if self.least.is_empty() { Vec::new() } else { of(&self.least) };
        let columns = self.columns.iter().map(of).collect();
        Rows {
            least,
            loss: self.loss.clone(),
            ..Rows::plain(self.names.clone(), columns, of(&self.y), of(&self.scale))
        }
    }

    /// The weighted sum of what errors cost; infinite where that is no number.
    fn cost(&self, predicted: &[f64]) -> f64 {
        let cost = match &self.loss {
            Some(loss) => {
                let costs = loss.excess(predicted, &self.y, &self.least);
                costs.iter().zip(&self.scale).map(|(cost, scale)| scale * scale * cost).sum()
            }
            None => self.squares(predicted),
        };
        if f64::is_nan(cost) { f64::INFINITY } else { cost }
    }

    /// The weighted sum of squared errors.
    pub(crate) fn squares(&self, predicted: &[f64]) -> f64 {
        let errors = predicted.iter().zip(&self.y).zip(&self.scale).map(|((p, y), scale)| scale * (p - y));
        errors.map(|r| r * r).sum()
    }
}

/// The name of an open number in a graph: no name of a user's column has a space.
pub(crate) fn open(index: usize) -> String {
    format!("constant {index}")
}

/// A formula with a symbol in the place of each number but whole exponents; `numbers`, those that are open before, takes them up.
pub(crate) fn opened(graph: &mut Graph, formula: ExprId, numbers: &mut Vec<f64>) -> ExprId {
    match graph.node(formula) {
        Node::Symbol(_) => formula,
        Node::Constant(value) => {
            numbers.push(value);
            graph.symbol(&open(numbers.len() - 1))
        }
        Node::Unary(op, x) => {
            let x = opened(graph, x, numbers);
            graph.unary(op, x)
        }
        Node::Binary(op, a, b) => {
            let a = opened(graph, a, numbers);
            let whole = op == Binary::Pow && graph.constant_value(b).is_some_and(|value| !is_number(value));
            let b = if whole { b } else { opened(graph, b, numbers) };
            graph.binary(op, a, b)
        }
    }
}

/// A formula whose numbers `open(0)..` have these values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) formula: ExprId,
    pub(crate) constants: Vec<f64>,
}

impl Candidate {
    /// The formula with its numbers written out, simplified; what is multiplied by zero is gone, whether or not it has a value everywhere.
    pub(crate) fn closed(&self, graph: &mut Graph) -> ExprId {
        let replaced: Vec<_> = (self.constants.iter().enumerate())
            .map(|(i, &value)| (graph.symbol(&open(i)), graph.constant(value)))
            .collect();
        let closed = graph.substitute(self.formula, &replaced);
        let zero = graph.constant(0.0);
        let nothing = |&id: &ExprId| match graph.node(id) {
            Node::Binary(Binary::Mul, a, b) => a == zero || b == zero,
            Node::Binary(Binary::Div, a, _) => a == zero,
            _ => false,
        };
        let nothing: Vec<_> =
            graph.reachable(&[closed]).ids().iter().copied().filter(nothing).map(|id| (id, zero)).collect();
        let closed = graph.substitute(closed, &nothing);
        graph.simplify(closed)
    }

    /// Its value at every row, whether or not it is a number there; `None` where the formula is too large.
    pub(crate) fn column(&self, graph: &mut Graph, rows: &Rows) -> Option<Vec<f64>> {
        let mut fit = Fit::of(graph, self, rows, &[])?;
        fit.evaluate(&[], false);
        Some(fit.outputs.swap_remove(0))
    }

    /// Its value at every row; `None` where it is no number at one of them.
    pub(crate) fn values(&self, graph: &mut Graph, rows: &Rows) -> Option<Vec<f64>> {
        self.column(graph, rows).filter(|values| values.iter().all(|value| value.is_finite()))
    }

    /// The weighted sum of its squared errors, or of what these cost; infinite where the formula is no number.
    pub(crate) fn error(&self, graph: &mut Graph, rows: &Rows) -> f64 {
        self.values(graph, rows).map_or(f64::INFINITY, |values| rows.cost(&values))
    }

    /// Fits the numbers that `free` names, the others held; the weighted sum of squared errors, or of what these cost, infinite where nothing fits.
    pub(crate) fn fit(&mut self, graph: &mut Graph, rows: &Rows, free: &[usize], iterations: usize) -> f64 {
        if free.is_empty() {
            return self.error(graph, rows);
        }
        let Some(mut problem) = Fit::of(graph, self, rows, free) else { return f64::INFINITY };
        let Some(loss) = &rows.loss else { return self.descend(&mut problem, free, iterations) };
        // Squares whose weights give them the slopes of the loss, again and again.
        let mut least = problem.cost(&self.constants);
        for _ in 0..REWEIGHED {
            // The values are those of the last that was kept.
            let weights = loss.weights(&problem.outputs[0], &rows.y, FITTING);
            problem.scale = rows.scale.iter().zip(weights).map(|(scale, weight)| scale * weight.sqrt()).collect();
            let mut moved = self.clone();
            let infeasible = moved.descend(&mut problem, free, iterations).is_infinite();
            let cost = problem.cost(&moved.constants);
            if infeasible || cost >= least {
                break;
            }
            let little = cost > least * (1.0 - LITTLE);
            (*self, least) = (moved, cost);
            if little {
                break;
            }
        }
        least
    }

    /// Lessens the squares of a fit by the numbers that are free.
    fn descend(&mut self, problem: &mut Fit<'_>, free: &[usize], iterations: usize) -> f64 {
        let mut x: Vec<f64> = free.iter().map(|&i| self.constants[i]).collect();
        let Ok(summary) = LevenbergMarquardt::new(to_rounding(iterations)).minimize(problem, &mut x) else {
            return f64::INFINITY;
        };
        free.iter().zip(&x).for_each(|(&i, &value)| self.constants[i] = value);
        2.0 * summary.cost
    }

    /// The standard errors of its numbers, `√diag(s² (JᵀWJ)⁻¹)` with `s²` the weighted sum of squared errors by the degrees of freedom; NaN where
    /// the rows do not tell, and where errors cost something else than their squares.
    pub(crate) fn standard_errors(&self, graph: &mut Graph, rows: &Rows) -> Vec<f64> {
        let free: Vec<usize> = (0..self.constants.len()).collect();
        self.errors_of(graph, rows, &free)
    }

    /// The same of the numbers that `free` names, the others held.
    pub(crate) fn errors_of(&self, graph: &mut Graph, rows: &Rows, free: &[usize]) -> Vec<f64> {
        let (n, k) = (rows.y.len(), free.len());
        if rows.loss.is_some() {
            return vec![f64::NAN; k];
        }
        let x: Vec<f64> = free.iter().map(|&i| self.constants[i]).collect();
        let (mut residuals, mut jacobian) = (vec![0.0; n], vec![0.0; n * k]);
        let evaluated = Fit::of(graph, self, rows, free)
            .is_some_and(|mut fit| fit.jacobian(&x, &mut residuals, &mut jacobian).is_ok());
        if evaluated { covariance_roots(&residuals, &jacobian, k) } else { vec![f64::NAN; k] }
    }
}

/// `√diag(s² (JᵀJ)⁻¹)` for `k` numbers; NaN where the rows do not tell.
pub(crate) fn covariance_roots(residuals: &[f64], jacobian: &[f64], k: usize) -> Vec<f64> {
    if residuals.len() <= k {
        return vec![f64::NAN; k];
    }
    let lengths: Vec<f64> =
        (0..k).map(|i| jacobian.iter().skip(i).step_by(k).map(|s| s * s).sum::<f64>().sqrt()).collect();
    let mut normal = vec![0.0; k * k];
    for row in jacobian.chunks_exact(k.max(1)) {
        for (i, a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            row.iter().enumerate().for_each(|(j, b)| normal[i * k + j] += a * b / (lengths[i] * lengths[j]));
        }
    }
    let (mut factor, mut inverse) = (Cholesky::new(k), vec![0.0; k * k]);
    if factor.factorize(&normal).is_err() {
        return vec![f64::NAN; k];
    }
    factor.inverse_into(&mut inverse);
    let variance = residuals.iter().map(|r| r * r).sum::<f64>() / (residuals.len() - k) as f64;
    (0..k).map(|i| (variance * inverse[i * k + i]).sqrt() / lengths[i]).collect()
}

/// Trial steps of a fit that ends only where rounding does.
pub(crate) fn to_rounding(iterations: usize) -> Options {
    Options {
        iterations,
        step_tolerance: 1e-14,
        cost_tolerance: 1e-15,
        gradient_tolerance: 1e-14,
        ..Options::default()
    }
}

/// How often a fit is weighed anew at the most, and a share of its cost that is not worth another time.
const REWEIGHED: usize = 20;
const LITTLE: f64 = 1e-9;

/// Residuals of a candidate by its free numbers.
pub(crate) struct Fit<'a> {
    rows: &'a Rows,
    /// The roots of the weights.
    scale: Vec<f64>,
    program: Program,
    slopes: Program,
    registers: RowRegisters<f64>,
    free: &'a [usize],
    constants: Vec<f64>,
    /// The value at every row, and behind it each slope.
    outputs: Vec<Vec<f64>>,
}

impl<'a> Fit<'a> {
    pub(crate) fn of(graph: &mut Graph, candidate: &Candidate, rows: &'a Rows, free: &'a [usize]) -> Option<Fit<'a>> {
        let constants = candidate.constants.clone();
        let names: Vec<String> = rows.names.iter().cloned().chain((0..constants.len()).map(open)).collect();
        let by: Vec<String> = free.iter().map(|&i| open(i)).collect();
        let program = Program::compile(graph, &[candidate.formula], &names).ok()?;
        let slopes = if free.is_empty() {
            program.clone()
        } else {
            Program::compile_with_slopes(graph, candidate.formula, &by, &names).ok()?
        };
        let outputs = vec![vec![0.0; rows.y.len()]; 1 + free.len()];
        Some(Fit {
            rows,
            scale: rows.scale.clone(),
            program,
            slopes,
            registers: RowRegisters::new(),
            free,
            constants,
            outputs,
        })
    }

    /// The value at every row, and the slopes if they are asked for.
    fn evaluate(&mut self, x: &[f64], with_slopes: bool) {
        self.free.iter().zip(x).for_each(|(&i, &value)| self.constants[i] = value);
        let columns = self.rows.columns.iter().map(|column| Column::Rows(&column[..]));
        let columns: Vec<_> = columns.chain(self.constants.iter().map(|&value| Column::Same(value))).collect();
        let (program, count) = if with_slopes { (&self.slopes, self.outputs.len()) } else { (&self.program, 1) };
        let mut outputs: Vec<&mut [f64]> = self.outputs[..count].iter_mut().map(|output| &mut output[..]).collect();
        program.eval_columns(&columns, &mut outputs, &mut self.registers);
    }

    /// What the formula costs with all its numbers given; infinite where it has no value.
    fn cost(&mut self, constants: &[f64]) -> f64 {
        let x: Vec<f64> = self.free.iter().map(|&i| constants[i]).collect();
        self.evaluate(&x, false);
        let values = &self.outputs[0];
        if values.iter().all(|value| value.is_finite()) { self.rows.cost(values) } else { f64::INFINITY }
    }

    /// `√w (f - y)` at every row.
    fn weighted(&self, r: &mut [f64]) -> Result<(), Infeasible> {
        for (((r, &value), &y), &scale) in r.iter_mut().zip(&self.outputs[0]).zip(&self.rows.y).zip(&self.scale) {
            *r = scale * (value - y);
        }
        if r.iter().all(|r| r.is_finite()) { Ok(()) } else { Err(Infeasible) }
    }
}

impl LeastSquares for Fit<'_> {
    fn parameter_count(&self) -> usize {
        self.free.len()
    }

    fn residual_count(&self) -> usize {
        self.rows.y.len()
    }

    fn residuals(&mut self, x: &[f64], r: &mut [f64]) -> Result<(), Infeasible> {
        self.evaluate(x, false);
        self.weighted(r)
    }

    fn jacobian(&mut self, x: &[f64], r: &mut [f64], jacobian: &mut [f64]) -> Result<(), Infeasible> {
        self.evaluate(x, true);
        self.weighted(r)?;
        let width = self.free.len();
        for (k, slopes) in self.outputs[1..].iter().enumerate() {
            for ((at, &slope), &scale) in jacobian[k..].iter_mut().step_by(width).zip(slopes).zip(&self.scale) {
                *at = scale * slope;
            }
        }
        if jacobian.iter().all(|slope| slope.is_finite()) { Ok(()) } else { Err(Infeasible) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Candidate, open};
    use vecfield_expr::Graph;

    #[test]
    fn what_is_multiplied_by_zero_is_gone() {
        let mut graph = Graph::new();
        let x = graph.symbol("x");
        let numbers = [0, 1].map(|i| graph.symbol(&open(i)));
        // c0 x + c1 / x, the second of which has no value at zero.
        let (first, second) = (graph.mul(numbers[0], x), graph.div(numbers[1], x));
        let formula = graph.add(first, second);
        let closed = Candidate { formula, constants: vec![2.5, 0.0] }.closed(&mut graph);
        assert_eq!(graph.to_text(closed), "2.5*x");
    }
}
