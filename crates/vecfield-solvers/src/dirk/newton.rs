//! The simplified Newton iterations of one stage (Hairer–Wanner II, IV.8, eqs. (8.8) to (8.11)).

use vecfield_traits::{Elementary, Jacobian, Real};

use super::DiagonallyImplicit;
use crate::stepper::Evaluator;

/// The iterations may leave this part of the tolerance.
pub(super) const KAPPA: f64 = 0.02;
/// Iterations of one stage, at most.
const ITERATIONS: u32 = 8;
/// The same for fixed steps, which cannot be made smaller to make the iterations converge.
const ITERATIONS_FIXED: u32 = 50;

/// How the iterations went.
pub(super) enum Newton<R> {
    Converged { iterations: u32, rate: R },
    Failed,
}

impl<R: Real> DiagonallyImplicit<R> {
    /// Solves `σ M x = f(t, base + x)` from the prediction in `x`.
    pub(super) fn newton<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, sigma: R) -> Newton<R> {
        let n = self.n;
        let (mut size_old, mut rate) = (R::zero(), R::zero());
        // What a first iteration leaves is guessed from the step before; fixed steps take nothing on trust.
        let mut eta = if self.fixed { R::one() } else { self.eta };
        let limit = if self.fixed { ITERATIONS_FIXED } else { ITERATIONS };
        for iteration in 1..=limit {
            for j in 0..n {
                self.stage[j] = self.base[j] + self.x[j];
            }
            if self.rows.split {
                field.stiff_part(t, &self.stage, &mut self.change);
            } else {
                field.eval(t, &self.stage, &mut self.change);
            }
            match self.linearisation.mass() {
                None => self.change.iter_mut().zip(&self.x).for_each(|(change, x)| *change -= sigma * *x),
                Some(mass) => {
                    mass.apply(&self.x, &mut self.scaled);
                    self.change.iter_mut().zip(&self.scaled).for_each(|(change, x)| *change -= sigma * *x);
                }
            }
            self.factors.solve(&mut self.change);
            self.x.iter_mut().zip(&self.change).for_each(|(x, change)| *x += *change);
            let size = self.norm.of(&self.change, &self.y);
            if !size.is_finite() {
                return Newton::Failed;
            }
            if iteration > 1 {
                rate = size / size_old;
                let left = i32::try_from(limit - iteration).expect("at most fifty iterations");
                let hopeless = Elementary::powi(rate, left) / (R::one() - rate) * size > self.kappa;
                if rate >= R::from_f64(0.99) || hopeless {
                    let rounded = size <= self.floor;
                    return if rounded {
                        Newton::Converged { iterations: iteration, rate: R::zero() }
                    } else {
                        Newton::Failed
                    };
                }
                eta = rate / (R::one() - rate);
            }
            if eta * size <= self.kappa {
                return Newton::Converged { iterations: iteration, rate };
            }
            size_old = Elementary::max(size, R::EPSILON * R::EPSILON);
        }
        Newton::Failed
    }
}
