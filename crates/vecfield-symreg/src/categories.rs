//! One formula for rows of several kinds, with numbers of which some are each kind's own.

mod joint;
mod structure;

use vecfield_expr::{ExprId, Graph, Program, Scope};

use crate::candidate::Rows;
use crate::error::SymregError;
use crate::front::{Found, Front, Measure};
use crate::search::{Number, Progress, Symreg};
use crate::table::{Table, complete_rows, taken};

use structure::{Settled, Structure};

/// Rows by category: patients, stations, specimens.
#[derive(Debug, Clone, PartialEq)]
pub struct Categories {
    labels: Vec<f64>,
    tables: Vec<Table>,
    /// What a row of each counts against one of all on average.
    worth: Vec<f64>,
    whole: Table,
}

impl Categories {
    /// Variables by name and column, the target, how much each row counts, and what kind each is of. Rows without a kind, with the weight zero or with a
    /// missing value are left out.
    ///
    /// # Errors
    ///
    /// [`SymregError::OneCategory`], [`SymregError::SmallCategory`], and as [`Table::weighted`].
    ///
    /// # Panics
    ///
    /// As [`Table::weighted`].
    pub fn new(
        names: Vec<String>,
        columns: Vec<Vec<f64>>,
        target: Vec<f64>,
        weights: Vec<f64>,
        category: &[f64],
    ) -> Result<Categories, SymregError> {
        let mut rows = complete_rows(&columns, &target, &weights)?;
        rows.retain(|&row| category[row].is_finite());
        let mut labels: Vec<f64> = rows.iter().map(|&row| category[row]).collect();
        labels.sort_by(f64::total_cmp);
        labels.dedup();
        if labels.len() < 2 {
            return Err(SymregError::OneCategory);
        }
        let table = |rows: &[usize]| {
            let of = |column: &Vec<f64>| rows.iter().map(|&row| column[row]).collect::<Vec<f64>>();
            Table::weighted(names.clone(), columns.iter().map(of).collect(), of(&target), of(&weights))
        };
        let mean = |rows: &[usize]| rows.iter().map(|&row| weights[row]).sum::<f64>() / rows.len() as f64;
        let (mut tables, mut worth) = (Vec::new(), Vec::new());
        for &label in &labels {
            let own: Vec<usize> = rows.iter().copied().filter(|&row| category[row] == label).collect();
            tables.push(table(&own).map_err(|error| match error {
                SymregError::TooFewRows { rows, least } => SymregError::SmallCategory { label, rows, least },
                other => other,
            })?);
            worth.push(mean(&own) / mean(&rows));
        }
        Ok(Categories { labels, tables, worth, whole: table(&rows)? })
    }

    /// The columns of a table by name: one as the target, one as the kind of each row and, if it is named, one as the weights; the others are variables.
    ///
    /// # Errors
    ///
    /// No column of one of the names, and as [`new`](Categories::new).
    ///
    /// # Panics
    ///
    /// As [`new`](Categories::new).
    pub fn of_columns(
        mut names: Vec<String>,
        mut columns: Vec<Vec<f64>>,
        target: &str,
        weights: Option<&str>,
        category: &str,
    ) -> Result<Categories, SymregError> {
        let mut take = |wanted: &str| taken(&mut names, &mut columns, wanted);
        let (y, kind) = (take(target)?, take(category)?);
        let weights = weights.map_or_else(|| Ok(vec![1.0; y.len()]), take)?;
        Categories::new(names, columns, y, weights, &kind)
    }

    /// What the kinds are called, in ascending order.
    pub fn labels(&self) -> &[f64] {
        &self.labels
    }

    /// All rows, of whatever kind.
    pub fn whole(&self) -> &Table {
        &self.whole
    }

    /// The rows of each kind, in the order of the [labels](Categories::labels).
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Rows by category, with weights that are one on average over all.
    fn rows(&self) -> Vec<Rows> {
        let of = |(table, worth): (&Table, &f64)| {
            let mut rows = Rows::of(table, None);
            rows.scale.iter_mut().for_each(|scale| *scale *= worth.sqrt());
            rows
        };
        self.tables.iter().zip(&self.worth).map(of).collect()
    }

    /// Where structures are looked for: in all rows, whatever their kind, and in the largest categories alone.
    fn sources(&self) -> Vec<&Table> {
        let mut largest: Vec<&Table> = self.tables.iter().collect();
        largest.sort_by_key(|table| std::cmp::Reverse(table.rows()));
        [&self.whole].into_iter().chain(largest.into_iter().take(ALONE)).collect()
    }
}

/// Categories that are searched alone.
const ALONE: usize = 3;
/// Structures that are fitted to every category, and of these the ones of which is asked which numbers they share.
const FITTED: usize = 60;
const SHARED: usize = 12;

/// A number that each category has of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// What it is called in the formula.
    pub name: String,
    /// Its values, in the order of the [labels](Categories::labels), with their standard errors.
    pub values: Vec<Number>,
}

/// A formula of which some numbers are each category's own.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundByCategory {
    /// The formula, with the parameters by name.
    pub found: Found,
    /// The numbers that are each category's own.
    pub parameters: Vec<Parameter>,
}

/// What a search over several categories has found.
#[derive(Debug, Clone)]
pub struct SearchByCategory {
    front: Vec<FoundByCategory>,
    best: usize,
    names: Vec<String>,
    evaluations: u64,
    cut: bool,
}

impl Symreg {
    /// Searches one formula for all categories, with numbers of which some are each category's own.
    ///
    /// Structures are those on the fronts of [searches](Symreg::search) over all rows and over the largest categories alone. Each is fitted to every
    /// category; then numbers are made one for all, or round, wherever that shortens the description.
    ///
    /// ```
    /// use vecfield_symreg::{Categories, Symreg};
    ///
    /// // Three samples that decay alike from different sizes.
    /// let t: Vec<f64> = (0..60).map(|i| 0.1 * f64::from(i / 3)).collect();
    /// let kind: Vec<f64> = (0..60).map(|i| f64::from(i % 3)).collect();
    /// let y = t.iter().zip(&kind).map(|(t, kind)| (1.3 + 0.9 * kind) * (-0.7 * t).exp()).collect();
    /// let categories = Categories::new(vec!["t".into()], vec![t], y, vec![1.0; 60], &kind)?;
    /// let settings = Symreg { expressions: 200, generations: 0, ..Symreg::default() };
    /// let search = settings.search_by_category(&categories, &mut |_| true);
    /// let best = search.best();
    /// assert!(best.found.r2 > 1.0 - 1e-12 && best.parameters.len() == 1, "{best:?}");
    /// # Ok::<(), vecfield_symreg::SymregError>(())
    /// ```
    pub fn search_by_category(
        &self,
        categories: &Categories,
        goes_on: &mut dyn FnMut(Progress<'_>) -> bool,
    ) -> SearchByCategory {
        let sources = categories.sources();
        let parts = (sources.len() + 1) as f64;
        let (mut graph, mut structures) = (Graph::new(), Vec::<Structure>::new());
        let (mut evaluations, mut cut) = (0, false);
        for (i, table) in sources.into_iter().enumerate() {
            let search = self.search(table, &mut |progress| {
                goes_on(Progress { share: (i as f64 + progress.share) / parts, ..progress })
            });
            evaluations += search.evaluations();
            for found in search.front() {
                let structure = Structure::of(&mut graph, &found.expression, table.names());
                if !structures.iter().any(|known| known.formula == structure.formula) {
                    structures.push(structure);
                }
            }
            if search.cut() {
                cut = true;
                break;
            }
        }
        let rows = categories.rows();
        let measure = self.measure_of(categories);
        let mut fitted: Vec<Settled> =
            structures.iter().take(FITTED).filter_map(|structure| structure.fitted(&mut graph, &rows)).collect();
        // The constant is the simplest on any front. It is taken in any case, so that there is a result whatever else is refused.
        let constant = fitted.first().cloned();
        fitted.sort_by(|a, b| a.length(&measure).total_cmp(&b.length(&measure)));
        let (mut front, mut known) = (Front::by(measure.clone()), Vec::new());
        let count = fitted.len().min(SHARED);
        for (i, settled) in constant.into_iter().chain(fitted.into_iter().take(SHARED)).enumerate() {
            let share = (parts - 1.0 + i as f64 / (count + 1) as f64) / parts;
            cut = cut || !goes_on(Progress { share, front: front.entries() });
            // The best is settled too.
            if cut && i > 1 {
                break;
            }
            let settled = settled.settled(&mut graph, &rows, &measure);
            self.take(&mut graph, &settled, &rows, categories, &mut front, &mut known);
        }
        let best = front.best();
        let parameters = |found: &Found| known.iter().find(|entry: &&FoundByCategory| entry.found == *found).cloned();
        let front = front.entries().iter().filter_map(parameters).collect();
        SearchByCategory { front, best, names: categories.whole.names.clone(), evaluations, cut }
    }

    fn measure_of(&self, categories: &Categories) -> Measure {
        let whole = &categories.whole;
        Measure::of(&self.operators, whole.names.len(), whole.rows(), 2.0, whole.variance())
    }

    /// Takes a formula to the front, if it is one to have.
    fn take(
        &self,
        graph: &mut Graph,
        settled: &Settled,
        rows: &[Rows],
        categories: &Categories,
        front: &mut Front,
        known: &mut Vec<FoundByCategory>,
    ) {
        let (formula, parameters) = settled.closed(graph, rows);
        let Some(complexity) = self.rules.complexity(graph, formula) else { return };
        let n = categories.whole.rows() as f64;
        let (loss, variance) = (settled.cost / n, categories.whole.variance());
        let known_numbers = parameters.iter().flat_map(|own| &own.values).all(|number| number.stderr.is_finite());
        // Numbers that the rows do not tell are superfluous: a shorter formula says the same.
        if complexity > self.max_size || settled.numbers() as f64 + 1.0 >= n || !known_numbers {
            return;
        }
        let r2 = if variance > 0.0 { 1.0 - loss / variance } else { 1.0 };
        let expression = graph.to_text(formula);
        let found = Found { complexity, loss, r2, expression, numbers: settled.numbers() };
        if front.welcomes(complexity, loss, found.numbers) {
            front.insert(found.clone());
            known.push(FoundByCategory { found, parameters });
        }
    }
}

impl SearchByCategory {
    /// The best formula of each complexity, the simplest first.
    pub fn front(&self) -> &[FoundByCategory] {
        &self.front
    }

    /// The one that describes the data most briefly.
    pub fn best(&self) -> &FoundByCategory {
        &self.front[self.best]
    }

    /// A formula of the front and the graph that it is in.
    pub fn formula(&self, found: &FoundByCategory) -> (Graph, ExprId) {
        let parameters = found.parameters.iter().map(|parameter| parameter.name.clone());
        let scope = Scope::new(self.names.iter().cloned().chain(parameters));
        let mut graph = Graph::new();
        let formula = graph.parse(&found.found.expression, &scope.expect("names of a table, and others"));
        (graph, formula.expect("what is printed can be read"))
    }

    /// The values of a formula of the front for rows of one category (its place among the [labels](Categories::labels)), given their variables.
    ///
    /// # Panics
    ///
    /// If there is no such category, or there are not as many columns as variables, or they are not of one length.
    pub fn predict(&self, found: &FoundByCategory, category: usize, columns: &[Vec<f64>]) -> Vec<f64> {
        assert_eq!(columns.len(), self.names.len(), "a column for each variable");
        let (mut graph, formula) = self.formula(found);
        let numbers: Vec<(ExprId, ExprId)> = (found.parameters.iter())
            .map(|Parameter { name, values }| (graph.symbol(name), graph.constant(values[category].value)))
            .collect();
        let formula = graph.substitute(formula, &numbers);
        let program = Program::compile(&graph, &[formula], &self.names).expect("a formula that was fitted compiles");
        let mut values = vec![0.0; columns.first().map_or(0, Vec::len)];
        let columns: Vec<&[f64]> = columns.iter().map(|column| &column[..]).collect();
        program.eval_rows(&columns, &mut [&mut values], &mut program.row_registers());
        values
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
