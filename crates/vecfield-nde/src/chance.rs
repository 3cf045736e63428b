//! Random numbers as functions of a seed, or of a draw and a sample's number: never of what was asked for before.

use vecfield_nn::Random;

/// `½ ln 2π`, the part of a normal number's `-ln p` that depends on nothing.
pub(crate) const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_8;

/// The draw of models that need one where nothing says which.
pub(crate) const UNSAID: u64 = 0x756e_7361_6964;

/// What the parameters of a model with this seed begin from: a stream of its own.
pub(crate) fn parameters(seed: u64) -> Random {
    Random::new(seed ^ 0x7061_7261_6d65_7465)
}

/// What chance does to a sample in this draw.
pub(crate) fn of_sample(draw: u64, sample: usize) -> Random {
    Random::new(draw ^ (sample as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03))
}
