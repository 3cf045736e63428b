//! The first step: Hairer–Nørsett–Wanner I, II.4, algorithm (4.14).

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

use crate::options::Norm;
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
    let largest = if slope > curvature { slope } else { curvature };
    let exponent = S::Real::one() / number(f64::from(order));
    let second = if largest <= number(1e-15) {
        Elementary::max(longest * number(1e-6), h * number(1e-3))
    } else {
        Elementary::powf(number(0.01) / largest, exponent)
    };
    let first = h * number(100.0);
    let step = if second < first { second } else { first };
    Elementary::min(step, longest)
}
