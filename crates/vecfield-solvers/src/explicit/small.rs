//! A step of a small system, whose size the compiler knows.
//!
//! Written through memory, every stage waits for the stores of the one before. Here the state and the latest rate are local
//! arrays: where the field is inlined they never leave the registers. Sums are taken in the order of
//! [`combine`](crate::combine), so the bits are those of any other size.

use core::array::from_fn;

use vecfield_traits::{Scalar, VectorField};

use super::{Estimate, ExplicitRungeKutta};
use crate::combine::Term;
use crate::norm::LANES;
use crate::stepper::Evaluator;

/// `Σ c_j k_j` of what `part` takes of each number.
#[inline(always)]
fn weighted<S: Scalar, T: Scalar<Real = S::Real>, const N: usize>(
    terms: &[Term<S::Real>],
    stages: &[[S; N]],
    part: impl Fn(S) -> T,
) -> [T; N] {
    let mut sum = [T::zero(); N];
    for term in terms {
        let k = &stages[term.slot];
        for i in 0..N {
            sum[i] += part(k[i]).scale(term.weight);
        }
    }
    sum
}

/// `y + h Σ c_j k_j`.
#[inline(always)]
fn moved<S: Scalar, const N: usize>(y: &[S; N], h: S::Real, terms: &[Term<S::Real>], stages: &[[S; N]]) -> [S; N] {
    let sum = weighted(terms, stages, |k| k);
    from_fn(|i| y[i] + sum[i].scale(h))
}

/// The state of the stage after `slot`, whose rate is still at hand.
#[inline(always)]
fn stage_point<S: Scalar, const N: usize>(
    y: &[S; N],
    h: S::Real,
    terms: &[Term<S::Real>],
    stages: &[[S; N]],
    (slot, latest): (usize, [S; N]),
) -> [S; N] {
    let Some((last, older)) = terms.split_last() else { return *y };
    let base = moved(y, h, older, stages);
    let weight = h * last.weight;
    if last.slot == slot {
        return from_fn(|i| base[i] + latest[i].scale(weight));
    }
    let rate = stages[last.slot];
    from_fn(|i| base[i] + rate[i].scale(weight))
}

impl<S: Scalar> ExplicitRungeKutta<S> {
    /// All stages and the state at the end; the squared error ratio, NaN as soon as anything is not finite.
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
        let (mut latest, mut state, mut before) = (stages[0], y, y);
        for i in 1..s {
            before = state;
            state = if i == end {
                moved(&y, h, &self.rows[i], stages)
            } else {
                stage_point(&y, h, &self.rows[i], stages, (i - 1, latest))
            };
            let mut rate = [S::zero(); N];
            field.eval(t + self.times[i] * h, &state, &mut rate);
            latest = rate;
            stages[i] = rate;
        }
        let new = if end == s { moved(&y, h, &self.weights, stages) } else { state };
        // The state of the last stage before the end, which the detection of stiffness reads.
        self.stage.copy_from_slice(if end == s { &state } else { &before });
        self.y_new.copy_from_slice(&new);
        let squares = |terms: &[Term<S::Real>]| {
            let errors = weighted(terms, stages, |k| k.value());
            let mut lanes = [S::Real::zero(); LANES];
            self.norm.add_squares(errors, (&y, &new), 0, &mut lanes);
            lanes.into_iter().take(N).fold(S::Real::zero(), |sum, x| sum + x)
        };
        let sums = match &self.error {
            Estimate::None => [new.iter().fold(S::Real::zero(), |sum, y| sum + y.value() * S::Real::zero()); 2],
            Estimate::Embedded(weights) => [squares(weights), S::Real::zero()],
            Estimate::Pair { higher, lower } => [squares(higher), squares(lower)],
        };
        self.error.squared_ratio(h, N, sums)
    }
}
