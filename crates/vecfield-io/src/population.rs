//! [`Population`]: the trajectories that `[ensemble]` asks for, as a table of the values in which they differ.

use std::path::Path;

use crate::names::did_you_mean;
use crate::problem::{Combine, Distribution, Ensemble, Problem, Values, canonical};
use crate::table::{TableError, read_table};

/// The values in which the trajectories of an ensemble differ: a row a trajectory.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    names: Vec<String>,
    /// `[trajectories, names]`.
    values: Vec<f64>,
    len: usize,
}

/// Why an ensemble cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PopulationError {
    /// The table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A column that is nothing of the problem.
    #[error("{file}: column `{column}` is nothing an ensemble can vary{hint}; it can vary {known}")]
    Column {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
        /// What can be varied.
        known: String,
    },
    /// A value given twice.
    #[error("`{name}` is a column of {file} and an entry of [ensemble] or another column too; keep one of them")]
    Twice {
        /// The value.
        name: String,
        /// The file.
        file: String,
    },
    /// A cell without a number.
    #[error("{file}: column `{column}` has no number in row {row} of {rows}; an ensemble needs every cell")]
    Missing {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The row, from 1.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// A list and a table of different lengths.
    #[error(
        "[ensemble] has {listed} values of `{name}` but {rows} rows in {file}; give as many of each, or grid = true for \
         all combinations"
    )]
    Lengths {
        /// The list.
        name: String,
        /// Its length.
        listed: usize,
        /// The file.
        file: String,
        /// Its rows.
        rows: usize,
    },
    /// Random values alone do not say how many trajectories there are.
    #[error(
        "[ensemble] has random values alone: say how many trajectories, as paths = 1000 in [solve] or --paths 1000"
    )]
    NoCount,
    /// There is nothing random to repeat.
    #[error(
        "paths = {paths} repeats random values, and this problem has none: give [ensemble] one, as \
         a = {{ normal = [1.0, 0.1] }}, or leave paths out"
    )]
    NothingRandom {
        /// How often.
        paths: u64,
    },
    /// More than would fit into memory.
    #[error(
        "[ensemble] asks for {members} trajectories, above the limit of {most}; shorten its lists, or leave grid out"
    )]
    TooMany {
        /// How many.
        members: u128,
        /// The largest number.
        most: u128,
    },
}

/// More trajectories than this are a slip of the pen.
const MOST: u128 = 10_000_000;

impl Population {
    /// The trajectories of `problem`'s ensemble; `seed` fixes what is drawn. Every draw has a number of its own, so that
    /// more trajectories leave the first ones as they are.
    ///
    /// # Errors
    ///
    /// [`PopulationError`].
    pub fn new(problem: &Problem, ensemble: &Ensemble, seed: u64) -> Result<Self, PopulationError> {
        let mut lists: Vec<List> = Vec::new();
        let mut draws = Vec::new();
        for (at, axis) in ensemble.axes.iter().enumerate() {
            match &axis.values {
                Values::Listed(values) => lists.push(List { names: vec![axis.name.clone()], values: values.clone() }),
                &Values::Random(from) => draws.push((axis.name.clone(), Draw { from, stream: at as u64, seed })),
            }
        }
        if let Some(path) = &ensemble.table {
            let table = table(problem, path)?;
            if let Some(name) = table.names.iter().find(|&name| ensemble.axes.iter().any(|axis| axis.name == *name)) {
                return Err(PopulationError::Twice { name: name.clone(), file: path.display().to_string() });
            }
            lists.push(table);
        }
        let combinations = combinations(&lists, ensemble)?;
        let paths = match (problem.settings().paths(), draws.is_empty()) {
            (Some(paths), true) => return Err(PopulationError::NothingRandom { paths }),
            (None, false) if lists.is_empty() => return Err(PopulationError::NoCount),
            (paths, _) => u128::from(paths.unwrap_or(1)),
        };
        let members = combinations.saturating_mul(paths);
        if members > MOST {
            return Err(PopulationError::TooMany { members, most: MOST });
        }
        let names = lists.iter().flat_map(|list| list.names.clone()).chain(draws.iter().map(|(name, _)| name.clone()));
        let mut population = Population { names: names.collect(), values: Vec::new(), len: members as usize };
        for member in 0..population.len {
            let mut left = member / paths as usize;
            let mut rows = vec![left; lists.len()];
            if ensemble.combine == Combine::Grid {
                for (row, list) in rows.iter_mut().zip(&lists).rev() {
                    (*row, left) = (left % list.len(), left / list.len());
                }
            }
            for (list, row) in lists.iter().zip(rows) {
                population.values.extend_from_slice(list.row(row));
            }
            population.values.extend(draws.iter().map(|(_, draw)| draw.at(member as u64)));
        }
        Ok(population)
    }

    /// What differs: parameters, discrete values, and `initial.` with variables.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of trajectories.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values of one trajectory, in the order of the names.
    ///
    /// # Panics
    ///
    /// If there is no such trajectory.
    pub fn member(&self, index: usize) -> &[f64] {
        &self.values[index * self.names.len()..][..self.names.len()]
    }
}

/// Rows that trajectories take one after the other.
struct List {
    names: Vec<String>,
    /// `[rows, names]`.
    values: Vec<f64>,
}

impl List {
    fn len(&self) -> usize {
        self.values.len() / self.names.len()
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.names.len()..][..self.names.len()]
    }
}

fn combinations(lists: &[List], ensemble: &Ensemble) -> Result<u128, PopulationError> {
    let lengths = lists.iter().map(|list| list.len() as u128);
    if ensemble.combine == Combine::Grid {
        return Ok(lengths.fold(1, u128::saturating_mul));
    }
    // That the lists of the file itself have one length was seen when it was read.
    if let ([first, .., table], Some(path)) = (lists, &ensemble.table)
        && first.len() != table.len()
    {
        let (name, file) = (first.names[0].clone(), path.display().to_string());
        return Err(PopulationError::Lengths { name, listed: first.len(), file, rows: table.len() });
    }
    Ok(lengths.max().unwrap_or(1))
}

/// Reads a table whose columns are values of the problem.
fn table(problem: &Problem, path: &Path) -> Result<List, PopulationError> {
    let read = read_table(path)?;
    let file = path.display().to_string();
    let parameters: Vec<&str> = problem.parameters().iter().map(|p| p.name.as_str()).collect();
    let variables: Vec<&str> = problem.variables().iter().map(|v| v.name.as_str()).collect();
    let discrete: Vec<&str> = problem.discrete().iter().map(|d| d.name.as_str()).collect();
    let mut names: Vec<String> = Vec::new();
    for column in read.columns() {
        let Some(name) = canonical(column, &parameters, &variables, &discrete) else {
            let all = [parameters, variables, discrete].concat();
            let hint = did_you_mean(column, all.iter().copied());
            return Err(PopulationError::Column { file, column: column.clone(), hint, known: all.join(", ") });
        };
        if names.contains(&name) {
            return Err(PopulationError::Twice { name, file });
        }
        names.push(name);
    }
    let values = read.values().to_vec();
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let (row, column) = (at / names.len() + 1, read.columns()[at % names.len()].clone());
        return Err(PopulationError::Missing { file, column, row, rows: read.row_count() });
    }
    Ok(List { names, values })
}

/// A random value of every trajectory.
struct Draw {
    from: Distribution,
    /// Which of the values it is: each draws from a stream of its own.
    stream: u64,
    seed: u64,
}

impl Draw {
    /// The value of one trajectory: a function of its number, not of what was drawn before.
    fn at(&self, member: u64) -> f64 {
        // Numbers in (0, 1), the two of a pair at neighbouring counters.
        let key = mixed(mixed(self.seed).wrapping_add(self.stream));
        let uniform =
            |k: u64| (mixed(key ^ mixed(2 * member + k)) >> 11) as f64 * 2.0_f64.powi(-53) + 2.0_f64.powi(-54);
        match self.from {
            // Box and Muller.
            Distribution::Normal { mean, deviation } => {
                let radius = (-2.0 * uniform(0).ln()).sqrt();
                mean + deviation * radius * (core::f64::consts::TAU * uniform(1)).cos()
            }
            Distribution::Uniform { from, to } => from + (to - from) * uniform(0),
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit of `x`.
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
