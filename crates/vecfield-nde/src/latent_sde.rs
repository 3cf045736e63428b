//! The kind `latent-sde`: series as readings of a hidden state that chance moves too.
//!
//! `dz = f(z) dt + g(z) dW` from a start `z₀ ~ N(μ, σ²)`, all of it learned, is what series are drawn from; a decoder says what would be
//! measured on the way. To learn it, a recurrent network reads a series from its end and says for each reading what it
//! believes of the state there, and the steps of the state are steered along those beliefs. What descends is the negative evidence
//! bound: the misfit of the readings, and how far the steered law is from the free one, at the start and over the steps (Li, Wong,
//! Chen & Duvenaud 2020, section 5). The law that is learned is that of Euler's and Maruyama's steps, and the bound holds for it at any
//! length of theirs.

mod answers;
mod cost;
mod parts;

use vecfield_kernels::Activation;

pub(crate) use answers::Drawn;
pub use cost::{LatentSde, LatentSdeMemory};

use crate::data::DataKind;
use crate::kind::{Defaults, Description};
use crate::settings::{PhaseSettings, RuleName, ScheduleName};
use crate::trainer::Keep;

pub(crate) const LATENT_SDE: Description = Description {
    name: "latent-sde",
    data: DataKind::Trajectories,
    keys: &["latent", "hidden", "decoder", "normalise"],
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
        ema: 0.0,
        keep: Keep::Last,
    },
};

/// Sixty times over the series, or as often as a small set takes.
fn phases(samples: usize, batch: usize) -> Vec<PhaseSettings> {
    let steps = (60 * samples.div_ceil(batch.max(1)) as u64).max(3000);
    vec![PhaseSettings { steps, horizon: None, learning_rate: None }]
}
