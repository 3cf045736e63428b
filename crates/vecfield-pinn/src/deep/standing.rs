//! [`Standing`]: all that a training needs to go on from where it stood, bit for bit.

use vecfield_nn::{Checkpoint, CheckpointError, Random};

use super::settings::{Architecture, Training};
use crate::PinnError;
use crate::problem::Problem;

/// Where the training of a deep network stood when its points were to be drawn anew.
///
/// A run goes on from there as if it had never stopped: what it did since is done again.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// What it belongs to.
    pub(super) about: About,
    /// Iterations so far, and draws of the points.
    pub(super) iteration: usize,
    pub(super) round: usize,
    pub(super) random: Random,
    /// The parameters, and the constants behind them.
    pub(super) x: Vec<f64>,
    /// Of Adam: steps and averages.
    pub(super) steps: u64,
    pub(super) averages: [Vec<f64>; 2],
    /// Of self-scaled Broyden: its matrix.
    pub(super) matrix: Vec<f64>,
    /// Of Levenberg–Marquardt.
    pub(super) damping: f64,
    /// The best parameters, with the loss at points that no step has seen.
    pub(super) best: Vec<f64>,
    pub(super) score: f64,
    /// The solution at these points after the last round, and by how much the rounds changed it.
    pub(super) values: Vec<f64>,
    pub(super) changes: Vec<f64>,
    /// Rounds in which nothing moved.
    pub(super) stuck: usize,
}

/// What a training is of.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct About {
    pub(super) architecture: Architecture,
    pub(super) training: Training,
    pub(super) seed: u64,
    unknowns: Vec<String>,
    coordinates: Vec<String>,
    equations: Vec<String>,
}

/// Counts of a standing.
#[derive(serde::Serialize, serde::Deserialize)]
struct Counts {
    iteration: usize,
    round: usize,
    steps: u64,
    stuck: usize,
}

impl About {
    pub(super) fn new(problem: &Problem, architecture: &Architecture, seed: u64) -> Self {
        Self {
            architecture: architecture.clone(),
            // More iterations of the same training are the same training.
            training: Training { iterations: None, ..problem.training.clone() },
            seed,
            unknowns: problem.language.unknowns.clone(),
            coordinates: problem.language.coordinates.clone(),
            equations: problem.equations.iter().map(|equation| equation.name.clone()).collect(),
        }
    }
}

impl Standing {
    /// The beginning of a training.
    pub(super) fn new(about: About, x: Vec<f64>, random: Random) -> Self {
        let zeros = vec![0.0; x.len()];
        Self {
            about,
            iteration: 0,
            round: 0,
            random,
            best: x.clone(),
            averages: [zeros.clone(), zeros],
            x,
            steps: 0,
            matrix: vec![],
            damping: 1e-3,
            score: f64::INFINITY,
            values: vec![],
            changes: vec![],
            stuck: 0,
        }
    }

    /// As a checkpoint.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`], where the file format refuses it.
    pub fn checkpoint(&self) -> Result<Checkpoint, CheckpointError> {
        let mut checkpoint = Checkpoint::new();
        let Self { iteration, round, steps, stuck, .. } = *self;
        checkpoint.note("pinn", &self.about)?;
        checkpoint.note("counts", &Counts { iteration, round, steps, stuck })?;
        checkpoint.note("random", &self.random)?;
        for (name, numbers) in self.blocks() {
            checkpoint.put(name, &[numbers.len()], numbers);
        }
        checkpoint.put("score", &[1], &[self.score]);
        checkpoint.put("damping", &[1], &[self.damping]);
        Ok(checkpoint)
    }

    fn blocks(&self) -> [(&'static str, &Vec<f64>); 7] {
        [
            ("x", &self.x),
            ("first", &self.averages[0]),
            ("second", &self.averages[1]),
            ("matrix", &self.matrix),
            ("best", &self.best),
            ("values", &self.values),
            ("changes", &self.changes),
        ]
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`], where it is that of something else.
    pub fn read(checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        let about: About = checkpoint.noted("pinn")?;
        let counts: Counts = checkpoint.noted("counts")?;
        let mut standing = Self::new(about, checkpoint.get("x")?, checkpoint.noted("random")?);
        let Counts { iteration, round, steps, stuck } = counts;
        (standing.iteration, standing.round, standing.steps, standing.stuck) = (iteration, round, steps, stuck);
        standing.averages = [checkpoint.get("first")?, checkpoint.get("second")?];
        standing.matrix = checkpoint.get("matrix")?;
        standing.best = checkpoint.get("best")?;
        standing.values = checkpoint.get("values")?;
        standing.changes = checkpoint.get("changes")?;
        for (own, name) in [(&mut standing.score, "score"), (&mut standing.damping, "damping")] {
            *own = checkpoint.get(name)?.first().copied().unwrap_or(*own);
        }
        Ok(standing)
    }

    /// Refuses to go on with another problem, network or training.
    pub(super) fn check(&self, about: &About, parameters: usize) -> Result<(), PinnError> {
        let lengths = [&self.x, &self.best, &self.averages[0], &self.averages[1]];
        if self.about == *about && lengths.iter().all(|numbers| numbers.len() == parameters) {
            return Ok(());
        }
        Err(PinnError::OtherTraining)
    }
}
