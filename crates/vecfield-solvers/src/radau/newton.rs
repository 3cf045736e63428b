//! The simplified Newton iterations of [`Radau`] (Hairer–Wanner II, IV.8, eqs. (8.8) to (8.11)).

use vecfield_linalg::Complex;
use vecfield_traits::{Elementary, Jacobian, Real};

use super::Radau;
use super::collocation::transform;
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
    pub(super) fn newton<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Newton<R> {
        match self.table.stages() {
            3 => self.newton_of::<F, 3>(field, t, h),
            5 => self.newton_of::<F, 5>(field, t, h),
            _ => self.newton_of::<F, 7>(field, t, h),
        }
    }

    fn newton_of<F: Jacobian<R>, const S: usize>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Newton<R> {
        let n = self.n;
        self.eta = power(R::from_f64(0.8) * logarithm(self.eta));
        for (j, importance) in self.importance.iter_mut().enumerate() {
            *importance = R::one() / self.norm.scale(j, self.y[j], self.y[j]);
        }
        let (mut size_old, mut rate) = (R::zero(), R::zero());
        let limit = if self.fixed { ITERATIONS_FIXED } else { iterations(S) };
        for iteration in 1..=limit {
            for (i, &c) in self.table.method.c.iter().enumerate() {
                for j in 0..n {
                    self.stage[j] = self.y[j] + self.z[i * n + j];
                }
                field.eval(t + R::from_f64(c) * h, &self.stage, &mut self.rates[i * n..][..n]);
            }
            // The right-hand sides in the basis T are T⁻¹ f - Λ M w / h; `z` is free until the update.
            transform::<R, S>(self.table.inverse, n, &self.rates, &mut self.z);
            let size = (self.improve(h) / R::from_f64(S as f64)).sqrt() / self.looseness;
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
                    transform::<R, S>(self.table.basis, n, &self.w, &mut self.z);
                    return Newton::Converged { iterations: iteration, rate: R::zero() };
                }
                self.eta = rate / (R::one() - rate);
            }
            transform::<R, S>(self.table.basis, n, &self.w, &mut self.z);
            if self.eta * size <= self.kappa {
                return Newton::Converged { iterations: iteration, rate };
            }
            size_old = Elementary::max(size, R::EPSILON * R::EPSILON);
        }
        Newton::Failed
    }

    /// Adds to `w` what one iteration changes, and sums the squares of its norms over the stages.
    fn improve(&mut self, h: R) -> R {
        let n = self.n;
        if let Some(mass) = self.linearisation.mass() {
            for (w, weighted) in self.w.chunks_exact(n).zip(self.weighted.chunks_exact_mut(n)) {
                mass.apply(w, weighted);
            }
        }
        let gamma = R::from_f64(self.table.gamma) / h;
        let w = if self.weighted.is_empty() { &self.w } else { &self.weighted };
        for j in 0..n {
            self.error[j] = self.z[j] - gamma * w[j];
        }
        self.real.solve(&mut self.error);
        self.w.iter_mut().zip(&self.error).for_each(|(w, change)| *w += *change);
        let size = self.norm.measure(n, |j| self.error[j] * self.importance[j]);
        let mut total = size * size;
        for (pair, (eigenvalue, matrix)) in self.table.pairs.iter().zip(&mut self.complex).enumerate() {
            let [alpha, beta] = eigenvalue.map(|x| R::from_f64(x) / h);
            let (first, second) = ((1 + 2 * pair) * n, (2 + 2 * pair) * n);
            let w = if self.weighted.is_empty() { &self.w } else { &self.weighted };
            for j in 0..n {
                let (w1, w2) = (w[first + j], w[second + j]);
                let (re, im) = (self.z[first + j], self.z[second + j]);
                self.pair[j] = Complex::new(re - (alpha * w1 - beta * w2), im - (alpha * w2 + beta * w1));
            }
            matrix.solve(&mut self.pair);
            for (j, change) in self.pair.iter().enumerate() {
                self.w[first + j] += change.re;
                self.w[second + j] += change.im;
            }
            let ratios = |j: usize| [self.pair[j].re, self.pair[j].im].map(|change| change * self.importance[j]);
            let [re, im] = self.norm.measures(n, ratios);
            total += re * re + im * im;
        }
        total
    }
}
