//! Rolling origins: what was known up to a moment, and what came after it.

use crate::score::CEILING;
use vecfield_adjoint::Noise;
use vecfield_data::{DataError, Trajectories};

/// Shares of each run that are known at the four origins: four sevenths to six sevenths.
///
/// Earlier, a fit has seen too little of the dynamics to be judged; later, too little is left to forecast.
const KNOWN: [f64; 4] = [4.0 / 7.0, 2.0 / 3.0, 16.0 / 21.0, 6.0 / 7.0];

/// Rows a run must have for a forecast from it to mean something: three known at the first origin, one ahead of the last.
pub const FEWEST_ROWS: usize = 6;

/// A split of every run into past and future.
#[derive(Debug, Clone)]
pub struct Origin {
    past: Trajectories,
    /// Per run: rows ahead, `known..end`; empty for runs too short to be split, which are all past.
    ahead: Vec<core::ops::Range<usize>>,
}

impl Origin {
    /// The four origins of `data`, the latest first (it has the most to learn from).
    ///
    /// # Errors
    ///
    /// [`DataError`] never for data that were accepted; it is passed on from slicing.
    pub fn all(data: &Trajectories) -> Result<Vec<Origin>, DataError> {
        let mut origins: Vec<Origin> = Vec::new();
        for share in KNOWN.iter().rev() {
            let ahead: Vec<_> = data
                .runs()
                .iter()
                .map(|run| {
                    let n = run.len();
                    if n < FEWEST_ROWS {
                        return n..n;
                    }
                    let known = ((share * n as f64).round() as usize).clamp(3, n - 1);
                    known..n.min(known + n.div_ceil(4))
                })
                .collect();
            let past = data.runs().iter().zip(&ahead).map(|(run, rows)| run.slice(0..rows.start));
            let origin = Origin { past: data.with_runs(past.collect::<Result<_, _>>()?)?, ahead };
            // Runs of six or seven rows give the same split twice; it counts once.
            if origins.iter().all(|other| other.ahead != origin.ahead) {
                origins.push(origin);
            }
        }
        Ok(origins)
    }

    /// What is known at this origin.
    pub fn past(&self) -> &Trajectories {
        &self.past
    }

    /// Rows of `run` that are to be forecast.
    pub fn ahead(&self, run: usize) -> core::ops::Range<usize> {
        self.ahead[run].clone()
    }

    /// Measured cells from this origin to the end of the runs that are split: what forecasts from here and from later origins
    /// are checked against.
    pub fn cells_ahead(&self, data: &Trajectories) -> usize {
        let split = data.runs().iter().zip(&self.ahead).filter(|(_, rows)| !rows.is_empty());
        split.flat_map(|(run, rows)| &run.values()[rows.start * run.dim()..]).filter(|v| !v.is_nan()).count()
    }

    /// Root mean square error of `forecast(run, row)` (a state) over the rows ahead, in units of `scale` (one per variable)
    /// for additive noise, in logarithms for multiplicative. Every single error counts up to [`CEILING`].
    pub fn error(
        &self,
        data: &Trajectories,
        noise: Noise,
        scale: &[f64],
        forecast: impl Fn(usize, usize) -> Option<Vec<f64>>,
    ) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for (run, trajectory) in data.runs().iter().enumerate() {
            for row in self.ahead(run) {
                let predicted = forecast(run, row);
                for (variable, &observed) in trajectory.row(row).iter().enumerate().filter(|(_, v)| !v.is_nan()) {
                    let error = match &predicted {
                        Some(state) => noise.residual(observed, state[variable]).0.abs(),
                        None => f64::INFINITY,
                    };
                    let error = if noise == Noise::Additive { error / scale[variable] } else { error };
                    // NaN (a negative forecast on logarithms) fails the comparison and counts as a full miss.
                    let error = if error < CEILING { error } else { CEILING };
                    sum += error * error;
                    count += 1;
                }
            }
        }
        if count == 0 { CEILING } else { (sum / f64::from(count)).sqrt() }
    }

    /// Errors of the two forecasts that know no dynamics: the last value stays (a random walk), the past mean returns (noise
    /// about a constant).
    pub fn null_errors(&self, data: &Trajectories, noise: Noise, scale: &[f64]) -> [f64; 2] {
        let last = |run: usize, _row: usize| {
            let past = &self.past.runs()[run];
            (0..past.dim()).map(|v| past.observed(v).last().map(|(_, value)| value)).collect::<Option<Vec<_>>>()
        };
        let means: Vec<f64> = (0..data.dim())
            .map(|v| {
                let values: Vec<f64> = self.past.observed(v).collect();
                let n = values.len() as f64;
                match noise {
                    Noise::Additive => values.iter().sum::<f64>() / n,
                    Noise::Multiplicative => (values.iter().map(|v| v.ln()).sum::<f64>() / n).exp(),
                }
            })
            .collect();
        [self.error(data, noise, scale, last), self.error(data, noise, scale, |_, _| Some(means.clone()))]
    }
}
