//! Will an explicit method reach the end? One that stability holds is told so long before it runs out of steps.

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

use crate::SolveError;
use crate::clock::Clock;
use crate::radius::{PowerMethod, distance_from};
use crate::stepper::Evaluator;

/// Trial steps from one look to the next.
const EVERY: u64 = 4096;
/// How many times more steps than are left would be needed before a solve is called hopeless: they may yet grow.
const BEYOND: f64 = 4.0;
/// The share of its stability that a method uses where stability alone holds it; Verner 9 at 1e-10 settles at 0.4.
const AT_EDGE: f64 = 0.4;

/// The cosine between a direction and its image below which a mode decays.
const TURNED: f64 = -0.9;

/// Is it time to look, after so many trial steps? It is at the last that is allowed.
#[inline(always)]
pub(crate) fn due(tried: u64, limit: u64) -> bool {
    tried >= limit || tried % EVERY == EVERY - 1
}

/// Says that the steps are too many, or at this pace will be and stiffness is why; costs nothing but where the pace is so slow.
/// The solve stands at `y`; `stability` is that of [`Stepper::stability`](crate::stepper::Stepper::stability).
///
/// # Errors
///
/// [`SolveError::TooManySteps`], [`SolveError::Stiff`].
#[cold]
pub(crate) fn check<F, S>(
    field: &mut Evaluator<'_, F, S>,
    clock: &Clock<S::Real>,
    y: &[S],
    stability: impl FnOnce() -> Option<f64>,
    limit: u64,
) -> Result<(), SolveError>
where
    S: Scalar,
    F: VectorField<S>,
{
    let tried = field.stats.steps + field.stats.rejected;
    let (t, step, left) = (clock.t.to_f64(), clock.h.to_f64(), limit.saturating_sub(tried));
    let ahead = ((clock.t1 - clock.t) / clock.h).abs().to_f64();
    if left > 0 && (ahead <= BEYOND * left as f64 || clock.fixed.is_some()) {
        return Ok(());
    }
    // What is looked at is no work of the method's.
    let stats = field.stats;
    let mode = stability().and_then(|stability| Some((decay(field, clock.t, y)?, stability)));
    field.stats = stats;
    match mode {
        Some((rate, stability)) if step.abs() * rate > AT_EDGE * stability => {
            Err(SolveError::Stiff { t, step, rate, ahead, limit })
        }
        _ if left == 0 => Err(SolveError::TooManySteps { t, step, limit }),
        _ => Ok(()),
    }
}

/// How fast the dominant mode at `(t, y)` decays, if it does.
fn decay<F, S>(field: &mut Evaluator<'_, F, S>, t: S::Real, y: &[S]) -> Option<f64>
where
    S: Scalar,
    F: VectorField<S>,
{
    let mut memory = vec![S::zero(); 3 * y.len()];
    let (rate, rest) = memory.split_at_mut(y.len());
    let (point, there) = rest.split_at_mut(y.len());
    field.eval(t, y, rate);
    let mut power = PowerMethod::new(y.len());
    power.estimate(field, t, (y, rate), (point, there));
    // Twice more, to see which way the mode goes: what turns is no stiffer for it, and only a real mode keeps its direction.
    let product = |a: &[S::Real], b: &[S::Real]| -> f64 { a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum() };
    let (distance, mut decay) = (distance_from(y), 0.0);
    for _ in 0..2 {
        let before = power.direction().to_vec();
        decay = power.once(field, (t, distance), (y, rate), (&mut *point, &mut *there)).to_f64();
        let cosine = product(&before, power.direction()) / (product(&before, &before).sqrt() * decay);
        let decays = cosine < TURNED;
        if !decays {
            return None;
        }
    }
    Some(decay)
}
