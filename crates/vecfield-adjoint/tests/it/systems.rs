//! Families of fields and data made from them.

use vecfield_data::{Trajectories, Trajectory};
use vecfield_solvers::{Options, Save, solve_explicit, tableau::DOP853};
use vecfield_traits::{Dynamics, Elementary, ParametricField};

/// `hare' = θ₀ hare - θ₁ hare lynx`, `lynx' = θ₂ hare lynx - θ₃ lynx`.
pub(crate) struct LotkaVolterra;

impl Dynamics for LotkaVolterra {
    fn dim(&self) -> usize {
        2
    }

    fn parameter_count(&self) -> usize {
        4
    }

    fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        let eaten = y[0] * y[1];
        dy[0] = theta[0] * y[0] - theta[1] * eaten;
        dy[1] = theta[2] * eaten - theta[3] * y[1];
    }
}

/// `y' = θ`: the solution is linear in everything, so a fit is a linear regression.
pub(crate) struct Drift;

impl Dynamics for Drift {
    fn dim(&self) -> usize {
        1
    }

    fn parameter_count(&self) -> usize {
        1
    }

    fn eval<S: Elementary>(&self, _t: S, _y: &[S], theta: &[S], dy: &mut [S]) {
        dy[0] = theta[0];
    }
}

/// Exact runs of `family` at `theta` from each of `starts`, at `times`.
pub(crate) fn runs<F: ParametricField<f64>>(
    family: &F,
    theta: &[f64],
    starts: &[Vec<f64>],
    times: &[f64],
) -> Trajectories {
    let field = family.at(theta.to_vec());
    let trajectories = starts
        .iter()
        .map(|start| {
            let span = (times[0], times[times.len() - 1]);
            let options = Options::tolerances(1e-12, 1e-12);
            let solution = solve_explicit(&field, span, start, &DOP853, &options, Save::At(times)).unwrap();
            Trajectory::new(times.to_vec(), solution.y, vec![]).unwrap()
        })
        .collect();
    Trajectories::new((0..family.dim()).map(|i| format!("x{i}")).collect(), vec![], trajectories).unwrap()
}

/// The same data with `change(run, row, variable, value)` in every cell.
pub(crate) fn changed(data: &Trajectories, mut change: impl FnMut(usize, usize, usize, f64) -> f64) -> Trajectories {
    let runs = data
        .runs()
        .iter()
        .enumerate()
        .map(|(r, run)| {
            let n = run.dim();
            let values = run.values().iter().enumerate().map(|(i, &v)| change(r, i / n, i % n, v)).collect();
            Trajectory::new(run.times().to_vec(), values, vec![]).unwrap()
        })
        .collect();
    data.with_runs(runs).unwrap()
}

/// A repeatable sequence that looks random, in `(-1, 1)`.
pub(crate) fn scatter(k: usize) -> f64 {
    let golden = 0.618_033_988_749_895;
    2.0 * ((k as f64 + 1.0) * golden * (1.0 + golden * k as f64)).fract() - 1.0
}
