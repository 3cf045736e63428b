//! What a problem file says of a deep network: `[network]` and `[train]`, checked.

use super::activation::Squash;
use crate::PinnError;
use crate::description::{NetworkText, TrainText};

/// The network that is asked for.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Architecture {
    /// Widths of the hidden layers.
    pub(crate) layers: Vec<usize>,
    pub(crate) squash: Squash,
    /// Waves by which a periodic coordinate enters.
    pub(crate) harmonics: usize,
}

/// How parameters are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Method {
    /// Adam alone, at a constant rate.
    Adam,
    /// Adam, then L-BFGS.
    Lbfgs,
    /// Adam, then self-scaled Broyden.
    Ssbroyden,
    /// Adam, then Levenberg–Marquardt.
    Lm,
}

impl Method {
    pub(crate) const ALL: [(Method, &'static str); 4] =
        [(Method::Adam, "adam"), (Method::Lbfgs, "lbfgs"), (Method::Ssbroyden, "ssbroyden"), (Method::Lm, "lm")];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(method, _)| *method == self).map_or("", |(_, name)| name)
    }
}

/// The training that is asked for; what is left out is chosen by the size of the network.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Training {
    pub(crate) method: Option<Method>,
    pub(crate) points: Option<usize>,
    pub(crate) seed: Option<u64>,
    pub(crate) iterations: Option<usize>,
    /// Steps of Adam before the method.
    pub(crate) warm_up: Option<usize>,
    pub(crate) learning_rate: Option<f64>,
    /// Iterations between two draws of the points; zero for never.
    pub(crate) redraw: Option<usize>,
    /// How much a condition that is not built into the solution weighs beside an equation.
    pub(crate) condition_weight: Option<f64>,
}

/// The widest layer and the most layers: beyond, one block of points no longer fits in memory that is near.
const WIDEST: usize = 1024;
const DEEPEST: usize = 32;

impl Architecture {
    /// The network of a file; nothing where it asks for none.
    pub(crate) fn read(text: &NetworkText) -> Result<Option<Self>, PinnError> {
        let squash = text.activation.as_deref().map(squash).transpose()?;
        let harmonics = text.harmonics.unwrap_or(1);
        if !(1..=64).contains(&harmonics) {
            let reason = format!("{harmonics} waves; a periodic coordinate enters by 1 to 64");
            return Err(PinnError::setting("network.harmonics", reason));
        }
        let Some(layers) = &text.layers else {
            return Ok(squash.map(|squash| Self { squash, harmonics, ..Self::default() }));
        };
        if layers.is_empty() || layers.len() > DEEPEST {
            let reason = format!("{} hidden layers; give the widths of 1 to {DEEPEST}, as [20, 20, 20]", layers.len());
            return Err(PinnError::setting("network.layers", reason));
        }
        if let Some(width) = layers.iter().find(|width| !(1..=WIDEST).contains(*width)) {
            let reason = format!("a hidden layer of {width} neurons; give each 1 to {WIDEST}");
            return Err(PinnError::setting("network.layers", reason));
        }
        Ok(Some(Self { layers: layers.clone(), squash: squash.unwrap_or_default(), harmonics }))
    }
}

impl Default for Architecture {
    fn default() -> Self {
        Self { layers: vec![20; 3], squash: Squash::Tanh, harmonics: 1 }
    }
}

fn squash(name: &str) -> Result<Squash, PinnError> {
    Squash::ALL.into_iter().find(|squash| squash.name() == name).ok_or_else(|| {
        let reason =
            format!("there is no activation \"{name}\"; there are {}", Squash::ALL.map(Squash::name).join(", "));
        PinnError::setting("network.activation", reason)
    })
}

impl Training {
    pub(crate) fn read(text: &TrainText) -> Result<Self, PinnError> {
        let method = text.method.as_deref().map(|name| {
            let found = Method::ALL.iter().find(|(_, known)| *known == name);
            found.map(|(method, _)| *method).ok_or_else(|| {
                let names: Vec<&str> = Method::ALL.iter().map(|(_, name)| *name).collect();
                let reason = format!("there is no method \"{name}\"; there are {}", names.join(", "));
                PinnError::setting("train.method", reason)
            })
        });
        let within = |key: &str, value: Option<usize>, low: usize, high: usize| match value {
            Some(value) if !(low..=high).contains(&value) => {
                Err(PinnError::setting(format!("train.{key}"), format!("{value} {key}; give {low} to {high}")))
            }
            value => Ok(value),
        };
        let positive = |key: &str, value: Option<f64>| match value {
            Some(value) if !(value > 0.0 && value.is_finite()) => {
                Err(PinnError::setting(format!("train.{key}"), format!("{value} is no size; give a number above zero")))
            }
            value => Ok(value),
        };
        Ok(Self {
            method: method.transpose()?,
            points: within("points", text.points, 1, 10_000_000)?,
            seed: text.seed,
            iterations: within("iterations", text.iterations, 1, 1_000_000_000)?,
            warm_up: text.warm_up,
            learning_rate: positive("learning_rate", text.learning_rate)?,
            redraw: text.redraw,
            condition_weight: positive("condition_weight", text.condition_weight)?,
        })
    }
}
