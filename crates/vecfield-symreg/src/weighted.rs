//! Sums over rows of different weight: columns centred about their weighted mean and scaled by the roots of the weights, after which plain
//! inner products are weighted ones.

/// Is there a number beside the columns?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intercept {
    /// Fitted, whatever the columns are: these are [centred](centre).
    Free,
    /// Zero: columns are scaled by the weights alone.
    Zero,
}

impl Intercept {
    /// Brings a column into the space where plain inner products fit a target, given the roots of the weights.
    pub(crate) fn enter(self, x: &mut [f64], scale: &[f64]) {
        match self {
            Intercept::Free => centre(x, scale),
            Intercept::Zero => x.iter_mut().zip(scale).for_each(|(x, s)| *x *= s),
        }
    }
}

/// `x ← √w (x - Σ w x / Σ w)`, given `√w`.
pub(crate) fn centre(x: &mut [f64], scale: &[f64]) {
    let (mut sum, mut whole) = (0.0, 0.0);
    for (x, s) in x.iter().zip(scale) {
        (sum, whole) = (sum + s * s * x, whole + s * s);
    }
    let mean = sum / whole;
    x.iter_mut().zip(scale).for_each(|(x, s)| *x = (*x - mean) * s);
}
