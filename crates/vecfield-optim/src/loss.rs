//! Robust losses `ρ(z)` of a squared residual `z = r²`, with the scale `δ` beyond which a residual counts as an outlier.

/// How a residual `r` counts: the cost is `½ Σ ρ(r²)`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Loss {
    /// `ρ = r²`.
    #[default]
    Squared,
    /// `r²` for `|r| ≤ δ`, `2 δ |r| - δ²` beyond (Huber 1964). Convex.
    Huber(f64),
    /// `2 δ² (√(1 + r²/δ²) - 1)`: a smooth Huber. Convex.
    SoftL1(f64),
    /// `δ² ln(1 + r²/δ²)`: grows with the logarithm only. Not convex: start close.
    Cauchy(f64),
}

impl Loss {
    /// `ρ(r²)`.
    pub fn rho(self, r: f64) -> f64 {
        let z = r * r;
        match self {
            Loss::Squared => z,
            Loss::Huber(delta) if r.abs() <= delta => z,
            Loss::Huber(delta) => delta * (2.0 * r.abs() - delta),
            Loss::SoftL1(delta) => 2.0 * delta * delta * ((1.0 + z / (delta * delta)).sqrt() - 1.0),
            Loss::Cauchy(delta) => delta * delta * (z / (delta * delta)).ln_1p(),
        }
    }

    /// `(ρ'(z), ρ'(z) + 2 z ρ''(z))`: the weights of `r` in the gradient and, exactly, of its square in the Hessian.
    pub fn weights(self, r: f64) -> (f64, f64) {
        match self {
            Loss::Squared => (1.0, 1.0),
            Loss::Huber(delta) if r.abs() <= delta => (1.0, 1.0),
            Loss::Huber(delta) => (delta / r.abs(), 0.0),
            Loss::SoftL1(delta) => {
                let root = (1.0 + r * r / (delta * delta)).sqrt();
                (1.0 / root, 1.0 / (root * root * root))
            }
            Loss::Cauchy(delta) => {
                let z = r * r / (delta * delta);
                (1.0 / (1.0 + z), (1.0 - z) / ((1.0 + z) * (1.0 + z)))
            }
        }
    }
}
