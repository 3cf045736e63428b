//! `[model]`: what is learned.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vecfield_paths::Interpolation;

use crate::diffusion::{Process, Sampler};
use crate::error::SettingError;
use crate::kind::Kind;

/// The table `[model]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// Which kind.
    pub kind: Kind,
    /// Dimensions beside those of the data, which begin at zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment: Option<usize>,
    /// Is every variable brought to mean zero and variance one, and time to the pace of the data?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalise: Option<bool>,
    /// Widths of the layers before the equation; channels, where it is made of convolutions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stem: Option<Vec<usize>>,
    /// In place of the equation, so many residual blocks, each with weights of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual: Option<usize>,
    /// How likely a number beside the equation is set to zero in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// The standard deviation of what is added to the inputs in training, in units of theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// By how many pixels images are moved in training, at the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<usize>,
    /// The probability that is divided among all labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smoothing: Option<f64>,
    /// Dimensions of a hidden state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latent: Option<usize>,
    /// Numbers in which a series is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<usize>,
    /// Widths of the layers from a hidden state to what is measured of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder: Option<Vec<usize>>,
    /// The part of a series' readings, at either end, that may be hidden from the encoder in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hide: Option<f64>,
    /// How the path that drives an equation goes between rows.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "path_name")]
    pub interpolation: Option<Interpolation>,
    /// Are the counts of measurements channels of the path?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intensities: Option<bool>,
    /// To which depth the log-signatures of a path are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Over how many rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// How the trace of a flow's Jacobian is had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// The part of a flow's training that compares rates, before the likelihood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<f64>,
    /// The weight of `∫ |f|² dt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinetic: Option<f64>,
    /// The weight of `∫ |∂f/∂z|² dt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jacobian: Option<f64>,
    /// How noise is put on points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// How points are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<Sampler>,
    /// Evaluations of the network for a point that is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluations: Option<usize>,
    /// Constants of the formulas that are not trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Vec<String>>,
    /// The numbers it is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
}

/// How many digits a model's numbers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Precision {
    /// Seven (`f32`).
    Single,
    /// Sixteen (`f64`).
    Double,
}

/// How a trace is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Trace {
    /// Exactly: as many derivatives as dimensions.
    Exact,
    /// Along one random vector (Hutchinson 1990).
    Hutchinson,
    /// Along a sketch and one random vector across it (Meyer et al. 2021).
    #[serde(rename = "hutch++")]
    HutchPlusPlus,
}

impl Trace {
    /// Along how many vectors.
    pub(crate) fn probes(self, dim: usize) -> usize {
        match self {
            Trace::Exact => dim,
            Trace::Hutchinson => 1,
            Trace::HutchPlusPlus => (dim / 3).max(1) + 1,
        }
    }
}

impl ModelSettings {
    /// A kind with everything left to its defaults.
    pub fn new(kind: Kind) -> ModelSettings {
        ModelSettings {
            kind,
            augment: None,
            normalise: None,
            stem: None,
            residual: None,
            dropout: None,
            noise: None,
            shift: None,
            smoothing: None,
            latent: None,
            hidden: None,
            decoder: None,
            hide: None,
            interpolation: None,
            intensities: None,
            depth: None,
            window: None,
            trace: None,
            matching: None,
            kinetic: None,
            jacobian: None,
            process: None,
            sampler: None,
            evaluations: None,
            fixed: None,
            precision: None,
        }
    }

    /// The keys that are given, besides `kind` and those of every kind.
    fn given(&self) -> impl Iterator<Item = &'static str> {
        [
            ("augment", self.augment.is_some()),
            ("normalise", self.normalise.is_some()),
            ("stem", self.stem.is_some()),
            ("residual", self.residual.is_some()),
            ("dropout", self.dropout.is_some()),
            ("noise", self.noise.is_some()),
            ("shift", self.shift.is_some()),
            ("smoothing", self.smoothing.is_some()),
            ("latent", self.latent.is_some()),
            ("hidden", self.hidden.is_some()),
            ("decoder", self.decoder.is_some()),
            ("hide", self.hide.is_some()),
            ("interpolation", self.interpolation.is_some()),
            ("intensities", self.intensities.is_some()),
            ("depth", self.depth.is_some()),
            ("window", self.window.is_some()),
            ("trace", self.trace.is_some()),
            ("matching", self.matching.is_some()),
            ("kinetic", self.kinetic.is_some()),
            ("jacobian", self.jacobian.is_some()),
            ("process", self.process.is_some()),
            ("sampler", self.sampler.is_some()),
            ("evaluations", self.evaluations.is_some()),
            ("fixed", self.fixed.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
    }

    pub(super) fn check(&self) -> Result<(), SettingError> {
        let known = self.kind.keys();
        if let Some(key) = self.given().find(|key| !known.contains(key)) {
            return Err(SettingError::NotOfKind { key, kind: self.kind, known: known.join(", ") });
        }
        let share = |key, value| inside(key, value, |v| (0.0..1.0).contains(&v), "from 0 up to below 1");
        let number = |value: Option<usize>| value.map(|value| value as f64);
        let size = |key, value| inside(key, number(value), |v| (1.0..=32768.0).contains(&v), "between 1 and 32768");
        let weight = |key, value| inside(key, value, |v| v >= 0.0 && v.is_finite(), "at least zero");
        share("model.dropout", self.dropout)?;
        share("model.smoothing", self.smoothing)?;
        inside("model.hide", self.hide, |v| (0.0..=0.5).contains(&v), "between 0 and 0.5")?;
        inside("model.residual", number(self.residual), |v| (1.0..=1024.0).contains(&v), "between 1 and 1024")?;
        size("model.latent", self.latent)?;
        size("model.hidden", self.hidden)?;
        inside("model.depth", number(self.depth), |v| (1.0..=8.0).contains(&v), "between 1 and 8")?;
        inside("model.window", number(self.window), |v| (1.0..=1e9).contains(&v), "between 1 and 1e9")?;
        self.check_windows()?;
        inside("model.evaluations", number(self.evaluations), |v| (2.0..=1e6).contains(&v), "between 2 and 1e6")?;
        weight("model.noise", self.noise)?;
        weight("model.kinetic", self.kinetic)?;
        weight("model.jacobian", self.jacobian)?;
        inside("model.matching", self.matching, |v| (0.0..=1.0).contains(&v), "between 0 and 1")
    }

    fn check_windows(&self) -> Result<(), SettingError> {
        match self.interpolation.filter(|&given| self.windows().is_some() && given != Interpolation::Linear) {
            Some(given) => {
                let given = given.name();
                let reason = format!(
                    "log-signatures are those of straight ways between rows, not {given} ones; leave `interpolation` out, or \
                     `depth` and `window`"
                );
                Err(SettingError::Rejected { key: "model.interpolation", reason })
            }
            None => Ok(()),
        }
    }

    /// How the path that drives an equation goes between rows.
    pub(crate) fn interpolation(&self) -> Interpolation {
        let unsaid = if self.windows().is_some() { Interpolation::Linear } else { Interpolation::Hermite };
        self.interpolation.unwrap_or(unsaid)
    }

    /// The depth of log-signatures, and over how many rows they are, where the path is taken by windows.
    pub(crate) fn windows(&self) -> Option<(usize, usize)> {
        match (self.depth, self.window) {
            (None | Some(1), None | Some(1)) => None,
            (depth, window) => Some((depth.unwrap_or(2), window.unwrap_or(8))),
        }
    }

    /// Is the data brought to unit scale? Yes unless said.
    pub fn normalise(&self) -> bool {
        self.normalise.unwrap_or(true)
    }

    /// Dimensions beside those of the data.
    pub fn augment(&self) -> usize {
        self.augment.unwrap_or(self.kind.defaults().augment)
    }
}

/// Says so where a number that is given does not fit.
fn inside(
    key: &'static str,
    value: Option<f64>,
    fits: fn(f64) -> bool,
    range: &'static str,
) -> Result<(), SettingError> {
    match value.filter(|value| !fits(*value)) {
        Some(value) => Err(SettingError::range(key, value, range)),
        None => Ok(()),
    }
}

/// An interpolation by its name, where there is one.
mod path_name {
    use super::{Deserialize, Deserializer, Interpolation, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(given: &Option<Interpolation>, to: S) -> Result<S::Ok, S::Error> {
        given.map(Interpolation::name).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Interpolation>, D::Error> {
        let Some(name) = Option::<String>::deserialize(from)? else { return Ok(None) };
        let known = Interpolation::ALL.map(|known| format!("`{}`", known.name())).join(", ");
        let unknown = || serde::de::Error::custom(format!("unknown variant `{name}`, expected one of {known}"));
        Interpolation::named(&name).map(Some).ok_or_else(unknown)
    }
}
