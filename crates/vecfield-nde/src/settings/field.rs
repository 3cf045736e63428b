//! `[field]`: the network `f` of `dy/dt = f(t, y)`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vecfield_kernels::Activation;
use vecfield_nn::{AnyLayer, Elementwise, Initialiser, Mlp, NnError, Sequential};

use super::Settings;
use crate::error::SettingError;

/// The table `[field]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSettings {
    /// Widths of the hidden layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<usize>>,
    /// What is between layers.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional")]
    pub activation: Option<Activation>,
    /// What is before the first layer.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional")]
    pub input: Option<Activation>,
    /// What is behind the last layer.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional")]
    pub output: Option<Activation>,
    /// Is time an input?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<bool>,
    /// How the parameters begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialiser: Option<Initialiser>,
}

/// No layer is wider: 2³⁰ numbers between two of them would be gigabytes.
const WIDEST: usize = 1 << 15;
const DEEPEST: usize = 64;

/// What widths may be.
pub(crate) const LAYERS: &str = "between 1 and 32768, at most 64 of them";

/// The width, or the number of widths, that is not what it [may be](LAYERS).
pub(crate) fn unfit(layers: &[usize]) -> Option<f64> {
    if layers.len() > DEEPEST {
        return Some(layers.len() as f64);
    }
    layers.iter().find(|&&width| width == 0 || width > WIDEST).map(|&width| width as f64)
}

impl FieldSettings {
    pub(super) fn check(&self) -> Result<(), SettingError> {
        match unfit(self.layers.as_deref().unwrap_or_default()) {
            Some(found) => Err(SettingError::range("field.layers", found, LAYERS)),
            None => Ok(()),
        }
    }
}

impl Settings {
    /// The network from `inputs` numbers to `outputs`, with time as one input more, the last, where the file says so.
    ///
    /// # Errors
    ///
    /// Sizes that do not fit.
    pub fn network(&self, inputs: usize, outputs: usize) -> Result<AnyLayer, NnError> {
        let FieldSettings { activation, input, output, time, .. } = &self.field;
        let activation = activation.unwrap_or(self.model.kind.defaults().activation);
        let time = time.unwrap_or(false);
        let width = inputs + usize::from(time);
        let mlp = Mlp::ending(width, self.hidden(), outputs, activation, output.unwrap_or_default());
        Ok(match input {
            Some(before) => Sequential::new(vec![Elementwise::new(width, *before).into(), mlp.into()])?.into(),
            None => mlp.into(),
        })
    }

    /// How the parameters begin.
    pub fn initialiser(&self) -> Initialiser {
        self.field.initialiser.unwrap_or_default()
    }
}

/// An activation by its name, where there is one.
pub(super) mod optional {
    use super::{Activation, Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::settings) fn serialize<S: Serializer>(
        activation: &Option<Activation>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        activation.map(Activation::name).serialize(to)
    }

    pub(in crate::settings) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Activation>, D::Error> {
        let Some(name) = Option::<String>::deserialize(from)? else { return Ok(None) };
        let found = Activation::ALL.into_iter().find(|activation| activation.name() == name);
        let known = Activation::ALL.map(|activation| format!("`{}`", activation.name())).join(", ");
        let unknown = || serde::de::Error::custom(format!("unknown variant `{name}`, expected one of {known}"));
        found.map(Some).ok_or_else(unknown)
    }
}
