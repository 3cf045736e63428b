//! The kinds of models: one line of the enum, one description and two calls for each.

use serde::{Deserialize, Serialize};
use vecfield_kernels::Activation;
use vecfield_nn::Checkpoint;

use crate::cde;
use crate::classifier;
use crate::cnf;
use crate::data::{Data, DataKind};
use crate::diffusion;
use crate::error::NdeError;
use crate::latent;
use crate::latent_sde;
use crate::model::{AnyModel, Number};
use crate::neural_sde;
use crate::settings::{PhaseSettings, RuleName, ScheduleName, Settings};
use crate::trainer::Keep;
use crate::training::{Resumed, Trained, Training, Watcher, run};
use crate::trajectory;
use crate::ude;

/// A kind of model, by the name it has in a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// `dy/dt = f(t, y)` on measured trajectories.
    NeuralOde,
    /// The same with further dimensions that are not measured.
    AugmentedOde,
    /// Classes of vectors and images, through an equation.
    OdeClassifier,
    /// Readings of a hidden state that moves by an equation.
    LatentOde,
    /// Readings of a hidden state that chance moves too.
    LatentSde,
    /// Series like those it was shown.
    NeuralSde,
    /// Classes of series, by an equation that they drive.
    NeuralCde,
    /// A density and its samples by a flow from a normal distribution.
    Cnf,
    /// A density and its samples by taking out noise.
    Diffusion,
    /// Formulas with networks in them, on measured trajectories.
    Ude,
}

/// What is to be known of a kind before anything is trained.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Description {
    /// As one writes it in a model file.
    pub name: &'static str,
    /// What it is trained on.
    pub data: DataKind,
    /// The keys it has in `[model]`, besides those of every kind.
    pub keys: &'static [&'static str],
    /// What keys that are left out mean.
    pub defaults: Defaults,
}

/// What keys of a model file that are left out mean.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Defaults {
    /// `[model] augment`.
    pub augment: usize,
    /// `[field] layers`.
    pub layers: &'static [usize],
    /// `[field] activation`.
    pub activation: Activation,
    /// `[solver] method`.
    pub method: &'static str,
    /// `[solver] rtol`.
    pub rtol: f64,
    /// `[solver] atol`.
    pub atol: f64,
    /// `[optimizer] name`.
    pub rule: RuleName,
    /// `[optimizer] learning_rate`.
    pub learning_rate: f64,
    /// `[optimizer] batch`.
    pub batch: usize,
    /// `[optimizer] phases`, for so many samples and so many of them in a step.
    pub phases: fn(usize, usize) -> Vec<PhaseSettings>,
    /// `[optimizer] schedule`.
    pub schedule: ScheduleName,
    /// `[optimizer] clip`, 0 for none.
    pub clip: f64,
    /// `[optimizer] ema`, 0 for none.
    pub ema: f64,
    /// Which of the parameters on the way are kept.
    pub keep: Keep,
}

impl Kind {
    /// All kinds, in the order of the enum.
    pub const ALL: [Kind; 10] = [
        Kind::NeuralOde,
        Kind::AugmentedOde,
        Kind::OdeClassifier,
        Kind::LatentOde,
        Kind::LatentSde,
        Kind::NeuralSde,
        Kind::NeuralCde,
        Kind::Cnf,
        Kind::Diffusion,
        Kind::Ude,
    ];

    /// What is to be known of it.
    pub fn description(self) -> &'static Description {
        match self {
            Kind::NeuralOde => &trajectory::NEURAL_ODE,
            Kind::AugmentedOde => &trajectory::AUGMENTED_ODE,
            Kind::OdeClassifier => &classifier::ODE_CLASSIFIER,
            Kind::LatentOde => &latent::LATENT_ODE,
            Kind::LatentSde => &latent_sde::LATENT_SDE,
            Kind::NeuralSde => &neural_sde::NEURAL_SDE,
            Kind::NeuralCde => &cde::NEURAL_CDE,
            Kind::Cnf => &cnf::CNF,
            Kind::Diffusion => &diffusion::DIFFUSION,
            Kind::Ude => &ude::UDE,
        }
    }

    /// As one writes it in a model file.
    pub fn name(self) -> &'static str {
        self.description().name
    }

    /// What it is trained on.
    pub fn data(self) -> DataKind {
        self.description().data
    }

    /// The keys it has in `[model]`, besides those of every kind.
    pub fn keys(self) -> &'static [&'static str] {
        self.description().keys
    }

    /// What keys that are left out mean.
    pub fn defaults(self) -> &'static Defaults {
        &self.description().defaults
    }

    /// Trains a model of this kind.
    pub(crate) fn train<R: Number>(
        self,
        (settings, data): (&Settings, &Data),
        from: Resumed<'_>,
        watcher: Watcher<'_>,
    ) -> Result<Training, NdeError> {
        let seed = from.seed();
        let model = match self {
            Kind::NeuralOde | Kind::AugmentedOde => {
                AnyModel::new(trajectory::Forecaster::<R>::prepare(settings, data, seed)?)
            }
            Kind::OdeClassifier => AnyModel::new(classifier::Classifier::<R>::prepare(settings, data, seed)?),
            Kind::LatentOde => AnyModel::new(latent::Latent::<R>::prepare(settings, data, seed)?),
            Kind::LatentSde => AnyModel::new(latent_sde::LatentSde::<R>::prepare(settings, data, seed)?),
            Kind::NeuralSde => AnyModel::new(neural_sde::NeuralSde::<R>::prepare(settings, data, seed)?),
            Kind::NeuralCde => AnyModel::new(cde::Controlled::<R>::prepare(settings, data, seed)?),
            Kind::Cnf => AnyModel::new(cnf::Flows::<R>::prepare(settings, data, seed)?),
            Kind::Diffusion => AnyModel::new(diffusion::Diffusion::<R>::prepare(settings, data, seed)?),
            Kind::Ude => AnyModel::new(ude::prepare::<R>(settings, data, seed)?),
        };
        run(model, settings, from, watcher)
    }

    /// A trained model of this kind from what a training left.
    pub(crate) fn load<R: Number>(
        self,
        settings: &Settings,
        checkpoint: &Checkpoint,
    ) -> Result<Box<dyn Trained>, NdeError> {
        Ok(match self {
            Kind::NeuralOde | Kind::AugmentedOde => Box::new(trajectory::Forecast::<R>::load(settings, checkpoint)?),
            Kind::OdeClassifier => Box::new(classifier::Answers::<R>::load(settings, checkpoint)?),
            Kind::LatentOde => Box::new(latent::Imagined::<R>::load(settings, checkpoint)?),
            Kind::LatentSde => Box::new(latent_sde::Drawn::<R>::load(settings, checkpoint)?),
            Kind::NeuralSde => Box::new(neural_sde::Generator::<R>::load(settings, checkpoint)?),
            Kind::NeuralCde => Box::new(cde::Read::<R>::load(settings, checkpoint)?),
            Kind::Cnf => Box::new(cnf::Sampler::load::<R>(settings, checkpoint)?),
            Kind::Diffusion => Box::new(diffusion::Denoiser::load::<R>(settings, checkpoint)?),
            Kind::Ude => Box::new(trajectory::Forecast::<R, ude::Universal<R>>::load(settings, checkpoint)?),
        })
    }
}
