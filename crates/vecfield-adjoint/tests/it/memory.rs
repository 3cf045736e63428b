//! The record of a solve stays within its budget, and a small network's gradient is right whatever it is.

use core::ops::ControlFlow;
use vecfield_laws::measure;

use vecfield_adjoint::{AdjointError, Budget, Cotangents, Directions, Discrete, Gradient, Rewind, push_forward};
use vecfield_autodiff::Lifted;
use vecfield_solvers::reversible::REVERSIBLE_TSIT5;
use vecfield_solvers::{Integrator, Method, Options, tableau::TSIT5};
use vecfield_traits::{Dynamics, Elementary, Jacobian, VectorField, Vjp};

/// The pendulum: 2 components, 1 parameter.
pub(crate) struct Pendulum;

impl Dynamics for Pendulum {
    fn dim(&self) -> usize {
        2
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        (dy[0], dy[1]) = (y[1], -theta[0] * y[0].sin());
    }
}

#[test]
fn a_budget_in_bytes_is_kept() -> Result<(), AdjointError> {
    const BYTES: usize = 1 << 16;
    for steps in [1_000, 10_000, 100_000] {
        let options = Options { max_steps: u64::MAX, ..Options::fixed(1e-3) };
        let mut field = Lifted::new(Pendulum, vec![1.0]);
        let mut adjoint = Discrete::explicit(&TSIT5, 2, &options, Budget::bytes(BYTES))?;
        let mut found = Ok(());
        let used = measure(|| {
            let solved = adjoint.solve(&mut field, (0.0, f64::from(steps) * 1e-3), &[1.0, 0.0], &[]);
            found = solved
                .map_err(AdjointError::from)
                .and_then(|_| adjoint.pull_back(&mut field, &Cotangents::end(&[1.0, 0.0])).map(|_| ()));
        });
        found?;
        // A few kilobytes are the solver's, the schedule's and the gradient's own.
        let peak = used.bytes_max as usize;
        assert!(peak <= BYTES + (1 << 14), "{steps} steps: {peak} bytes of {BYTES}");
    }
    Ok(())
}

#[test]
fn too_small_a_budget_is_refused() {
    let mut field = Lifted::new(Pendulum, vec![1.0]);
    let mut adjoint = Discrete::explicit(&TSIT5, 2, &Options::fixed(1e-3), Budget::bytes(100)).unwrap();
    let refused = adjoint.solve(&mut field, (0.0, 1.0), &[1.0, 0.0], &[]).unwrap_err();
    let AdjointError::BudgetTooSmall { bytes: 100, needed } = refused.error else { panic!("{}", refused.error) };
    let mut adjoint = Discrete::explicit(&TSIT5, 2, &Options::fixed(1e-3), Budget::bytes(2 * needed)).unwrap();
    assert!(adjoint.solve(&mut field, (0.0, 1.0), &[1.0, 0.0], &[]).is_ok());
}

/// `dy/dt = W₃ tanh(W₂ tanh(W₁ y + b₁) + b₂) + b₃` with layers of 4, 64, 64 and 4, its pullback written by hand.
struct Network {
    theta: Vec<f64>,
}

const WIDTHS: [usize; 4] = [4, 64, 64, 4];

/// The place of each layer's weights, its inputs and its outputs; the biases follow the weights.
fn layers() -> [(usize, usize, usize); 3] {
    let mut at = 0;
    core::array::from_fn(|layer| {
        let (inputs, outputs) = (WIDTHS[layer], WIDTHS[layer + 1]);
        let place = at;
        at += outputs * (inputs + 1);
        (place, inputs, outputs)
    })
}

impl Network {
    fn new(seed: u64) -> Network {
        let count = layers().iter().map(|(_, inputs, outputs)| outputs * (inputs + 1)).sum();
        let mut state = seed;
        let theta = (0..count).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0) * 0.25
        });
        Network { theta: theta.collect() }
    }
}

/// The values of every layer, the state first.
type Activations = [Vec<f64>; 4];

impl VectorField<f64> for Network {
    type Workspace = (Activations, [Vec<f64>; 2]);
    fn workspace(&self) -> Self::Workspace {
        (WIDTHS.map(|width| vec![0.0; width]), [vec![0.0; 64], vec![0.0; 64]])
    }
    fn dim(&self) -> usize {
        4
    }
    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64], (values, _): &mut Self::Workspace) {
        values[0].copy_from_slice(y);
        for (layer, (at, inputs, outputs)) in layers().into_iter().enumerate() {
            let (before, after) = values.split_at_mut(layer + 1);
            let biases = &self.theta[at + inputs * outputs..];
            for (i, row) in self.theta[at..][..inputs * outputs].chunks_exact(inputs).enumerate() {
                let sum: f64 = row.iter().zip(&before[layer]).map(|(w, x)| w * x).sum();
                after[0][i] = if layer < 2 { (sum + biases[i]).tanh() } else { sum + biases[i] };
            }
        }
        dy.copy_from_slice(&values[3]);
    }
}

impl Vjp<f64> for Network {
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
    fn vjp(
        &self,
        t: f64,
        y: &[f64],
        dy_bar: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
        work: &mut Self::Workspace,
    ) -> f64 {
        self.eval(t, y, &mut [0.0; 4], work);
        let (values, [bar, next]) = work;
        bar[..4].copy_from_slice(dy_bar);
        for (layer, (at, inputs, outputs)) in layers().into_iter().enumerate().rev() {
            next[..inputs].fill(0.0);
            for i in 0..outputs {
                let slope = if layer < 2 { 1.0 - values[layer + 1][i] * values[layer + 1][i] } else { 1.0 };
                let bar = bar[i] * slope;
                theta_bar[at + inputs * outputs + i] += bar;
                let row = at + i * inputs;
                for j in 0..inputs {
                    theta_bar[row + j] += bar * values[layer][j];
                    next[j] += bar * self.theta[row + j];
                }
            }
            core::mem::swap(bar, next);
        }
        for (y_bar, bar) in y_bar.iter_mut().zip(&*bar) {
            *y_bar += bar;
        }
        0.0
    }
}

impl Jacobian<f64> for Network {
    fn jacobian(&self, t: f64, y: &[f64], jac: &mut [f64], time: &mut [f64], work: &mut Self::Workspace) {
        jac.fill(0.0);
        time.fill(0.0);
        let mut theta_bar = vec![0.0; self.theta.len()];
        for (i, row) in jac.chunks_exact_mut(4).enumerate() {
            let mut bar = [0.0; 4];
            bar[i] = 1.0;
            self.vjp(t, y, &bar, row, &mut theta_bar, work);
        }
    }
}

/// The formula of [`Network`], over any number.
struct Perceptron;

impl Dynamics for Perceptron {
    fn dim(&self) -> usize {
        4
    }
    fn parameter_count(&self) -> usize {
        layers().iter().map(|(_, inputs, outputs)| outputs * (inputs + 1)).sum()
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        let (mut before, mut after) = ([S::zero(); 64], [S::zero(); 64]);
        before[..4].copy_from_slice(y);
        for (layer, (at, inputs, outputs)) in layers().into_iter().enumerate() {
            for i in 0..outputs {
                let row = &theta[at + i * inputs..][..inputs];
                let sum = row.iter().zip(&before).fold(S::zero(), |sum, (&w, &x)| sum + w * x);
                let z = sum + theta[at + inputs * outputs + i];
                after[i] = if layer < 2 { z.tanh() } else { z };
            }
            core::mem::swap(&mut before, &mut after);
        }
        dy.copy_from_slice(&before[..4]);
    }
}

const SAVES: usize = 20;

/// The cotangents of all saved states.
fn weights() -> Vec<f64> {
    WEIGHTS.iter().copied().cycle().take(4 * SAVES).collect()
}

const NETWORK_START: [f64; 4] = [0.4, -0.2, 0.9, 0.1];

/// Parameters of every layer, weights and biases.
const SOME: [usize; 8] = [0, 255, 300, 1000, 2222, 4415, 4500, 4739];

fn save_times(end: f64) -> Vec<f64> {
    (1..=SAVES).map(|k| if k == SAVES { end } else { 0.5 * k as f64 }).collect()
}

#[test]
fn tangents_of_a_network_are_its_cotangents() -> Result<(), AdjointError> {
    let (mut network, options) = (Network::new(7), Options::tolerances(1e-8, 1e-8));
    let (_, kept) = trained(&mut network, &NETWORK_START, Budget::everything())?;
    let count = network.theta.len();
    let mut directions = Directions { initial: vec![0.0; 12 * 4], parameters: vec![0.0; 12 * count] };
    (0..4).for_each(|k| directions.initial[k * 4 + k] = 1.0);
    SOME.iter().enumerate().for_each(|(k, &i)| directions.parameters[(4 + k) * count + i] = 1.0);
    let mut integrator = Integrator::explicit(&TSIT5, 4, &options)?;
    let go_on = &mut |_| ControlFlow::Continue(());
    let (start, save) = (&NETWORK_START, save_times(10.0));
    let pushed = push_forward(
        &mut integrator,
        &mut network,
        &Perceptron,
        (0.0, 10.0),
        start,
        &save,
        &mut [],
        &directions,
        go_on,
    );
    let (_, moved) = pushed?;
    let size = kept.initial.iter().chain(&kept.parameters).fold(0.0_f64, |size, bar| size.max(bar.abs()));
    for k in 0..12 {
        let rows = moved.saved.chunks_exact(12 * 4).map(|rows| &rows[k * 4..][..4]);
        let along: f64 = rows.flatten().zip(weights()).map(|(dot, weight)| dot * weight).sum();
        let found = if k < 4 { kept.initial[k] } else { kept.parameters[SOME[k - 4]] };
        assert!((along - found).abs() <= 1e-12 * size, "{k}: {along} forward, {found} back");
    }
    Ok(())
}

#[test]
fn a_network_is_gone_back_over() -> Result<(), AdjointError> {
    let (mut network, options, weights) = (Network::new(7), Options::tolerances(1e-8, 1e-8), weights());
    let (span, save) = ((0.0, 10.0), save_times(10.0));
    let mut kept = Discrete::new(Method::Reversible(&REVERSIBLE_TSIT5), 4, &options, Budget::everything())?;
    kept.solve(&mut network, span, &NETWORK_START, &save)?;
    let kept = kept.pull_back(&mut network, &Cotangents::saved(&weights))?;
    let mut back = Rewind::new(&REVERSIBLE_TSIT5, 4, &options)?;
    back.solve(&mut network, span, &NETWORK_START, &save)?;
    let back = back.pull_back(&mut network, &Cotangents::saved(&weights))?;
    let size = kept.parameters.iter().fold(0.0_f64, |size, bar| size.max(bar.abs()));
    let pairs = back.initial.iter().zip(&kept.initial).chain(back.parameters.iter().zip(&kept.parameters));
    for (back, kept) in pairs {
        assert!((back - kept).abs() <= 1e-9 * size, "{back} gone back, {kept} kept");
    }
    Ok(())
}

/// Steps of a fixed size make the value a smooth function, whose differences are good to 1e-9.
#[test]
fn a_network_has_the_slopes_of_its_differences() -> Result<(), AdjointError> {
    let (mut network, weights) = (Network::new(7), weights());
    let solved = |network: &mut Network, start: &[f64; 4], end: f64| -> Result<(f64, Gradient<f64>), AdjointError> {
        let mut adjoint = Discrete::explicit(&TSIT5, 4, &Options::fixed(0.1), Budget::everything())?;
        let solution = adjoint.solve(network, (0.0, end), start, &save_times(end))?;
        let value = solution.y.iter().zip(&weights).map(|(y, w)| y * w).sum();
        Ok((value, adjoint.pull_back(network, &Cotangents::saved(&weights))?))
    };
    let (_, found) = solved(&mut network, &NETWORK_START, 10.03)?;
    let mut check = |what: &str, found: f64, moved: &mut dyn FnMut(&mut Network, f64) -> Result<f64, AdjointError>| {
        let h = 1e-4;
        let by = (moved(&mut network, h)? - moved(&mut network, -h)?) / (2.0 * h);
        assert!((found - by).abs() < 1e-7 * by.abs().max(1.0), "{what}: {found}, differences {by}");
        Ok::<(), AdjointError>(())
    };
    for i in 0..4 {
        check("y0", found.initial[i], &mut |network, h| {
            let start = core::array::from_fn(|j| NETWORK_START[j] + if i == j { h } else { 0.0 });
            Ok(solved(network, &start, 10.03)?.0)
        })?;
    }
    for i in SOME {
        check("theta", found.parameters[i], &mut |network, h| {
            network.theta[i] += h;
            let moved = solved(network, &NETWORK_START, 10.03);
            network.theta[i] -= h;
            Ok(moved?.0)
        })?;
    }
    check("t1", found.t1, &mut |network, h| Ok(solved(network, &NETWORK_START, 10.03 + h)?.0))
}

const WEIGHTS: [f64; 4] = [1.0, -0.5, 0.3, 0.8];

/// The sum of weighted states at 20 times up to 10, and its gradient.
fn trained(network: &mut Network, start: &[f64; 4], budget: Budget) -> Result<(f64, Gradient<f64>), AdjointError> {
    let mut adjoint = Discrete::explicit(&TSIT5, 4, &Options::tolerances(1e-8, 1e-8), budget)?;
    let solution = adjoint.solve(network, (0.0, 10.0), start, &save_times(10.0))?;
    let weights = weights();
    let value = solution.y.iter().zip(&weights).map(|(y, w)| y * w).sum();
    Ok((value, adjoint.pull_back(network, &Cotangents::saved(&weights))?))
}

#[test]
fn a_network_has_one_gradient_whatever_is_kept() -> Result<(), AdjointError> {
    let mut network = Network::new(7);
    vecfield_laws::check_vjp(&network, 0.0, &[0.4, -0.2, 0.9, 0.1], 1e-8, 3).unwrap();
    let start = [0.4, -0.2, 0.9, 0.1];
    let (_, kept) = trained(&mut network, &start, Budget::everything())?;
    for budget in [Budget::slots(2), Budget::slots(7), Budget::slots(64), Budget::bytes(1 << 14)] {
        let (_, found) = trained(&mut network, &start, budget)?;
        let same = found.initial == kept.initial
            && found.parameters == kept.parameters
            && found.t0 == kept.t0
            && found.t1 == kept.t1;
        assert!(same, "{budget:?}");
    }
    // Differences of an adaptive solve see its steps change: good to the tolerance over the step.
    let h = 1e-4;
    for i in 0..4 {
        let moved = |h: f64| core::array::from_fn(|j| if i == j { start[j] + h } else { start[j] });
        let mut value = |h| trained(&mut network, &moved(h), Budget::everything()).map(|found| found.0);
        let by = (value(h)? - value(-h)?) / (2.0 * h);
        assert!((by - kept.initial[i]).abs() < 1e-5 * by.abs().max(1.0), "{i}: {} against {by}", kept.initial[i]);
    }
    for i in (0..network.theta.len()).step_by(971) {
        let mut value = |h: f64| {
            network.theta[i] += h;
            let found = trained(&mut network, &start, Budget::everything()).map(|found| found.0);
            network.theta[i] -= h;
            found
        };
        let by = (value(h)? - value(-h)?) / (2.0 * h);
        assert!((by - kept.parameters[i]).abs() < 1e-5 * by.abs().max(1.0), "{i}: {} against {by}", kept.parameters[i]);
    }
    Ok(())
}
