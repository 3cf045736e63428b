//! Diagonally implicit Runge–Kutta methods, backwards: each implicit stage `k_i = f(b_i + hγ k_i)`, with `b_i = y + h Σ_{j<i} a_ij k_j`,
//! has by the implicit function theorem, with `J_i` the Jacobian at `Y_i = b_i + hγ k_i`,
//!
//! ```text
//! (I - hγ J_i)ᵀ u_i = k̄_i + hγ Ȳ_i        b̄_i = J_iᵀ u_i + Ȳ_i        k̄_j += h a_ij b̄_i        ȳ += b̄_i
//! ```
//!
//! with `Ȳ_i` zero but for the last stage, which is the end of the step.

use vecfield_solvers::stepper::Formula;
use vecfield_traits::{Jacobian, Real, Vjp};

use super::collocation::dense_jacobian;
use super::stagewise::{Stagewise, singular};
use super::{Bars, Inside, ReverseStep, Taken, add_scaled, dot, polynomial};
use crate::AdjointError;

/// The pass back through the steps of any [`DirkTableau`](vecfield_solvers::dirk::tableau::DirkTableau), for fields without a mass matrix.
#[derive(Debug, Clone)]
pub struct DiagonalReverse<R>(Stagewise<R>);

impl<R: Real> Default for DiagonalReverse<R> {
    fn default() -> Self {
        DiagonalReverse(Stagewise::new())
    }
}

impl<R: Real> DiagonalReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> DiagonalReverse<R> {
        DiagonalReverse::default()
    }

    /// Solves `(I - hγ J)ᵀ u = u` with the Jacobian at the stage in `state`.
    fn solve<F: Jacobian<R>>(
        &mut self,
        gamma: R,
        t: R,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
    ) -> Result<(), AdjointError> {
        let n = step.y.len();
        dense_jacobian(field, t, &self.0.state, &mut self.0.jacobian, &mut self.0.time, work);
        let jacobian = &self.0.jacobian;
        let factorized = self.0.lu.factorize_with(|matrix| {
            for (entry, slope) in matrix.iter_mut().zip(jacobian) {
                *entry = -step.h * gamma * *slope;
            }
            (0..n).for_each(|i| matrix[i * n + i] += R::one());
        });
        factorized.map_err(|_| singular(step))?;
        self.0.lu.solve_transpose(&mut self.0.u);
        Ok(())
    }
}

impl<R: Real, F: Jacobian<R> + Vjp<R>> ReverseStep<R, F> for DiagonalReverse<R> {
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let Formula::Dirk(tableau) = step.formula else { return Err(AdjointError::NoPassBack) };
        if field.mass().is_some() {
            return Err(AdjointError::NoPassBack);
        }
        let (n, s, h) = (step.y.len(), tableau.c.len(), step.h);
        self.0.fit(n, s);
        self.0.k_bar.fill(R::zero());
        self.0.end_bar.copy_from_slice(&bars.y);
        bars.y.fill(R::zero());
        (bars.t, bars.h) = (R::zero(), R::zero());
        for (theta, bar) in inside.iter(n) {
            add_scaled(&mut bars.y, R::one(), bar);
            for (slot, weights) in tableau.interpolant.iter().enumerate() {
                let weight = polynomial(weights, theta).0;
                add_scaled(&mut self.0.k_bar[slot * n..][..n], h * weight, bar);
                bars.h += weight * dot(bar, &step.stages[slot * n..][..n]);
            }
        }
        for i in (0..s).rev() {
            let (row, c) = (tableau.a[i], R::from_f64(tableau.c[i]));
            let (t, gamma) = (step.t + c * h, R::from_f64(row[i]));
            self.0.state.copy_from_slice(step.y);
            for (j, a) in row.iter().enumerate() {
                add_scaled(&mut self.0.state, h * R::from_f64(*a), &step.stages[j * n..][..n]);
            }
            self.0.u.copy_from_slice(&self.0.k_bar[i * n..][..n]);
            self.0.y_bar.fill(R::zero());
            if i + 1 == s {
                add_scaled(&mut self.0.u, h * gamma, &self.0.end_bar);
                self.0.y_bar.copy_from_slice(&self.0.end_bar);
            }
            if i > 0 {
                self.solve(gamma, t, field, work, step)?;
            }
            let t_bar = field.vjp(t, &self.0.state, &self.0.u, &mut self.0.y_bar, &mut bars.theta, work);
            bars.t += t_bar;
            bars.h += c * t_bar;
            for (bar, (state, y)) in self.0.y_bar.iter().zip(self.0.state.iter().zip(step.y)) {
                bars.h += *bar * (*state - *y) / h;
            }
            add_scaled(&mut bars.y, R::one(), &self.0.y_bar);
            for (j, a) in row[..i].iter().enumerate() {
                add_scaled(&mut self.0.k_bar[j * n..][..n], h * R::from_f64(*a), &self.0.y_bar);
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
        let Formula::Dirk(tableau) = step.formula else { return Err(AdjointError::NoPassBack) };
        let n = step.y.len();
        rate.fill(R::zero());
        for (slot, weights) in tableau.interpolant.iter().enumerate() {
            add_scaled(rate, polynomial(weights, theta).1, &step.stages[slot * n..][..n]);
        }
        Ok(())
    }
}
