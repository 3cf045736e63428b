//! A step of a small system, whose size the compiler knows.
//!
//! Written through memory, every stage waits for the stores of the one before. Here the state and the latest rate are local
//! arrays: where the field is inlined they never leave the registers. Sums are taken in the order of
//! [`combine`](crate::combine), so the bits are those of any other size.

use core::array::from_fn;

use vecfield_traits::{Scalar, VectorField};

use super::{Estimate, ExplicitRungeKutta};
use crate::combine::Term;
use crate::options::LANES;
use crate::stepper::Evaluator;

/// `Σ c_j k_j` of what `part` takes of each number; `latest` is the stage in `slot`, still at hand. Terms are in the order of
/// their slots.
#[inline(always)]
fn weighted<S: Scalar, T: Scalar<Real = S::Real>, const N: usize>(
    terms: &[Term<S::Real>],
    stages: &[[S; N]],
    (slot, latest): (usize, [S; N]),
    part: impl Fn(S) -> T,
) -> [T; N] {
    let mut sum = [T::zero(); N];
    let (older, last) = match terms.split_last() {
        Some((last, older)) if last.slot == slot => (older, Some(last.weight)),
        _ => (terms, None),
    };
    for term in older {
        let k = &stages[term.slot];
        for i in 0..N {
            sum[i] += part(k[i]).scale(term.weight);
        }
    }
    if let Some(weight) = last {
        for i in 0..N {
            sum[i] += part(latest[i]).scale(weight);
        }
    }
    sum
}

impl<S: Scalar> ExplicitRungeKutta<S> {
    /// All stages and the state at the end; the error ratio, NaN as soon as anything is not finite.
    #[inline]
    pub(super) fn small_step<F: VectorField<S>, const N: usize>(
        &mut self,
        field: &mut Evaluator<'_, F, S>,
        t: S::Real,
        h: S::Real,
    ) -> S::Real {
        let y: [S; N] = from_fn(|i| self.y[i]);
        let (s, end) = (self.tableau.stages(), self.tableau.end_slot());
        let (stages, _) = self.k.as_chunks_mut::<N>();
        let moved = |sum: [S; N]| -> [S; N] { from_fn(|i| y[i] + sum[i].scale(h)) };
        let (mut latest, mut state, mut before) = (stages[0], y, y);
        for i in 1..s {
            before = state;
            state = moved(weighted(&self.rows[i], stages, (i - 1, latest), |k| k));
            let mut rate = [S::zero(); N];
            field.eval(t + self.times[i] * h, &state, &mut rate);
            latest = rate;
            stages[i] = rate;
        }
        let last = (s - 1, latest);
        let new = if end == s { moved(weighted(&self.weights, stages, last, |k| k)) } else { state };
        // The state of the last stage before the end, which the detection of stiffness reads.
        self.stage.copy_from_slice(if end == s { &state } else { &before });
        self.y_new.copy_from_slice(&new);
        let squares = |terms: &[Term<S::Real>]| {
            let errors = weighted(terms, stages, last, |k| k.value());
            let mut lanes = [S::Real::zero(); LANES];
            self.norm.add_squares(errors, (&y, &new), 0, &mut lanes);
            lanes.into_iter().take(N).fold(S::Real::zero(), |sum, x| sum + x)
        };
        let sums = match &self.error {
            Estimate::None => [new.iter().fold(S::Real::zero(), |sum, y| sum + y.value() * S::Real::zero()); 2],
            Estimate::Embedded(weights) => [squares(weights), S::Real::zero()],
            Estimate::Pair { fifth, third } => [squares(fifth), squares(third)],
        };
        self.error.ratio(h, N, sums)
    }
}
