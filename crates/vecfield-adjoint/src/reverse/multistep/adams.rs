//! Adams methods, backwards. The two evaluations of a step are passed in reverse order,
//!
//! ```text
//! x = f(t + h, y⁺) - Σ β_m φ_m        y⁺ = p + h g_k e        e = f(t + h, p) - Σ β_m φ_m        p = y + h Σ g_m β_m φ_m
//! ```
//!
//! and what is left for the differences goes to the steps before, whose rates they are.

use vecfield_solvers::ADAMS_STARTER;
use vecfield_solvers::stepper::Formula;
use vecfield_traits::{Real, Vjp};

use super::{SLOTS, Stride, StrideBars, add_scaled, basis, carried, dot};
use crate::AdjointError;
use crate::reverse::{Bars, ExplicitReverse, Inside, ReverseStep, Taken};

/// Differences that travel back.
const ROWS: usize = 13;

/// The pass back through Adams–Bashforth–Moulton methods.
#[derive(Debug, Clone)]
pub struct AdamsReverse<R> {
    starter: ExplicitReverse<R>,
    predicted: Vec<R>,
    y_new: Vec<R>,
    /// Cotangents of `x`, of `e` and of `Σ β_m φ_m`.
    x_bar: Vec<R>,
    e_bar: Vec<R>,
    expected_bar: Vec<R>,
    /// What dense output gives to the state at the beginning.
    begin_bar: Vec<R>,
}

impl<R: Real> Default for AdamsReverse<R> {
    fn default() -> Self {
        let none = Vec::new;
        AdamsReverse {
            starter: ExplicitReverse::new(),
            predicted: none(),
            y_new: none(),
            x_bar: none(),
            e_bar: none(),
            expected_bar: none(),
            begin_bar: none(),
        }
    }
}

/// A step as it was left behind.
struct Left<'a, R> {
    k: usize,
    fresh: bool,
    started: bool,
    stride: Stride<R>,
    rows: &'a [R],
    e: &'a [R],
    starter: &'a [R],
}

impl<'a, R: Real> Left<'a, R> {
    fn new(step: &Taken<'a, R>) -> Result<Left<'a, R>, AdjointError> {
        let Formula::Adams = step.formula else { return Err(AdjointError::NoPassBack) };
        let (n, (head, rest)) = (step.y.len(), step.stages.split_at(3));
        let k = head[0].to_f64() as usize;
        let (spans, rest) = rest.split_at(k.saturating_sub(1));
        let (rows, rest) = rest.split_at(k * n);
        let (e, starter) = rest.split_at(n);
        let (fresh, started) = (head[1] == R::one(), head[2] == R::one());
        Ok(Left { k, fresh, started, stride: Stride::new(spans, step.h), rows, e, starter })
    }

    /// `φ_m`.
    fn row(&self, m: usize) -> &'a [R] {
        let n = self.e.len();
        &self.rows[m * n..][..n]
    }

    /// The starter's step.
    fn taken(&self, step: &Taken<'a, R>) -> Taken<'a, R> {
        Taken { stages: self.starter, formula: Formula::Explicit(ADAMS_STARTER), ..*step }
    }
}

/// `g_m = (1/θ) ∫₀^θ c_m` for `m ≤ order`, with what their derivatives need: the columns of integrals of integrals,
/// `g_{m,q} = (θα + 1 - α) g_{m-1,q} - θα g_{m-1,q+1}`, `α = α_{m-1}`, `g_{0,q} = 1/q` (Shampine–Gordon 1975, ch. 5).
struct Integrals<R> {
    theta: R,
    columns: [[R; SLOTS]; SLOTS],
}

impl<R: Real> Integrals<R> {
    fn new(stride: &Stride<R>, order: usize, theta: R) -> Integrals<R> {
        let mut columns = [[R::zero(); SLOTS]; SLOTS];
        for (q, entry) in columns[0].iter_mut().enumerate() {
            *entry = R::one() / R::from_f64((q + 1) as f64);
        }
        for m in 1..=order {
            let fall = theta * stride.alpha[m - 1];
            let stay = fall + R::one() - stride.alpha[m - 1];
            for q in 0..=order - m {
                columns[m][q] = stay * columns[m - 1][q] - fall * columns[m - 1][q + 1];
            }
        }
        Integrals { theta, columns }
    }

    fn g(&self, m: usize) -> R {
        self.columns[m][0]
    }

    /// Gives the cotangents of the `g_m` to the `α_m`.
    fn pull_back(&self, stride: &Stride<R>, order: usize, g_bar: &[R; SLOTS], alpha_bar: &mut [R; SLOTS]) {
        let (theta, mut bars) = (self.theta, [R::zero(); SLOTS]);
        for m in (1..=order).rev() {
            bars[0] += g_bar[m];
            let before = &self.columns[m - 1];
            let fall = theta * stride.alpha[m - 1];
            let stay = fall + R::one() - stride.alpha[m - 1];
            let mut next = [R::zero(); SLOTS];
            for q in 0..=order - m {
                alpha_bar[m - 1] += bars[q] * ((theta - R::one()) * before[q] - theta * before[q + 1]);
                next[q] += stay * bars[q];
                next[q + 1] -= fall * bars[q];
            }
            bars = next;
        }
    }
}

impl<R: Real> AdamsReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> AdamsReverse<R> {
        AdamsReverse::default()
    }

    fn fit(&mut self, n: usize) {
        let AdamsReverse { predicted, y_new, x_bar, e_bar, expected_bar, begin_bar, .. } = self;
        for buffer in [predicted, y_new, x_bar, e_bar, expected_bar, begin_bar] {
            buffer.resize(n, R::zero());
            buffer.fill(R::zero());
        }
    }

    /// A part of `y + θh (Σ g_m(θ) β_m φ_m + g_k(θ) e)` with the cotangent `bar`, that of the prediction without `e`: to the
    /// differences, the correction, the coefficients; `bar` itself is for the caller to add.
    fn rise(
        &mut self,
        left: &Left<'_, R>,
        (h, theta, corrected): (R, R, bool),
        bar: &[R],
        rows: &mut [R],
        stride_bars: &mut StrideBars<R>,
    ) {
        let (n, k, size) = (bar.len(), left.k, theta * h);
        let (integrals, mut g_bar) = (Integrals::new(&left.stride, k, theta), [R::zero(); SLOTS]);
        let mut along = R::zero();
        for (m, g_bar) in g_bar.iter_mut().enumerate().take(k) {
            let (g, value) = (integrals.g(m), left.stride.beta[m] * dot(bar, left.row(m)));
            add_scaled(&mut rows[m * n..][..n], size * g, bar);
            *g_bar = size * value;
            along += g * value;
        }
        if corrected {
            let value = dot(bar, left.e);
            add_scaled(&mut self.e_bar, size * integrals.g(k), bar);
            g_bar[k] = size * value;
            along += integrals.g(k) * value;
        }
        stride_bars.h += theta * along;
        integrals.pull_back(&left.stride, k, &g_bar, &mut stride_bars.alpha);
    }

    /// Writes the prediction and the end of the step.
    fn take(&mut self, left: &Left<'_, R>, step: &Taken<'_, R>) {
        let integrals = Integrals::new(&left.stride, left.k, R::one());
        self.predicted.copy_from_slice(step.y);
        for m in 0..left.k {
            add_scaled(&mut self.predicted, step.h * integrals.g(m) * left.stride.beta[m], left.row(m));
        }
        self.y_new.copy_from_slice(&self.predicted);
        add_scaled(&mut self.y_new, step.h * integrals.g(left.k), left.e);
    }

    /// The steps of the method itself; `bars.y` holds the cotangent of the end.
    fn corrected<F: Vjp<R>>(
        &mut self,
        left: &Left<'_, R>,
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        (inside, rows): (Inside<'_, R>, &mut [R]),
        (bars, stride_bars): (&mut Bars<R>, &mut StrideBars<R>),
    ) {
        let (n, h) = (step.y.len(), step.h);
        for (theta, bar) in inside.iter(n) {
            add_scaled(&mut self.begin_bar, R::one(), bar);
            self.rise(left, (h, theta, true), bar, rows, stride_bars);
        }
        let moved = field.vjp_deferred(step.t + h, &self.y_new, &self.x_bar, &mut bars.y, &mut bars.theta, work);
        // y⁺ = p + h g_k e.
        let integrals = Integrals::new(&left.stride, left.k, R::one());
        let (gain, along) = (integrals.g(left.k), dot(&bars.y, left.e));
        add_scaled(&mut self.e_bar, h * gain, &bars.y);
        stride_bars.h += gain * along;
        let mut g_bar = [R::zero(); SLOTS];
        g_bar[left.k] = h * along;
        integrals.pull_back(&left.stride, left.k, &g_bar, &mut stride_bars.alpha);
        let twice =
            moved + field.vjp_deferred(step.t + h, &self.predicted, &self.e_bar, &mut bars.y, &mut bars.theta, work);
        bars.t += twice;
        stride_bars.h += twice;
        add_scaled(&mut self.expected_bar, -R::one(), &self.e_bar);
        let predicted_bar = core::mem::take(&mut bars.y);
        self.rise(left, (h, R::one(), false), &predicted_bar, rows, stride_bars);
        bars.y = predicted_bar;
        add_scaled(&mut bars.y, R::one(), &self.begin_bar);
    }
}

impl<R: Real, F: Vjp<R>> ReverseStep<R, F> for AdamsReverse<R> {
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let (left, n, h) = (Left::new(step)?, step.y.len(), step.h);
        self.fit(n);
        (bars.t, bars.h) = (R::zero(), R::zero());
        let mut kept = core::mem::take(&mut bars.carried);
        let (rows, spans) = carried(&mut kept, ROWS, n);
        let mut stride_bars = StrideBars::new(spans);
        // φ'_m for m ≤ k, of which each β φ meets those before it; what is beyond is not read again.
        for j in 0..left.k {
            add_scaled(&mut self.x_bar, R::one(), &rows[j * n..][..n]);
            rows[j * n..][..n].copy_from_slice(&self.x_bar);
        }
        add_scaled(&mut self.x_bar, R::one(), &rows[left.k * n..][..n]);
        rows[left.k * n..].fill(R::zero());
        add_scaled(&mut self.expected_bar, -R::one(), &self.x_bar);
        if left.started {
            self.starter.land(ADAMS_STARTER, (h, step.y), left.starter, &mut self.y_new);
            let moved = field.vjp_deferred(step.t + h, &self.y_new, &self.x_bar, &mut bars.y, &mut bars.theta, work);
            self.starter.pull_back(field, work, &left.taken(step), inside, bars)?;
            bars.t += moved;
            bars.h += moved;
        } else {
            self.take(&left, step);
            self.corrected(&left, (field, &mut *work), step, (inside, rows), (bars, &mut stride_bars));
        }
        for m in 0..left.k {
            let row_bar = &mut rows[m * n..][..n];
            add_scaled(row_bar, R::one(), &self.expected_bar);
            stride_bars.beta[m] += dot(row_bar, left.row(m));
            row_bar.iter_mut().for_each(|bar| *bar *= left.stride.beta[m]);
        }
        left.stride.pull_back(left.k.saturating_sub(1), &mut stride_bars);
        bars.h += stride_bars.h;
        if left.fresh {
            bars.t += field.vjp_deferred(step.t, step.y, &rows[..n], &mut bars.y, &mut bars.theta, work);
            rows.fill(R::zero());
            stride_bars.before = [R::zero(); SLOTS];
        }
        spans.copy_from_slice(&stride_bars.before);
        bars.carried = kept;
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
        let left = Left::new(step)?;
        if left.started {
            return self.starter.rate(field, work, &left.taken(step), theta, rate);
        }
        rate.fill(R::zero());
        let weights = basis(&left.stride, left.k, theta);
        for m in 0..left.k {
            add_scaled(rate, weights[m] * left.stride.beta[m], left.row(m));
        }
        add_scaled(rate, weights[left.k], left.e);
        Ok(())
    }
}
