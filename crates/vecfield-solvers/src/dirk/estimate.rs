//! The error of a step of [`DiagonallyImplicit`], at its end and inside it.

use vecfield_traits::{Elementary, Real};

use super::DiagonallyImplicit;
use super::tableau::DirkError;
use crate::combine::{for_blocks, sums};

/// The estimate before it is filtered is that of dense output, which does not accumulate: it may exceed the tolerance by
/// this. Along stiff directions, where the filter leaves nothing, it alone bounds the step (Prothero and Robinson's problem).
const DENSE_SLACK: f64 = 3.0;

impl<R: Real> DiagonallyImplicit<R> {
    /// The norm of the filtered estimate; NaN as soon as anything is not finite.
    pub(super) fn error_norm(&mut self, h: R) -> R {
        let n = self.n;
        match self.tableau.error {
            DirkError::Embedded { .. } => {
                let weights = &self.rows.used().error;
                for_blocks!(n, at, B => {
                    let errors: [R; B] = sums(n, weights, &self.k, at, |k| k);
                    for (change, error) in self.change[at..].iter_mut().zip(errors) {
                        *change = h * error;
                    }
                });
            }
            DirkError::SecondDifference => self.second_difference(h),
        }
        self.linearisation.mass_times(&self.change, &mut self.scaled);
        let sigma = self.sigma(h);
        self.scaled.iter_mut().for_each(|scaled| *scaled *= sigma);
        self.factors.solve(&mut self.scaled);
        let [at_end, inside] = self.norm.measures(n, |i| {
            let scale = self.norm.scale(i, self.y[i], self.y_new[i]);
            [self.scaled[i] / scale, self.change[i] / scale]
        });
        Elementary::max(at_end, inside / R::from_f64(DENSE_SLACK))
    }

    /// `h³y‴/12` into `change`; at the first step, where no earlier rate is known, `h²y″/2` bounds it.
    fn second_difference(&mut self, h: R) {
        let n = self.n;
        let (begin, end) = (&self.k[..n], &self.k[n..2 * n]);
        for i in 0..n {
            let slope = (end[i] - begin[i]) / h;
            self.change[i] = match self.step_before {
                None => h * h * R::from_f64(0.5) * slope,
                Some(h_before) => {
                    let slope_before = (begin[i] - self.before[i]) / h_before;
                    h * h * h / (R::from_f64(6.0) * (h + h_before)) * (slope - slope_before)
                }
            };
        }
    }
}
