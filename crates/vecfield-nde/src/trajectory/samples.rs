//! Trajectories in a model's units.

use vecfield_data::Trajectory;
use vecfield_solvers::batch::BatchMember;

use super::Scaling;
use crate::model::Number;

/// A trajectory as a solver and a loss see it.
#[derive(Debug, Clone)]
pub(crate) struct Sample<R> {
    /// The times of all rows.
    pub(crate) times: Vec<R>,
    /// The state at the first.
    pub(crate) start: Vec<R>,
    /// The cells behind the first row, `[rows - 1, variables]`, not numbers where nothing was measured.
    pub(crate) cells: Vec<R>,
}

impl<R: Number> Sample<R> {
    /// Of `width` components, those beyond the data's variables zero.
    ///
    /// A variable that was not measured in the first row begins at its next measurement, or at its mean where there is none.
    pub(crate) fn new(run: &Trajectory, scaling: &Scaling, width: usize) -> Sample<R> {
        let start = |v: usize| match run.observed(v).next() {
            Some((_, y)) if v < run.dim() => R::from_f64(scaling.state(v, y)),
            _ => R::zero(),
        };
        let mut state = vec![R::zero(); width];
        (0..run.dim()).for_each(|v| state[v] = start(v));
        let cells = run.values().iter().enumerate().skip(run.dim());
        Sample {
            times: run.times().iter().map(|&t| R::from_f64(scaling.time(t))).collect(),
            start: state,
            cells: cells.map(|(i, &y)| R::from_f64(scaling.state(i % run.dim(), y))).collect(),
        }
    }

    /// How many rows behind the first lie within this part of the trajectory, and how many cells of them were measured: at
    /// least one, where there is one.
    pub(crate) fn within(&self, horizon: f64) -> (usize, usize) {
        let behind = self.times.len() - 1;
        if behind == 0 {
            return (0, 0);
        }
        let variables = self.cells.len() / behind;
        let measured = |cells: &[R]| cells.iter().filter(|cell| !cell.is_nan()).count();
        let mut rows = ((horizon * self.times.len() as f64).ceil() as usize).clamp(2, behind + 1) - 1;
        let mut count = measured(&self.cells[..rows * variables]);
        while count == 0 && rows < behind {
            count = measured(&self.cells[rows * variables..(rows + 1) * variables]);
            rows += 1;
        }
        (rows, count)
    }

    /// The problem whose solution is looked at in the first so many rows behind the first.
    pub(crate) fn start_to(&self, rows: usize) -> BatchMember<'_, R> {
        BatchMember { span: (self.times[0], self.times[rows]), y0: &self.start, save: &self.times[1..=rows] }
    }
}
