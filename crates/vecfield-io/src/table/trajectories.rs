//! Measured runs: a table with a column `t`.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use vecfield_data::{Trajectories, Trajectory};
use vecfield_expr::check_name;

use super::rows::Rows;
use super::{TableError, open};
use crate::names::{did_you_mean, usable_name};

/// How the columns of a table become trajectories.
///
/// Column `t` is the time. A column `trajectory` of integers, if there is one, tells the runs apart. Columns in
/// [`controls`](TrajectoryFormat::controls) are known inputs; all others are state variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrajectoryFormat {
    /// Names of the columns that are known inputs.
    pub controls: Vec<String>,
    /// The fewest rows a trajectory may have. One row says nothing about change, hence two by default.
    pub min_rows: usize,
}

impl Default for TrajectoryFormat {
    fn default() -> Self {
        Self { controls: Vec::new(), min_rows: 2 }
    }
}

/// Reads measured runs from a CSV file.
///
/// # Errors
///
/// [`TableError`], with file, line and column.
pub fn read_trajectories(path: &Path, format: &TrajectoryFormat) -> Result<Trajectories, TableError> {
    let (file, reader) = open(path)?;
    parse_trajectories(&file, reader, format)
}

/// Reads measured runs from CSV text; `file` is what messages call it.
///
/// # Errors
///
/// As [`read_trajectories`].
pub fn parse_trajectories(
    file: &str,
    reader: impl BufRead,
    format: &TrajectoryFormat,
) -> Result<Trajectories, TableError> {
    let data = parse_series(file, reader, format)?.data;
    match (0..data.dim()).find(|&v| data.observed(v).next().is_none()) {
        Some(v) => Err(TableError::NeverMeasured { file: file.into(), column: data.variables()[v].clone() }),
        None => Ok(data),
    }
}

/// Trajectories with the rows of the file that they came from, to answer row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The trajectories, in the order in which the file begins them.
    pub data: Trajectories,
    /// The number of each in the column `trajectory`; empty where there is no such column.
    pub numbers: Vec<i64>,
    /// For every row of the file, its trajectory and its place there.
    pub places: Vec<(usize, usize)>,
}

/// Reads trajectories from a CSV file in which a variable may be without any measurement: what is asked for.
///
/// # Errors
///
/// [`TableError`], with file, line and column.
pub fn read_series(path: &Path, format: &TrajectoryFormat) -> Result<Series, TableError> {
    let (file, reader) = open(path)?;
    parse_series(&file, reader, format)
}

/// Reads the same from CSV text; `file` is what messages call it.
///
/// # Errors
///
/// As [`read_series`].
pub fn parse_series(file: &str, reader: impl BufRead, format: &TrajectoryFormat) -> Result<Series, TableError> {
    let mut rows = Rows::new(file, reader)?;
    let roles = Roles::of(file, rows.columns(), format)?;
    let mut runs: Vec<Run> = Vec::new();
    let mut numbered: HashMap<i64, usize> = HashMap::new();
    let mut places = Vec::new();
    while rows.advance()? {
        let number = match roles.trajectory {
            Some(column) => trajectory_number(file, rows.line(), rows.text(column))?,
            None => 0,
        };
        let index = *numbered.entry(number).or_insert_with(|| {
            runs.push(Run { number, ..Run::default() });
            runs.len() - 1
        });
        places.push((index, runs[index].times.len()));
        runs[index].push(file, &rows, &roles)?;
    }
    rows.require_a_row()?;
    for run in &runs {
        run.require_rows(file, format.min_rows, roles.trajectory.is_some())?;
    }
    let names = |columns: &[usize]| columns.iter().map(|&c| rows.columns()[c].clone()).collect::<Vec<_>>();
    let (variables, controls) = (names(&roles.variables), names(&roles.controls));
    let numbers = if roles.trajectory.is_some() { runs.iter().map(|run| run.number).collect() } else { vec![] };
    let broken = |source| TableError::Data { file: file.into(), source };
    let runs = runs.into_iter().map(|run| Trajectory::new(run.times, run.values, run.inputs).map_err(broken));
    let data = Trajectories::new(variables, controls, runs.collect::<Result<_, _>>()?).map_err(broken)?;
    Ok(Series { data, numbers, places })
}

/// Which column is what.
struct Roles {
    time: usize,
    trajectory: Option<usize>,
    variables: Vec<usize>,
    controls: Vec<usize>,
}

impl Roles {
    fn of(file: &str, columns: &[String], format: &TrajectoryFormat) -> Result<Self, TableError> {
        let find = |name: &str, remedy| {
            columns.iter().position(|c| c == name).ok_or_else(|| TableError::MissingColumn {
                file: file.into(),
                column: name.into(),
                columns: columns.join(", "),
                hint: did_you_mean(name, columns.iter().map(String::as_str)),
                remedy,
            })
        };
        let time = find("t", "the independent variable must be called `t`: rename its column")?;
        let trajectory = columns.iter().position(|c| c == "trajectory");
        let controls = format.controls.iter().map(|name| find(name, "`--control` takes names of columns"));
        let controls = controls.collect::<Result<Vec<_>, _>>()?;
        let mut variables: Vec<usize> = (0..columns.len()).collect();
        variables.retain(|c| *c != time && Some(*c) != trajectory && !controls.contains(c));
        if variables.is_empty() {
            return Err(TableError::NoVariables { file: file.into(), columns: columns.join(", ") });
        }
        for &column in variables.iter().chain(&controls) {
            let name = &columns[column];
            if check_name(name).is_err() {
                let suggestion = usable_name(name);
                return Err(TableError::ColumnName { file: file.into(), column: name.clone(), suggestion });
            }
        }
        Ok(Self { time, trajectory, variables, controls })
    }
}

/// A run while its rows are being read.
#[derive(Default)]
struct Run {
    number: i64,
    times: Vec<f64>,
    values: Vec<f64>,
    inputs: Vec<f64>,
    last_line: u64,
}

impl Run {
    fn push<R: BufRead>(&mut self, file: &str, rows: &Rows<R>, roles: &Roles) -> Result<(), TableError> {
        let present = |column: usize, remedy| match rows.number(column)? {
            value if value.is_nan() => Err(TableError::Missing {
                file: file.into(),
                line: rows.line(),
                column: rows.columns()[column].clone(),
                remedy,
            }),
            value => Ok(value),
        };
        let t = present(roles.time, "every row needs its time: fill it in or remove the row")?;
        if let Some(&before) = self.times.last()
            && t <= before
        {
            let remedy = match (t == before, roles.trajectory) {
                (true, Some(_)) => "a trajectory has one row per time: merge the two rows or remove one",
                (true, None) => "merge the two rows, or tell runs apart by a column `trajectory` (0, 1, ..)",
                (false, Some(_)) => "sort the rows of each trajectory by time",
                (false, None) => "sort the rows by time, or tell runs apart by a column `trajectory` (0, 1, ..)",
            };
            let (line, line_before) = (rows.line(), self.last_line);
            return Err(TableError::TimeOrder { file: file.into(), line, t, before, line_before, remedy });
        }
        self.times.push(t);
        for &column in &roles.variables {
            self.values.push(rows.number(column)?);
        }
        for &column in &roles.controls {
            self.inputs.push(present(column, "an input must be known at every row: fill it in or remove the row")?);
        }
        self.last_line = rows.line();
        Ok(())
    }

    fn require_rows(&self, file: &str, required: usize, numbered: bool) -> Result<(), TableError> {
        let rows = self.times.len();
        if rows >= required {
            return Ok(());
        }
        let (trajectory, remedy) = match numbered {
            true => (format!("trajectory {}", self.number), "add rows to it or remove it"),
            false => ("the table".into(), "add rows: change over time is what is learned from"),
        };
        Err(TableError::TooFewRows { file: file.into(), line: self.last_line, trajectory, rows, required, remedy })
    }
}

/// The number of a trajectory. Programs that write every column as a float write `3.0`, which is taken as 3.
fn trajectory_number(file: &str, line: u64, text: &str) -> Result<i64, TableError> {
    let whole = |v: f64| (v.fract() == 0.0 && v.abs() < 9e15).then_some(v as i64);
    text.parse().ok().or_else(|| text.parse().ok().and_then(whole)).ok_or_else(|| TableError::TrajectoryNumber {
        file: file.into(),
        line,
        text: text.into(),
    })
}
