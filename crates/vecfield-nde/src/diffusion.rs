//! The kind `diffusion`: points drawn by undoing noise, and their density.
//!
//! Noise is put on the data, `x_t = α(t) x₀ + σ(t) ε`, by one of the processes of Song et al. 2021 ([`Process`]). All of them go along
//! one curve: with `α/√(α²+σ²) = cos φ` and `u = x_t/√(α²+σ²) = cos φ x₀ + sin φ ε`, a network learns
//!
//! ```text
//! F(u, φ) ≈ sin φ x₀ - cos φ ε,    E |F - ..|² over the data, the noise and its level
//! ```
//!
//! which is denoising score matching (Vincent 2011) with the preconditioning of Karras et al. 2022, eq. (7), for data of variance
//! one: the score of `u` is `(cos φ F - sin φ u)/sin φ`. The probability-flow ODE is then `du/dφ = -F`, without a factor that grows on
//! either side, and gives the density of a point as any flow does; few steps of a multistep method give samples
//! (DPM-Solver++, Lu et al. 2022), many of the reverse SDE too.

mod cost;
mod noise;
mod points;
mod sampler;

use vecfield_kernels::Activation;

pub use cost::{Diffusion, DiffusionMemory};
pub use noise::Process;
pub(crate) use points::Denoiser;
pub use sampler::{ProbabilityFlow, Sampler, sliced_wasserstein};

use crate::data::DataKind;
use crate::kind::{Defaults, Description};
use crate::settings::{PhaseSettings, RuleName, ScheduleName};
use crate::trainer::Keep;

pub(crate) const DIFFUSION: Description = Description {
    name: "diffusion",
    data: DataKind::Rows,
    keys: &["process", "sampler", "evaluations", "normalise"],
    defaults: Defaults {
        augment: 0,
        layers: &[128, 128, 128],
        activation: Activation::Silu,
        method: "tsit5",
        rtol: 1e-4,
        atol: 1e-4,
        rule: RuleName::Adam,
        learning_rate: 2e-3,
        batch: 256,
        phases,
        schedule: ScheduleName::Cosine,
        clip: 1.0,
        ema: 0.999,
        keep: Keep::Last,
    },
};

/// As many steps whatever there is to learn from: every one of them sees new noise.
fn phases(_samples: usize, _batch: usize) -> Vec<PhaseSettings> {
    vec![PhaseSettings { steps: 8000, horizon: None, learning_rate: None }]
}
