//! The curves of a fit between the measurements.

use vecfield_adjoint::{AdjointError, Fit, Observed, Window};
use vecfield_data::{Trajectories, Trajectory};

use super::Fitting;

/// A fit between the measurements of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedCurve {
    /// Times: those of the measurements, and more between them.
    pub times: Vec<f64>,
    /// What the columns measure there, as the fit has it, `[times, columns]`.
    pub columns: Vec<f64>,
    /// The variables there, `[times, variables]`.
    pub states: Vec<f64>,
}

impl Fitting {
    /// The curves of a fit, with about `points` times a run: every gap between measurements is divided alike, so that rows on a
    /// logarithmic axis of time are served as well.
    ///
    /// # Errors
    ///
    /// Where the fit cannot be integrated again.
    pub fn curves(&self, fit: &Fit, points: usize) -> Result<Vec<FittedCurve>, AdjointError> {
        let parts = |run: &Trajectory| points.div_ceil(run.len()).max(1);
        let finer = |run: &Trajectory| {
            let parts = parts(run);
            let between = run
                .times()
                .windows(2)
                .flat_map(|pair| (0..parts).map(|k| pair[0] + (pair[1] - pair[0]) * k as f64 / parts as f64));
            let mut times: Vec<f64> = between.chain(run.times().last().copied()).collect();
            times.dedup(); // gaps of a few roundings do not divide
            times
        };
        let grids: Vec<Vec<f64>> = self.data.runs().iter().map(finer).collect();
        let place = |run: usize, row: usize| {
            let t = self.data.runs()[run].times()[row];
            grids[run].partition_point(|&other| other < t)
        };
        let windows: Vec<Window> = (fit.windows.iter())
            .map(|window| {
                let last = window.rows.end == self.data.runs()[window.run].len();
                let end = if last { grids[window.run].len() } else { place(window.run, window.rows.end) };
                Window { run: window.run, rows: place(window.run, window.rows.start)..end }
            })
            .collect();
        let missing = |times: &Vec<f64>| {
            let values = vec![f64::NAN; times.len() * self.data.dim()];
            Trajectory::new(times.clone(), values, vec![]).expect("times between increasing times increase")
        };
        let table = self.data.with_runs(grids.iter().map(missing).collect()).expect("the same columns");
        let states = fit.replay(&self.family(), &table, &windows, &self.options)?;
        Ok(self.split(fit, &table, &states))
    }

    fn split(&self, fit: &Fit, table: &Trajectories, states: &[f64]) -> Vec<FittedCurve> {
        let dim = fit.dim;
        let mut rest = states;
        let curve = |(run, grid): (usize, &Trajectory)| {
            let (own, after) = rest.split_at(grid.len() * dim);
            rest = after;
            let theta = fit.theta_of(run);
            let column = |observed: &Observed, t: f64, y: &[f64]| match observed {
                Observed::State(i) => y[*i],
                Observed::Quantity(quantity) => quantity.value(t, y, theta),
            };
            let rows = grid.times().iter().zip(own.chunks_exact(dim));
            let columns = rows.flat_map(|(&t, y)| self.options.observed.iter().map(move |o| column(o, t, y))).collect();
            FittedCurve { times: grid.times().to_vec(), columns, states: own.to_vec() }
        };
        table.runs().iter().enumerate().map(curve).collect()
    }
}
