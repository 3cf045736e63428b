//! Gradients that are too long, cut.

use vecfield_kernels::dot;
use vecfield_traits::{Real, Scalar};

/// Scales `gradient` to the Euclidean norm `limit` if it is longer, and returns its norm before (Pascanu, Mikolov & Bengio
/// 2013). One that is not finite is left as it is: the norm says so.
///
/// ```
/// let mut gradient = [3.0, 4.0];
/// assert_eq!(vecfield_optim::clip_norm(&mut gradient, 1.0), 5.0);
/// assert_eq!(gradient, [0.6000000000000001, 0.8]);
/// ```
pub fn clip_norm<R: Real>(gradient: &mut [R], limit: R) -> R {
    // Scaled first, so that squares neither overflow nor vanish.
    let largest = gradient.iter().fold(R::zero(), |largest, g| if g.abs() > largest { g.abs() } else { largest });
    let squares = dot(gradient, gradient);
    let safe = Scalar::is_finite(&squares) && squares > R::MIN_POSITIVE / R::EPSILON;
    let norm = if safe || largest == R::zero() || !Scalar::is_finite(&largest) {
        squares.sqrt()
    } else {
        let sum = gradient.iter().fold(R::zero(), |sum, &g| sum + (g / largest) * (g / largest));
        largest * sum.sqrt()
    };
    if norm > limit && Scalar::is_finite(&norm) {
        let scale = limit / norm;
        gradient.iter_mut().for_each(|g| *g *= scale);
    }
    norm
}

/// Cuts every slope to `[-limit, limit]`.
pub fn clip_value<R: Real>(gradient: &mut [R], limit: R) {
    for g in gradient {
        if *g > limit {
            *g = limit;
        } else if *g < -limit {
            *g = -limit;
        }
    }
}
