//! Networks as vector fields.

use std::cell::Cell;

use proptest::prelude::*;
use vecfield_adjoint::{Budget, Cotangents, Discrete};
use vecfield_kernels::Activation;
use vecfield_laws::{allocates_nothing, check_jvp, check_parameter_vjp, check_vjp, is_the_pullback, measure};
use vecfield_nn::{AnyLayer, FieldMemory, Hamiltonian, Layer, Mlp, Network, NeuralField};
use vecfield_solvers::tableau::{RK4, TSIT5, VERNER_7};
use vecfield_solvers::{Options, Save, solve_explicit};
use vecfield_traits::{Jacobian, VectorField, Vjp};

use crate::instances::{all, network, numbers};

fn square() -> Vec<AnyLayer> {
    all().into_iter().filter(|layer| layer.inputs() == layer.outputs()).collect()
}

/// The energy of rows `[q | p]`.
fn energy(field: &NeuralField<AnyLayer, f64>, y: &[f64]) -> f64 {
    let AnyLayer::Hamiltonian(layer) = field.network().layer() else { unreachable!("made of one") };
    let theta = &field.network().theta()[..layer.energy.parameter_count()];
    let network = Network::<_, f64>::new(*layer.energy.clone(), theta.to_vec()).unwrap();
    let mut value = [0.0];
    network.eval(1, 0.0, y, &mut value, &mut network.memory(1));
    value[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Along a solution an energy stays, to the tolerance; with friction it falls.
    #[test]
    fn energies_stay_or_fall(seed in any::<u64>()) {
        for friction in [false, true] {
            let plain = Hamiltonian::new(Mlp::new(4, &[9], 1, Activation::Tanh), vec![1.0, 0.6]);
            let layer = if friction { plain.with_friction() } else { plain };
            let field = NeuralField::new(network(&layer.into(), seed), 1).unwrap();
            let y0 = numbers(4, seed);
            let times: Vec<f64> = (1..=10).map(f64::from).collect();
            let options = Options::tolerances(1e-11, 1e-11);
            let solution = solve_explicit(&field, (0.0, 10.0), &y0, &TSIT5, &options, Save::At(&times)).unwrap();
            let mut before = energy(&field, &y0);
            for y in solution.y.chunks(4) {
                let now = energy(&field, y);
                if friction {
                    prop_assert!(now < before + 1e-10, "{now} after {before}");
                    before = now;
                } else {
                    prop_assert!((now - before).abs() < 1e-8, "{now} and {before}");
                }
            }
        }
    }

    /// Pullbacks, pushes and the Jacobian agree with differences, for one state and for several.
    #[test]
    fn derivatives_are_differences(seed in any::<u64>(), rows in 1..4_usize) {
        for layer in square() {
            let field = NeuralField::new(network(&layer, seed), rows).unwrap();
            let y = numbers(field.dim(), seed);
            check_vjp(&field, 0.3, &y, 1e-6, seed).unwrap();
            if let Some(pushing) = field.pushing() {
                check_jvp(&pushing, 0.3, &y, 1e-6, seed).unwrap();
            }
            let with = |theta: &[f64]| NeuralField::new(Network::new(layer.clone(), theta.to_vec()).unwrap(), rows).unwrap();
            check_parameter_vjp(with, 0.3, &y, field.network().theta(), 1e-6, seed).unwrap();

            let n = field.dim();
            let (places, mut time) = (field.sparsity().map_or(n * n, |sparsity| sparsity.len()), vec![0.0; n]);
            let (mut jac, mut work) = (vec![0.0; places], field.workspace());
            field.jacobian(0.3, &y, &mut jac, &mut time, &mut work);
            let w = numbers(n, seed ^ 9);
            let (mut y_bar, mut theta_bar) = (vec![0.0; n], vec![0.0; field.parameters().len()]);
            let t_bar = field.vjp(0.3, &y, &w, &mut y_bar, &mut theta_bar, &mut work);
            let mut by_rows = vec![0.0; n];
            match field.sparsity() {
                Some(sparsity) => sparsity.places().zip(&jac).for_each(|((i, j), entry)| by_rows[j] += w[i] * entry),
                None => (0..n * n).for_each(|at| by_rows[at % n] += w[at / n] * jac[at]),
            }
            for (a, b) in by_rows.iter().zip(&y_bar) {
                prop_assert!((a - b).abs() < 1e-11 * (1.0 + b.abs()), "{layer:?}");
            }
            let along: f64 = time.iter().zip(&w).map(|(a, b)| a * b).sum();
            prop_assert!((along - t_bar).abs() < 1e-11 * (1.0 + t_bar.abs()), "{layer:?}");
        }
    }

    /// The derivative of a pullback along a tangent is the difference of pullbacks.
    #[test]
    fn second_derivatives_are_differences(seed in any::<u64>()) {
        for layer in square() {
            let field = NeuralField::new(network(&layer, seed), 2).unwrap();
            let (n, p) = (field.dim(), field.parameters().len());
            let (y, v, w) = (numbers(n, seed), numbers(n, seed ^ 1), numbers(n, seed ^ 2));
            let mut work = field.workspace();
            let (mut y_bar, mut theta_bar) = (vec![0.0; n], vec![0.0; p]);
            let t_bar = field.vjp_along(0.3, &y, 0.5, &v, &w, &mut y_bar, &mut theta_bar, &mut work);
            let Some(t_bar) = t_bar else { continue };
            let mut at = |h: f64| {
                let moved: Vec<f64> = y.iter().zip(&v).map(|(y, v)| y + h * v).collect();
                let (mut y_bar, mut theta_bar) = (vec![0.0; n], vec![0.0; p]);
                let t_bar = field.vjp(0.3 + 0.5 * h, &moved, &w, &mut y_bar, &mut theta_bar, &mut work);
                y_bar.extend(theta_bar);
                y_bar.push(t_bar);
                y_bar
            };
            let (low, high) = (at(-1e-5), at(1e-5));
            let found = y_bar.iter().chain(&theta_bar).chain([&t_bar]);
            for ((found, low), high) in found.zip(&low).zip(&high) {
                let expected = (high - low) / 2e-5;
                prop_assert!((found - expected).abs() < 1e-6 * (1.0 + expected.abs()), "{layer:?}: {found} {expected}");
            }
        }
    }
}

/// A network that knows of no cheaper way than a pullback at a time, unless it `keeps` what they need, and counts them.
struct Plain {
    field: NeuralField<AnyLayer, f64>,
    keeps: bool,
    /// Pullbacks of what was kept, and others.
    kept: Cell<usize>,
    others: Cell<usize>,
}

impl Plain {
    fn new(field: NeuralField<AnyLayer, f64>, keeps: bool) -> Plain {
        Plain { field, keeps, kept: Cell::new(0), others: Cell::new(0) }
    }
}

impl VectorField<f64> for Plain {
    type Workspace = FieldMemory<f64>;
    fn workspace(&self) -> FieldMemory<f64> {
        self.field.workspace()
    }
    fn dim(&self) -> usize {
        self.field.dim()
    }
    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64], work: &mut FieldMemory<f64>) {
        self.field.eval(t, y, dy, work);
    }
}

impl Vjp<f64> for Plain {
    fn parameters(&self) -> &[f64] {
        self.field.parameters()
    }
    fn vjp(
        &self,
        t: f64,
        y: &[f64],
        dy_bar: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
        work: &mut FieldMemory<f64>,
    ) -> f64 {
        self.others.set(self.others.get() + 1);
        self.field.vjp(t, y, dy_bar, y_bar, theta_bar, work)
    }
    fn keep(&self, last: usize, work: &mut FieldMemory<f64>) -> bool {
        self.keeps && self.field.keep(last, work)
    }
    fn take_kept(&self, dy: &[f64], kept: &mut Vec<f64>, work: &mut FieldMemory<f64>) -> bool {
        self.field.take_kept(dy, kept, work)
    }
    fn pull_kept(
        &self,
        kept: &[f64],
        t: f64,
        y: &[f64],
        dy_bar: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
        work: &mut FieldMemory<f64>,
    ) -> f64 {
        // The state stands behind the time.
        if kept.get(1..=y.len()) != Some(y) {
            return self.vjp(t, y, dy_bar, y_bar, theta_bar, work);
        }
        self.kept.set(self.kept.get() + 1);
        self.field.pull_kept(kept, t, y, dy_bar, y_bar, theta_bar, work)
    }
}

/// What a field records together, lets wait or has kept has the bits of pullbacks one by one, however many rows there are and
/// whatever there is room for: everything, the stages of two steps, the stages alone.
#[test]
fn what_waits_has_the_bits_of_what_does_not() {
    let y_of = |rows: usize, layer: &AnyLayer| numbers(rows * layer.inputs(), 5);
    for layer in square() {
        for rows in [1, 2, 5, 40] {
            let field = || NeuralField::new(network(&layer, 3), rows).unwrap();
            let (y, options) = (y_of(rows, &layer), Options::fixed(0.1));
            let times = [0.07, 0.3, 0.45];
            let bars = numbers(times.len() * y.len(), 8);
            let mut plain = Discrete::explicit(&TSIT5, y.len(), &options, Budget::default()).unwrap();
            let mut one_by_one = Plain::new(field(), false);
            plain.solve(&mut one_by_one, (0.0, 0.5), &y, &times).unwrap();
            let expected = plain.pull_back(&mut one_by_one, &Cotangents::saved(&bars)).unwrap();
            // Seven stages and a state a step, and a little more.
            let stages = 2 * 6 * (8 * y.len() * size_of::<f64>() + 256);
            for budget in [Budget::everything(), Budget::slots(2), Budget::bytes(stages)] {
                let mut field = field();
                let mut waiting = Discrete::explicit(&TSIT5, y.len(), &options, budget).unwrap();
                waiting.solve(&mut field, (0.0, 0.5), &y, &times).unwrap();
                let found = waiting.pull_back(&mut field, &Cotangents::saved(&bars)).unwrap();
                assert_eq!(found.initial, expected.initial, "{rows} rows of {layer:?}, {budget:?}");
                assert_eq!(found.parameters, expected.parameters, "{rows} rows of {layer:?}, {budget:?}");
                assert_eq!((found.t0, found.t1), (expected.t0, expected.t1), "{rows} rows of {layer:?}, {budget:?}");
            }
        }
    }
}

/// All stages of a solve but those of its first step are pulled back from what was kept, with dense output and without, also
/// where steps are rejected and where the last stage is not the first of the next step.
#[test]
fn a_solve_that_keeps_everything_evaluates_nothing_again() {
    let layer: AnyLayer = Mlp::new(3, &[9], 3, Activation::Tanh).into();
    for tableau in [&TSIT5, &RK4, &VERNER_7] {
        for save in [&[][..], &[0.31, 0.8, 2.0]] {
            let mut field = Plain::new(NeuralField::new(network(&layer, 3), 1).unwrap(), true);
            let options = Options::tolerances(1e-7, 1e-7);
            let mut adjoint = Discrete::explicit(tableau, 3, &options, Budget::everything()).unwrap();
            let y0 = numbers(3, 6);
            let steps = adjoint.solve(&mut field, (0.0, 2.0), &y0, save).unwrap().stats.steps as usize;
            assert!(steps > 3);
            let bars = vec![1.0; 3 * save.len()];
            let cotangents = if save.is_empty() { Cotangents::end(&[1.0; 3]) } else { Cotangents::saved(&bars) };
            adjoint.pull_back(&mut field, &cotangents).unwrap();
            let own = tableau.slots() - tableau.end_slot() - 1;
            let (kept, others) = (field.kept.get(), field.others.get());
            assert!(kept >= (steps - 1) * (tableau.end_slot() - 2), "{}: {kept} in {steps} steps", tableau.name);
            // Those of the first step, those of the interpolant, and a first stage where a step was rejected before.
            let allowed = tableau.stages() + own * save.len() + 4;
            assert!(others <= allowed, "{}: {others} again in {steps} steps", tableau.name);
        }
    }
}

/// The record of a network stays within its bytes, whether what its evaluations left has room in them or not.
#[test]
fn a_budget_in_bytes_counts_what_is_kept() {
    let layer: AnyLayer = Mlp::new(3, &[32, 32], 3, Activation::Tanh).into();
    let (y0, bars) = (numbers(3, 6), [1.0; 3]);
    for bytes in [1 << 15, 1 << 18, 1 << 22] {
        let mut field = NeuralField::new(network(&layer, 3), 1).unwrap();
        let mut adjoint = Discrete::explicit(&TSIT5, 3, &Options::fixed(1e-2), Budget::bytes(bytes)).unwrap();
        let used = measure(|| {
            for _ in 0..2 {
                adjoint.solve(&mut field, (0.0, 10.0), &y0, &[]).unwrap();
                adjoint.pull_back(&mut field, &Cotangents::end(&bars)).unwrap();
            }
        });
        // The field's own memory, with sixteen stages recorded together and sixty-four rows that wait, and the gradient.
        let peak = used.bytes_max as usize;
        assert!(peak <= bytes + (1 << 18), "{peak} bytes of {bytes}");
    }
}

/// A gradient through a solve is the difference of solves.
#[test]
fn gradients_through_a_solve_are_differences() {
    let layer: AnyLayer = Mlp::new(2, &[9], 2, Activation::Tanh).into();
    let options = Options::fixed(0.125);
    let y0 = numbers(6, 1);
    let w = numbers(6, 2);
    let end = |theta: &[f64]| {
        let mut field = NeuralField::new(Network::new(layer.clone(), theta.to_vec()).unwrap(), 3).unwrap();
        let mut adjoint = Discrete::explicit(&TSIT5, 6, &options, Budget::default()).unwrap();
        let solution = adjoint.solve(&mut field, (0.0, 1.0), &y0, &[]).unwrap();
        let gradient = adjoint.pull_back(&mut field, &Cotangents::end(&w)).unwrap();
        (solution.last().iter().zip(&w).map(|(y, w)| y * w).sum::<f64>(), gradient.parameters)
    };
    let theta = network(&layer, 7).theta().to_vec();
    let pull = |w: &[f64], bar: &mut [f64]| bar.iter_mut().zip(end(&theta).1).for_each(|(bar, by)| *bar += w[0] * by);
    is_the_pullback(|theta, out| out[0] = end(theta).0, &theta, 1, pull, 1e-8, 3).unwrap();
}

#[test]
fn a_field_needs_as_many_outputs_as_inputs_and_does_not_allocate() {
    for layer in all() {
        let made = NeuralField::new(network(&layer, 1), 2);
        assert_eq!(made.is_ok(), layer.inputs() == layer.outputs());
        let Ok(field) = made else { continue };
        let (y, mut dy, mut y_bar) = (numbers(field.dim(), 1), vec![0.0; field.dim()], vec![0.0; field.dim()]);
        let (mut theta_bar, mut work) = (vec![0.0; field.parameters().len()], field.workspace());
        let twice = y.repeat(2);
        let mut kept = Vec::new();
        field.keep(1, &mut work);
        let mut passes = || {
            field.eval(0.1, &y, &mut dy, &mut work);
            field.vjp(0.1, &y, &dy, &mut y_bar, &mut theta_bar, &mut work);
            field.record(&[0.1, 0.1], &twice, &mut work);
            field.pull_recorded(1, 0.1, &y, &dy, &mut y_bar, &mut theta_bar, &mut work);
            assert!(field.take_kept(&dy, &mut kept, &mut work), "{layer:?}");
            field.pull_kept(&kept, 0.1, &y, &dy, &mut y_bar, &mut theta_bar, &mut work);
            field.settle(&mut theta_bar, &mut work);
            field.vjp_along(0.1, &y, 0.0, &y, &dy, &mut y_bar, &mut theta_bar, &mut work);
        };
        // The first makes room for jets, for what waits and for what is kept; the second in place of what was taken.
        passes();
        passes();
        assert_eq!(allocates_nothing(passes), Ok(()));
    }
}
