//! Tables of numbers as CSV, read row by row.
//!
//! A header line, then rows. An empty cell or `nan` is a missing value. Places in messages are lines of the file, the
//! header being line 1.

mod error;
mod rows;
mod trajectories;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

pub use error::TableError;
pub use trajectories::{Series, TrajectoryFormat, parse_series, parse_trajectories, read_series, read_trajectories};

use rows::Rows;

/// A plain table: named columns of numbers, NaN where a cell is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    values: Vec<f64>,
}

impl Table {
    /// Names of the columns, in the order of the file.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.values.len() / self.columns.len()
    }

    /// All values, row by row (`[rows, columns]`).
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The rows, each with a value per column.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns.len())
    }

    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

/// Reads a CSV file as a plain table in which no column is special.
///
/// # Errors
///
/// [`TableError`], with file, line and column.
pub fn read_table(path: &Path) -> Result<Table, TableError> {
    let (file, reader) = open(path)?;
    parse_table(&file, reader)
}

/// Reads CSV text as a plain table; `file` is what messages call it.
///
/// # Errors
///
/// As [`read_table`].
pub fn parse_table(file: &str, reader: impl BufRead) -> Result<Table, TableError> {
    let mut rows = Rows::new(file, reader)?;
    let mut values = Vec::new();
    while rows.advance()? {
        for column in 0..rows.columns().len() {
            values.push(rows.number(column)?);
        }
    }
    rows.require_a_row()?;
    Ok(Table { columns: rows.into_columns(), values })
}

/// Opens a table, turning away what is not CSV by its extension or kind.
fn open(path: &Path) -> Result<(String, BufReader<File>), TableError> {
    let file = path.display().to_string();
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    if ["npy", "npz", "gz", "zip", "xls", "xlsx", "parquet"].contains(&extension.as_str()) {
        return Err(TableError::Format { file, extension });
    }
    let unreadable = |reason: String| TableError::Unreadable { file: file.clone(), reason };
    let opened = File::open(path).map_err(|e| unreadable(e.to_string()))?;
    if opened.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(unreadable("it is a folder".into()));
    }
    Ok((file, BufReader::with_capacity(1 << 16, opened)))
}
