//! Right-hand sides with a structure: equations of second order, and those that an energy makes.

use serde::{Deserialize, Serialize};
use vecfield_kernels::LayerMath;

use crate::any::AnyLayer;
use crate::error::NnError;
use crate::layer::{Jets, Layer, Order, Pass};
use crate::rows::copy_columns;
use crate::tensor::{Role, Tensor, within};

/// `q' = a v + b`, `v' = f(q, v)` by component: what moves by an acceleration. Rows are `[q | v]`, with the time behind them
/// where `f` has an input more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondOrder {
    /// `f`, from whole rows to as many accelerations as there are positions.
    pub inner: Box<AnyLayer>,
    /// `a`, one where the units of positions and velocities fit each other.
    pub scale: Vec<f64>,
    /// `b`.
    pub shift: Vec<f64>,
}

impl SecondOrder {
    /// With `a` and `b` by component.
    pub fn new(inner: impl Into<AnyLayer>, scale: Vec<f64>, shift: Vec<f64>) -> SecondOrder {
        SecondOrder { inner: Box::new(inner.into()), scale, shift }
    }

    fn half(&self) -> usize {
        self.scale.len()
    }
}

impl Layer for SecondOrder {
    fn check(&self) -> Result<(), NnError> {
        self.inner.check()?;
        let (n, inputs, outputs) = (self.half(), self.inner.inputs(), self.inner.outputs());
        if n == 0 {
            return Err(NnError::TooSmall { what: "the positions of an equation of second order", found: 0, least: 1 });
        }
        if outputs != n || self.shift.len() != n || (inputs != 2 * n && inputs != 2 * n + 1) {
            return Err(NnError::NotSquare { what: "an equation of second order", inputs, outputs: 2 * outputs });
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        self.inner.inputs()
    }

    fn outputs(&self) -> usize {
        2 * self.half()
    }

    fn tensors(&self) -> Vec<Tensor> {
        self.inner.tensors()
    }

    fn parameter_count(&self) -> usize {
        self.inner.parameter_count()
    }

    fn sees_time(&self) -> bool {
        self.inner.sees_time()
    }

    fn packed_len(&self) -> usize {
        self.inner.packed_len()
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        self.inner.pack(theta, packed);
    }

    fn tape_len(&self, rows: usize) -> usize {
        rows * self.half() + self.inner.tape_len(rows)
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let (n, width) = (self.half(), self.inputs());
        let (rates, tape) = tape.split_at_mut(pass.rows * n);
        self.inner.record(pass, x, rates, tape);
        copy_columns(rates, (n, 0), y, (2 * n, n), n);
        for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(2 * n)) {
            for i in 0..n {
                y[i] = R::from_f64(self.scale[i]) * x[n + i] + R::from_f64(self.shift[i]);
            }
        }
    }

    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        let (n, width) = (self.half(), self.inputs());
        let (rates_bar, tape) = tape.split_at_mut(pass.rows * n);
        copy_columns(y_bar, (2 * n, n), rates_bar, (n, 0), n);
        let t_bar = self.inner.pull_back(pass, x, tape, rates_bar, x_bar, theta_bar);
        for (x_bar, y_bar) in x_bar.chunks_exact_mut(width).zip(y_bar.chunks_exact(2 * n)) {
            for i in 0..n {
                x_bar[n + i] += R::from_f64(self.scale[i]) * y_bar[i];
            }
        }
        t_bar
    }
}

/// `q' = a ∂H/∂p`, `p' = -a ∂H/∂q - r ∂H/∂p` by component, with a network for the energy `H(q, p)` (Greydanus, Dzamba & Yosinski
/// 2019); without friction `r` the energy stays. With it, it is a port-Hamiltonian equation whose energy never grows
/// (van der Schaft 2006; Desai et al. 2021), since `r = softplus(ρ - 2) > 0`, one number for each momentum.
///
/// Values are gradients of the energy, pulled back; their pullbacks carry a tangent forward and pull that back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hamiltonian {
    /// `H`, from rows `[q | p]` to a number; all its layers carry jets.
    pub energy: Box<AnyLayer>,
    /// `a`, one where positions and momenta have the units of their equations.
    pub scale: Vec<f64>,
    /// Is there friction?
    #[serde(default)]
    pub friction: bool,
}

/// One direction.
const FIRST: Order = Order { directions: 1, seconds: 0 };

impl Hamiltonian {
    /// With `a` by component.
    pub fn new(energy: impl Into<AnyLayer>, scale: Vec<f64>) -> Hamiltonian {
        Hamiltonian { energy: Box::new(energy.into()), scale, friction: false }
    }

    /// The same with friction.
    pub fn with_friction(self) -> Hamiltonian {
        Hamiltonian { friction: true, ..self }
    }

    fn half(&self) -> usize {
        self.scale.len()
    }

    /// The energy's parameters, then `ρ`.
    fn parts<'a, R>(&self, pass: Pass<'a, R>) -> (Pass<'a, R>, &'a [R]) {
        let (own, rho) = pass.theta.split_at(self.energy.parameter_count());
        (Pass { theta: own, ..pass }, rho)
    }

    /// Friction `i`, and its slope by `ρ`.
    fn friction<R: LayerMath>(&self, rho: &[R], i: usize) -> (R, R) {
        if !self.friction {
            return (R::zero(), R::zero());
        }
        let x = rho[i] - R::from_f64(2.0);
        let decay = (-x.abs()).exp();
        let positive = if x > R::zero() { x } else { R::zero() };
        let slope = if x > R::zero() { R::one() } else { decay } / (R::one() + decay);
        (positive + (R::one() + decay).ln(), slope)
    }

    fn tape<'a, R>(&self, rows: usize, tape: &'a mut [R]) -> Tape<'a, R> {
        let n = rows * self.inputs();
        let (gradient, rest) = tape.split_at_mut(n);
        let (points, rest) = rest.split_at_mut(2 * n);
        let (bars, rest) = rest.split_at_mut(2 * n);
        let (energies, rest) = rest.split_at_mut(2 * rows);
        let (theta_bar, inner) = rest.split_at_mut(self.energy.parameter_count());
        Tape { gradient, points, bars, energies, theta_bar, inner }
    }
}

/// What stands on the tape.
struct Tape<'a, R> {
    /// `∂H/∂(q, p)` of every row.
    gradient: &'a mut [R],
    /// Rows, and a direction of each.
    points: &'a mut [R],
    bars: &'a mut [R],
    energies: &'a mut [R],
    /// What the parameters would owe the gradient, which nobody asks for.
    theta_bar: &'a mut [R],
    inner: &'a mut [R],
}

impl Layer for Hamiltonian {
    fn check(&self) -> Result<(), NnError> {
        self.energy.check()?;
        let (n, inputs, outputs) = (self.half(), self.energy.inputs(), self.energy.outputs());
        if n == 0 {
            return Err(NnError::TooSmall { what: "the positions of a Hamiltonian equation", found: 0, least: 1 });
        }
        if inputs != 2 * n || self.energy.sees_time() {
            return Err(NnError::NotSquare { what: "an energy of positions and momenta", inputs, outputs: 2 * n });
        }
        if outputs != 1 || self.energy.jet_tape_len(1, FIRST).is_none() {
            return Err(NnError::Mismatch { layer: 0, outputs, inputs: 1 });
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        2 * self.half()
    }

    fn outputs(&self) -> usize {
        2 * self.half()
    }

    fn tensors(&self) -> Vec<Tensor> {
        let friction = Tensor::new("friction", &[self.half()], Role::Shift);
        within("energy", self.energy.tensors()).chain(self.friction.then_some(friction)).collect()
    }

    fn parameter_count(&self) -> usize {
        self.energy.parameter_count() + if self.friction { self.half() } else { 0 }
    }

    fn packed_len(&self) -> usize {
        self.energy.packed_len()
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        self.energy.pack(&theta[..self.energy.parameter_count()], packed);
    }

    fn tape_len(&self, rows: usize) -> usize {
        let jets = self.energy.jet_tape_len(rows, FIRST).unwrap_or(0);
        rows * (5 * self.inputs() + 2) + self.energy.parameter_count() + jets.max(self.energy.tape_len(rows))
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let (n, width, rows) = (self.half(), self.inputs(), pass.rows);
        let (own, rho) = self.parts(pass);
        let Tape { gradient, energies, theta_bar, inner, .. } = self.tape(rows, tape);
        let (energies, inner) = (&mut energies[..rows], &mut inner[..self.energy.tape_len(rows)]);
        self.energy.record(own, x, energies, inner);
        energies.fill(R::one());
        theta_bar.fill(R::zero());
        self.energy.pull_back(own, x, inner, energies, gradient, theta_bar);
        for (y, slopes) in y.chunks_exact_mut(width).zip(gradient.chunks_exact(width)) {
            for i in 0..n {
                let a = R::from_f64(self.scale[i]);
                y[i] = a * slopes[n + i];
                y[n + i] = -a * slopes[i] - self.friction(rho, i).0 * slopes[n + i];
            }
        }
    }

    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        let (n, width, rows) = (self.half(), self.inputs(), pass.rows);
        let (own, rho) = self.parts(pass);
        let Tape { gradient, points, bars, energies, inner, .. } = self.tape(rows, tape);
        let (energy_bar, rho_bar) = theta_bar.split_at_mut(self.energy.parameter_count());
        // ȳ · (J ∇H) is the derivative of H along v = Jᵀ ȳ.
        points[..rows * width].copy_from_slice(x);
        let directions = points[rows * width..].chunks_exact_mut(width);
        for ((v, bar), slopes) in directions.zip(y_bar.chunks_exact(width)).zip(gradient.chunks_exact(width)) {
            for i in 0..n {
                let (a, (r, slope)) = (R::from_f64(self.scale[i]), self.friction(rho, i));
                v[i] = -a * bar[n + i];
                v[n + i] = a * bar[i] - r * bar[n + i];
                if self.friction {
                    rho_bar[i] -= slope * bar[n + i] * slopes[n + i];
                }
            }
        }
        let (still, along) = ([R::zero()], self.energy.jet_tape_len(rows, FIRST).unwrap_or(0));
        let (jets, inner) = (Jets { t_dot: &still, seconds: 0 }, &mut inner[..along]);
        self.energy.record_jet(own, jets, points, energies, inner);
        energies[..rows].fill(R::zero());
        energies[rows..].fill(R::one());
        self.energy.pull_jet(own, jets, points, inner, energies, bars, energy_bar);
        x_bar.copy_from_slice(&bars[..rows * width]);
        R::zero()
    }
}
