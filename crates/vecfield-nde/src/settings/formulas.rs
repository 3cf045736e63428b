//! `[parameters]`, `[definitions]`, `[equations]`, `[networks]`: formulas of a model, and the networks in them.

use core::fmt;
use std::collections::BTreeMap;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vecfield_kernels::Activation;
use vecfield_nn::Initialiser;

use super::field;

/// A constant of formulas: its first value, and where it may go.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Constant {
    /// Its first value.
    pub value: f64,
    /// The smallest it may get; `-inf` for any.
    pub min: f64,
    /// The largest it may get; `inf` for any.
    pub max: f64,
}

impl From<f64> for Constant {
    /// A constant that may get any value.
    fn from(value: f64) -> Constant {
        Constant { value, min: f64::NEG_INFINITY, max: f64::INFINITY }
    }
}

/// A formula as it is written; a number is one too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula(pub String);

/// A table `[networks.NAME]`: what one network has of its own, where `[field]` says what all have.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSettings {
    /// Widths of the hidden layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<usize>>,
    /// What is between layers.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "field::optional")]
    pub activation: Option<Activation>,
    /// How the parameters begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialiser: Option<Initialiser>,
    /// Is its value never negative?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<bool>,
}

/// Formulas by the names of what they say.
pub type Formulas = BTreeMap<String, Formula>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounded {
    value: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
}

impl Serialize for Constant {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Constant { value, min, max } = *self;
        let finite = |bound: f64| bound.is_finite().then_some(bound);
        match (finite(min), finite(max)) {
            (None, None) => value.serialize(to),
            (min, max) => Bounded { value, min, max }.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Constant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Constant, D::Error> {
        struct Numbers;
        impl<'de> Visitor<'de> for Numbers {
            type Value = Constant;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or { value = .., min = .., max = .. }")
            }

            fn visit_f64<E>(self, value: f64) -> Result<Constant, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Constant, E> {
                Ok((value as f64).into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Constant, E> {
                Ok((value as f64).into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Constant, A::Error> {
                let Bounded { value, min, max } = Bounded::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Constant { value, min: min.unwrap_or(f64::NEG_INFINITY), max: max.unwrap_or(f64::INFINITY) })
            }
        }
        from.deserialize_any(Numbers)
    }
}

impl Serialize for Formula {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Formula {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Formula, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Formula;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a formula in quotes")
            }

            fn visit_str<E>(self, text: &str) -> Result<Formula, E> {
                Ok(Formula(text.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Formula, E> {
                Ok(Formula(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Formula, E> {
                Ok(Formula(value.to_string()))
            }
        }
        from.deserialize_any(Text)
    }
}
