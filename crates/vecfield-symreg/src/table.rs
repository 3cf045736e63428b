//! What is searched: columns of measurements, and the target.

use vecfield_expr::check_name;

use crate::SymregError;

/// Complete rows of measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub(crate) names: Vec<String>,
    /// A list for each variable.
    pub(crate) columns: Vec<Vec<f64>>,
    pub(crate) target: Vec<f64>,
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
        assert_eq!(names.len(), columns.len(), "a name for each column");
        assert!(columns.iter().all(|column| column.len() == target.len()), "columns of one length");
        if names.is_empty() {
            return Err(SymregError::NoVariables { name: "y".into() });
        }
        for name in &names {
            check_name(name).map_err(|e| SymregError::BadName { name: name.clone(), reason: e.to_string() })?;
        }
        let whole = |row: &usize| target[*row].is_finite() && columns.iter().all(|column| column[*row].is_finite());
        let mut rows: Vec<usize> = (0..target.len()).filter(whole).collect();
        if rows.len() < LEAST {
            return Err(SymregError::TooFewRows { rows: rows.len(), least: LEAST });
        }
        // In an order of their own, by the target: samples are even over it, and the order in the table does not matter.
        let by_value = |&a: &usize, &b: &usize| {
            let columns = columns.iter().map(|column| column[a].total_cmp(&column[b]));
            columns.fold(target[a].total_cmp(&target[b]), std::cmp::Ordering::then)
        };
        rows.sort_by(by_value);
        let of = |column: &Vec<f64>| rows.iter().map(|&row| column[row]).collect();
        Ok(Table { names, columns: columns.iter().map(of).collect(), target: of(&target) })
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
    pub fn of_columns(mut names: Vec<String>, mut columns: Vec<Vec<f64>>, target: &str) -> Result<Table, SymregError> {
        let Some(at) = names.iter().position(|name| name == target) else {
            return Err(SymregError::unknown_column(target, &names));
        };
        names.remove(at);
        let y = columns.remove(at);
        Table::new(names, columns, y).map_err(|e| match e {
            SymregError::NoVariables { .. } => SymregError::NoVariables { name: target.into() },
            other => other,
        })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.target.len()
    }
}
