//! How measurements scatter about the truth, and what a misfit costs.

/// The noise model: in which scale residuals are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// `observed = true + σ·N(0, 1)`: residuals of values.
    Additive,
    /// `ln observed = ln true + σ·N(0, 1)`: residuals of natural logarithms; all values must be positive.
    Multiplicative,
}

impl Noise {
    /// The residual `r` of an observation against a prediction, and `-dr/d prediction`. NaN where a logarithm does not exist.
    #[inline]
    pub fn residual(self, observed: f64, predicted: f64) -> (f64, f64) {
        match self {
            Noise::Additive => (observed - predicted, 1.0),
            Noise::Multiplicative if predicted > 0.0 => ((observed / predicted).ln(), 1.0 / predicted),
            Noise::Multiplicative => (f64::NAN, f64::NAN),
        }
    }

    /// The word a user types and reads.
    pub fn name(self) -> &'static str {
        match self {
            Noise::Additive => "additive",
            Noise::Multiplicative => "multiplicative",
        }
    }
}

/// The cost `ρ(z)` of a residual of `z` standard deviations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// `z²`: maximum likelihood under normal noise.
    Squared,
    /// `z²` up to 1.345 standard deviations, linear beyond: one outlier cannot pull the fit away (Huber 1964; 95 %
    /// efficiency under normal noise).
    Huber,
}

/// Huber's threshold for 95 % efficiency under normal noise.
const HUBER: f64 = 1.345;

impl Loss {
    /// `ρ(z)` and the weight `ρ'(z)/(2z)` of iteratively reweighted least squares.
    #[inline]
    pub fn of(self, z: f64) -> (f64, f64) {
        match self {
            Loss::Huber if z.abs() > HUBER => (2.0 * HUBER * z.abs() - HUBER * HUBER, HUBER / z.abs()),
            _ => (z * z, 1.0),
        }
    }
}
