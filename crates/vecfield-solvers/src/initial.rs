//! The first step: Hairer–Nørsett–Wanner I, II.4, algorithm (4.14), made independent of the unit of time.

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

use crate::norm::Norm;
use crate::stepper::Evaluator;

/// Norms below count as none.
const SMALL: f64 = 1e-5;

/// Buffers for one trial of Euler's method.
pub(crate) struct Trial<'a, S> {
    pub(crate) stage: &'a mut [S],
    pub(crate) rate: &'a mut [S],
}

/// A step such that `0.01` of the error allowed is made, were the solution as curved as an Euler step makes it look.
///
/// `order` is the power of `h` in the error, `rate` the field at `(t, y)`.
pub(crate) fn step<S: Scalar, F: VectorField<S>>(
    field: &mut Evaluator<'_, F, S>,
    norm: &Norm<S::Real>,
    order: u32,
    (t, span): (S::Real, S::Real),
    y: &[S],
    rate: &[S],
    trial: Trial<'_, S>,
) -> S::Real {
    let mut look = Look::new(norm.of(y, y), norm.of(rate, y), span.abs());
    loop {
        let signed = if span < S::Real::zero() { -look.h } else { look.h };
        for ((stage, y), rate) in trial.stage.iter_mut().zip(y).zip(rate) {
            *stage = *y + rate.scale(signed);
        }
        field.eval(t + signed, trial.stage, trial.rate);
        for (new, old) in trial.rate.iter_mut().zip(rate) {
            *new -= *old;
        }
        if let Some(step) = look.step(norm.of(trial.rate, y), order) {
            return step;
        }
    }
}

/// A look at how the rate changes over an Euler step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<R> {
    size: R,
    slope: R,
    longest: R,
    /// The length of the Euler step.
    pub(crate) h: R,
}

impl<R: Real> Look<R> {
    /// From a state and a rate of these norms.
    pub(crate) fn new(size: R, slope: R, longest: R) -> Look<R> {
        let small = R::from_f64(SMALL);
        let still = size < small || slope < small;
        let h = if still { longest * R::from_f64(1e-6) } else { R::from_f64(0.01) * size / slope };
        Look { size, slope, longest, h: Elementary::min(h, longest) }
    }

    /// The first step, where the rate changes by something of the norm `change`; `None` to look again with a shorter
    /// [`h`](Look::h), as this one has left the field's domain.
    pub(crate) fn step(&mut self, change: R, order: u32) -> Option<R> {
        let number = R::from_f64;
        let curvature = change / self.h;
        if !Scalar::is_finite(&curvature) && self.h > R::MIN_POSITIVE / R::EPSILON {
            self.h *= number(0.1);
            return None;
        }
        let Look { size, slope, longest, h } = *self;
        let hundredth = number(0.01);
        // The source takes `(0.01 / max(d₁, d₂))^(1/k)`, which depends on the unit of time. Here the k-th derivative is guessed
        // as `d₁ r^(k-1)`, with the rate `r` at which the field or the state changes.
        let turning = if slope > R::zero() { curvature / slope } else { R::zero() };
        let growing = if size >= number(SMALL) { slope / size } else { R::zero() };
        let rate = if turning > growing { turning } else { growing };
        let second = if slope < number(SMALL) || rate == R::zero() {
            // Almost at rest: half of `h² d₂` is all that moves.
            if curvature > R::zero() { (hundredth / curvature).sqrt() } else { longest }
        } else {
            Elementary::powf(hundredth * rate / slope, R::one() / number(f64::from(order))) / rate
        };
        let first = h * number(100.0);
        let step = if second < first { second } else { first };
        Some(Elementary::min(step, longest))
    }
}
