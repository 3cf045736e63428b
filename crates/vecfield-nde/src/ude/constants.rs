//! Constants of formulas as parameters of a descent that knows no bounds.

use crate::settings::Constant;

/// How a constant depends on the parameter `u` that is trained, which begins at [`first`](Way::first).
///
/// ```text
/// no bound       c = s u
/// from below     c = min + (c₀ - min) eᵘ
/// from above     c = max - (max - c₀) eᵘ
/// from both      c = min + (max - min) / (1 + e⁻ᵘ)
/// ```
///
/// A constant that begins on a bound begins a thousandth off it: from the bound itself none of these leads away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way {
    Free { scale: f64 },
    Above { min: f64, room: f64 },
    Below { max: f64, room: f64 },
    Between { min: f64, room: f64 },
}

const OFF: f64 = 1e-3;

impl Way {
    /// That of a constant that moves by `scale` where nothing bounds it.
    pub(super) fn of(constant: &Constant, scale: f64) -> Way {
        let &Constant { value, min, max } = constant;
        let room =
            |room: f64, bound: f64| if room > 0.0 { room } else { OFF * if bound == 0.0 { 1.0 } else { bound.abs() } };
        match (min.is_finite(), max.is_finite()) {
            (false, false) => Way::Free { scale },
            (true, false) => Way::Above { min, room: room(value - min, min) },
            (false, true) => Way::Below { max, room: room(max - value, max) },
            (true, true) => Way::Between { min, room: max - min },
        }
    }

    /// The parameter at which the constant has its first value.
    pub(super) fn first(&self, constant: &Constant) -> f64 {
        match *self {
            Way::Free { scale } => constant.value / scale,
            Way::Above { .. } | Way::Below { .. } => 0.0,
            Way::Between { min, room } => {
                let share = ((constant.value - min) / room).clamp(OFF, 1.0 - OFF);
                (share / (1.0 - share)).ln()
            }
        }
    }

    /// The constant, and its slope.
    pub(super) fn at(&self, u: f64) -> (f64, f64) {
        match *self {
            Way::Free { scale } => (scale * u, scale),
            Way::Above { min, room } => (min + room * u.exp(), room * u.exp()),
            Way::Below { max, room } => (max - room * u.exp(), -room * u.exp()),
            Way::Between { min, room } => {
                let share = 1.0 / (1.0 + (-u).exp());
                (min + room * share, room * share * (1.0 - share))
            }
        }
    }
}
