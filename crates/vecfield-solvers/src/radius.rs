//! The spectral radius of a field's Jacobian, by a power method that only evaluates the field.

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

use crate::stepper::Evaluator;

/// Iterations of one estimate; the bound found by then is what there is.
const ITERATIONS: u32 = 50;
/// Two estimates that agree to this are good enough.
const AGREEMENT: f64 = 0.01;
/// What is added to be sure (Sommeijer, Shampine and Verwer 1998, section 3.2).
const SAFETY: f64 = 1.2;

/// Remembers the dominant direction from one estimate to the next, which then takes two evaluations.
#[derive(Debug, Clone)]
pub(crate) struct PowerMethod<R> {
    direction: Vec<R>,
}

impl<R: Real> PowerMethod<R> {
    pub(crate) fn new(n: usize) -> PowerMethod<R> {
        PowerMethod { direction: vec![R::zero(); n] }
    }

    pub(crate) fn reset(&mut self) {
        self.direction.fill(R::zero());
    }

    pub(crate) fn direction(&self) -> &[R] {
        &self.direction
    }

    pub(crate) fn set_direction(&mut self, direction: impl Iterator<Item = R>) {
        self.direction.iter_mut().zip(direction).for_each(|(old, new)| *old = new);
    }

    /// An estimate from above at `(t, y)`, where the field is `rate`: `‖f(y + δ) - f(y)‖ / ‖δ‖` along the direction that this
    /// very difference gave before. `point` and `there` are scratch memory.
    pub(crate) fn estimate<S: Scalar<Real = R>, F: VectorField<S>>(
        &mut self,
        field: &mut Evaluator<'_, F, S>,
        t: R,
        (y, rate): (&[S], &[S]),
        (point, there): (&mut [S], &mut [S]),
    ) -> R {
        let number = R::from_f64;
        if self.direction.iter().all(|direction| *direction == R::zero()) {
            // The field itself knows the fast directions; a fixed pattern joins in, should it not move yet.
            let fastest = length(rate.iter().map(Scalar::value));
            for (i, (direction, rate)) in self.direction.iter_mut().zip(rate).enumerate() {
                let pattern = number(if i % 2 == 0 { 1e-3 } else { -1e-3 } * (1.0 + 1.0 / (i as f64 + 2.0)));
                *direction = if fastest > R::zero() { rate.value() / fastest + pattern } else { pattern };
            }
        }
        let distance = distance_from(y);
        let (mut radius, mut largest) = (R::zero(), R::zero());
        for iteration in 0..ITERATIONS {
            let before = radius;
            radius = self.once(field, (t, distance), (y, rate), (&mut *point, &mut *there));
            if !Scalar::is_finite(&radius) || radius == R::zero() {
                self.reset();
                break;
            }
            largest = Elementary::max(largest, radius);
            if iteration > 0 && (radius - before).abs() <= number(AGREEMENT) * radius {
                return number(SAFETY) * radius;
            }
        }
        number(SAFETY) * largest
    }

    /// One iteration, `v ← J v / ‖v‖`; the length of the new direction. `distance` is that at which the field is asked.
    pub(crate) fn once<S: Scalar<Real = R>, F: VectorField<S>>(
        &mut self,
        field: &mut Evaluator<'_, F, S>,
        (t, distance): (R, R),
        (y, rate): (&[S], &[S]),
        (point, there): (&mut [S], &mut [S]),
    ) -> R {
        let along = length(self.direction.iter().copied());
        for ((point, y), direction) in point.iter_mut().zip(y).zip(&self.direction) {
            *point = S::lift(y.value() + *direction * (distance / along));
        }
        field.eval(t, point, there);
        for ((direction, there), rate) in self.direction.iter_mut().zip(&*there).zip(rate) {
            *direction = (there.value() - rate.value()) / distance;
        }
        length(self.direction.iter().copied())
    }
}

/// How far from `y` differences are taken.
pub(crate) fn distance_from<S: Scalar>(y: &[S]) -> S::Real {
    let size = length(y.iter().map(Scalar::value));
    if size > S::Real::zero() { size * S::Real::EPSILON.sqrt() } else { S::Real::EPSILON }
}

fn length<R: Real>(x: impl Iterator<Item = R>) -> R {
    x.fold(R::zero(), |sum, x| sum + x * x).sqrt()
}
