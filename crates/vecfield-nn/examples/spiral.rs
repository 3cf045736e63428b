//! A neural ODE learns a spiral from 30 points of one trajectory: `y' = A y³` from (2, 0), by 500 steps of Adam through the
//! solver.
//!
//! `cargo run --release -p vecfield-nn --example spiral [SEED]`

use std::time::Instant;

use vecfield_adjoint::{Budget, Cotangents, Discrete};
use vecfield_kernels::Activation;
use vecfield_nn::{AnyLayer, Elementwise, Initialiser, Mlp, Network, NeuralField, Random, Sequential, loss};
use vecfield_optim::{Descent, Rule};
use vecfield_solvers::{Options, Save, solve_explicit, tableau::TSIT5};
use vecfield_traits::field;

const SPAN: (f64, f64) = (0.0, 1.5);
const START: [f64; 2] = [2.0, 0.0];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = std::env::args().nth(1).map_or(Ok(1), |text| text.parse())?;
    let truth = field(2, |_t, y: &[f64], dy: &mut [f64]| {
        let cube = [y[0].powi(3), y[1].powi(3)];
        (dy[0], dy[1]) = (-0.1 * cube[0] + 2.0 * cube[1], -2.0 * cube[0] - 0.1 * cube[1]);
    });
    let times: Vec<f64> = (0..30).map(|i| SPAN.1 * f64::from(i) / 29.0).collect();
    let data = solve_explicit(&truth, SPAN, &START, &TSIT5, &Options::tolerances(1e-9, 1e-9), Save::At(&times))?;

    // y³ goes into a perceptron of 50 neurons.
    let began = Instant::now();
    let layers: Vec<AnyLayer> =
        vec![Elementwise::new(2, Activation::Cube).into(), Mlp::new(2, &[50], 2, Activation::Tanh).into()];
    let network = Network::initialised(Sequential::new(layers)?, Initialiser::Glorot, &mut Random::new(seed))?;
    let mut descent = Descent::new(Rule::ADAM, network.theta().len());
    let mut field = NeuralField::new(network, 1)?;
    let mut adjoint = Discrete::explicit(&TSIT5, 2, &Options::tolerances(1e-3, 1e-6), Budget::default())?;
    let mut bars = vec![0.0; data.y.len()];
    for step in 0..=500 {
        let solution = adjoint.solve(&mut field, SPAN, &START, &times)?;
        let cost = loss::mean_squared(&solution.y, &data.y, &mut bars);
        if step % 100 == 0 {
            println!("step {step:3}: mean squared error {cost:.2e}, {} steps of the solver", solution.stats.steps);
        }
        let gradient = adjoint.pull_back(&mut field, &Cotangents::saved(&bars))?;
        field.network_mut().update(|theta| descent.step(theta, &gradient.parameters, 0.02));
    }
    println!("{:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
