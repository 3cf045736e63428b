//! [`Search`]: what a search found, to be read, evaluated and judged.

use vecfield_expr::{ExprId, Graph, Program};

use super::run::Run;
use crate::candidate::{Candidate, Rows, open};
use crate::front::{Found, is_number};

/// What a search found.
#[derive(Debug, Clone)]
pub struct Search {
    front: Vec<Found>,
    best: usize,
    graph: Graph,
    rows: Rows,
    evaluations: u64,
    cut: bool,
}

/// A number in a formula that was fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// Its value.
    pub value: f64,
    /// Its standard error, given the formula; NaN where the rows do not tell.
    pub stderr: f64,
}

impl Search {
    pub(super) fn new(run: Run<'_>, best: usize, cut: bool) -> Search {
        let Run { front, graph, rows, evaluations, .. } = run;
        Search { front: front.into_entries(), best, graph, rows, evaluations, cut }
    }

    /// The best formula of each complexity, the simplest first.
    pub fn front(&self) -> &[Found] {
        &self.front
    }

    /// The one that describes the data most briefly.
    pub fn best(&self) -> &Found {
        &self.front[self.best]
    }

    /// A formula of the front as LaTeX.
    pub fn latex(&self, found: &Found) -> String {
        self.graph.to_latex(found.formula)
    }

    /// A formula of the front as a Rust expression.
    pub fn rust(&self, found: &Found) -> String {
        self.graph.to_rust(found.formula)
    }

    /// A formula of the front and the graph that it is in.
    pub fn formula(&self, found: &Found) -> (&Graph, ExprId) {
        (&self.graph, found.formula)
    }

    /// The values of a formula of the front, one for each row of `columns`, which are in the order of the table's variables. Where it has no value
    /// they are NaN or infinite.
    ///
    /// # Panics
    ///
    /// If there are not as many columns as variables, or they are not of one length.
    pub fn predict(&self, found: &Found, columns: &[Vec<f64>]) -> Vec<f64> {
        assert_eq!(columns.len(), self.rows.names.len(), "a column for each variable");
        let program = Program::compile(&self.graph, &[found.formula], &self.rows.names);
        let program = program.expect("a formula that was fitted compiles");
        let mut values = vec![0.0; columns.first().map_or(0, Vec::len)];
        let columns: Vec<&[f64]> = columns.iter().map(|column| &column[..]).collect();
        program.eval_rows(&columns, &mut [&mut values], &mut program.row_registers());
        values
    }

    /// The numbers in a formula of the front that were fitted, in the order in which it is evaluated, with their standard errors: small whole numbers
    /// are part of its form. A number that stands in several places is one.
    pub fn numbers(&self, found: &Found) -> Vec<Number> {
        let mut graph = self.graph.clone();
        let order = graph.reachable(&[found.formula]);
        let fitted =
            order.ids().iter().filter_map(|&id| Some((id, graph.constant_value(id).filter(|v| is_number(*v))?)));
        let (ids, constants): (Vec<ExprId>, Vec<f64>) = fitted.unzip();
        let replaced: Vec<(ExprId, ExprId)> =
            ids.iter().enumerate().map(|(k, &id)| (id, graph.symbol(&open(k)))).collect();
        let candidate = Candidate { formula: graph.substitute(found.formula, &replaced), constants };
        let errors = candidate.standard_errors(&mut graph, &self.rows);
        candidate.constants.iter().zip(errors).map(|(&value, stderr)| Number { value, stderr }).collect()
    }

    /// Expressions and spans of expressions that were compared with the data.
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Did the caller break it off?
    pub fn cut(&self) -> bool {
        self.cut
    }
}
