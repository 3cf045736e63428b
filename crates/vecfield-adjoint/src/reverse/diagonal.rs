//! Diagonally implicit Runge–Kutta methods, backwards: each implicit stage `k_i = f(b_i + hγ k_i)`, with `b_i = y + h Σ_{j<i} a_ij k_j`,
//! has by the implicit function theorem, with `J_i` the Jacobian at `Y_i = b_i + hγ k_i`,
//!
//! ```text
//! (I - hγ J_i)ᵀ u_i = k̄_i + hγ Ȳ_i        b̄_i = J_iᵀ u_i + Ȳ_i        k̄_j += h a_ij b̄_i        ȳ += b̄_i
//! ```
//!
//! with `Ȳ_i` zero but for the last stage, which is the end of the step.

use vecfield_linalg::Lu;
use vecfield_solvers::stepper::Formula;
use vecfield_traits::{Jacobian, Real, Vjp};

use super::collocation::dense_jacobian;
use super::{Bars, Inside, ReverseStep, Taken, add_scaled, dot, polynomial};
use crate::AdjointError;

/// The pass back through the steps of any [`DirkTableau`](vecfield_solvers::dirk::tableau::DirkTableau), for fields without a mass matrix.
#[derive(Debug, Clone)]
pub struct DiagonalReverse<R> {
    lu: Lu<R>,
    jacobian: Vec<R>,
    time: Vec<R>,
    /// `[s, n]`.
    k_bar: Vec<R>,
    state: Vec<R>,
    u: Vec<R>,
    base_bar: Vec<R>,
    end_bar: Vec<R>,
}

impl<R: Real> Default for DiagonalReverse<R> {
    fn default() -> Self {
        let nothing = Vec::new;
        DiagonalReverse {
            lu: Lu::new(0),
            jacobian: nothing(),
            time: nothing(),
            k_bar: nothing(),
            state: nothing(),
            u: nothing(),
            base_bar: nothing(),
            end_bar: nothing(),
        }
    }
}

impl<R: Real> DiagonalReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> DiagonalReverse<R> {
        DiagonalReverse::default()
    }

    fn fit(&mut self, n: usize, s: usize) {
        if self.lu.n() != n {
            self.lu = Lu::new(n);
        }
        self.jacobian.resize(n * n, R::zero());
        self.k_bar.resize(s * n, R::zero());
        for buffer in [&mut self.time, &mut self.state, &mut self.u, &mut self.base_bar, &mut self.end_bar] {
            buffer.resize(n, R::zero());
        }
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
        dense_jacobian(field, t, &self.state, &mut self.jacobian, &mut self.time, work);
        let jacobian = &self.jacobian;
        let factorized = self.lu.factorize_with(|matrix| {
            for (entry, slope) in matrix.iter_mut().zip(jacobian) {
                *entry = -step.h * gamma * *slope;
            }
            (0..n).for_each(|i| matrix[i * n + i] += R::one());
        });
        factorized.map_err(|_| AdjointError::SingularStage { t: step.t.to_f64(), step: step.h.to_f64() })?;
        self.lu.solve_transpose(&mut self.u);
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
        self.fit(n, s);
        self.k_bar.fill(R::zero());
        self.end_bar.copy_from_slice(&bars.y);
        bars.y.fill(R::zero());
        (bars.t, bars.h) = (R::zero(), R::zero());
        for (theta, bar) in inside.iter(n) {
            add_scaled(&mut bars.y, R::one(), bar);
            for (slot, weights) in tableau.interpolant.iter().enumerate() {
                let weight = polynomial(weights, theta).0;
                add_scaled(&mut self.k_bar[slot * n..][..n], h * weight, bar);
                bars.h += weight * dot(bar, &step.stages[slot * n..][..n]);
            }
        }
        for i in (0..s).rev() {
            let (row, c) = (tableau.a[i], R::from_f64(tableau.c[i]));
            let (t, gamma) = (step.t + c * h, R::from_f64(row[i]));
            self.state.copy_from_slice(step.y);
            for (j, a) in row.iter().enumerate() {
                add_scaled(&mut self.state, h * R::from_f64(*a), &step.stages[j * n..][..n]);
            }
            self.u.copy_from_slice(&self.k_bar[i * n..][..n]);
            self.base_bar.fill(R::zero());
            if i + 1 == s {
                add_scaled(&mut self.u, h * gamma, &self.end_bar);
                self.base_bar.copy_from_slice(&self.end_bar);
            }
            if i > 0 {
                self.solve(gamma, t, field, work, step)?;
            }
            let t_bar = field.vjp(t, &self.state, &self.u, &mut self.base_bar, &mut bars.theta, work);
            bars.t += t_bar;
            bars.h += c * t_bar;
            for (bar, (state, y)) in self.base_bar.iter().zip(self.state.iter().zip(step.y)) {
                bars.h += *bar * (*state - *y) / h;
            }
            add_scaled(&mut bars.y, R::one(), &self.base_bar);
            for (j, a) in row[..i].iter().enumerate() {
                add_scaled(&mut self.k_bar[j * n..][..n], h * R::from_f64(*a), &self.base_bar);
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
