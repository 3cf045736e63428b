//! What models are trained on and asked with, from files.

use std::path::Path;

use vecfield_io::{
    Series, TrajectoryFormat, read_rows, read_samples, read_series, read_trajectories, read_trajectory_values,
};
use vecfield_nde::{Data, DataKind, Kind};

use crate::failure::Failure;

/// Reads what a kind of model is trained on.
pub(super) fn learned(path: &Path, labels: Option<&Path>, kind: Kind) -> Result<Data, Failure> {
    let takes = kind.data();
    if let (Some(labels), DataKind::Trajectories | DataKind::Rows) = (labels, takes) {
        let message = format!("--labels {}: a {} learns no labels; leave them out", labels.display(), kind.name());
        return Err(Failure::Argument(message));
    }
    let data = match (takes, labels) {
        (DataKind::LabelledTrajectories, Some(labels)) => {
            let Series { data, numbers, .. } = read_series(path, &TrajectoryFormat::default())?;
            // A table of one trajectory may leave its number out.
            let numbers = if numbers.is_empty() { vec![0] } else { numbers };
            let values = read_trajectory_values(labels, &numbers)?;
            // Whole numbers are classes.
            match values.iter().all(|value| value.fract() == 0.0 && value.abs() < 9e15) {
                true => Data::Series(data, values.iter().map(|value| *value as i64).collect()),
                false => Data::Valued(data, values),
            }
        }
        (DataKind::LabelledRows, labels) => Data::Samples(read_samples(path, labels)?),
        (DataKind::Rows, _) => Data::Samples(read_rows(path)?),
        _ => Data::Trajectories(read_trajectories(path, &TrajectoryFormat::default())?),
    };
    if takes != data.kind() {
        let (path, kind) = (path.display(), kind.name());
        return Err(Failure::Argument(format!("{path}: a {kind} is trained on {takes}, and this is {}", data.kind())));
    }
    Ok(data)
}

/// What a model is asked with, and where the rows of the file went.
pub(super) enum Asked {
    /// Trajectories.
    Series(Series),
    /// Rows.
    Rows(Data),
}

impl Asked {
    pub(super) fn read(path: &Path, kind: Kind) -> Result<Asked, Failure> {
        Ok(match kind.data() {
            DataKind::LabelledRows => Asked::Rows(Data::Samples(read_samples(path, None)?)),
            DataKind::Rows => Asked::Rows(Data::Samples(read_rows(path)?)),
            _ => Asked::Series(read_series(path, &TrajectoryFormat { min_rows: 1, ..TrajectoryFormat::default() })?),
        })
    }

    pub(super) fn data(&self) -> Data {
        match self {
            Asked::Series(series) => Data::Trajectories(series.data.clone()),
            Asked::Rows(data) => data.clone(),
        }
    }
}
