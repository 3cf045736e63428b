//! Logarithm and power to base 2 as exactly as a controller needs them, to seven digits: a few products and sums without
//! branches, rounded alike on every machine, alone and in the lanes of an ensemble. *Why:* the library's cost a third of a
//! small system's step, and are not the same everywhere.
//!
//! The polynomials are minimax fits (Remez, 40 digits), summed by Estrin's scheme.

/// `log₂(1 + f) / f` for `1 + f` in `[√½, √2)`; error 2.5e-7.
const LOG: [f64; 8] = [
    1.4426949223786683,
    -0.7213524873665043,
    0.4809311622537413,
    -0.36026346230340867,
    0.28686887353027873,
    -0.2483228015747525,
    0.2357096569112183,
    -0.14973332737968953,
];

/// `2ʳ` for `|r| ≤ ½`; relative error 7.5e-8.
const POWER: [f64; 6] = [
    1.0000000716547142,
    0.6931469670650352,
    0.2402211972371072,
    0.055507132718556444,
    0.009675541343121328,
    0.0013276472631950876,
];

/// `log₂ x` for positive normal `x`; 1024 for infinity, something for NaN.
#[inline(always)]
pub(crate) fn log2(x: f64) -> f64 {
    const ONE: u64 = 1.0_f64.to_bits();
    const SQRT_HALF: u64 = core::f64::consts::FRAC_1_SQRT_2.to_bits();
    const FRACTION: u64 = (1 << 52) - 1;
    // Counting exponents from √½ puts the fraction around 1; the exponent becomes a number as the low bits of 2⁵².
    const UNIT: f64 = (1_u64 << 52) as f64;
    let bits = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    let exponent = f64::from_bits(UNIT.to_bits() | (bits >> 52)) - (UNIT + 1023.0);
    let f = f64::from_bits((bits & FRACTION) + SQRT_HALF) - 1.0;
    let (square, [a, b, c, d, e, g, h, i]) = (f * f, LOG);
    let low = (a + b * f) + square * (c + d * f);
    let high = (e + g * f) + square * (h + i * f);
    exponent + f * (low + square * square * high)
}

/// `2ˣ`, with `x` cut off at ±1000.
#[inline(always)]
pub(crate) fn exp2(x: f64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52: adding it rounds to an integer, in the low bits
    let x = if x > 1000.0 { 1000.0 } else { x };
    let x = if x < -1000.0 { -1000.0 } else { x };
    let magic = x + MAGIC;
    let r = x - (magic - MAGIC);
    let (square, [a, b, c, d, e, g]) = (r * r, POWER);
    let sum = ((a + b * r) + square * (c + d * r)) + square * square * (e + g * r);
    sum * f64::from_bits(magic.to_bits().wrapping_add(1023) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_digits_everywhere() {
        let mut x = 1e-10;
        while x < 1e300 {
            assert!((log2(x) - x.log2()).abs() < 3e-7, "{x:e}");
            x *= 1.0123;
        }
        assert_eq!((log2(1.0), log2(f64::INFINITY)), (0.0, 1024.0));
        let mut x = -900.0;
        while x < 900.0 {
            assert!((exp2(x) / x.exp2() - 1.0).abs() < 1e-7, "{x}");
            x += 0.0317;
        }
        assert!(exp2(-1e308) > 0.0 && exp2(f64::INFINITY).is_finite());
    }
}
