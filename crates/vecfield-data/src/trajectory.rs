//! One measured run.

use crate::DataError;

/// One run: increasing times, a row of values at each, NaN where a value was not measured, and known inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    times: Vec<f64>,
    values: Vec<f64>,
    inputs: Vec<f64>,
}

impl Trajectory {
    /// A run at `times`, with `values` row by row (`[times, variables]`, NaN = missing) and `inputs` row by row
    /// (`[times, inputs]`, empty when there are none).
    ///
    /// # Errors
    ///
    /// [`DataError`] when the shapes disagree, times do not increase, or a value is infinite.
    pub fn new(times: Vec<f64>, values: Vec<f64>, inputs: Vec<f64>) -> Result<Self, DataError> {
        if times.is_empty() {
            return Err(DataError::Empty);
        }
        for flat in [&values, &inputs] {
            if !flat.len().is_multiple_of(times.len()) {
                return Err(DataError::Shape { values: flat.len(), times: times.len() });
            }
        }
        if let Some(row) = times.iter().position(|t| !t.is_finite()) {
            return Err(DataError::NotFinite { row });
        }
        for (flat, missing_allowed) in [(&values, true), (&inputs, false)] {
            let bad = flat.iter().position(|v| v.is_infinite() || (v.is_nan() && !missing_allowed));
            if let Some(at) = bad {
                return Err(DataError::NotFinite { row: at / (flat.len() / times.len()) });
            }
        }
        if let Some(row) = (1..times.len()).find(|&row| times[row] <= times[row - 1]) {
            return Err(DataError::TimeOrder { row, t: times[row], before: times[row - 1] });
        }
        Ok(Self { times, values, inputs })
    }

    /// The times, increasing.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Never true: a trajectory has a row.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Number of variables.
    pub fn dim(&self) -> usize {
        self.values.len() / self.times.len()
    }

    /// Number of inputs.
    pub fn input_count(&self) -> usize {
        self.inputs.len() / self.times.len()
    }

    /// All values, row by row (`[times, variables]`).
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values at `times()[row]`, NaN where missing.
    pub fn row(&self, row: usize) -> &[f64] {
        let n = self.dim();
        &self.values[row * n..(row + 1) * n]
    }

    /// The inputs at `times()[row]`.
    pub fn input_row(&self, row: usize) -> &[f64] {
        let n = self.input_count();
        &self.inputs[row * n..(row + 1) * n]
    }

    /// The measured `(time, value)` pairs of one variable, missing cells left out.
    pub fn observed(&self, variable: usize) -> impl Iterator<Item = (f64, f64)> + '_ {
        (0..self.len()).map(move |k| (self.times[k], self.row(k)[variable])).filter(|(_, v)| !v.is_nan())
    }

    /// The part with row numbers in `rows`.
    ///
    /// # Errors
    ///
    /// [`DataError::Empty`] when no row is left.
    pub fn slice(&self, rows: core::ops::Range<usize>) -> Result<Self, DataError> {
        let (n, m) = (self.dim(), self.input_count());
        if rows.is_empty() || rows.end > self.len() {
            return Err(DataError::Empty);
        }
        Ok(Self {
            times: self.times[rows.clone()].to_vec(),
            values: self.values[rows.start * n..rows.end * n].to_vec(),
            inputs: self.inputs[rows.start * m..rows.end * m].to_vec(),
        })
    }
}
