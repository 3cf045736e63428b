//! Guards that touch the other side of zero between two samples and come back: found where the samples dip towards zero.

use vecfield_traits::Real;

/// Evaluations of a guard in one dip, at most.
const PROBES: usize = 24;

/// `(3 - √5) / 2`.
const GOLDEN: f64 = 0.381_966_011_250_105_1;

/// A bracket of a least distance from zero: places `a < b < c` and the distances there, the middle one the least.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dip<R> {
    pub(super) places: [R; 3],
    pub(super) distances: [R; 3],
}

impl<R: Real> Dip<R> {
    /// The dip that three neighbouring samples show, if it may reach zero.
    ///
    /// A parabola through them goes lower than the middle one by at most an eighth of the larger difference; what is further
    /// from zero than that difference is left alone.
    pub(super) fn between(places: [R; 3], distances: [R; 3]) -> Option<Dip<R>> {
        let [a, b, c] = distances;
        let difference = if a > c { a - b } else { c - b };
        (b < a && b < c && b < difference).then_some(Dip { places, distances })
    }

    /// A place where the distance, signed, is negative; none if the least one is not. Brent's minimum (parabolas, and golden
    /// sections where they do not help), ended as soon as the sign tells.
    pub(super) fn below<E>(self, mut distance: impl FnMut(R) -> Result<R, E>) -> Result<Option<(R, R)>, E> {
        let Dip { places: [mut a, mut b, mut c], distances: [mut at_a, mut at_b, mut at_c] } = self;
        let smallest = (c - a) * R::EPSILON.sqrt();
        let mut parabola_last = false;
        for _ in 0..PROBES {
            let vertex = vertex([a, b, c], [at_a, at_b, at_c]);
            let inside = vertex > a + smallest && vertex < c - smallest && (vertex - b).abs() > smallest;
            // Alternating with golden sections keeps the bracket shrinking from both sides.
            let x = if inside && !parabola_last {
                vertex
            } else if c - b > b - a {
                b + (c - b) * R::from_f64(GOLDEN)
            } else {
                b - (b - a) * R::from_f64(GOLDEN)
            };
            parabola_last = inside && !parabola_last;
            let value = distance(x)?;
            if value < R::zero() {
                return Ok(Some((x, value)));
            }
            match (value < at_b, x > b) {
                (true, true) => (a, at_a, b, at_b) = (b, at_b, x, value),
                (true, false) => (c, at_c, b, at_b) = (b, at_b, x, value),
                (false, true) => (c, at_c) = (x, value),
                (false, false) => (a, at_a) = (x, value),
            }
            if c - a < smallest {
                break;
            }
        }
        Ok(None)
    }
}

/// The lowest point of the parabola through three points; NaN where they lie on a line.
fn vertex<R: Real>([a, b, c]: [R; 3], [at_a, at_b, at_c]: [R; 3]) -> R {
    let (left, right) = ((b - a) * (at_b - at_c), (b - c) * (at_b - at_a));
    b - ((b - a) * left - (b - c) * right) / (R::from_f64(2.0) * (left - right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dip_below_zero_is_found_however_narrow() {
        for depth in [1e-3, 1e-6, 1e-9] {
            let distance = |x: f64| (x - 0.437).powi(2) * (1.0 + x) - depth;
            let places = [0.2, 0.4, 0.8];
            let dip = Dip::between(places, places.map(distance)).unwrap();
            let (x, value) = dip.below(|x| Ok::<_, ()>(distance(x))).unwrap().unwrap();
            assert!(value < 0.0 && value == distance(x));
        }
    }

    #[test]
    fn a_dip_that_stays_above_is_none() {
        let distance = |x: f64| (x - 0.437).powi(2) + 1e-12;
        let places = [0.2, 0.4, 0.8];
        let dip = Dip::between(places, places.map(distance)).unwrap();
        assert_eq!(dip.below(|x| Ok::<_, ()>(distance(x))), Ok(None));
    }
}
