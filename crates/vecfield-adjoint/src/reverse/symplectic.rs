//! Symplectic methods, backwards: the drifts and kicks in reverse order,
//!
//! ```text
//! q⁺ = q + c h v(t_p, p)        p̄ += c h (∂v/∂p)ᵀ q̄⁺        q̄ = q̄⁺
//! ```
//!
//! and the same with the halves exchanged. The pass back is a symplectic method for the adjoint equations.

use vecfield_solvers::stepper::Formula;
use vecfield_solvers::symplectic::{Splitting, Turn};
use vecfield_traits::{Partition, Real, Vjp};

use super::bootstrap::BootstrapReverse;
use super::{Bars, Inside, ReverseStep, Taken, add_scaled};
use crate::AdjointError;

/// The pass back through the steps of any [`Splitting`].
#[derive(Debug, Clone)]
pub struct SymplecticReverse<R> {
    plan: Option<(&'static Splitting, Vec<Turn<R>>)>,
    /// `[turns + 1, n]`: the states before each turn, and the end.
    states: Vec<R>,
    /// `[turns, n]`: the rates each turn moves along.
    rates: Vec<R>,
    rate_bar: Vec<R>,
    dense: BootstrapReverse<R>,
}

impl<R: Real> Default for SymplecticReverse<R> {
    fn default() -> Self {
        let none = Vec::new;
        SymplecticReverse {
            plan: None,
            states: none(),
            rates: none(),
            rate_bar: none(),
            dense: BootstrapReverse::new(),
        }
    }
}

impl<R: Real> SymplecticReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> SymplecticReverse<R> {
        SymplecticReverse::default()
    }

    /// Takes the step again.
    fn take<F: Vjp<R>>(
        &mut self,
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
    ) -> Result<(), AdjointError> {
        let Formula::Symplectic(method) = step.formula else { return Err(AdjointError::NoPassBack) };
        if self.plan.as_ref().is_none_or(|(planned, _)| !core::ptr::eq(*planned, method)) {
            self.plan = Some((method, method.turns()));
        }
        let (Some((_, turns)), n) = (&self.plan, step.y.len()) else { return Err(AdjointError::NoPassBack) };
        let partition = partition(field)?;
        self.dense.fit(method.order, n);
        self.rate_bar.resize(n, R::zero());
        self.rates.resize(turns.len() * n, R::zero());
        self.states.resize((turns.len() + 1) * n, R::zero());
        self.states[..n].copy_from_slice(step.y);
        for (i, turn) in turns.iter().enumerate() {
            let (before, after) = self.states.split_at_mut((i + 1) * n);
            let (from, to, rate) = (&before[i * n..], &mut after[..n], &mut self.rates[i * n..][..n]);
            field.eval_half(turn.half, step.t + turn.time * step.h, from, rate, work);
            to.copy_from_slice(from);
            for &j in partition.half(turn.half) {
                to[j] += turn.size * step.h * rate[j];
            }
        }
        Ok(())
    }
}

impl<R: Real, F: Vjp<R>> ReverseStep<R, F> for SymplecticReverse<R> {
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        self.take((field, &mut *work), step)?;
        let SymplecticReverse { plan: Some((_, turns)), states, rates, rate_bar, dense } = self else {
            return Err(AdjointError::NoPassBack);
        };
        let (partition, n, h) = (partition(field)?, step.y.len(), step.h);
        (bars.t, bars.h) = (R::zero(), R::zero());
        dense.end_bar.copy_from_slice(&bars.y);
        bars.y.fill(R::zero());
        dense.pull_back((field, &mut *work), step, &states[turns.len() * n..], inside, bars);
        let bar = &mut dense.end_bar;
        for (i, turn) in turns.iter().enumerate().rev() {
            rate_bar.fill(R::zero());
            for &j in partition.half(turn.half) {
                rate_bar[j] = turn.size * h * bar[j];
                bars.h += turn.size * bar[j] * rates[i * n + j];
            }
            let (t, state) = (step.t + turn.time * h, &states[i * n..][..n]);
            let t_bar = field.vjp_deferred(t, state, rate_bar, bar, &mut bars.theta, work);
            bars.t += t_bar;
            bars.h += turn.time * t_bar;
        }
        add_scaled(&mut bars.y, R::one(), bar);
        Ok(())
    }

    fn rate(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        theta: R,
        rate: &mut [R],
    ) -> Result<(), AdjointError> {
        self.take((field, &mut *work), step)?;
        let end = self.rates.len();
        self.dense.rate((field, work), step, &self.states[end..], theta, rate);
        Ok(())
    }
}

/// The halves that the steps were taken by.
fn partition<R: Real, F: Vjp<R>>(field: &F) -> Result<&Partition, AdjointError> {
    field.partition().ok_or(AdjointError::NoPassBack)
}
