//! `sin`, `cos` and `tan`: `x = n π/2 + r`, then polynomials on `|r| ≤ π/4` (fdlibm, k_sin.c and k_cos.c).
//!
//! The reduction subtracts `n π/2` in parts whose products with `n < 2²⁰` are exact (Cody–Waite), and for `f64` carries the
//! rest of `r` along: 151 bits of `π/2` in all, so that even the double nearest to a zero of `sin` loses nothing. For `f32`,
//! `sin` and `cos` are one polynomial each, in double precision: `x = n π + r` with `|r| ≤ π/2`.
//! Larger arguments go to `std`, one by one.

/// Up to here the reduction holds: `n < 2²⁰`.
const REACH: f64 = 1_048_576.0;

const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52
const PI_2: [f64; 4] = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32];
/// The same for who fuses: the product with the first part, then the difference from `x`, are exact in 53 bits too.
const PI_2_FUSED: [f64; 3] = [core::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33];
/// What the first part of 33 bits leaves of `π/2`, to 53 bits.
const PI_2_REST: f64 = 6.077100506506192e-11;

/// `(sin r - r) / r³` and `(cos r - 1 + r²/2) / r⁴` in `r²`; errors 2^-57.9 and 2^-63.9.
const SIN: [f64; 6] = [
    -0.1666666666666663,
    0.008333333333321891,
    -0.0001984126982940077,
    2.755731355369201e-06,
    -2.50507368392175e-08,
    1.5895579199362178e-10,
];
const COS: [f64; 6] = [
    0.04166666666666659,
    -0.0013888888888872733,
    2.4801587288644293e-05,
    -2.75573141179146e-07,
    2.0875692307882445e-09,
    -1.1358085186761242e-11,
];
/// The same for `f32`; errors 2^-28.0 and 2^-33.0.
const SIN_SHORT: [f64; 3] = [-0.1666665446351479, 0.008332151339264801, -0.0001951398071159394];
const COS_SHORT: [f64; 3] = [0.041666645425700345, -0.001388730347623295, 2.443166982190567e-05];

/// `(sin r - r) / r³` in `r²` for `|r| ≤ π/2`; error 2^-35.3.
const SIN_HALF_TURN: [f64; 5] = [
    -0.16666666626147913,
    0.00833333110852758,
    -0.00019840868199746985,
    2.7525383891001914e-06,
    -2.3888899671741597e-08,
];

use crate::lane::{Lane, polynomial};

/// `f32` and `f64`: how to reduce, and how long the polynomials are.
pub(crate) trait Angle: Lane {
    /// Does `sin` have to ask `std`? Not for infinity, of which the formula makes NaN.
    fn is_far(self) -> bool;
    /// `sin`, but for the sign of zero.
    fn sine<const FUSED: bool>(self) -> Self;
    fn cosine<const FUSED: bool>(self) -> Self;
    /// `n + MAGIC`, `sin r` and `cos r`.
    fn turn<const FUSED: bool>(self) -> (u64, f64, f64);
    fn narrow(x: f64) -> Self;
}

#[inline(always)]
pub(crate) fn sin<T: Angle, const FUSED: bool>(x: T) -> T {
    let y = x.sine::<FUSED>();
    if x == T::zero() { x } else { y } // the reduction loses the sign of -0
}

#[inline(always)]
pub(crate) fn cos<T: Angle, const FUSED: bool>(x: T) -> T {
    x.cosine::<FUSED>()
}

#[inline(always)]
pub(crate) fn tan<T: Angle, const FUSED: bool>(x: T) -> T {
    let (n, sin, cos) = x.turn::<FUSED>();
    let odd = n & 1 != 0;
    let (over, under) = if odd { (-cos, sin) } else { (sin, cos) };
    let y = T::narrow(over / under);
    if x == T::zero() { x } else { y }
}

/// `(sin 2πx, cos 2πx)` for `x ∈ [0, 1]`: a turn is reduced without error.
#[inline(always)]
pub(crate) fn sin_cos_of_turn<const FUSED: bool>(x: f64) -> (f64, f64) {
    let quarters = 4.0 * x;
    let magic = quarters + MAGIC;
    let r = (quarters - (magic - MAGIC)) * core::f64::consts::FRAC_PI_2;
    let (n, sin, cos) = (magic.to_bits(), sin_reduced::<FUSED>(r, 0.0), cos_reduced::<FUSED>(r, 0.0));
    (quadrant(n, sin, cos), quadrant(n.wrapping_add(1), sin, cos))
}

/// `sin(n π/2 + r)` from `sin r` and `cos r`.
#[inline(always)]
fn quadrant(n: u64, sin: f64, cos: f64) -> f64 {
    let magnitude = if n & 1 != 0 { cos } else { sin };
    f64::from_bits(magnitude.to_bits() ^ ((n & 2) << 62))
}

impl Angle for f64 {
    #[inline(always)]
    fn is_far(self) -> bool {
        self.abs() > REACH && self.abs() < f64::INFINITY
    }

    #[inline(always)]
    fn sine<const FUSED: bool>(self) -> f64 {
        let (n, sin, cos) = self.turn::<FUSED>();
        quadrant(n, sin, cos)
    }

    #[inline(always)]
    fn cosine<const FUSED: bool>(self) -> f64 {
        let (n, sin, cos) = self.turn::<FUSED>();
        quadrant(n.wrapping_add(1), sin, cos)
    }

    #[inline(always)]
    fn turn<const FUSED: bool>(self) -> (u64, f64, f64) {
        let magic = self.fma::<FUSED>(core::f64::consts::FRAC_2_PI, MAGIC);
        let n = magic - MAGIC;
        if FUSED {
            let first = n.fma::<FUSED>(-PI_2_FUSED[0], self); // exact
            let product = n * PI_2_FUSED[1];
            let (r, lost) = difference(first, product);
            let beyond = n.fma::<FUSED>(PI_2_FUSED[1], -product);
            let rest = n.fma::<FUSED>(-PI_2_FUSED[2], lost - beyond);
            return (magic.to_bits(), sin_reduced::<FUSED>(r, rest), cos_reduced::<FUSED>(r, rest));
        }
        let first = self - n * PI_2[0]; // exact
        let (second, lost) = difference(first, n * PI_2[1]);
        let (third, lost_too) = difference(second, n * PI_2[2]);
        let low = (lost + lost_too) - n * PI_2[3];
        let r = third + low;
        let rest = low - (r - third);
        (magic.to_bits(), sin_reduced::<FUSED>(r, rest), cos_reduced::<FUSED>(r, rest))
    }

    #[inline(always)]
    fn narrow(x: f64) -> f64 {
        x
    }
}

impl Angle for f32 {
    #[inline(always)]
    fn is_far(self) -> bool {
        self.abs() > REACH as f32 && self.abs() < f32::INFINITY
    }

    #[inline(always)]
    fn sine<const FUSED: bool>(self) -> f32 {
        let x = f64::from(self);
        let magic = x.fma::<FUSED>(core::f64::consts::FRAC_1_PI, MAGIC);
        let n = magic - MAGIC;
        half_turn::<FUSED>(magic, n.fma::<FUSED>(-2.0 * PI_2_REST, n.fma::<FUSED>(-2.0 * PI_2[0], x)))
    }

    /// With `x = (n + 1/2) π - r`.
    #[inline(always)]
    fn cosine<const FUSED: bool>(self) -> f32 {
        let x = f64::from(self);
        let magic = x.fma::<FUSED>(core::f64::consts::FRAC_1_PI, -0.5) + MAGIC;
        let n = (magic - MAGIC) + 0.5;
        half_turn::<FUSED>(magic, n.fma::<FUSED>(2.0 * PI_2_REST, n.fma::<FUSED>(2.0 * PI_2[0], -x)))
    }

    #[inline(always)]
    fn turn<const FUSED: bool>(self) -> (u64, f64, f64) {
        let x = f64::from(self);
        let magic = x.fma::<FUSED>(core::f64::consts::FRAC_2_PI, MAGIC);
        let n = magic - MAGIC;
        let r = n.fma::<FUSED>(-PI_2_REST, n.fma::<FUSED>(-PI_2[0], x));
        let z = r * r;
        let sin = (z * r).fma::<FUSED>(polynomial::<f64, FUSED>(&SIN_SHORT, z), r);
        let cos = (z * z).fma::<FUSED>(polynomial::<f64, FUSED>(&COS_SHORT, z), z.fma::<FUSED>(-0.5, 1.0));
        (magic.to_bits(), sin, cos)
    }

    #[inline(always)]
    fn narrow(x: f64) -> f32 {
        x as f32
    }
}

/// `(-1)ⁿ sin r` for `|r| ≤ π/2`, with `magic = n + MAGIC`.
#[inline(always)]
fn half_turn<const FUSED: bool>(magic: f64, r: f64) -> f32 {
    let z = r * r;
    let sin = (z * r).fma::<FUSED>(polynomial::<f64, FUSED>(&SIN_HALF_TURN, z), r);
    f64::from_bits(sin.to_bits() ^ (magic.to_bits() << 63)) as f32
}

/// `a - b` and what rounding lost of it (Knuth's two-sum).
#[inline(always)]
fn difference(a: f64, b: f64) -> (f64, f64) {
    let d = a - b;
    let b_seen = a - d;
    let a_seen = d + b_seen;
    (d, (a - a_seen) - (b - b_seen))
}

/// `sin(r + rest)`.
#[inline(always)]
fn sin_reduced<const FUSED: bool>(r: f64, rest: f64) -> f64 {
    let z = r * r;
    let cube = z * r;
    let tail = polynomial::<f64, FUSED>(&SIN[1..], z);
    r - (z.fma::<FUSED>(0.5 * rest - cube * tail, -rest) - cube * SIN[0])
}

/// `cos(r + rest)`; what rounding takes from `1 - r²/2` is given back.
#[inline(always)]
fn cos_reduced<const FUSED: bool>(r: f64, rest: f64) -> f64 {
    let z = r * r;
    let half = 0.5 * z;
    let leading = 1.0 - half;
    let lost = (1.0 - leading) - half;
    leading + (lost + (z * z).fma::<FUSED>(polynomial::<f64, FUSED>(&COS, z), -(r * rest)))
}
