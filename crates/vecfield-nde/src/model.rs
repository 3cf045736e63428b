//! What a trainer trains: parameters, samples, and what a set of samples costs.

mod erased;

use vecfield_adjoint::AdjointError;
use vecfield_kernels::LayerMath;
use vecfield_nn::{Checkpoint, Stored, Tensor};
use vecfield_solvers::{SolveError, Stats};

use crate::error::NdeError;
use crate::settings::Starts;
pub(crate) use erased::AnyModel;

/// The numbers that models are made of: `f32` and `f64`.
pub trait Number: LayerMath + Stored {}

impl Number for f32 {}
impl Number for f64 {}

/// A model with the data it is trained on: all that a [`Trainer`](crate::Trainer) knows of either.
///
/// `cost` is pure: the same samples at the same parameters and the same [`Pass`] give the same bits, whichever thread asks
/// and whatever was asked before. What is drawn at random is a function of [`Pass::draw`] and the sample's number.
pub trait Model<R: Number>: Sync {
    /// Memory of one thread at work.
    type Memory: Send;

    /// The parameters by name, shape and role, in the order of [`parameters`](Model::parameters).
    fn tensors(&self) -> Vec<Tensor>;

    /// The parameters.
    fn parameters(&self) -> Vec<R>;

    /// Takes other parameters.
    fn set_parameters(&mut self, theta: &[R]);

    /// How many samples there are to learn from.
    fn samples(&self) -> usize;

    /// How many samples one call of [`cost`](Model::cost) takes at the most. Part of the result: a batch is cut into such
    /// chunks, whatever the number of threads.
    fn chunk(&self) -> usize {
        16
    }

    /// Memory for [`cost`](Model::cost).
    fn memory(&self) -> Self::Memory;

    /// What these samples cost, in sum, and its gradient, written into `gradient`, which holds zeros on entry; an empty
    /// `gradient` asks for the cost alone.
    /// A sample that fails is left out of both and counted.
    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut Self::Memory) -> Cost;

    /// Puts in what predictions need: the model at the parameters `theta`.
    ///
    /// # Errors
    ///
    /// What cannot be written.
    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError>;
}

/// Where in a training a cost is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Pass {
    /// The step, from zero.
    pub step: u64,
    /// Steps of the whole training.
    pub steps: u64,
    /// Which part of each trajectory is looked at, from its beginning.
    pub horizon: f64,
    /// Where forecasts begin that are shorter than the trajectories.
    pub starts: Starts,
    /// What is drawn at random is a function of this and of the sample's number; `None` asks for the cost as it is when the
    /// model is used, without units dropped.
    pub draw: Option<u64>,
}

impl Pass {
    /// A pass over whole samples with nothing drawn, as the model is used.
    pub fn whole() -> Pass {
        Pass { step: 0, steps: 1, horizon: 1.0, starts: Starts::First, draw: None }
    }

    /// The same over this part of each trajectory.
    pub fn with_horizon(self, horizon: f64) -> Pass {
        Pass { horizon, ..self }
    }
}

/// What samples cost, in sum.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cost {
    /// What descends.
    pub loss: f64,
    /// The same in the data's units.
    pub shown: f64,
    /// How many samples both are the sum of.
    pub good: usize,
    /// Those that failed, and why.
    pub failed: Vec<(usize, AdjointError)>,
    /// What it took.
    pub work: Work,
}

impl Cost {
    /// Adds what other samples cost.
    pub fn add(&mut self, other: Cost) {
        self.loss += other.loss;
        self.shown += other.shown;
        self.good += other.good;
        self.failed.extend(other.failed);
        self.work.add(other.work);
    }

    /// The mean over its samples; NaN without one.
    pub fn mean(&self) -> f64 {
        self.loss / self.good as f64
    }

    /// The mean in the data's units; NaN without a sample.
    pub fn mean_shown(&self) -> f64 {
        self.shown / self.good as f64
    }
}

/// The work of solves and of the passes back through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Work {
    /// Evaluations of the field, counted for each sample.
    pub forward: u64,
    /// Its pullbacks.
    pub backward: u64,
    /// Accepted steps.
    pub steps: u64,
    /// Trial steps thrown away.
    pub rejected: u64,
    /// Solves that were tried once more by another method.
    #[serde(default)]
    pub retried: u64,
}

impl Work {
    /// That of a solve.
    pub(crate) fn of(stats: &Stats) -> Work {
        Work { forward: stats.rhs_evals, backward: 0, steps: stats.steps, rejected: stats.rejected, retried: 0 }
    }

    /// Adds other work.
    pub fn add(&mut self, other: Work) {
        self.forward += other.forward;
        self.backward += other.backward;
        self.steps += other.steps;
        self.rejected += other.rejected;
        self.retried += other.retried;
    }
}

/// A word or two for why a sample failed, to count by.
pub(crate) fn cause(error: &AdjointError) -> &'static str {
    match error {
        AdjointError::Solve(SolveError::NotFinite { .. }) => "a solve that is not finite",
        AdjointError::Solve(SolveError::StepTooSmall { .. }) => "steps too small",
        AdjointError::Solve(SolveError::TooManySteps { .. }) => "too many steps",
        AdjointError::Solve(_) => "a solve",
        AdjointError::NotFinite { .. } => "a gradient that is not finite",
        _ => "a pass back",
    }
}
