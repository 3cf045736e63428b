//! Trajectories in a model's units.

use vecfield_data::Trajectory;
use vecfield_nn::Random;
use vecfield_solvers::batch::BatchMember;

use super::Scaling;
use crate::model::{Number, Pass};
use crate::settings::Starts;

/// A trajectory as a solver and a loss see it.
#[derive(Debug, Clone)]
pub(crate) struct Sample<R> {
    /// The times of all rows.
    pub(crate) times: Vec<R>,
    /// The states of all rows, `[rows, width]`; a start is never without a number.
    states: Vec<R>,
    /// The cells, `[rows, variables]`, not numbers where nothing was measured.
    cells: Vec<R>,
    /// The rows at which a forecast can begin: the first, and those where everything was measured.
    starts: Vec<usize>,
}

/// A forecast that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a, R> {
    /// What is to be solved.
    pub(crate) problem: BatchMember<'a, R>,
    /// What it is compared with, `[save times, variables]`.
    pub(crate) cells: &'a [R],
    /// How many of these were measured.
    pub(crate) measured: usize,
}

impl<R: Number> Sample<R> {
    /// Of `width` components, those beyond the data's variables zero.
    ///
    /// A variable that was not measured in the first row begins at its next measurement, or at its mean where there is none.
    pub(crate) fn new(run: &Trajectory, scaling: &Scaling, width: usize) -> Sample<R> {
        let (rows, variables) = (run.len(), run.dim());
        let scaled = |(i, &y): (usize, &f64)| R::from_f64(scaling.state(i % variables, y));
        let cells: Vec<R> = run.values().iter().enumerate().map(scaled).collect();
        let mut states = vec![R::zero(); rows * width];
        for (state, cells) in states.chunks_exact_mut(width).zip(cells.chunks_exact(variables)) {
            state[..variables].copy_from_slice(cells);
        }
        for v in 0..variables {
            let first = run.observed(v).next().map_or(R::zero(), |(_, y)| R::from_f64(scaling.state(v, y)));
            states[v] = first;
        }
        let whole = |&row: &usize| row == 0 || run.row(row).iter().all(|cell| !cell.is_nan());
        Sample {
            times: run.times().iter().map(|&t| R::from_f64(scaling.time(t))).collect(),
            states,
            cells,
            starts: (0..rows).filter(whole).collect(),
        }
    }

    /// The state at the first row.
    pub(crate) fn start(&self) -> &[R] {
        &self.states[..self.states.len() / self.times.len()]
    }

    /// The forecast of all rows from the first.
    pub(crate) fn whole(&self) -> Asked<'_, R> {
        self.forecast(0, self.times.len() - 1)
    }

    /// The forecast that a pass asks for, of the sample with this number.
    pub(crate) fn asked(&self, pass: &Pass, number: usize) -> Asked<'_, R> {
        let behind = self.times.len() - 1;
        let rows = ((pass.horizon * self.times.len() as f64).ceil() as usize).clamp(2, behind.max(1) + 1) - 1;
        let from = match (pass.starts, pass.draw) {
            (Starts::Anywhere, Some(draw)) if rows < behind => {
                let fitting = self.starts.partition_point(|&start| start + rows <= behind);
                self.starts[Random::new(draw ^ number as u64).below(fitting)]
            }
            _ => 0,
        };
        let mut asked = self.forecast(from, rows.min(behind - from));
        // At least one cell, where there is one.
        for rows in rows + 1..=behind - from {
            if asked.measured > 0 {
                break;
            }
            asked = self.forecast(from, rows);
        }
        asked
    }

    /// The forecast of so many rows behind row `from`.
    fn forecast(&self, from: usize, rows: usize) -> Asked<'_, R> {
        let (width, variables) = (self.start().len(), self.cells.len() / self.times.len());
        let cells = &self.cells[(from + 1) * variables..(from + 1 + rows) * variables];
        let problem = BatchMember {
            span: (self.times[from], self.times[from + rows]),
            y0: &self.states[from * width..(from + 1) * width],
            save: &self.times[from + 1..=from + rows],
        };
        Asked { problem, cells, measured: cells.iter().filter(|cell| !cell.is_nan()).count() }
    }
}
