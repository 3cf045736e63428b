//! Series as an encoder reads them and a decoder is compared with them.

use vecfield_data::{Trajectories, Trajectory};
use vecfield_nn::Random;

use crate::error::NdeError;
use crate::model::Number;
use crate::trajectory::Scaling;

/// A series in a model's units.
#[derive(Debug, Clone)]
pub(crate) struct Series<R> {
    /// The times of all rows, and the same backwards.
    times: Vec<R>,
    backwards: Vec<R>,
    /// `[rows, variables]`, not numbers where nothing was measured.
    pub(crate) cells: Vec<R>,
    /// How many were measured.
    pub(crate) measured: usize,
    /// What the encoder reads, from the last row with a measurement to the first: the values (zero where there is none), which of
    /// them were measured, and the time to the row read before. `[readings, 2 variables + 1]`.
    readings: Vec<R>,
    /// The row of each reading.
    pub(crate) rows: Vec<usize>,
}

/// The part of a series that is shown to the encoder, and where the hidden state is that it infers: at the first of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a, R> {
    pub(crate) series: &'a Series<R>,
    /// `[readings, 2 variables + 1]`.
    pub(crate) readings: &'a [R],
    /// The row of the hidden state.
    row: usize,
    /// The first row that is asked for.
    from: usize,
}

impl<R: Number> Series<R> {
    pub(crate) fn new(run: &Trajectory, scaling: &Scaling) -> Series<R> {
        let n = run.dim();
        let cell = |(i, &y): (usize, &f64)| R::from_f64(scaling.state(i % n, y));
        let cells: Vec<R> = run.values().iter().enumerate().map(cell).collect();
        let times: Vec<R> = run.times().iter().map(|&t| R::from_f64(scaling.time(t))).collect();
        let (mut readings, mut rows) = (vec![], vec![]);
        for row in (0..run.len()).rev() {
            let own = &cells[row * n..(row + 1) * n];
            if own.iter().all(|cell| cell.is_nan()) {
                continue;
            }
            readings.extend(own.iter().map(|&cell| if cell.is_nan() { R::zero() } else { cell }));
            readings.extend(own.iter().map(|cell| if cell.is_nan() { R::zero() } else { R::one() }));
            readings.push(rows.last().map_or(R::zero(), |&later: &usize| times[later] - times[row]));
            rows.push(row);
        }
        let measured = cells.iter().filter(|cell| !cell.is_nan()).count();
        Series { backwards: times.iter().rev().copied().collect(), times, cells, measured, readings, rows }
    }

    /// The trajectories of which anything was measured.
    ///
    /// # Errors
    ///
    /// [`NdeError::NothingToLearn`], with the remedy, where there is none.
    pub(crate) fn measured_in(
        data: &Trajectories,
        scaling: &Scaling,
        remedy: &'static str,
    ) -> Result<Vec<Series<R>>, NdeError> {
        let series = data.runs().iter().map(|run| Series::new(run, scaling)).filter(|series| series.measured > 0);
        let series: Vec<Series<R>> = series.collect();
        if series.is_empty() {
            return Err(NdeError::NothingToLearn { what: "nothing was measured".into(), remedy });
        }
        Ok(series)
    }

    /// The times of all rows.
    pub(crate) fn times(&self) -> &[R] {
        &self.times
    }

    /// All readings, for all rows.
    pub(crate) fn whole(&self) -> Window<'_, R> {
        // Without a reading nothing is inferred, and the hidden state is that of the first row.
        let row = self.rows.last().copied().unwrap_or(0);
        Window { series: self, readings: &self.readings, row, from: 0 }
    }

    /// All readings, for the rows that have some.
    pub(crate) fn shown(&self) -> Window<'_, R> {
        let whole = self.whole();
        Window { from: whole.row, ..whole }
    }

    /// In every other draw the same, else with up to the part `hide` of the readings hidden at each end: the equation has to
    /// find those, back and forth, from what is left.
    pub(crate) fn partly_shown(&self, hide: f64, random: &mut Random) -> Window<'_, R> {
        let (shown, count) = (self.shown(), self.rows.len());
        let most = (hide * count as f64) as usize;
        if most == 0 || random.below(2) == 0 {
            return shown;
        }
        let [early, late] = [(); 2].map(|()| random.below(most + 1));
        let width = self.readings.len() / count;
        let kept = late..(count - early).max(late + 1);
        Window { readings: &self.readings[kept.start * width..kept.end * width], row: self.rows[kept.end - 1], ..shown }
    }
}

impl<'a, R: Number> Window<'a, R> {
    /// What is to be solved from the hidden state: when that is, and the times asked for, onwards and then backwards where
    /// there are some.
    pub(crate) fn problems(&self) -> impl Iterator<Item = (R, &'a [R])> + use<'a, R> {
        let Series { times, backwards, .. } = self.series;
        let (start, count) = (times[self.row], times.len());
        let ways = [&times[self.row..], &backwards[count - self.row..count - self.from]];
        ways.into_iter().filter(|times| !times.is_empty()).map(move |times| (start, times))
    }

    /// The rows in the order in which [`problems`](Window::problems) ask for them.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> + use<R> {
        (self.row..self.series.times.len()).chain((self.from..self.row).rev())
    }
}
