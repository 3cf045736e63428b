//! A data set: named variables, named inputs, several runs.

use crate::{DataError, Trajectory};

/// Measured runs of one system, with the names of its variables and inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectories {
    variables: Vec<String>,
    inputs: Vec<String>,
    runs: Vec<Trajectory>,
}

impl Trajectories {
    /// A data set of `runs`, each with a column per name in `variables` and `inputs`.
    ///
    /// # Errors
    ///
    /// [`DataError::Nothing`] without a variable or a run, [`DataError::Columns`] when a run has other columns.
    pub fn new(variables: Vec<String>, inputs: Vec<String>, runs: Vec<Trajectory>) -> Result<Self, DataError> {
        if variables.is_empty() {
            return Err(DataError::Nothing { what: "state variable" });
        }
        if runs.is_empty() {
            return Err(DataError::Nothing { what: "trajectory" });
        }
        for (index, run) in runs.iter().enumerate() {
            for (found, expected) in [(run.dim(), variables.len()), (run.input_count(), inputs.len())] {
                if found != expected {
                    return Err(DataError::Columns { index, found, expected });
                }
            }
        }
        Ok(Self { variables, inputs, runs })
    }

    /// Names of the state variables, in column order.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Names of the known inputs, in column order.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// The runs.
    pub fn runs(&self) -> &[Trajectory] {
        &self.runs
    }

    /// Number of state variables.
    pub fn dim(&self) -> usize {
        self.variables.len()
    }

    /// Number of rows over all runs.
    pub fn row_count(&self) -> usize {
        self.runs.iter().map(Trajectory::len).sum()
    }

    /// Number of measured cells over all runs.
    pub fn observed_count(&self) -> usize {
        self.runs.iter().flat_map(|run| run.values()).filter(|v| !v.is_nan()).count()
    }

    /// All measured values of a variable, run after run.
    pub fn observed(&self, variable: usize) -> impl Iterator<Item = f64> + '_ {
        self.runs.iter().flat_map(move |run| run.observed(variable).map(|(_, v)| v))
    }

    /// Mean of a variable's measured values; NaN when there is none.
    pub fn mean(&self, variable: usize) -> f64 {
        let (sum, n) = self.observed(variable).fold((0.0, 0), |(sum, n), v| (sum + v, n + 1));
        sum / f64::from(n)
    }

    /// Root mean square of a variable's measured values; NaN when there is none.
    pub fn rms(&self, variable: usize) -> f64 {
        let (sum, n) = self.observed(variable).fold((0.0, 0), |(sum, n), v| (sum + v * v, n + 1));
        (sum / f64::from(n)).sqrt()
    }

    /// Standard deviation of a variable's measured values (divided by `n`); NaN when there is none.
    pub fn std(&self, variable: usize) -> f64 {
        let mean = self.mean(variable);
        let (sum, n) = self.observed(variable).fold((0.0, 0), |(sum, n), v| (sum + (v - mean).powi(2), n + 1));
        (sum / f64::from(n)).sqrt()
    }

    /// The same runs with these variables alone, by their places and in this order.
    ///
    /// # Errors
    ///
    /// [`DataError::Nothing`] for no place, [`DataError::Variable`] for one that there is not.
    pub fn with_variables(&self, places: &[usize]) -> Result<Self, DataError> {
        if let Some(&place) = places.iter().find(|place| **place >= self.dim()) {
            return Err(DataError::Variable { place, count: self.dim() });
        }
        let of_run = |run: &Trajectory| {
            let cells = (0..run.len()).flat_map(|row| places.iter().map(move |&place| run.row(row)[place]));
            let inputs = (0..run.len()).flat_map(|row| run.input_row(row)).copied();
            Trajectory::new(run.times().to_vec(), cells.collect(), inputs.collect())
        };
        let names = places.iter().map(|&place| self.variables[place].clone()).collect();
        Self::new(names, self.inputs.clone(), self.runs.iter().map(of_run).collect::<Result<_, _>>()?)
    }

    /// The same data set with other runs.
    ///
    /// # Errors
    ///
    /// As [`Trajectories::new`].
    pub fn with_runs(&self, runs: Vec<Trajectory>) -> Result<Self, DataError> {
        Self::new(self.variables.clone(), self.inputs.clone(), runs)
    }
}
