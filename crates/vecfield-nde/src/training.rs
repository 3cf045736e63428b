//! A training from settings and data to a checkpoint, and a trained model from that.

use std::ops::ControlFlow;

use vecfield_nn::Checkpoint;

use crate::data::{Data, Metric, Prediction, Request};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::model::{AnyModel, Model, Number};
use crate::settings::{Precision, Settings};
use crate::trainer::{Done, Trainer};

/// What a training left.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Training {
    /// All there is to keep: [`load`] makes a model of it, [`resume`] goes on from it.
    pub checkpoint: Checkpoint,
    /// How many parameters the model has.
    pub parameters: usize,
    /// What was done.
    pub done: Done,
    /// Was it broken off before the end of its plan?
    pub cut: bool,
}

/// How far a training is.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// Steps done.
    pub step: u64,
    /// Steps of all phases.
    pub steps: u64,
    /// The loss of the last batch in the data's units; NaN where it gave none.
    pub loss: f64,
    checkpoint: &'a dyn Fn() -> Result<Checkpoint, NdeError>,
}

impl Progress<'_> {
    /// What the training could go on from, if it was broken off here.
    ///
    /// # Errors
    ///
    /// What cannot be written.
    pub fn checkpoint(&self) -> Result<Checkpoint, NdeError> {
        (self.checkpoint)()
    }
}

/// Who is told after every step how far a training is, and may break it off there.
pub type Watcher<'a> = &'a mut (dyn FnMut(&Progress<'_>) -> ControlFlow<()> + Send);

/// A trained model.
pub trait Trained: Send + Sync {
    /// How good it is on these data.
    ///
    /// # Errors
    ///
    /// Data of another kind, or that the model cannot be evaluated on.
    fn evaluate(&self, data: &Data) -> Result<Vec<Metric>, NdeError>;

    /// What it says to `input`.
    ///
    /// # Errors
    ///
    /// As [`evaluate`](Trained::evaluate).
    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError>;

    /// The constants of its formulas with their values, where it has some.
    fn constants(&self) -> Vec<(String, f64)> {
        vec![]
    }
}

/// Trains a model as `settings` say; `seed` fixes every random choice.
///
/// ```
/// use std::ops::ControlFlow;
/// use vecfield_data::{Trajectories, Trajectory};
/// use vecfield_nde::{Data, Kind, Request, Settings, load, train};
///
/// // y' = -y from 2, seen at eight times.
/// let times: Vec<f64> = (0..8).map(|k| 0.3 * k as f64).collect();
/// let values: Vec<f64> = times.iter().map(|t| 2.0 * (-t).exp()).collect();
/// let run = Trajectory::new(times, values, vec![])?;
/// let data = Data::Trajectories(Trajectories::new(vec!["y".into()], vec![], vec![run])?);
///
/// let mut settings = Settings::new(Kind::NeuralOde);
/// settings.field.layers = Some(vec![8]);
/// settings.optimizer.steps = Some(300);
/// settings.optimizer.learning_rate = Some(0.02);
/// let training = train(&settings, &data, 0, &mut |_| ControlFlow::Continue(()))?;
/// let model = load(&training.checkpoint)?;
/// let (name, mse) = &model.evaluate(&data)?[0];
/// assert!(name == "mse" && *mse < 0.01, "{mse}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Settings that contradict each other, data of another kind, [`NdeError::Diverged`].
pub fn train(settings: &Settings, data: &Data, seed: u64, watcher: Watcher<'_>) -> Result<Training, NdeError> {
    settings.check()?;
    dispatch(settings, data, Resumed::Begun(seed), watcher)
}

/// Goes on with a training that was broken off, to the bit as if it had not been. The settings may ask for more steps, or other
/// rates, from here on.
///
/// # Errors
///
/// [`NdeError::OtherTraining`] where the model or the data are others than the checkpoint's; else as [`train`].
pub fn resume(
    settings: &Settings,
    data: &Data,
    checkpoint: &Checkpoint,
    watcher: Watcher<'_>,
) -> Result<Training, NdeError> {
    settings.check()?;
    let earlier: Settings = checkpoint.noted(SETTINGS)?;
    if let Some(what) = settings.differs_from(&earlier) {
        return Err(NdeError::OtherTraining { what: what.into() });
    }
    let seed = checkpoint.noted(SEED)?;
    dispatch(settings, data, Resumed::From(checkpoint, seed), watcher)
}

/// The model that a training left.
///
/// # Errors
///
/// A checkpoint of something else.
pub fn load(checkpoint: &Checkpoint) -> Result<Box<dyn Trained>, NdeError> {
    let settings = settings_of(checkpoint)?;
    match settings.precision() {
        Precision::Single => settings.model.kind.load::<f32>(&settings, checkpoint),
        Precision::Double => settings.model.kind.load::<f64>(&settings, checkpoint),
    }
}

/// The settings that a model was trained with.
///
/// # Errors
///
/// A checkpoint of something else.
pub fn settings_of(checkpoint: &Checkpoint) -> Result<Settings, NdeError> {
    Ok(checkpoint.noted(SETTINGS)?)
}

/// The kind of a model.
///
/// # Errors
///
/// A checkpoint of something else.
pub fn kind_of(checkpoint: &Checkpoint) -> Result<Kind, NdeError> {
    Ok(settings_of(checkpoint)?.model.kind)
}

const SETTINGS: &str = "settings";
const SEED: &str = "seed";

/// Where a training begins.
#[derive(Clone, Copy)]
pub(crate) enum Resumed<'a> {
    /// Anew, with this seed.
    Begun(u64),
    /// From an earlier one and its seed.
    From(&'a Checkpoint, u64),
}

impl Resumed<'_> {
    pub(crate) fn seed(self) -> u64 {
        match self {
            Resumed::Begun(seed) | Resumed::From(_, seed) => seed,
        }
    }
}

fn dispatch(settings: &Settings, data: &Data, from: Resumed<'_>, watcher: Watcher<'_>) -> Result<Training, NdeError> {
    let kind = settings.model.kind;
    match settings.precision() {
        Precision::Single => kind.train::<f32>((settings, data), from, watcher),
        Precision::Double => kind.train::<f64>((settings, data), from, watcher),
    }
}

/// Trains a prepared model.
pub(crate) fn run<R: Number>(
    model: AnyModel<R>,
    settings: &Settings,
    from: Resumed<'_>,
    watcher: Watcher<'_>,
) -> Result<Training, NdeError> {
    let plan = settings.plan(model.samples())?;
    let mut trainer = Trainer::new(model, plan, settings.keep(), from.seed())?;
    if let Resumed::From(checkpoint, _) = from {
        trainer.resume(checkpoint)?;
    }
    let put_aside = |trainer: &Trainer<AnyModel<R>, R>, theta: &[R]| {
        let mut checkpoint = Checkpoint::new();
        checkpoint.note(SETTINGS, settings)?;
        checkpoint.note(SEED, &from.seed())?;
        trainer.model().save(theta, &mut checkpoint)?;
        trainer.save(&mut checkpoint)?;
        Ok::<_, NdeError>(checkpoint)
    };
    let cut = trainer.run(&mut |trainer, standing| {
        let checkpoint = || put_aside(trainer, &trainer.settled());
        let loss = standing.shown;
        watcher(&Progress { step: standing.step, steps: standing.steps, loss, checkpoint: &checkpoint })
    })?;
    let theta = trainer.result();
    let checkpoint = put_aside(&trainer, &theta)?;
    Ok(Training { checkpoint, parameters: theta.len(), done: trainer.done().clone(), cut })
}
