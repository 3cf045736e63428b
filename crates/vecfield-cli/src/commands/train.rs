//! `vecfield train MODEL.toml DATA`: learn a right-hand side that nobody knows.

mod outcome;
mod watched;

use std::path::{Path, PathBuf};

use clap::Args;
use vecfield_io::{Document, OutputDir, Overwrite};
use vecfield_nde::{Data, Metric, NdeError, Progress, SettingError, Settings, Training, load, resume, train};
use vecfield_nn::Checkpoint;

use super::input;
use crate::commands::belonging;
use crate::context::Context;
use crate::failure::Failure;
use crate::watch::Watch;
use outcome::Outcome;
use watched::Watched;

const EXAMPLES: &str = "Examples:
  vecfield train examples/train/neural-ode.toml data/lynx-hare.csv --out trained
  vecfield train model.toml data.csv --out trained --seconds 60      stops there with the best so far
  vecfield train model.toml data.csv --resume trained                goes on, bit for bit
  vecfield predict trained questions.csv > answers.csv

A model file needs two lines, [model] and kind = \"neural-ode\"; everything else has a default.

Try it:
  vecfield examples neural-ode
  vecfield train neural-ode/neural-ode.toml neural-ode/lynx-hare.csv --out neural-ode-trained";

/// Arguments of `vecfield train`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What is learned and how, in TOML
    #[arg(value_name = "MODEL.toml")]
    model: PathBuf,
    /// What it is learned from
    #[arg(value_name = "DATA")]
    data: Option<PathBuf>,
    /// Data that it is not trained on, to judge it by
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// Labels of DATA, of kinds that learn them: a table `trajectory,label` or `label`, or an IDX or NPY file
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Labels of the data of `--test`
    #[arg(long, value_name = "FILE", requires = "test")]
    test_labels: Option<PathBuf>,
    /// Write the model and the history of its training to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an earlier result
    #[arg(long)]
    force: bool,
    /// Go on with the training in this folder, and write there
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Stop after this many seconds with the best so far
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
}

/// The file of a model, which `predict` and `--resume` read.
pub(super) const MODEL: &str = "model.safetensors";
const HISTORY: &str = "history.csv";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let document = Document::open(&arguments.model)?;
    let settings: Settings = document.read()?;
    settings.check().map_err(|e| refused(&document, &e))?;
    let kind = settings.model.kind;
    let path = arguments.data.as_deref().ok_or_else(|| {
        Failure::Argument(format!("a {} is trained on {}; name them behind the model file", kind.name(), kind.data()))
    })?;
    let data = input::learned(path, arguments.labels.as_deref(), kind)?;
    let labels = arguments.test_labels.as_deref();
    let test = arguments.test.as_deref().map(|path| input::learned(path, labels, kind)).transpose()?;
    let folder = folder(arguments)?;
    let earlier = arguments.resume.as_deref().map(read_model).transpose()?;
    let watch = Watch::new(context, arguments.seconds)?;
    let mut watched = Watched::new(&watch, context.began, folder.as_ref());
    let job = || {
        let mut watcher = |progress: &Progress<'_>| watched.step(progress);
        let training = match &earlier {
            Some(checkpoint) => resume(&settings, &data, checkpoint, &mut watcher)?,
            None => train(&settings, &data, context.seed, &mut watcher)?,
        };
        let judged = judged(&training, &data, test.as_ref())?;
        Ok((training, judged))
    };
    let trained = context.on_threads(job)?;
    let (training, judged) = trained.map_err(|e| failed(&document, path, &e))?;
    let timing = watched.timing()?;
    drop(watch);
    judged.remarks.iter().for_each(|remark| context.remark(remark));
    let Judged { metrics, constants, .. } = judged;
    let outcome = Outcome { kind, training: &training, metrics, constants, timing, folder: folder.as_ref() };
    if let Some(folder) = &folder {
        outcome.write(folder)?;
        context.remark(&format!("wrote {MODEL}, {HISTORY} to {}", folder.path().display()));
    }
    context.result(&outcome.to_json(), |_| outcome.for_people())
}

/// A model that was trained.
struct Judged {
    /// How good it is on what it was trained on and on what it was not.
    metrics: Vec<Metric>,
    /// The constants of its formulas.
    constants: Vec<(String, f64)>,
    /// Why something of it cannot be said.
    remarks: Vec<String>,
}

fn judged(training: &Training, data: &Data, test: Option<&Data>) -> Result<Judged, NdeError> {
    let model = load(&training.checkpoint)?;
    let (mut metrics, mut remarks) = (vec![], vec![]);
    for (name, data) in [("train", Some(data)), ("test", test)] {
        match data.map(|data| model.evaluate(data)).transpose() {
            Ok(found) => metrics.extend(found.into_iter().flatten().map(|(metric, v)| (format!("{name}_{metric}"), v))),
            // A training that was broken off early may leave a field that cannot be followed all the way.
            Err(error @ NdeError::Forecast { .. }) => remarks.push(format!("no {name} metrics: {error}")),
            Err(error) => return Err(error),
        }
    }
    metrics.retain(|(name, value)| {
        let finite = value.is_finite();
        if !finite {
            remarks.push(format!("{name} is not finite"));
        }
        finite
    });
    Ok(Judged { metrics, constants: model.constants(), remarks })
}

fn folder(arguments: &Arguments) -> Result<Option<OutputDir>, Failure> {
    let Some((path, overwrite)) = belonging::folder(&arguments.resume, &arguments.out, arguments.force) else {
        return Ok(None);
    };
    // Checked here for what is there before; this run's own checkpoints replace each other.
    OutputDir::create(path, &[MODEL, HISTORY], overwrite)?;
    Ok(Some(OutputDir::create(path, &[], Overwrite::Allowed)?))
}

/// The model in a folder that a training wrote.
pub(super) fn read_model(folder: &Path) -> Result<Checkpoint, Failure> {
    let path = folder.join(MODEL);
    let refused = |reason: String| Failure::Argument(format!("{}: {reason}", path.display()));
    let bytes = std::fs::read(&path).map_err(|e| refused(format!("{e}; give the folder of `vecfield train --out`")))?;
    Checkpoint::from_bytes(&bytes).map_err(|e| refused(e.to_string()))
}

/// A setting that does not fit, at its place in the model file.
fn refused(document: &Document, error: &SettingError) -> Failure {
    match error.inside() {
        Some(inside) => document.refuse_inside(&error.key(), inside, error).into(),
        None => document.refuse(&error.key(), error).into(),
    }
}

/// Where a mistake lies: in the model file, in the data, or in the training itself.
fn failed(document: &Document, data: &Path, error: &NdeError) -> Failure {
    match error {
        NdeError::Setting(setting) => refused(document, setting),
        NdeError::Network(_) => document.refuse("field", error).into(),
        NdeError::Solve(_) => document.refuse("solver", error).into(),
        NdeError::NothingToLearn { .. }
        | NdeError::Series { .. }
        | NdeError::Data { .. }
        | NdeError::Columns { .. }
        | NdeError::Variables { .. } => Failure::Argument(format!("{}: {error}", data.display())),
        NdeError::OtherTraining { .. } | NdeError::Checkpoint(_) => Failure::Argument(format!("--resume: {error}")),
        _ => Failure::Computation(error.to_string()),
    }
}
