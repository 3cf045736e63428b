//! How noise is put on data.

use serde::{Deserialize, Serialize};
use vecfield_nn::Random;

/// A process `dx = f(t) x dt + g(t) dW` from data at `t = 0` to noise at `t = 1`, so that `x_t = α(t) x₀ + σ(t) ε`.
///
/// Song, Sohl-Dickstein, Kingma, Kumar, Ermon & Poole 2021, eqs. (29) to (33), with their constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Process {
    /// Preserves variance: `α² + σ² = 1`, `β` from 0.1 to 20.
    #[default]
    Vp,
    /// Adds to it: `α = 1`, `σ` from 0.01 to 50.
    Ve,
    /// Has less than `Vp` at all times: `σ = 1 - α²`.
    SubVp,
}

const BETA: [f64; 2] = [0.1, 20.0];
const SIGMA: [f64; 2] = [0.01, 50.0];

/// The mean and the deviation of the logarithm of the noise level `σ/α` in training: most is to be learned where noise and data
/// are of one size and below (Karras et al. 2022, table 1, whose data have half the deviation of these).
const LEVELS: [f64; 2] = [-0.5, 1.4];

impl Process {
    /// The times at which it begins, short of those at which there is no noise at all, and ends.
    pub fn times(self) -> [f64; 2] {
        match self {
            Process::Vp => [1e-3, 1.0],
            Process::Ve => [0.0, 1.0],
            Process::SubVp => [1e-2, 1.0],
        }
    }

    /// `α` and `σ` at `t`.
    pub fn marginal(self, t: f64) -> [f64; 2] {
        let shrunk = (-0.5 * t * (BETA[0] + 0.5 * t * (BETA[1] - BETA[0]))).exp();
        match self {
            Process::Vp => [shrunk, (1.0 - shrunk * shrunk).sqrt()],
            Process::Ve => [1.0, SIGMA[0] * (SIGMA[1] / SIGMA[0]).powf(t)],
            Process::SubVp => [shrunk, 1.0 - shrunk * shrunk],
        }
    }

    /// `f` and `g²` at `t`.
    pub fn drift(self, t: f64) -> [f64; 2] {
        let beta = BETA[0] + t * (BETA[1] - BETA[0]);
        let [alpha, sigma] = self.marginal(t);
        match self {
            Process::Vp => [-0.5 * beta, beta],
            Process::Ve => [0.0, 2.0 * sigma * sigma * (SIGMA[1] / SIGMA[0]).ln()],
            Process::SubVp => [-0.5 * beta, beta * (1.0 - alpha.powi(4))],
        }
    }

    /// `½ ln(σ/α)` at its beginning and at its end: noise levels, as a network sees them.
    pub fn levels(self) -> [f64; 2] {
        self.times().map(|t| self.level(t))
    }

    /// `½ ln(σ/α)` at `t`.
    pub fn level(self, t: f64) -> f64 {
        let [alpha, sigma] = self.marginal(t);
        0.5 * (sigma / alpha).ln()
    }

    /// A noise level to learn from.
    pub(super) fn draw(self, random: &mut Random) -> f64 {
        let [low, high] = self.levels();
        (0.5 * (LEVELS[0] + LEVELS[1] * random.normal())).clamp(low, high)
    }
}

/// `cos φ` and `sin φ` at a noise level.
pub(super) fn angle(level: f64) -> [f64; 2] {
    let ratio = (2.0 * level).exp();
    let cos = 1.0 / (1.0 + ratio * ratio).sqrt();
    [cos, ratio * cos]
}
