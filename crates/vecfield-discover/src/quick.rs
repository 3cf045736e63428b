//! Quick fits: digits enough to rank candidates by what they forecast, from starts that know nothing of the candidate.

use crate::family::Family;
use crate::matching::Matching;
use crate::model::Support;
use crate::observer::Pulse;
use crate::vocabulary::Vocabulary;
use core::ops::ControlFlow;
use vecfield_adjoint::{Fit, FitOptions, Noise, Start, fit};
use vecfield_data::Trajectories;
use vecfield_solvers::tableau::TSIT5;
use vecfield_solvers::{Integrator, Method, Tolerance};
use vecfield_traits::ParametricField;

/// A fit is without hope when it leaves so many times the squares that the best of the laws proposed with constants leaves, and so large a
/// share of the variance, after so many steps.
const WITHOUT_HOPE: (f64, f64, usize) = (16.0, 0.002, 6);

/// The cost above which fits to `data` are without hope, where the best leaves `least`.
pub(crate) fn bound(least: f64, data: &Trajectories) -> f64 {
    let (times, share, _) = WITHOUT_HOPE;
    (times * least).max(share * data.observed_count() as f64)
}

/// When a fit is given up: when it is told to stop, or costs more than this after a few steps.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    pub(crate) pulse: Pulse<'a>,
    pub(crate) hope: Option<f64>,
}

/// The unit of each variable's errors: its standard deviation, or its size where it never changes.
pub(crate) fn scales(data: &Trajectories) -> Vec<f64> {
    (0..data.dim())
        .map(|variable| {
            let std = data.std(variable);
            if std > 0.0 { std } else { data.rms(variable).max(1.0) }
        })
        .collect()
}

/// Window lengths of a fit: the run in thirds, then whole; long runs grow from 25 rows and stay bounded, since a chaotic
/// system forgets its start.
pub(crate) fn window_lengths(data: &Trajectories) -> Vec<usize> {
    let longest = data.runs().iter().map(vecfield_data::Trajectory::len).max().unwrap_or(0);
    if longest <= 60 { vec![longest.div_ceil(3), usize::MAX] } else { vec![25, 50, 100, 200] }
}

/// Options of a contest fit: digits enough to rank, no more.
pub(crate) fn quick_options(constants: usize, data: &Trajectories, noise: Noise, scale: &[f64]) -> FitOptions {
    let sigma = if noise == Noise::Additive { scale.to_vec() } else { vec![1.0; scale.len()] };
    FitOptions {
        estimate_sigma: false,
        // The starts are matched already, with more care.
        match_first: false,
        windows: window_lengths(data),
        method: Method::Explicit(&TSIT5),
        solver: solver_options(scale, 1e-4, data.row_count()),
        optimizer: rough(40),
        ..FitOptions::new(data.dim(), constants, noise, sigma)
    }
}

/// A minimum to as many digits as rank candidates.
pub(crate) fn rough(iterations: usize) -> vecfield_optim::Options {
    vecfield_optim::Options {
        iterations,
        cost_tolerance: 1e-4,
        step_tolerance: 1e-5,
        gradient_tolerance: 1e-5,
        ..Default::default()
    }
}

/// Steps a fit may take between two measurements: a candidate that needs more is stiff or about to blow up, and no law is
/// read from so few data.
const STEPS_PER_ROW: u64 = 30;

/// Integration of a fit: explicit, errors relative to each variable's own scale.
pub(crate) fn solver_options(scale: &[f64], rtol: f64, rows: usize) -> vecfield_solvers::Options<f64> {
    vecfield_solvers::Options {
        rtol,
        atol: Tolerance::Each(scale.iter().map(|s| 0.1 * rtol * s).collect()),
        max_steps: 200 + STEPS_PER_ROW * rows as u64,
        ..Default::default()
    }
}

/// Two costs closer than this are the same minimum.
const SAME_MINIMUM: f64 = 0.01;

/// The best of the fits from the blind starts: each path, with whole runs at once and with short windows first.
///
/// Local minima decide a contest, so a single start is never trusted; but when the two most different starts end in one
/// minimum, the other two are left out.
pub(crate) fn fit_from_paths(
    family: &Family,
    data: &Trajectories,
    (support, vocabulary): (&Support, &Vocabulary),
    paths: &[Matching; 2],
    noise: Noise,
    options: &FitOptions,
    patience: Patience<'_>,
) -> Option<Fit> {
    let whole = FitOptions { windows: whole_runs(options), ..options.clone() };
    let from = |path: &Matching, options: &FitOptions| {
        fit_from(family, data, path.start(support, vocabulary)?, path, noise, options, patience)
    };
    let [smooth, close] = paths;
    let (a, b) = (from(smooth, &whole), from(close, options));
    if let (Some(a), Some(b)) = (&a, &b) {
        let agree = a.windows.len() == b.windows.len() && (a.cost - b.cost).abs() <= SAME_MINIMUM * a.cost.min(b.cost);
        if agree {
            return Some(if a.cost <= b.cost { a.clone() } else { b.clone() });
        }
    }
    // Fits that stopped at different window lengths have different numbers of free starts: fewer windows win.
    let (c, d) =
        if whole.windows == options.windows { (None, None) } else { (from(close, &whole), from(smooth, options)) };
    [a, b, c, d]
        .into_iter()
        .flatten()
        .min_by(|a, b| a.windows.len().cmp(&b.windows.len()).then(a.cost.total_cmp(&b.cost)))
}

/// A fit from constants and the states of a smoothed path.
pub(crate) fn fit_from(
    family: &Family,
    data: &Trajectories,
    theta: Vec<f64>,
    path: &Matching,
    noise: Noise,
    options: &FitOptions,
    patience: Patience<'_>,
) -> Option<Fit> {
    let state = guesses(path, noise);
    let theta = family.thetas(&theta, data.runs().len());
    fit(family, data, &Start { theta, state: &state }, options, &mut |progress| {
        let Patience { pulse, hope } = patience;
        let hopeless = hope.is_some_and(|hope| progress.iteration >= WITHOUT_HOPE.2 && progress.cost > hope);
        if hopeless { ControlFlow::Break(()) } else { pulse.flow() }
    })
    .ok()
}

/// States of a smoothed path, for a fit to start from: positive ones, where measurements scatter by factors.
pub(crate) fn guesses(path: &Matching, noise: Noise) -> impl Fn(usize, usize, &mut [f64]) {
    move |run, row, out| {
        for (out, &value) in out.iter_mut().zip(path.state(run, row)) {
            *out = if noise == Noise::Multiplicative { value.max(f64::MIN_POSITIVE) } else { value };
        }
    }
}

/// The windows of a fit that takes whole runs at once; long runs are never taken whole, and grow their windows again.
fn whole_runs(options: &FitOptions) -> Vec<usize> {
    match options.windows.last() {
        Some(&usize::MAX) => vec![usize::MAX],
        _ => options.windows.clone(),
    }
}

/// States at `rows` of `run`, integrated from the start of the run's last window; `None` when the solution does not reach
/// them.
pub(crate) fn forecast(
    family: &Family,
    fit: &Fit,
    data: &Trajectories,
    scale: &[f64],
    run: usize,
    rows: core::ops::Range<usize>,
) -> Option<Vec<f64>> {
    let dim = data.dim();
    let last = fit.windows.iter().rposition(|window| window.run == run)?;
    let from = fit.windows[last].rows.start;
    let times = data.runs()[run].times();
    let field = ParametricField::<f64>::at(family, fit.theta_of(run).to_vec());
    let options = solver_options(scale, 1e-6, 4 * data.row_count());
    let mut out = vec![0.0; rows.len() * dim];
    let start = &fit.starts[last * dim..(last + 1) * dim];
    let mut integrator = Integrator::explicit(&TSIT5, dim, &options).ok()?;
    integrator.sample(&field, times[from], start, &times[rows], &mut out).ok()?;
    Some(out)
}
