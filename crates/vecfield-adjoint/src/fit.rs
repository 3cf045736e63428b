//! Fitting a family of fields to measured runs: constants and initial states together, by multiple shooting and
//! Levenberg–Marquardt, with windows that grow until each run is one.

mod arrow;
mod checkpoint;
mod engine;
mod family;
mod matching;
mod noise;
mod options;
mod profile;
mod shooting;
mod uncertainty;
mod unknowns;

use core::ops::ControlFlow;

use vecfield_data::Trajectories;
use vecfield_optim::{LevenbergMarquardt, NormalEquations, Standing, Stop};
use vecfield_traits::ParametricField;

use crate::AdjointError;
pub use checkpoint::{Checkpoint, Finished};
pub use family::{Borrowed, Differentiable};
pub use noise::{Loss, Noise};
pub use options::{Belief, FitOptions, Initial, Observed, Prior, Quantity, Scale};
pub use profile::{CHI_SQUARE_95, Profile};
pub use shooting::{Shooting, Window};
pub use uncertainty::{Blind, Uncertainty};
use unknowns::Unknowns;

/// A fitted family.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// All constants, fitted and held; those that differ between runs as the first run has them.
    pub theta: Vec<f64>,
    /// Constants of every run, `[runs, parameters]`.
    pub thetas: Vec<f64>,
    /// Number of state components.
    pub dim: usize,
    /// The windows of the last stage, and the state at the start of each.
    pub windows: Vec<Window>,
    /// `[windows, dim]`.
    pub starts: Vec<f64>,
    /// States at every row of every run (`[rows, dim]`, run after run).
    pub states: Vec<f64>,
    /// What the columns measure at every row of every run (`[rows, columns]`), as the fit has it.
    pub predicted: Vec<f64>,
    /// Noise level per column, in the noise model's scale.
    pub sigma: Vec<f64>,
    /// Per column: the sum of squared residuals in the noise model's scale, and their number.
    pub misfit: Vec<(f64, usize)>,
    /// Half the weighted sum of losses, and of squared residuals of the priors.
    pub cost: f64,
    /// Trial steps of Levenberg–Marquardt, over all stages.
    pub iterations: usize,
    /// Did the last stage end in a minimum?
    pub converged: bool,
    /// Where it can be taken up again, if the observer broke it off.
    pub checkpoint: Option<Checkpoint>,
    /// The unknowns of the last stage: constants in their scales, then the start of every window.
    pub x: Vec<f64>,
}

/// Where a fit starts: the constants, and a guess of the state at any row of any run.
pub struct Start<'a> {
    /// All constants of the family, `[parameters]`; or those of every run, `[runs, parameters]`, where some that are held differ between
    /// runs.
    pub theta: Vec<f64>,
    /// `state(run, row, out)` writes a guess of the state there.
    pub state: &'a dyn Fn(usize, usize, &mut [f64]),
}

/// A look at a fit, before each trial step.
pub struct Progress<'a> {
    /// Trial steps so far, over all stages.
    pub iteration: usize,
    /// Half the weighted sum of losses of the best point of this stage.
    pub cost: f64,
    /// Which stage, from zero.
    pub stage: usize,
    /// How many there are.
    pub stages: usize,
    make: &'a dyn Fn() -> Checkpoint,
}

impl Progress<'_> {
    /// All that is needed to go on from here with [`resume`].
    pub fn checkpoint(&self) -> Checkpoint {
        (self.make)()
    }
}

/// What looks at a fit, and may break it off.
pub type FitObserver<'a> = &'a mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>;

/// Fits `family` to `data` from `start`.
///
/// Each stage cuts the runs into longer windows; a stage starts where the one before ended, its windows from that stage's
/// states. A stage that cannot even be integrated ends the fit with what came before, unless it is the first.
///
/// `observer` sees every trial step and may break the fit off, which returns the best so far with `converged = false` and a
/// [`Checkpoint`] to go on from.
///
/// # Errors
///
/// Why the first stage cannot be integrated from the start; options that cannot be used.
pub fn fit<F: Differentiable>(
    family: &F,
    data: &Trajectories,
    start: &Start<'_>,
    options: &FitOptions,
    observer: FitObserver<'_>,
) -> Result<Fit, AdjointError> {
    Course::new(family, data, options, start)?.run(None, observer)
}

/// Goes on with a fit that was broken off, as if it had not been: with the same family, data, start and options the same bits come
/// out.
///
/// # Errors
///
/// As [`fit`]; [`AdjointError::Checkpoint`] for one that belongs to another fit.
pub fn resume<F: Differentiable>(
    family: &F,
    data: &Trajectories,
    start: &Start<'_>,
    checkpoint: &Checkpoint,
    options: &FitOptions,
    observer: FitObserver<'_>,
) -> Result<Fit, AdjointError> {
    let mut course = Course::new(family, data, options, start)?;
    course.take_up(checkpoint)?;
    course.run(Some(checkpoint), observer)
}

/// A fit on its way through the stages.
struct Course<'a, F: Differentiable> {
    family: &'a F,
    data: &'a Trajectories,
    options: &'a FitOptions,
    start: &'a Start<'a>,
    stages: Vec<Stage>,
    /// Constants of every run, `[runs, parameters]`.
    thetas: Vec<f64>,
    sigma: Vec<f64>,
    iterations: usize,
    best: Option<Fit>,
    finished: Option<Finished>,
    /// An unknown that stays where it is.
    pinned: Option<usize>,
}

/// A minimisation: how the runs are cut, and from which constants it starts where that is not where the stage before ended.
struct Stage {
    windows: Vec<Window>,
    thetas: Option<Vec<f64>>,
}

/// How a stage ended.
struct End {
    converged: bool,
    checkpoint: Option<Checkpoint>,
}

impl<'a, F: Differentiable> Course<'a, F> {
    fn new(
        family: &'a F,
        data: &'a Trajectories,
        options: &'a FitOptions,
        start: &'a Start<'a>,
    ) -> Result<Self, AdjointError> {
        let beginnings = options.horizons.iter().map(|&rows| Window::beginnings(data, rows));
        let mut cuts: Vec<Vec<Window>> =
            beginnings.chain(options.windows.iter().map(|&length| Window::cut(data, length))).collect();
        cuts.dedup();
        let (parameters, runs) = (ParametricField::<f64>::parameter_count(family), data.runs().len());
        let thetas = if start.theta.len() == parameters { start.theta.repeat(runs) } else { start.theta.clone() };
        assert_eq!(thetas.len(), parameters * runs, "a start has all constants, once or for every run");
        let mut stages: Vec<Stage> = cuts.into_iter().map(|windows| Stage { windows, thetas: None }).collect();
        if let Some(first) = stages.first_mut() {
            first.thetas = Some(thetas.clone());
            let windows = first.windows.clone();
            let matched = match options.match_first {
                true => matching::matched(family, data, options, &thetas, start)?,
                false => None,
            };
            if let Some(matched) = matched.filter(|matched| *matched != thetas) {
                stages.insert(0, Stage { windows, thetas: Some(matched) });
            }
        }
        let sigma = options.sigma.clone();
        Ok(Self {
            family,
            data,
            options,
            start,
            stages,
            thetas,
            sigma,
            iterations: 0,
            best: None,
            finished: None,
            pinned: None,
        })
    }

    fn problem(&self, windows: &[Window]) -> Result<Shooting<'a, F>, AdjointError> {
        Shooting::new(self.family, self.data, self.options, windows.to_vec(), &self.thetas, self.sigma.clone())
    }

    /// Where a stage starts.
    fn unknowns(&mut self, stage: usize) -> Result<Vec<f64>, AdjointError> {
        let Stage { windows, thetas } = &self.stages[stage];
        if let Some(thetas) = thetas {
            self.thetas.clone_from(thetas);
            self.sigma.clone_from(&self.options.sigma);
        }
        let dim = ParametricField::<f64>::dim(self.family);
        let layout = Unknowns::new(self.options, self.data.runs().len(), &self.thetas, dim);
        let mut x = layout.constants_of(&self.thetas)?;
        let constants = x.len();
        x.resize(constants + windows.len() * dim, 0.0);
        for (window, state) in windows.iter().zip(x[constants..].chunks_exact_mut(dim)) {
            match &self.best {
                Some(fit) if thetas.is_none() => {
                    state.copy_from_slice(fit.state(self.data, window.run, window.rows.start));
                }
                _ => (self.start.state)(window.run, window.rows.start, state),
            }
        }
        Ok(x)
    }

    /// All stages, or those that are left.
    fn run(&mut self, mut checkpoint: Option<&Checkpoint>, observer: FitObserver<'_>) -> Result<Fit, AdjointError> {
        let mut refused = AdjointError::NoWindows;
        for stage in checkpoint.map_or(0, |checkpoint| checkpoint.stage)..self.stages.len() {
            let mut x = match checkpoint {
                Some(checkpoint) => checkpoint.x.clone(),
                None => self.unknowns(stage)?,
            };
            let mut problem = self.problem(&self.stages[stage].windows)?;
            match self.descend(stage, &mut problem, &mut x, checkpoint.take(), observer) {
                Ok(end) => {
                    self.sigma.copy_from_slice(problem.sigma());
                    self.thetas = problem.unknowns().thetas(&x);
                    self.finish(stage, &mut problem, x, end.converged)?;
                    if let (Some(fit), Some(checkpoint)) = (&mut self.best, end.checkpoint) {
                        fit.checkpoint = Some(checkpoint);
                        fit.converged = false;
                        break;
                    }
                }
                // Another start may be better.
                Err(error) if self.stages.get(stage + 1).is_some_and(|next| next.thetas.is_some()) => refused = error,
                Err(error) if self.best.is_none() => return Err(error),
                Err(_) if self.stages[stage].thetas.is_some() => self.go_back(),
                Err(_) => {
                    if let Some(fit) = &mut self.best {
                        fit.converged = false;
                    }
                    break;
                }
            }
        }
        let best = self.best.take().ok_or(refused)?;
        Ok(if Window::cover(&best.windows, self.data) { best } else { self.extended(best) })
    }

    /// A fit of the beginnings of the runs, continued to their ends as far as that goes.
    fn extended(&self, fit: Fit) -> Fit {
        let whole = Window::cut(self.data, usize::MAX);
        let continued = self
            .problem(&whole)
            .and_then(|mut problem| Fit::gather(&mut problem, fit.x.clone(), fit.iterations, false));
        match continued {
            Ok(continued) => Fit { checkpoint: fit.checkpoint, ..continued },
            Err(_) => fit,
        }
    }

    /// Keeps the end of a stage: of two starts the better one.
    fn finish(
        &mut self,
        stage: usize,
        problem: &mut Shooting<'_, F>,
        x: Vec<f64>,
        converged: bool,
    ) -> Result<(), AdjointError> {
        let fit = Fit::gather(problem, x.clone(), self.iterations, converged)?;
        let rival = self.best.as_ref().filter(|_| self.stages[stage].thetas.is_some());
        if rival.is_some_and(|rival| rival.deviance() <= fit.deviance()) {
            self.go_back();
            return Ok(());
        }
        let (sigma, thetas, iterations) = (self.sigma.clone(), self.thetas.clone(), self.iterations);
        self.finished = Some(Finished { stage, thetas, x, sigma, iterations, converged });
        self.best = Some(fit);
        Ok(())
    }

    /// Back to the best so far.
    fn go_back(&mut self) {
        if let Some(finished) = &self.finished {
            self.thetas.clone_from(&finished.thetas);
            self.sigma.clone_from(&finished.sigma);
        }
        if let Some(fit) = &mut self.best {
            fit.iterations = self.iterations;
        }
    }

    /// Puts itself where the checkpoint was made.
    fn take_up(&mut self, checkpoint: &Checkpoint) -> Result<(), AdjointError> {
        let dim = ParametricField::<f64>::dim(self.family);
        let parameters = ParametricField::<f64>::parameter_count(self.family) * self.data.runs().len();
        if checkpoint.thetas.len() != parameters {
            return Err(AdjointError::Checkpoint);
        }
        let layout = Unknowns::new(self.options, self.data.runs().len(), &checkpoint.thetas, dim);
        let size = |stage: usize| self.stages.get(stage).map(|stage| layout.constants() + stage.windows.len() * dim);
        let fits =
            |stage: usize, x: &[f64], sigma: &[f64]| size(stage) == Some(x.len()) && sigma.len() == self.sigma.len();
        let standing = checkpoint.standing.as_ref().is_none_or(|s| s.scale.len() == checkpoint.x.len());
        let before = checkpoint.before.as_ref();
        let before_fits = before.is_none_or(|b| fits(b.stage, &b.x, &b.sigma) && b.thetas.len() == parameters);
        if !(fits(checkpoint.stage, &checkpoint.x, &checkpoint.sigma) && standing && before_fits) {
            return Err(AdjointError::Checkpoint);
        }
        if let Some(before) = before {
            self.sigma.clone_from(&before.sigma);
            self.thetas.clone_from(&before.thetas);
            self.iterations = before.iterations;
            let mut problem = self.problem(&self.stages[before.stage].windows)?;
            self.finish(before.stage, &mut problem, before.x.clone(), before.converged)?;
        }
        self.thetas.clone_from(&checkpoint.thetas);
        self.sigma.clone_from(&checkpoint.sigma);
        self.iterations = checkpoint.iterations;
        Ok(())
    }

    /// One stage: minimise, and where noise levels are estimated, alternate with their maximum-likelihood values (the residual
    /// root mean squares) until they stand still.
    fn descend(
        &mut self,
        stage: usize,
        problem: &mut Shooting<'_, F>,
        x: &mut [f64],
        checkpoint: Option<&Checkpoint>,
        observer: FitObserver<'_>,
    ) -> Result<End, AdjointError> {
        /// Alternations: each is a Newton-like step, four or five reach six digits.
        const ROUNDS: usize = 12;
        /// Relative change of every noise level at which they stand still.
        const STILL: f64 = 1e-5;
        /// Share of the cost that the solver's error can hide.
        const ROUNDING: f64 = 1e-6;
        let options = self.options;
        let floor: Vec<f64> = options.sigma.iter().map(|s| 1e-9 * s).collect();
        let mut minimizer = LevenbergMarquardt::new(options.optimizer.clone());
        let held = !problem.unknowns().free(problem.windows(), options).iter().all(|free| *free);
        if held || !options.bounds.is_empty() || self.pinned.is_some() {
            let (mut lower, mut upper) = problem.unknowns().limits(x, problem.windows(), options);
            if let Some(pinned) = self.pinned {
                (lower[pinned], upper[pinned]) = (x[pinned], x[pinned]);
            }
            minimizer = minimizer.bounded(&lower, &upper)?;
        }
        let mut standing = checkpoint.and_then(|checkpoint| checkpoint.standing.clone());
        let mut converged = false;
        let estimate_sigma = options.estimate_sigma && Window::cover(problem.windows(), self.data);
        for round in checkpoint.map_or(0, |c| c.round)..if estimate_sigma { ROUNDS } else { 1 } {
            let before = self.iterations;
            let sigma = problem.sigma().to_vec();
            let mut broken = None;
            let mut look = |progress: vecfield_optim::Progress<'_>| {
                let make = || Checkpoint {
                    stage,
                    round,
                    thetas: self.thetas.clone(),
                    x: progress.x.to_vec(),
                    sigma: sigma.clone(),
                    iterations: before,
                    standing: Some(progress.standing()),
                    before: self.finished.clone(),
                };
                let shown = Progress {
                    iteration: before + progress.iteration,
                    cost: progress.cost,
                    stage,
                    stages: self.stages.len(),
                    make: &make,
                };
                let flow = observer(&shown);
                if flow.is_break() {
                    broken = Some(make());
                }
                flow
            };
            let minimized = match standing.take() {
                Some(standing) => minimizer.resume_structured(problem, x, &standing, &mut look),
                None => minimizer.minimize_structured(problem, x, &mut look),
            };
            let summary = minimized.map_err(|error| match error {
                vecfield_optim::OptimError::InfeasibleStart => problem.trouble(),
                other => other.into(),
            })?;
            self.iterations = before + summary.iterations;
            // Where the cost does not fall although next to nothing was to be gained, what is left is the error of the integration.
            converged = summary.stop.converged()
                || summary.stop == Stop::NoProgress && summary.promised <= ROUNDING * summary.cost;
            if summary.stop == Stop::Cancelled {
                return Ok(End { converged: false, checkpoint: broken });
            }
            if !estimate_sigma {
                break;
            }
            problem.cost(x).map_err(|_| AdjointError::Lost)?;
            problem.reweigh(&floor);
            if sigma.iter().zip(problem.sigma()).all(|(a, b)| (a - b).abs() <= STILL * a) {
                break;
            }
        }
        Ok(End { converged, checkpoint: None })
    }
}

impl Fit {
    /// Evaluates everything a result holds at `x`.
    fn gather<F: Differentiable>(
        problem: &mut Shooting<'_, F>,
        x: Vec<f64>,
        iterations: usize,
        converged: bool,
    ) -> Result<Self, AdjointError> {
        let cost = problem.cost(&x).map_err(|_| AdjointError::Lost)?;
        let (data, dim) = (problem.data(), problem.dim());
        let mut states = vec![f64::NAN; data.row_count() * dim];
        let mut predicted = vec![f64::NAN; data.row_count() * data.dim()];
        for k in 0..problem.windows().len() {
            let Window { run, rows } = problem.windows()[k].clone();
            let at = row_of(data, run, rows.start);
            let own = &mut states[at * dim..(at + rows.len()) * dim];
            problem.states_into(&x, k, own)?;
            problem.predict(k, own, &mut predicted[at * data.dim()..(at + rows.len()) * data.dim()]);
        }
        let thetas = problem.unknowns().thetas(&x);
        let constants = problem.unknowns().constants();
        let mut starts = x[constants..].to_vec();
        for (k, start) in starts.chunks_exact_mut(dim.max(1)).enumerate() {
            problem.start_into(&x, k, start);
        }
        Ok(Self {
            theta: thetas[..problem.unknowns().parameters()].to_vec(),
            thetas,
            dim,
            windows: problem.windows().to_vec(),
            starts,
            states,
            predicted,
            sigma: problem.sigma().to_vec(),
            misfit: problem.misfit().to_vec(),
            cost,
            iterations,
            converged,
            checkpoint: None,
            x,
        })
    }

    /// The states that these constants and starts give at the rows of `data`, cut into `windows` (as many as the fit's own, in
    /// the same order): the same solution on another table of times.
    ///
    /// # Errors
    ///
    /// When a window cannot be integrated.
    pub fn replay<F: Differentiable>(
        &self,
        family: &F,
        data: &Trajectories,
        windows: &[Window],
        options: &FitOptions,
    ) -> Result<Vec<f64>, AdjointError> {
        let mut problem = Shooting::new(family, data, options, windows.to_vec(), &self.thetas, self.sigma.clone())?;
        let mut states = vec![0.0; windows.iter().map(|w| w.rows.len() * self.dim).sum()];
        let mut rest = &mut states[..];
        for (k, window) in windows.iter().enumerate() {
            let (own, after) = rest.split_at_mut(window.rows.len() * self.dim);
            problem.states_into(&self.x, k, own)?;
            rest = after;
        }
        Ok(states)
    }

    /// `-2 ln` of the likelihood (times the priors), up to a constant of the data.
    pub fn deviance(&self) -> f64 {
        let levels = self.misfit.iter().zip(&self.sigma).map(|((_, n), sigma)| 2.0 * *n as f64 * sigma.ln());
        2.0 * self.cost + levels.sum::<f64>()
    }

    /// The constants of a run.
    pub fn theta_of(&self, run: usize) -> &[f64] {
        let parameters = self.theta.len();
        &self.thetas[run * parameters..(run + 1) * parameters]
    }

    /// The fitted state at a row of a run.
    pub fn state(&self, data: &Trajectories, run: usize, row: usize) -> &[f64] {
        let at = row_of(data, run, row);
        &self.states[at * self.dim..(at + 1) * self.dim]
    }

    /// What the columns measure at a row of a run, as the fit has it.
    pub fn prediction(&self, data: &Trajectories, run: usize, row: usize) -> &[f64] {
        let at = row_of(data, run, row);
        &self.predicted[at * data.dim()..(at + 1) * data.dim()]
    }
}

fn row_of(data: &Trajectories, run: usize, row: usize) -> usize {
    data.runs()[..run].iter().map(vecfield_data::Trajectory::len).sum::<usize>() + row
}
