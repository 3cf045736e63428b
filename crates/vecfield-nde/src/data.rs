//! What models are trained on, asked with, and answer.

use core::fmt;

use vecfield_data::{Samples, Trajectories, Trajectory};

use crate::error::NdeError;
use crate::kind::Kind;

/// What a model is trained on or asked with.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// Measured trajectories.
    Trajectories(Trajectories),
    /// Trajectories with a label for each.
    Series(Trajectories, Vec<i64>),
    /// Trajectories with a number for each.
    Valued(Trajectories, Vec<f64>),
    /// Rows of one shape, with labels or without.
    Samples(Samples),
}

/// What a kind of model is trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataKind {
    /// Measured trajectories.
    Trajectories,
    /// Trajectories with labels.
    LabelledTrajectories,
    /// Rows with labels: vectors, pictures.
    LabelledRows,
    /// Rows without.
    Rows,
}

impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DataKind::Trajectories => "trajectories (a table with a column `t`)",
            DataKind::LabelledTrajectories => {
                "trajectories (a table with the columns `trajectory` and `t`) and their labels (`--labels`, a table \
                 `trajectory,label`)"
            }
            DataKind::LabelledRows => "rows with labels (a table with a column `label`, or pictures and `--labels`)",
            DataKind::Rows => "rows of numbers",
        })
    }
}

impl Data {
    /// Which kind it is.
    pub fn kind(&self) -> DataKind {
        match self {
            Data::Trajectories(_) => DataKind::Trajectories,
            Data::Series(..) | Data::Valued(..) => DataKind::LabelledTrajectories,
            Data::Samples(samples) if samples.labels().is_empty() => DataKind::Rows,
            Data::Samples(_) => DataKind::LabelledRows,
        }
    }

    /// The trajectories, labelled or not, for a model of that kind.
    ///
    /// # Errors
    ///
    /// [`NdeError::Data`] where it is something else.
    pub fn trajectories(&self, kind: Kind) -> Result<&Trajectories, NdeError> {
        match self {
            Data::Trajectories(data) | Data::Series(data, _) | Data::Valued(data, _) => Ok(data),
            Data::Samples(_) => Err(NdeError::Data { kind, takes: DataKind::Trajectories, found: self.kind() }),
        }
    }

    /// The rows, labelled or not, for a model of that kind.
    ///
    /// # Errors
    ///
    /// [`NdeError::Data`] where it is something else.
    pub fn rows(&self, kind: Kind) -> Result<&Samples, NdeError> {
        match self {
            Data::Samples(samples) => Ok(samples),
            _ => Err(NdeError::Data { kind, takes: DataKind::Rows, found: self.kind() }),
        }
    }

    /// The rows with their labels, for a model of that kind.
    ///
    /// # Errors
    ///
    /// [`NdeError::Data`] where it is something else, or there are no labels.
    pub fn labelled_rows(&self, kind: Kind) -> Result<&Samples, NdeError> {
        match self {
            Data::Samples(samples) if !samples.labels().is_empty() => Ok(samples),
            _ => Err(NdeError::Data { kind, takes: DataKind::LabelledRows, found: self.kind() }),
        }
    }
}

/// The row, counted from 1, and the column of the first missing cell.
pub(crate) fn missing(samples: &Samples) -> Option<(usize, &str)> {
    let at = samples.values().iter().position(|value| value.is_nan())?;
    Some((at / samples.width() + 1, &samples.columns()[at % samples.width()]))
}

/// The same rows with these columns, in this order.
pub(crate) fn arranged(samples: &Samples, columns: &[String]) -> Result<Samples, NdeError> {
    if samples.columns() == columns {
        return Ok(samples.clone());
    }
    let place = |name: &String| samples.columns().iter().position(|other| other == name);
    let places: Option<Vec<usize>> = columns.iter().map(place).collect();
    let other = || NdeError::Columns { found: samples.columns().join(", "), expected: columns.join(", ") };
    let places = places.filter(|places| places.len() == samples.width()).ok_or_else(other)?;
    let values = (0..samples.len()).flat_map(|row| places.iter().map(move |&place| samples.row(row)[place])).collect();
    let rows = Samples::new(samples.shape().to_vec(), values).and_then(|rows| rows.with_columns(columns.to_vec()));
    let rows = rows.map_err(|_| other())?;
    match samples.labels() {
        [] => Ok(rows),
        labels => rows.with_labels(labels.to_vec()).map_err(|_| other()),
    }
}

/// The trajectories with these columns, in this order; a column that is not there was not measured.
pub(crate) fn arranged_trajectories(data: &Trajectories, variables: &[String]) -> Result<Trajectories, NdeError> {
    if data.variables() == variables {
        return Ok(data.clone());
    }
    let place = |name: &String| data.variables().iter().position(|other| other == name);
    let places: Vec<Option<usize>> = variables.iter().map(place).collect();
    if data.variables().iter().any(|name| !variables.contains(name)) || places.iter().all(Option::is_none) {
        return Err(NdeError::Columns { found: data.variables().join(", "), expected: variables.join(", ") });
    }
    let arrange = |run: &Trajectory| {
        let cell = |row: usize, place: &Option<usize>| place.map_or(f64::NAN, |v| run.row(row)[v]);
        let values = (0..run.len()).flat_map(|row| places.iter().map(move |place| cell(row, place))).collect();
        Trajectory::new(run.times().to_vec(), values, vec![]).expect("times and cells were checked already")
    };
    let runs = data.runs().iter().map(arrange).collect();
    Ok(Trajectories::new(variables.to_vec(), vec![], runs).expect("as many runs and columns as before"))
}

/// How a trained model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
    /// How many samples to draw, where the model draws some.
    pub samples: Option<usize>,
    /// What fixes the draws.
    pub seed: u64,
}

/// A table that a model answers with.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// What its rows belong to.
    pub of: RowsOf,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Row by row.
    pub values: Vec<f64>,
}

/// What the rows of a [`Prediction`] belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowsOf {
    /// To the rows of the trajectories that were given, one trajectory behind the other.
    Times,
    /// To the trajectories that were given.
    Trajectories,
    /// To the rows that were given.
    Rows,
    /// To nothing: they were drawn.
    Nothing,
}

/// A measure of how good a model is, by its name.
pub type Metric = (String, f64);
