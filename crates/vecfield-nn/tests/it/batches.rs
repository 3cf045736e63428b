//! Networks as fields of batches: each row at its own time, with its own steps.

use proptest::prelude::*;
use vecfield_adjoint::{BatchAdjoint, Budget, Cotangents, Discrete};
use vecfield_kernels::Activation;
use vecfield_nn::{
    AnyLayer, BatchNetwork, Embedding, Initialiser, Mlp, Network, NeuralField, NnError, Random, Residual, Sequential,
    Timed,
};
use vecfield_solvers::Options;
use vecfield_solvers::batch::{BatchMember, BatchSolver};
use vecfield_solvers::tableau::{EULER, TSIT5};

fn network(inputs: usize, seed: u64) -> Network<Mlp, f64> {
    let mlp = Mlp::new(inputs, &[7, 5], 2, Activation::Tanh);
    Network::initialised(mlp, Initialiser::Glorot, &mut Random::new(seed)).expect("layers that fit")
}

proptest! {
    /// Gradients of a batch are those of its members alone; with the time as an input, those of a layer that sees it.
    #[test]
    fn a_batch_of_networks_has_the_gradients_of_single_ones(
        seed in 0..1000_u64,
        lengths in prop::collection::vec(0.3..4.0, 1..6),
        timed in any::<bool>(),
    ) {
        let network = network(if timed { 3 } else { 2 }, seed);
        let mut random = Random::new(seed + 1);
        let starts: Vec<f64> = lengths.iter().flat_map(|_| [random.normal(), random.normal()]).collect();
        let bars: Vec<f64> = starts.iter().map(|_| random.normal()).collect();
        let members: Vec<BatchMember<'_, f64>> = lengths
            .iter()
            .zip(starts.chunks(2))
            .map(|(&length, y0)| BatchMember { span: (0.0, length), y0, save: &[] })
            .collect();
        let options = Options::tolerances(1e-6, 1e-6);
        let field = BatchNetwork::new(&network)?;
        let mut adjoint = BatchAdjoint::new(&TSIT5, 2, &options, Budget::default())?;
        adjoint.solve(&field, &members);
        let (mut initial, mut theta) = (vec![0.0; starts.len()], vec![0.0; network.theta().len()]);
        adjoint.pull_back(&field, &bars, &mut initial, &mut theta)?;

        let mut expected = vec![0.0; theta.len()];
        for (index, &length) in lengths.iter().enumerate() {
            let (y0, bar) = (&starts[2 * index..][..2], &bars[2 * index..][..2]);
            let mut discrete = Discrete::explicit(&TSIT5, 2, &options, Budget::default())?;
            let gradient = if timed {
                let layer = Timed::new(Embedding::Concat, network.layer().clone());
                let mut field = NeuralField::new(Network::new(layer, network.theta().to_vec())?, 1)?;
                discrete.solve(&mut field, (0.0, length), y0, &[])?;
                discrete.pull_back(&mut field, &Cotangents::end(bar))?
            } else {
                let mut field = NeuralField::new(network.clone(), 1)?;
                discrete.solve(&mut field, (0.0, length), y0, &[])?;
                discrete.pull_back(&mut field, &Cotangents::end(bar))?
            };
            expected.iter_mut().zip(&gradient.parameters).for_each(|(sum, bar)| *sum += bar);
            for (found, expected) in initial[2 * index..].iter().zip(&gradient.initial) {
                prop_assert!((found - expected).abs() <= 1e-10 * (1.0 + expected.abs()));
            }
        }
        for (found, expected) in theta.iter().zip(&expected) {
            prop_assert!((found - expected).abs() <= 1e-10 * (1.0 + expected.abs()), "{found} {expected}");
        }
    }
}

#[test]
fn a_network_that_is_no_field_is_refused() {
    let network = network(4, 0);
    assert!(matches!(BatchNetwork::new(&network), Err(NnError::NotSquare { inputs: 4, outputs: 2, .. })));
}

/// Residual blocks with one step and the same parameters, `x + h f(x)`, are Euler's method: a residual network is an equation
/// and back, to the bit.
#[test]
fn residual_networks_are_eulers_method() -> Result<(), Box<dyn std::error::Error>> {
    let (blocks, step) = (8, 0.125);
    let block = network(2, 11);
    let layers: Vec<AnyLayer> = (0..blocks).map(|_| Residual::with_step(block.layer().clone(), step).into()).collect();
    let deep = Network::new(Sequential::new(layers)?, block.theta().repeat(blocks))?;
    let starts = [0.3, -1.0, 2.0, 0.5, -0.7, 0.0];
    let mut through = [0.0; 6];
    deep.eval(3, 0.0, &starts, &mut through, &mut deep.memory(3));

    let mut solver = BatchSolver::new(&EULER, 2, &Options::fixed(step))?;
    let members = starts.chunks(2).map(|y0| BatchMember { span: (0.0, 1.0), y0, save: &[] });
    solver.solve(&BatchNetwork::new(&block)?, &members.collect::<Vec<_>>());
    assert_eq!(solver.states(), through);
    Ok(())
}
