//! The kind `ode-classifier`: `softmax(head(y(1)))` with `y(0) = (stem(x), 0)` and `dy/dt = f(y)`, for vectors and for images.
//!
//! Without its stem and head this is the continuous limit of a residual network (Chen et al. 2018, section 3); the further
//! dimensions that begin at zero let it do what a flow of the data's own dimensions cannot (Dupont, Doucet & Teh 2019).

mod answers;
mod cost;
mod inputs;
mod networks;

use vecfield_kernels::Activation;

pub(crate) use answers::Answers;
pub use cost::{Classifier, ClassifierMemory};

use crate::data::DataKind;
use crate::kind::{Defaults, Description};
use crate::settings::{PhaseSettings, RuleName, ScheduleName};
use crate::trainer::Keep;

pub(crate) const ODE_CLASSIFIER: Description = Description {
    name: "ode-classifier",
    data: DataKind::LabelledRows,
    keys: &["augment", "stem", "residual", "dropout", "noise", "shift", "smoothing"],
    defaults: Defaults {
        augment: 8,
        layers: &[64],
        activation: Activation::Silu,
        method: "bs3",
        rtol: 1e-2,
        atol: 1e-2,
        rule: RuleName::Adamw,
        learning_rate: 4e-3,
        batch: 64,
        phases,
        schedule: ScheduleName::Cosine,
        clip: 5.0,
        ema: 0.0,
        keep: Keep::Last,
    },
};

/// Sets of no more examples are small.
const SMALL: usize = 4000;

/// Ten times over a large set; a small one up to 150 times, or until 200,000 examples were seen.
fn phases(samples: usize, batch: usize) -> Vec<PhaseSettings> {
    let seen = if samples > SMALL { 10 * samples } else { 200_000.min(150 * samples) };
    vec![PhaseSettings {
        steps: seen.div_ceil(batch.clamp(1, samples.max(1))) as u64,
        horizon: None,
        learning_rate: None,
    }]
}
