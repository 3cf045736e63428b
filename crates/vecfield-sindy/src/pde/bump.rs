//! Test functions `(1 - s²)^q` on `|s| < 1`, and Hermite powers.

/// Smooth enough for four derivatives to vanish at the ends, and for the trapezoidal rule to be exact to many digits.
const EXPONENT: usize = 9;

/// The coefficients of `(1 - s²)^q` and of its first derivatives up to `order`, lowest power first.
pub(super) struct Bump {
    derivatives: Vec<Vec<f64>>,
}

impl Bump {
    pub(super) fn new(order: usize) -> Self {
        let mut polynomial = vec![1.0];
        for _ in 0..EXPONENT {
            let mut next = vec![0.0; polynomial.len() + 2];
            for (k, c) in polynomial.iter().enumerate() {
                next[k] += c;
                next[k + 2] -= c;
            }
            polynomial = next;
        }
        let mut derivatives = vec![polynomial];
        for _ in 0..order {
            let last = &derivatives[derivatives.len() - 1];
            derivatives.push(last.iter().enumerate().skip(1).map(|(k, c)| k as f64 * c).collect());
        }
        Self { derivatives }
    }

    /// The derivative of this order at `s`; zero outside.
    pub(super) fn at(&self, order: usize, s: f64) -> f64 {
        if s.abs() >= 1.0 { 0.0 } else { self.derivatives[order].iter().rev().fold(0.0, |sum, c| sum * s + c) }
    }
}

/// The polynomial of `u + noise` whose expectation is `u^k`: `He_k(u/σ) σ^k`, by `H_{k+1} = u H_k - k σ² H_{k-1}`.
pub(super) fn hermite(k: usize, u: f64, sigma: f64) -> f64 {
    let (mut before, mut now) = (0.0, 1.0);
    for i in 0..k {
        (before, now) = (now, u * now - i as f64 * sigma * sigma * before);
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_of_bumps_are_slopes() {
        let bump = Bump::new(4);
        for order in 0..4 {
            for s in [-0.9, -0.3, 0.0, 0.4, 0.95] {
                let slope = (bump.at(order, s + 1e-5) - bump.at(order, s - 1e-5)) / 2e-5;
                assert!((slope - bump.at(order + 1, s)).abs() < 1e-4 * (1.0 + slope.abs()), "{order} {s}");
            }
        }
        assert_eq!(bump.at(0, 1.0), 0.0);
    }

    /// Over noise of two values, `±σ`, moments up to the third are those of a normal distribution.
    #[test]
    fn hermite_powers_are_unbiased() {
        let (u, sigma) = (1.3_f64, 0.4);
        for k in 0..=3 {
            let mean = 0.5 * (hermite(k, u + sigma, sigma) + hermite(k, u - sigma, sigma));
            assert!((mean - u.powi(k as i32)).abs() < 1e-12, "{k}");
        }
    }
}
