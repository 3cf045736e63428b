//! `vecfield fit PROBLEM.toml DATA.csv`: which constants make it fit my data, and how surely?

mod json;
mod page;
mod words;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use vecfield_adjoint::{AdjointError, Blind, CHI_SQUARE_95, Fit, Profile, Progress, Uncertainty};
use vecfield_data::{Trajectories, Trajectory};
use vecfield_expr::nearest_name;
use vecfield_io::{
    FitRequest, Fitting, FittingError, Misfit, Outline, OutputDir, Problem, TrajectoryFormat, checkpoint_from_text,
    checkpoint_to_text, read_trajectories, write_trajectories,
};
use vecfield_solvers::Method;

use crate::commands::belonging;
use crate::context::Context;
use crate::failure::Failure;
use crate::watch::Watch;

const EXAMPLES: &str = "Examples:
  vecfield fit lotka-volterra.toml data/lynx-hare.csv
  vecfield fit lotka-volterra.toml data/lynx-hare.csv --free alpha,initial.hare --loss log --json
  vecfield fit lotka-volterra.toml data/lynx-hare.csv --profile alpha,gamma --out fitted

Columns of the table are variables of the problem, or entries of its [fit] observe; a variable without a column is fitted
unmeasured. Constants start at the values of the problem file and stay between their `min` and `max` there, with `min = 0` moving
by factors; initial values are those at the first row of a trajectory, or what their formula says. Ctrl-C ends the search with the
best so far; with --out it can be taken up again by --resume.

Try it:
  vecfield examples lynx-hare-fit
  vecfield fit lynx-hare-fit/lynx-hare.toml lynx-hare-fit/lynx-hare.csv";

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
    /// What is fitted: parameters, and initial values as `initial.NAME`; everything that is not fixed unless said
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    free: Vec<String>,
    /// What a misfit costs; squared, or what the problem says
    #[arg(long, value_enum)]
    loss: Option<LossArgument>,
    /// The method of the solver (`vecfield solve --method list`)
    #[arg(long, value_name = "M")]
    method: Option<String>,
    /// 95 % intervals by profile likelihood, of these parameters or of `all`
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    profile: Vec<String>,
    /// Stop after this many seconds with the best so far
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// Write the fitted problem, its curve, a report, and where the search was cut short a checkpoint to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an earlier result
    #[arg(long)]
    force: bool,
    /// Go on with the search that was cut short in this folder, and write there
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
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
    fn misfit(self) -> Misfit {
        match self {
            Self::Squared => Misfit::Squared,
            Self::Huber => Misfit::Huber,
            Self::Log => Misfit::Log,
        }
    }
}

/// The files of a result, and that of a search which was cut short.
const FILES: [&str; 3] = ["fitted.toml", "trajectory.csv", "report.html"];
const CHECKPOINT: &str = "checkpoint.toml";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let problem = Problem::read(&arguments.problem)?;
    let measured = read_trajectories(&arguments.data, &TrajectoryFormat::default())?;
    let method = arguments.method.as_deref().map(Method::named).transpose();
    let method = method.map_err(|e| Failure::Argument(format!("--method: {e}")))?;
    let request = FitRequest { free: arguments.free.clone(), loss: arguments.loss.map(LossArgument::misfit), method };
    let fitting = Fitting::new(&problem, &measured, &request).map_err(|e| refused(arguments, &e))?;
    let profiled = profiled(arguments, &fitting)?;
    let folder = folder(arguments)?;
    let checkpoint = arguments.resume.as_deref().map(read_checkpoint).transpose()?;
    let watch = Watch::new(context, arguments.seconds)?;
    let clock = Instant::now();
    let failed = |e: AdjointError| Failure::Computation(format!("{}: {e}", arguments.problem.display()));
    let mut observer = |progress: &Progress<'_>| {
        // The number of iterations is not known beforehand; most stages end within forty.
        let within = 1.0 - 1.0 / (1.0 + progress.iteration as f64 / 40.0);
        let share = (progress.stage as f64 + within) / progress.stages as f64;
        flow(watch.goes_on("fitting", if profiled.is_empty() { share } else { 0.3 * share }))
    };
    let fit = match &checkpoint {
        Some(checkpoint) => fitting.resume(checkpoint, &mut observer),
        None => fitting.fit(&mut observer),
    };
    let fit = fit.map_err(failed)?;
    let uncertainty = fitting.uncertainty(&fit);
    let blind = if fit.x.len() <= MOST_UNKNOWNS { fitting.blind(&fit).map_err(failed)? } else { vec![] };
    let mut outcome = Outcome {
        arguments,
        problem: &problem,
        fitting: &fitting,
        unknowns: fitting.unknowns(),
        fit,
        uncertainty,
        blind,
        profiles: vec![],
        seconds: 0.0,
        cut: false,
    };
    for (done, &index) in profiled.iter().enumerate().take_while(|_| !watch.cut()) {
        let mut points = 0.0;
        let mut observer = |progress: &Progress<'_>| {
            points += if progress.iteration == 0 { 1.0 } else { 0.0 };
            let within = 1.0 - 1.0 / (1.0 + points / 12.0);
            let share = 0.3 + 0.7 * (done as f64 + within) / profiled.len() as f64;
            flow(watch.goes_on("profiling", share))
        };
        let stderr = outcome.stderr(index);
        let profile = fitting.profile(&outcome.fit, index, stderr, CHI_SQUARE_95, &mut observer).map_err(failed)?;
        outcome.profiles.push((index, profile));
    }
    outcome.seconds = clock.elapsed().as_secs_f64();
    outcome.cut = watch.cut();
    drop(watch);
    if let Some(folder) = &folder {
        outcome.write(folder)?;
        context.remark(&format!("wrote {} to {}", outcome.files().join(", "), folder.path().display()));
    }
    context.result(&outcome.to_json(), |_| outcome.for_people())
}

/// With more unknowns the singular values of their Jacobian would take longer than the fit.
const MOST_UNKNOWNS: usize = 300;

fn flow(goes_on: bool) -> ControlFlow<()> {
    if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// Where a mistake lies: in the problem, the data or a flag.
fn refused(arguments: &Arguments, error: &FittingError) -> Failure {
    let (problem, data) = (arguments.problem.display(), arguments.data.display());
    Failure::Argument(match error {
        FittingError::Free { name, .. } => format!("--free {name}: {problem}: {error}"),
        FittingError::Column { .. } | FittingError::Before { .. } | FittingError::Sigma { .. } => {
            format!("{data} for {problem}: {error}")
        }
        FittingError::Logarithm { .. } | FittingError::Data(_) => format!("{data}: {error}"),
        _ => format!("{problem}: {error}"),
    })
}

/// The unknown constants whose profile was asked for.
fn profiled(arguments: &Arguments, fitting: &Fitting) -> Result<Vec<usize>, Failure> {
    let names = fitting.unknowns();
    let mut chosen = vec![];
    for given in &arguments.profile {
        let local = format!("{given} (trajectory ");
        let found: Vec<usize> = (0..names.len())
            .filter(|&k| given == "all" || names[k] == *given || names[k].starts_with(&local))
            .collect();
        if found.is_empty() {
            let near = nearest_name(given, names.iter().map(String::as_str));
            let hint = near.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default();
            let known = names.join(", ");
            return Err(Failure::Argument(format!(
                "--profile {given}: no fitted parameter is called that{hint}; there are {known}"
            )));
        }
        chosen.extend(found);
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

fn folder(arguments: &Arguments) -> Result<Option<OutputDir>, Failure> {
    let Some((path, overwrite)) = belonging::folder(&arguments.resume, &arguments.out, arguments.force) else {
        return Ok(None);
    };
    let names: Vec<&str> = FILES.into_iter().chain([CHECKPOINT]).collect();
    Ok(Some(OutputDir::create(path, &names, overwrite)?))
}

fn read_checkpoint(folder: &Path) -> Result<vecfield_adjoint::Checkpoint, Failure> {
    let path = folder.join(CHECKPOINT);
    let refused = |reason: String| Failure::Argument(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(&path)
        .map_err(|e| refused(format!("{e}; give the folder of a fit that was cut short")))?;
    checkpoint_from_text(&text).map_err(|e| refused(e.to_string()))
}

/// A fit with all that is known of it.
struct Outcome<'a> {
    arguments: &'a Arguments,
    problem: &'a Problem,
    fitting: &'a Fitting,
    /// Names of the unknown constants.
    unknowns: Vec<String>,
    fit: Fit,
    uncertainty: Result<Uncertainty, AdjointError>,
    blind: Vec<Blind>,
    profiles: Vec<(usize, Profile)>,
    seconds: f64,
    cut: bool,
}

impl Outcome<'_> {
    /// The standard error of the unknown constant at `index`, where the data give one: none of a constant that a blind
    /// combination moves.
    fn stderr(&self, index: usize) -> Option<f64> {
        let open = |blind: &Blind| blind.constants.get(index).is_some_and(|part| part.abs() > 1e-3);
        if self.blind.iter().any(open) {
            return None;
        }
        self.uncertainty.as_ref().ok().map(|u| u.stderr[index]).filter(|s| s.is_finite())
    }

    /// The places of a parameter among the unknown constants: none of one that is held, several of one that differs between
    /// trajectories.
    fn places(&self, parameter: usize) -> Vec<usize> {
        let options = self.fitting.options();
        let mut at = 0;
        for &free in &options.free {
            let count = if options.local.contains(&free) { self.fitting.data().runs().len() } else { 1 };
            if free == parameter {
                return (at..at + count).collect();
            }
            at += count;
        }
        vec![]
    }

    /// Each column's R2 and root mean square residual, in its own units.
    fn quality(&self) -> Vec<(f64, f64)> {
        let data = self.fitting.data();
        let of_column = |column: usize| {
            let (mut sum, mut count) = (0.0, 0_u32);
            for (run, measured) in data.runs().iter().enumerate() {
                for row in (0..measured.len()).filter(|&row| !measured.row(row)[column].is_nan()) {
                    sum += (measured.row(row)[column] - self.fit.prediction(data, run, row)[column]).powi(2);
                    count += 1;
                }
            }
            let mean = sum / f64::from(count.max(1));
            (1.0 - mean / data.std(column).powi(2).max(f64::MIN_POSITIVE), mean.sqrt())
        };
        (0..data.dim()).map(of_column).collect()
    }

    /// What a blind combination moves, largest first: names with their relative changes.
    fn direction(&self, blind: &Blind) -> Vec<(String, f64)> {
        /// Smaller parts are not worth naming.
        const LEAST: f64 = 0.02;
        let (windows, variables) = (&self.fit.windows, self.fitting.system().variables());
        let several = self.fitting.data().runs().len() > 1;
        let start = |(k, part): (usize, &f64)| {
            let (window, variable) = (&windows[k / variables.len()], &variables[k % variables.len()]);
            let of = if several { format!(" (trajectory {})", window.run + 1) } else { String::new() };
            (format!("initial.{variable}{of}"), *part)
        };
        let constants = self.unknowns.iter().cloned().zip(blind.constants.iter().copied());
        let mut parts: Vec<(String, f64)> = constants.chain(blind.starts.iter().enumerate().map(start)).collect();
        parts.retain(|(_, part)| part.abs() >= LEAST);
        parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        parts
    }

    fn files(&self) -> Vec<&'static str> {
        FILES.into_iter().chain(self.fit.checkpoint.is_some().then_some(CHECKPOINT)).collect()
    }

    fn write(&self, folder: &OutputDir) -> Result<(), Failure> {
        let curves = self.fitting.curves(&self.fit, CURVE_POINTS);
        let curves = curves.map_err(|e| Failure::Computation(format!("the curve cannot be drawn: {e}")))?;
        let outline = self.outline();
        folder.write(FILES[0], |to| write!(to, "{}", outline.to_toml()))?;
        let internal = |e: vecfield_data::DataError| Failure::Computation(format!("the fitted curve is broken: {e}"));
        let runs = curves.iter().map(|curve| Trajectory::new(curve.times.clone(), curve.states.clone(), vec![]));
        let runs = runs.collect::<Result<Vec<_>, _>>().map_err(internal)?;
        let names = self.fitting.system().variables().to_vec();
        let model = Trajectories::new(names, vec![], runs).map_err(internal)?;
        folder.write(FILES[1], |to| write_trajectories(to, &model))?;
        let page = page::report(self, &curves).render();
        let page = page.map_err(|e| Failure::Computation(format!("the report cannot be written: {e}")))?;
        folder.write(FILES[2], |to| write!(to, "{page}"))?;
        match &self.fit.checkpoint {
            Some(checkpoint) => {
                let text = checkpoint_to_text(checkpoint);
                folder.write(CHECKPOINT, |to| write!(to, "{text}"))?;
            }
            // A search that is done needs none, and an earlier one would lead back.
            None => drop(std::fs::remove_file(folder.path().join(CHECKPOINT))),
        }
        Ok(())
    }

    /// The problem with the fitted constants, from the first run's fitted start.
    fn outline(&self) -> Outline {
        let (problem, data) = (self.problem, self.fitting.data());
        let times = data.runs()[0].times();
        let start = self.fit.state(data, 0, 0);
        let graph = problem.graph();
        let variable = |(v, &value): (&vecfield_io::Variable, &f64)| (v.name.clone(), value, graph.to_text(v.rate));
        let parameter = |(p, &value): (&vecfield_io::Parameter, &f64)| (p.name.clone(), value);
        Outline {
            comments: vec![format!("Fitted by `vecfield fit` to {}.", self.arguments.data.display())],
            title: problem.title().unwrap_or_default().into(),
            parameters: problem.parameters().iter().zip(&self.fit.theta).map(parameter).collect(),
            variables: problem.variables().iter().zip(start).map(variable).collect(),
            span: Some((times[0], times[times.len() - 1])),
            save: times.to_vec(),
            rtol: Some(1e-8),
            ..Outline::default()
        }
    }
}

/// Points of a curve, so that it looks smooth at the width of a page.
const CURVE_POINTS: usize = 400;
