//! The simplified Newton iterations of [`Radau5`] (Hairer–Wanner II, IV.8, eqs. (8.8) to (8.11)).

use vecfield_linalg::Complex;
use vecfield_traits::{Elementary, Jacobian, Real};

use super::Radau5;
use super::collocation::{ALPHA, BETA, C, GAMMA, T, T_INVERSE, transform};
use crate::options::root_mean;
use crate::stepper::Evaluator;

/// Newton iterations of one step, at most.
pub(super) const ITERATIONS: u32 = 7;

/// The same for fixed steps, which cannot be made smaller to make the iterations converge.
const ITERATIONS_FIXED: u32 = 50;

/// How the Newton iterations went.
pub(super) enum Newton<R> {
    Converged { iterations: u32, rate: R },
    Failed,
}

impl<R: Real> Radau5<R> {
    /// Solves the stage equations, from the prediction in `w` and `z`.
    pub(super) fn newton<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Newton<R> {
        let n = self.n;
        let number = |x: f64| R::from_f64(x) / h;
        let (gamma, alpha, beta) = (number(GAMMA), number(ALPHA), number(BETA));
        self.eta = Elementary::powf(Elementary::max(self.eta, R::EPSILON), R::from_f64(0.8));
        let (mut size_old, mut rate) = (R::zero(), R::zero());
        let limit = if self.fixed { ITERATIONS_FIXED } else { ITERATIONS };
        for iteration in 1..=limit {
            for (i, &c) in C.iter().enumerate() {
                for j in 0..n {
                    self.stage[j] = self.y[j] + self.z[i * n + j];
                }
                field.eval(t + R::from_f64(c) * h, &self.stage, &mut self.rates[i * n..][..n]);
            }
            // The right-hand sides in the basis T: T⁻¹ f - Λ M w / h; `z` is free until the update.
            transform(&T_INVERSE, n, &self.rates, &mut self.z);
            if let Some(mass) = self.linearisation.mass() {
                for (w, weighted) in self.w.chunks_exact(n).zip(self.weighted.chunks_exact_mut(n)) {
                    mass.apply(w, weighted);
                }
            }
            let w = if self.weighted.is_empty() { &self.w } else { &self.weighted };
            for j in 0..n {
                let [w0, w1, w2] = [w[j], w[n + j], w[2 * n + j]];
                self.error[j] = self.z[j] - gamma * w0;
                let (re, im) = (self.z[n + j], self.z[2 * n + j]);
                self.pair[j] = Complex::new(re - (alpha * w1 - beta * w2), im - (alpha * w2 + beta * w1));
            }
            self.real.solve(&mut self.error);
            self.complex.solve(&mut self.pair);
            let mut total = R::zero();
            for j in 0..n {
                let scale = self.norm.scale(j, self.y[j], self.y[j]);
                for (stage, change) in [self.error[j], self.pair[j].re, self.pair[j].im].into_iter().enumerate() {
                    self.w[stage * n + j] += change;
                    let ratio = change / scale;
                    total += ratio * ratio;
                }
            }
            let size = root_mean(total, 3 * n) / self.looseness;
            if !size.is_finite() {
                return Newton::Failed;
            }
            if iteration > 1 {
                rate = size / size_old;
                let left = i32::try_from(limit - iteration).expect("at most fifty iterations");
                if rate >= R::from_f64(0.99) || Elementary::powi(rate, left) / (R::one() - rate) * size > self.kappa {
                    return Newton::Failed;
                }
                self.eta = rate / (R::one() - rate);
            }
            transform(&T, n, &self.w, &mut self.z);
            if self.eta * size <= self.kappa {
                return Newton::Converged { iterations: iteration, rate };
            }
            size_old = Elementary::max(size, R::EPSILON * R::EPSILON);
        }
        Newton::Failed
    }
}
