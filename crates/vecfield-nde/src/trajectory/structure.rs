//! Fields with a structure: the data's variables are positions, then as many velocities or momenta.

use vecfield_nn::{AnyLayer, Hamiltonian, SecondOrder};

use super::Scaling;
use crate::error::{NdeError, SettingError};
use crate::settings::{Settings, Structure};

/// The field of `width` variables in the units of `scaling`, with the structure that `settings` name.
pub(super) fn field(settings: &Settings, scaling: &Scaling, width: usize) -> Result<AnyLayer, NdeError> {
    let Some(structure) = settings.field.structure else { return Ok(settings.network(width, width)?) };
    let rejected = |reason: String| Err(SettingError::Rejected { key: "field.structure", reason }.into());
    if !width.is_multiple_of(2) || settings.model.augment() > 0 {
        return rejected(format!(
            "a {} field is of positions and, behind them, as many {}; the data have {width} variables",
            structure.name(),
            if structure == Structure::SecondOrder { "velocities" } else { "momenta" },
        ));
    }
    let n = width / 2;
    let Scaling { mean, scale, pace, .. } = scaling;
    if structure == Structure::SecondOrder {
        // q = m + s z and v = m' + s' z' give dz/dτ = (m' + s' z') / (s pace).
        let unit = |i: usize| 1.0 / (scale[i] * pace);
        let factors = (0..n).map(|i| scale[n + i] * unit(i)).collect();
        let shifts = (0..n).map(|i| mean[n + i] * unit(i)).collect();
        return Ok(SecondOrder::new(settings.network(width, n)?, factors, shifts).into());
    }
    if settings.field.time == Some(true) {
        return rejected("an energy that stays does not depend on time; leave `time` out".into());
    }
    // Each pair of a position and its momentum has the unit of an action; what they have in common is the network's.
    let pairs: Vec<f64> = (0..n).map(|i| 1.0 / (scale[i] * scale[n + i])).collect();
    let common = pairs.iter().sum::<f64>() / n as f64;
    let energy = settings.network(width, 1)?;
    let layer = Hamiltonian::new(energy, pairs.iter().map(|pair| pair / common).collect());
    Ok(if structure == Structure::PortHamiltonian { layer.with_friction() } else { layer }.into())
}
