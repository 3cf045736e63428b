//! A template over the rows of a table, with something in the place of each unknown function.

use rayon::prelude::*;
use vecfield_expr::{ExprId, Graph, Scope};
use vecfield_linalg::least_squares;

use super::basis::Basis;
use crate::candidate::{Candidate, Rows, open, opened};
use crate::error::SymregError;
use crate::table::Table;
use crate::template::{Template, call};

/// A template and the rows that it is to fit.
pub(super) struct Problem<'a> {
    pub(super) template: &'a Template,
    /// The table's, with the values of the bases at every call as further columns.
    pub(super) rows: Rows,
    /// The template's, with what has been put in.
    pub(super) graph: Graph,
    /// Of the template by the value of each call.
    slopes: Vec<ExprId>,
    /// The values of the arguments of each call.
    pub(super) arguments: Vec<Vec<Vec<f64>>>,
    pub(super) bases: Vec<Basis>,
}

/// What stands for an unknown function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The sum of its [`Basis`], a number before each.
    Flexible,
    /// A formula in its arguments and the numbers `open(0)..`.
    Formula(ExprId),
}

/// The same with the numbers in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stand {
    pub(super) form: Form,
    pub(super) numbers: Vec<f64>,
}

/// A template without unknowns.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    pub(super) stands: Vec<Stand>,
    /// Those of the template.
    pub(super) numbers: Vec<f64>,
    /// The weighted sum of squared errors.
    pub(super) cost: f64,
}

impl Filled {
    /// All numbers: those of the functions in turn, then the template's.
    pub(super) fn constants(&self) -> Vec<f64> {
        self.stands.iter().flat_map(|stand| &stand.numbers).chain(&self.numbers).copied().collect()
    }

    fn with(mut self, constants: &[f64], cost: f64) -> Filled {
        let mut values = constants.iter();
        let own = self.stands.iter_mut().flat_map(|stand| &mut stand.numbers).chain(&mut self.numbers);
        own.zip(&mut values).for_each(|(own, &value)| *own = value);
        Filled { cost, ..self }
    }

    /// With something else for one of the functions; what that costs is not known.
    pub(super) fn replaced(&self, unknown: usize, stand: Stand) -> Filled {
        let mut other = self.clone();
        (other.stands[unknown], other.cost) = (stand, f64::INFINITY);
        other
    }

    pub(super) fn is_formula(&self) -> bool {
        self.stands.iter().all(|stand| stand.form != Form::Flexible)
    }
}

impl<'a> Problem<'a> {
    pub(super) fn new(table: &Table, template: &'a Template) -> Result<Problem<'a>, SymregError> {
        let refused = |problem: &str| SymregError::Template { text: template.text().into(), problem: problem.into() };
        if template.names != table.names {
            return Err(refused("it was read for other columns; parse it for this table"));
        }
        let (mut graph, mut rows) = (template.graph.clone(), Rows::of(table, None));
        let mut arguments: Vec<Vec<Vec<f64>>> = Vec::with_capacity(template.calls.len());
        for call in &template.calls {
            let of = |&formula: &ExprId| Candidate { formula, constants: Vec::new() }.values(&mut graph, &rows);
            let values: Option<Vec<Vec<f64>>> = call.arguments.iter().map(of).collect();
            arguments.push(values.ok_or_else(|| {
                refused("an argument of an unknown function has no value at some rows; give it columns that have, or leave those rows out")
            })?);
        }
        let count = template.unknowns.len();
        let room = (rows.y.len() / (ROWS_PER_NUMBER * count)).max(2);
        let mut bases = Vec::with_capacity(count);
        for (unknown, function) in template.unknowns.iter().enumerate() {
            let all = |k: usize| template.calls_of(unknown).flat_map(|at| arguments[at][k].iter().copied()).collect();
            bases.push(Basis::of(&(0..function.arguments.len()).map(all).collect::<Vec<_>>(), room));
        }
        for (at, call) in template.calls.iter().enumerate() {
            for (k, column) in bases[call.unknown].columns(&arguments[at]).into_iter().enumerate() {
                rows.names.push(basis(at, k));
                rows.columns.push(column);
            }
        }
        let slopes = (0..template.calls.len()).map(|at| graph.derivative(template.formula, &call(at))).collect();
        Ok(Problem { template, rows, graph, slopes, arguments, bases })
    }

    /// A formula in the arguments of an unknown function, with its numbers open.
    pub(super) fn read(&mut self, unknown: usize, text: &str) -> Stand {
        let scope = Scope::new(self.template.unknowns[unknown].arguments.iter().cloned());
        let scope = scope.expect("arguments are named as columns are");
        let formula = self.graph.parse(text, &scope).expect("what is printed can be read");
        let mut numbers = Vec::new();
        let formula = opened(&mut self.graph, formula, &mut numbers);
        Stand { form: Form::Formula(formula), numbers }
    }

    /// Something in the template's graph with what stands for the unknown functions; its numbers are [`Filled::constants`].
    pub(super) fn put_in(&mut self, formula: ExprId, filled: &Filled) -> ExprId {
        let (mut replaced, mut first) = (Vec::new(), 0);
        for (unknown, stand) in filled.stands.iter().enumerate() {
            for at in self.template.calls_of(unknown) {
                let value = self.called(stand, first, at);
                replaced.push((self.graph.symbol(&call(at)), value));
            }
            first += stand.numbers.len();
        }
        for (k, name) in self.template.numbers().iter().enumerate() {
            replaced.push((self.graph.symbol(name), self.graph.symbol(&open(first + k))));
        }
        self.graph.substitute(formula, &replaced)
    }

    /// A formula with its `count` numbers from `open(first)` on.
    pub(super) fn numbered(&mut self, formula: ExprId, count: usize, first: usize) -> ExprId {
        let graph = &mut self.graph;
        let moved: Vec<_> = (0..count).map(|k| (graph.symbol(&open(k)), graph.symbol(&open(first + k)))).collect();
        graph.substitute(formula, &moved)
    }

    /// The value of a function at a call, with its numbers from `open(first)` on.
    fn called(&mut self, stand: &Stand, first: usize, at: usize) -> ExprId {
        let count = stand.numbers.len();
        match stand.form {
            Form::Flexible => {
                let graph = &mut self.graph;
                let pairs = (0..count).map(|k| (graph.symbol(&open(first + k)), graph.symbol(&basis(at, k))));
                let pairs: Vec<(ExprId, ExprId)> = pairs.collect();
                let terms: Vec<ExprId> = pairs.into_iter().map(|(number, value)| graph.mul(number, value)).collect();
                graph.sum(terms)
            }
            Form::Formula(formula) => {
                let formula = self.numbered(formula, count, first);
                let call = &self.template.calls[at];
                let names = &self.template.unknowns[call.unknown].arguments;
                let own = names.iter().zip(&call.arguments).map(|(name, &value)| (self.graph.symbol(name), value));
                let own: Vec<(ExprId, ExprId)> = own.collect();
                self.graph.substitute(formula, &own)
            }
        }
    }

    pub(super) fn candidate(&mut self, formula: ExprId, filled: &Filled) -> Candidate {
        Candidate { formula: self.put_in(formula, filled), constants: filled.constants() }
    }

    /// Fits all numbers of each.
    pub(super) fn fit_all(&mut self, filled: Vec<Filled>, iterations: usize) -> Vec<Filled> {
        let all = |filled: &Filled| (0..filled.constants().len()).collect();
        self.fit_some(filled, all, iterations)
    }

    /// Fits those numbers of each that are free, as places among [`Filled::constants`].
    pub(super) fn fit_some(
        &mut self,
        filled: Vec<Filled>,
        free: impl Fn(&Filled) -> Vec<usize> + Sync,
        iterations: usize,
    ) -> Vec<Filled> {
        let formula = self.template.formula;
        let begun: Vec<(Filled, Candidate)> = filled
            .into_iter()
            .map(|filled| {
                let candidate = self.candidate(formula, &filled);
                (filled, candidate)
            })
            .collect();
        let (graph, rows) = (&self.graph, &self.rows);
        let fitted = |(filled, mut candidate): (Filled, Candidate)| {
            let cost = candidate.fit(&mut graph.clone(), rows, &free(&filled), iterations);
            filled.with(&candidate.constants, cost)
        };
        begun.into_par_iter().map(fitted).collect()
    }

    /// One of the functions flexible and near to what it was.
    pub(super) fn loosened(&mut self, filled: &Filled, unknown: usize) -> Option<Filled> {
        let calls: Vec<usize> = self.template.calls_of(unknown).collect();
        let values: Vec<f64> = self.values(filled, &calls)?.concat();
        let columns: Vec<Vec<Vec<f64>>> =
            calls.iter().map(|&at| self.bases[unknown].columns(&self.arguments[at])).collect();
        let count = self.bases[unknown].len();
        let rows = columns.iter().flat_map(|own| (0..own[0].len()).map(move |row| own.iter().map(move |c| c[row])));
        let matrix: Vec<f64> = rows.flatten().collect();
        let solved = least_squares(&matrix, values.len(), count, &values).ok()?;
        let begun = filled.replaced(unknown, Stand { form: Form::Flexible, numbers: solved.x });
        self.fit_all(vec![begun], 40).pop().filter(|fitted| fitted.cost.is_finite())
    }

    /// What a function gives at each of its calls.
    fn values(&mut self, filled: &Filled, calls: &[usize]) -> Option<Vec<Vec<f64>>> {
        calls
            .iter()
            .map(|&at| {
                let value = self.graph.symbol(&call(at));
                self.candidate(value, filled).values(&mut self.graph, &self.rows)
            })
            .collect()
    }

    /// What one of the functions has to be, the others held: `y ≈ T + Σ T' (f - f₀)` over its calls, as rows of its arguments with the target
    /// `f₀ + T' (y - T)/Σ T'²` and the weight `T'²`. `None` where the rows say nothing of it.
    pub(super) fn table_of(&mut self, filled: &Filled, unknown: usize) -> Option<Table> {
        let calls: Vec<usize> = self.template.calls_of(unknown).collect();
        let whole = self.candidate(self.template.formula, filled).values(&mut self.graph, &self.rows)?;
        let before = self.values(filled, &calls)?;
        let mut slopes = Vec::with_capacity(calls.len());
        for &at in &calls {
            slopes.push(self.candidate(self.slopes[at], filled).column(&mut self.graph, &self.rows)?);
        }
        let squares: Vec<f64> =
            (0..whole.len()).map(|row| slopes.iter().map(|own| own[row] * own[row]).sum()).collect();
        let (mut target, mut weights) = (Vec::new(), Vec::new());
        for (before, slopes) in before.iter().zip(&slopes) {
            for (row, (value, slope)) in before.iter().zip(slopes).enumerate() {
                target.push(value + slope * (self.rows.y[row] - whole[row]) / squares[row]);
                let weight = self.rows.scale[row].powi(2) * slope * slope;
                weights.push(if weight.is_finite() { weight } else { 0.0 });
            }
        }
        // Where the template hardly depends on the function, its target is anything.
        let least = FAINT * weights.iter().sum::<f64>() / weights.len() as f64;
        weights.iter_mut().filter(|weight| **weight < least).for_each(|weight| *weight = 0.0);
        let names = self.template.unknowns[unknown].arguments.clone();
        let all = |k: usize| calls.iter().flat_map(|&at| self.arguments[at][k].iter().copied()).collect();
        Table::weighted(names.clone(), (0..names.len()).map(all).collect(), target, weights).ok()
    }
}

/// Rows for each number of the bases at the least.
const ROWS_PER_NUMBER: usize = 4;
/// Weights that are so small a share of the mean are none.
const FAINT: f64 = 1e-6;

/// What the values of a function of a basis at a call are called.
fn basis(at: usize, k: usize) -> String {
    format!("basis {k} at {at}")
}

#[cfg(test)]
mod tests {
    use super::{Filled, Problem};
    use crate::table::Table;
    use crate::template::Template;

    /// Where the template is linear in a function and the others are right, one step tells what it is, whatever it was before.
    #[test]
    fn a_function_is_told_by_what_the_others_leave() {
        let x: Vec<f64> = (0..20).map(|i| 0.1 * f64::from(i)).collect();
        let z: Vec<f64> = (0..20).map(|i| 0.3 * f64::from(i * 7 % 11) - 1.0).collect();
        let y = x.iter().zip(&z).map(|(x, z)| x.exp() * z - 2.0).collect();
        let table = Table::new(vec!["x".into(), "z".into()], vec![x, z.clone()], y).unwrap();
        let template = Template::parse("f(x)*g(z) + c", &table).unwrap();
        let mut problem = Problem::new(&table, &template).unwrap();
        let stands = vec![problem.read(0, "x - 3"), problem.read(1, "1*z")];
        let told = problem.table_of(&Filled { stands, numbers: vec![-2.0], cost: 1.0 }, 0).unwrap();
        assert_eq!(told.names(), ["x"]);
        for (x, f) in told.columns()[0].iter().zip(told.target()) {
            assert!((f - x.exp()).abs() < 1e-12, "f({x}) = {f}");
        }
        // Rows count by the square of the slope.
        let most = z.iter().map(|z| z * z).fold(0.0, f64::max) / (z.iter().map(|z| z * z).sum::<f64>() / 20.0);
        assert!((told.weights.iter().copied().fold(0.0, f64::max) - most).abs() < 1e-12);
    }
}
