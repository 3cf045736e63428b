//! The laws of layers.

use proptest::prelude::*;
use vecfield_laws::{Broken, allocates_nothing, is_the_pullback};
use vecfield_nn::{AnyLayer, Jets, Layer, Network, Order};

use crate::instances::{all, apart, network, numbers};

const ROWS: usize = 5;
const T: f64 = 0.7;

fn value(network: &Network<AnyLayer, f64>, rows: usize, t: f64, x: &[f64]) -> Vec<f64> {
    let mut y = vec![f64::NAN; rows * network.layer().outputs()];
    network.eval(rows, t, x, &mut y, &mut network.memory(rows));
    y
}

fn moved(x: &[f64], by: f64, along: &[f64]) -> Vec<f64> {
    x.iter().zip(along).map(|(x, v)| x + by * v).collect()
}

/// A law of `layer`, with the layer's name in what it says.
fn of(layer: &AnyLayer, law: Result<(), Broken>) -> Result<(), TestCaseError> {
    law.map_err(|broken| TestCaseError::fail(format!("{layer:?}: {broken}")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A pullback is the transpose of the derivative, by input, parameters and time; it overwrites the first and adds to the
    /// second.
    #[test]
    fn pullbacks_are_differences(seed in any::<u64>()) {
        for layer in all() {
            let network = network(&layer, seed);
            let (n, m, p) = (ROWS * layer.inputs(), ROWS * layer.outputs(), layer.parameter_count());
            // The largest of some numbers has no derivative where two are equal: keep them apart.
            let x = if matches!(layer, AnyLayer::Pool(_)) { apart(n, seed) } else { numbers(n, seed) };
            let all = [&x, network.theta(), &[T]].concat();
            let value_of = |all: &[f64], y: &mut [f64]| {
                let at = Network::new(layer.clone(), all[n..n + p].to_vec()).unwrap();
                y.copy_from_slice(&value(&at, ROWS, all[n + p], &all[..n]));
            };
            let pull = |w: &[f64], bar: &mut [f64]| {
                let (mut y, mut x_bar, mut memory) = (vec![0.0; m], vec![f64::NAN; n], network.memory(ROWS));
                network.record(ROWS, T, &x, &mut y, &mut memory);
                assert_eq!(y, value(&network, ROWS, T, &x), "recording changes the value of {layer:?}");
                let t_bar = network.pull_back(ROWS, T, &x, w, &mut x_bar, &mut bar[n..n + p], &mut memory);
                bar[..n].iter_mut().zip(x_bar).for_each(|(bar, x_bar)| *bar += x_bar);
                bar[n + p] += t_bar;
            };
            // Differences lose ε^(4/5) of the sizes that go into them; a wrong entry is off by order one.
            of(&layer, is_the_pullback(value_of, &all, m, pull, 1e-6, seed))?;
        }
    }

    /// A row's bits do not depend on the rows beside it.
    #[test]
    fn rows_do_not_see_each_other(seed in any::<u64>(), rows in 1..40_usize) {
        for layer in all() {
            let network = network(&layer, seed);
            let x = numbers(rows * layer.inputs(), seed);
            // (Dropout would tell the rows of a batch apart, with a draw.)
            of(&layer, vecfield_laws::rows_do_not_see_each_other(rows, &x, |rows, x| value(&network, rows, T, x)))?;
        }
    }

    /// A tape that is written again from what was kept of it pulls back with the same bits.
    #[test]
    fn what_is_kept_of_a_tape_is_enough(seed in any::<u64>(), rows in 1..5_usize) {
        for layer in all() {
            let network = network(&layer, seed);
            let pass = network.pass(rows, 0.4);
            let (n, m) = (rows * layer.inputs(), rows * layer.outputs());
            let (x, bar, mut y) = (numbers(n, seed), numbers(m, seed ^ 1), vec![0.0; m]);
            let mut tape = vec![0.0; layer.tape_len(rows)];
            let mut kept = vec![0.0; layer.kept_len(rows)];
            layer.record(pass, &x, &mut y, &mut tape);
            layer.keep(rows, &tape, &mut kept);
            let pulled = |tape: &mut [f64]| {
                let (mut x_bar, mut theta_bar) = (vec![0.0; n], vec![0.0; layer.parameter_count()]);
                let t_bar = layer.pull_back(pass, &x, tape, &mut bar.clone(), &mut x_bar, &mut theta_bar);
                (t_bar, x_bar, theta_bar)
            };
            let expected = pulled(&mut tape);
            tape.fill(f64::NAN);
            layer.recall(rows, &y, &kept, &mut tape);
            prop_assert_eq!(pulled(&mut tape), expected, "{:?}", layer);
        }
    }

    /// Jets are the derivatives along lines: of the value, and of the first derivatives.
    #[test]
    fn jets_are_differences(seed in any::<u64>()) {
        let order = Order { directions: 2, seconds: 1 };
        for layer in all() {
            let Some(len) = layer.jet_tape_len(ROWS, order) else { continue };
            let network = network(&layer, seed);
            let (n, m) = (ROWS * layer.inputs(), ROWS * layer.outputs());
            let mut x = numbers(order.blocks() * n, seed);
            let (mut y, mut tape) = (vec![f64::NAN; order.blocks() * m], vec![f64::NAN; len]);
            let jets = Jets { t_dot: &[0.6, -0.3], seconds: 1 };
            layer.record_jet(network.pass(ROWS, T), jets, &x, &mut y, &mut tape);
            prop_assert_eq!(&y[..m], &value(&network, ROWS, T, &x[..n])[..]);
            // Along x + h v + h²/2 v₂ and t + h t_dot.
            let along = |direction: usize, h: f64| {
                let mut at = moved(&x[..n], h, &x[(1 + direction) * n..][..n]);
                if direction == 0 {
                    at = moved(&at, h * h / 2.0, &x[3 * n..][..n]);
                }
                value(&network, ROWS, T + h * jets.t_dot[direction], &at)
            };
            let h = 1e-4;
            for direction in 0..2 {
                let (low, high) = (along(direction, -h), along(direction, h));
                for i in 0..m {
                    let (found, expected) = (y[(1 + direction) * m + i], (high[i] - low[i]) / (2.0 * h));
                    prop_assert!((found - expected).abs() < 1e-5 * (1.0 + found.abs()), "{layer:?}: {found} {expected}");
                    if direction == 0 {
                        let (found, expected) = (y[3 * m + i], (high[i] - 2.0 * y[i] + low[i]) / (h * h));
                        prop_assert!((found - expected).abs() < 1e-4 * (1.0 + found.abs()), "{layer:?}: {found} {expected}");
                    }
                }
            }
            x.clear();
        }
    }

    /// The pullback of a jet is the transpose of the jet's derivative.
    #[test]
    fn pullbacks_of_jets_are_differences(seed in any::<u64>()) {
        let order = Order { directions: 2, seconds: 1 };
        let t_dot = [0.6, -0.3];
        let jets = Jets { t_dot: &t_dot, seconds: 1 };
        for layer in all() {
            let Some(len) = layer.jet_tape_len(ROWS, order) else { continue };
            let network = network(&layer, seed);
            let (n, m, p) = (order.blocks() * ROWS * layer.inputs(), order.blocks() * ROWS * layer.outputs(), layer.parameter_count());
            let x = numbers(n, seed);
            let all = [&x, network.theta(), &[T]].concat();
            let value_of = |all: &[f64], y: &mut [f64]| {
                let at = Network::new(layer.clone(), all[n..n + p].to_vec()).unwrap();
                layer.record_jet(at.pass(ROWS, all[n + p]), jets, &all[..n], y, &mut vec![f64::NAN; len]);
            };
            let pull = |w: &[f64], bar: &mut [f64]| {
                let (mut y, mut tape, mut x_bar) = (vec![0.0; m], vec![f64::NAN; len], vec![f64::NAN; n]);
                layer.record_jet(network.pass(ROWS, T), jets, &x, &mut y, &mut tape);
                y.copy_from_slice(w);
                let theta_bar = &mut bar[n..n + p];
                let t_bar = layer.pull_jet(network.pass(ROWS, T), jets, &x, &mut tape, &mut y, &mut x_bar, theta_bar);
                bar[..n].iter_mut().zip(x_bar).for_each(|(bar, x_bar)| *bar += x_bar);
                bar[n + p] += t_bar;
            };
            of(&layer, is_the_pullback(value_of, &all, m, pull, 1e-6, seed))?;
        }
    }
}

/// Names are unique, shapes add up to the number of parameters, and single precision is double precision rounded.
#[test]
fn parameters_have_names_and_single_precision_is_near() {
    for layer in all() {
        let tensors = layer.tensors();
        assert_eq!(tensors.iter().map(|tensor| tensor.len()).sum::<usize>(), layer.parameter_count(), "{layer:?}");
        let mut names: Vec<&str> = tensors.iter().map(|tensor| &tensor.name[..]).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), tensors.len(), "{layer:?}");

        let double = network(&layer, 3);
        let single = Network::new(layer.clone(), double.theta().iter().map(|&theta| theta as f32).collect()).unwrap();
        let x = numbers(ROWS * layer.inputs(), 4);
        let rounded: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let mut y = vec![0.0_f32; ROWS * layer.outputs()];
        single.eval(ROWS, T as f32, &rounded, &mut y, &mut single.memory(ROWS));
        for (single, double) in y.iter().zip(value(&double, ROWS, T, &x)) {
            assert!((f64::from(*single) - double).abs() < 2e-4 * (1.0 + double.abs()), "{layer:?}: {single} {double}");
        }
    }
}

#[test]
fn no_pass_allocates() {
    for layer in all() {
        let mut network = network(&layer, 5);
        let (n, m) = (ROWS * layer.inputs(), ROWS * layer.outputs());
        let (x, w, mut y, mut x_bar) = (numbers(n, 1), numbers(m, 2), vec![0.0; m], vec![0.0; n]);
        let (mut theta_bar, mut memory) = (vec![0.0; layer.parameter_count()], network.memory(ROWS));
        let counted = allocates_nothing(|| {
            network.eval(ROWS, T, &x, &mut y, &mut memory);
            network.record(ROWS, T, &x, &mut y, &mut memory);
            network.pull_back(ROWS, T, &x, &w, &mut x_bar, &mut theta_bar, &mut memory);
            network.update(|theta| theta.iter_mut().for_each(|theta| *theta *= 0.5));
        });
        assert_eq!(counted, Ok(()), "{layer:?}");
    }
}
