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
    keys: &["augment", "stem", "dropout", "noise", "shift", "smoothing"],
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

/// Ten times over the samples, or as often as a small set takes.
fn phases(samples: usize, batch: usize) -> Vec<PhaseSettings> {
    let steps = (10 * samples.div_ceil(batch.max(1)) as u64).max(2400);
    vec![PhaseSettings { steps, horizon: None, learning_rate: None }]
}
