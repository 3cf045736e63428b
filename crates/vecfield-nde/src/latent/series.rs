//! Series as an encoder reads them and a decoder is compared with them.

use vecfield_data::Trajectory;

use crate::model::Number;
use crate::trajectory::Scaling;

/// A series in a model's units.
#[derive(Debug, Clone)]
pub(super) struct Series<R> {
    /// The times of all rows, the first of them zero.
    pub(super) times: Vec<R>,
    /// `[rows, variables]`, not numbers where nothing was measured.
    pub(super) cells: Vec<R>,
    /// How many were measured.
    pub(super) measured: usize,
    /// What the encoder reads, from the last row with a measurement to the first: the values (zero where there is none), which of
    /// them were measured, and the time to the row read before. `[readings, 2 variables + 1]`.
    pub(super) readings: Vec<R>,
}

impl<R: Number> Series<R> {
    pub(super) fn new(run: &Trajectory, scaling: &Scaling) -> Series<R> {
        let (n, first) = (run.dim(), run.times()[0]);
        let time = |row: usize| R::from_f64((run.times()[row] - first) * scaling.pace);
        let cell = |(i, &y): (usize, &f64)| R::from_f64(scaling.state(i % n, y));
        let cells: Vec<R> = run.values().iter().enumerate().map(cell).collect();
        let times: Vec<R> = (0..run.len()).map(time).collect();
        let (mut readings, mut later) = (vec![], None);
        for row in (0..run.len()).rev() {
            let own = &cells[row * n..(row + 1) * n];
            if own.iter().all(|cell| cell.is_nan()) {
                continue;
            }
            readings.extend(own.iter().map(|&cell| if cell.is_nan() { R::zero() } else { cell }));
            readings.extend(own.iter().map(|cell| if cell.is_nan() { R::zero() } else { R::one() }));
            readings.push(later.map_or(R::zero(), |later: R| later - times[row]));
            later = Some(times[row]);
        }
        let measured = cells.iter().filter(|cell| !cell.is_nan()).count();
        Series { times, cells, measured, readings }
    }

    /// How many readings there are of `n` variables.
    pub(super) fn len(&self, n: usize) -> usize {
        self.readings.len() / (2 * n + 1)
    }
}
