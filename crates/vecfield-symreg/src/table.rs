//! What is searched: columns of measurements, and the target.

use vecfield_expr::check_name;
use vecfield_kernels::dot;

use crate::SymregError;
use crate::weighted::centre;

/// Complete rows of measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub(crate) names: Vec<String>,
    /// A list for each variable.
    pub(crate) columns: Vec<Vec<f64>>,
    pub(crate) target: Vec<f64>,
    /// How much each row counts, one on average.
    pub(crate) weights: Vec<f64>,
}

/// Rows below which every formula fits.
const LEAST: usize = 4;

impl Table {
    /// Variables by name and column, and the target; rows with a missing (NaN) or infinite value are left out.
    ///
    /// # Errors
    ///
    /// No variable, a name that no formula can hold, or too few complete rows.
    ///
    /// # Panics
    ///
    /// If the columns are not of one length, or not as many as names.
    pub fn new(names: Vec<String>, columns: Vec<Vec<f64>>, target: Vec<f64>) -> Result<Table, SymregError> {
        let even = vec![1.0; target.len()];
        Table::weighted(names, columns, target, even)
    }

    /// The same with a weight for each row: a row of weight two counts as two of weight one. For errors of known standard deviation `σ`
    /// the weight is `1/σ²`. Rows of weight zero or with a missing weight are left out.
    ///
    /// # Errors
    ///
    /// [`SymregError::BadWeight`] for a negative or infinite weight, and as [`new`](Table::new).
    ///
    /// # Panics
    ///
    /// As [`new`](Table::new).
    pub fn weighted(
        names: Vec<String>,
        columns: Vec<Vec<f64>>,
        target: Vec<f64>,
        weights: Vec<f64>,
    ) -> Result<Table, SymregError> {
        assert_eq!(weights.len(), target.len(), "a weight for each row");
        assert_eq!(names.len(), columns.len(), "a name for each column");
        assert!(columns.iter().all(|column| column.len() == target.len()), "columns of one length");
        if names.is_empty() {
            return Err(SymregError::NoVariables { name: "y".into() });
        }
        for name in &names {
            check_name(name).map_err(|e| SymregError::BadName { name: name.clone(), reason: e.to_string() })?;
        }
        let mut rows = complete_rows(&columns, &target, &weights)?;
        if rows.len() < LEAST {
            return Err(SymregError::TooFewRows { rows: rows.len(), least: LEAST });
        }
        // In an order of their own, by the target: samples are even over it, and the order in the table does not matter.
        let by_value = |&a: &usize, &b: &usize| {
            let columns = columns.iter().map(|column| column[a].total_cmp(&column[b]));
            let weight = weights[a].total_cmp(&weights[b]);
            columns.fold(target[a].total_cmp(&target[b]), std::cmp::Ordering::then).then(weight)
        };
        rows.sort_by(by_value);
        let of = |column: &Vec<f64>| rows.iter().map(|&row| column[row]).collect::<Vec<f64>>();
        let mut weights = of(&weights);
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        weights.iter_mut().for_each(|w| *w /= mean);
        Ok(Table { names, columns: columns.iter().map(of).collect(), target: of(&target), weights })
    }

    /// One of several columns as the target, the others as variables.
    ///
    /// # Errors
    ///
    /// No column of that name, and as [`new`](Table::new).
    ///
    /// # Panics
    ///
    /// As [`new`](Table::new).
    pub fn of_columns(names: Vec<String>, columns: Vec<Vec<f64>>, target: &str) -> Result<Table, SymregError> {
        Table::of_weighted_columns(names, columns, target, None)
    }

    /// The same with one of the columns, if it is named, as the weights of the rows.
    ///
    /// # Errors
    ///
    /// No column of one of the names, and as [`weighted`](Table::weighted).
    ///
    /// # Panics
    ///
    /// As [`new`](Table::new).
    pub fn of_weighted_columns(
        mut names: Vec<String>,
        mut columns: Vec<Vec<f64>>,
        target: &str,
        weights: Option<&str>,
    ) -> Result<Table, SymregError> {
        let mut take = |wanted: &str| taken(&mut names, &mut columns, wanted);
        let y = take(target)?;
        let weights = weights.map_or_else(|| Ok(vec![1.0; y.len()]), take)?;
        Table::weighted(names, columns, y, weights).map_err(|e| match e {
            SymregError::NoVariables { .. } => SymregError::NoVariables { name: target.into() },
            other => other,
        })
    }

    /// Takes the rows of a table of the same variables in.
    pub(crate) fn append(&mut self, other: Table) {
        let columns = self.columns.iter().zip(other.columns).map(|(own, more)| [&own[..], &more].concat()).collect();
        let target = [&self.target[..], &other.target].concat();
        let weights = [&self.weights[..], &other.weights].concat();
        let names = std::mem::take(&mut self.names);
        *self = Table::weighted(names, columns, target, weights).expect("rows that were complete stay so");
    }

    /// The weighted mean of squared deviations of the target from its mean.
    pub(crate) fn variance(&self) -> f64 {
        let scale: Vec<f64> = self.weights.iter().map(|w| w.sqrt()).collect();
        let mut apart = self.target.clone();
        centre(&mut apart, &scale);
        dot(&apart, &apart) / self.rows() as f64
    }

    /// The names of the variables.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The variables, a list for each; rows are in an order of their own.
    pub fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// The target.
    pub fn target(&self) -> &[f64] {
        &self.target
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.target.len()
    }
}

/// The rows that count and have no missing value.
pub(crate) fn complete_rows(columns: &[Vec<f64>], target: &[f64], weights: &[f64]) -> Result<Vec<usize>, SymregError> {
    if let Some(row) = weights.iter().position(|w| *w < 0.0 || w.is_infinite()) {
        return Err(SymregError::BadWeight { row: row + 1, weight: weights[row] });
    }
    let whole = |row: &usize| {
        weights[*row] > 0.0 && target[*row].is_finite() && columns.iter().all(|column| column[*row].is_finite())
    };
    Ok((0..target.len()).filter(whole).collect())
}

/// Takes the column of a name out of a table.
pub(crate) fn taken(
    names: &mut Vec<String>,
    columns: &mut Vec<Vec<f64>>,
    wanted: &str,
) -> Result<Vec<f64>, SymregError> {
    match names.iter().position(|name| name == wanted) {
        Some(at) => {
            names.remove(at);
            Ok(columns.remove(at))
        }
        None => Err(SymregError::unknown_column(wanted, names)),
    }
}

/// The first of some beginnings that no variable's name has; the last where all have.
pub(crate) fn free_prefix(names: &[String], prefixes: &[&'static str]) -> String {
    let free = |prefix: &str| !names.iter().any(|name| name.starts_with(prefix));
    let last = prefixes.last().copied().unwrap_or_default();
    prefixes.iter().find(|prefix| free(prefix)).map_or_else(|| format!("{last}of_all_"), |prefix| (*prefix).into())
}
