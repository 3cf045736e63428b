//! `[field]`: the network `f` of `dy/dt = f(t, y)`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vecfield_kernels::Activation;
use vecfield_nn::{AnyLayer, Elementwise, Initialiser, Layer, Mlp, Network, NnError, Role, Sequential};

use super::Settings;
use crate::error::SettingError;
use crate::kind::Kind;
use crate::model::Number;

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
    /// The weights of the last layer begin so many times as large as the initialiser has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<f64>,
    /// What is known of the field's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<Structure>,
    /// How time is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
}

/// What is known of a field's form, where the variables are positions and then their velocities or momenta.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Structure {
    /// `q' = v`, `v' = f(q, v)`.
    SecondOrder,
    /// `q' = ∂H/∂p`, `p' = -∂H/∂q`: the energy `H` stays.
    Hamiltonian,
    /// The same with friction, `p' = -∂H/∂q - r ∂H/∂p`: the energy never grows.
    PortHamiltonian,
}

impl Structure {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Structure::SecondOrder => "second-order",
            Structure::Hamiltonian => "hamiltonian",
            Structure::PortHamiltonian => "port-hamiltonian",
        }
    }
}

/// How time is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Clock {
    /// As it is.
    #[default]
    Linear,
    /// By its logarithm, `dy/d(ln t) = f`: for what goes on over decades (Kim, Ji, Deng, Ma & Rackauckas 2021).
    Log,
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
    pub(super) fn check(&self, kind: Kind) -> Result<(), SettingError> {
        if let Some(found) = unfit(self.layers.as_deref().unwrap_or_default()) {
            return Err(SettingError::range("field.layers", found, LAYERS));
        }
        if let Some(gain) = self.gain.filter(|gain| !(*gain >= 0.0 && gain.is_finite())) {
            return Err(SettingError::range("field.gain", gain, "at least zero"));
        }
        let forecasts = matches!(kind, Kind::NeuralOde | Kind::AugmentedOde);
        let gains = forecasts
            || matches!(kind, Kind::OdeClassifier | Kind::LatentOde | Kind::LatentSde | Kind::NeuralSde | Kind::Cnf);
        let keys = [
            ("field.gain", self.gain.is_some(), gains),
            ("field.structure", self.structure.is_some(), kind == Kind::NeuralOde),
            ("field.clock", self.clock.is_some(), forecasts || kind == Kind::LatentOde),
        ];
        if let Some((key, ..)) = keys.into_iter().find(|(_, given, known)| *given && !known) {
            let reason = format!("a {} has no such key in [field]; leave it out", kind.name());
            return Err(SettingError::Rejected { key, reason });
        }
        if self.structure.is_some() && self.clock() == Clock::Log {
            let reason = "positions and momenta move by time itself; leave `clock` or `structure` out".into();
            return Err(SettingError::Rejected { key: "field.clock", reason });
        }
        Ok(())
    }

    /// How time is counted.
    pub fn clock(&self) -> Clock {
        self.clock.unwrap_or_default()
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

    /// The network of the diffusion of a state of so many components: as that of the drift, with values above zero.
    pub(crate) fn diffusion(&self, latent: usize) -> AnyLayer {
        let activation = self.field.activation.unwrap_or(self.model.kind.defaults().activation);
        let inputs = latent + usize::from(self.field.time.unwrap_or(false));
        Mlp::ending(inputs, self.hidden(), latent, activation, Activation::Softplus).into()
    }

    /// Makes the last weights of a field that begins as many times as large as the file says, or else `gain` times.
    pub(crate) fn begin<R: Number>(&self, field: &mut Network<AnyLayer, R>, gain: f64) {
        begin_at(field, self.field.gain.unwrap_or(gain));
    }

    /// How the parameters begin.
    pub fn initialiser(&self) -> Initialiser {
        self.field.initialiser.unwrap_or_default()
    }
}

/// Makes the last weights of a network that begins so many times as large.
pub(crate) fn begin_at<R: Number>(network: &mut Network<AnyLayer, R>, gain: f64) {
    let (mut at, mut last) = (0, 0..0);
    for tensor in network.layer().tensors() {
        if matches!(tensor.role, Role::Weight { .. }) {
            last = at..at + tensor.len();
        }
        at += tensor.len();
    }
    let gain = R::from_f64(gain);
    network.update(|theta| theta[last].iter_mut().for_each(|weight| *weight *= gain));
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
