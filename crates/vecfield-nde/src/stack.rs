//! Several networks as one model: their parameters behind each other, by name.

use vecfield_nn::{AnyLayer, Checkpoint, Initialiser, Layer, Network, Random, Tensor};

use crate::error::NdeError;
use crate::model::Number;

/// Networks with their names, in the order of their parameters.
#[derive(Debug, Clone)]
pub(crate) struct Stack<R, const N: usize> {
    names: [&'static str; N],
    networks: [Network<AnyLayer, R>; N],
}

impl<R: Number, const N: usize> Stack<R, N> {
    pub(crate) fn new(names: [&'static str; N], networks: [Network<AnyLayer, R>; N]) -> Stack<R, N> {
        Stack { names, networks }
    }

    /// Networks of these layers, each begun as it says, drawn one after the other.
    pub(crate) fn initialised(
        names: [&'static str; N],
        layers: [(AnyLayer, Initialiser); N],
        random: &mut Random,
    ) -> Result<Stack<R, N>, NdeError> {
        let begun = layers.into_iter().map(|(layer, initialiser)| Network::initialised(layer, initialiser, random));
        let networks: Vec<_> = begun.collect::<Result<_, _>>()?;
        let networks = networks.try_into().unwrap_or_else(|_| unreachable!("one network for each name"));
        Ok(Stack { names, networks })
    }

    /// One of the networks, to be begun in a way of its own.
    pub(crate) fn network_mut(&mut self, at: usize) -> &mut Network<AnyLayer, R> {
        &mut self.networks[at]
    }

    /// The networks.
    pub(crate) fn each(&self) -> [&Network<AnyLayer, R>; N] {
        self.networks.each_ref()
    }

    /// How many parameters there are.
    pub(crate) fn len(&self) -> usize {
        self.networks.iter().map(|network| network.theta().len()).sum()
    }

    pub(crate) fn parameters(&self) -> Vec<R> {
        self.networks.iter().flat_map(|network| network.theta().to_vec()).collect()
    }

    pub(crate) fn set_parameters(&mut self, mut theta: &[R]) {
        for network in &mut self.networks {
            let (own, rest) = theta.split_at(network.theta().len());
            network.update(|to| to.copy_from_slice(own));
            theta = rest;
        }
    }

    /// A gradient in the parts that belong to each network.
    pub(crate) fn split<'a>(&self, gradient: &'a mut [R]) -> [&'a mut [R]; N] {
        let mut rest = gradient;
        self.networks.each_ref().map(|network| {
            let (own, behind) = core::mem::take(&mut rest).split_at_mut(network.theta().len());
            rest = behind;
            own
        })
    }

    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        let named = |(name, network): (&&str, &Network<AnyLayer, R>)| {
            let under = |tensor: Tensor| Tensor { name: format!("{name}.{}", tensor.name), ..tensor };
            network.layer().tensors().into_iter().map(under).collect::<Vec<_>>()
        };
        self.names.iter().zip(&self.networks).flat_map(named).collect()
    }

    /// Puts the networks in, each under its name.
    pub(crate) fn save(&self, checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        for (name, network) in self.names.iter().zip(&self.networks) {
            checkpoint.put_network(name, network)?;
        }
        Ok(())
    }

    /// The networks that [`save`](Stack::save) put in under these names.
    pub(crate) fn load(names: [&'static str; N], checkpoint: &Checkpoint) -> Result<Stack<R, N>, NdeError> {
        let networks: Result<Vec<_>, _> = names.iter().map(|name| checkpoint.network(name)).collect();
        let networks = networks?.try_into().unwrap_or_else(|_| unreachable!("one network for each name"));
        Ok(Stack { names, networks })
    }
}
