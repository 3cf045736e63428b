//! The kind `latent-ode`: series as readings of a hidden state that moves by an equation.
//!
//! A recurrent network reads a series from its end to its first reading and says where the hidden state may have been there,
//! `q(z₀) = N(μ, σ²)`; from there, forth and back, `dz/dt = f(z)`, and a decoder says what would be measured on the way (Chen et
//! al. 2018, section 5; Rubanova, Chen & Duvenaud 2019). What descends is the negative evidence bound: the misfit of what was
//! measured, by a noise that is learned too, and how far `q` is from `N(0, I)`. It is one for any `q`: that which knows a part of
//! the readings alone teaches the equation to go on beyond them.

mod answers;
mod cost;
pub(crate) mod encoder;
pub(crate) mod misfit;
pub(crate) mod series;
pub(crate) mod told;

use vecfield_kernels::Activation;

pub(crate) use answers::Imagined;
pub use cost::{Latent, LatentMemory};

use crate::data::DataKind;
use crate::kind::{Defaults, Description};
use crate::settings::{PhaseSettings, RuleName, ScheduleName};
use crate::trainer::Keep;

pub(crate) const LATENT_ODE: Description = Description {
    name: "latent-ode",
    data: DataKind::Trajectories,
    keys: &["latent", "hidden", "decoder", "hide", "normalise"],
    defaults: Defaults {
        augment: 0,
        layers: &[20, 20],
        activation: Activation::Silu,
        method: "tsit5",
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

/// Dimensions of the hidden state, of what is remembered of a series, and widths of the decoder, unless said.
const LATENT: usize = 4;
pub(crate) const HIDDEN: usize = 25;
const DECODER: &[usize] = &[20];
/// The part of the readings, at either end, that training may hide from the encoder, unless said.
const HIDE: f64 = 0.25;

/// Sixty times over the series, or as often as a small set takes.
fn phases(samples: usize, batch: usize) -> Vec<PhaseSettings> {
    let steps = (60 * samples.div_ceil(batch.max(1)) as u64).max(6000);
    vec![PhaseSettings { steps, horizon: None, learning_rate: None }]
}
