//! The normal distribution: `φ(x) = e^(-x²/2) / √(2π)` and `Φ(x) = ½ erfc(-x/√2)`, which keeps its relative accuracy where it
//! is tiny.
//!
//! `Φ(-z) = φ(z) M(z)` with Mills' ratio `M`; what is fitted is `(1 + z) e^(z²/2) Φ(-z)` as a polynomial in
//! `(z - K)/(z + K)` (Shepherd & Laframboise 1981, for `erfc`).

use crate::exponential::decay;
use crate::lane::{Lane, polynomial};

/// Constants of the fit.
pub(crate) trait Normal: Lane {
    /// The argument that goes to the middle of the polynomial's interval.
    const CENTRE: Self;
    /// Chebyshev fit of 60 digits, as a polynomial.
    const MILLS: &'static [Self];
    /// Multiplying by it and subtracting leaves the upper half of the digits (Veltkamp).
    const HALVES: Self;
    /// `1/√(2π)`.
    const DENSITY: Self;
    /// Beyond it `Φ(-z)` is zero.
    const FAR: Self;
}

impl Normal for f64 {
    const CENTRE: f64 = 5.0;
    // Error 2^-57.6.
    const MILLS: &'static [f64] = &[
        0.4615158298500378,
        -0.09155228183400904,
        0.03103036842596287,
        0.010002352385229773,
        -0.02640104296626822,
        0.024536963243668563,
        -0.01517041540326365,
        0.006522000667904393,
        -0.0016760723373300678,
        7.791596609337356e-06,
        0.00018233410399828392,
        -5.36075778684158e-05,
        -9.895949424184568e-06,
        9.059816217438934e-06,
        -7.069866488800462e-08,
        -1.3074341333225053e-06,
        1.284360766674355e-07,
        1.9626196902558151e-07,
        -2.686974680450927e-08,
        -3.094072368373558e-08,
        4.014450963422496e-09,
        4.396651284991787e-09,
        -4.296994064448403e-10,
        -3.807990191869197e-10,
        2.458700103653154e-11,
    ];
    const HALVES: f64 = 134_217_729.0; // 2^27 + 1
    const DENSITY: f64 = 0.398_942_280_401_432_7;
    const FAR: f64 = 40.0;
}

impl Normal for f32 {
    const CENTRE: f32 = 3.0;
    // Error 2^-30.
    const MILLS: &'static [f32] = &[
        0.4860558,
        -0.09652675,
        -0.016432187,
        0.04516361,
        -0.02272941,
        0.0011631075,
        0.003007846,
        -0.00036322745,
        -0.0005147902,
        3.360889e-05,
        9.596848e-05,
        7.881449e-07,
        -1.2082427e-05,
    ];
    const HALVES: f32 = 4097.0; // 2^12 + 1
    const DENSITY: f32 = 0.398_942_3;
    const FAR: f32 = 16.0;
}

/// `(Φ(x), φ(x))`.
#[inline(always)]
pub(crate) fn distribution<T: Normal, const FUSED: bool>(x: T) -> (T, T) {
    let size = x.abs();
    let z = if size > T::FAR { T::FAR } else { size };
    // e^(-z²/2) with what rounding took from z²: without it the relative error would grow with z².
    let square = z * z;
    let rest = if FUSED {
        z.fma::<FUSED>(z, -square)
    } else {
        let spread = z * T::HALVES;
        let upper = spread - (spread - z);
        let lower = z - upper;
        ((upper * upper - square) + T::TWO * upper * lower) + lower * lower
    };
    let rounded = decay::<T, FUSED>(-T::HALF * square);
    let decay = rounded - rounded * (T::HALF * rest);
    let place = (z - T::CENTRE) / (z + T::CENTRE);
    let below = decay * polynomial::<T, FUSED>(T::MILLS, place) / (T::ONE + z);
    (if x > T::zero() { T::ONE - below } else { below }, decay * T::DENSITY)
}
