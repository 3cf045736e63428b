//! Fitting a family of fields to measured runs: constants and initial states together, by multiple shooting and
//! Levenberg–Marquardt, with windows that grow until each run is one.

use crate::AdjointError;
use crate::noise::{Loss, Noise};
use crate::shooting::{Differentiable, Measurement, Shooting, Window};
use core::ops::ControlFlow;
use vecfield_data::Trajectories;
use vecfield_optim::{LevenbergMarquardt, NormalEquations};

/// How a fit goes about it.
#[derive(Debug, Clone)]
pub struct FitOptions {
    /// Which state each column of the data measures.
    pub observed: Vec<usize>,
    /// The scale of residuals.
    pub noise: Noise,
    /// The cost of a residual.
    pub loss: Loss,
    /// Noise level per column, in the noise model's scale: the first guess where it is estimated.
    pub sigma: Vec<f64>,
    /// Is the noise level of each column estimated with the rest (maximum likelihood), or held?
    pub estimate_sigma: bool,
    /// Indices of the constants that are fitted, increasing.
    pub free: Vec<usize>,
    /// Bounds of the free constants, in the same order; empty when there are none.
    pub bounds: Vec<(f64, f64)>,
    /// States that are known at the first row of every run and keep the value the start gives them there.
    pub held_initial: Vec<usize>,
    /// Window lengths in rows, tried one after the other; [`usize::MAX`] makes each run one window.
    pub windows: Vec<usize>,
    /// Integration of the residuals.
    pub solver: vecfield_solvers::Options<f64>,
    /// Iterations and tolerances of each stage.
    pub optimizer: vecfield_optim::Options,
}

impl FitOptions {
    /// A plain fit: every one of `dim` states is measured, all `parameters` constants are free, noise levels start at
    /// `sigma` (one per column) and are estimated, runs are cut in windows of 20 rows and then taken whole, with squared
    /// losses and tight tolerances.
    pub fn new(dim: usize, parameters: usize, noise: Noise, sigma: Vec<f64>) -> Self {
        Self {
            observed: (0..dim).collect(),
            noise,
            loss: Loss::Squared,
            sigma,
            estimate_sigma: true,
            free: (0..parameters).collect(),
            bounds: vec![],
            held_initial: vec![],
            windows: vec![20, usize::MAX],
            solver: vecfield_solvers::Options::tolerances(1e-8, 1e-10),
            optimizer: vecfield_optim::Options::default(),
        }
    }

    /// What residuals are measured in, at these noise levels.
    pub(crate) fn measurement(&self, sigma: Vec<f64>) -> Measurement {
        Measurement { observed: self.observed.clone(), noise: self.noise, loss: self.loss, sigma }
    }
}

/// A fitted family.
#[derive(Debug, Clone)]
pub struct Fit {
    /// All constants, fitted and held.
    pub theta: Vec<f64>,
    /// Number of state components.
    pub dim: usize,
    /// The windows of the last stage, and the state at the start of each.
    pub windows: Vec<Window>,
    /// `[windows, dim]`.
    pub starts: Vec<f64>,
    /// States at every row of every run (`[rows, dim]`, run after run).
    pub states: Vec<f64>,
    /// Noise level per column, in the noise model's scale.
    pub sigma: Vec<f64>,
    /// Per column: the sum of squared residuals in the noise model's scale, and their number.
    pub misfit: Vec<(f64, usize)>,
    /// Half the weighted sum of losses.
    pub cost: f64,
    /// Trial steps of Levenberg–Marquardt, over all stages.
    pub iterations: usize,
    /// Did the last stage end in a minimum?
    pub converged: bool,
}

/// Where a fit starts: the constants, and a guess of the state at any row of any run.
pub struct Start<'a> {
    /// All constants of the family.
    pub theta: Vec<f64>,
    /// `state(run, row, out)` writes a guess of the state there.
    pub state: &'a dyn Fn(usize, usize, &mut [f64]),
}

/// Fits `family` to `data` from `start`.
///
/// Each stage cuts the runs into longer windows; a stage starts where the one before ended, its windows from that stage's
/// states. A stage that cannot even be integrated ends the fit with what came before, unless it is the first.
///
/// `observer` sees every trial step and may break the fit off, which returns the best so far with `converged = false`.
///
/// # Errors
///
/// [`AdjointError::Start`] when the first stage cannot be integrated from the start.
pub fn fit<F: Differentiable>(
    family: &F,
    data: &Trajectories,
    start: &Start<'_>,
    options: &FitOptions,
    observer: &mut dyn FnMut(usize, f64) -> ControlFlow<()>,
) -> Result<Fit, AdjointError> {
    let dim = vecfield_traits::ParametricField::<f64>::dim(family);
    let mut best: Option<Fit> = None;
    let mut sigma = options.sigma.clone();
    let mut theta = start.theta.clone();
    let mut iterations = 0;
    let mut stages: Vec<Vec<Window>> = options.windows.iter().map(|&length| Window::cut(data, length)).collect();
    stages.dedup();
    for windows in stages {
        let p = options.free.len();
        let mut x: Vec<f64> = options.free.iter().map(|&i| theta[i]).collect();
        x.resize(p + windows.len() * dim, 0.0);
        for (window, state) in windows.iter().zip(x[p..].chunks_exact_mut(dim)) {
            match &best {
                Some(fit) => state.copy_from_slice(fit.state(data, window.run, window.rows.start)),
                None => (start.state)(window.run, window.rows.start, state),
            }
        }
        let measurement = options.measurement(sigma.clone());
        let mut problem =
            Shooting::new(family, data, measurement, windows, options.free.clone(), &theta, &options.solver)?;
        match descend(&mut problem, &mut x, options, &mut iterations, observer) {
            Ok(end) => {
                sigma.copy_from_slice(problem.sigma());
                for (&index, &value) in options.free.iter().zip(&x) {
                    theta[index] = value;
                }
                best = Some(Fit::gather(&mut problem, &x, theta.clone(), end, iterations)?);
                if end.cancelled {
                    break;
                }
            }
            Err(error) if best.is_none() => return Err(error),
            Err(_) => {
                if let Some(fit) = &mut best {
                    fit.converged = false;
                }
                break;
            }
        }
    }
    best.ok_or(AdjointError::NoWindows)
}

/// Bounds of every unknown: those of the constants, and a point for a state that is known at its run's start.
fn limits<F: Differentiable>(problem: &Shooting<'_, F>, x: &[f64], options: &FitOptions) -> (Vec<f64>, Vec<f64>) {
    let p = options.free.len();
    let mut lower = vec![f64::NEG_INFINITY; x.len()];
    let mut upper = vec![f64::INFINITY; x.len()];
    for (k, &(low, high)) in options.bounds.iter().enumerate() {
        (lower[k], upper[k]) = (low, high);
    }
    for (k, _) in problem.windows().iter().enumerate().filter(|(_, window)| window.rows.start == 0) {
        for &state in &options.held_initial {
            let unknown = p + k * problem.dim() + state;
            (lower[unknown], upper[unknown]) = (x[unknown], x[unknown]);
        }
    }
    (lower, upper)
}

/// How a stage ended.
#[derive(Debug, Clone, Copy)]
struct End {
    converged: bool,
    cancelled: bool,
}

/// One stage: minimise, and where noise levels are estimated, alternate with their maximum-likelihood values (the residual
/// root mean squares) until they stand still.
fn descend<F: Differentiable>(
    problem: &mut Shooting<'_, F>,
    x: &mut [f64],
    options: &FitOptions,
    iterations: &mut usize,
    observer: &mut dyn FnMut(usize, f64) -> ControlFlow<()>,
) -> Result<End, AdjointError> {
    /// Alternations: each is a Newton-like step, four or five reach six digits.
    const ROUNDS: usize = 12;
    /// Relative change of every noise level at which they stand still.
    const STILL: f64 = 1e-5;
    let floor: Vec<f64> = options.sigma.iter().map(|s| 1e-9 * s).collect();
    let mut minimizer = LevenbergMarquardt::new(options.optimizer.clone());
    if !options.bounds.is_empty() || !options.held_initial.is_empty() {
        let (lower, upper) = limits(problem, x, options);
        minimizer = minimizer.bounded(&lower, &upper)?;
    }
    let mut end = End { converged: false, cancelled: false };
    for _ in 0..if options.estimate_sigma { ROUNDS } else { 1 } {
        let before = *iterations;
        let summary = minimizer
            .minimize_structured(problem, x, |progress| observer(before + progress.iteration, progress.cost))?;
        *iterations += summary.iterations;
        end = End { converged: summary.stop.converged(), cancelled: summary.stop == vecfield_optim::Stop::Cancelled };
        if !options.estimate_sigma || end.cancelled {
            break;
        }
        let old = problem.sigma().to_vec();
        problem.cost(x).map_err(|_| AdjointError::Lost)?;
        problem.reweigh(&floor);
        if old.iter().zip(problem.sigma()).all(|(a, b)| (a - b).abs() <= STILL * a) {
            break;
        }
    }
    Ok(end)
}

impl Fit {
    /// Evaluates everything a result holds at `x`.
    fn gather<F: Differentiable>(
        problem: &mut Shooting<'_, F>,
        x: &[f64],
        theta: Vec<f64>,
        end: End,
        iterations: usize,
    ) -> Result<Self, AdjointError> {
        let cost = problem.cost(x).map_err(|_| AdjointError::Lost)?;
        let mut states = vec![0.0; problem.data().row_count() * problem.dim()];
        let mut at = 0;
        for k in 0..problem.windows().len() {
            let size = problem.windows()[k].rows.len() * problem.dim();
            problem.states_into(x, k, &mut states[at..at + size])?;
            at += size;
        }
        let p = x.len() - problem.windows().len() * problem.dim();
        Ok(Self {
            theta,
            dim: problem.dim(),
            windows: problem.windows().to_vec(),
            starts: x[p..].to_vec(),
            states,
            sigma: problem.sigma().to_vec(),
            misfit: problem.misfit().to_vec(),
            cost,
            iterations,
            converged: end.converged,
        })
    }

    /// The states that these constants and starts give at the rows of `data`, cut into `windows` (as many as the fit's own, in
    /// the same order): the same solution on another table of times.
    ///
    /// # Errors
    ///
    /// [`AdjointError::Solve`] when a window cannot be integrated.
    pub fn replay<F: Differentiable>(
        &self,
        family: &F,
        data: &Trajectories,
        windows: &[Window],
        options: &FitOptions,
    ) -> Result<Vec<f64>, AdjointError> {
        let measurement = options.measurement(self.sigma.clone());
        let mut problem =
            Shooting::new(family, data, measurement, windows.to_vec(), vec![], &self.theta, &options.solver)?;
        let mut states = vec![0.0; windows.iter().map(|w| w.rows.len() * self.dim).sum()];
        let mut rest = &mut states[..];
        for (k, window) in windows.iter().enumerate() {
            let (own, after) = rest.split_at_mut(window.rows.len() * self.dim);
            problem.states_into(&self.starts, k, own)?;
            rest = after;
        }
        Ok(states)
    }

    /// The fitted state at a row of a run.
    pub fn state(&self, data: &Trajectories, run: usize, row: usize) -> &[f64] {
        let before: usize = data.runs()[..run].iter().map(vecfield_data::Trajectory::len).sum();
        &self.states[(before + row) * self.dim..(before + row + 1) * self.dim]
    }
}
