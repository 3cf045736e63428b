//! Stabilised explicit methods, backwards: their recurrence in reverse order. With `F_j` the field at stage `j`,
//!
//! ```text
//! Y_j = (1 - μ_j - ν_j) y + μ_j Y_{j-1} + ν_j Y_{j-2} + μ̃_j h F_{j-1} + γ̃_j h F_0
//! ```
//!
//! each cotangent is handed to two stages before it, to two rates, and to the beginning.

use vecfield_solvers::stabilised::{Polynomials, Stage};
use vecfield_solvers::stepper::Formula;
use vecfield_traits::{Real, Vjp};

use super::{Bars, Inside, ReverseStep, Taken, add_scaled, cubic, dot};
use crate::AdjointError;

/// The pass back through the steps of stabilised methods of any number of stages.
#[derive(Debug, Clone)]
pub struct StabilisedReverse<R> {
    plan: Option<(Polynomials, Vec<Stage>)>,
    /// `[s + 1, n]`: the stages, the state at the beginning first and that at the end last, and the field at each.
    states: Vec<R>,
    rates: Vec<R>,
    state_bars: Vec<R>,
    rate_bars: Vec<R>,
}

impl<R: Real> Default for StabilisedReverse<R> {
    fn default() -> Self {
        let none = Vec::new;
        StabilisedReverse { plan: None, states: none(), rates: none(), state_bars: none(), rate_bars: none() }
    }
}

impl<R: Real> StabilisedReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> StabilisedReverse<R> {
        StabilisedReverse::default()
    }

    /// Takes the step again, with the field at its end where dense output meets it.
    fn take<F: Vjp<R>>(
        &mut self,
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        end: bool,
    ) -> Result<(), AdjointError> {
        let Formula::Stabilised(polynomials) = step.formula else { return Err(AdjointError::NoPassBack) };
        let (n, s, h) = (step.y.len(), step.stages[0].to_f64() as usize, step.h);
        if self.plan.as_ref().is_none_or(|(of, stages)| *of != polynomials || stages.len() != s) {
            self.plan = Some((polynomials, polynomials.stages(s as u32).collect()));
        }
        let StabilisedReverse { plan: Some((_, stages)), states, rates, .. } = self else {
            return Err(AdjointError::NoPassBack);
        };
        for buffer in [&mut *states, &mut *rates] {
            buffer.resize((s + 1) * n, R::zero());
        }
        states[..n].copy_from_slice(step.y);
        let mut time = R::zero();
        for (j, stage) in stages.iter().enumerate() {
            field.eval(step.t + time * h, &states[j * n..][..n], &mut rates[j * n..][..n], work);
            let (before, after) = states.split_at_mut((j + 1) * n);
            let after = &mut after[..n];
            after.fill(R::zero());
            for (weight, slot) in weights(stage, j) {
                add_scaled(after, weight, &before[slot * n..][..n]);
            }
            for (weight, slot) in rate_weights(stage, j) {
                add_scaled(after, h * weight, &rates[slot * n..][..n]);
            }
            time = R::from_f64(stage.time);
        }
        if end {
            field.eval(step.t + h, &states[s * n..], &mut rates[s * n..], work);
        }
        Ok(())
    }
}

/// The states that stage `j + 1` is made of, with their weights.
fn weights<R: Real>(stage: &Stage, j: usize) -> impl Iterator<Item = (R, usize)> + use<R> {
    let rest = 1.0 - stage.previous - stage.before;
    let terms = [(rest, 0), (stage.previous, j), (stage.before, j.saturating_sub(1))];
    terms.into_iter().filter(|(weight, _)| *weight != 0.0).map(|(weight, slot)| (R::from_f64(weight), slot))
}

/// The rates it is made of.
fn rate_weights<R: Real>(stage: &Stage, j: usize) -> impl Iterator<Item = (R, usize)> + use<R> {
    let terms = [(stage.rate, j), (stage.first_rate, 0)];
    terms.into_iter().filter(|(weight, _)| *weight != 0.0).map(|(weight, slot)| (R::from_f64(weight), slot))
}

impl<R: Real, F: Vjp<R>> ReverseStep<R, F> for StabilisedReverse<R> {
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        self.take((field, &mut *work), step, !inside.thetas.is_empty())?;
        let StabilisedReverse { plan: Some((_, stages)), states, rates, state_bars, rate_bars } = self else {
            return Err(AdjointError::NoPassBack);
        };
        let (n, s, h) = (step.y.len(), stages.len(), step.h);
        for buffer in [&mut *state_bars, &mut *rate_bars] {
            buffer.clear();
            buffer.resize((s + 1) * n, R::zero());
        }
        (bars.t, bars.h) = (R::zero(), R::zero());
        state_bars[s * n..].copy_from_slice(&bars.y);
        for (theta, bar) in inside.iter(n) {
            let ([change, first, last], _) = cubic(theta);
            for (slot, weight) in [(0, R::one() - change), (s, change)] {
                add_scaled(&mut state_bars[slot * n..][..n], weight, bar);
            }
            for (slot, weight) in [(0, first), (s, last)] {
                add_scaled(&mut rate_bars[slot * n..][..n], h * weight, bar);
                bars.h += weight * dot(bar, &rates[slot * n..][..n]);
            }
        }
        for j in (0..=s).rev() {
            let time = j.checked_sub(1).map_or(R::zero(), |j| R::from_f64(stages[j].time));
            let (rate_bar, state_bar) = (&rate_bars[j * n..][..n], &mut state_bars[j * n..][..n]);
            if rate_bar.iter().any(|bar| *bar != R::zero()) {
                let state = &states[j * n..][..n];
                let t_bar = field.vjp_deferred(step.t + time * h, state, rate_bar, state_bar, &mut bars.theta, work);
                bars.t += t_bar;
                bars.h += time * t_bar;
            }
            let Some(before) = j.checked_sub(1) else { break };
            let (earlier, bar) = state_bars.split_at_mut(j * n);
            let bar = &bar[..n];
            for (weight, slot) in weights(&stages[before], before) {
                add_scaled(&mut earlier[slot * n..][..n], weight, bar);
            }
            for (weight, slot) in rate_weights::<R>(&stages[before], before) {
                add_scaled(&mut rate_bars[slot * n..][..n], h * weight, bar);
                bars.h += weight * dot(bar, &rates[slot * n..][..n]);
            }
        }
        bars.y.copy_from_slice(&state_bars[..n]);
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
        self.take((field, work), step, true)?;
        let end = self.states.len() - step.y.len();
        let (_, [change, first, last]) = cubic(theta);
        for (i, rate) in rate.iter_mut().enumerate() {
            let moved = self.states[end + i] - step.y[i];
            *rate = change * moved / step.h + first * self.rates[i] + last * self.rates[end + i];
        }
        Ok(())
    }
}
