//! The kind `cnf`: points as where a flow carries a normal distribution.
//!
//! `dz/dt = f(z, t)` takes `z(0) ~ N(0, I)` to points `z(1)`, and their density with them: `ln p(z(1)) = ln N(z(0)) - ∫ tr ∂f/∂z dt`
//! (Chen et al. 2018, theorem 1). The first and longer part of a training compares `f` with the straight way from a normal point to a
//! measured one, which needs no solve (flow matching, Lipman et al. 2023, eq. (23)); the rest descends the likelihood itself.

mod cost;
mod field;
mod points;

use vecfield_kernels::Activation;

pub use cost::{Flows, FlowsMemory};
pub(crate) use field::{ALONG, Density};
pub(crate) use points::Sampler;

use crate::data::DataKind;
use crate::kind::{Defaults, Description};
use crate::settings::{PhaseSettings, RuleName, ScheduleName};
use crate::trainer::Keep;

pub(crate) const CNF: Description = Description {
    name: "cnf",
    data: DataKind::Rows,
    keys: &["normalise", "trace", "matching", "kinetic", "jacobian"],
    defaults: Defaults {
        augment: 0,
        layers: &[64, 64, 64],
        activation: Activation::Silu,
        method: "tsit5",
        rtol: 1e-4,
        atol: 1e-4,
        rule: RuleName::Adam,
        learning_rate: 4e-3,
        batch: 512,
        phases,
        schedule: ScheduleName::Cosine,
        clip: 10.0,
        ema: 0.0,
        keep: Keep::Last,
    },
};

/// The part of a training that compares rates, unless said.
const MATCHING: f64 = 0.96;

/// By rates first, then by the likelihood.
fn phases(_samples: usize, _batch: usize) -> Vec<PhaseSettings> {
    let phase = |steps, learning_rate| PhaseSettings { steps, horizon: None, learning_rate };
    vec![phase(9600, None), phase(400, Some(1e-3))]
}
