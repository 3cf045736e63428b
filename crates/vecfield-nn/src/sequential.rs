//! Any layers behind each other.

use serde::{Deserialize, Serialize};
use vecfield_kernels::LayerMath;

use crate::any::AnyLayer;
use crate::chain;
use crate::error::NnError;
use crate::layer::{Among, Deferred, Jets, Layer, Order, Pass};
use crate::tensor::{Tensor, within};

/// Layers behind each other, each with as many inputs as the one before has outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Described", into = "Described")]
pub struct Sequential {
    layers: Vec<AnyLayer>,
}

impl Sequential {
    /// Checks that the layers fit each other.
    ///
    /// # Errors
    ///
    /// [`NnError::Mismatch`] where two do not, [`NnError::Empty`] without layers.
    pub fn new(layers: Vec<AnyLayer>) -> Result<Sequential, NnError> {
        chain::check(&layers)?;
        Ok(Sequential { layers })
    }

    /// The layers.
    pub fn layers(&self) -> &[AnyLayer] {
        &self.layers
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    layers: Vec<AnyLayer>,
}

impl TryFrom<Described> for Sequential {
    type Error = NnError;

    fn try_from(described: Described) -> Result<Sequential, NnError> {
        Sequential::new(described.layers)
    }
}

impl From<Sequential> for Described {
    fn from(sequential: Sequential) -> Described {
        Described { layers: sequential.layers }
    }
}

impl Layer for Sequential {
    fn inputs(&self) -> usize {
        self.layers.first().map_or(0, Layer::inputs)
    }

    fn outputs(&self) -> usize {
        self.layers.last().map_or(0, Layer::outputs)
    }

    fn tensors(&self) -> Vec<Tensor> {
        let named = |(i, layer): (usize, &AnyLayer)| within(&i.to_string(), layer.tensors()).collect::<Vec<_>>();
        self.layers.iter().enumerate().flat_map(named).collect()
    }

    chain::delegate!(layers);
}
