//! Rows of numbers with labels: plain tables, IDX (the format of the MNIST digits) and NPY, packed by gzip or not.
//!
//! What a file is, its first bytes say. Bytes, as pictures have them, are brought to 0..1.

mod idx;
mod npy;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use vecfield_data::{DataError, Samples};

use crate::table::{Table, TableError, parse_table};

/// Why rows or labels cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplesError {
    /// The system does not give it.
    #[error("{file}: cannot read it: {reason}; check the path")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's reason.
        reason: String,
    },
    /// An array file that breaks off, or holds what is not read here.
    #[error("{file}: {reason}; write it anew, or as CSV")]
    Array {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A cell that is no label.
    #[error(
        "{file}, row {row} below the header, column `{column}`: {found} is no whole number; number the classes 0, 1, .."
    )]
    Label {
        /// The file.
        file: String,
        /// The row, from one.
        row: usize,
        /// The column.
        column: String,
        /// What is there.
        found: f64,
    },
    /// A file of labels without the columns it needs.
    #[error("{file}: labels need {needs}, and there are the columns {found}")]
    Columns {
        /// The file.
        file: String,
        /// What is needed.
        needs: &'static str,
        /// What there is.
        found: String,
    },
    /// A trajectory without a label, or with two.
    #[error("{file}: trajectory {trajectory} has {count} labels; give it one, in the columns `trajectory,label`")]
    Trajectory {
        /// The file of the labels.
        file: String,
        /// The trajectory's number.
        trajectory: i64,
        /// How many labels it has.
        count: usize,
    },
    /// A label of a trajectory that there is not.
    #[error("{file}:{row}: the data have no trajectory {trajectory}; take its label out, or give its rows")]
    NoTrajectory {
        /// The file of the labels.
        file: String,
        /// The line, the header counted.
        row: usize,
        /// The trajectory's number.
        trajectory: i64,
    },
    /// The table is wrong.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Rows and labels do not make samples.
    #[error("{file}: {source}")]
    Data {
        /// The file.
        file: String,
        /// Why.
        source: DataError,
    },
}

/// No file is larger when unpacked: 4 GiB.
const LARGEST: u64 = 1 << 32;

/// The column of a table that holds labels.
const LABEL: &str = "label";

/// Reads rows: a CSV table, whose column `label` holds labels if there is one, an IDX or an NPY file. `labels` is a file of labels, a
/// CSV with a column `label` or IDX or NPY of one dimension.
///
/// # Errors
///
/// [`SamplesError`], with the file and the row.
pub fn read_samples(path: &Path, labels: Option<&Path>) -> Result<Samples, SamplesError> {
    let (file, bytes) = unpacked(path)?;
    let mut samples = parse_samples(&file, &bytes)?;
    if let Some(labels) = labels {
        let found = read_labels(labels)?;
        let file = labels.display().to_string();
        samples = samples.with_labels(found).map_err(|source| SamplesError::Data { file, source })?;
    }
    Ok(samples)
}

/// [`read_samples`] of bytes that are no longer packed, without a file of labels; `file` is what messages call them.
///
/// # Errors
///
/// As [`read_samples`].
pub fn parse_samples(file: &str, bytes: &[u8]) -> Result<Samples, SamplesError> {
    match array(file, bytes)? {
        Some(array) => array.rows(file),
        None => labelled_rows(file, &parse_table(file, bytes)?),
    }
}

/// Reads rows of numbers in which no column is special: a CSV table, an IDX or an NPY file.
///
/// # Errors
///
/// As [`read_samples`].
pub fn read_rows(path: &Path) -> Result<Samples, SamplesError> {
    let (file, bytes) = unpacked(path)?;
    match array(&file, &bytes)? {
        Some(array) => array.rows(&file),
        None => rows(&file, &parse_table(&file, &bytes[..])?),
    }
}

/// Reads labels: a column `label` of a CSV, or an IDX or NPY file of one dimension.
///
/// # Errors
///
/// As [`read_samples`].
pub fn read_labels(path: &Path) -> Result<Vec<i64>, SamplesError> {
    let (file, bytes) = unpacked(path)?;
    if let Some(array) = array(&file, &bytes)? {
        if array.shape.len() != 1 {
            let reason = format!("labels have one dimension, and this has the shape {:?}", array.shape);
            return Err(SamplesError::Array { file, reason });
        }
        let label = |(row, &value): (usize, &f64)| whole(&file, row, LABEL, value);
        return array.values.iter().enumerate().map(label).collect();
    }
    let table = parse_table(&file, &bytes[..])?;
    let place = column(&file, &table, LABEL, "a column `label`")?;
    table.rows().enumerate().map(|(row, cells)| whole(&file, row, LABEL, cells[place])).collect()
}

/// Reads the labels of trajectories with these numbers, from a CSV with the columns `trajectory` and `label`.
///
/// # Errors
///
/// As [`read_samples`]; [`SamplesError::Trajectory`] for one without a label or with several, [`SamplesError::NoTrajectory`] for a label
/// without one.
pub fn read_trajectory_labels(path: &Path, numbers: &[i64]) -> Result<Vec<i64>, SamplesError> {
    of_trajectories(path, numbers, whole)
}

/// [`read_trajectory_labels`] for labels that are any numbers.
///
/// # Errors
///
/// As [`read_trajectory_labels`].
pub fn read_trajectory_values(path: &Path, numbers: &[i64]) -> Result<Vec<f64>, SamplesError> {
    of_trajectories(path, numbers, |file, row, column, found| match found.is_finite() {
        true => Ok(found),
        false => Err(SamplesError::Label { file: file.into(), row: row + 1, column: column.into(), found }),
    })
}

/// What the column `label` says of each trajectory, told by `read` from the file, the row, the column and the cell.
fn of_trajectories<T: Copy>(
    path: &Path,
    numbers: &[i64],
    read: impl Fn(&str, usize, &str, f64) -> Result<T, SamplesError>,
) -> Result<Vec<T>, SamplesError> {
    let (file, bytes) = unpacked(path)?;
    let table = parse_table(&file, &bytes[..])?;
    let needs = "the columns `trajectory` and `label`";
    let (of, is) = (column(&file, &table, "trajectory", needs)?, column(&file, &table, LABEL, needs)?);
    let known: HashSet<i64> = numbers.iter().copied().collect();
    let mut labels: HashMap<i64, Vec<T>> = HashMap::new();
    for (row, cells) in table.rows().enumerate() {
        let trajectory = whole(&file, row, "trajectory", cells[of])?;
        if !known.contains(&trajectory) {
            return Err(SamplesError::NoTrajectory { file, row: row + 2, trajectory });
        }
        labels.entry(trajectory).or_default().push(read(&file, row, LABEL, cells[is])?);
    }
    let label = |&trajectory: &i64| match labels.get(&trajectory).map_or(&[][..], |found| found) {
        [label] => Ok(*label),
        found => Err(SamplesError::Trajectory { file: file.clone(), trajectory, count: found.len() }),
    };
    numbers.iter().map(label).collect()
}

/// A block of numbers with its shape, the first index that of the row.
struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Array {
    /// The rows; pictures without channels have one.
    fn rows(self, file: &str) -> Result<Samples, SamplesError> {
        let shape = match self.shape[..] {
            [_] => vec![1],
            [_, height, width] => vec![1, height, width],
            [_, ref rest @ ..] => rest.to_vec(),
            [] => vec![],
        };
        Samples::new(shape, self.values).map_err(|source| SamplesError::Data { file: file.into(), source })
    }
}

/// The bytes of a file, unpacked where they are packed by gzip.
fn unpacked(path: &Path) -> Result<(String, Vec<u8>), SamplesError> {
    let file = path.display().to_string();
    let unreadable = |reason: String| SamplesError::Unreadable { file: file.clone(), reason };
    let opened = File::open(path).map_err(|e| unreadable(e.to_string()))?;
    if opened.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(unreadable("it is a folder".into()));
    }
    let mut bytes = Vec::new();
    let mut take = |reader: &mut dyn Read| {
        bytes.clear();
        let read = reader.take(LARGEST + 1).read_to_end(&mut bytes);
        match read.map_err(|e| e.to_string()) {
            Ok(read) if read as u64 > LARGEST => Err("it is larger than 4 GiB".to_string()),
            Ok(_) => Ok(()),
            Err(reason) => Err(reason),
        }
    };
    take(&mut BufReader::new(opened)).map_err(&unreadable)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let packed = bytes;
        bytes = Vec::new();
        let mut reader = MultiGzDecoder::new(&packed[..]).take(LARGEST + 1);
        reader.read_to_end(&mut bytes).map_err(|e| unreadable(format!("it is packed by gzip, and broken: {e}")))?;
        if bytes.len() as u64 > LARGEST {
            return Err(unreadable("it is larger than 4 GiB when unpacked".into()));
        }
    }
    Ok((file, bytes))
}

/// The array in the bytes of an array file; nothing for those of a table.
fn array(file: &str, bytes: &[u8]) -> Result<Option<Array>, SamplesError> {
    let read = match bytes {
        [0, 0, kind, dimensions, rest @ ..] => idx::parse(*kind, *dimensions, rest),
        [0x93, b'N', b'U', b'M', b'P', b'Y', rest @ ..] => npy::parse(rest),
        _ => return Ok(None),
    };
    read.map(Some).map_err(|reason| SamplesError::Array { file: file.into(), reason })
}

/// The rows of a table.
fn rows(file: &str, table: &Table) -> Result<Samples, SamplesError> {
    let samples = Samples::new(vec![table.columns().len()], table.values().to_vec());
    let samples = samples.and_then(|samples| samples.with_columns(table.columns().to_vec()));
    samples.map_err(|source| SamplesError::Data { file: file.into(), source })
}

/// The rows of a table, with the column `label` told apart where there is one.
fn labelled_rows(file: &str, table: &Table) -> Result<Samples, SamplesError> {
    let Some(place) = table.position(LABEL) else { return rows(file, table) };
    let (mut values, mut labels, mut columns) = (vec![], vec![], table.columns().to_vec());
    columns.remove(place);
    for (row, cells) in table.rows().enumerate() {
        labels.push(whole(file, row, LABEL, cells[place])?);
        values.extend(cells.iter().enumerate().filter(|(i, _)| *i != place).map(|(_, cell)| cell));
    }
    let samples = Samples::new(vec![columns.len()], values).and_then(|samples| samples.with_columns(columns));
    let samples = samples.and_then(|samples| samples.with_labels(labels));
    samples.map_err(|source| SamplesError::Data { file: file.into(), source })
}

fn column(file: &str, table: &Table, name: &str, needs: &'static str) -> Result<usize, SamplesError> {
    let found = || table.columns().join(", ");
    table.position(name).ok_or_else(|| SamplesError::Columns { file: file.into(), needs, found: found() })
}

/// A whole number that a float holds exactly.
fn whole(file: &str, row: usize, column: &str, found: f64) -> Result<i64, SamplesError> {
    if found.fract() == 0.0 && found.abs() < 9e15 {
        return Ok(found as i64);
    }
    Err(SamplesError::Label { file: file.into(), row: row + 1, column: column.into(), found })
}

/// The numbers of an array file, each of `size` bytes; those of a byte are brought to 0..1 unless the array is a list.
fn numbers(
    shape: &[usize],
    size: usize,
    bytes: &[u8],
    bytes_of_pictures: bool,
    number: impl Fn(&[u8]) -> f64,
) -> Result<Vec<f64>, String> {
    let count = shape.iter().try_fold(1_usize, |count, &n| count.checked_mul(n)).filter(|count| *count < 1 << 40);
    let count = count.ok_or_else(|| format!("it has the impossible shape {shape:?}"))?;
    if bytes.len() != count * size {
        return Err(format!("the shape {shape:?} asks for {} bytes, and there are {}", count * size, bytes.len()));
    }
    let scale = if bytes_of_pictures && shape.len() > 1 { 1.0 / 255.0 } else { 1.0 };
    Ok(bytes.chunks_exact(size).map(|chunk| scale * number(chunk)).collect())
}
