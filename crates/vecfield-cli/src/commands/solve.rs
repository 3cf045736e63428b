//! `vecfield solve PROBLEM.toml`: what does this equation do?

mod ensemble;
mod gradient;
mod picture;
mod steady;
mod stochastic;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use vecfield_io::{
    EnsembleSolver, OutputDir, Overwrite, Paused, Problem, Run, SettingError, Settings, Solver, StochasticError,
    StochasticSolver, System, write_table,
};
use vecfield_solvers::sde::{self, SdeMethod};
use vecfield_solvers::{Method, SolveError, Stats};

use crate::context::Context;
use crate::failure::Failure;
use crate::layout::{duration, number, table};
use crate::watch::Watch;

const EXAMPLES: &str = "Examples:
  vecfield solve lotka-volterra.toml
  vecfield solve lotka-volterra.toml --set alpha=0.6 --t 0,50 --save 10,20,50
  vecfield solve lotka-volterra.toml --method tsit5 --rtol 1e-9 --out run --json
  vecfield solve lotka-volterra.toml --out run --plot                    trajectory.svg too
  vecfield solve lotka-volterra.toml --resume run                        go on after Ctrl-C
  vecfield solve lotka-volterra.toml --gradient \"hare + lynx\"           by initial values and parameters
  vecfield solve lotka-volterra.toml --steady                            where it comes to rest
  vecfield solve lorenz-ensemble.toml --out run --plot                   an [ensemble] of trajectories
  vecfield solve double-well.toml --paths 10000 --expect \"x^2\"          a stochastic equation, with [noise]
  vecfield solve --method list

A problem file:
  [parameters]
  alpha = 0.55
  [initial]
  hare = 30.0
  lynx = 4.0
  [equations]
  hare = \"alpha*hare - 0.028*hare*lynx\"
  lynx = \"0.026*hare*lynx - 0.84*lynx\"
  [solve]
  t = [0.0, 20.0]

Try it:
  vecfield examples lotka-volterra
  vecfield solve lotka-volterra/lotka-volterra.toml";

/// Arguments of `vecfield solve`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The problem, in TOML
    #[arg(value_name = "PROBLEM.toml", required_unless_present = "method")]
    problem: Option<PathBuf>,
    /// The method; `list` prints all of them
    #[arg(long, value_name = "M")]
    method: Option<String>,
    /// Relative tolerance
    #[arg(long, value_name = "R", allow_hyphen_values = true)]
    rtol: Option<f64>,
    /// Absolute tolerance: one, or one per variable, separated by commas
    #[arg(long, value_name = "A", value_delimiter = ',', allow_hyphen_values = true)]
    atol: Vec<f64>,
    /// Take steps of exactly this size, without error control
    #[arg(long, value_name = "H", allow_hyphen_values = true)]
    step: Option<f64>,
    /// Start and end
    #[arg(long = "t", value_name = "T0,T1", value_delimiter = ',', allow_hyphen_values = true)]
    span: Vec<f64>,
    /// Times at which the state is wanted
    #[arg(long, value_name = "T,T,..", value_delimiter = ',', allow_hyphen_values = true)]
    save: Vec<f64>,
    /// Another value for a parameter, an initial value or a discrete value; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Differentiate this formula at the end by initial values and parameters
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    gradient: Option<String>,
    /// The way through the solve: discrete (the default), checkpointed (in little memory), forward (few
    /// parameters), reversible (going back over the steps) or backsolve (with an estimate of its error)
    #[arg(long, value_name = "A", requires = "gradient")]
    adjoint: Option<String>,
    /// Find the state in which the solution comes to rest, with t held at its start, and whether it stays there
    #[arg(long, conflicts_with_all = ["out", "step", "save"])]
    steady: bool,
    /// Solve this many paths of a problem with [noise]; draw the random values of [ensemble] this often for every combination
    /// of the others
    #[arg(long, value_name = "N")]
    paths: Option<u64>,
    /// The mean of this formula over the paths, with its standard error; may be repeated
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    expect: Vec<String>,
    /// Write trajectory.csv and result.json to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with a run that was interrupted, from what it left in this folder; its result goes there too, unless --out says
    /// otherwise
    #[arg(long, value_name = "DIR", conflicts_with_all = ["steady", "gradient"])]
    resume: Option<PathBuf>,
    /// Replace an earlier result in the folder
    #[arg(long, requires = "out")]
    force: bool,
    /// Draw the solution as trajectory.svg in that folder
    #[arg(long, requires = "out")]
    plot: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    if arguments.method.as_deref() == Some("list") {
        return list_methods(context);
    }
    let path = arguments.problem.as_deref().ok_or_else(|| Failure::Argument(NO_PROBLEM.into()))?;
    let mut problem = Problem::read(path)?;
    arguments.overrule(&mut problem)?;
    if arguments.steady && problem.settings().span().is_none() {
        // Nothing depends on the end of a run to rest.
        problem.settings_mut().set_span(&[0.0, 1.0]).map_err(|reason| Failure::Setting { flag: "--t", reason })?;
    }
    let wrong = |e: &dyn std::fmt::Display| Failure::Argument(format!("{}: {e}", path.display()));
    let paths = StochasticSolver::new(&problem, context.seed, &arguments.expect).map_err(|e| match e {
        StochasticError::Quantity { reason } => Failure::Argument(format!("--expect {reason}")),
        e => wrong(&e),
    })?;
    if let Some(paths) = paths {
        return arguments.solve_paths(&problem, &paths, context);
    }
    if !arguments.expect.is_empty() {
        return Err(Failure::Argument(NO_NOISE.into()));
    }
    let solver = Solver::new(&problem).map_err(|e| wrong(&e))?;
    let many = EnsembleSolver::new(&problem, context.seed).map_err(|e| wrong(&e))?;
    if many.is_some() && (arguments.steady || arguments.gradient.is_some() || arguments.resume.is_some()) {
        let text = "--gradient, --steady and --resume are of one trajectory, and [ensemble] asks for many; take it out of the file";
        return Err(Failure::Argument(text.into()));
    }
    if arguments.steady {
        return steady::run(&problem, &solver, context);
    }
    let watch = Watch::new(context, None)?;
    let paused = arguments.resume.as_deref().map(|from| Paused::read(&from.join(PAUSED), &problem)).transpose()?;
    let folder = arguments.out.as_deref().or(arguments.resume.as_deref());
    let folder = folder.map(|out| arguments.folder(out)).transpose()?;
    if let Some(many) = many {
        return ensemble::run(&problem, &many, folder.as_ref(), arguments.plot, context, &watch);
    }
    let mut steps = 0_u32;
    let mut goes_on = |share| {
        steps = steps.wrapping_add(1);
        // A look at the clock costs as much as a step of a small problem.
        !steps.is_multiple_of(256) || watch.goes_on("solving", share)
    };
    let system = solver.system();
    let gradient = gradient::Wanted::new(arguments.gradient.as_deref(), arguments.adjoint.as_deref(), &problem)?;
    let clock = Instant::now();
    let (run, derivatives) = match &gradient {
        Some(wanted) => wanted.solve(&solver, &mut goes_on, folder.as_ref())?,
        None => {
            let solved = match &paused {
                None => solver.solve_watched(&mut goes_on),
                Some(paused) => solver.resume_watched(paused, &mut goes_on),
            };
            (solved.map_err(|stopped| stopped_early(system, &stopped.error, &stopped.run, folder.as_ref()))?, None)
        }
    };
    let seconds = clock.elapsed().as_secs_f64();
    if watch.cut() {
        let text = "interrupted".to_string() + &so_far(system, &run, folder.as_ref());
        let paused = Paused::new(&problem, &solver, &run).zip(folder.as_ref());
        return Err(Failure::Computation(
            text + &paused.map_or_else(String::new, |(paused, to)| put_aside(&paused, to)),
        ));
    }
    let gradient = derivatives.map(|derivatives| gradient::Gradient::new(system, derivatives)).transpose()?;
    let result = Solution::new(system, &run, seconds, gradient)?;
    if let Some(folder) = &folder {
        folder.write("trajectory.csv", |to| write_table(to, &columns(system), &rows(&run)))?;
        let drawn = || arguments.plot.then(|| picture::svg(&problem)).transpose();
        keep(folder, &["trajectory.csv"], &result, drawn, context)?;
        if paused.is_some() {
            folder.remove(PAUSED)?;
            folder.remove(PARTIAL)?;
        }
    }
    context.result(&result, |result| result.for_people(problem.title()))
}

const NO_ENSEMBLE: &str = "`paths` says how often what is random is drawn, and this problem has neither [noise] nor \
                           [ensemble]; add one, for example\n  [ensemble]\n  a = { normal = [1.0, 0.1] }";
const NO_NOISE: &str = "--expect takes means over the paths of a stochastic equation, and this problem has no [noise]; add \
                        it, for example\n  [noise]\n  x = [\"0.1*x\"]";
const NO_PROBLEM: &str = "no problem file is given; try `vecfield solve PROBLEM.toml`, or `vecfield solve --help`";

impl Arguments {
    /// Puts what the command line says in the place of what the file says.
    fn overrule(&self, problem: &mut Problem) -> Result<(), Failure> {
        for given in &self.set {
            let (name, value) = assignment(given)?;
            problem.set(name, value).map_err(|reason| Failure::Set { given: given.clone(), reason })?;
        }
        let variables = problem.variables().len();
        let settings = problem.settings_mut();
        let mut flag = |flag: &'static str, set: &mut dyn FnMut(&mut Settings) -> Result<(), SettingError>| {
            set(settings).map_err(|reason| Failure::Setting { flag, reason })
        };
        if let Some(method) = &self.method {
            flag("--method", &mut |s| s.set_method(method))?;
        }
        if let Some(rtol) = self.rtol {
            flag("--rtol", &mut |s| s.set_rtol(rtol))?;
        }
        if !self.atol.is_empty() {
            flag("--atol", &mut |s| s.set_atol(self.atol.clone()))?;
        }
        if let Some(step) = self.step {
            flag("--step", &mut |s| s.set_step(step))?;
        }
        if !self.span.is_empty() {
            flag("--t", &mut |s| s.set_span(&self.span))?;
        }
        if !self.save.is_empty() {
            flag("--save", &mut |s| s.set_save(self.save.clone()))?;
        }
        if let Some(paths) = self.paths {
            flag("--paths", &mut |s| s.set_paths(paths))?;
        }
        if problem.settings().paths().is_some() && problem.ensemble().is_none() && problem.noise().is_none() {
            return Err(Failure::Argument(NO_ENSEMBLE.into()));
        }
        problem.settings().check(variables).map_err(|reason| Failure::Setting { flag: flag_of(&reason), reason })
    }

    /// The solve of a problem with `[noise]`.
    fn solve_paths(&self, problem: &Problem, solver: &StochasticSolver, context: &Context) -> Result<(), Failure> {
        if self.steady || self.gradient.is_some() || self.resume.is_some() {
            let text = "--gradient, --steady and --resume are of ordinary equations, and [noise] makes this a stochastic \
                        one; take it out of the file";
            return Err(Failure::Argument(text.into()));
        }
        let watch = Watch::new(context, None)?;
        let folder = self.out.as_deref().map(|out| self.folder(out)).transpose()?;
        stochastic::run(problem, solver, folder.as_ref(), self.plot, context, &watch)
    }

    fn folder(&self, out: &Path) -> Result<OutputDir, Failure> {
        let overwrite = if self.force { Overwrite::Allowed } else { Overwrite::Never };
        let results = ["trajectory.csv", "trajectory.svg", "result.json"];
        if self.resume.as_deref() == Some(out) {
            // What an interrupted run left is there, and is replaced.
            OutputDir::create(out, &results, overwrite)?;
            return Ok(OutputDir::create(out, &[], Overwrite::Allowed)?);
        }
        Ok(OutputDir::create(
            out,
            &[&results[..], &[PARTIAL, PAUSED], &ensemble::FILES, &stochastic::FILES].concat(),
            overwrite,
        )?)
    }
}

/// Says how to go on with a run whose state is kept in `folder`.
fn put_aside(paused: &Paused, folder: &OutputDir) -> String {
    match folder.write(PAUSED, |to| paused.write(to)) {
        Ok(_) => format!("\ngo on from there with --resume {}", folder.path().display()),
        Err(e) => format!("\nand its state could not be kept to go on from: {e}"),
    }
}

/// What an interrupted run leaves to go on from.
const PAUSED: &str = "solve.paused";

/// What a run that stopped early leaves in its folder.
const PARTIAL: &str = "trajectory.partial.csv";

/// `name=value`.
fn assignment(given: &str) -> Result<(&str, f64), Failure> {
    let parsed = given.split_once('=').map(|(name, value)| (name.trim(), value.trim().parse::<f64>()));
    match parsed {
        Some((name, Ok(value))) => Ok((name, value)),
        _ => Err(Failure::Argument(format!("--set {given}: write a name and a number, such as --set alpha=0.6"))),
    }
}

fn flag_of(reason: &SettingError) -> &'static str {
    match reason.key() {
        "t" => "--t",
        "atol" => "--atol",
        "rtol" => "--rtol",
        _ => "--save",
    }
}

/// Writes the result beside the `tables` that are written already, and its picture if there is one, and says what there is.
fn keep(
    folder: &OutputDir,
    tables: &[&str],
    result: &impl Serialize,
    picture: impl FnOnce() -> Result<Option<String>, Failure>,
    context: &Context,
) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(result).map_err(|e| Failure::Output(e.to_string()))?;
    folder.write("result.json", |to| writeln!(to, "{json}"))?;
    let picture = picture()?;
    if let Some(svg) = &picture {
        folder.write("trajectory.svg", |to| write!(to, "{svg}"))?;
    }
    let before = [tables, if picture.is_some() { &["trajectory.svg"] } else { &[] }].concat().join(", ");
    context.remark(&format!("wrote {before} and result.json to {}", folder.path().display()));
    Ok(())
}

/// The result, as its JSON says it.
#[derive(Debug, Serialize)]
struct Solution<'a> {
    variables: &'a [String],
    t: &'a [f64],
    y: Vec<&'a [f64]>,
    method: &'a str,
    stats: Statistics,
    events: Vec<Occurrence<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gradient: Option<gradient::Gradient>,
}

#[derive(Debug, Serialize)]
struct Statistics {
    steps: u64,
    rejected: u64,
    rhs_evals: u64,
    jacobian_evals: u64,
    factorizations: u64,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Occurrence<'a> {
    name: &'a str,
    t: f64,
    y: &'a [f64],
}

impl Statistics {
    fn new(stats: &Stats, seconds: f64) -> Self {
        let Stats { steps, rejected, rhs_evals, jacobian_evals, factorizations } = *stats;
        Statistics { steps, rejected, rhs_evals, jacobian_evals, factorizations, seconds }
    }
}

impl<'a> Solution<'a> {
    fn new(
        system: &'a System,
        run: &'a Run,
        seconds: f64,
        gradient: Option<gradient::Gradient>,
    ) -> Result<Self, Failure> {
        let variables = system.variables();
        let y: Vec<&[f64]> = run.rows().collect();
        // A solver that reports success with a number that is none has failed all the same.
        for (t, row) in run.times().iter().zip(&y) {
            if let Some(i) = row.iter().position(|v| !v.is_finite()) {
                let what = format!("{} is not finite at t = {t}; please report this problem file", variables[i]);
                return Err(Failure::Computation(what));
            }
        }
        Ok(Self {
            variables,
            t: run.times(),
            y,
            method: run.method(),
            stats: Statistics::new(run.stats(), seconds),
            events: run
                .occurrences()
                .iter()
                .map(|e| Occurrence { name: &system.events()[e.event].name, t: e.t, y: &e.values })
                .collect(),
            gradient,
        })
    }

    fn for_people(&self, title: Option<&str>) -> String {
        let Statistics { steps, rejected, rhs_evals, seconds, .. } = self.stats;
        let title = title.map(|title| format!("{title}\n")).unwrap_or_default();
        let work = format!("{}: {steps} steps ({rejected} rejected), {rhs_evals} evaluations", self.method);
        let mut text = format!("{title}{work}, {}\n\n{}", duration(seconds), self.states());
        if !self.events.is_empty() {
            text += &format!("\n{}", self.occurrences());
        }
        if let Some(gradient) = &self.gradient {
            text += &format!("\n{}", gradient.for_people());
        }
        text
    }

    fn states(&self) -> String {
        const LINES: usize = 25;
        let every = self.t.len().div_ceil(LINES).max(1);
        let last = self.t.len().saturating_sub(1);
        let shown = |&k: &usize| k.is_multiple_of(every) || k == last;
        let rows: Vec<_> = (0..self.t.len()).filter(shown).map(|k| self.cells(self.t[k], self.y[k])).collect();
        let header: Vec<&str> = ["t"].into_iter().chain(self.variables.iter().map(String::as_str)).collect();
        let (columns, left_out) = (header.len().min(COLUMNS + 1), header.len().saturating_sub(COLUMNS + 1));
        let mut text = table(&header[..columns], &rows, &[]);
        if left_out > 0 || rows.len() < self.t.len() {
            let variables = if left_out > 0 { format!(" and {left_out} more variables") } else { String::new() };
            text += &format!("{} of {} rows{variables}; --json or --out has all\n", rows.len(), self.t.len());
        }
        text
    }

    fn occurrences(&self) -> String {
        const LINES: usize = 20;
        let header: Vec<&str> = ["event", "t"].into_iter().chain(self.variables.iter().map(String::as_str)).collect();
        let row = |e: &Occurrence<'_>| [vec![e.name.to_string()], self.cells(e.t, e.y)].concat();
        let rows: Vec<_> = self.events.iter().take(LINES).map(row).collect();
        let text = table(&header[..header.len().min(COLUMNS + 2)], &rows, &[0]);
        match self.events.len() - rows.len() {
            0 => text,
            more => format!("{text}and {more} more; --json or --out has all\n"),
        }
    }

    fn cells(&self, t: f64, y: &[f64]) -> Vec<String> {
        [t].iter().chain(y.iter().take(COLUMNS)).map(|v| number(*v)).collect()
    }
}

/// Variables that are shown to people.
const COLUMNS: usize = 8;

fn columns(system: &System) -> Vec<&str> {
    ["t"].into_iter().chain(system.variables().iter().map(String::as_str)).collect()
}

fn rows(run: &Run) -> Vec<f64> {
    run.times().iter().zip(run.rows()).flat_map(|(t, y)| [&[*t], y].concat()).collect()
}

/// The failure of a run that stopped early.
fn stopped_early(system: &System, error: &SolveError, run: &Run, folder: Option<&OutputDir>) -> Failure {
    let reason = error.named(system.components()).to_string();
    if error.time().is_none() {
        // The solve never began: something it was given is wrong.
        return Failure::Argument(reason);
    }
    Failure::Computation(reason + &so_far(system, run, folder))
}

/// How far a run came that did not reach its end, and where that part is.
fn so_far(system: &System, run: &Run, folder: Option<&OutputDir>) -> String {
    let mut text = String::new();
    if let (Some(t), Some(y)) = (run.times().last(), run.rows().last()) {
        let state = system.variables().iter().zip(y).take(COLUMNS).map(|(name, v)| format!("{name} = {}", number(*v)));
        text += &format!("\nthe last good state is at t = {t}: {}", state.collect::<Vec<_>>().join(", "));
    }
    text += &match folder.map(|dir| dir.write(PARTIAL, |to| write_table(to, &columns(system), &rows(run)))) {
        None => "\nwith --out DIR the solution up to there is kept".into(),
        Some(Ok(path)) => format!("\nthe solution up to there is in {}", path.display()),
        Some(Err(e)) => format!("\nand the solution up to there could not be kept: {e}"),
    };
    text
}

/// `--method list`.
fn list_methods(context: &Context) -> Result<(), Failure> {
    /// A number, or a range as a list of two.
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Order {
        Fixed(u32),
        Range(u32, u32),
        Strong(f64),
        StrongRange(f64, f64),
    }
    #[derive(Serialize)]
    struct List {
        methods: Vec<Entry>,
    }
    #[derive(Serialize)]
    struct Entry {
        name: &'static str,
        order: Order,
        kind: &'static str,
        fixed_step: bool,
        stiff: &'static str,
        when: &'static str,
        source: &'static str,
    }
    let entry = |method: Method| Entry {
        name: method.name(),
        order: match method.order() {
            (lowest, highest) if lowest == highest => Order::Fixed(lowest),
            (lowest, highest) => Order::Range(lowest, highest),
        },
        kind: method.kind().name(),
        fixed_step: method.fixed_step(),
        stiff: method.stiff().name(),
        when: method.when(),
        source: method.source(),
    };
    // Of stochastic methods the strong order, which depends on the noise.
    let stochastic = |method: &SdeMethod| Entry {
        name: method.name(),
        order: match method.strong_orders() {
            (lowest, highest) if lowest == highest => Order::Strong(lowest),
            (lowest, highest) => Order::StrongRange(lowest, highest),
        },
        kind: "stochastic",
        fixed_step: !method.adaptive(),
        stiff: if method.stiff() { "yes" } else { "no" },
        when: method.when(),
        source: method.source(),
    };
    let list = List { methods: Method::all().map(entry).chain(sde::ALL.iter().map(stochastic)).collect() };
    context.result(&list, |list| {
        let row = |m: &Entry| {
            let steps = if m.fixed_step { "fixed" } else { "adaptive" };
            let order = match m.order {
                Order::Fixed(order) => order.to_string(),
                Order::Range(lowest, highest) => format!("{lowest}-{highest}"),
                Order::Strong(order) => order.to_string(),
                Order::StrongRange(lowest, highest) => format!("{lowest}-{highest}"),
            };
            [m.name, &order, m.kind, steps, m.stiff, m.when, m.source].map(String::from).to_vec()
        };
        let rows: Vec<_> = list.methods.iter().map(row).collect();
        table(&["method", "order", "kind", "steps", "stiff", "when", "source"], &rows, &[0, 2, 3, 4, 5, 6])
    })
}
