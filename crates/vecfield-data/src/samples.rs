//! Rows of one shape: points, vectors, images; with or without labels.

use crate::DataError;

/// Rows of numbers that all have one shape, and what each belongs to, where that is known.
///
/// ```
/// use vecfield_data::Samples;
///
/// // Two grey pictures of 1 x 2 pixels.
/// let pictures = Samples::new(vec![1, 1, 2], vec![0.0, 0.5, 1.0, 0.25])?.with_labels(vec![7, 3])?;
/// assert_eq!((pictures.len(), pictures.width()), (2, 2));
/// assert_eq!(pictures.row(1), [1.0, 0.25]);
/// assert_eq!(pictures.classes(), [3, 7]);
/// # Ok::<(), vecfield_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    shape: Vec<usize>,
    columns: Vec<String>,
    values: Vec<f64>,
    labels: Vec<i64>,
}

impl Samples {
    /// Rows of `shape` (`[n]` for vectors, `[channels, height, width]` for images) behind each other, NaN where a value is
    /// missing; their columns are called `x0, x1, ..`.
    ///
    /// # Errors
    ///
    /// [`DataError::Nothing`] without a row or with an empty shape, [`DataError::Samples`] where the values do not fill whole
    /// rows, [`DataError::NotFinite`] where one is infinite.
    pub fn new(shape: Vec<usize>, values: Vec<f64>) -> Result<Samples, DataError> {
        if shape.is_empty() || shape.contains(&0) {
            return Err(DataError::Nothing { what: "column" });
        }
        if values.is_empty() {
            return Err(DataError::Nothing { what: "row" });
        }
        // Files claim any shape; one that no machine could hold asks for more values than there are.
        let width = shape.iter().fold(1_usize, |width, &n| width.saturating_mul(n));
        if !values.len().is_multiple_of(width) {
            return Err(DataError::Samples { what: "values", found: values.len(), expected: width });
        }
        if let Some(at) = values.iter().position(|value| value.is_infinite()) {
            return Err(DataError::NotFinite { row: at / width });
        }
        let columns = (0..width).map(|i| format!("x{i}")).collect();
        Ok(Samples { shape, columns, values, labels: vec![] })
    }

    /// The same with these names of the columns.
    ///
    /// # Errors
    ///
    /// [`DataError::Samples`] where there are not as many as columns.
    pub fn with_columns(self, columns: Vec<String>) -> Result<Samples, DataError> {
        if columns.len() != self.width() {
            return Err(DataError::Samples { what: "names of columns", found: columns.len(), expected: self.width() });
        }
        Ok(Samples { columns, ..self })
    }

    /// The same with a label for each row.
    ///
    /// # Errors
    ///
    /// [`DataError::Samples`] where there are not as many as rows.
    pub fn with_labels(self, labels: Vec<i64>) -> Result<Samples, DataError> {
        if labels.len() != self.len() {
            return Err(DataError::Samples { what: "labels", found: labels.len(), expected: self.len() });
        }
        Ok(Samples { labels, ..self })
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.width()
    }

    /// Never true: there is a row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// The shape of a row.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width()..][..self.width()]
    }

    /// The label of each row; empty where none are known.
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    /// The labels that occur, ascending.
    pub fn classes(&self) -> Vec<i64> {
        classes(&self.labels)
    }
}

/// The labels that occur, ascending.
pub fn classes(labels: &[i64]) -> Vec<i64> {
    let mut classes = labels.to_vec();
    classes.sort_unstable();
    classes.dedup();
    classes
}
