//! The laws of layers.

use proptest::prelude::*;
use vecfield_kernels::CountingAllocator;
use vecfield_nn::{AnyLayer, Jets, Layer, Network, Order};

use crate::instances::{all, apart, network, numbers};

const ROWS: usize = 5;
const T: f64 = 0.7;

fn value(network: &Network<AnyLayer, f64>, rows: usize, t: f64, x: &[f64]) -> Vec<f64> {
    let mut y = vec![f64::NAN; rows * network.layer().outputs()];
    network.eval(rows, t, x, &mut y, &mut network.memory(rows));
    y
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn moved(x: &[f64], by: f64, along: &[f64]) -> Vec<f64> {
    x.iter().zip(along).map(|(x, v)| x + by * v).collect()
}

/// `⟨w, D f v⟩` by central differences with one Richardson step, along directions of `x`, `θ` and `t`.
fn difference(network: &Network<AnyLayer, f64>, x: &[f64], (v, theta_v, t_v): (&[f64], &[f64], f64), w: &[f64]) -> f64 {
    let paired = |h: f64| {
        let theta = moved(network.theta(), h, theta_v);
        let at = Network::new(network.layer().clone(), theta).unwrap();
        dot(w, &value(&at, ROWS, T + h * t_v, &moved(x, h, v)))
    };
    let central = |h: f64| (paired(h) - paired(-h)) / (2.0 * h);
    let h = 1e-3;
    (4.0 * central(h / 2.0) - central(h)) / 3.0
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
            let w = numbers(m, seed ^ 1);
            let (mut x_bar, before) = (vec![f64::NAN; n], numbers(p, seed ^ 2));
            let mut theta_bar = before.clone();
            let (mut y, mut memory) = (vec![0.0; m], network.memory(ROWS));
            network.record(ROWS, T, &x, &mut y, &mut memory);
            prop_assert_eq!(&y, &value(&network, ROWS, T, &x), "recording changes the value of {:?}", layer);
            let t_bar = network.pull_back(ROWS, T, &x, &w, &mut x_bar, &mut theta_bar, &mut memory);
            let gradient: Vec<f64> = theta_bar.iter().zip(&before).map(|(a, b)| a - b).collect();
            let (v, theta_v, t_v) = (numbers(n, seed ^ 3), numbers(p, seed ^ 4), 0.8);
            let found = dot(&x_bar, &v) + dot(&gradient, &theta_v) + t_bar * t_v;
            let expected = difference(&network, &x, (&v, &theta_v, t_v), &w);
            // Differences lose ε^(4/5) of the sizes that go into them; a wrong entry is off by order one.
            let scale = 1.0 + dot(&x_bar, &x_bar).sqrt() + dot(&gradient, &gradient).sqrt();
            prop_assert!((found - expected).abs() < 1e-6 * scale, "{layer:?}: {found} and not {expected}");
        }
    }

    /// A row's bits do not depend on the rows beside it.
    #[test]
    fn rows_do_not_see_each_other(seed in any::<u64>(), rows in 1..40_usize) {
        for layer in all() {
            let network = network(&layer, seed);
            let x = numbers(rows * layer.inputs(), seed);
            let together = value(&network, rows, T, &x);
            for row in 0..rows {
                let alone = value(&network, 1, T, &x[row * layer.inputs()..][..layer.inputs()]);
                // (Dropout would tell the rows of a batch apart, with a draw.)
                prop_assert_eq!(&together[row * layer.outputs()..][..layer.outputs()], &alone[..], "{:?}", layer);
            }
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
            let (x, w) = (numbers(n, seed), numbers(m, seed ^ 1));
            let jet = |at: &Network<AnyLayer, f64>, t: f64, x: &[f64], tape: &mut [f64]| {
                let mut y = vec![0.0; m];
                layer.record_jet(at.pass(ROWS, t), jets, x, &mut y, tape);
                y
            };
            let mut tape = vec![f64::NAN; len];
            jet(&network, T, &x, &mut tape);
            let (mut y_bar, mut x_bar, mut theta_bar) = (w.clone(), vec![f64::NAN; n], vec![0.0; p]);
            let t_bar = layer.pull_jet(network.pass(ROWS, T), jets, &x, &mut tape, &mut y_bar, &mut x_bar, &mut theta_bar);
            let (v, theta_v, t_v) = (numbers(n, seed ^ 3), numbers(p, seed ^ 4), 0.8);
            let mut paired = |h: f64| {
                let at = Network::new(layer.clone(), moved(network.theta(), h, &theta_v)).unwrap();
                dot(&w, &jet(&at, T + h * t_v, &moved(&x, h, &v), &mut tape))
            };
            let mut central = |h: f64| (paired(h) - paired(-h)) / (2.0 * h);
            let expected = (4.0 * central(5e-4) - central(1e-3)) / 3.0;
            let found = dot(&x_bar, &v) + dot(&theta_bar, &theta_v) + t_bar * t_v;
            let scale = 1.0 + dot(&x_bar, &x_bar).sqrt() + dot(&theta_bar, &theta_bar).sqrt();
            prop_assert!((found - expected).abs() < 1e-6 * scale, "{layer:?}: {found} and not {expected}");
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
        let count = CountingAllocator::count(|| {
            network.eval(ROWS, T, &x, &mut y, &mut memory);
            network.record(ROWS, T, &x, &mut y, &mut memory);
            network.pull_back(ROWS, T, &x, &w, &mut x_bar, &mut theta_bar, &mut memory);
            network.update(|theta| theta.iter_mut().for_each(|theta| *theta *= 0.5));
        });
        assert_eq!(count, 0, "{layer:?}");
    }
}
