//! The kind `ude`: formulas with networks where nobody knows them, trained through the solver on trajectories
//! (Rackauckas et al. 2020).
//!
//! `x = "a*x - net1(x, y)"`: a name that begins with `net`, or has a table `[networks.NAME]`, is a network of as many inputs as
//! it is given arguments. Formulas see variables, constants and time in the data's units; the solver and the loss see variables
//! in those of a [`Scaling`]. What goes into a network is brought to mean zero and variance one on the data, what comes out to
//! the size at which the rates notice it, and a network begins near zero, so that the training begins with what is known.

mod constants;
mod equations;
mod field;
mod stages;
mod units;
mod universal;

use vecfield_expr::nearest_name;
use vecfield_kernels::Activation;

pub use field::{UniversalField, UniversalMemory};
pub use universal::Universal;

use crate::chance;
use crate::data::{Data, DataKind};
use crate::error::{NdeError, SettingError};
use crate::kind::{Defaults, Description};
use crate::model::Number;
use crate::settings::{PhaseSettings, RuleName, ScheduleName, Settings};
use crate::trainer::Keep;
use crate::trajectory::{Forecaster, Scaling};
use equations::Equations;
use stages::Stages;
use units::Units;

pub(crate) const UDE: Description = Description {
    name: "ude",
    data: DataKind::Trajectories,
    keys: &["fixed", "normalise"],
    defaults: Defaults {
        augment: 0,
        layers: &[16, 16],
        activation: Activation::Tanh,
        method: "tsit5",
        // Constants are to be exact, and the networks are small.
        rtol: 1e-6,
        atol: 1e-8,
        rule: RuleName::Adam,
        learning_rate: 2e-2,
        batch: 32,
        phases,
        schedule: ScheduleName::Cosine,
        // A wrong formula that grows has a gradient that spoils what a rule with moments remembers for long.
        clip: 1.0,
        ema: 0.0,
        keep: Keep::Best,
    },
};

/// Short forecasts first: a wrong formula is soon far from the data.
fn phases(_samples: usize, _batch: usize) -> Vec<PhaseSettings> {
    let phase = |steps, horizon| PhaseSettings { steps, horizon: Some(horizon), learning_rate: None };
    vec![phase(200, 0.3), phase(1300, 1.0)]
}

/// Do the formulas make sense?
pub(crate) fn check(settings: &Settings) -> Result<(), SettingError> {
    Equations::read(settings).map(|_| ())
}

/// The model that `settings` describe, with networks drawn from `seed`, and the trajectories of `data`.
///
/// # Errors
///
/// Data of another kind, with other columns than the equations have variables, or with nothing to learn from; a solver that
/// cannot be.
pub fn prepare<R: Number>(
    settings: &Settings,
    data: &Data,
    seed: u64,
) -> Result<Forecaster<R, Universal<R>>, NdeError> {
    let data = data.trajectories(settings.model.kind)?;
    let mut equations = Equations::read(settings)?;
    known(&equations, data.variables())?;
    let scaling = if settings.model.normalise() { Scaling::of(data) } else { Scaling::none(data.dim()) };
    let stages = Stages::compile(&mut equations, data.variables())?;
    let units = match settings.model.normalise() {
        true => Units::of(&equations, &stages, data, &scaling),
        false => Units::none(&equations),
    };
    let mut random = chance::parameters(seed);
    let rates = Universal::initialised(settings, equations, stages, scaling.clone(), units, &mut random)?;
    Forecaster::of(rates, settings, data, scaling)
}

/// Are the columns the variables?
fn known(equations: &Equations, columns: &[String]) -> Result<(), NdeError> {
    let variables: Vec<&str> = equations.rates.iter().map(|(name, _)| name.as_str()).collect();
    let hint = |name: &str, there: &[&str]| {
        nearest_name(name, there.iter().copied()).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
    };
    if let Some(column) = columns.iter().find(|column| !variables.contains(&column.as_str())) {
        let what = format!(
            "the column `{column}` has no equation{}; [equations] has {}: add one, or leave the column out",
            hint(column, &variables),
            variables.join(", ")
        );
        return Err(NdeError::Variables { what });
    }
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    match variables.iter().find(|variable| !columns.contains(variable)) {
        Some(variable) => {
            let what = format!(
                "there is no column `{variable}`, which [equations] has; the table has {}: add it, with what was \
                 measured of it, the first row at least",
                columns.join(", ")
            );
            Err(NdeError::Variables { what })
        }
        None => Ok(()),
    }
}
