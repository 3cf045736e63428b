//! The first steps of [`Bdf`].

use vecfield_linalg::LinalgError;
use vecfield_traits::{Elementary, Jacobian, Real};

use super::Bdf;
use crate::stepper::{Attempt, Evaluator, Stepper};

impl<R: Real> Bdf<R> {
    /// The first difference of a solve, `h dy/dt`.
    pub(super) fn first_difference<F: Jacobian<R>>(
        &mut self,
        field: &mut Evaluator<'_, F, R>,
        t: R,
        h: R,
    ) -> Result<(), LinalgError> {
        if self.linear.linearisation.mass().is_some() {
            self.linearly_implicit_euler(field, t, h)?;
            self.differences.row_mut(1).copy_from_slice(&self.residual);
        } else {
            for (row, rate) in self.differences.row_mut(1).iter_mut().zip(&self.rate) {
                *row = h * *rate;
            }
        }
        self.differences.restart(2, h);
        (self.fresh, self.begun) = (false, Some(h));
        Ok(())
    }

    /// What a mass matrix hides, the change of the state over a step, into `residual`: `(M/h - J)⁻¹ (f + h ∂f/∂t)`.
    fn linearly_implicit_euler<F: Jacobian<R>>(
        &mut self,
        field: &mut Evaluator<'_, F, R>,
        t: R,
        h: R,
    ) -> Result<(), LinalgError> {
        self.linear.evaluate(field, t, &self.y);
        field.stats.factorizations += 1;
        self.linear.factorize(R::one() / h)?;
        let rates = self.rate.iter().zip(self.linear.linearisation.time());
        for (residual, (rate, time)) in self.residual.iter_mut().zip(rates) {
            *residual = *rate + h * *time;
        }
        self.linear.factors.solve(&mut self.residual);
        Ok(())
    }

    /// A first step where a mass matrix hides the rates: from the change over a thousandth of the interval, taking the
    /// state to bend on the scale on which it changes, a hundredth of the error allowed.
    pub(super) fn first_step_with_mass<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, span: R) -> R {
        let trial = span.abs() * R::from_f64(1e-3);
        let signed = if span < R::zero() { -trial } else { trial };
        if self.linearly_implicit_euler(field, t, signed).is_err() {
            return trial * R::from_f64(1e-3);
        }
        let (size, change) = (self.norm.of(&self.y, &self.y), self.norm.of(&self.residual, &self.y));
        let fraction = R::from_f64(0.1) * Elementary::max(size, R::one()).sqrt() / change;
        if fraction < R::one() { trial * fraction } else { trial }
    }

    /// The first steps of a fixed size, by the starter, whose history is this method's.
    pub(super) fn begin<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, h: R) -> Attempt<R> {
        let Some(starter) = &mut self.starter else { return Attempt { accepted: false, factor: R::zero() } };
        let attempt = starter.attempt(field, t, h);
        self.y_new.copy_from_slice(Stepper::<F>::y_new(&**starter));
        self.selection.order = self.differences.known() - 1;
        self.predict(h);
        for (e, (y, predicted)) in self.correction.iter_mut().zip(self.y_new.iter().zip(&self.predicted)) {
            *e = *y - *predicted;
        }
        attempt
    }
}
