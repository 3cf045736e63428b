//! [`Search`]: what a search found, to be read, evaluated and judged.

use vecfield_expr::{ExprId, Graph, Program, Scope};

use super::Symreg;
use super::checkpoint::Checkpoint;
use super::run::Run;
use crate::candidate::{Candidate, Rows, open};
use crate::front::{Found, Measure, is_number, number_length};
use crate::shape::Verdict;
use crate::table::Table;

/// What a search found.
#[derive(Debug, Clone)]
pub struct Search {
    front: Vec<Found>,
    best: usize,
    graph: Graph,
    /// Those of the front, in its order.
    formulas: Vec<ExprId>,
    rows: Rows,
    /// Of each, where shapes were asked for.
    verdicts: Option<Vec<Verdict>>,
    measure: Measure,
    evaluations: u64,
    cut: bool,
    /// Where to go on, if it was broken off and can be taken up.
    checkpoint: Option<Checkpoint>,
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
    pub(super) fn new(run: Run<'_>, table: &Table, best: usize, checkpoint: Option<Checkpoint>) -> Search {
        let (measure, cut) = (run.measure(), checkpoint.is_some());
        let Run { front, settings, evaluations, .. } = run;
        let search = Search::of_front(front.into_entries(), (settings, table), (best, measure), evaluations, cut);
        Search { checkpoint, ..search }
    }

    /// Formulas of a front of which one is chosen, and what they were searched by.
    pub(super) fn of_front(
        front: Vec<Found>,
        (settings, table): (&Symreg, &Table),
        (best, measure): (usize, Measure),
        evaluations: u64,
        cut: bool,
    ) -> Search {
        let rows = Rows::of(table, settings.loss.clone());
        let (mut graph, scope) = (Graph::new(), Scope::new(rows.names.iter().cloned()));
        let scope = scope.expect("a table has names that formulas can hold");
        let parsed = front.iter().map(|found| graph.parse(&found.expression, &scope));
        let formulas: Vec<ExprId> = parsed.map(|formula| formula.expect("what is printed can be read")).collect();
        let verdicts = settings.shapes.as_ref().map(|shapes| {
            // In a graph of its own: slopes are no formulas of the search.
            let mut graph = graph.clone();
            formulas.iter().map(|&formula| shapes.verdict(&mut graph, formula, &rows.names)).collect()
        });
        Search { front, best, graph, formulas, rows, verdicts, measure, evaluations, cut, checkpoint: None }
    }

    /// # Panics
    ///
    /// If it is none of this front.
    pub(super) fn place(&self, found: &Found) -> usize {
        self.front.iter().position(|known| known == found).expect("a formula of this front")
    }

    fn formula_of(&self, found: &Found) -> ExprId {
        self.formulas[self.place(found)]
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
        self.graph.to_latex(self.formula_of(found))
    }

    /// A formula of the front as a Rust expression.
    pub fn rust(&self, found: &Found) -> String {
        self.graph.to_rust(self.formula_of(found))
    }

    /// A formula of the front and the graph that it is in.
    pub fn formula(&self, found: &Found) -> (&Graph, ExprId) {
        (&self.graph, self.formula_of(found))
    }

    /// The values of a formula of the front, one for each row of `columns`, which are in the order of the table's variables. Where it has no value
    /// they are NaN or infinite.
    ///
    /// # Panics
    ///
    /// If there are not as many columns as variables, or they are not of one length.
    pub fn predict(&self, found: &Found, columns: &[Vec<f64>]) -> Vec<f64> {
        assert_eq!(columns.len(), self.rows.names.len(), "a column for each variable");
        let program = Program::compile(&self.graph, &[self.formula_of(found)], &self.rows.names);
        let program = program.expect("a formula that was fitted compiles");
        let mut values = vec![0.0; columns.first().map_or(0, Vec::len)];
        let columns: Vec<&[f64]> = columns.iter().map(|column| &column[..]).collect();
        program.eval_rows(&columns, &mut [&mut values], &mut program.row_registers());
        values
    }

    /// The numbers in a formula of the front that were fitted, in the order in which it is evaluated, with their standard errors: small whole numbers
    /// are part of its form. A number that stands in several places is one.
    pub fn numbers(&self, found: &Found) -> Vec<Number> {
        let (mut graph, formula) = (self.graph.clone(), self.formula_of(found));
        let order = graph.reachable(&[formula]);
        let fitted =
            order.ids().iter().filter_map(|&id| Some((id, graph.constant_value(id).filter(|v| is_number(*v))?)));
        let (ids, constants): (Vec<ExprId>, Vec<f64>) = fitted.unzip();
        let replaced: Vec<(ExprId, ExprId)> =
            ids.iter().enumerate().map(|(k, &id)| (id, graph.symbol(&open(k)))).collect();
        let candidate = Candidate { formula: graph.substitute(formula, &replaced), constants };
        let errors = candidate.standard_errors(&mut graph, &self.rows);
        candidate.constants.iter().zip(errors).map(|(&value, stderr)| Number { value, stderr }).collect()
    }

    /// Whether a formula of the front has the shapes that were asked for: what is not proved is undecided. `None` where none were.
    pub fn shape(&self, found: &Found) -> Option<Verdict> {
        let place = self.place(found);
        self.verdicts.as_ref().map(|verdicts| verdicts[place])
    }

    /// The description length of a formula of this data.
    pub(crate) fn length(&self, found: &Found) -> f64 {
        found.length(&self.measure)
    }

    /// What so many nodes and numbers of a formula add to that.
    pub(crate) fn written_length(&self, nodes: usize, numbers: usize) -> f64 {
        (self.measure.letters as f64).ln() * nodes as f64 + number_length(self.measure.rows) * numbers as f64
    }

    /// Expressions and spans of expressions that were compared with the data.
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Did the caller break it off?
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// Where to [go on](crate::Symreg::resume) from, if the caller broke it off; a search of a [template](crate::Template) cannot.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }
}
