//! One of every layer: what the laws run over.

use vecfield_kernels::Activation;
use vecfield_nn::{
    AnyLayer, Attention, Convolution, Coupling, Dropout, Elementwise, Embedding, Gru, Hamiltonian, Hyper, Initialiser,
    Linear, Lstm, Mlp, Network, Norm, Pool, Random, Residual, SecondOrder, Sequential, Squash, Timed, Tokenwise,
    Window,
};

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
    let image = Window::new(4, [5, 6], [3, 2]).stride([2, 1]).padding([1, 0]);
    all.extend([
        AnyLayer::from(Residual::with_step(Mlp::new(3, &[7], 3, Activation::Tanh), 0.3)),
        Coupling::new(Mlp::new(3, &[6], 2, Activation::Tanh), Linear::activated(2, 3, Activation::Silu)).into(),
        Convolution::new(image.clone(), 6).groups(2).activated(Activation::Tanh).into(),
        Convolution::new(Window::along(2, 9, 4).padding([0, 2]), 3).into(),
        Pool::mean(image.clone()).into(),
        Pool::largest(Window::new(2, [4, 4], [2, 2]).stride([2, 2])).into(),
        Pool::global(3, [2, 3]).into(),
        Norm::layer(7).into(),
        Norm::group(4, 3, 2).into(),
        Gru::new(3, 5).into(),
        Lstm::new(3, 5).into(),
        Attention::new(4, 6, 2).into(),
        Tokenwise::new(3, Linear::activated(2, 9, Activation::Softplus)).into(),
        Timed::new(Embedding::Concat, Mlp::new(4, &[8], 3, Activation::Tanh)).into(),
        Timed::new(Embedding::Fourier(vec![0.3, 0.7]), Mlp::new(6, &[8], 2, Activation::Gelu)).into(),
        Hyper { activation: Activation::Tanh, ..Hyper::new(3, 2, &[4, 5]) }.into(),
        Hyper::new(2, 9, &[]).into(),
        Squash::new(3, 3, Activation::Softplus).into(),
        Dropout::new(6, 0.4).into(),
        SecondOrder::new(Mlp::new(5, &[7], 2, Activation::Tanh), vec![0.7, 1.3], vec![0.2, 0.0]).into(),
        Hamiltonian::new(Mlp::new(4, &[9, 6], 1, Activation::Tanh), vec![1.0, 0.6]).into(),
        Hamiltonian::new(Mlp::new(2, &[12], 1, Activation::Softplus), vec![0.8]).with_friction().into(),
    ]);
    all
}

/// The layer with parameters of order one.
pub(crate) fn network(layer: &AnyLayer, seed: u64) -> Network<AnyLayer, f64> {
    let mut random = Random::new(seed);
    let mut network = Network::initialised(layer.clone(), Initialiser::Glorot, &mut random).unwrap();
    // Biases and shifts away from zero, scales away from one.
    network.update(|theta| theta.iter_mut().for_each(|theta| *theta += 0.2 * random.normal()));
    network
}

/// Numbers in (-1, 1): large ones would make differences of cubes inside sines useless.
pub(crate) use vecfield_laws::draws as numbers;

/// The same, no two of them nearer than a hundredth.
pub(crate) fn apart(count: usize, seed: u64) -> Vec<f64> {
    let mut numbers: Vec<f64> = (0..count).map(|i| 0.01 * i as f64).collect();
    Random::new(seed).shuffle(&mut numbers);
    numbers
}
