//! How well equations agree with trajectories, those they were fitted to or others.

use crate::path::evaluate;
use crate::smooth::Order;
use crate::{Model, Paths, SindyError};
use vecfield_data::{Trajectories, Trajectory};

/// Shares of the spread that equations explain, means over the variables; 1 is best, and below 0 the mean of the data does better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Of the rates along smoothed paths; of a map, of the next values.
    pub derivative_r2: f64,
    /// Of the values along whole runs, simulated from their first states; `None` where they cannot be simulated that far.
    pub trajectory_r2: Option<f64>,
}

impl Model {
    /// The rates at every row of a run, `[rows, variables]`, or of a map the next values; NaN where a state is not measured.
    ///
    /// # Errors
    ///
    /// [`SindyError::FeatureNotFinite`] where a feature has no value.
    pub fn predict(&self, run: &Trajectory) -> Result<Vec<f64>, SindyError> {
        let d = self.variables().len();
        let mut driven = self.driven(Some(run));
        let mut rates = Vec::with_capacity(run.len() * d);
        for (row, &t) in run.times().iter().enumerate() {
            let state = run.row(row);
            if state.iter().any(|value| value.is_nan()) {
                rates.extend(std::iter::repeat_n(f64::NAN, d));
                continue;
            }
            driven.set(t, state);
            evaluate(&self.library, &driven.arguments, &mut driven.values, &mut driven.registers, t)?;
            rates.extend((0..d).map(|i| self.rate(i, &driven.values)));
        }
        Ok(rates)
    }

    /// How well the equations agree with trajectories, which need not be those that they were fitted to.
    ///
    /// # Errors
    ///
    /// [`SindyError::OtherColumns`] for data of other variables or inputs, and what smoothing them finds wrong.
    pub fn score(&self, data: &Trajectories) -> Result<Score, SindyError> {
        let names: Vec<&String> = data.variables().iter().chain(data.inputs()).collect();
        let own: Vec<&String> = self.library.arguments().iter().take(names.len()).collect();
        if names != own || self.variables().len() != data.dim() {
            let join = |names: &[&String]| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(SindyError::OtherColumns { found: join(&names), wanted: join(&own) });
        }
        if self.is_map() {
            return Ok(Score { derivative_r2: self.next_r2(data)?, trajectory_r2: trajectory_r2(self, data, None) });
        }
        score(self, data, &Paths::smooth_for_noise(data, Order::Quintic)?)
    }

    /// The share of the next values' spread.
    fn next_r2(&self, data: &Trajectories) -> Result<f64, SindyError> {
        let d = data.dim();
        let (mut left, mut sums, mut squares, mut count) = (vec![0.0; d], vec![0.0; d], vec![0.0; d], 0.0);
        for run in data.runs() {
            let predicted = self.predict(run)?;
            for (predicted, next) in predicted.chunks_exact(d).zip(run.values().chunks_exact(d).skip(1)) {
                if predicted.iter().chain(next).any(|value| value.is_nan()) {
                    continue;
                }
                count += 1.0;
                for i in 0..d {
                    left[i] += (next[i] - predicted[i]).powi(2);
                    sums[i] += next[i];
                    squares[i] += next[i] * next[i];
                }
            }
        }
        Ok(explained(&left, &sums, &squares, count))
    }
}

/// The scores where there is a smoothed path.
pub(crate) fn score(model: &Model, data: &Trajectories, paths: &Paths) -> Result<Score, SindyError> {
    let derivative_r2 = derivative_r2(model, data, paths)?;
    Ok(Score { derivative_r2, trajectory_r2: trajectory_r2(model, data, Some(paths)) })
}

/// Samples that are simulated at a time.
const PART: usize = 100_000;

/// `1 - Σ (y - simulated)² / Σ (y - mean)²`, mean over variables, from the first state of each run, smoothed where there is a smoothed path.
pub(crate) fn trajectory_r2(model: &Model, data: &Trajectories, paths: Option<&Paths>) -> Option<f64> {
    let d = data.dim();
    let mut left = vec![0.0; d];
    for (index, run) in data.runs().iter().enumerate() {
        let start: Vec<f64> = match paths {
            Some(paths) => paths.run(index).iter().map(|curve| curve.value(run.times()[0])).collect(),
            None => run.row(0).to_vec(),
        };
        let mut state = start;
        // A part at a time: the states of a long run need not be there together.
        for first in (0..run.len()).step_by(PART) {
            let last = run.len().min(first + PART + 1);
            let states = model.simulate_along(run, &state, &run.times()[first..last]).ok()?;
            let measured = run.values()[first * d..].chunks(d).take(PART);
            for (measured, simulated) in measured.zip(states.chunks(d)) {
                for i in (0..d).filter(|&i| !measured[i].is_nan()) {
                    left[i] += (measured[i] - simulated[i]).powi(2);
                }
            }
            state.copy_from_slice(&states[states.len() - d..]);
        }
    }
    let spread = |i: usize| data.std(i).powi(2) * data.observed(i).count() as f64;
    let mean = (0..d).map(|i| 1.0 - left[i] / spread(i)).sum::<f64>() / d as f64;
    mean.is_finite().then_some(mean)
}

/// `1 - Σ (ẏ - f)² / Σ (ẏ - mean)²` along the smoothed path, mean over equations.
fn derivative_r2(model: &Model, data: &Trajectories, paths: &Paths) -> Result<f64, SindyError> {
    let d = data.dim();
    let (mut left, mut sums, mut squares, mut count) = (vec![0.0; d], vec![0.0; d], vec![0.0; d], 0.0);
    let mut values = vec![0.0; model.library.len()];
    for (index, run) in data.runs().iter().enumerate() {
        let mut along = crate::path::Along::new(&model.library, run, paths.run(index));
        for &t in run.times() {
            along.features(t, &mut values)?;
            for i in 0..d {
                let rate = paths.run(index)[i].derivative(t);
                left[i] += (rate - model.rate(i, &values)).powi(2);
                sums[i] += rate;
                squares[i] += rate * rate;
            }
            count += 1.0;
        }
    }
    Ok(explained(&left, &sums, &squares, count))
}

fn explained(left: &[f64], sums: &[f64], squares: &[f64], count: f64) -> f64 {
    let share = |i: usize| {
        let spread: f64 = squares[i] - sums[i] * sums[i] / count;
        // A rate that never changes is matched or not.
        if spread > 0.0 { 1.0 - left[i] / spread } else { f64::from(u8::from(left[i] == 0.0)) }
    };
    (0..left.len()).map(share).sum::<f64>() / left.len() as f64
}
