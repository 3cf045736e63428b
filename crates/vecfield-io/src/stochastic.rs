//! The paths of a problem with `[noise]`, solved, and what they have in common.

use std::sync::atomic::{AtomicU64, Ordering};

use vecfield_expr::{CompileError, ParseError, Program, StochasticAt, StochasticFormulas};
use vecfield_solvers::Stats;
use vecfield_solvers::sde::{Brownian, SdeError, SdeMethod, SdeSolution, Simulation, Steps};
use vecfield_traits::{Calculus, DriftDiffusion, Noise};

use crate::moments::{Moments, mean_and_variance};
use crate::problem::{Problem, SettingError, Stochastic};
use crate::system::System;

/// A stochastic problem, made ready.
#[derive(Debug, Clone)]
pub struct StochasticSolver {
    system: System,
    formulas: StochasticFormulas,
    method: SdeMethod,
    motion: Brownian,
    span: (f64, f64),
    save: Vec<f64>,
    steps: Steps,
    paths: u64,
    initial: Vec<f64>,
    /// Over `t`, variables and parameters.
    expectations: Vec<(String, Program)>,
}

/// Why a stochastic problem cannot be solved as it stands, or was not.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StochasticError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A formula does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The method, the steps or the motion.
    #[error(transparent)]
    Sde(#[from] SdeError),
    /// A method for ordinary equations.
    #[error("`{method}` is for ordinary equations, and [noise] makes this a stochastic one; use `{instead}`")]
    OrdinaryMethod {
        /// The method.
        method: &'static str,
        /// One that solves it.
        instead: &'static str,
    },
    /// An initial value is no number.
    #[error(
        "the initial value of `{variable}` is {value}, which is not finite; change its formula or the parameters in it"
    )]
    Initial {
        /// The variable.
        variable: String,
        /// Its value.
        value: f64,
    },
    /// A quantity whose mean is wanted cannot be read.
    #[error("{reason}")]
    Quantity {
        /// Why.
        reason: ParseError,
    },
    /// A quantity is no number on some path.
    #[error(
        "{text} is {value} on path {path} at t = {t}; its mean is no number then: choose a quantity that is one wherever paths go"
    )]
    NoMean {
        /// The quantity.
        text: String,
        /// The first path on which it is none.
        path: usize,
        /// When.
        t: f64,
        /// What it is there.
        value: f64,
    },
    /// More than would fit into memory.
    #[error("{paths} paths with {times} times each are more numbers than the limit of {most}; ask for fewer of either")]
    TooLarge {
        /// How many paths.
        paths: u64,
        /// How many times.
        times: usize,
        /// The largest number of numbers.
        most: usize,
    },
}

/// Two gigabytes.
const MOST: usize = 1 << 28;
/// Paths of a problem that does not say how many.
const DEFAULT_PATHS: u64 = 1000;
/// Steps of a run that says neither how long they are nor how exact.
const DEFAULT_STEPS: f64 = 1000.0;

impl StochasticSolver {
    /// Prepares `problem`, or nothing if it has no noise; `seed` fixes the motion, and the means of the quantities `expect` are
    /// wanted too: formulas over `t`, variables, parameters and definitions.
    ///
    /// # Errors
    ///
    /// [`StochasticError`].
    pub fn new(problem: &Problem, seed: u64, expect: &[String]) -> Result<Option<Self>, StochasticError> {
        let Some(noise) = problem.noise() else { return Ok(None) };
        let settings = problem.settings();
        settings.check(problem.variables().len())?;
        let (span, save) = settings.save_times()?;
        let system = System::new(problem)?;
        let initial = system.initial(system.theta());
        if let Some(i) = initial.iter().position(|v| !v.is_finite()) {
            return Err(StochasticError::Initial { variable: system.components()[i].clone(), value: initial[i] });
        }
        let formulas = formulas(problem, noise, &system)?;
        let field = formulas.at(system.theta().to_vec());
        let suited = suited_to(&field);
        if let Some(method) = settings.method().filter(|method| method.name() != "auto") {
            return Err(StochasticError::OrdinaryMethod { method: method.name(), instead: suited.name() });
        }
        let method = settings.stochastic_method().unwrap_or(suited);
        let steps = match (settings.step(), settings.tolerances_given()) {
            (Some(step), _) => Steps::Fixed(step),
            // The error of a path is in the norm of all variables: one absolute tolerance, the finest.
            (None, true) => {
                let atol = settings.atol().iter().copied().fold(f64::INFINITY, f64::min);
                Steps::Adaptive { rtol: settings.rtol(), atol }
            }
            (None, false) => Steps::Fixed((span.1 - span.0).abs() / DEFAULT_STEPS),
        };
        let motion = motion(seed, span, steps)?.with_areas(method.areas());
        Simulation::new(&field, method, motion, span, steps)?;
        let paths = settings.paths().unwrap_or(DEFAULT_PATHS);
        let size = (save.len() * initial.len()).saturating_mul(paths as usize);
        if size > MOST {
            return Err(StochasticError::TooLarge { paths, times: save.len(), most: MOST });
        }
        let expectations = expect.iter().map(|text| quantity(problem, text)).collect::<Result<_, _>>()?;
        Ok(Some(Self { system, formulas, method, motion, span, save, steps, paths, initial, expectations }))
    }

    /// The compiled problem.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// How many paths there are.
    pub fn paths(&self) -> u64 {
        self.paths
    }

    /// Solves every path on the threads of the current pool; the result is the same on any number of them. `goes_on` is told how
    /// many more have ended, and says whether to go on.
    ///
    /// # Errors
    ///
    /// [`SdeError::NotFinite`] and its like, and [`StochasticError::NoMean`].
    pub fn solve(&self, goes_on: &(dyn Fn(usize) -> bool + Sync)) -> Result<StochasticRun, StochasticError> {
        let field = Counted { field: self.formulas.at(self.system.theta().to_vec()), evaluations: AtomicU64::new(0) };
        let simulation = Simulation::new(&field, self.method, self.motion, self.span, self.steps)?;
        let solution = simulation.solve_parallel(&self.initial, 0..self.paths, &self.save, goes_on)?;
        let moments = Moments::of_columns(&solution.y, solution.times.len(), solution.dim);
        let expectations = self.expectations.iter().map(|(text, program)| self.mean(text, program, &solution));
        let stats = Stats {
            steps: solution.steps,
            rejected: solution.rejected,
            rhs_evals: field.evaluations.into_inner(),
            ..Stats::default()
        };
        let expectations = expectations.collect::<Result<_, _>>()?;
        Ok(StochasticRun { method: self.method.name(), solution, moments, expectations, stats })
    }

    fn mean(&self, text: &str, program: &Program, solution: &SdeSolution) -> Result<Expectation, StochasticError> {
        let (paths, theta) = (solution.paths, self.system.theta());
        let constants: Vec<Vec<f64>> = theta.iter().map(|&value| vec![value; paths]).collect();
        let mut values = vec![0.0; paths];
        let mut registers = program.row_registers();
        let (mut mean, mut stderr) = (Vec::new(), Vec::new());
        for (k, &t) in solution.times.iter().enumerate() {
            let times = vec![t; paths];
            let states = solution.at(k).chunks_exact(paths);
            let columns = [&times[..]].into_iter().chain(states).chain(constants.iter().map(Vec::as_slice));
            program.eval_rows(&columns.collect::<Vec<_>>(), &mut [&mut values], &mut registers);
            if let Some(path) = values.iter().position(|value| !value.is_finite()) {
                return Err(StochasticError::NoMean { text: text.into(), path, t, value: values[path] });
            }
            let (mean_now, variance) = mean_and_variance(&values);
            mean.push(mean_now);
            stderr.push((variance / paths as f64).sqrt());
        }
        Ok(Expectation { text: text.into(), mean, stderr })
    }
}

fn formulas(problem: &Problem, noise: &Stochastic, system: &System) -> Result<StochasticFormulas, CompileError> {
    let mut graph = problem.graph().clone();
    let drift: Vec<_> = problem.variables().iter().map(|variable| variable.rate).collect();
    let (variables, parameters) = (system.variables(), system.parameters());
    StochasticFormulas::new(&mut graph, &drift, &noise.diffusion, variables, parameters, noise.calculus)
}

/// What `auto` means: formulas have the derivatives that Milstein's method asks for.
fn suited_to(field: &StochasticAt<'_>) -> SdeMethod {
    let suited = SdeMethod::suited_to(field.calculus(), field.noise());
    let better = SdeMethod::Milstein;
    match suited.strong_order(field.noise()) < better.strong_order(field.noise()) && better.check(field).is_ok() {
        true => better,
        false => suited,
    }
}

/// Deep enough for the steps: leaves of an eighth of one, and a millionth of the span unless steps are finer.
fn motion(seed: u64, span: (f64, f64), steps: Steps) -> Result<Brownian, SdeError> {
    if span.0 > span.1 {
        return Err(SdeError::Span { start: span.0, end: span.1 });
    }
    let motion = Brownian::new(seed, span)?;
    let needed = match steps {
        Steps::Fixed(step) => ((span.1 - span.0) / step).log2().ceil() + 3.0,
        _ => 30.0,
    };
    let deepest = f64::from(Brownian::MOST_DEPTH);
    Ok(motion.with_depth(needed.clamp(f64::from(motion.depth()), deepest) as u32)?)
}

fn quantity(problem: &Problem, text: &str) -> Result<(String, Program), StochasticError> {
    let mut graph = problem.graph().clone();
    let names = problem.variables().iter().map(|v| &v.name[..]);
    let names = names.chain(problem.parameters().iter().map(|p| &p.name[..]));
    let inputs: Vec<&str> = ["t"].into_iter().chain(names).collect();
    let formula = problem.quantity(&mut graph, text, &inputs);
    let formula = formula.map_err(|reason| StochasticError::Quantity { reason })?;
    Ok((text.into(), Program::compile(&graph, &[formula], &inputs)?))
}

/// Paths of a stochastic problem.
#[derive(Debug, Clone, PartialEq)]
pub struct StochasticRun {
    method: &'static str,
    solution: SdeSolution,
    moments: Moments,
    expectations: Vec<Expectation>,
    stats: Stats,
}

/// The mean of a quantity over the paths, at each time.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// The quantity.
    pub text: String,
    /// Its means.
    pub mean: Vec<f64>,
    /// The standard errors of the means.
    pub stderr: Vec<f64>,
}

impl StochasticRun {
    /// The method that was used.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The times at which states are kept.
    pub fn times(&self) -> &[f64] {
        &self.solution.times
    }

    /// How many paths there are.
    pub fn paths(&self) -> usize {
        self.solution.paths
    }

    /// One variable of one path over the times.
    ///
    /// # Panics
    ///
    /// If there is no such path or variable.
    pub fn path(&self, variable: usize, path: usize) -> impl Iterator<Item = (f64, f64)> {
        let SdeSolution { times, dim, paths, y, .. } = &self.solution;
        times.iter().enumerate().map(move |(k, &t)| (t, y[(k * dim + variable) * paths + path]))
    }

    /// What the paths have in common.
    pub fn moments(&self) -> &Moments {
        &self.moments
    }

    /// The means that were asked for.
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// The work of all paths together; evaluations are those of the drift.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}

/// Counts how often the drift is asked for.
struct Counted<'a> {
    field: StochasticAt<'a>,
    evaluations: AtomicU64,
}

impl Counted<'_> {
    fn count(&self, y: &[f64]) {
        let paths = y.len() / self.field.dim().max(1);
        self.evaluations.fetch_add(paths as u64, Ordering::Relaxed);
    }
}

impl<'a> DriftDiffusion<f64> for Counted<'a> {
    type Workspace = <StochasticAt<'a> as DriftDiffusion<f64>>::Workspace;

    fn workspace(&self, paths: usize) -> Self::Workspace {
        self.field.workspace(paths)
    }

    fn dim(&self) -> usize {
        self.field.dim()
    }

    fn noise(&self) -> Noise {
        self.field.noise()
    }

    fn calculus(&self) -> Calculus {
        self.field.calculus()
    }

    fn drift(&self, t: f64, y: &[f64], f: &mut [f64], work: &mut Self::Workspace) {
        self.count(y);
        self.field.drift(t, y, f, work);
    }

    fn diffusion(&self, t: f64, y: &[f64], g: &mut [f64], work: &mut Self::Workspace) {
        self.field.diffusion(t, y, g, work);
    }

    fn both(&self, t: f64, y: &[f64], f: &mut [f64], g: &mut [f64], work: &mut Self::Workspace) {
        self.count(y);
        self.field.both(t, y, f, g, work);
    }

    fn self_slopes(&self, t: f64, y: &[f64], slopes: &mut [f64], work: &mut Self::Workspace) -> bool {
        self.field.self_slopes(t, y, slopes, work)
    }

    fn drift_jacobian(&self, t: f64, y: &[f64], jacobian: &mut [f64], work: &mut Self::Workspace) -> bool {
        self.field.drift_jacobian(t, y, jacobian, work)
    }
}
