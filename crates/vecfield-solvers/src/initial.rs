//! The first step: Hairer–Nørsett–Wanner I, II.4, algorithm (4.14), made independent of the unit of time.

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

use crate::norm::Norm;
use crate::stepper::Evaluator;

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
    let number = S::Real::from_f64;
    let longest = span.abs();
    let (size, slope) = (norm.of(y, y), norm.of(rate, y));
    let small = number(1e-5);
    let mut h = if size < small || slope < small { longest * number(1e-6) } else { number(0.01) * size / slope };
    h = Elementary::min(h, longest);
    let curvature = loop {
        let signed = if span < S::Real::zero() { -h } else { h };
        for ((stage, y), rate) in trial.stage.iter_mut().zip(y).zip(rate) {
            *stage = *y + rate.scale(signed);
        }
        field.eval(t + signed, trial.stage, trial.rate);
        for (new, old) in trial.rate.iter_mut().zip(rate) {
            *new -= *old;
        }
        let curvature = norm.of(trial.rate, y) / h;
        if curvature.is_finite() || h <= S::Real::MIN_POSITIVE / S::Real::EPSILON {
            break curvature;
        }
        h *= number(0.1); // the trial left the field's domain
    };
    let hundredth = number(0.01);
    // The source takes `(0.01 / max(d₁, d₂))^(1/k)`, which depends on the unit of time. Here the k-th derivative is guessed as
    // `d₁ r^(k-1)`, with the rate `r` at which the field or the state changes.
    let turning = if slope > S::Real::zero() { curvature / slope } else { S::Real::zero() };
    let growing = if size >= small { slope / size } else { S::Real::zero() };
    let rate = if turning > growing { turning } else { growing };
    let second = if slope < small || rate == S::Real::zero() {
        // Almost at rest: half of `h² d₂` is all that moves.
        if curvature > S::Real::zero() { (hundredth / curvature).sqrt() } else { longest }
    } else {
        Elementary::powf(hundredth * rate / slope, S::Real::one() / number(f64::from(order))) / rate
    };
    let first = h * number(100.0);
    let step = if second < first { second } else { first };
    Elementary::min(step, longest)
}
