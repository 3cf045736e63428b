//! `exp` and its relatives, from `eˣ = 2ᵏ eʳ` with `k = round(x / ln 2)` and `|r| ≤ ln 2 / 2` (Muller, Elementary
//! Functions, section 11.2).
//!
//! `eʳ - 1` keeps its relative accuracy near 0, so `tanh` and `sinh` need no branch there.

use crate::lane::{Lane, polynomial};

/// `(k + MAGIC, eʳ - 1)`.
#[inline(always)]
fn reduce<T: Lane, const FUSED: bool>(x: T) -> (T, T) {
    let magic = x.fma::<FUSED>(T::LOG2_E, T::MAGIC);
    let k = magic - T::MAGIC;
    let leading = k.fma::<FUSED>(-T::LN_2[0], x); // exact: the product has no more bits than a float holds
    let r = k.fma::<FUSED>(-T::LN_2[1], leading);
    let rest = k.fma::<FUSED>(-T::LN_2[1], leading - r); // what rounding took from r, worth half an ulp of tanh
    (magic, r + (r * r).fma::<FUSED>(polynomial::<T, FUSED>(T::EXP, r), rest))
}

/// The smaller, or NaN: `f64::min` would hide it.
#[inline(always)]
fn at_most<T: Lane>(x: T, limit: T) -> T {
    if x > limit { limit } else { x }
}

#[inline(always)]
pub(crate) fn exp<T: Lane, const FUSED: bool>(x: T) -> T {
    let x = at_most(if x < T::EXP_RANGE[0] { T::EXP_RANGE[0] } else { x }, T::EXP_RANGE[1]);
    let (magic, p) = reduce::<T, FUSED>(x);
    // 2ᵏ in two factors, the first a normal number: the second scales to infinity without error, or down to a subnormal
    // number with one rounding.
    let (shift, back) = if x < T::zero() { T::UP } else { (-T::TWO, T::TWO + T::TWO) };
    let scale = (magic + shift).exp2_of_magic();
    scale.fma::<FUSED>(p, scale) * back
}

/// `eˣ` for `x ≤ 0`, with the same bound on its error and a third less work: one end to guard, and one scale that cannot
/// overflow.
#[inline(always)]
pub(crate) fn decay<T: Lane, const FUSED: bool>(x: T) -> T {
    let (magic, p) = reduce::<T, FUSED>(if x < T::EXP_RANGE[0] { T::EXP_RANGE[0] } else { x });
    // Scaled up the power of two is a normal number; scaling down rounds once.
    let scale = (magic + T::UP.0).exp2_of_magic();
    scale.fma::<FUSED>(p, scale) * T::UP.1
}

/// `eˣ - 1`, for `x` from where it is -1 up to 0 and a little above.
#[inline(always)]
pub(crate) fn exp_m1<T: Lane, const FUSED: bool>(x: T) -> T {
    let (magic, p) = reduce::<T, FUSED>(x);
    let scale = magic.exp2_of_magic();
    let y = scale.fma::<FUSED>(p, scale - T::ONE);
    if x == T::zero() { x } else { y }
}

/// `tanh |x| = (e²ˣ - 1) / (e²ˣ + 1)`.
#[inline(always)]
pub(crate) fn tanh<T: Lane, const FUSED: bool>(x: T) -> T {
    let (magic, p) = reduce::<T, FUSED>(at_most(x.abs(), T::TANH_MAX) * T::TWO);
    let scale = magic.exp2_of_magic();
    let growth = scale.fma::<FUSED>(p, scale - T::ONE);
    (growth / (growth + T::TWO)).with_sign_of(x)
}

/// `sinh |x| = h + h / (2h + 1)` with `h = (eˣ - 1) / 2`.
#[inline(always)]
pub(crate) fn sinh<T: Lane, const FUSED: bool>(x: T) -> T {
    let size = x.abs();
    let (magic, p) = reduce::<T, FUSED>(at_most(size, T::SINH_MAX));
    // A quarter of eˣ stays finite where a half of it does not.
    let scale = (magic - T::TWO).exp2_of_magic();
    let h = scale.fma::<FUSED>(p, scale - T::QUARTER) * T::TWO;
    let bounded = at_most(h, T::LARGE);
    let y = h + bounded / bounded.fma::<FUSED>(T::TWO, T::ONE);
    if size < T::SINH_TINY { x } else { y.with_sign_of(x) }
}

/// `cosh x = h + 1 / (4h)` with `h = e^|x| / 2`.
#[inline(always)]
pub(crate) fn cosh<T: Lane, const FUSED: bool>(x: T) -> T {
    let (magic, p) = reduce::<T, FUSED>(at_most(x.abs(), T::SINH_MAX));
    let scale = (magic - T::TWO).exp2_of_magic();
    let h = scale.fma::<FUSED>(p, scale) * T::TWO;
    h + T::QUARTER / h
}

/// `1 / (1 + e^-x)`, from `e^-|x|` so that neither end overflows.
#[inline(always)]
pub(crate) fn sigmoid<T: Lane, const FUSED: bool>(x: T) -> T {
    let e = decay::<T, FUSED>(-x.abs());
    (if x >= T::zero() { T::ONE } else { e }) / (T::ONE + e)
}
