//! Every derivative of a stochastic equation written as a formula, by duals.

use vecfield_traits::{Calculus, DriftDiffusion, DriftDiffusionVjp, Layout, Noise, StochasticDynamics};

use crate::by_duals::LANES;
use crate::dual::Dual;

type Carrier = Dual<f64, LANES>;

/// The equation `dy = f(t, y; θ) dt + g(t, y; θ) dW` of a formula, at fixed parameters, path by path.
///
/// A pullback takes `⌈(n + p)/8⌉` evaluations a path: right for formulas with tens of states and parameters.
///
/// ```
/// use vecfield_autodiff::StochasticLifted;
/// use vecfield_traits::{Calculus, DriftDiffusion, DriftDiffusionVjp, Elementary, Noise, StochasticDynamics};
///
/// /// dx = a x dt + b x dW.
/// struct Stock;
/// impl StochasticDynamics for Stock {
///     fn dim(&self) -> usize { 1 }
///     fn parameter_count(&self) -> usize { 2 }
///     fn noise(&self) -> Noise { Noise::scalar() }
///     fn calculus(&self) -> Calculus { Calculus::Ito }
///     fn drift<S: Elementary>(&self, _t: S, x: &[S], theta: &[S], f: &mut [S]) { f[0] = theta[0] * x[0]; }
///     fn diffusion<S: Elementary>(&self, _t: S, x: &[S], theta: &[S], g: &mut [S]) { g[0] = theta[1] * x[0]; }
/// }
///
/// // Of two paths: ∂(f + 10 g)/∂x = a + 10 b, by the parameters x and 10 x.
/// let stock = StochasticLifted::new(Stock, vec![0.05, 0.2]);
/// let (mut x_bar, mut theta_bar, mut work) = ([0.0; 2], [0.0; 2], stock.workspace(2));
/// stock.pull_back(0.0, &[1.0, 3.0], &[1.0, 1.0], &[10.0, 10.0], &mut x_bar, &mut theta_bar, &mut work);
/// assert_eq!((x_bar, theta_bar), ([2.05, 2.05], [4.0, 40.0]));
/// ```
#[derive(Debug, Clone)]
pub struct StochasticLifted<D> {
    dynamics: D,
    theta: Vec<f64>,
}

impl<D: StochasticDynamics> StochasticLifted<D> {
    /// `dynamics` at `theta`.
    ///
    /// # Panics
    ///
    /// If `theta` does not have one entry per parameter.
    pub fn new(dynamics: D, theta: Vec<f64>) -> Self {
        assert_eq!(theta.len(), dynamics.parameter_count(), "one value per parameter");
        StochasticLifted { dynamics, theta }
    }

    /// The parameters, to be changed in place; workspaces stay valid.
    pub fn theta_mut(&mut self) -> &mut [f64] {
        &mut self.theta
    }

    fn entries(&self) -> usize {
        self.dynamics.noise().entries(self.dynamics.dim())
    }

    /// Evaluates a path with the tangents that `seed(i, lane)` gives the states and, behind them, the parameters.
    fn carry(&self, t: f64, work: &mut StochasticWorkspace, seed: impl Fn(usize, usize) -> f64) {
        let StochasticWorkspace { y, carried, f, g, .. } = work;
        for (i, (to, &value)) in carried.iter_mut().zip(y.iter().chain(&self.theta)).enumerate() {
            *to = Dual { value, tangent: core::array::from_fn(|lane| seed(i, lane)) };
        }
        let (states, theta) = carried.split_at(self.dynamics.dim());
        self.dynamics.drift(Dual::constant(t), states, theta, f);
        self.dynamics.diffusion(Dual::constant(t), states, theta, g);
    }
}

/// Memory of an evaluation of one path.
#[derive(Debug, Clone)]
pub struct StochasticWorkspace {
    y: Vec<f64>,
    out: Vec<f64>,
    /// States, then parameters.
    carried: Vec<Carrier>,
    f: Vec<Carrier>,
    g: Vec<Carrier>,
}

impl StochasticWorkspace {
    fn load(&mut self, y: &[f64], paths: usize, path: usize) {
        self.y.iter_mut().enumerate().for_each(|(i, to)| *to = y[i * paths + path]);
    }
}

/// Writes what each path gives to its places.
fn each(y: &[f64], out: &mut [f64], work: &mut StochasticWorkspace, one: impl Fn(&[f64], &mut [f64])) {
    let paths = y.len() / work.y.len().max(1);
    for path in 0..paths {
        work.load(y, paths, path);
        let count = out.len() / paths;
        one(&work.y, &mut work.out[..count]);
        (0..count).for_each(|i| out[i * paths + path] = work.out[i]);
    }
}

impl<D: StochasticDynamics> DriftDiffusion<f64> for StochasticLifted<D> {
    type Workspace = StochasticWorkspace;

    fn workspace(&self, _paths: usize) -> StochasticWorkspace {
        let (dim, entries, still) = (self.dynamics.dim(), self.entries(), Dual::constant(0.0));
        StochasticWorkspace {
            y: vec![0.0; dim],
            out: vec![0.0; dim.max(entries)],
            carried: vec![still; dim + self.theta.len()],
            f: vec![still; dim],
            g: vec![still; entries],
        }
    }

    fn dim(&self) -> usize {
        self.dynamics.dim()
    }

    fn noise(&self) -> Noise {
        self.dynamics.noise()
    }

    fn calculus(&self) -> Calculus {
        self.dynamics.calculus()
    }

    fn drift(&self, t: f64, y: &[f64], f: &mut [f64], work: &mut StochasticWorkspace) {
        each(y, f, work, |y, f| self.dynamics.drift(t, y, &self.theta, f));
    }

    fn diffusion(&self, t: f64, y: &[f64], g: &mut [f64], work: &mut StochasticWorkspace) {
        each(y, g, work, |y, g| self.dynamics.diffusion(t, y, &self.theta, g));
    }

    fn self_slopes(&self, t: f64, y: &[f64], slopes: &mut [f64], work: &mut StochasticWorkspace) -> bool {
        let (dim, noise) = (self.dim(), self.noise());
        let (paths, diagonal) = (y.len() / dim.max(1), noise.layout == Layout::Diagonal);
        for path in 0..paths {
            work.load(y, paths, path);
            self.dynamics.diffusion(t, &work.y, &self.theta, &mut work.out[..work.g.len()]);
            let columns = if diagonal { 1 } else { noise.columns };
            for first in (0..columns).step_by(LANES) {
                let moved = core::mem::take(&mut work.out);
                // A diagonal's entries look at their own component alone: one tangent moves them all.
                self.carry(t, work, |i, lane| match i < dim && first + lane < columns {
                    true if diagonal => moved[i],
                    true => moved[i * columns + first + lane],
                    false => 0.0,
                });
                work.out = moved;
                for (place, g) in work.g.iter().enumerate() {
                    for j in first..columns.min(first + LANES) {
                        slopes[(place * columns + j) * paths + path] = g.tangent[j - first];
                    }
                }
            }
        }
        true
    }

    fn drift_jacobian(&self, t: f64, y: &[f64], jacobian: &mut [f64], work: &mut StochasticWorkspace) -> bool {
        let dim = self.dim();
        let paths = y.len() / dim.max(1);
        for path in 0..paths {
            work.load(y, paths, path);
            for first in (0..dim).step_by(LANES) {
                self.carry(t, work, |i, lane| if i == first + lane { 1.0 } else { 0.0 });
                for (i, f) in work.f.iter().enumerate() {
                    for j in first..dim.min(first + LANES) {
                        jacobian[(i * dim + j) * paths + path] = f.tangent[j - first];
                    }
                }
            }
        }
        true
    }
}

impl<D: StochasticDynamics> DriftDiffusionVjp<f64> for StochasticLifted<D> {
    fn parameters(&self) -> &[f64] {
        &self.theta
    }

    fn pull_back(
        &self,
        t: f64,
        y: &[f64],
        f_bar: &[f64],
        g_bar: &[f64],
        y_bar: &mut [f64],
        theta_bar: &mut [f64],
        work: &mut StochasticWorkspace,
    ) {
        let dim = self.dim();
        let (paths, all) = (y.len() / dim.max(1), dim + self.theta.len());
        for path in 0..paths {
            work.load(y, paths, path);
            for first in (0..all).step_by(LANES) {
                self.carry(t, work, |i, lane| if i == first + lane { 1.0 } else { 0.0 });
                let mut bars = [0.0; LANES];
                for (outputs, weights) in [(&work.f, f_bar), (&work.g, g_bar)] {
                    for (output, weight) in outputs.iter().zip(weights.iter().skip(path).step_by(paths)) {
                        (0..LANES).for_each(|lane| bars[lane] += weight * output.tangent[lane]);
                    }
                }
                for (i, bar) in (first..all).zip(bars) {
                    match i.checked_sub(dim) {
                        None => y_bar[i * paths + path] += bar,
                        Some(parameter) => theta_bar[parameter] += bar,
                    }
                }
            }
        }
    }
}
