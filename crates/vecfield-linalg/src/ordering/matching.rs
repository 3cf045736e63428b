//! A row for every column, so that no diagonal entry of the permuted matrix is zero by structure: a maximum matching by
//! augmenting paths with look-ahead (Duff 1981).

use crate::LinalgError;
use vecfield_traits::Sparsity;

const FREE: usize = usize::MAX;

/// `rows[j]`: a row with a place in column `j`, a different one for each column. A diagonal without gaps is kept
/// as it is.
///
/// # Errors
///
/// [`LinalgError::Singular`] with a column for which no row is left: every matrix of this pattern is singular.
pub fn zero_free_diagonal(pattern: &Sparsity) -> Result<Vec<usize>, LinalgError> {
    let n = pattern.n();
    let mut search = Search {
        columns: columns(pattern),
        row_of: vec![FREE; n],
        column_of: vec![FREE; n],
        ahead: vec![0; n],
        visited: vec![FREE; n],
    };
    for (i, j) in pattern.places().filter(|(i, j)| i == j) {
        (search.row_of[j], search.column_of[i]) = (i, j);
    }
    for column in 0..n {
        if search.row_of[column] == FREE && !search.augment(column) {
            return Err(LinalgError::Singular { column });
        }
    }
    Ok(search.row_of)
}

/// The rows of each column, ascending.
fn columns(pattern: &Sparsity) -> Vec<Vec<usize>> {
    let mut columns = vec![Vec::new(); pattern.n()];
    pattern.places().for_each(|(i, j)| columns[j].push(i));
    columns
}

struct Search {
    columns: Vec<Vec<usize>>,
    row_of: Vec<usize>,
    column_of: Vec<usize>,
    /// How far each column has been searched for a free row.
    ahead: Vec<usize>,
    /// The last start from which each column was reached.
    visited: Vec<usize>,
}

impl Search {
    /// Looks for a path from `start` to a free row, and shifts the matching along it.
    fn augment(&mut self, start: usize) -> bool {
        // Columns on the path, each with the position of the row taken from it.
        let mut path = vec![(start, 0)];
        self.visited[start] = start;
        while let Some(&(column, position)) = path.last() {
            if let Some(row) = self.free_row(column) {
                self.shift(&path, row);
                return true;
            }
            let rows = &self.columns[column];
            let next = (position..rows.len()).find(|&at| self.visited[self.column_of[rows[at]]] != start);
            match next {
                Some(at) => {
                    let deeper = self.column_of[rows[at]];
                    path.last_mut().expect("the path has its start").1 = at + 1;
                    self.visited[deeper] = start;
                    path.push((deeper, 0));
                }
                None => {
                    path.pop();
                }
            }
        }
        false
    }

    fn free_row(&mut self, column: usize) -> Option<usize> {
        while let Some(&row) = self.columns[column].get(self.ahead[column]) {
            if self.column_of[row] == FREE {
                return Some(row);
            }
            self.ahead[column] += 1; // a matched row stays matched
        }
        None
    }

    /// Gives the last column of the path `row`, and each before it the row of the one after.
    fn shift(&mut self, path: &[(usize, usize)], row: usize) {
        let mut row = row;
        for &(column, _) in path.iter().rev() {
            let old = core::mem::replace(&mut self.row_of[column], row);
            self.column_of[row] = column;
            row = old;
        }
    }
}
