//! A problem and measurements that belong together: what is fitted, from where, to what.

mod checkpoint;
mod curve;
mod field;
mod quantity;

use std::sync::Arc;

use vecfield_adjoint::{
    AdjointError, Belief, Blind, Checkpoint, Differentiable, Fit, FitObserver, FitOptions, Initial, Loss, Noise,
    Observed, Prior, Profile, Quantity, Scale, Start, Uncertainty, fit, resume,
};
use vecfield_data::{DataError, Trajectories, Trajectory};
use vecfield_expr::{CompileError, ExprId, Graph};
use vecfield_solvers::{Method, Options, Save, Tolerance, solve};

use crate::names::did_you_mean;
use crate::problem::{Misfit, Problem};
use crate::system::System;
pub use checkpoint::{CheckpointError, checkpoint_from_text, checkpoint_to_text};
pub use curve::FittedCurve;
pub use field::Equations;
use quantity::FormulaQuantity;

/// What a user asks of a fit beyond what the problem says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FitRequest {
    /// What is fitted: parameters, and initial values as `initial.NAME`; where it is empty, every parameter that is not fixed, and
    /// every initial value that is no formula of them.
    pub free: Vec<String>,
    /// What a misfit costs, if not what the problem says.
    pub loss: Option<Misfit>,
    /// The method of the solver, if not what the problem says.
    pub method: Option<Method>,
}

/// A problem made ready to be fitted to measurements.
///
/// ```
/// use vecfield_io::{FitRequest, Fitting, Problem, TrajectoryFormat, parse_trajectories};
///
/// // x(t) = 3 exp(-t/2), of which twice is measured.
/// let problem = "parameters.k = { value = 5.0, min = 0.0 }\ninitial.x = 1.0\nequations.x = \"-k*x\"\nfit.observe.twice = \"2*x\"";
/// let problem = Problem::parse("decay.toml", problem)?;
/// let rows = (0..8).map(|k| format!("{k},{}\n", 6.0 * (-0.5 * f64::from(k)).exp())).collect::<String>();
/// let table = format!("t,twice\n{rows}");
/// let data = parse_trajectories("decay.csv", table.as_bytes(), &TrajectoryFormat::default())?;
///
/// let fitting = Fitting::new(&problem, &data, &FitRequest::default())?;
/// let found = fitting.fit(&mut |_| std::ops::ControlFlow::Continue(()))?;
/// assert!((found.theta[0] - 0.5).abs() < 1e-6 && (found.starts[0] - 3.0).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fitting {
    system: System,
    data: Trajectories,
    options: FitOptions,
    misfit: Misfit,
    /// The problem's own initial state.
    initial: Vec<f64>,
    /// A guess of the state at every row, run by run.
    guess: Vec<Vec<f64>>,
}

/// Why a problem cannot be fitted to these data.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FittingError {
    /// The problem has events or discrete values.
    #[error("a fit does not go through events yet; remove [[event]] and [discrete]")]
    Events,
    /// The problem is a stochastic equation.
    #[error("a fit is of an ordinary equation; remove [noise] to fit the drift")]
    Stochastic,
    /// The problem has algebraic equations.
    #[error("a fit does not go through [algebraic] equations yet; solve them for their variable in [definitions]")]
    Algebraic,
    /// A formula does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A column that measures nothing.
    #[error(
        "column `{column}` is no variable and no entry of [fit] observe{hint}; rename or remove the column, or say what it measures"
    )]
    Column {
        /// The column.
        column: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
    },
    /// Something to be fitted that is not there.
    #[error("no parameter or initial value is called `{name}`{hint}; there are {known}")]
    Free {
        /// The name.
        name: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
        /// All names.
        known: String,
    },
    /// A measurement before the start.
    #[error("the first measurement, at t = {first}, lies before the problem's start t = {start}; move the start")]
    Before {
        /// The first measurement.
        first: f64,
        /// The problem's start.
        start: f64,
    },
    /// Logarithms of what is not positive.
    #[error("the loss `log` needs positive values, and column `{column}` has {value}; use squared")]
    Logarithm {
        /// The column.
        column: String,
        /// The value.
        value: f64,
    },
    /// Noise levels of some columns alone, or of what is no column.
    #[error("[fit] sigma has to name every column of the table and no other; it is wrong or missing for `{column}`")]
    Sigma {
        /// The column.
        column: String,
    },
    /// A lognormal prior of a parameter that is not positive.
    #[error("the prior of `{parameter}` is lognormal, and its value {value} is not above zero; start it above zero")]
    Prior {
        /// The parameter.
        parameter: String,
        /// Its value.
        value: f64,
    },
    /// The data cannot be extended to the problem's start.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl Fitting {
    /// Makes `problem` ready to be fitted to `measured`, as it and `request` say.
    ///
    /// # Errors
    ///
    /// [`FittingError`].
    pub fn new(problem: &Problem, measured: &Trajectories, request: &FitRequest) -> Result<Self, FittingError> {
        if !problem.events().is_empty() || !problem.discrete().is_empty() {
            return Err(FittingError::Events);
        }
        if problem.noise().is_some() {
            return Err(FittingError::Stochastic);
        }
        if problem.is_algebraic() {
            return Err(FittingError::Algebraic);
        }
        let system = System::new(problem)?;
        let initial: Vec<f64> = system.initial(system.theta());
        let observed = observed(problem, &system, measured)?;
        let (free, starts) = free(problem, &system, request)?;
        let data = with_start(problem, measured, &starts)?;
        let misfit = request.loss.or(problem.fit().loss).unwrap_or(Misfit::Squared);
        let (noise, loss) = match misfit {
            Misfit::Squared => (Noise::Additive, Loss::Squared),
            Misfit::Huber => (Noise::Additive, Loss::Huber),
            Misfit::Log => (Noise::Multiplicative, Loss::Squared),
        };
        if noise == Noise::Multiplicative {
            positive(measured)?;
        }
        let scale: Vec<f64> = (0..data.dim()).map(|v| size(&data, v)).collect();
        let known = sigma(problem, &data)?;
        let parameters = problem.parameters();
        let longest = data.runs().iter().map(Trajectory::len).max().unwrap_or(1);
        let hidden = !(0..initial.len()).all(|i| observed.iter().any(|o| matches!(o, Observed::State(j) if *j == i)));
        let options = FitOptions {
            estimate_sigma: known.is_none(),
            sigma: known.unwrap_or(if noise == Noise::Additive { scale.clone() } else { vec![1.0; data.dim()] }),
            loss,
            bounds: free.iter().map(|&k| (parameters[k].min, parameters[k].max)).collect(),
            scales: free.iter().map(|&k| scale_of(&parameters[k])).collect(),
            local: free.iter().copied().filter(|&k| parameters[k].local).collect(),
            priors: priors(problem, &free)?,
            initial: starts,
            // Short windows first: they cannot run away from wrong constants. What nobody measures has no start in a window inside a run,
            // only at its beginning.
            horizons: if hidden { horizons(longest) } else { vec![] },
            windows: if hidden {
                vec![usize::MAX]
            } else {
                vec![longest.div_ceil(8).max(3), longest.div_ceil(3), usize::MAX]
            },
            method: request.method.or(problem.settings().method()).unwrap_or(Method::Auto),
            solver: solver(problem, &initial, &observed, &scale),
            observed,
            free,
            ..FitOptions::new(initial.len(), parameters.len(), noise, vec![])
        };
        let guess = guess(&system, &data, &options, &initial);
        Ok(Self { system, data, options, misfit, initial, guess })
    }

    /// The data, with a row at the problem's start where initial values are held.
    pub fn data(&self) -> &Trajectories {
        &self.data
    }

    /// The compiled problem.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The equations as a family.
    pub fn family(&self) -> Equations<'_> {
        Equations(self.system.symbolic())
    }

    /// How the fit goes about it.
    pub fn options(&self) -> &FitOptions {
        &self.options
    }

    /// The options, to be changed.
    pub fn options_mut(&mut self) -> &mut FitOptions {
        &mut self.options
    }

    /// What a misfit costs.
    pub fn misfit(&self) -> Misfit {
        self.misfit
    }

    /// Fits.
    ///
    /// # Errors
    ///
    /// Why the start cannot be integrated.
    pub fn fit(&self, observer: FitObserver<'_>) -> Result<Fit, AdjointError> {
        let guess = self.guesser();
        let start = Start { theta: self.system.theta().to_vec(), state: &guess };
        fit(&self.family(), &self.data, &start, &self.options, observer)
    }

    /// Goes on with a fit that was broken off.
    ///
    /// # Errors
    ///
    /// As [`Fitting::fit`]; a checkpoint of another fit.
    pub fn resume(&self, checkpoint: &Checkpoint, observer: FitObserver<'_>) -> Result<Fit, AdjointError> {
        let guess = self.guesser();
        let start = Start { theta: self.system.theta().to_vec(), state: &guess };
        resume(&self.family(), &self.data, &start, checkpoint, &self.options, observer)
    }

    /// Standard errors of a fit.
    ///
    /// # Errors
    ///
    /// Where the data do not determine all that is fitted.
    pub fn uncertainty(&self, fit: &Fit) -> Result<Uncertainty, AdjointError> {
        Uncertainty::of(&self.family(), &self.data, fit, &self.options)
    }

    /// Combinations of what is fitted that the data cannot see.
    ///
    /// # Errors
    ///
    /// Where the fit cannot be evaluated again.
    pub fn blind(&self, fit: &Fit) -> Result<Vec<Blind>, AdjointError> {
        /// Below this a relative change of the unknowns is lost among the solver's errors and those of any measurement.
        const THRESHOLD: f64 = 1e-5;
        Blind::directions(&self.family(), &self.data, fit, &self.options, THRESHOLD)
    }

    /// The profile of the unknown constant at `index` of [`Fitting::unknowns`], as far as the deviance rises by `level`.
    ///
    /// # Errors
    ///
    /// Where the fit cannot be evaluated again.
    pub fn profile(
        &self,
        fit: &Fit,
        index: usize,
        stderr: Option<f64>,
        level: f64,
        observer: FitObserver<'_>,
    ) -> Result<Profile, AdjointError> {
        Profile::of(&self.family(), &self.data, fit, &self.options, index, stderr, level, observer)
    }

    /// The names of the unknown constants, in the order of [`Uncertainty::covariance`]: one that differs between trajectories once
    /// for each, as `k (trajectory 2)`.
    pub fn unknowns(&self) -> Vec<String> {
        let of = |&k: &usize| {
            let name = &self.system.parameters()[k];
            match self.options.local.contains(&k) {
                true => (1..=self.data.runs().len()).map(|run| format!("{name} (trajectory {run})")).collect(),
                false => vec![name.clone()],
            }
        };
        self.options.free.iter().flat_map(of).collect()
    }

    /// The problem's own initial state.
    pub fn initial(&self) -> &[f64] {
        &self.initial
    }

    fn guesser(&self) -> impl Fn(usize, usize, &mut [f64]) {
        |run, row, out| out.copy_from_slice(&self.guess[run][row * out.len()..][..out.len()])
    }
}

/// What each column measures.
fn observed(problem: &Problem, system: &System, data: &Trajectories) -> Result<Vec<Observed>, FittingError> {
    let mut graph = problem.graph().clone();
    let names = system.variables();
    let inputs: Vec<&str> =
        ["t"].into_iter().chain(system.components().iter().chain(system.parameters()).map(String::as_str)).collect();
    let of = |column: &String| {
        if let Some(state) = names.iter().position(|name| name == column) {
            return Ok(Observed::State(state));
        }
        let observable = problem.fit().observe.iter().find(|o| o.name == *column).ok_or_else(|| {
            let known = names.iter().chain(problem.fit().observe.iter().map(|o| &o.name)).map(String::as_str);
            FittingError::Column { column: column.clone(), hint: did_you_mean(column, known) }
        })?;
        Ok(Observed::Quantity(quantity(&mut graph, observable.formula, &inputs)?))
    };
    data.variables().iter().map(of).collect()
}

fn quantity(graph: &mut Graph, formula: ExprId, inputs: &[&str]) -> Result<Arc<dyn Quantity>, CompileError> {
    Ok(Arc::new(FormulaQuantity::new(graph, formula, inputs)?))
}

/// Indices of the parameters that are fitted, and where each component of the state starts.
fn free(problem: &Problem, system: &System, request: &FitRequest) -> Result<(Vec<usize>, Vec<Initial>), FittingError> {
    let (parameters, variables) = (system.parameters(), system.variables());
    let all = request.free.is_empty();
    let mut free: Vec<usize> =
        if all { (0..parameters.len()).filter(|&k| !problem.parameters()[k].fixed).collect() } else { vec![] };
    let mut starts = vec![all; variables.len()];
    for given in &request.free {
        let initial = given.strip_prefix("initial.");
        let names = if initial.is_some() { variables } else { parameters };
        let Some(place) = names.iter().position(|name| name == initial.unwrap_or(given)) else {
            let known = parameters.iter().cloned().chain(variables.iter().map(|v| format!("initial.{v}")));
            let known: Vec<String> = known.collect();
            let hint = did_you_mean(given, known.iter().map(String::as_str));
            return Err(FittingError::Free { name: given.clone(), hint, known: known.join(", ") });
        };
        if initial.is_some() { starts[place] = true } else { free.push(place) }
    }
    free.sort_unstable();
    free.dedup();
    let mut graph = problem.graph().clone();
    let inputs: Vec<&str> = ["t"].into_iter().chain(parameters.iter().map(String::as_str)).collect();
    let start = |(variable, free_start): (&crate::Variable, bool)| {
        let fitted = |name: &str| free.iter().any(|&k| parameters[k] == name);
        let moves = graph.symbols(variable.initial).iter().any(|s| fitted(graph.name(*s)));
        match (moves, free_start) {
            // A formula of what is fitted is what it says, unless the user frees the value from it.
            (true, _) if all || !free_start => Ok(Initial::Quantity(quantity(&mut graph, variable.initial, &inputs)?)),
            (_, true) => Ok(Initial::Free),
            (_, false) => Ok(Initial::Held),
        }
    };
    let starts = problem.variables().iter().zip(starts).map(start).collect::<Result<_, FittingError>>()?;
    Ok((free, starts))
}

/// Beginnings of a run of this length, each half as long again as the one before.
fn horizons(longest: usize) -> Vec<usize> {
    let first = longest.div_ceil(8).max(6);
    core::iter::successors(Some(first), |rows| Some(rows * 3 / 2)).take_while(|&rows| rows < longest).collect()
}

/// The data with a row at the problem's own start, where that lies before the first measurement and initial values hold there.
fn with_start(problem: &Problem, data: &Trajectories, starts: &[Initial]) -> Result<Trajectories, FittingError> {
    let holds = starts.iter().any(|start| !matches!(start, Initial::Free));
    let Some((start, _)) = problem.settings().span().filter(|_| holds) else { return Ok(data.clone()) };
    let extended = |run: &Trajectory| {
        let first = run.times()[0];
        if start > first {
            return Err(FittingError::Before { first, start });
        }
        if start == first {
            return Ok(run.clone());
        }
        let times = std::iter::once(start).chain(run.times().iter().copied()).collect();
        let missing = vec![f64::NAN; run.dim()];
        Ok(Trajectory::new(times, [&missing[..], run.values()].concat(), vec![])?)
    };
    let runs = data.runs().iter().map(extended).collect::<Result<Vec<_>, _>>()?;
    Ok(data.with_runs(runs)?)
}

/// Logarithms need positive values.
fn positive(data: &Trajectories) -> Result<(), FittingError> {
    for (v, name) in data.variables().iter().enumerate() {
        if let Some((_, value)) = data.runs().iter().flat_map(|run| run.observed(v)).find(|(_, value)| *value <= 0.0) {
            return Err(FittingError::Logarithm { column: name.clone(), value });
        }
    }
    Ok(())
}

/// The size of a variable's changes, or its own where it never changes.
fn size(data: &Trajectories, variable: usize) -> f64 {
    let std = data.std(variable);
    if std > 0.0 { std } else { data.rms(variable).max(f64::MIN_POSITIVE) }
}

/// The known noise levels of the columns, if any are.
fn sigma(problem: &Problem, data: &Trajectories) -> Result<Option<Vec<f64>>, FittingError> {
    let given = &problem.fit().sigma;
    if given.is_empty() {
        return Ok(None);
    }
    if let Some((column, _)) = given.iter().find(|(column, _)| !data.variables().contains(column)) {
        return Err(FittingError::Sigma { column: column.clone() });
    }
    let of = |column: &String| {
        let found = given.iter().find(|(name, _)| name == column).map(|(_, sigma)| *sigma);
        found.ok_or_else(|| FittingError::Sigma { column: column.clone() })
    };
    data.variables().iter().map(of).collect::<Result<_, _>>().map(Some)
}

/// By factors where the problem says that a parameter is positive.
fn scale_of(parameter: &crate::Parameter) -> Scale {
    let positive = parameter.min >= 0.0 || matches!(parameter.prior, Some(Belief::Lognormal { .. }));
    if positive && parameter.value > 0.0 { Scale::Log } else { Scale::Linear }
}

fn priors(problem: &Problem, free: &[usize]) -> Result<Vec<Prior>, FittingError> {
    let mut priors = vec![];
    for &parameter in free {
        let own = &problem.parameters()[parameter];
        let Some(belief) = own.prior else { continue };
        if matches!(belief, Belief::Lognormal { .. }) && own.value <= 0.0 {
            return Err(FittingError::Prior { parameter: own.name.clone(), value: own.value });
        }
        priors.push(Prior { parameter, belief });
    }
    Ok(priors)
}

/// Tolerances: those of the problem file, but tight enough for derivatives, in each variable's own size.
fn solver(problem: &Problem, initial: &[f64], observed: &[Observed], scale: &[f64]) -> Options<f64> {
    /// Residuals must be far more exact than their change in a step of the fit.
    const LOOSEST: f64 = 1e-7;
    /// A trial that needs more is one that the fit had better not go to.
    const STEPS: u64 = 100_000;
    let settings = problem.settings();
    let rtol = settings.rtol().min(LOOSEST);
    let mut sizes: Vec<f64> = initial.iter().map(|v| if *v == 0.0 { 1.0 } else { v.abs() }).collect();
    for (observed, &scale) in observed.iter().zip(scale) {
        if let Observed::State(state) = observed {
            sizes[*state] = scale;
        }
    }
    Options {
        rtol,
        atol: Tolerance::Each(sizes.iter().map(|size| 0.1 * rtol * size).collect()),
        max_steps: STEPS,
        discontinuities: settings.discontinuities().to_vec(),
        max_step: settings.max_step(),
        step: settings.step(),
        ..Default::default()
    }
}

/// A guess of the state at every row: what was measured there, else the nearest measurement of that variable; of what nobody
/// measures, the solution from the problem's own start, or where there is none its initial value.
fn guess(system: &System, data: &Trajectories, options: &FitOptions, initial: &[f64]) -> Vec<Vec<f64>> {
    let dim = initial.len();
    let of_run = |run: &Trajectory| {
        let mut states = initial.repeat(run.len());
        let measured: Vec<Option<usize>> = (0..dim)
            .map(|i| options.observed.iter().position(|o| matches!(o, Observed::State(state) if *state == i)))
            .collect();
        let times = run.times();
        if measured.contains(&None) && times.len() > 1 {
            let member = Equations(system.symbolic());
            let span = (times[0], times[times.len() - 1]);
            let field = member.member(system.theta());
            let solved = solve(&field, span, initial, options.method, &options.solver, Save::At(times));
            let rows = match &solved {
                Ok(solution) => &solution.y,
                Err(interrupted) => &interrupted.partial.y,
            };
            states[..rows.len()].copy_from_slice(rows);
        }
        for (state, column) in measured.iter().enumerate() {
            let Some(column) = *column else { continue };
            let known: Vec<(f64, f64)> = run.observed(column).collect();
            for (row, t) in times.iter().enumerate() {
                let near = known.iter().min_by(|a, b| (a.0 - t).abs().total_cmp(&(b.0 - t).abs()));
                if let Some((_, value)) = near {
                    states[row * dim + state] = *value;
                }
            }
        }
        for (state, &value) in initial.iter().enumerate() {
            if !matches!(options.initial(state), Initial::Free) {
                states[state] = value;
            }
        }
        states
    };
    data.runs().iter().map(of_run).collect()
}
