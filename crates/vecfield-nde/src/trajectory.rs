//! The kinds `neural-ode` and `augmented-ode`: `dz/dτ = f(τ, z)` from the first row of each trajectory, compared with the others.
//!
//! Variables are brought to mean zero and variance one, and time to the pace of the data ([`Scaling`]); an augmented state has
//! further components that begin at zero (Dupont, Doucet & Teh 2019).

mod clock;
mod forecast;
mod forecaster;
mod rates;
mod samples;
mod scaling;
mod structure;

use vecfield_kernels::Activation;

pub(crate) use forecast::Forecast;
pub use forecaster::{Forecaster, Memory};
pub use rates::Rates;
pub use scaling::Scaling;

use crate::data::DataKind;
use crate::kind::{Defaults, Description};
use crate::settings::{PhaseSettings, RuleName, ScheduleName};
use crate::trainer::Keep;

pub(crate) const NEURAL_ODE: Description = Description {
    name: "neural-ode",
    data: DataKind::Trajectories,
    keys: &["augment", "normalise"],
    defaults: Defaults {
        augment: 0,
        layers: &[64, 64],
        activation: Activation::Tanh,
        method: "tsit5",
        rtol: 1e-3,
        atol: 1e-6,
        rule: RuleName::Adam,
        learning_rate: 3e-3,
        batch: 32,
        phases,
        schedule: ScheduleName::Constant,
        clip: 0.0,
        ema: 0.0,
        keep: Keep::Best,
    },
};

pub(crate) const AUGMENTED_ODE: Description =
    Description { name: "augmented-ode", defaults: Defaults { augment: 2, ..NEURAL_ODE.defaults }, ..NEURAL_ODE };

/// Short forecasts first: over long ones the loss of a field that knows nothing is all hills.
fn phases(_samples: usize, _batch: usize) -> Vec<PhaseSettings> {
    let phase = |horizon| PhaseSettings { steps: 500, horizon: Some(horizon), learning_rate: None };
    vec![phase(0.1), phase(1.0)]
}
