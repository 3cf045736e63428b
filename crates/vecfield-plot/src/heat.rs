//! Coefficients of several equations over the same terms, as a table whose cells are the deeper the larger they are.

/// A table of coefficients: a row a term, a column an equation.
///
/// Depths are of logarithms, over three decades down from the largest: coefficients of a law differ by orders.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// What the rows are.
    pub terms: Vec<String>,
    /// What the columns are.
    pub equations: Vec<String>,
    /// Row by row; empty where a term is not in an equation.
    pub cells: Vec<Option<HeatCell>>,
}

/// A coefficient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeatCell {
    /// Its value.
    pub value: f64,
    /// Its standard error, where there is one.
    pub stderr: Option<f64>,
}

/// Decades from the deepest colour to the faintest.
const DECADES: f64 = 3.0;
/// The share of the colour in the faintest and in the deepest cell, in per cent: text must be read on both.
const FAINTEST: f64 = 8.0;
const DEEPEST: f64 = 55.0;

impl HeatMap {
    /// The map of `terms` and `equations`, with no coefficient yet.
    pub fn new(terms: Vec<String>, equations: Vec<String>) -> Self {
        let cells = vec![None; terms.len() * equations.len()];
        Self { terms, equations, cells }
    }

    /// Puts a coefficient to its place; one beyond the table is no part of it.
    pub fn set(&mut self, term: usize, equation: usize, cell: HeatCell) {
        let columns = self.equations.len();
        if equation < columns
            && let Some(place) = self.cells.get_mut(term * columns + equation)
        {
            *place = Some(cell);
        }
    }

    /// The cells of a term.
    pub(crate) fn row(&self, term: usize) -> &[Option<HeatCell>] {
        let columns = self.equations.len();
        self.cells.get(term * columns..(term + 1) * columns).unwrap_or(&[])
    }

    /// How much colour a value has, in per cent.
    pub(crate) fn depth(&self, value: f64) -> f64 {
        let largest = self.cells.iter().flatten().map(|cell| cell.value.abs()).fold(0.0, f64::max);
        let share = 1.0 + (value.abs() / largest).log10() / DECADES;
        let depth = FAINTEST + (DEEPEST - FAINTEST) * share.clamp(0.0, 1.0);
        if depth.is_finite() { depth } else { 0.0 }
    }
}
