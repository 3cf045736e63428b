//! One of every layer: what the laws run over.

use vecfield_kernels::Activation;
use vecfield_nn::{AnyLayer, Elementwise, Initialiser, Linear, Mlp, Network, Random, Sequential};

/// Small layers of every kind, each with a size or an option that another of its kind does not have.
pub(crate) fn all() -> Vec<AnyLayer> {
    let mut all: Vec<AnyLayer> = vec![
        Linear::new(3, 2).into(),
        Linear::activated(9, 11, Activation::Tanh).into(),
        Linear::activated(2, 17, Activation::Gelu).into(),
        Mlp::new(2, &[12, 9], 3, Activation::Softplus).into(),
        Mlp::ending(10, &[5], 10, Activation::Silu, Activation::Tanh).into(),
        Mlp::new(4, &[], 2, Activation::Tanh).into(),
    ];
    for activation in Activation::ALL.into_iter().filter(|activation| activation.is_smooth()) {
        all.push(Elementwise::new(3, activation).into());
    }
    let chain = vec![
        Elementwise::new(3, Activation::Cube).into(),
        Linear::activated(3, 8, Activation::Sin).into(),
        Mlp::new(8, &[10], 2, Activation::LipSwish).into(),
    ];
    all.push(Sequential::new(chain).unwrap().into());
    all
}

/// The layer with parameters of order one.
pub(crate) fn network(layer: &AnyLayer, seed: u64) -> Network<AnyLayer, f64> {
    let mut random = Random::new(seed);
    let mut network = Network::initialised(layer.clone(), Initialiser::Glorot, &mut random);
    // Biases and shifts away from zero, scales away from one.
    network.update(|theta| theta.iter_mut().for_each(|theta| *theta += 0.2 * random.normal()));
    network
}

/// Numbers in (-1, 1): large ones would make differences of cubes inside sines useless.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed ^ 0x5555);
    (0..count).map(|_| 2.0 * random.uniform() - 1.0).collect()
}
