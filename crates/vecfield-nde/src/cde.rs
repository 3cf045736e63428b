//! The kind `neural-cde`: classes of series, by `softmax(head(z(T)))`, or numbers that belong to them, by `head(z(T))`, with `z(0) = stem(X(0))` and `dz = f(z) dX`, driven by a
//! path `X` through the series.
//!
//! Kidger, Morrill, Foster & Lyons 2020, eqs. (4) to (6). The path is an interpolation of the rows, with time and, where cells are
//! missing, counts of measurements among its channels. With a window it is replaced by its log-signatures, window after window:
//! `dz = f(z) LogSig` (the log-ODE method; Morrill, Salvi, Kidger & Foster 2021), which takes as many fewer steps as a window is
//! long.
//!
//! The parameter of the equation counts rows (or windows), not time: a controlled equation does not mind how fast its path is
//! gone through, and all series of a batch then take their steps together, from row to row.

mod answers;
mod cost;
mod drive;
mod field;
mod target;

use vecfield_kernels::Activation;

pub(crate) use answers::Read;
pub use cost::{Controlled, ControlledMemory};

use crate::data::DataKind;
use crate::kind::{Defaults, Description};
use crate::settings::{PhaseSettings, RuleName, ScheduleName};
use crate::trainer::Keep;

pub(crate) const NEURAL_CDE: Description = Description {
    name: "neural-cde",
    data: DataKind::LabelledTrajectories,
    keys: &["hidden", "interpolation", "intensities", "depth", "window", "normalise", "smoothing"],
    defaults: Defaults {
        augment: 0,
        layers: &[128],
        activation: Activation::Silu,
        method: "midpoint",
        rtol: 1e-3,
        atol: 1e-3,
        rule: RuleName::Adam,
        learning_rate: 1e-2,
        batch: 32,
        phases,
        schedule: ScheduleName::Cosine,
        clip: 1.0,
        ema: 0.0,
        keep: Keep::Last,
    },
};

/// Dimensions of the state, unless said.
const HIDDEN: usize = 32;

/// Thirty times over the series, or as often as a small set takes.
fn phases(samples: usize, batch: usize) -> Vec<PhaseSettings> {
    let steps = (30 * samples.div_ceil(batch.max(1)) as u64).max(500);
    vec![PhaseSettings { steps, horizon: None, learning_rate: None }]
}
