//! The simplified Newton iterations of [`Radau`] (Hairer–Wanner II, IV.8, eqs. (8.8) to (8.11)).

use core::array::from_fn;

use vecfield_linalg::Complex;
use vecfield_traits::{Elementary, Jacobian, Real};

use super::Radau;
use super::collocation::{rows, transform};
use crate::controller::{logarithm, power};
use crate::stepper::Evaluator;

/// Newton iterations of one step for fixed steps, which cannot be made smaller to make the iterations converge.
const ITERATIONS_FIXED: u32 = 50;

/// Newton iterations of one step of `s` stages, at most.
pub(super) fn iterations(stages: usize) -> u32 {
    match stages {
        3 => 7,
        5 => 12,
        _ => 17,
    }
}

/// How the Newton iterations went.
pub(super) enum Newton<R> {
    Converged { iterations: u32, rate: R },
    Failed,
}

impl<R: Real> Radau<R> {
    /// Solves the stage equations, from the prediction in `w` and `z`.
    #[inline(always)]
    pub(super) fn newton<F: Jacobian<R>>(
        &mut self,
        field: &mut Evaluator<'_, F, R>,
        span: (R, R),
        n: usize,
    ) -> Newton<R> {
        match self.table.stages() {
            3 => self.iterate::<F, 3>(field, span, n),
            5 => self.iterate::<F, 5>(field, span, n),
            _ => self.iterate::<F, 7>(field, span, n),
        }
    }

    #[inline(always)]
    fn iterate<F: Jacobian<R>, const S: usize>(
        &mut self,
        field: &mut Evaluator<'_, F, R>,
        (t, h): (R, R),
        n: usize,
    ) -> Newton<R> {
        self.eta = power(R::from_f64(0.8) * logarithm(self.eta));
        let (y, importance) = (&self.y[..n], &mut self.importance[..n]);
        for j in 0..n {
            importance[j] = R::one() / self.norm.scale(j, y[j], y[j]);
        }
        let times: [R; S] = from_fn(|i| t + R::from_f64(self.table.method.c[i]) * h);
        let [inverse, basis] = [self.table.inverse, self.table.basis].map(rows::<R, S>);
        let (mut size_old, mut rate) = (R::zero(), R::zero());
        let limit = if self.fixed { ITERATIONS_FIXED } else { iterations(S) };
        for iteration in 1..=limit {
            let (y, stage, z, rates) = (&self.y[..n], &mut self.stage[..n], &self.z[..S * n], &mut self.rates[..S * n]);
            for i in 0..S {
                for j in 0..n {
                    stage[j] = y[j] + z[i * n + j];
                }
                field.eval(times[i], stage, &mut rates[i * n..][..n]);
            }
            // The right-hand sides in the basis T are T⁻¹ f - Λ M w / h; `z` is free until the update.
            transform(&inverse, n, &self.rates, &mut self.z);
            let size = (self.improve::<S>(h, n) / R::from_f64(S as f64)).sqrt() / self.looseness;
            if !size.is_finite() {
                return Newton::Failed;
            }
            if iteration > 1 {
                rate = size / size_old;
                let left = i32::try_from(limit - iteration).expect("at most fifty iterations");
                let hopeless = Elementary::powi(rate, left) / (R::one() - rate) * size > self.kappa;
                if rate >= R::from_f64(0.99) || hopeless {
                    if size > self.floor {
                        return Newton::Failed;
                    }
                    transform(&basis, n, &self.w, &mut self.z);
                    return Newton::Converged { iterations: iteration, rate: R::zero() };
                }
                self.eta = rate / (R::one() - rate);
            }
            transform(&basis, n, &self.w, &mut self.z);
            if self.eta * size <= self.kappa {
                return Newton::Converged { iterations: iteration, rate };
            }
            size_old = Elementary::max(size, R::EPSILON * R::EPSILON);
        }
        Newton::Failed
    }

    /// Adds to `w` what one iteration changes, and sums the squares of its norms over the stages.
    #[inline(always)]
    fn improve<const S: usize>(&mut self, h: R, n: usize) -> R {
        if let Some(mass) = self.linearisation.mass() {
            for (w, weighted) in self.w.chunks_exact(n).zip(self.weighted.chunks_exact_mut(n)) {
                mass.apply(w, weighted);
            }
        }
        let gamma = R::from_f64(self.table.gamma) / h;
        let (z, importance) = (&self.z[..S * n], &self.importance[..n]);
        let (error, pair) = (&mut self.error[..n], &mut self.pair[..n]);
        let w = if self.weighted.is_empty() { &self.w[..S * n] } else { &self.weighted[..S * n] };
        for j in 0..n {
            error[j] = z[j] - gamma * w[j];
        }
        self.real.solve(error);
        let size = self.norm.measure(n, |j| error[j] * importance[j]);
        let mut total = size * size;
        self.w[..n].iter_mut().zip(&*error).for_each(|(w, change)| *w += *change);
        for (k, matrix) in self.complex[..S / 2].iter_mut().enumerate() {
            let [alpha, beta] = self.table.pairs[k].map(|x| R::from_f64(x) / h);
            let (first, second) = ((1 + 2 * k) * n, (2 + 2 * k) * n);
            let w = if self.weighted.is_empty() { &self.w[..S * n] } else { &self.weighted[..S * n] };
            for j in 0..n {
                let (w1, w2) = (w[first + j], w[second + j]);
                pair[j] =
                    Complex::new(z[first + j] - (alpha * w1 - beta * w2), z[second + j] - (alpha * w2 + beta * w1));
            }
            matrix.solve(pair);
            let w = &mut self.w[..S * n];
            for j in 0..n {
                w[first + j] += pair[j].re;
                w[second + j] += pair[j].im;
            }
            let [re, im] = self.norm.measures(n, |j| [pair[j].re, pair[j].im].map(|change| change * importance[j]));
            total += re * re + im * im;
        }
        total
    }
}
