//! `vecfield fit PROBLEM.toml DATA.csv`: which constants make it fit my data, and how surely?

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use vecfield_adjoint::{
    AdjointError, Fit, FitOptions, Initial, Loss, Noise, Observed, Progress, Start, Uncertainty, fit,
};
use vecfield_data::{Trajectories, Trajectory};
use vecfield_expr::nearest_name;
use vecfield_io::{Parameter, Problem, System, TrajectoryFormat, read_trajectories};
use vecfield_plot::with_error;
use vecfield_solvers::{Method, Tolerance};

use crate::context::Context;
use crate::failure::Failure;
use crate::layout::{duration, number, table};
use crate::watch::Watch;

const EXAMPLES: &str = "Examples:
  vecfield fit lotka-volterra.toml data/lynx-hare.csv
  vecfield fit lotka-volterra.toml data/lynx-hare.csv --free alpha,initial.hare --loss log --json

Columns of the table are variables of the problem; a variable without a column is fitted unmeasured. Constants start at the
values of the problem file and stay between their `min` and `max` there; initial values are those at the first row of a run.";

/// Arguments of `vecfield fit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The problem, in TOML
    #[arg(value_name = "PROBLEM.toml")]
    problem: PathBuf,
    /// Measured trajectories
    #[arg(value_name = "DATA.csv")]
    data: PathBuf,
    /// What is fitted: parameters, and initial values as `initial.NAME`; everything unless said
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    free: Vec<String>,
    /// What a misfit costs
    #[arg(long, value_enum, default_value_t = LossArgument::Squared)]
    loss: LossArgument,
    /// Stop after this many seconds with the best so far
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LossArgument {
    /// Its square: right for normal noise
    Squared,
    /// Its square, linear beyond 1.345 standard deviations: for outliers
    Huber,
    /// The square of the logarithms' difference: for noise in proportion
    Log,
}

impl LossArgument {
    fn model(self) -> (Noise, Loss) {
        match self {
            Self::Squared => (Noise::Additive, Loss::Squared),
            Self::Huber => (Noise::Additive, Loss::Huber),
            Self::Log => (Noise::Multiplicative, Loss::Squared),
        }
    }
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let problem = Problem::read(&arguments.problem)?;
    let measured = read_trajectories(&arguments.data, &TrajectoryFormat::default())?;
    let task = Task::new(arguments, &problem, &measured)?;
    let watch = Watch::new(context, arguments.seconds)?;
    let clock = Instant::now();
    let result = task.fit(&watch)?;
    let seconds = clock.elapsed().as_secs_f64();
    let cut = watch.cut();
    drop(watch);
    context.result(&task.to_json(&result, seconds, cut), |_| task.for_people(&result, seconds, cut))
}

/// A problem and data that belong together.
struct Task<'a> {
    arguments: &'a Arguments,
    system: System,
    parameters: &'a [Parameter],
    data: Trajectories,
    options: FitOptions,
    /// Which component of the state each column measures.
    observed: Vec<usize>,
    /// The problem's own initial state.
    initial: Vec<f64>,
}

/// A fit with its uncertainty, where the data give one.
struct Fitted {
    fit: Fit,
    uncertainty: Result<Uncertainty, AdjointError>,
}

impl<'a> Task<'a> {
    fn new(arguments: &'a Arguments, problem: &'a Problem, measured: &Trajectories) -> Result<Self, Failure> {
        let file = arguments.problem.display();
        if !problem.events().is_empty() || !problem.discrete().is_empty() {
            let what = "`fit` does not go through events yet; remove [[event]] and [discrete]";
            return Err(Failure::Argument(format!("{file}: {what}")));
        }
        if problem.is_algebraic() {
            let what =
                "`fit` does not go through [algebraic] equations yet; solve them for their variable in [definitions]";
            return Err(Failure::Argument(format!("{file}: {what}")));
        }
        let system = System::new(problem).map_err(|e| Failure::Argument(format!("{file}: {e}")))?;
        let initial: Vec<f64> = system.initial(system.theta());
        let observed = observed(arguments, &system, measured)?;
        let (free, free_initial) = free(arguments, problem, &system)?;
        let data = with_start(arguments, problem, measured)?;
        let (noise, loss) = arguments.loss.model();
        if noise == Noise::Multiplicative {
            positive(arguments, measured)?;
        }
        let scale: Vec<f64> = (0..data.dim()).map(|v| size(&data, v)).collect();
        let bounds = free.iter().map(|&k| (problem.parameters()[k].min, problem.parameters()[k].max)).collect();
        let longest = data.runs().iter().map(Trajectory::len).max().unwrap_or(1);
        let options = FitOptions {
            sigma: if noise == Noise::Additive { scale.clone() } else { vec![1.0; data.dim()] },
            observed: observed.iter().map(|&state| Observed::State(state)).collect(),
            loss,
            free,
            bounds,
            initial: (0..initial.len())
                .map(|i| if free_initial.contains(&i) { Initial::Free } else { Initial::Held })
                .collect(),
            method: problem.settings().method().unwrap_or(Method::Auto),
            // Short windows first: they cannot run away from wrong constants.
            windows: vec![longest.div_ceil(8).max(3), longest.div_ceil(3), usize::MAX],
            solver: solver(problem, &initial, &observed, &scale),
            ..FitOptions::new(initial.len(), system.theta().len(), noise, vec![])
        };
        Ok(Self { arguments, system, parameters: problem.parameters(), data, options, observed, initial })
    }

    fn fit(&self, watch: &Watch) -> Result<Fitted, Failure> {
        let states = self.guess();
        let guess =
            |run: usize, row: usize, out: &mut [f64]| out.copy_from_slice(&states[run][row * out.len()..][..out.len()]);
        let start = Start { theta: self.system.theta().to_vec(), state: &guess };
        let mut observer = |progress: &Progress<'_>| {
            // The number of iterations is not known beforehand; most fits end within sixty.
            match watch.goes_on("fitting", 1.0 - 1.0 / (1.0 + progress.iteration as f64 / 60.0)) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        };
        let failed = |e: AdjointError| Failure::Computation(format!("{}: {e}", self.arguments.problem.display()));
        let fit = fit(self.system.field(), &self.data, &start, &self.options, &mut observer).map_err(failed)?;
        let uncertainty = Uncertainty::of(self.system.field(), &self.data, &fit, &self.options);
        Ok(Fitted { fit, uncertainty })
    }

    /// A guess of the state at every row: what was measured there, else the nearest measurement of that variable, else the
    /// problem's initial value; at a run's first row the initial values that are held.
    fn guess(&self) -> Vec<Vec<f64>> {
        let dim = self.initial.len();
        let of_run = |run: &Trajectory| {
            let mut states: Vec<f64> = self.initial.iter().copied().cycle().take(run.len() * dim).collect();
            for (column, &state) in self.observed.iter().enumerate() {
                let known: Vec<(f64, f64)> = run.observed(column).collect();
                for (row, t) in run.times().iter().enumerate() {
                    let near = known.iter().min_by(|a, b| (a.0 - t).abs().total_cmp(&(b.0 - t).abs()));
                    if let Some((_, value)) = near {
                        states[row * dim + state] = *value;
                    }
                }
            }
            for (state, &value) in self.initial.iter().enumerate() {
                if matches!(self.options.initial(state), Initial::Held) {
                    states[state] = value;
                }
            }
            states
        };
        self.data.runs().iter().map(of_run).collect()
    }

    /// R2 and rms residual of every column.
    fn quality(&self, fitted: &Fit) -> Vec<(f64, f64)> {
        let of_column = |column: usize| {
            let (mut sum, mut count) = (0.0, 0_u32);
            for (run, measured) in self.data.runs().iter().enumerate() {
                for row in (0..measured.len()).filter(|&row| !measured.row(row)[column].is_nan()) {
                    let state = fitted.state(&self.data, run, row)[self.observed[column]];
                    sum += (measured.row(row)[column] - state).powi(2);
                    count += 1;
                }
            }
            let mean = sum / f64::from(count.max(1));
            (1.0 - mean / self.data.std(column).powi(2).max(f64::MIN_POSITIVE), mean.sqrt())
        };
        (0..self.data.dim()).map(of_column).collect()
    }

    fn stderr(&self, result: &Fitted, parameter: usize) -> Option<f64> {
        let place = self.options.free.iter().position(|&k| k == parameter)?;
        result.uncertainty.as_ref().ok().map(|u| u.stderr[place]).filter(|s| s.is_finite())
    }

    /// The fitted state at the first row of every run.
    fn starts(&self, fit: &Fit) -> Vec<Map<String, Value>> {
        let named = |run| {
            let state = fit.state(&self.data, run, 0);
            self.system.variables().iter().cloned().zip(state.iter().map(|v| json!(v))).collect()
        };
        (0..self.data.runs().len()).map(named).collect()
    }

    fn to_json(&self, result: &Fitted, seconds: f64, cut: bool) -> Value {
        let fit = &result.fit;
        let parameter = |(k, p): (usize, &Parameter)| {
            (p.name.clone(), json!({ "value": fit.theta[k], "stderr": self.stderr(result, k) }))
        };
        let columns = self.data.variables().iter().cloned().zip(self.quality(fit));
        let (mut r2, mut rmse) = (Map::new(), Map::new());
        for (name, (share, residual)) in columns {
            r2.insert(name.clone(), json!(share));
            rmse.insert(name, json!(residual));
        }
        let mut starts = self.starts(fit);
        let initial = if starts.len() == 1 { json!(starts.remove(0)) } else { json!(starts) };
        let mut text = json!({
            "parameters": self.parameters.iter().enumerate().map(parameter).collect::<Map<_, _>>(),
            "initial": initial,
            "rmse": rmse,
            "r2": r2,
            "iterations": fit.iterations,
            "converged": fit.converged,
            "noise": { "model": self.options.noise.name() },
            "seconds": seconds,
        });
        if cut {
            text["cut"] = json!(true);
        }
        text
    }

    fn for_people(&self, result: &Fitted, seconds: f64, cut: bool) -> String {
        let fit = &result.fit;
        let row = |(k, p): (usize, &Parameter)| {
            let (value, error) = match self.stderr(result, k) {
                Some(error) => with_error(fit.theta[k], error),
                None if self.options.free.contains(&k) => (number(fit.theta[k]), "not determined".into()),
                None => (number(fit.theta[k]), "held".into()),
            };
            vec![p.name.clone(), value, error, number(p.value)]
        };
        let rows: Vec<_> = self.parameters.iter().enumerate().map(row).collect();
        let mut text = table(&["parameter", "value", "std. error", "started at"], &rows, &[0]);
        let columns = self.data.variables().iter().zip(self.quality(fit));
        let rows: Vec<_> =
            columns.map(|(name, (r2, rmse))| vec![name.clone(), format!("{r2:.4}"), number(rmse)]).collect();
        text += &format!("\n{}\n", table(&["variable", "R2", "rms residual"], &rows, &[0]));
        for (run, start) in self.starts(fit).iter().enumerate().take(6) {
            let values = start.iter().map(|(name, v)| format!("{name} = {}", number(v.as_f64().unwrap_or(f64::NAN))));
            let label = if self.data.runs().len() > 1 { format!(" of run {}", run + 1) } else { String::new() };
            text += &format!("initial{label}: {}\n", values.collect::<Vec<_>>().join(", "));
        }
        if let Err(reason) = &result.uncertainty {
            text += &format!("no standard errors: {reason}\n");
        }
        let end = match (cut, fit.converged) {
            (true, _) => "cut short: the best so far",
            (false, true) => "converged",
            (false, false) => "stopped before it converged",
        };
        text + &format!("{end} after {} iterations, {}\n", fit.iterations, duration(seconds))
    }
}

/// ` (did you mean `x`?)`, or nothing when no known name is near.
fn did_you_mean(wrong: &str, known: &[String]) -> String {
    let near = nearest_name(wrong, known.iter().map(String::as_str));
    near.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

/// Which component of the state each column measures.
fn observed(arguments: &Arguments, system: &System, data: &Trajectories) -> Result<Vec<usize>, Failure> {
    let names = system.variables();
    let place = |column: &String| {
        names.iter().position(|name| name == column).ok_or_else(|| {
            let near = did_you_mean(column, names);
            Failure::Argument(format!(
                "{}: column `{column}` is no variable of {}{near}; rename or remove the column",
                arguments.data.display(),
                arguments.problem.display()
            ))
        })
    };
    data.variables().iter().map(place).collect()
}

/// Indices of the parameters and of the initial values that are fitted.
fn free(arguments: &Arguments, problem: &Problem, system: &System) -> Result<(Vec<usize>, Vec<usize>), Failure> {
    let (parameters, variables) = (system.parameters(), system.variables());
    if arguments.free.is_empty() {
        return Ok(((0..parameters.len()).collect(), (0..variables.len()).collect()));
    }
    let (mut free, mut free_initial) = (vec![], vec![]);
    for given in &arguments.free {
        let initial = given.strip_prefix("initial.");
        let names = if initial.is_some() { variables } else { parameters };
        let Some(place) = names.iter().position(|name| name == initial.unwrap_or(given)) else {
            let known = parameters.iter().cloned().chain(variables.iter().map(|v| format!("initial.{v}")));
            let known: Vec<String> = known.collect();
            let near = did_you_mean(given, &known);
            return Err(Failure::Argument(format!(
                "--free {given}: no parameter or initial value of {} is called that{near}; there are {}",
                arguments.problem.display(),
                known.join(", ")
            )));
        };
        if initial.is_some() { free_initial.push(place) } else { free.push(place) }
    }
    for list in [&mut free, &mut free_initial] {
        list.sort_unstable();
        list.dedup();
    }
    // A held initial value must be a number: were it an expression, it would move with the parameters and not be held.
    let graph = problem.graph();
    for (i, variable) in problem.variables().iter().enumerate().filter(|(i, _)| !free_initial.contains(i)) {
        if graph.symbols(variable.initial).iter().any(|s| free.iter().any(|&k| parameters[k] == graph.name(*s))) {
            let name = &variables[i];
            return Err(Failure::Argument(format!(
                "--free: the initial value of `{name}` depends on a parameter that is fitted; add initial.{name} to --free, or give it a number"
            )));
        }
    }
    Ok((free, free_initial))
}

/// The data with a row at the problem's own start, where that lies before the first measurement.
fn with_start(arguments: &Arguments, problem: &Problem, data: &Trajectories) -> Result<Trajectories, Failure> {
    let Some((start, _)) = problem.settings().span().filter(|_| !arguments.free.is_empty()) else {
        return Ok(data.clone());
    };
    let refused = |e| Failure::Argument(format!("{}: {e}", arguments.data.display()));
    let extended = |run: &Trajectory| {
        let first = run.times()[0];
        if start > first {
            return Err(Failure::Argument(format!(
                "{}: the first measurement, at t = {first}, lies before the problem's start t = {start} in {}; move the start",
                arguments.data.display(),
                arguments.problem.display()
            )));
        }
        if start == first {
            return Ok(run.clone());
        }
        let times = std::iter::once(start).chain(run.times().iter().copied()).collect();
        let missing = vec![f64::NAN; run.dim()];
        Trajectory::new(times, [&missing[..], run.values()].concat(), vec![]).map_err(refused)
    };
    let runs = data.runs().iter().map(extended).collect::<Result<Vec<_>, _>>()?;
    data.with_runs(runs).map_err(refused)
}

/// Logarithms need positive values.
fn positive(arguments: &Arguments, data: &Trajectories) -> Result<(), Failure> {
    for (v, name) in data.variables().iter().enumerate() {
        if let Some(value) = data.observed(v).find(|value| *value <= 0.0) {
            return Err(Failure::Argument(format!(
                "{}: --loss log needs positive values, and column `{name}` has {value}; use --loss squared",
                arguments.data.display()
            )));
        }
    }
    Ok(())
}

/// The size of a variable's changes, or its own where it never changes.
fn size(data: &Trajectories, variable: usize) -> f64 {
    let std = data.std(variable);
    if std > 0.0 { std } else { data.rms(variable).max(f64::MIN_POSITIVE) }
}

/// Tolerances: those of the problem file, but tight enough for derivatives, in each variable's own size.
fn solver(problem: &Problem, initial: &[f64], observed: &[usize], scale: &[f64]) -> vecfield_solvers::Options<f64> {
    /// Residuals must be far more exact than their change in a step of the fit.
    const LOOSEST: f64 = 1e-7;
    let rtol = problem.settings().rtol().min(LOOSEST);
    let mut sizes: Vec<f64> = initial.iter().map(|v| if *v == 0.0 { 1.0 } else { v.abs() }).collect();
    for (&state, &scale) in observed.iter().zip(scale) {
        sizes[state] = scale;
    }
    vecfield_solvers::Options {
        rtol,
        atol: Tolerance::Each(sizes.iter().map(|size| 0.1 * rtol * size).collect()),
        max_steps: 1_000_000,
        ..Default::default()
    }
}
