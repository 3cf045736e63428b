//! Backward differentiation formulas, backwards. The correction `e` solves `M (p' + σe) = f(t + h, p + e)`, `σ = c/h`, so
//!
//! ```text
//! (σM - J)ᵀ u = ē        p̄ += Jᵀ u        p̄' = -Mᵀ u        σ̄ = -uᵀ M e
//! ```
//!
//! with the Jacobian at the end of the step.

use vecfield_linalg::Lu;
use vecfield_solvers::BDF_STARTER;
use vecfield_solvers::stepper::Formula;
use vecfield_traits::{Jacobian, Real, Vjp};

use super::{SLOTS, Stride, StrideBars, add_scaled, basis, carried, dot};
use crate::AdjointError;
use crate::reverse::collocation::{CollocationReverse, dense_jacobian, paired_with_mass};
use crate::reverse::rosenbrock::transposed_mass;
use crate::reverse::stagewise::{shifted, singular};
use crate::reverse::{Bars, Inside, ReverseStep, Taken};

/// Differences that travel back besides the state, which is the first: those of orders one to six.
const ROWS: usize = 6;

/// The pass back through backward differentiation formulas.
#[derive(Debug, Clone)]
pub struct BackwardReverse<R> {
    starter: CollocationReverse<R>,
    lu: Lu<R>,
    jacobian: Vec<R>,
    time: Vec<R>,
    y_new: Vec<R>,
    /// Cotangents: of `e`, of `p` and of `p'`.
    e_bar: Vec<R>,
    p_bar: Vec<R>,
    slope_bar: Vec<R>,
    /// `Mᵀu`.
    massive: Vec<R>,
    /// What the starter makes of its cotangents.
    part: Bars<R>,
}

/// A step as it was left behind.
struct Left<'a, R> {
    k: usize,
    leading: R,
    begun: R,
    started: bool,
    stride: Stride<R>,
    /// `φ_0`, then the others.
    y: &'a [R],
    rows: &'a [R],
    e: &'a [R],
    starter: &'a [R],
}

impl<'a, R: Real> Left<'a, R> {
    fn new(step: &Taken<'a, R>) -> Result<Left<'a, R>, AdjointError> {
        let Formula::Backward = step.formula else { return Err(AdjointError::NoPassBack) };
        let (n, (head, rest)) = (step.y.len(), step.stages.split_at(4));
        let k = head[0].to_f64() as usize;
        let (spans, rest) = rest.split_at(k);
        let (rows, rest) = rest.split_at(k * n);
        let (e, starter) = rest.split_at(n);
        let started = head[3] == R::one();
        let stride = Stride::new(spans, step.h);
        Ok(Left { k, leading: head[1], begun: head[2], started, stride, y: step.y, rows, e, starter })
    }

    /// `φ_m`.
    fn row(&self, m: usize) -> &'a [R] {
        let n = self.y.len();
        m.checked_sub(1).map_or(self.y, |m| &self.rows[m * n..][..n])
    }

    /// The state at the end.
    fn end(&self, y_new: &mut Vec<R>) {
        y_new.clear();
        y_new.extend_from_slice(self.e);
        (0..=self.k).for_each(|m| add_scaled(y_new, self.stride.beta[m], self.row(m)));
    }
}

impl<R: Real> Default for BackwardReverse<R> {
    fn default() -> Self {
        let none = Vec::new;
        BackwardReverse {
            starter: CollocationReverse::new(),
            lu: Lu::new(0),
            jacobian: none(),
            time: none(),
            y_new: none(),
            e_bar: none(),
            p_bar: none(),
            slope_bar: none(),
            massive: none(),
            part: Bars::new(0, 0),
        }
    }
}

impl<R: Real> BackwardReverse<R> {
    /// No memory yet: the first step makes it.
    pub fn new() -> BackwardReverse<R> {
        BackwardReverse::default()
    }

    fn fit(&mut self, n: usize) {
        if self.lu.n() != n {
            self.lu = Lu::new(n);
        }
        self.jacobian.resize(n * n, R::zero());
        let BackwardReverse { time, e_bar, p_bar, slope_bar, massive, .. } = self;
        for buffer in [time, e_bar, p_bar, slope_bar, massive] {
            buffer.resize(n, R::zero());
            buffer.fill(R::zero());
        }
    }

    /// Factorises `σM - J` at `(t, y)`.
    fn factorize<F: Jacobian<R>>(
        &mut self,
        sigma: R,
        (field, work): (&F, &mut F::Workspace),
        (t, y): (R, &[R]),
        step: &Taken<'_, R>,
    ) -> Result<(), AdjointError> {
        dense_jacobian(field, false, (t, y), (&mut self.jacobian, &mut self.time), work);
        let jacobian = &self.jacobian;
        let factorized = self.lu.factorize_with(|matrix| shifted(matrix, sigma, field, jacobian));
        factorized.map_err(|_| singular(step))
    }

    /// From the correction, whose cotangent is in `e_bar`, to the prediction; `bars.y` is left alone.
    fn correction<F: Jacobian<R> + Vjp<R>>(
        &mut self,
        left: &Left<'_, R>,
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        bars: &mut Bars<R>,
        stride_bars: &mut StrideBars<R>,
    ) -> Result<(), AdjointError> {
        let (h, sigma) = (step.h, left.leading / step.h);
        let end = core::mem::take(&mut self.y_new);
        self.factorize(sigma, (field, &mut *work), (step.t + h, &end), step)?;
        self.lu.solve_transpose(&mut self.e_bar);
        let u = &self.e_bar;
        let t_bar = field.vjp_deferred(step.t + h, &end, u, &mut self.p_bar, &mut bars.theta, work);
        self.y_new = end;
        bars.t += t_bar;
        stride_bars.h += t_bar + paired_with_mass(field, u, left.e) * left.leading / (h * h);
        transposed_mass(field, u, &mut self.massive);
        add_scaled(&mut self.slope_bar, -R::one(), &self.massive);
        // p' = (1/h) Σ s_m β_m φ_m with s_m = Σ_{i<m} α_i.
        let (mut slope, mut slope_bars) = (R::zero(), [R::zero(); SLOTS]);
        for m in 0..=left.k {
            let (beta, along) = (left.stride.beta[m], dot(&self.slope_bar, left.row(m)) / h);
            stride_bars.beta[m] += slope * along;
            slope_bars[m] = beta * along;
            stride_bars.h -= slope * beta * along / h;
            slope += left.stride.alpha[m];
        }
        let mut above = R::zero();
        for i in (0..left.k).rev() {
            above += slope_bars[i + 1];
            stride_bars.alpha[i] += above;
        }
        Ok(())
    }

    /// The step of the starter: its end is the new value, and exceeds the prediction by `e`.
    fn started<F: Jacobian<R> + Vjp<R>>(
        &mut self,
        left: &Left<'_, R>,
        evaluator: (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let BackwardReverse { part, e_bar, p_bar, starter, .. } = self;
        part.y.clone_from(e_bar);
        add_scaled(p_bar, -R::one(), e_bar);
        core::mem::swap(&mut part.theta, &mut bars.theta);
        let taken = Taken { stages: left.starter, formula: Formula::Collocation(BDF_STARTER), ..*step };
        let passed = starter.pull_back(evaluator.0, evaluator.1, &taken, inside, part);
        core::mem::swap(&mut part.theta, &mut bars.theta);
        bars.t += part.t;
        bars.h += part.h;
        passed
    }

    /// The first difference, `h₁ dy/dt` or what stands for it under a mass matrix, whose cotangent is in `p_bar`.
    fn begin<F: Jacobian<R> + Vjp<R>>(
        &mut self,
        left: &Left<'_, R>,
        (field, work): (&F, &mut F::Workspace),
        step: &Taken<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<R, AdjointError> {
        let (h, row) = (left.begun, left.row(1));
        if field.mass().is_none() {
            let along = dot(&self.p_bar, row) / h;
            self.p_bar.iter_mut().for_each(|bar| *bar *= h);
            bars.t += field.vjp_deferred(step.t, step.y, &self.p_bar, &mut bars.y, &mut bars.theta, work);
            return Ok(along);
        }
        // (M/h - J) Δ = f + h ∂f/∂t.
        self.factorize(R::one() / h, (field, &mut *work), (step.t, step.y), step)?;
        self.lu.solve_transpose(&mut self.p_bar);
        let u = &self.p_bar;
        bars.t += field.vjp_deferred(step.t, step.y, u, &mut bars.y, &mut bars.theta, work);
        let along = field.vjp_along(step.t, step.y, h, row, u, &mut bars.y, &mut bars.theta, work);
        bars.t += along.ok_or(AdjointError::NoSecondDerivatives { method: "bdf with a mass matrix" })?;
        Ok(dot(u, &self.time) + paired_with_mass(field, u, row) / (h * h))
    }
}

impl<R: Real, F: Jacobian<R> + Vjp<R>> ReverseStep<R, F> for BackwardReverse<R> {
    fn pull_back(
        &mut self,
        field: &F,
        work: &mut F::Workspace,
        step: &Taken<'_, R>,
        inside: Inside<'_, R>,
        bars: &mut Bars<R>,
    ) -> Result<(), AdjointError> {
        let (left, n) = (Left::new(step)?, step.y.len());
        self.fit(n);
        left.end(&mut self.y_new);
        (bars.t, bars.h) = (R::zero(), R::zero());
        let mut kept = core::mem::take(&mut bars.carried);
        let (rows, spans) = carried(&mut kept, ROWS, n);
        let mut stride_bars = StrideBars::new(spans);
        // φ'_m for m ≤ k + 1; what is beyond is not read again.
        self.e_bar.copy_from_slice(&rows[left.k * n..][..n]);
        for j in 0..=left.k {
            let row_bar = if j == 0 { &mut bars.y[..] } else { &mut rows[(j - 1) * n..][..n] };
            add_scaled(&mut self.massive, R::one(), row_bar);
            // `massive` holds the sum of the cotangents up to here, which each β φ meets.
            row_bar.copy_from_slice(&self.massive);
        }
        rows[left.k * n..].fill(R::zero());
        add_scaled(&mut self.e_bar, R::one(), &self.massive);
        self.massive.fill(R::zero());
        // From here on the rows hold cotangents of β_m φ_m.
        if left.started {
            self.started(&left, (field, &mut *work), step, inside, bars)?;
        } else {
            for (theta, bar) in inside.iter(n) {
                let weights = basis(&left.stride, left.k, theta);
                add_scaled(&mut self.e_bar, weights[left.k], bar);
                let mut above = dot(bar, left.e);
                for m in (0..=left.k).rev() {
                    let row_bar = if m == 0 { &mut bars.y[..] } else { &mut rows[(m - 1) * n..][..n] };
                    add_scaled(row_bar, weights[m], bar);
                    above += left.stride.beta[m] * dot(bar, left.row(m));
                    if m > 0 {
                        let (past, alpha) = (theta - R::one(), left.stride.alpha[m - 1]);
                        stride_bars.alpha[m - 1] += above * weights[m - 1] * past;
                        above *= R::one() + alpha * past;
                    }
                }
            }
            self.correction(&left, (field, &mut *work), step, bars, &mut stride_bars)?;
        }
        let mut slope = R::zero();
        for m in 0..=left.k {
            let row_bar = if m == 0 { &mut bars.y[..] } else { &mut rows[(m - 1) * n..][..n] };
            add_scaled(row_bar, R::one(), &self.p_bar);
            add_scaled(row_bar, slope / step.h, &self.slope_bar);
            // That of p' by β is counted with the correction.
            let direct = dot(row_bar, left.row(m)) - slope / step.h * dot(&self.slope_bar, left.row(m));
            stride_bars.beta[m] += direct;
            row_bar.iter_mut().for_each(|bar| *bar *= left.stride.beta[m]);
            slope += left.stride.alpha[m];
        }
        if left.started {
            add_scaled(&mut bars.y, R::one(), &self.part.y);
        }
        left.stride.pull_back(left.k, &mut stride_bars);
        bars.h += stride_bars.h;
        if left.begun != R::zero() {
            self.p_bar.copy_from_slice(&rows[..n]);
            let along = self.begin(&left, (field, work), step, bars)?;
            if left.begun == step.h {
                bars.h += along + stride_bars.before[0];
            }
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
            let taken = Taken { stages: left.starter, formula: Formula::Collocation(BDF_STARTER), ..*step };
            return self.starter.rate(field, work, &taken, theta, rate);
        }
        rate.fill(R::zero());
        // The derivative of the products, factor by factor.
        let (weights, mut slope) = (basis(&left.stride, left.k, theta), R::zero());
        for m in 0..=left.k {
            add_scaled(rate, slope * left.stride.beta[m] / step.h, left.row(m));
            if m < left.k {
                let alpha = left.stride.alpha[m];
                slope = slope * (R::one() + alpha * (theta - R::one())) + weights[m] * alpha;
            }
        }
        add_scaled(rate, slope / step.h, left.e);
        Ok(())
    }
}
