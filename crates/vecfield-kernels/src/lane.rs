//! What the formulas need of `f32` and `f64`: constants, polynomials, and the bits of the exponent.
//!
//! Integers are made and read by adding [`Lane::MAGIC`], whose unit in the last place is 1: conversions between floats and
//! 64-bit integers have no AVX2 instruction, and `as` saturates with branches.
//!
//! The polynomials are minimax fits (Remez, 60 digits) of the named function with relative weight; the bound given is
//! the fit's own error, before rounding.

use core::ops::{Add, Div, Mul, Neg, Sub};

use vecfield_traits::Real;

/// One lane of a vector register.
pub(crate) trait Lane:
    Real + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    const ONE: Self;
    const TWO: Self;
    const HALF: Self;
    const QUARTER: Self;
    /// `1.5 · 2^(digits - 1)`: adding it rounds to an integer, which the low bits then hold in two's complement.
    const MAGIC: Self;
    const LOG2_E: Self;
    /// `ln 2` in two parts, the first with so many trailing zeros that its product with an exponent is exact.
    const LN_2: [Self; 2];
    /// `(eʳ - 1 - r) / r²` for `|r| ≤ ln 2 / 2`.
    const EXP: &'static [Self];
    /// `(ln((1+s)/(1-s)) - 2s) / s³` in `s²`, for `|s| ≤ (√2 - 1)/(√2 + 1)`.
    const LN: &'static [Self];
    /// Below the first `exp` is 0, above the second infinite; a little beyond either still in reach of the formula.
    const EXP_RANGE: [Self; 2];
    /// A power of two's exponent that lifts every subnormal above the smallest normal number, and its inverse.
    const UP: (Self, Self);
    /// Above it `sinh` and `cosh` are infinite; still in reach of the formula.
    const SINH_MAX: Self;
    /// Above it `tanh` is 1.
    const TANH_MAX: Self;
    /// Below minus this `eˣ - 1` rounds to -1.
    const LARGE_DECAY: Self;
    /// Below it `sinh x` rounds to `x`.
    const SINH_TINY: Self;
    /// Above it `1 + 2x` rounds to `2x`.
    const LARGE: Self;

    /// `self · a + b`, rounded once where `FUSED`.
    fn fma<const FUSED: bool>(self, a: Self, b: Self) -> Self;
    /// `2ᵏ` from `k + MAGIC`, for `2ᵏ` normal.
    fn exp2_of_magic(self) -> Self;
    /// `(k, m)` with `self = m 2ᵏ` and `m ∈ [√½, √2)`, for positive finite numbers, subnormals too.
    fn split(self) -> (Self, Self);
    /// The magnitude of `self` with the sign of `sign`.
    fn with_sign_of(self, sign: Self) -> Self;
}

/// `Σ c_i xⁱ`, of one coefficient at least, by Horner's rule: fewest operations, and the vector's lanes hide the latency.
#[inline(always)]
pub(crate) fn polynomial<T: Lane, const FUSED: bool>(coefficients: &[T], x: T) -> T {
    let mut i = coefficients.len() - 1;
    let mut sum = coefficients[i];
    while i > 0 {
        i -= 1;
        sum = sum.fma::<FUSED>(x, coefficients[i]);
    }
    sum
}

macro_rules! lane {
    (
        $float:ident, $bits:ident, mantissa: $mantissa:literal, sqrt_half: $sqrt_half:literal,
        subnormal_shift: $shift:literal, $($constants:tt)*
    ) => {
        impl Lane for $float {
            const ONE: $float = 1.0;
            const TWO: $float = 2.0;
            const HALF: $float = 0.5;
            const QUARTER: $float = 0.25;
            const MAGIC: $float = (3_u64 << ($mantissa - 1)) as $float;
            $($constants)*

            #[inline(always)]
            fn fma<const FUSED: bool>(self, a: $float, b: $float) -> $float {
                if FUSED { self.mul_add(a, b) } else { self * a + b }
            }
            #[inline(always)]
            fn exp2_of_magic(self) -> $float {
                const BIAS: $bits = $float::MAX_EXP as $bits - 1;
                $float::from_bits(self.to_bits().wrapping_add(BIAS) << $mantissa)
            }
            #[inline(always)]
            fn split(self) -> ($float, $float) {
                // Counting exponents from √½ instead of 1 centres the mantissa around 1 (musl, log.c).
                const ONE: $bits = (1.0 as $float).to_bits();
                const FRACTION: $bits = (1 << $mantissa) - 1;
                const UNIT: $float = (1_u64 << $mantissa) as $float;
                const BIAS: $float = UNIT + ($float::MAX_EXP - 1) as $float;
                const UP: $float = (1_u64 << $shift) as $float;
                let subnormal = self < $float::MIN_POSITIVE;
                let normal = if subnormal { self * UP } else { self };
                let bias = if subnormal { BIAS + $shift as $float } else { BIAS };
                let bits = normal.to_bits().wrapping_add(ONE - $sqrt_half);
                let k = $float::from_bits(UNIT.to_bits() | (bits >> $mantissa)) - bias;
                (k, $float::from_bits((bits & FRACTION) + $sqrt_half))
            }
            #[inline(always)]
            fn with_sign_of(self, sign: $float) -> $float {
                self.copysign(sign)
            }
        }
    };
}

lane! {
    f64, u64, mantissa: 52, sqrt_half: 0x3fe6_a09e_667f_3bcd, subnormal_shift: 54,
    const LOG2_E: f64 = core::f64::consts::LOG2_E;
    const LN_2: [f64; 2] = [0.6931471803691238, 1.9082149292705877e-10];
    // Error 2^-57.9 of eʳ.
    const EXP: &'static [f64] = &[
        0.5000000000000011, 0.1666666666666641, 0.04166666666652925, 0.008333333333495611, 0.0013888888943904716,
        0.00019841269504725255, 2.4801492782381044e-05, 2.755758743406095e-06, 2.7630371471122607e-07,
        2.4999920754558975e-08,
    ];
    // Error 2^-58.5 of s.
    const LN: &'static [f64] = &[
        0.6666666666666734, 0.3999999999941413, 0.2857142874250942, 0.2222219856048987, 0.18183565001714055,
        0.15314032782266152, 0.14796132814940902,
    ];
    const EXP_RANGE: [f64; 2] = [-746.0, 710.0];
    const UP: (f64, f64) = (64.0, 5.421010862427522e-20); // 2^-64
    const SINH_MAX: f64 = 710.5;
    const TANH_MAX: f64 = 20.0;
    const LARGE_DECAY: f64 = 40.0;
    const SINH_TINY: f64 = 3.725290298461914e-9; // 2^-28
    const LARGE: f64 = 1e18;
}

lane! {
    f32, u32, mantissa: 23, sqrt_half: 0x3f35_04f3, subnormal_shift: 25,
    const LOG2_E: f32 = core::f32::consts::LOG2_E;
    const LN_2: [f32; 2] = [0.69314575, 1.4286068e-06];
    // Error 2^-28.3 of eʳ.
    const EXP: &'static [f32] = &[0.49999994, 0.1666652, 0.041668393, 0.00836878, 0.0013814496];
    // Error 2^-29.2 of s.
    const LN: &'static [f32] = &[0.66666776, 0.39977536, 0.29871863];
    const EXP_RANGE: [f32; 2] = [-104.0, 89.0];
    const UP: (f32, f32) = (32.0, 2.3283064e-10); // 2^-32
    const SINH_MAX: f32 = 89.45;
    const TANH_MAX: f32 = 10.0;
    const LARGE_DECAY: f32 = 20.0;
    const SINH_TINY: f32 = 0.00012207031; // 2^-13
    const LARGE: f32 = 1e9;
}
