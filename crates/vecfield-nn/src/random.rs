//! Random numbers: SplitMix64, a function of the seed and of how many were drawn, so that its state is two integers.

use serde::{Deserialize, Serialize};

/// SplitMix64 (Steele, Lea & Flood 2014): number `i` mixes `seed + i·γ`.
///
/// ```
/// use vecfield_nn::Random;
///
/// let mut random = Random::new(7);
/// let first = random.uniform();
/// let kept = random.clone();
/// assert_eq!(random.uniform(), kept.clone().uniform());
/// assert_eq!(Random::new(7).uniform(), first);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// Where the sequence begins.
    pub seed: u64,
    /// How many numbers have been drawn.
    pub drawn: u64,
}

impl Random {
    /// The sequence of this seed, from its beginning.
    pub fn new(seed: u64) -> Random {
        Random { seed, drawn: 0 }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.drawn += 1;
        mix(self.seed.wrapping_add(self.drawn.wrapping_mul(GAMMA)))
    }

    /// Uniform in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        unit(self.bits())
    }

    /// Normal with mean zero and variance one (Box & Muller 1958, the cosine branch).
    pub fn normal(&mut self) -> f64 {
        let (u, v) = (self.uniform(), self.uniform());
        (-2.0 * (-u).ln_1p()).sqrt() * (core::f64::consts::TAU * v).cos()
    }

    /// Uniform among `0..n`; its bias, below `n / 2⁵³`, does not matter for the sizes of batches.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// Puts the items in a random order (Fisher & Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

/// Uniform in `[0, 1)`, as a function of where it is asked for.
pub(crate) fn uniform_at(draw: u64, row: usize, column: usize) -> f64 {
    let place = (row as u64).wrapping_mul(0xd1b5_4a32_d192_ed03) ^ (column as u64).wrapping_mul(GAMMA);
    unit(mix(mix(draw.wrapping_add(GAMMA)).wrapping_add(place)))
}
