//! `[model]`: what is learned.

use serde::{Deserialize, Serialize};

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

impl ModelSettings {
    /// A kind with everything left to its defaults.
    pub fn new(kind: Kind) -> ModelSettings {
        ModelSettings { kind, augment: None, normalise: None, precision: None }
    }

    /// The keys that are given, besides `kind` and those of every kind.
    fn given(&self) -> impl Iterator<Item = &'static str> {
        [("augment", self.augment.is_some()), ("normalise", self.normalise.is_some())]
            .into_iter()
            .filter_map(|(key, given)| given.then_some(key))
    }

    pub(super) fn check(&self) -> Result<(), SettingError> {
        let known = self.kind.keys();
        match self.given().find(|key| !known.contains(key)) {
            Some(key) => Err(SettingError::NotOfKind { key, kind: self.kind, known: known.join(", ") }),
            None => Ok(()),
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
