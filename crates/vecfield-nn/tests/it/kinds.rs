//! What holds of one kind of layer.

use proptest::prelude::*;
use vecfield_kernels::Activation;
use vecfield_laws::{is_equivariant, is_undone};
use vecfield_nn::{
    AnyLayer, Attention, Convolution, Coupling, Dropout, Gru, Layer, Linear, Mlp, Network, NeuralField, NnError, Norm,
    Pool, Residual, Sequential, Tokenwise, Window,
};
use vecfield_solvers::symplectic::SYMPLECTIC_EULER_A;
use vecfield_solvers::{Integrator, Options, Save, solve_explicit, tableau::EULER};
use vecfield_traits::{Partition, Partitioned, field};

use crate::instances::{network, numbers};

fn value(network: &Network<AnyLayer, f64>, rows: usize, x: &[f64]) -> Vec<f64> {
    let mut y = vec![f64::NAN; rows * network.layer().outputs()];
    network.eval(rows, 0.0, x, &mut y, &mut network.memory(rows));
    y
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A stack of residual blocks is the Euler method, to the bit.
    #[test]
    fn residual_blocks_are_euler_steps(seed in any::<u64>(), steps in 1..6_usize) {
        let inner = Mlp::new(3, &[11], 3, Activation::Tanh);
        let field = network(&inner.clone().into(), seed);
        let h = 0.25;
        let block: AnyLayer = Residual::with_step(inner, h).into();
        let stack = Sequential::new(vec![block; steps]).unwrap();
        let theta = field.theta().repeat(steps);
        let stack: Network<AnyLayer, f64> = Network::new(stack.into(), theta).unwrap();
        let y0 = numbers(6, seed);
        let field = NeuralField::new(field, 2).unwrap();
        let span = (0.0, h * steps as f64);
        let solution = solve_explicit(&field, span, &y0, &EULER, &Options::fixed(h), Save::End).unwrap();
        let (residual, euler) = (value(&stack, 2, &y0), solution.last().to_vec());
        prop_assert_eq!(residual, euler);
    }

    /// A coupling block is a step of the symplectic Euler method for `q' = f(p)`, `p' = g(q)`, and undone by a step back: what
    /// makes the one reversible makes the other.
    #[test]
    fn coupling_blocks_are_symplectic_steps(seed in any::<u64>(), steps in 1..5_usize) {
        let [f, g] = [(3, 2), (2, 3)].map(|(from, to)| network(&Mlp::new(from, &[7], to, Activation::Tanh).into(), seed));
        let block: AnyLayer = Coupling::new(f.layer().clone(), g.layer().clone()).into();
        let theta = [f.theta(), g.theta()].concat().repeat(steps);
        let stack: Network<AnyLayer, f64> = Network::new(Sequential::new(vec![block; steps]).unwrap().into(), theta).unwrap();
        let halves = field(5, |_t, y: &[f64], dy: &mut [f64]| {
            let (dq, dp) = dy.split_at_mut(2);
            f.eval(1, 0.0, &y[2..], dq, &mut f.memory(1));
            g.eval(1, 0.0, &y[..2], dp, &mut g.memory(1));
        });
        let halves = Partitioned::new(halves, Partition::with_positions(5, [0, 1]));
        let options = Options::fixed(1.0);
        let mut solver = Integrator::symplectic(&SYMPLECTIC_EULER_A, 5, &options).unwrap();
        let y0 = numbers(5, seed);
        let end = steps as f64;
        let solution = solver.solve(&halves, (0.0, end), &y0, Save::End).unwrap();
        for (block, step) in value(&stack, 1, &y0).iter().zip(solution.last()) {
            // Sums with a carry round once less.
            prop_assert!((block - step).abs() < 1e-13, "{block} and {step}");
        }
    }

    /// A coupling block is undone to rounding.
    #[test]
    fn coupling_blocks_invert(seed in any::<u64>()) {
        let block = Coupling::new(Mlp::new(3, &[16], 2, Activation::Gelu), Mlp::new(2, &[16], 3, Activation::Sin));
        let with = network(&block.clone().into(), seed);
        let undo = |y: &[f64]| {
            let (mut back, mut tape) = (vec![0.0; 20], vec![0.0; block.tape_len(4)]);
            block.undo(with.pass(4, 0.0), y, &mut back, &mut tape);
            back
        };
        is_undone(&numbers(20, seed), |x| value(&with, 4, x), undo, 1e-13)?;
    }

    /// A convolution is its sum over channels and window.
    #[test]
    fn convolutions_are_their_sums(
        seed in any::<u64>(), size in (3..7_usize, 3..7_usize), kernel in (1..4_usize, 1..4_usize),
        stride in (1..3_usize, 1..3_usize), padding in (0..2_usize, 0..2_usize), groups in 1..3_usize,
    ) {
        let window = Window::new(2 * groups, [size.0, size.1], [kernel.0, kernel.1])
            .stride([stride.0, stride.1])
            .padding([padding.0, padding.1]);
        let outputs = 3 * groups;
        let layer: AnyLayer = Convolution::new(window.clone(), outputs).groups(groups).into();
        let with = network(&layer, seed);
        let x = numbers(layer.inputs(), seed);
        let y = value(&with, 1, &x);
        let (w, b) = (with.view("weight").unwrap(), with.view("bias").unwrap());
        let [down, across] = window.places();
        prop_assert_eq!(layer.outputs(), outputs * down * across);
        for (at, y) in y.iter().enumerate() {
            let (o, i, j) = (at / (down * across), at / across % down, at % across);
            let mut expected = b[o];
            for c in 0..2 {
                let channel = o / 3 * 2 + c;
                for (p, q) in (0..kernel.0).flat_map(|p| (0..kernel.1).map(move |q| (p, q))) {
                    let (row, column) = (i * stride.0 + p, j * stride.1 + q);
                    let inside = row >= padding.0 && column >= padding.1;
                    if inside && row - padding.0 < size.0 && column - padding.1 < size.1 {
                        let pixel = x[(channel * size.0 + row - padding.0) * size.1 + column - padding.1];
                        expected += w[((o * 2 + c) * kernel.0 + p) * kernel.1 + q] * pixel;
                    }
                }
            }
            prop_assert!((y - expected).abs() < 1e-13, "{y} {expected}");
        }
    }

    /// Groups are blocks on the diagonal: a group's outputs do not move with another group's channels.
    #[test]
    fn groups_do_not_see_each_other(seed in any::<u64>()) {
        let window = Window::new(4, [4, 4], [2, 2]);
        let layer: AnyLayer = Convolution::new(window, 4).groups(2).activated(Activation::Tanh).into();
        let with = network(&layer, seed);
        let x = numbers(64, seed);
        let mut other = x.clone();
        other[32..].copy_from_slice(&numbers(32, seed ^ 1));
        let (y, moved) = (value(&with, 1, &x), value(&with, 1, &other));
        prop_assert_eq!(&y[..18], &moved[..18]);
        prop_assert!(y[18..] != moved[18..]);
    }

    /// Attention moves with its tokens, and so does what is done to each of them.
    #[test]
    fn attention_has_no_order(seed in any::<u64>()) {
        let block = vec![
            Attention::new(4, 6, 3).into(),
            Tokenwise::new(4, Mlp::new(6, &[9], 6, Activation::Gelu)).into(),
        ];
        let with = network(&Sequential::new(block).unwrap().into(), seed);
        let x = numbers(24, seed);
        let order = [2, 0, 3, 1];
        let permuted = |x: &[f64]| -> Vec<f64> { order.iter().flat_map(|&t| x[6 * t..6 * t + 6].to_vec()).collect() };
        is_equivariant(&x, |x| value(&with, 1, x), permuted, permuted, 1e-13)?;
    }

    /// Normalised groups have mean zero and variance one, whatever the scale of what came in.
    #[test]
    fn norms_forget_shift_and_scale(seed in any::<u64>(), scale in 0.5..50.0_f64, shift in -9.0..9.0_f64) {
        let layer: AnyLayer = Norm { epsilon: 1e-12, ..Norm::group(4, 3, 2) }.into();
        let theta = [vec![1.0; 4], vec![0.0; 4]].concat();
        let with: Network<AnyLayer, f64> = Network::new(layer, theta).unwrap();
        let x: Vec<f64> = numbers(12, seed).iter().map(|x| scale * x + shift).collect();
        for group in value(&with, 1, &x).chunks(6) {
            let (mean, square) = (group.iter().sum::<f64>() / 6.0, group.iter().map(|y| y * y).sum::<f64>() / 6.0);
            prop_assert!(mean.abs() < 1e-9 && (square - 1.0).abs() < 1e-6, "{mean} {square}");
        }
    }

    /// With a draw some numbers are dropped, the same each time; without, none; the pullback drops the same.
    #[test]
    fn dropout_is_a_function_of_its_draw(draw in any::<u64>()) {
        let mut with: Network<AnyLayer, f64> = Network::new(Dropout::new(500, 0.3).into(), vec![]).unwrap();
        let x = vec![1.0; 1000];
        prop_assert_eq!(&value(&with, 2, &x), &x);
        with.set_draw(Some(draw));
        let y = value(&with, 2, &x);
        prop_assert_eq!(&y, &value(&with, 2, &x));
        let kept = y.iter().filter(|&&y| y != 0.0).count();
        // Binomial(1000, 0.7) has deviation 14.5: five of them.
        prop_assert!((627..=773).contains(&kept), "{kept}");
        prop_assert!(y.iter().all(|&y| y == 0.0 || y == 1.0 / 0.7));
        let (mut x_bar, mut memory) = (vec![0.0; 1000], with.memory(2));
        with.pull_back(2, 0.0, &x, &x, &mut x_bar, &mut [], &mut memory);
        prop_assert_eq!(x_bar, y);
    }
}

/// The formulas of the GRU by hand, for one number.
#[test]
fn a_gru_is_its_formulas() {
    let with: Network<AnyLayer, f64> =
        Network::new(Gru::new(1, 1).into(), vec![0.5, -0.3, 0.8, 0.1, 0.2, 0.3, 0.7, 0.4, -0.6, -0.1, 0.05, 0.2])
            .unwrap();
    let (x, h) = (0.9_f64, -0.4_f64);
    let s = |z: f64| 1.0 / (1.0 + (-z).exp());
    let r = s(0.5 * x + 0.1 + 0.7 * h - 0.1);
    let z = s(-0.3 * x + 0.2 + 0.4 * h + 0.05);
    let n = (0.8 * x + 0.3 + r * (-0.6 * h + 0.2)).tanh();
    let y = value(&with, 1, &[x, h]);
    assert!((y[0] - ((1.0 - z) * n + z * h)).abs() < 1e-15);
    let lstm: Network<AnyLayer, f64> = Network::new(
        vecfield_nn::Lstm::new(1, 1).into(),
        vec![0.5, -0.3, 0.8, 0.1, 0.2, 0.3, 0.7, 0.4, -0.6, -0.1, 0.05, 0.2],
    )
    .unwrap();
    let c = 0.3;
    let (i, f) = (s(0.5 * x - 0.3 * h - 0.6), s(0.8 * x + 0.1 * h - 0.1));
    let (o, g) = (s(0.2 * x + 0.3 * h + 0.05), (0.7 * x + 0.4 * h + 0.2).tanh());
    let c_next = f * c + i * g;
    let y = value(&lstm, 1, &[x, h, c]);
    assert!((y[0] - o * c_next.tanh()).abs() < 1e-15 && (y[1] - c_next).abs() < 1e-15);
}

#[test]
fn pools_take_what_they_say() {
    let window = Window::new(1, [2, 4], [2, 2]).stride([2, 2]);
    let x = [1.0, 2.0, 5.0, -1.0, 3.0, 4.0, 0.0, 8.0];
    let pool = |pool: Pool| value(&Network::new(pool.into(), vec![]).unwrap(), 1, &x);
    assert_eq!(pool(Pool::mean(window.clone())), [2.5, 3.0]);
    assert_eq!(pool(Pool::largest(window)), [4.0, 8.0]);
    assert_eq!(pool(Pool::global(2, [1, 4])), [1.75, 3.75]);
}

/// Sizes that contradict each other are found when a network is made.
#[test]
fn wrong_sizes_are_found_once() {
    let wrong: Vec<AnyLayer> = vec![
        Linear::new(0, 2).into(),
        Linear::new(2, 0).into(),
        Residual::new(Linear::new(2, 3)).into(),
        Coupling::new(Linear::new(3, 2), Linear::new(2, 2)).into(),
        Convolution::new(Window::new(4, [3, 3], [4, 4]), 2).into(),
        Convolution::new(Window::new(4, [3, 3], [2, 2]), 3).groups(2).into(),
        Convolution::new(Window::new(4, [3, 3], [2, 2]).stride([0, 1]), 2).into(),
        Pool::largest(Window::new(1, [3, 3], [1, 1]).padding([1, 1])).into(),
        Norm::group(4, 2, 3).into(),
        Norm { epsilon: 0.0, ..Norm::layer(3) }.into(),
        Attention::new(3, 5, 2).into(),
        Dropout::new(3, 1.0).into(),
        Gru::new(2, 0).into(),
        vecfield_nn::Timed::new(vecfield_nn::Embedding::Concat, Linear::new(1, 2)).into(),
        Tokenwise::new(0, Linear::new(1, 1)).into(),
    ];
    for layer in wrong {
        let found =
            Network::<AnyLayer, f64>::initialised(layer.clone(), Default::default(), &mut vecfield_nn::Random::new(1));
        assert!(found.is_err(), "{layer:?}");
        assert!(Sequential::new(vec![layer]).is_err());
    }
    let short = Network::<AnyLayer, f64>::new(Linear::new(2, 2).into(), vec![0.0; 5]);
    assert_eq!(short, Err(NnError::ParameterCount { found: 5, expected: 6 }));
}
