//! The curves of a law between the measurements, with their uncertainty.

use crate::refine::Law;
use crate::vocabulary::Vocabulary;
use vecfield_adjoint::{AdjointError, Fit, Uncertainty, Window};
use vecfield_data::{Trajectories, Trajectory};
use vecfield_expr::CompileError;

/// The fitted states of one run on a fine grid that holds the times of measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The times.
    pub times: Vec<f64>,
    /// States, `[times, dim]`.
    pub states: Vec<f64>,
    /// Standard errors of the states, `[times, dim]`; `None` where the data do not determine the constants.
    pub stderr: Option<Vec<f64>>,
}

/// Why a curve could not be drawn.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// The formulas could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The law could not be integrated between the measurements.
    #[error(transparent)]
    Fit(#[from] AdjointError),
}

/// The curves of `law`, run by run, with about `points` times in each.
///
/// # Errors
///
/// [`CurveError`].
pub fn curves(
    data: &Trajectories,
    vocabulary: &Vocabulary,
    law: &Law,
    points: usize,
) -> Result<Vec<Curve>, CurveError> {
    let family = law.support.family(vocabulary)?;
    let grids: Vec<Vec<f64>> = data.runs().iter().map(|run| grid(run.times(), points)).collect();
    // The law's own fit on a finer table: the new rows hold no measurement, so they change neither cost nor information.
    let fine = refined(data, &grids);
    let windows: Vec<Window> = law.fit.windows.iter().map(|window| moved(window, data, &grids)).collect();
    let states = law.fit.replay(&family, &fine, &windows, &law.options)?;
    let fit = Fit { windows, states, ..law.fit.clone() };
    let band = Uncertainty::of(&family, &fine, &fit, &law.options).ok().map(|uncertainty| uncertainty.band);
    let mut at = 0;
    let curves = grids.into_iter().map(|times| {
        let range = at..at + times.len() * fit.dim;
        at = range.end;
        let stderr = band.as_ref().map(|band| band[range.clone()].to_vec());
        Curve { states: fit.states[range].to_vec(), stderr, times }
    });
    Ok(curves.collect())
}

/// The times of a run and a uniform grid of about `points` over the same span, merged.
fn grid(times: &[f64], points: usize) -> Vec<f64> {
    let (first, last) = (times[0], times[times.len() - 1]);
    let step = (last - first) / points.max(1) as f64;
    let mut all: Vec<f64> = (1..points).map(|k| first + step * k as f64).collect();
    // A grid time next to a measured one would only make a needless tiny step.
    all.retain(|t| times.iter().all(|measured| (t - measured).abs() > 1e-3 * step));
    all.extend(times);
    all.sort_by(f64::total_cmp);
    all
}

/// The data at more times, with nothing measured there.
fn refined(data: &Trajectories, grids: &[Vec<f64>]) -> Trajectories {
    let runs = data.runs().iter().zip(grids).map(|(run, grid)| {
        let mut row = 0;
        let mut values = Vec::with_capacity(grid.len() * run.dim());
        for t in grid {
            if row < run.len() && run.times()[row] == *t {
                values.extend(run.row(row));
                row += 1;
            } else {
                values.extend(core::iter::repeat_n(f64::NAN, run.dim()));
            }
        }
        Trajectory::new(grid.clone(), values, vec![]).expect("a sorted grid of finite times is a trajectory")
    });
    Trajectories::new(data.variables().to_vec(), vec![], runs.collect()).expect("runs keep their columns")
}

/// The window that covers the same span of the finer table; windows of a run stay next to each other.
fn moved(window: &Window, data: &Trajectories, grids: &[Vec<f64>]) -> Window {
    let (times, grid) = (data.runs()[window.run].times(), &grids[window.run]);
    let at = |row: usize| if row < times.len() { grid.partition_point(|t| *t < times[row]) } else { grid.len() };
    Window { run: window.run, rows: at(window.rows.start)..at(window.rows.end) }
}

#[cfg(test)]
mod tests {
    use super::grid;
    use proptest::prelude::*;

    proptest! {
        /// Every time of measurement is on the grid, which is strictly increasing.
        #[test]
        fn grids_hold_the_measurements(gaps in prop::collection::vec(0.01..3.0_f64, 1..40), points in 1..300_usize) {
            let times: Vec<f64> = gaps.iter().scan(0.0, |t, gap| { *t += gap; Some(*t) }).collect();
            let grid = grid(&times, points);
            prop_assert!(grid.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(times.iter().all(|t| grid.contains(t)));
        }
    }
}
