//! The error of a step of [`Radau`], at its end and inside it.

use vecfield_traits::{Elementary, Jacobian, Real};

use super::Radau;
use super::collocation::LARGEST;
use crate::combine::{Term, combine};
use crate::stepper::Evaluator;

/// The error of dense output does not accumulate, and may exceed the tolerance by this.
const DENSE_SLACK: f64 = 10.0;

impl<R: Real> Radau<R> {
    /// The norm of the error of dense output, from that of the prediction: both are a derivative of order `s + 1`
    /// times the nodes' polynomial.
    ///
    /// The filter of the error estimate damps everything along stiff directions, where the steps may become so long that
    /// the polynomial inside them is worthless though their ends are exact (Prothero and Robinson's problem).
    #[inline(always)]
    pub(super) fn dense_norm(&self, h: R, n: usize) -> R {
        let Some((h_old, _)) = self.before.filter(|_| self.table.order == self.table_old.order) else {
            return R::zero();
        };
        let (table, end) = (self.table, self.end_of(self.table));
        let reach = table.nodes(R::one() + h / h_old) * Elementary::powi(h_old / h, table.stages() as i32 + 1);
        let ratio = |j: usize| {
            let error = self.z[end + j] - self.predicted[j];
            error / self.norm.scale(j, self.y[j], self.y_new[j])
        };
        R::from_f64(table.largest_nodes / DENSE_SLACK) * self.norm.measure(n, ratio) / reach
    }

    /// The norm of `(γ/h M - J)⁻¹ (f + M Σ e_i z_i / h)`, filtered once more where that alone would reject
    /// (Hairer–Wanner II, IV.8, eqs. (8.19) and (8.20)).
    #[inline(always)]
    pub(super) fn error_norm<F: Jacobian<R>>(
        &mut self,
        field: &mut Evaluator<'_, F, R>,
        (t, h): (R, R),
        n: usize,
    ) -> R {
        let norm = self.filtered(h, n, false);
        if norm > R::one() && (self.rejected || self.before.is_none()) {
            for j in 0..n {
                self.stage[j] = self.y[j] + self.error[j];
            }
            field.eval(t, &self.stage, &mut self.rate_new);
            return self.filtered(h, n, true);
        }
        norm
    }

    #[inline(always)]
    fn filtered(&mut self, h: R, n: usize, again: bool) -> R {
        let rate = if again { &self.rate_new } else { &self.rate };
        let estimate: [Term<R>; LARGEST] = core::array::from_fn(|slot| {
            let weight = self.table.error.get(slot).map_or(R::zero(), |e| R::from_f64(*e));
            Term { weight, slot }
        });
        let estimate = &estimate[..self.table.stages()];
        match self.linearisation.mass() {
            None => combine(&rate[..n], R::one() / h, estimate, &self.z, &mut self.error[..n]),
            Some(mass) => {
                self.error.fill(R::zero());
                combine(&self.error, R::one() / h, estimate, &self.z, &mut self.stage);
                mass.apply(&self.stage, &mut self.error);
                self.error.iter_mut().zip(rate).for_each(|(error, rate)| *error += *rate);
            }
        }
        self.real.solve(&mut self.error);
        self.norm.measure(n, |j| self.error[j] / self.norm.scale(j, self.y[j], self.y_new[j])) / self.looseness
    }
}
