//! Automatic identification: integral matching for a start, then multiple shooting on growing windows with the support chosen again at
//! every length.
//!
//! Integral matching ignores the noise in its own features and is biased by it. At a fitted model the likelihood is linearised for the whole
//! library through the solver ([`crate::shooting`]); no error in variables is left there, and a support is searched by its evidence.

use crate::model::{Model, Refinement};
use crate::noise::difference_noise;
use crate::regression::{GramSystem, integral};
use crate::shooting::{self, Columns, Shooting, Windows};
use crate::sparse::evidence_search;
use crate::{Library, Paths, SindyError};
use core::ops::ControlFlow;
use vecfield_data::Trajectories;
use vecfield_linalg::{Cholesky, dot};
use vecfield_optim::{LevenbergMarquardt, Options};

/// Price of a term beside its Occam factor, in units of `-2 log L`. Between 2 and 10 it hardly matters on the Lorenz system.
const PRICE: f64 = 5.0;
/// Price where there is no prior variance yet.
const START_PRICE: f64 = 13.0;
const START_WINDOWS: [usize; 3] = [15, 30, 60];
/// First windows, the next where a start leaves the data on the one before.
const FIRST_WINDOWS: [usize; 3] = [25, 12, 6];
const LAST_WINDOW: usize = 200;
const ROUNDS: usize = 4;
/// The most coefficients whose sensitivities are carried at once; time grows with their square.
const MOST_COEFFICIENTS: usize = 1000;
/// Integration steps in a gap of median length: the first guess, and the most.
const FIRST_STEPS: usize = 2;
const MOST_STEPS: usize = 32;
/// The share of the noise that the integration may err by, as a root mean square.
const INTEGRATION_SHARE: f64 = 0.05;
/// Noise below this fraction of a variable's size is rounding of the data or of the integration.
const NOISE_FLOOR: f64 = 1e-8;

/// Fits the equations of `data` over the first `selectable` features; `known` parts `(equation, feature)` are fixed at 1.
pub(crate) fn refine(
    data: &Trajectories,
    paths: &Paths,
    library: &Library,
    selectable: usize,
    known: &[(usize, usize)],
) -> Result<Model, SindyError> {
    if selectable * data.dim() > MOST_COEFFICIENTS {
        return Err(SindyError::TooManyFeatures { features: selectable, most: MOST_COEFFICIENTS / data.dim() });
    }
    let refiner = Refiner::new(data, paths, library, selectable, known);
    let (state, refinement) = refiner.run()?;
    let stderr = match refinement {
        Refinement::DidNotStart => refiner.regression_errors(&state)?,
        _ => refiner.standard_errors(&state),
    };
    Ok(Model {
        library: library.clone(),
        selectable,
        coefficients: state.theta,
        stderr,
        known: known.to_vec(),
        noise: state.sigma,
        derivative_r2: f64::NAN,
        trajectory_r2: None,
        refinement,
    })
}

struct Refiner<'a> {
    data: &'a Trajectories,
    paths: &'a Paths,
    library: &'a Library,
    p: usize,
    known: &'a [(usize, usize)],
    /// Noise by differences, and the least believed.
    noise: Vec<f64>,
    floor: Vec<f64>,
    longest: usize,
}

/// A model with the path it was fitted along.
#[derive(Clone)]
struct State {
    /// `[d, p]`.
    theta: Vec<f64>,
    sigma: Vec<f64>,
    /// States at every sample of every run: where windows start.
    path: Vec<Vec<f64>>,
    /// Samples in a window, 0 before any.
    window: usize,
    /// Integration steps in a gap of median length.
    steps: usize,
}

/// A fit on windows of one length.
struct Fitted {
    theta: Vec<f64>,
    /// Coefficients and initial states as the optimiser has them.
    x: Vec<f64>,
    path: Vec<Vec<f64>>,
    /// Unweighted residual squares per variable.
    squares: Vec<f64>,
    chi2: f64,
}

impl<'a> Refiner<'a> {
    fn new(
        data: &'a Trajectories,
        paths: &'a Paths,
        library: &'a Library,
        p: usize,
        known: &'a [(usize, usize)],
    ) -> Self {
        let floor: Vec<f64> = (0..data.dim()).map(|i| (NOISE_FLOOR * data.rms(i)).max(f64::MIN_POSITIVE)).collect();
        let by_differences = difference_noise(data);
        let noise = (0..data.dim())
            .map(|i| if by_differences[i] >= 0.0 { by_differences[i] } else { paths.noise()[i] }.max(floor[i]))
            .collect();
        let longest = data.runs().iter().map(|run| run.len()).max().unwrap_or(0);
        Self { data, paths, library, p, known, noise, floor, longest }
    }

    fn dim(&self) -> usize {
        self.data.dim()
    }

    fn run(&self) -> Result<(State, Refinement), SindyError> {
        let path = self.smoothed_path();
        let mut best: Option<(f64, State)> = None;
        let starts = self.start_lengths().into_iter().map(|len| self.start(len)).collect::<Result<Vec<_>, _>>()?;
        let mut len = 0;
        for first in FIRST_WINDOWS {
            let windows = Windows::new(self.data, first, FIRST_STEPS);
            for theta in &starts {
                let terms = theta.iter().filter(|c| **c != 0.0).count() as f64;
                let Some(fit) = self.fit(&windows, theta, &path, &self.noise, 8) else { continue };
                let score = fit.chi2 + 2.0 * PRICE * terms;
                if best.as_ref().is_none_or(|best| score < best.0) {
                    let (theta, sigma, path) = (fit.theta, self.noise.clone(), fit.path);
                    best = Some((score, State { theta, sigma, path, window: 0, steps: FIRST_STEPS }));
                }
            }
            if best.is_some() {
                len = first;
                break;
            }
        }
        let Some((_, mut state)) = best else {
            let theta = starts.into_iter().next().unwrap_or_else(|| vec![0.0; self.dim() * self.p]);
            return Ok((
                State { theta, sigma: self.noise.clone(), path, window: 0, steps: FIRST_STEPS },
                Refinement::DidNotStart,
            ));
        };
        while let Some(next) = self.stage(&state, len) {
            let grown = |i: usize| next.sigma[i] / state.sigma[i];
            let mean = (0..self.dim()).map(|i| grown(i).powi(2)).sum::<f64>() / self.dim() as f64;
            if state.window > 0 && (0..self.dim()).any(|i| grown(i) > 1.25) && mean > 1.2 {
                break; // longer windows do not fit: the model is not that good
            }
            state = next;
            if len >= LAST_WINDOW || len >= self.longest {
                break;
            }
            len = (2 * len).min(LAST_WINDOW);
        }
        let refinement =
            if state.window > 0 { Refinement::Shooting { window: state.window } } else { Refinement::DidNotStart };
        Ok((state, refinement))
    }

    fn start_lengths(&self) -> Vec<usize> {
        let fitting: Vec<usize> = START_WINDOWS.into_iter().filter(|len| 3 * len <= self.longest).collect();
        if fitting.is_empty() { vec![self.longest] } else { fitting }
    }

    fn smoothed_path(&self) -> Vec<Vec<f64>> {
        let runs = self.data.runs().iter().enumerate();
        runs.map(|(index, run)| {
            let at = |t: &f64| self.paths.run(index).iter().map(|curve| curve.value(*t)).collect::<Vec<_>>();
            run.times().iter().flat_map(at).collect()
        })
        .collect()
    }

    /// Integral matching on windows of `len` samples, a support per equation by its evidence.
    fn start(&self, len: usize) -> Result<Vec<f64>, SindyError> {
        let (d, p) = (self.dim(), self.p);
        let systems = integral(self.data, self.paths, self.library, len)?;
        let mut theta = vec![0.0; d * p];
        for (equation, system) in systems.iter().enumerate() {
            let fixed: Vec<usize> = self.known.iter().filter(|part| part.0 == equation).map(|part| part.1).collect();
            let system = system.reduced(p, &fixed);
            system.check_pairs(self.library)?;
            theta[equation * p..(equation + 1) * p].copy_from_slice(&self.start_equation(&system, equation));
        }
        Ok(theta)
    }

    fn start_equation(&self, system: &GramSystem, equation: usize) -> Vec<f64> {
        let p = self.p;
        let freedom = (system.rows as f64 - p as f64).max(10.0);
        let variance = (system.dense_rss() / freedom).max(self.noise[equation].powi(2));
        let m: Vec<f64> = system.gram.iter().map(|g| g / variance).collect();
        let h: Vec<f64> = system.rhs.iter().map(|h| h / variance).collect();
        let allowed = vec![true; p];
        let mut best: Option<(f64, Vec<bool>)> = None;
        for full in [false, true] {
            let mut found = evidence_search(&m, &h, &vec![full; p], &allowed, START_PRICE, None);
            for _ in 0..3 {
                let Some(theta) = solve_on(&m, &h, &found.support) else { break };
                let Some(prior) = prior_variance(&theta) else { break };
                found = evidence_search(&m, &h, &found.support, &allowed, PRICE, Some(prior));
            }
            if best.as_ref().is_none_or(|best| found.score < best.0) {
                best = Some((found.score, found.support));
            }
        }
        let support = best.map_or_else(|| vec![false; p], |best| best.1);
        solve_on(&m, &h, &support).unwrap_or_else(|| vec![0.0; p])
    }

    /// Terms with non-zero coefficients, then the known parts.
    fn model(&self, theta: &[f64]) -> Option<shooting::Model<'a>> {
        let (mut terms, mut coefficients) = (Vec::new(), Vec::new());
        for (at, &c) in theta.iter().enumerate() {
            if c != 0.0 {
                terms.push((at / self.p, at % self.p));
                coefficients.push(c);
            }
        }
        let free = terms.len();
        terms.extend(self.known);
        coefficients.resize(terms.len(), 1.0);
        shooting::Model::new(self.library, self.dim(), terms, coefficients, free).ok()
    }

    fn pack(&self, windows: &Windows, theta: &[f64], path: &[Vec<f64>]) -> Vec<f64> {
        let d = self.dim();
        let mut x: Vec<f64> = theta.iter().copied().filter(|c| *c != 0.0).collect();
        for window in &windows.windows {
            x.extend_from_slice(&path[window.run][window.first * d..(window.first + 1) * d]);
        }
        x
    }

    /// Levenberg–Marquardt over the non-zero coefficients and the windows' starts; `None` where the start blows up.
    fn fit(
        &self,
        windows: &Windows,
        theta: &[f64],
        path: &[Vec<f64>],
        sigma: &[f64],
        iterations: usize,
    ) -> Option<Fitted> {
        let mut x = self.pack(windows, theta, path);
        self.fit_from(windows, theta, &mut x, sigma, iterations)
    }

    fn fit_from(
        &self,
        windows: &Windows,
        theta: &[f64],
        x: &mut Vec<f64>,
        sigma: &[f64],
        iterations: usize,
    ) -> Option<Fitted> {
        let mut problem = Shooting::new(self.model(theta)?, windows, sigma);
        let options = Options { iterations, cost_tolerance: 1e-7, step_tolerance: 1e-9, ..Options::default() };
        let mut optimizer = LevenbergMarquardt::new(options);
        let summary = optimizer.minimize_structured(&mut problem, x, |_| ControlFlow::Continue(())).ok()?;
        let (path, squares) = problem.trajectory(x).ok()?;
        let mut fitted = theta.to_vec();
        for (c, value) in fitted.iter_mut().filter(|c| **c != 0.0).zip(&*x) {
            // A coefficient that lands on zero would fall out of the count; it is as good as the smallest number.
            *c = if *value == 0.0 { f64::MIN_POSITIVE } else { *value };
        }
        Some(Fitted { theta: fitted, x: x.clone(), path, squares, chi2: 2.0 * summary.cost })
    }

    /// Noise from residuals, one degree of freedom gone for each window and an equation's share of terms.
    fn noise_of(&self, windows: &Windows, fit: &Fitted) -> Vec<f64> {
        let terms = fit.theta.iter().filter(|c| **c != 0.0).count() as f64 / self.dim() as f64;
        (0..self.dim())
            .map(|i| {
                let n = self.data.observed(i).count() as f64;
                let freedom = (n - terms - windows.windows.len() as f64).max(0.3 * n);
                (fit.squares[i] / freedom).sqrt().max(self.floor[i])
            })
            .collect()
    }

    /// The largest root mean square, over variables, of what half the step changes, in units of the noise.
    fn integration_error(&self, windows: &Windows, fit: &Fitted, len: usize, steps: usize) -> f64 {
        let sigma = self.noise_of(windows, fit);
        let finer = Windows::new(self.data, len, 2 * steps);
        let Some(model) = self.model(&fit.theta) else { return 0.0 };
        let Ok((path, _)) = Shooting::new(model, &finer, &sigma).trajectory(&fit.x) else { return f64::INFINITY };
        let d = self.dim();
        let mut squares = vec![0.0; d];
        let mut count = 0.0;
        for (coarse, fine) in fit.path.iter().zip(&path) {
            for (a, b) in coarse.chunks(d).zip(fine.chunks(d)).filter(|(a, _)| a[0].is_finite()) {
                squares.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum += (a - b).powi(2));
                count += 1.0;
            }
        }
        squares.iter().zip(&sigma).map(|(square, s)| (square / f64::max(count, 1.0)).sqrt() / s).fold(0.0, f64::max)
    }

    /// `-2 log` evidence at `sigma`, up to a constant.
    fn objective(&self, windows: &Windows, fit: &Fitted, sigma: &[f64], prior: f64) -> Option<f64> {
        let mut problem = Shooting::new(self.model(&fit.theta)?, windows, sigma);
        let linear = problem.linearised(&fit.x, Columns::Free).ok()?;
        let k = linear.g.len();
        let chi2: f64 = fit.squares.iter().zip(sigma).map(|(square, s)| square / (s * s)).sum();
        let (scaled, logs) = unit_diagonal(&linear.m, k);
        let mut cholesky = Cholesky::new(k);
        cholesky.factorize(&scaled).ok()?;
        Some(chi2 + cholesky.log_det() + logs + k as f64 * (prior.ln() + PRICE))
    }

    /// A new support and its linear prediction, from the likelihood linearised for the whole library.
    fn propose(&self, windows: &Windows, fit: &Fitted, sigma: &[f64]) -> Option<(Vec<bool>, Vec<f64>, f64)> {
        let mut problem = Shooting::new(self.model(&fit.theta)?, windows, sigma);
        let linear = problem.linearised(&fit.x, Columns::All { features: self.p }).ok()?;
        let count = linear.g.len();
        let h: Vec<f64> =
            (0..count).map(|i| linear.g[i] + dot(&linear.m[i * count..(i + 1) * count], &fit.theta)).collect();
        let active: Vec<bool> = fit.theta.iter().map(|c| *c != 0.0).collect();
        let prior = prior_variance(&fit.theta).unwrap_or(1.0);
        let allowed = vec![true; count];
        let search = |start: &[bool]| evidence_search(&linear.m, &h, start, &allowed, PRICE, Some(prior));
        // Single moves from a crowded support may not reach a sparse one; growing from nothing does.
        let (kept, grown) = (search(&active), search(&vec![false; count]));
        let found = if grown.score < kept.score { grown } else { kept };
        let theta = solve_on(&linear.m, &h, &found.support)?;
        Some((found.support, theta, prior))
    }

    /// Fit, re-select and fit again on windows of `len` samples.
    fn stage(&self, state: &State, len: usize) -> Option<State> {
        let mut steps = state.steps;
        let mut windows = Windows::new(self.data, len, steps);
        let mut fit = self.fit(&windows, &state.theta, &state.path, &state.sigma, 15)?;
        let mut sigma = self.noise_of(&windows, &fit);
        // Where the noise is small the error of the integration must be smaller still, or terms are chosen to make up for it.
        while steps < MOST_STEPS && self.integration_error(&windows, &fit, len, steps) > INTEGRATION_SHARE {
            steps *= 2;
            windows = Windows::new(self.data, len, steps);
            let mut x = fit.x.clone();
            fit = self.fit_from(&windows, &fit.theta, &mut x, &sigma, 10)?;
            sigma = self.noise_of(&windows, &fit);
        }
        let mut x = fit.x.clone();
        fit = self.fit_from(&windows, &fit.theta, &mut x, &sigma, 10)?;
        let mut seen: Vec<Vec<bool>> = Vec::new();
        for _ in 0..ROUNDS {
            sigma = self.noise_of(&windows, &fit);
            let current: Vec<bool> = fit.theta.iter().map(|c| *c != 0.0).collect();
            let Some((support, predicted, prior)) = self.propose(&windows, &fit, &sigma) else { break };
            if support == current || seen.contains(&support) {
                break;
            }
            let Some(before) = self.objective(&windows, &fit, &sigma, prior) else { break };
            let chi2: f64 = fit.squares.iter().zip(&sigma).map(|(square, s)| square / (s * s)).sum();
            let better = self.try_support(&windows, &fit, &support, &predicted, &sigma, prior, before, chi2);
            seen.extend([current, support]);
            match better {
                Some(next) => fit = next,
                None => break,
            }
        }
        let sigma = self.noise_of(&windows, &fit);
        Some(State { theta: fit.theta, sigma, path: fit.path, window: len, steps })
    }

    /// Fits a proposed support from three starts; the first whose objective is below `before`.
    #[allow(clippy::too_many_arguments)]
    fn try_support(
        &self,
        windows: &Windows,
        fit: &Fitted,
        support: &[bool],
        predicted: &[f64],
        sigma: &[f64],
        prior: f64,
        before: f64,
        chi2: f64,
    ) -> Option<Fitted> {
        // A term that starts at zero must still count as one.
        let placed = |at: usize, value: f64| {
            if !support[at] {
                0.0
            } else if value == 0.0 {
                1e-12 * predicted[at].abs().max(1e-6)
            } else {
                value
            }
        };
        for share in [1.0, 0.0, 0.5] {
            let theta: Vec<f64> = (0..predicted.len())
                .map(|at| placed(at, share * predicted[at] + (1.0 - share) * fit.theta[at]))
                .collect();
            let Some(next) = self.fit(windows, &theta, &fit.path, sigma, 10) else { continue };
            if next.chi2 < chi2 + 200.0 + 0.2 * chi2
                && self.objective(windows, &next, sigma, prior).is_some_and(|after| after < before)
            {
                return Some(next);
            }
        }
        None
    }

    /// The standard errors of integral matching, for equations that could not be fitted through the solver.
    fn regression_errors(&self, state: &State) -> Result<Vec<f64>, SindyError> {
        let mut errors = Vec::new();
        for (equation, system) in
            integral(self.data, self.paths, self.library, self.start_lengths()[0])?.iter().enumerate()
        {
            let fixed: Vec<usize> = self.known.iter().filter(|part| part.0 == equation).map(|part| part.1).collect();
            let theta = &state.theta[equation * self.p..(equation + 1) * self.p];
            errors.extend(system.reduced(self.p, &fixed).standard_errors(theta)?);
        }
        Ok(errors)
    }

    /// `√diag (M_AA)⁻¹` at the last fit; NaN where the model cannot be linearised.
    fn standard_errors(&self, state: &State) -> Vec<f64> {
        let mut errors = vec![0.0; state.theta.len()];
        let active: Vec<usize> = (0..errors.len()).filter(|&at| state.theta[at] != 0.0).collect();
        let windows =
            Windows::new(self.data, if state.window > 0 { state.window } else { FIRST_WINDOWS[0] }, state.steps);
        let x = self.pack(&windows, &state.theta, &state.path);
        let inverse = self.model(&state.theta).and_then(|model| {
            let linear = Shooting::new(model, &windows, &state.sigma).linearised(&x, Columns::Free).ok()?;
            let k = active.len();
            let (scaled, _) = unit_diagonal(&linear.m, k);
            let mut cholesky = Cholesky::new(k);
            cholesky.factorize(&scaled).ok()?;
            let mut inverse = vec![0.0; k * k];
            cholesky.inverse_into(&mut inverse);
            Some((0..k).map(|i| (inverse[i * k + i] / linear.m[i * k + i]).sqrt()).collect::<Vec<_>>())
        });
        for (a, &at) in active.iter().enumerate() {
            errors[at] = inverse.as_ref().map_or(f64::NAN, |errors| errors[a]);
        }
        errors
    }
}

/// Mean square of the non-zero coefficients.
fn prior_variance(theta: &[f64]) -> Option<f64> {
    let count = theta.iter().filter(|c| **c != 0.0).count();
    (count > 0).then(|| (dot(theta, theta) / count as f64).max(1e-12))
}

/// `D^{-1/2} M D^{-1/2}` and `log det D` for `D = diag M`.
fn unit_diagonal(m: &[f64], k: usize) -> (Vec<f64>, f64) {
    let scale: Vec<f64> = (0..k).map(|i| m[i * k + i].max(f64::MIN_POSITIVE).sqrt()).collect();
    let scaled =
        (0..k * k).map(|at| m[at] / (scale[at / k] * scale[at % k]) + if at % (k + 1) == 0 { 1e-11 } else { 0.0 });
    (scaled.collect(), 2.0 * scale.iter().map(|s| s.ln()).sum::<f64>())
}

/// `M_AA⁻¹ h_A`, zero off the support.
fn solve_on(m: &[f64], h: &[f64], support: &[bool]) -> Option<Vec<f64>> {
    let p = h.len();
    let active: Vec<usize> = (0..p).filter(|&i| support[i]).collect();
    let k = active.len();
    let sub: Vec<f64> = (0..k * k).map(|at| m[active[at / k] * p + active[at % k]]).collect();
    let (scaled, _) = unit_diagonal(&sub, k);
    let mut cholesky = Cholesky::new(k);
    cholesky.factorize(&scaled).ok()?;
    let scale = |a: usize| sub[a * k + a].sqrt();
    let mut theta: Vec<f64> = (0..k).map(|a| h[active[a]] / scale(a)).collect();
    cholesky.solve(&mut theta);
    let mut full = vec![0.0; p];
    for (a, &i) in active.iter().enumerate() {
        full[i] = theta[a] / scale(a);
    }
    full.iter().all(|c| c.is_finite()).then_some(full)
}
