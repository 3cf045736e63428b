//! Multilayer perceptrons.

use serde::{Deserialize, Serialize};
use vecfield_kernels::{Activation, LayerMath};

use crate::chain;
use crate::described::activation_name;
use crate::error::NnError;
use crate::layer::{Among, Deferred, Jets, Layer, Order, Pass};
use crate::linear::Linear;
use crate::tensor::{Tensor, within};

/// A multilayer perceptron: [`Linear`] layers with one activation between them, and another behind the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Sizes", into = "Sizes")]
pub struct Mlp {
    layers: Vec<Linear>,
    activation: Activation,
}

impl Mlp {
    /// From `inputs` through the `hidden` widths to `outputs`, with `activation` on each hidden layer and none at the end.
    pub fn new(inputs: usize, hidden: &[usize], outputs: usize, activation: Activation) -> Mlp {
        Mlp::ending(inputs, hidden, outputs, activation, Activation::Identity)
    }

    /// The same with an activation at the end too.
    pub fn ending(inputs: usize, hidden: &[usize], outputs: usize, activation: Activation, last: Activation) -> Mlp {
        let widths: Vec<usize> = [&[inputs], hidden, &[outputs]].concat();
        let mut layers: Vec<Linear> =
            widths.windows(2).map(|pair| Linear::activated(pair[0], pair[1], activation)).collect();
        if let Some(end) = layers.last_mut() {
            end.activation = last;
        }
        Mlp { layers, activation }
    }

    /// Its layers.
    pub fn layers(&self) -> &[Linear] {
        &self.layers
    }
}

/// What a description says of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sizes {
    inputs: usize,
    #[serde(default)]
    hidden: Vec<usize>,
    outputs: usize,
    #[serde(with = "activation_name")]
    activation: Activation,
    #[serde(default, with = "activation_name")]
    last: Activation,
}

impl From<Sizes> for Mlp {
    fn from(sizes: Sizes) -> Mlp {
        Mlp::ending(sizes.inputs, &sizes.hidden, sizes.outputs, sizes.activation, sizes.last)
    }
}

impl From<Mlp> for Sizes {
    fn from(mlp: Mlp) -> Sizes {
        let hidden = mlp.layers.iter().skip(1).map(|layer| layer.inputs).collect();
        let last = mlp.layers.last().map_or(Activation::Identity, |layer| layer.activation);
        Sizes { inputs: mlp.inputs(), hidden, outputs: mlp.outputs(), activation: mlp.activation, last }
    }
}

impl Layer for Mlp {
    fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    fn tensors(&self) -> Vec<Tensor> {
        let named = |(i, layer): (usize, &Linear)| within(&i.to_string(), layer.tensors()).collect::<Vec<_>>();
        self.layers.iter().enumerate().flat_map(named).collect()
    }

    chain::delegate!(layers);
}
