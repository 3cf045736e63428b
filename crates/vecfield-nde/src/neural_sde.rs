//! The kind `neural-sde`: an equation that makes series like those it was shown.
//!
//! `z(0) = start(ε)`, `dz = f(z) dt + g(z) dW`, and what is measured is linear in `z` (Kidger, Foster, Li & Lyons 2021). For each series that is
//! shown some are made at the same times, and what descends is how much worse the one is told by the others than they tell each
//! other: the energy score (Gneiting & Raftery 2007, section 4.3), a proper one, of every step, of pairs of rows, and of the whole. It needs no
//! second network to judge, and series may be irregular and incomplete.

mod answers;
mod cost;
mod score;

use vecfield_kernels::Activation;

pub(crate) use answers::Generator;
pub use cost::{NeuralSde, NeuralSdeMemory};

use crate::data::DataKind;
use crate::kind::{Defaults, Description};
use crate::settings::{PhaseSettings, RuleName, ScheduleName};
use crate::trainer::Keep;

pub(crate) const NEURAL_SDE: Description = Description {
    name: "neural-sde",
    data: DataKind::Trajectories,
    keys: &["latent", "normalise"],
    defaults: Defaults {
        augment: 0,
        layers: &[32],
        activation: Activation::Silu,
        method: "euler-maruyama",
        rtol: 1e-2,
        atol: 1e-2,
        rule: RuleName::Adam,
        learning_rate: 1e-2,
        batch: 64,
        phases,
        schedule: ScheduleName::Cosine,
        clip: 1.0,
        ema: 0.99,
        keep: Keep::Last,
    },
};

/// Dimensions of the state beside those of the data, unless said.
const MORE: usize = 2;

/// Forty times over the series, or as often as a small set takes.
fn phases(samples: usize, batch: usize) -> Vec<PhaseSettings> {
    let steps = (40 * samples.div_ceil(batch.max(1)) as u64).max(2000);
    vec![PhaseSettings { steps, horizon: None, learning_rate: None }]
}
