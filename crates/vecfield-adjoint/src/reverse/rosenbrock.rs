//! Rosenbrock methods, backwards. A stage solves `W k_i = f(Y_i) + h d_i ∂f/∂t + Σ_j c_ij M k_j / h` with `W = M/(hγ) - J`, so
//!
//! ```text
//! u_i = W⁻ᵀ k̄_i        Ȳ_i = (∂f/∂y)ᵀ u_i        ȳ += ∂/∂y [u_iᵀ (J k_i + h d_i ∂f/∂t)]
//! ```
//!
//! The last term is a second derivative of the field: the formula contains its Jacobian.

use vecfield_solvers::rosenbrock::RosenbrockTableau;
use vecfield_solvers::stepper::Formula;
use vecfield_traits::{Jacobian, Real, Vjp};

use super::collocation::{dense_jacobian, paired_with_mass};
use super::stagewise::{Stagewise, shifted, singular};
use super::{Bars, Inside, ReverseStep, Taken, add_scaled, dot};
use crate::AdjointError;

/// The pass back through Rosenbrock steps of any [`RosenbrockTableau`].
#[derive(Debug, Clone)]
pub struct RosenbrockReverse<R>(Stagewise<R>);

impl<R: Real> Default for RosenbrockReverse<R> {
    fn default() -> Self {
        RosenbrockReverse(Stagewise::new())
    }
}

impl<R: Real> RosenbrockReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> RosenbrockReverse<R> {
        RosenbrockReverse::default()
    }

    /// Factorises `M/(hγ) - J` at the beginning of the step.
    fn factorize<F: Jacobian<R>>(
        &mut self,
        tableau: &RosenbrockTableau,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
    ) -> Result<(), AdjointError> {
        let derivatives = (&mut self.0.jacobian[..], &mut self.0.time[..]);
        dense_jacobian(field, false, (step.t, step.y), derivatives, work);
        let (jacobian, sigma) = (&self.0.jacobian, R::one() / (step.h * R::from_f64(tableau.gamma)));
        let factorized = self.0.lu.factorize_with(|matrix| shifted(matrix, sigma, field, jacobian));
        factorized.map_err(|_| singular(step))
    }

    /// Gives the cotangents of the end and of the states inside to the stages and to the beginning.
    fn distribute(&mut self, tableau: &RosenbrockTableau, inside: Inside<'_, R>, bars: &mut Bars<R>) {
        let n = self.0.u.len();
        self.0.k_bar.fill(R::zero());
        self.0.end_bar.copy_from_slice(&bars.y);
        bars.y.fill(R::zero());
        for (theta, bar) in inside.iter(n) {
            // y(θ) = (1-θ) y + θ (y⁺ + (1-θ) Σ_r θ^r K_r).
            let rest = R::one() - theta;
            add_scaled(&mut bars.y, rest, bar);
            add_scaled(&mut self.0.end_bar, theta, bar);
            let mut weight = theta * rest;
            for row in tableau.dense {
                for (i, h) in row.iter().enumerate() {
                    add_scaled(&mut self.0.k_bar[i * n..][..n], weight * R::from_f64(*h), bar);
                }
                weight *= theta;
            }
        }
        add_scaled(&mut bars.y, R::one(), &self.0.end_bar);
        for (i, weight) in tableau.weights.iter().enumerate() {
            add_scaled(&mut self.0.k_bar[i * n..][..n], R::from_f64(*weight), &self.0.end_bar);
        }
    }
}

impl<R: Real, F: Jacobian<R> + Vjp<R>> ReverseStep<R, F> for RosenbrockReverse<R> {
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let Formula::Rosenbrock(tableau) = step.formula else { return Err(AdjointError::NoPassBack) };
        let (n, s, h) = (step.y.len(), tableau.stages(), step.h);
        self.0.fit(n, s);
        self.distribute(tableau, inside, bars);
        (bars.t, bars.h) = (R::zero(), R::zero());
        if self.0.k_bar.iter().all(|bar| *bar == R::zero()) {
            return Ok(());
        }
        self.factorize(tableau, field, work, step)?;
        let gamma = R::from_f64(tableau.gamma);
        for i in (0..s).rev() {
            let k = &step.stages[i * n..][..n];
            self.0.u.copy_from_slice(&self.0.k_bar[i * n..][..n]);
            self.0.lu.solve_transpose(&mut self.0.u);
            // The stage's own evaluation of the field.
            self.0.state.copy_from_slice(step.y);
            for (j, a) in tableau.a[i].iter().enumerate() {
                add_scaled(&mut self.0.state, R::from_f64(*a), &step.stages[j * n..][..n]);
            }
            let c = R::from_f64(tableau.times[i]);
            self.0.y_bar.fill(R::zero());
            let t_bar =
                field.vjp_deferred(step.t + c * h, &self.0.state, &self.0.u, &mut self.0.y_bar, &mut bars.theta, work);
            bars.t += t_bar;
            bars.h += c * t_bar;
            add_scaled(&mut bars.y, R::one(), &self.0.y_bar);
            for (j, a) in tableau.a[i].iter().enumerate() {
                add_scaled(&mut self.0.k_bar[j * n..][..n], R::from_f64(*a), &self.0.y_bar);
            }
            // The Jacobian in W, and ∂f/∂t.
            let slope = R::from_f64(tableau.slopes[i]);
            let along = field.vjp_along(step.t, step.y, h * slope, k, &self.0.u, &mut bars.y, &mut bars.theta, work);
            bars.t += along.ok_or(AdjointError::NoSecondDerivatives { method: tableau.name })?;
            bars.h += slope * dot(&self.0.u, &self.0.time) + paired_with_mass(field, &self.0.u, k) / (h * h * gamma);
            // The earlier stages on the right.
            self.0.state.fill(R::zero());
            transposed_mass(field, &self.0.u, &mut self.0.state);
            for (j, c) in tableau.c[i].iter().enumerate() {
                let weight = R::from_f64(*c) / h;
                bars.h -= weight / h * dot(&self.0.state, &step.stages[j * n..][..n]);
                add_scaled(&mut self.0.k_bar[j * n..][..n], weight, &self.0.state);
            }
        }
        Ok(())
    }

    fn rate(
        &mut self,
        _field: &F,
        _work: &mut F::Workspace,
        step: &Taken<'_, R>,
        theta: R,
        rate: &mut [R],
    ) -> Result<(), AdjointError> {
        let Formula::Rosenbrock(tableau) = step.formula else { return Err(AdjointError::NoPassBack) };
        let (n, s) = (step.y.len(), tableau.stages());
        rate.fill(R::zero());
        for i in 0..s {
            let k = &step.stages[i * n..][..n];
            // y(θ) = y + θ (y⁺ - y) + θ(1-θ) Σ_r θ^r K_r, with y⁺ - y = Σ_i m_i k_i.
            let mut weight = R::from_f64(tableau.weights[i]);
            let mut power = R::one(); // θ^r
            for (r, row) in tableau.dense.iter().enumerate() {
                // d/dθ (θ^(r+1) - θ^(r+2)).
                let r = R::from_f64(r as f64);
                let two = R::from_f64(2.0);
                weight += R::from_f64(row[i]) * power * ((r + R::one()) - (r + two) * theta);
                power *= theta;
            }
            add_scaled(rate, weight / step.h, k);
        }
        Ok(())
    }
}

/// `to += Mᵀ a`.
pub(crate) fn transposed_mass<R: Real, F: Jacobian<R>>(field: &F, a: &[R], to: &mut [R]) {
    match field.mass() {
        None => add_scaled(to, R::one(), a),
        Some(mass) => {
            for ((i, j), m) in mass.sparsity().places().zip(mass.entries()) {
                to[j] += *m * a[i];
            }
        }
    }
}
