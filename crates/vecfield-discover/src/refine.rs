//! From a support to a law with numbers: constants, initial states and noise levels by maximum likelihood on all the data.

use crate::family::Family;
use crate::matching::Matching;
use crate::model::Support;
use crate::observer::Pulse;
use crate::quick::{Patience, fit_from_paths, quick_options, rough, scales, solver_options};
use crate::snap::Estimates;
use crate::vocabulary::Vocabulary;
use core::ops::ControlFlow;
use vecfield_adjoint::{Fit, FitOptions, Noise, Start, Uncertainty, fit};
use vecfield_data::Trajectories;
use vecfield_solvers::Method;
use vecfield_solvers::tableau::VERNER_7;

/// A support fitted to all the data.
#[derive(Debug, Clone)]
pub struct Law {
    /// Its terms.
    pub support: Support,
    /// Size of its formulas.
    pub complexity: usize,
    /// The constant of every term, equation by equation, then those inside the terms.
    pub constants: Vec<Constant>,
    /// The fit behind them.
    pub fit: Fit,
    /// How it was made.
    pub options: FitOptions,
    /// Standard errors of the fitted states at every row (`[rows, dim]`, run after run), where the data determine them.
    pub band: Option<Vec<f64>>,
    /// Covariance of the constants that were fitted, in the order of `options.free`, where the data determine them.
    pub covariance: Option<Vec<f64>>,
    /// The maximum of the log-likelihood, of the values (not the logarithms) under either noise model, before constants were
    /// rounded.
    pub log_likelihood: f64,
    /// `-2 ln L + k ln n`, and twice what it takes to say [which features](Vocabulary::description) it has, before constants were
    /// rounded.
    pub bic: f64,
    /// Coefficient of determination of each variable.
    pub r2: Vec<f64>,
    /// The same over all variables, each in units of its standard deviation.
    pub r2_all: f64,
    /// Root mean square residual of each variable, in its own unit.
    pub rmse: Vec<f64>,
}

/// A constant of a law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constant {
    /// Its value.
    pub value: f64,
    /// Its standard error; `None` when the data do not determine it.
    pub stderr: Option<f64>,
    /// Was it replaced by a round number that the data cannot tell it from?
    pub snapped: bool,
}

impl Law {
    /// All constants, equation by equation.
    pub fn theta(&self) -> Vec<f64> {
        self.constants.iter().map(|c| c.value).collect()
    }

    /// The state at the first row of every run.
    pub fn initial(&self, data: &Trajectories) -> Vec<Vec<f64>> {
        (0..data.runs().len()).map(|run| self.fit.state(data, run, 0).to_vec()).collect()
    }
}

/// Fits `support` to all of `data`: quickly from every blind start, then the best of them to full precision.
///
/// Fits whose cost stays above `hope` are left as they are after a few steps. `None` when no start can be integrated, or the minimum is not
/// one.
pub fn refine(
    data: &Trajectories,
    vocabulary: &Vocabulary,
    support: &Support,
    paths: &[Matching; 2],
    noise: Noise,
    hope: Option<f64>,
    pulse: Pulse<'_>,
) -> Option<Law> {
    let family = support.family(vocabulary).ok()?;
    let quick = quick_options(support.constants(vocabulary), data, noise, &scales(data));
    let rough = fit_from_paths(&family, data, (support, vocabulary), paths, noise, &quick, Patience { pulse, hope })?;
    if hope.is_some_and(|hope| rough.cost > hope) {
        return Some(describe(data, vocabulary, support, &family, at_its_noise(rough), &quick));
    }
    let careful = careful_options(data, &rough, quick);
    let polished = polish(&family, data, &rough, &careful, pulse)?;
    let mut law = describe(data, vocabulary, support, &family, polished, &careful);
    snap(data, vocabulary, &family, &mut law, &careful, pulse);
    Some(law)
}

/// A fit that was held at given noise levels, at those that its residuals have.
fn at_its_noise(mut fit: Fit) -> Fit {
    for (sigma, (sum, count)) in fit.sigma.iter_mut().zip(&fit.misfit) {
        *sigma = (sum / (*count).max(1) as f64).sqrt();
    }
    fit
}

/// The law of `support` from a quick fit to all of `data`, without looking for round numbers.
///
/// `None` when the minimum is not one.
pub(crate) fn refine_from(
    data: &Trajectories,
    vocabulary: &Vocabulary,
    support: &Support,
    rough: &Fit,
    noise: Noise,
    pulse: Pulse<'_>,
) -> Option<Law> {
    let family = support.family(vocabulary).ok()?;
    let quick = quick_options(family.constants(), data, noise, &scales(data));
    let careful = careful_options(data, rough, quick);
    let polished = polish(&family, data, rough, &careful, pulse)?;
    Some(describe(data, vocabulary, support, &family, polished, &careful))
}

/// Maximum likelihood to full precision, from where a quick fit ended.
fn careful_options(data: &Trajectories, rough: &Fit, quick: FitOptions) -> FitOptions {
    FitOptions {
        windows: vec![longest_window(rough)],
        estimate_sigma: true,
        method: Method::Explicit(&VERNER_7),
        solver: solver_options(&scales(data), 1e-8, 4 * data.row_count()),
        optimizer: vecfield_optim::Options { iterations: 200, ..Default::default() },
        ..quick
    }
}

/// A quick fit of `support` to all of `data` from constants `theta` near a law, and from that law's states, its noise taken as known;
/// `None` when it does not come down to about the law's cost in a few steps.
pub(crate) fn fit_near(
    data: &Trajectories,
    vocabulary: &Vocabulary,
    law: &Law,
    support: &Support,
    theta: Vec<f64>,
    pulse: Pulse<'_>,
) -> Option<Fit> {
    /// Steps after which the cost must be below this many times the law's.
    const SOON: (usize, f64) = (4, 2.0);
    let family = support.family(vocabulary).ok()?;
    let rtol = law.options.solver.rtol.max(1e-6);
    let options = FitOptions {
        free: (0..theta.len()).collect(),
        sigma: noise_levels(data, &law.fit, law.options.noise),
        estimate_sigma: false,
        solver: solver_options(&scales(data), rtol, 4 * data.row_count()),
        optimizer: rough(12),
        ..law.options.clone()
    };
    let state = |run: usize, row: usize, out: &mut [f64]| out.copy_from_slice(law.fit.state(data, run, row));
    let theta = family.thetas(&theta, data.runs().len());
    let mut hopeless = false;
    let found = fit(&family, data, &Start { theta, state: &state }, &options, &mut |progress| {
        hopeless |= progress.iteration >= SOON.0 && progress.cost > SOON.1 * law.fit.cost;
        if hopeless { ControlFlow::Break(()) } else { pulse.flow() }
    });
    found.ok().filter(|_| !hopeless)
}

/// The law of `support` by maximum likelihood, from a fit near it; `None` when the minimum is not one.
pub(crate) fn refine_near(
    data: &Trajectories,
    vocabulary: &Vocabulary,
    law: &Law,
    support: &Support,
    near: &Fit,
    pulse: Pulse<'_>,
) -> Option<Law> {
    let family = support.family(vocabulary).ok()?;
    let options = FitOptions { free: (0..family.constants()).collect(), ..law.options.clone() };
    let polished = polish(&family, data, near, &options, pulse)?;
    Some(describe(data, vocabulary, support, &family, polished, &options))
}

/// The window length of a fit: whole runs where each run is one window.
fn longest_window(fit: &Fit) -> usize {
    let runs = fit.windows.iter().map(|w| w.run).max().unwrap_or(0) + 1;
    if fit.windows.len() == runs {
        usize::MAX
    } else {
        fit.windows.iter().map(|w| w.rows.len()).max().unwrap_or(usize::MAX)
    }
}

/// Goes on from where `from` ended.
fn polish(family: &Family, data: &Trajectories, from: &Fit, options: &FitOptions, pulse: Pulse<'_>) -> Option<Fit> {
    let state = |run: usize, row: usize, out: &mut [f64]| out.copy_from_slice(from.state(data, run, row));
    let start = Start { theta: family.thetas(&from.theta, data.runs().len()), state: &state };
    fit(family, data, &start, options, &mut |_| pulse.flow()).ok()
}

/// Replaces constants by round numbers, the surest first, and fits the others again.
fn snap(
    data: &Trajectories,
    vocabulary: &Vocabulary,
    family: &Family,
    law: &mut Law,
    options: &FitOptions,
    pulse: Pulse<'_>,
) {
    let mut options = options.clone();
    while let Some(covariance) = law.covariance.clone() {
        let values = options.free.iter().map(|&k| law.fit.theta[k]).collect();
        let rounded = Estimates::new(values, covariance).rounded();
        if !rounded.iter().any(|&(_, is_round)| is_round) {
            return;
        }
        let mut from = law.fit.clone();
        options.free.iter().zip(&rounded).for_each(|(&k, &(value, _))| from.theta[k] = value);
        let mut is_open = rounded.iter().map(|&(_, is_round)| !is_round);
        options.free.retain(|_| is_open.next() == Some(true));
        let Some(fit) = polish(family, data, &from, &options, pulse) else { return };
        let (bic, log_likelihood) = (law.bic, law.log_likelihood);
        *law = describe(data, vocabulary, &law.support.clone(), family, fit, &options);
        for (k, constant) in law.constants.iter_mut().enumerate() {
            constant.snapped = !options.free.contains(&k);
        }
        // Candidates are compared as they were fitted: which constants happen to be round must not decide between them.
        (law.bic, law.log_likelihood) = (bic, log_likelihood);
    }
}

/// Everything that is said of a fit.
fn describe(
    data: &Trajectories,
    vocabulary: &Vocabulary,
    support: &Support,
    family: &Family,
    fit: Fit,
    options: &FitOptions,
) -> Law {
    let uncertainty = Uncertainty::of(family, data, &fit, options).ok();
    let constants = (0..family.constants())
        .map(|k| Constant {
            value: fit.theta[k],
            stderr: options.free.iter().position(|&free| free == k).and_then(|i| Some(uncertainty.as_ref()?.stderr[i])),
            snapped: false,
        })
        .collect();
    let log_likelihood = log_likelihood(data, &fit, options.noise);
    let unknowns = options.free.len() + fit.starts.len() + fit.sigma.len();
    let features = support.description(vocabulary);
    let (r2, r2_all, rmse) = determination(data, &fit);
    Law {
        complexity: support.complexity(vocabulary),
        support: support.clone(),
        constants,
        covariance: uncertainty.as_ref().map(|u| u.covariance.clone()),
        band: uncertainty.map(|u| u.band),
        log_likelihood,
        bic: -2.0 * log_likelihood + unknowns as f64 * (data.observed_count() as f64).ln() + 2.0 * features,
        r2,
        r2_all,
        rmse,
        fit,
        options: options.clone(),
    }
}

/// Noise below this share of a variable's changes is taken to be this large: residuals of exact data are the solver's, and
/// their size says nothing about a law.
const RESOLUTION: f64 = 1e-6;

/// The noise level of every variable in a fit, in the scale of the noise model.
pub(crate) fn noise_levels(data: &Trajectories, fit: &Fit, noise: Noise) -> Vec<f64> {
    let resolution = match noise {
        Noise::Additive => scales(data).iter().map(|s| RESOLUTION * s).collect(),
        Noise::Multiplicative => vec![RESOLUTION; data.dim()],
    };
    fit.sigma.iter().zip(resolution).map(|(sigma, least)| sigma.max(least)).collect()
}

/// Log-likelihood at the maximum over noise levels, one per variable. Under multiplicative noise the density of a value `y`
/// is that of its logarithm over `y`, so that the two noise models can be compared.
fn log_likelihood(data: &Trajectories, fit: &Fit, noise: Noise) -> f64 {
    let of_residuals: f64 = fit
        .misfit
        .iter()
        .zip(noise_levels(data, fit, noise))
        .map(|(&(sum, count), sigma)| {
            let n = count as f64;
            -0.5 * n * (2.0 * core::f64::consts::PI * sigma * sigma).ln() - 0.5 * sum / (sigma * sigma)
        })
        .sum();
    match noise {
        Noise::Additive => of_residuals,
        Noise::Multiplicative => {
            of_residuals - (0..data.dim()).flat_map(|v| data.observed(v)).map(f64::ln).sum::<f64>()
        }
    }
}

/// `1 - RSS/TSS` of each variable, of all together, and the root mean square residuals.
fn determination(data: &Trajectories, fit: &Fit) -> (Vec<f64>, f64, Vec<f64>) {
    let dim = data.dim();
    let scale = scales(data);
    let mut residual = vec![(0.0, 0); dim];
    for (run, trajectory) in data.runs().iter().enumerate() {
        for row in 0..trajectory.len() {
            let state = fit.state(data, run, row);
            for (v, &observed) in trajectory.row(row).iter().enumerate().filter(|(_, o)| !o.is_nan()) {
                residual[v].0 += (observed - state[v]).powi(2);
                residual[v].1 += 1;
            }
        }
    }
    let share = |v: usize| {
        let mean = residual[v].0 / f64::from(residual[v].1.max(1));
        mean / (scale[v] * scale[v])
    };
    let r2 = (0..dim).map(|v| 1.0 - share(v)).collect();
    let all = 1.0 - (0..dim).map(share).sum::<f64>() / dim as f64;
    (r2, all, residual.iter().map(|(sum, n)| (sum / f64::from((*n).max(1))).sqrt()).collect())
}
