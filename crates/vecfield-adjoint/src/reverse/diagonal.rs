//! Diagonally implicit Runge–Kutta methods, backwards: each implicit stage `M k_i = f(Y_i)`, `Y_i = b_i + hγ k_i`, with
//! `b_i = y + h Σ_{j<i} a_ij k_j`, has by the implicit function theorem, with `J_i` the Jacobian at `Y_i`,
//!
//! ```text
//! (M - hγ J_i)ᵀ u_i = k̄_i + hγ Ȳ_i        b̄_i = J_iᵀ u_i + Ȳ_i        k̄_j += h a_ij b̄_i        ȳ += b̄_i
//! ```
//!
//! with `Ȳ_i` zero but for the last stage, which is the end of the step. Of a field that is split, `J_i` is that of the implicit
//! part, and `Ȳ_i` what the explicit rate at the stage gives.
//!
//! A mass matrix hides the rate at the beginning: `k_0` is that at the end of the step before, and its cotangent travels there
//! in [`Bars::carried`]. Where the method begins, `(σM - J) k_0 = σf + ∂f/∂t`.

use vecfield_solvers::dirk::tableau::DirkTableau;
use vecfield_solvers::stepper::Formula;
use vecfield_traits::{Jacobian, Real, Vjp};

use super::collocation::dense_jacobian;
use super::stagewise::{Stagewise, shifted, singular};
use super::{Bars, Inside, ReverseStep, Taken, add_scaled, dot, polynomial};
use crate::AdjointError;

/// The pass back through the steps of any [`DirkTableau`], of a field as a whole or split.
#[derive(Debug, Clone)]
pub struct DiagonalReverse<R>(Stagewise<R>);

impl<R: Real> Default for DiagonalReverse<R> {
    fn default() -> Self {
        DiagonalReverse(Stagewise::new())
    }
}

/// A step with its tableau.
#[derive(Clone, Copy)]
struct Left<'a, R> {
    step: &'a Taken<'a, R>,
    tableau: &'static DirkTableau,
    /// The rows of the explicit rates, which stand behind the implicit ones.
    explicit: Option<&'static [&'static [f64]]>,
}

impl<'a, R: Real> Left<'a, R> {
    fn new(step: &'a Taken<'a, R>) -> Result<Left<'a, R>, AdjointError> {
        match step.formula {
            Formula::Dirk(tableau) => Ok(Left { step, tableau, explicit: None }),
            Formula::Additive(tableau) => Ok(Left { step, tableau, explicit: tableau.explicit }),
            _ => Err(AdjointError::NoPassBack),
        }
    }

    fn stages(&self) -> usize {
        self.tableau.c.len()
    }

    fn slots(&self) -> usize {
        self.stages() * if self.explicit.is_some() { 2 } else { 1 }
    }

    /// The slots that the state of stage `i` is made of, with their weights, its own rate among them.
    fn row(&self, i: usize) -> impl Iterator<Item = (usize, R)> + use<R> {
        let (implicit, s) = (self.tableau.a[i], self.stages());
        let explicit = self.explicit.map_or(&[][..], |rows| rows[i]);
        let slots = implicit.iter().enumerate().take(i + 1).map(|(j, a)| (j, *a));
        let slots = slots.chain(explicit.iter().enumerate().map(move |(j, a)| (s + j, *a)));
        slots.filter(|(_, a)| *a != 0.0).map(|(slot, a)| (slot, R::from_f64(a)))
    }

    fn rate(&self, slot: usize) -> &'a [R] {
        let n = self.step.y.len();
        &self.step.stages[slot * n..][..n]
    }
}

impl<R: Real> DiagonalReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> DiagonalReverse<R> {
        DiagonalReverse::default()
    }

    /// Gives the cotangents of the end, of a pair, and of the states inside to the rates; that of the end goes to `end_bar`.
    fn distribute(&mut self, left: &Left<'_, R>, inside: Inside<'_, R>, bars: &mut Bars<R>) {
        let (n, s, h) = (bars.y.len(), left.stages(), left.step.h);
        self.0.k_bar.fill(R::zero());
        self.0.end_bar.copy_from_slice(&bars.y);
        bars.y.fill(R::zero());
        (bars.t, bars.h) = (R::zero(), R::zero());
        let both = |i: usize| [Some(i), left.explicit.map(|_| s + i)].into_iter().flatten();
        for (theta, bar) in inside.iter(n) {
            add_scaled(&mut bars.y, R::one(), bar);
            for (i, weights) in left.tableau.interpolant.iter().enumerate() {
                let weight = polynomial(weights, theta).0;
                for slot in both(i) {
                    add_scaled(&mut self.0.k_bar[slot * n..][..n], h * weight, bar);
                    bars.h += weight * dot(bar, left.rate(slot));
                }
            }
        }
        if left.explicit.is_some() {
            // y⁺ = y + h Σ b_i (k_i + k̂_i), which is no stage.
            add_scaled(&mut bars.y, R::one(), &self.0.end_bar);
            for (i, weight) in left.tableau.a[s - 1].iter().enumerate() {
                let weight = R::from_f64(*weight);
                for slot in both(i) {
                    add_scaled(&mut self.0.k_bar[slot * n..][..n], h * weight, &self.0.end_bar);
                    bars.h += weight * dot(&self.0.end_bar, left.rate(slot));
                }
            }
            self.0.end_bar.fill(R::zero());
        }
    }

    /// What the explicit rate at the stage in `state`, `f - f_I`, gives to that state, in `y_bar`; returns that of the time.
    fn explicit_rate<F: Vjp<R>>(
        &mut self,
        (t, rate): (R, usize),
        (field, work): (&F, &mut F::Workspace),
        theta_bar: &mut [R],
    ) -> Result<R, AdjointError> {
        let n = self.0.state.len();
        let Stagewise { state, u, y_bar, k_bar, .. } = &mut self.0;
        u.copy_from_slice(&k_bar[rate * n..][..n]);
        let whole = field.vjp_deferred(t, state, u, y_bar, theta_bar, work);
        u.iter_mut().for_each(|u| *u = -*u);
        let part = field.stiff_vjp(t, state, u, y_bar, theta_bar, work).ok_or(AdjointError::NoPassBack)?;
        Ok(whole + part)
    }

    /// Solves `(M - hγ J)ᵀ u = u` with the Jacobian, that of the implicit part, at the stage in `state`.
    fn solve<F: Jacobian<R>>(
        &mut self,
        (t, scale): (R, R),
        split: bool,
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
    ) -> Result<(), AdjointError> {
        let Stagewise { lu, jacobian, time, state, u, .. } = &mut self.0;
        dense_jacobian(field, split, (t, state), (jacobian, time), work);
        let sigma = R::one() / scale;
        lu.factorize_with(|matrix| shifted(matrix, sigma, field, jacobian)).map_err(|_| singular(step))?;
        lu.solve_transpose(u);
        u.iter_mut().for_each(|u| *u *= sigma);
        Ok(())
    }

    /// Where a method begins under a mass matrix: `(σM - J) k_0 = σf + ∂f/∂t`, `σ = 1/(h₀ ε^0.6)`, with the cotangent of `k_0` in
    /// `u`.
    fn resolve<F: Jacobian<R> + Vjp<R>>(
        &mut self,
        left: &Left<'_, R>,
        begun: R,
        (field, work): (&F, &mut F::Workspace),
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let (step, n) = (left.step, left.step.y.len());
        let Stagewise { lu, jacobian, time, u, y_bar, .. } = &mut self.0;
        let sigma = R::one() / (begun * vecfield_traits::Elementary::powf(R::EPSILON, R::from_f64(0.6)));
        dense_jacobian(field, false, (step.t, step.y), (jacobian, time), work);
        lu.factorize_with(|matrix| shifted(matrix, sigma, field, jacobian)).map_err(|_| singular(step))?;
        lu.solve_transpose(u);
        let k = left.rate(0);
        let along = field.vjp_along(step.t, step.y, R::one(), k, u, &mut bars.y, &mut bars.theta, work);
        bars.t += along.ok_or(AdjointError::NoSecondDerivatives { method: left.tableau.name })?;
        if begun == step.h {
            let moved = |i: usize| time[i] + dot(&jacobian[i * n..][..n], k);
            bars.h += (0..n).fold(R::zero(), |sum, i| sum + u[i] * moved(i)) / step.h;
        }
        y_bar.iter_mut().zip(&*u).for_each(|(bar, u)| *bar = sigma * *u);
        bars.t += field.vjp_deferred(step.t, step.y, y_bar, &mut bars.y, &mut bars.theta, work);
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
        let left = Left::new(step)?;
        let (n, s, h, split) = (step.y.len(), left.stages(), step.h, left.explicit.is_some());
        let massive = field.mass().is_some();
        self.0.fit(n, left.slots());
        self.distribute(&left, inside, bars);
        if massive {
            bars.carried.resize(n, R::zero());
            add_scaled(&mut self.0.k_bar[(s - 1) * n..][..n], R::one(), &bars.carried);
            bars.carried.fill(R::zero());
        }
        for i in (0..s).rev() {
            let c = R::from_f64(left.tableau.c[i]);
            let (t, gamma) = (step.t + c * h, R::from_f64(left.tableau.a[i][i]));
            self.0.state.copy_from_slice(step.y);
            left.row(i).for_each(|(slot, a)| add_scaled(&mut self.0.state, h * a, left.rate(slot)));
            self.0.y_bar.fill(R::zero());
            if i + 1 == s {
                self.0.y_bar.copy_from_slice(&self.0.end_bar);
            }
            let mut t_bar = R::zero();
            if split {
                t_bar += self.explicit_rate((t, s + i), (field, &mut *work), &mut bars.theta)?;
            }
            self.0.u.copy_from_slice(&self.0.k_bar[i * n..][..n]);
            if i == 0 && massive {
                bars.carried.copy_from_slice(&self.0.u);
                continue;
            }
            if i > 0 {
                add_scaled(&mut self.0.u, h * gamma, &self.0.y_bar);
                self.solve((t, h * gamma), split, (field, &mut *work), step)?;
            }
            let Stagewise { state, u, y_bar, .. } = &mut self.0;
            t_bar += match split {
                false => field.vjp_deferred(t, state, u, y_bar, &mut bars.theta, work),
                true => field.stiff_vjp(t, state, u, y_bar, &mut bars.theta, work).ok_or(AdjointError::NoPassBack)?,
            };
            bars.t += t_bar;
            bars.h += c * t_bar;
            for (bar, (state, y)) in self.0.y_bar.iter().zip(self.0.state.iter().zip(step.y)) {
                bars.h += *bar * (*state - *y) / h;
            }
            add_scaled(&mut bars.y, R::one(), &self.0.y_bar);
            for (slot, a) in left.row(i).filter(|(slot, _)| *slot != i) {
                add_scaled(&mut self.0.k_bar[slot * n..][..n], h * a, &self.0.y_bar);
            }
        }
        if let Some(&begun) = step.stages.get(left.slots() * n).filter(|begun| **begun != R::zero()) {
            self.0.u.copy_from_slice(&bars.carried);
            bars.carried.fill(R::zero());
            self.resolve(&left, begun, (field, work), bars)?;
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
        let left = Left::new(step)?;
        rate.fill(R::zero());
        for (i, weights) in left.tableau.interpolant.iter().enumerate() {
            let slope = polynomial(weights, theta).1;
            add_scaled(rate, slope, left.rate(i));
            if left.explicit.is_some() {
                add_scaled(rate, slope, left.rate(left.stages() + i));
            }
        }
        Ok(())
    }
}
