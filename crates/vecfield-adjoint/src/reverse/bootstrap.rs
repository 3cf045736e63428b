//! Dense output by rates alone ([`rounds`]), backwards: round by round, each rate inside to the polynomial it was evaluated on.

use vecfield_solvers::stepper::{Round, rounds};
use vecfield_traits::{Real, Vjp};

use super::{Bars, Inside, Taken, add_scaled, dot};

/// The pass back through the dense output of one step.
#[derive(Debug, Clone)]
pub(super) struct BootstrapReverse<R> {
    order: u32,
    rounds: Vec<Round<R>>,
    /// The rates of each round: both ends and its nodes, `[2 + inside, n]`.
    rates: Vec<Vec<R>>,
    /// Cotangents of the rates of the round that is being passed, and of the one before.
    bars: [Vec<R>; 2],
    state: Vec<R>,
    state_bar: Vec<R>,
    /// Of the state at the end.
    pub(super) end_bar: Vec<R>,
}

impl<R: Real> BootstrapReverse<R> {
    /// No memory yet: the first step makes it.
    pub(super) fn new() -> BootstrapReverse<R> {
        let none = Vec::new;
        BootstrapReverse {
            order: 0,
            rounds: Vec::new(),
            rates: Vec::new(),
            bars: [none(), none()],
            state: none(),
            state_bar: none(),
            end_bar: none(),
        }
    }

    /// Makes ready for methods of this order.
    pub(super) fn fit(&mut self, order: u32, n: usize) {
        if self.order != order {
            self.order = order;
            self.rounds = rounds(order);
            self.rates = vec![Vec::new(); self.rounds.len()];
        }
        for (rates, round) in self.rates.iter_mut().zip(&self.rounds) {
            rates.resize(round.rates.len() * n, R::zero());
        }
        for buffer in [&mut self.state, &mut self.state_bar, &mut self.end_bar] {
            buffer.resize(n, R::zero());
        }
        self.end_bar.fill(R::zero());
    }

    /// Evaluates the rates of every round of `step`, which ends at `y_new`.
    fn evaluate<F: Vjp<R>>(&mut self, (field, work): (&F, &mut F::Workspace), step: &Taken<'_, R>, y_new: &[R]) {
        let n = step.y.len();
        for r in 0..self.rounds.len() {
            let (before, rest) = self.rates.split_at_mut(r);
            let rates = &mut rest[0];
            let Some(known) = before.last() else {
                field.eval(step.t, step.y, &mut rates[..n], work);
                field.eval(step.t + step.h, y_new, &mut rates[n..], work);
                continue;
            };
            rates[..2 * n].copy_from_slice(&known[..2 * n]);
            for (&node, rate) in self.rounds[r].inside.iter().zip(rates[2 * n..].chunks_exact_mut(n)) {
                write(&self.rounds[r - 1], (step.h, step.y, y_new), known, node, &mut self.state);
                field.eval(step.t + node * step.h, &self.state, rate, work);
            }
        }
    }

    /// Gives the cotangents of the states inside to the beginning, to the end (in `end_bar`), to the parameters and times.
    pub(super) fn pull_back<F: Vjp<R>>(
        &mut self,
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        y_new: &[R],
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) {
        if inside.thetas.is_empty() {
            return;
        }
        let (n, t, h) = (step.y.len(), step.t, step.h);
        self.evaluate((field, &mut *work), step, y_new);
        let [now, before] = &mut self.bars;
        let last = self.rounds.len() - 1;
        now.clear();
        now.resize(self.rates[last].len(), R::zero());
        for (theta, bar) in inside.iter(n) {
            let (round, rates) = (&self.rounds[last], &self.rates[last]);
            bars.h += spread(round, (h, theta), rates, bar, (&mut bars.y, &mut self.end_bar), now);
        }
        for r in (1..=last).rev() {
            before.clear();
            before.resize(self.rates[r - 1].len(), R::zero());
            before[..2 * n].copy_from_slice(&now[..2 * n]);
            for (&node, rate_bar) in self.rounds[r].inside.iter().zip(now[2 * n..].chunks_exact(n)) {
                let (round, rates) = (&self.rounds[r - 1], &self.rates[r - 1]);
                write(round, (h, step.y, y_new), rates, node, &mut self.state);
                self.state_bar.fill(R::zero());
                let state_bar = &mut self.state_bar;
                let t_bar = field.vjp_deferred(t + node * h, &self.state, rate_bar, state_bar, &mut bars.theta, work);
                bars.t += t_bar;
                bars.h += node * t_bar;
                let ends = (&mut bars.y[..], &mut self.end_bar[..]);
                bars.h += spread(round, (h, node), rates, &self.state_bar, ends, before);
            }
            core::mem::swap(now, before);
        }
        bars.t += field.vjp_deferred(t, step.y, &now[..n], &mut bars.y, &mut bars.theta, work);
        let t_bar = field.vjp_deferred(t + h, y_new, &now[n..2 * n], &mut self.end_bar, &mut bars.theta, work);
        bars.t += t_bar;
        bars.h += t_bar;
    }

    /// `d/dt` of the dense output at the fraction `theta`.
    pub(super) fn rate<F: Vjp<R>>(
        &mut self,
        evaluator: (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        y_new: &[R],
        theta: R,
        rate: &mut [R],
    ) {
        self.evaluate(evaluator, step, y_new);
        let (Some(round), Some(rates)) = (self.rounds.last(), self.rates.last()) else { return };
        let change = value(&round.change, theta).1 / step.h;
        for (rate, (new, old)) in rate.iter_mut().zip(y_new.iter().zip(step.y)) {
            *rate = change * (*new - *old);
        }
        for (weight, k) in round.rates.iter().zip(rates.chunks_exact(step.y.len().max(1))) {
            add_scaled(rate, value(weight, theta).1, k);
        }
    }
}

/// `y + W(θ) (y⁺ - y) + h Σ w_i(θ) k_i`.
fn write<R: Real>(round: &Round<R>, (h, y, y_new): (R, &[R], &[R]), rates: &[R], theta: R, out: &mut [R]) {
    let change = value(&round.change, theta).0;
    for ((out, y), y_new) in out.iter_mut().zip(y).zip(y_new) {
        *out = *y + change * (*y_new - *y);
    }
    for (weight, rate) in round.rates.iter().zip(rates.chunks_exact(y.len().max(1))) {
        add_scaled(out, h * value(weight, theta).0, rate);
    }
}

/// Gives the cotangent of the state at `theta` to both ends and to the rates; returns that of `h`.
fn spread<R: Real>(
    round: &Round<R>,
    (h, theta): (R, R),
    rates: &[R],
    bar: &[R],
    (y_bar, end_bar): (&mut [R], &mut [R]),
    rate_bars: &mut [R],
) -> R {
    let (n, change) = (bar.len(), value(&round.change, theta).0);
    add_scaled(y_bar, R::one() - change, bar);
    add_scaled(end_bar, change, bar);
    let mut h_bar = R::zero();
    for (i, weight) in round.rates.iter().enumerate() {
        let weight = value(weight, theta).0;
        add_scaled(&mut rate_bars[i * n..][..n], h * weight, bar);
        h_bar += weight * dot(bar, &rates[i * n..][..n]);
    }
    h_bar
}

/// `Σ_p w_p θ^(p+1)` and its derivative by `θ`.
fn value<R: Real>(weights: &[R], theta: R) -> (R, R) {
    let (mut value, mut slope) = (R::zero(), R::zero());
    for &weight in weights.iter().rev() {
        slope = slope * theta + value;
        value = value * theta + weight;
    }
    (value * theta, slope * theta + value)
}
