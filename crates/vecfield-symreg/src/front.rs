//! The best formula of each complexity, and the one to choose among them.

use std::cmp::Ordering;

use vecfield_expr::{Binary, ExprId, Graph, Node};

use crate::operators::Operators;
use crate::search::EXACT;

/// A formula that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its nodes, as a tree.
    pub complexity: usize,
    /// Mean squared error, or what errors cost on average if that is something else.
    pub loss: f64,
    /// The share of the target's variance that it explains.
    pub r2: f64,
    /// The formula as a text.
    pub expression: String,
    /// Numbers in it that were fitted.
    pub(crate) numbers: usize,
}

impl Found {
    /// Its description length, as [`Front::best`] has it.
    pub(crate) fn length(&self, measure: &Measure) -> f64 {
        description(self.complexity, self.loss, self.numbers, measure)
    }
}

/// The description length of a formula, as [`Front::best`] has it.
pub(crate) fn description(complexity: usize, loss: f64, numbers: usize, measure: &Measure) -> f64 {
    let n = measure.rows as f64;
    let misfit = measure.misfit(loss);
    let k = numbers as f64;
    let few_rows = if k + 1.0 < n { k * (k + 1.0) / (n - k - 1.0) } else { f64::INFINITY };
    misfit + number_length(measure.rows) * k + few_rows + (measure.letters as f64).ln() * complexity as f64
}

/// What a description length hangs on beside the formula.
#[derive(Debug, Clone)]
pub(crate) struct Measure {
    pub(crate) rows: usize,
    /// How many variables and operations there are to choose from.
    pub(crate) letters: usize,
    /// Losses below are rounding.
    pub(crate) floor: f64,
    /// The power of the errors that the loss is: errors of the density `exp(-c |r|^degree)` are `n/degree ln loss` long.
    pub(crate) degree: f64,
}

impl Measure {
    /// Of formulas over so many variables that were fitted to so many rows, given the power of the errors that the loss is and the mean loss of the best
    /// constant, the variance for squares.
    pub(crate) fn of(operators: &Operators, variables: usize, rows: usize, degree: f64, whole: f64) -> Measure {
        let floor = EXACT.powf(0.5 * degree) * whole.max(f64::MIN_POSITIVE);
        Measure { rows, letters: operators.letters(variables), floor, degree }
    }

    /// What it takes to describe the errors of a mean loss.
    fn misfit(&self, loss: f64) -> f64 {
        self.rows as f64 / self.degree * loss.max(self.floor).ln()
    }
}

/// By how much a number that is none of the law shortens the description of the errors in one case of twenty: half the square of two standard deviations.
const CHANCE: f64 = 2.0;

/// What it takes to write a fitted number down: the digits that so many rows can tell, and a few more.
pub(crate) fn number_length(rows: usize) -> f64 {
    0.5 * (rows as f64).ln() + DIGITS
}

/// What the digits of a number take beyond those that the rows can tell, in natural units.
const DIGITS: f64 = 3.0;

/// Formulas of which none is simpler and at least as good as another; of each complexity the best, but for what a further number gains by chance.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    entries: Vec<Found>,
    measure: Measure,
}

impl Front {
    /// Nothing yet; what is as complex is compared by this measure.
    pub(crate) fn by(measure: Measure) -> Front {
        Front { entries: Vec::new(), measure }
    }

    /// From now on compares by another measure.
    pub(crate) fn compare_by(&mut self, measure: Measure) {
        self.measure = measure;
    }

    /// Formulas that were a front, the simplest first.
    pub(crate) fn take_up(&mut self, entries: Vec<Found>) {
        self.entries = entries;
    }

    /// Is a formula of this complexity, loss and numbers better than what there is?
    pub(crate) fn welcomes(&self, complexity: usize, loss: f64, numbers: usize) -> bool {
        let judged = |loss: f64, numbers: usize| self.measure.misfit(loss) + CHANCE * numbers as f64;
        let new = judged(loss, numbers);
        self.entries.iter().all(|entry| match entry.complexity.cmp(&complexity) {
            Ordering::Less => entry.loss > loss,
            // A power of 1.9998 that leaves a little less than a square is no better.
            Ordering::Equal => (new, loss) < (judged(entry.loss, entry.numbers), entry.loss),
            Ordering::Greater => true,
        })
    }

    /// Takes a formula in, and drops those that it makes superfluous.
    pub(crate) fn insert(&mut self, found: Found) {
        if self.welcomes(found.complexity, found.loss, found.numbers) {
            let stays = |entry: &Found| match entry.complexity.cmp(&found.complexity) {
                Ordering::Less => true,
                Ordering::Equal => false,
                Ordering::Greater => entry.loss < found.loss,
            };
            self.entries.retain(stays);
            let at = self.entries.partition_point(|entry| entry.complexity < found.complexity);
            self.entries.insert(at, found);
        }
    }

    pub(crate) fn entries(&self) -> &[Found] {
        &self.entries
    }

    pub(crate) fn into_entries(self) -> Vec<Found> {
        self.entries
    }

    /// Which entry has the least description length: `½ n ln` of the mean square (`n/p ln` of a loss that is a power `p`), `½ ln n` and a few digits for each of `k` numbers with the
    /// correction `k (k + 1) / (n - k - 1)` for few rows (Hurvich and Tsai 1989), and the letters of the formula (Rissanen 1978; the
    /// letters as in Udrescu and Tegmark 2020).
    pub(crate) fn best(&self) -> usize {
        let length = |&at: &usize| self.entries[at].length(&self.measure);
        (0..self.entries.len()).min_by(|a, b| length(a).total_cmp(&length(b))).unwrap_or(0)
    }

    /// The least description length.
    pub(crate) fn shortest(&self) -> f64 {
        self.entries.iter().map(|found| found.length(&self.measure)).fold(f64::INFINITY, f64::min)
    }
}

/// The constants of a formula that are no small whole numbers, and those that something is compared with, which are round by choice.
pub(crate) fn numbers(graph: &Graph, formula: ExprId) -> usize {
    let order = graph.reachable(&[formula]);
    let compared = |&id: &ExprId| match graph.node(id) {
        Node::Binary(Binary::Greater, a, b) => Some([a, b]),
        _ => None,
    };
    let compared: Vec<ExprId> = order.ids().iter().filter_map(compared).flatten().collect();
    let counts =
        |&&id: &&ExprId| graph.constant_value(id).is_some_and(|value| is_number(value) || compared.contains(&id));
    order.ids().iter().filter(counts).count()
}

/// Is it a number that was fitted? Small whole ones are part of a formula's form.
pub(crate) fn is_number(value: f64) -> bool {
    value.fract() != 0.0 || value.abs() > 10.0
}
