//! The kind `neural-sde`: an equation that makes series like those it was shown.
//!
//! `z(0) = start(ε)`, `dz = f(z) dt + g(z) dW`, and what is measured is linear in `z` (Kidger, Foster, Li & Lyons 2021). For each series that is
//! shown some are made at the same times, and what descends is how much worse the one is told by the others than they tell each
//! other: the energy score (Gneiting & Raftery 2007, section 4.3), a proper one, of every step, of pairs of rows, and of the whole. It needs no
//! second network to judge, and series may be irregular and incomplete.

mod answers;
mod cost;
mod score;

pub(crate) use answers::Generator;
pub use cost::{NeuralSde, NeuralSdeMemory};

use crate::data::DataKind;
use crate::kind::{Defaults, Description};
use crate::latent_sde::LATENT_SDE;
use crate::settings::PhaseSettings;

pub(crate) const NEURAL_SDE: Description = Description {
    name: "neural-sde",
    data: DataKind::Trajectories,
    keys: &["latent", "normalise"],
    // Those of the other kind that takes stochastic steps, with an average: scores of a few series made are noisy.
    defaults: Defaults { phases, ema: 0.99, ..LATENT_SDE.defaults },
};

/// Dimensions of the state beside those of the data, unless said.
const MORE: usize = 2;

/// Forty times over the series, or as often as a small set takes.
fn phases(samples: usize, batch: usize) -> Vec<PhaseSettings> {
    let steps = (40 * samples.div_ceil(batch.max(1)) as u64).max(2000);
    vec![PhaseSettings { steps, horizon: None, learning_rate: None }]
}
