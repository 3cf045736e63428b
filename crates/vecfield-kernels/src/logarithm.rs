//! `ln` and `softplus`, from `ln(2ᵏ (1+f)) = k ln 2 + ln(1+f)` and
//! `ln(1+f) = 2 atanh s`, `s = f / (2+f)`, arranged so that the leading `f` is added last (fdlibm, e_log.c).

use crate::exponential::decay;
use crate::lane::{Lane, polynomial};

/// `k ln 2 + ln(1 + f)` for `1 + f ∈ [√½, √2]`.
#[inline(always)]
fn assemble<T: Lane, const FUSED: bool>(k: T, f: T) -> T {
    let s = f / (T::TWO + f);
    let z = s * s;
    let half_square = T::HALF * f * f;
    let tail = z * polynomial::<T, FUSED>(T::LN, z);
    let inner = s.fma::<FUSED>(half_square + tail, k * T::LN_2[1]);
    k.fma::<FUSED>(T::LN_2[0], f - (half_square - inner))
}

#[inline(always)]
pub(crate) fn ln<T: Lane, const FUSED: bool>(x: T) -> T {
    let (k, m) = x.split();
    let y = assemble::<T, FUSED>(k, m - T::ONE);
    let y = if x > T::MAX { x } else { y };
    let outside = if x == T::zero() { -T::INFINITY } else { T::NAN };
    if x > T::zero() { y } else { outside } // NaN compares false
}

/// `ln(1 + eˣ) = max(x, 0) + ln(1 + e^-|x|)`.
#[inline(always)]
pub(crate) fn softplus<T: Lane, const FUSED: bool>(x: T) -> T {
    softplus_of::<T, FUSED>(x, decay::<T, FUSED>(-x.abs()))
}

/// The same, for who has `e = e^-|x|` already.
#[inline(always)]
pub(crate) fn softplus_of<T: Lane, const FUSED: bool>(x: T, e: T) -> T {
    // √2 - 1: beyond it halve 1 + e, so that the logarithm is taken near 1; e - 1 is then exact to half an ulp of 1 + e.
    let upper = e > T::from_f64(core::f64::consts::SQRT_2 - 1.0);
    let f = if upper { (e - T::ONE) * T::HALF } else { e };
    let k = if upper { T::ONE } else { T::zero() };
    (if x > T::zero() { x } else { T::zero() }) + assemble::<T, FUSED>(k, f)
}
