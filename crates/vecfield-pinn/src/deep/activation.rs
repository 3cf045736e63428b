//! [`Squash`]: the function between two layers, with as many derivatives as jets ask for.

use vecfield_kernels::{Function, Job, VectorMath};

use super::BLOCK;

/// A function between two layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Squash {
    /// `tanh z`.
    #[default]
    Tanh,
    /// `sin z`.
    Sin,
    /// `z / (1 + e^-z)`.
    Silu,
}

impl Squash {
    /// All of them.
    pub const ALL: [Squash; 3] = [Squash::Tanh, Squash::Sin, Squash::Silu];

    /// As one writes it after `activation =`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tanh => "tanh",
            Self::Sin => "sin",
            Self::Silu => "silu",
        }
    }

    /// `slopes[k] ← σ^(k)(z)`, for `k` up to the number of rows of `slopes`, [`BLOCK`] numbers each.
    pub(crate) fn derivatives(self, z: &[f64; BLOCK], slopes: &mut [[f64; BLOCK]]) {
        slopes[0] = *z;
        match self {
            Self::Tanh => f64::map_in_place(Function::Tanh, &mut slopes[0]),
            Self::Silu => f64::map_in_place(Function::Sigmoid, &mut slopes[0]),
            Self::Sin => {
                if let [first, second, ..] = slopes {
                    *second = *z;
                    f64::map_in_place(Function::Cos, second);
                    f64::map_in_place(Function::Sin, first);
                } else {
                    f64::map_in_place(Function::Sin, &mut slopes[0]);
                }
            }
        }
        vecfield_kernels::run(Higher { squash: self, z, slopes });
    }
}

/// Derivatives from the ones before, by Leibniz' rule for `tanh' = 1 - tanh²` and `s' = s - s²`.
struct Higher<'a> {
    squash: Squash,
    z: &'a [f64; BLOCK],
    slopes: &'a mut [[f64; BLOCK]],
}

impl Job for Higher<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { squash, z, slopes } = self;
        let count = slopes.len();
        match squash {
            Squash::Sin => {
                for k in 2..count {
                    for p in 0..BLOCK {
                        slopes[k][p] = -slopes[k - 2][p];
                    }
                }
            }
            Squash::Tanh => {
                for k in 1..count {
                    riccati(slopes, k, false);
                }
            }
            Squash::Silu => {
                for k in 1..count {
                    riccati(slopes, k, true);
                }
                for k in (0..count).rev() {
                    for p in 0..BLOCK {
                        let before = if k > 0 { slopes[k - 1][p] } else { 0.0 };
                        slopes[k][p] = z[p] * slopes[k][p] + k as f64 * before;
                    }
                }
            }
        }
    }
}

/// `s^(k) = (linear ? s : 1)^(k-1) - (s²)^(k-1)`
#[inline(always)]
fn riccati(slopes: &mut [[f64; BLOCK]], k: usize, linear: bool) {
    let (known, new) = slopes.split_at_mut(k);
    let new = &mut new[0];
    let last = &known[k - 1];
    for p in 0..BLOCK {
        new[p] = if linear {
            last[p]
        } else if k == 1 {
            1.0
        } else {
            0.0
        };
    }
    // (s²)^(n) = Σ_i C(n, i) s^(i) s^(n-i), twice each pair.
    let n = k - 1;
    let mut binomial = 1.0;
    for i in 0..=n / 2 {
        let times = if 2 * i == n { binomial } else { 2.0 * binomial };
        for p in 0..BLOCK {
            new[p] -= times * known[i][p] * known[n - i][p];
        }
        binomial = binomial * (n - i) as f64 / (i + 1) as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each derivative is the slope of the one before.
    #[test]
    fn derivatives_are_those_of_the_one_before() {
        let h = 1e-5;
        for squash in Squash::ALL {
            let at = |shift: f64| {
                let mut slopes = [[0.0; BLOCK]; 8];
                let z: [f64; BLOCK] = core::array::from_fn(|p| -3.0 + 6.0 * p as f64 / BLOCK as f64 + shift);
                squash.derivatives(&z, &mut slopes);
                slopes
            };
            let (low, mid, high) = (at(-h), at(0.0), at(h));
            for k in 1..8 {
                let size = mid[k].iter().fold(1.0_f64, |size, slope| size.max(slope.abs()));
                for p in 0..BLOCK {
                    let difference = (high[k - 1][p] - low[k - 1][p]) / (2.0 * h);
                    // h²/6 times the derivative two orders higher, some hundred times as large, and rounding over h.
                    assert!((difference - mid[k][p]).abs() < 1e-8 * size, "{squash:?} {k}: {difference} {}", mid[k][p]);
                }
            }
        }
    }
}
