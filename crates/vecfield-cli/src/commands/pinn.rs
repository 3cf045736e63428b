//! `vecfield pinn PROBLEM.toml`: the equation is known, the network is its solution.

mod aside;
mod outcome;

use std::path::{Path, PathBuf};

use clap::Args;
use vecfield_io::{Document, OutputDir, Overwrite, read_table};
use vecfield_pinn::{Description, PinnError, Problem, Progress, Settings, Table, solve};

use crate::commands::belonging;
use crate::context::Context;
use crate::failure::Failure;
use crate::watch::Watch;
use aside::{Aside, read_standing};
use outcome::{Asked, Outcome};

const EXAMPLES: &str = "Examples:
  vecfield pinn burgers.toml --evaluate points.csv --json
  vecfield pinn burgers.toml --evaluate points.csv --out solved --seconds 60
  vecfield pinn deep.toml --resume trained      a deep network: goes on, bit for bit

A problem file has [domain], [equations] and [[condition]]; the points are a table with a column for each coordinate.

Try it:
  vecfield examples decay
  vecfield pinn decay/decay.toml --evaluate decay/decay.csv";

/// Arguments of `vecfield pinn`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The equations, where they hold, and what is known on the boundary, in TOML
    #[arg(value_name = "PROBLEM.toml")]
    problem: PathBuf,
    /// A table of points where the solution is wanted
    #[arg(long, value_name = "POINTS.csv")]
    evaluate: Option<PathBuf>,
    /// Stop after this many seconds with the best so far
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// How the weights are found: auto or newton
    #[arg(long, value_name = "O", default_value = "auto")]
    optimizer: Optimizer,
    /// Write the solution at the points and the history to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an earlier result
    #[arg(long)]
    force: bool,
    /// Go on with the training in this folder, and write there
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
}

/// How the weights are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Optimizer {
    /// What suits the problem.
    Auto,
    /// Gauss-Newton steps on the outer weights; one step where the problem is linear.
    Newton,
}

pub(crate) const SOLUTION: &str = "solution.csv";
pub(crate) const HISTORY: &str = "history.csv";
pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let document = Document::open(&arguments.problem)?;
    let description: Description = document.read()?;
    match arguments.optimizer {
        // There is one method so far, and it suits every problem that is accepted.
        Optimizer::Auto | Optimizer::Newton => {}
    }
    let data = data(&description, &arguments.problem)?;
    let problem = Problem::new(&description, &data).map_err(|e| refused(&document, &e))?;
    problem.warnings().iter().for_each(|warning| context.remark(&format!("warning: {warning}")));
    let asked = arguments.evaluate.as_deref().map(|path| Asked::read(path, &problem)).transpose()?;
    let folder = folder(arguments)?;
    let standing = arguments.resume.as_deref().map(read_standing).transpose()?;
    let watch = Watch::new(context, arguments.seconds)?;
    let mut history: Vec<(usize, f64, f64)> = Vec::new();
    let settings = Settings { seed: context.seed, standing, ..Settings::default() };
    let mut aside = Aside::new(folder.as_ref());
    let work = || {
        let mut observe = |progress: &Progress<'_>| {
            if progress.loss.is_finite() && history.last().is_none_or(|&(at, ..)| at < progress.iteration) {
                history.push((progress.iteration, context.began.elapsed().as_secs_f64(), progress.loss));
            }
            let stage = match progress.standing {
                Some(_) => format!("round {}, loss {:.2e}", progress.level, progress.loss),
                None => format!("level {}", progress.level),
            };
            aside.put(progress.standing) && watch.goes_on(&stage, progress.share)
        };
        let points = asked.as_ref().map(|asked| asked.points.as_slice());
        solve(&problem, points, &settings, &mut observe)
    };
    let found = context.on_threads(work)?.map_err(|e| refused(&document, &e))?;
    drop(watch);
    aside.end()?;
    let outcome =
        Outcome { problem: &problem, found: &found, asked, history, seconds: context.began.elapsed().as_secs_f64() };
    if let Some(folder) = &folder {
        outcome.write(folder)?;
        context.remark(&format!("wrote to {}", folder.path().display()));
    }
    context.result(&outcome.to_json(), |_| outcome.for_people())
}

/// The tables that the problem file names, from beside it.
fn data(description: &Description, file: &Path) -> Result<Vec<Table>, Failure> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let read = |path: PathBuf| -> Result<Table, Failure> {
        let table = read_table(&path)?;
        Ok(Table { columns: table.columns().to_vec(), rows: table.rows().map(<[f64]>::to_vec).collect() })
    };
    description.data.iter().map(|data| read(folder.join(&data.file))).collect()
}

fn folder(arguments: &Arguments) -> Result<Option<OutputDir>, Failure> {
    let Some((path, overwrite)) = belonging::folder(&arguments.resume, &arguments.out, arguments.force) else {
        return Ok(None);
    };
    // Checked here for what is there before; this run's own checkpoints replace each other.
    OutputDir::create(path, &[SOLUTION, HISTORY, CHECKPOINT], overwrite)?;
    Ok(Some(OutputDir::create(path, &[], Overwrite::Allowed)?))
}

/// What is wrong, at its place in the problem file.
fn refused(document: &Document, error: &PinnError) -> Failure {
    match (error.key(), error.inside()) {
        (Some(key), Some(inside)) => document.refuse_inside(key, inside, error).into(),
        (Some(key), None) => document.refuse(key, error).into(),
        (None, _) if error.is_input() => Failure::Argument(error.to_string()),
        (None, _) => Failure::Computation(error.to_string()),
    }
}
