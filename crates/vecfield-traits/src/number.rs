//! The three layers of number: [`Scalar`] (a field with a real inside), [`Elementary`] (with `exp`, `sin`, ..) and
//! [`Real`] (`f32`, `f64`).
//!
//! `Real` deliberately does not extend `num_traits::Float`: both traits would offer `exp`, and every call in generic code
//! would be ambiguous. What solvers need of a float (epsilon, finiteness, conversion) is asked for here.

use core::fmt::{Debug, Display, LowerExp};
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// A number a solver can step: closed under `+ - * /`, with a real number inside.
///
/// `f32`, `f64`, duals, Taylor jets. The solver's own quantities (time, step, tolerance) are of type [`Scalar::Real`].
pub trait Scalar:
    Copy
    + Send
    + Sync
    + 'static
    + Debug
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
{
    /// What time, steps and tolerances are made of.
    type Real: Real;

    /// The constant `x`: no tangent, no higher coefficient.
    fn lift(x: Self::Real) -> Self;

    /// The real number inside, with every derivative forgotten. Error norms look at this alone.
    ///
    /// A formula that chooses a branch by it cannot run over numbers that stand for several systems at once (the lanes of an
    /// ensemble), whose value is NaN where they differ; `min`, `max`, `abs` and `sign` choose for each.
    fn value(&self) -> Self::Real;

    /// `self * by`, cheaper than multiplying by `lift(by)`.
    fn scale(self, by: Self::Real) -> Self;

    /// Is every part (value and derivatives) a finite number?
    fn is_finite(&self) -> bool;

    /// The additive identity.
    fn zero() -> Self {
        Self::lift(Self::Real::from_f64(0.0))
    }

    /// The multiplicative identity.
    fn one() -> Self {
        Self::lift(Self::Real::from_f64(1.0))
    }

    /// The constant nearest to `x`.
    fn constant(x: f64) -> Self {
        Self::lift(Self::Real::from_f64(x))
    }
}

/// A scalar with the elementary functions. Outside a function's domain the result holds NaN, as for floats.
///
/// Comparisons (`min`, `max`, `abs`, `sign`, `greater`, `where_positive`) look at the value; derivatives follow the branch taken.
/// NaN is kept: `min` and `max` of a NaN are NaN, unlike `f64::min`, so that a broken computation cannot hide. What a selection
/// leaves out is not computed with, and its NaN goes nowhere.
pub trait Elementary: Scalar {
    /// `eˣ`.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// `√x`; its derivative at 0 is infinite.
    fn sqrt(self) -> Self;
    /// Sine of radians.
    fn sin(self) -> Self;
    /// Cosine of radians.
    fn cos(self) -> Self;
    /// Tangent of radians.
    fn tan(self) -> Self;
    /// Inverse sine, in `[-π/2, π/2]`.
    fn asin(self) -> Self;
    /// Inverse cosine, in `[0, π]`.
    fn acos(self) -> Self;
    /// Inverse tangent, in `[-π/2, π/2]`.
    fn atan(self) -> Self;
    /// Hyperbolic sine.
    fn sinh(self) -> Self;
    /// Hyperbolic cosine.
    fn cosh(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// `|x|`; the derivative at 0 is taken as 0.
    fn abs(self) -> Self;
    /// `-1`, `0` or `1`; `sign(0) = 0`, derivative 0 everywhere.
    fn sign(self) -> Self;
    /// `xⁿ` by repeated squaring; `x⁰ = 1`, for `x = 0` too.
    fn powi(self, n: i32) -> Self;
    /// `x^e` for a variable exponent, `exp(e ln x)` where `x > 0`; integral constant exponents allow `x ≤ 0`.
    fn powf(self, exponent: Self) -> Self;
    /// The smaller by value; NaN if either is.
    fn min(self, other: Self) -> Self;
    /// The larger by value; NaN if either is.
    fn max(self, other: Self) -> Self;
    /// 1 where this is larger than the other by value, else 0; NaN if either is. Derivative 0 everywhere.
    fn greater(self, other: Self) -> Self;
    /// This where the condition is above zero by value, else 0, whatever this is, NaN too; NaN if the condition is. In other words
    /// this times Iverson's bracket `[condition > 0]`, which is strongly zero (Knuth 1992, *Two notes on notation*).
    ///
    /// ```
    /// use vecfield_traits::Elementary;
    ///
    /// let root = |x: f64| Elementary::sqrt(x).where_positive(x);
    /// assert_eq!([root(4.0), root(0.0), root(-4.0)], [2.0, 0.0, 0.0]);
    /// assert!(root(f64::NAN).is_nan());
    /// ```
    #[must_use]
    fn where_positive(self, condition: Self) -> Self;
}

/// A floating-point number: `f32` or `f64`.
pub trait Real: Elementary<Real = Self> + PartialOrd + Display + LowerExp + Default {
    /// Distance from 1 to the next larger number.
    const EPSILON: Self;
    /// Smallest positive normal number.
    const MIN_POSITIVE: Self;
    /// Largest finite number.
    const MAX: Self;
    /// Not a number.
    const NAN: Self;
    /// Positive infinity.
    const INFINITY: Self;

    /// The nearest number to `x`.
    fn from_f64(x: f64) -> Self;
    /// The same number in double precision.
    fn to_f64(self) -> f64;
    /// Is it NaN?
    fn is_nan(self) -> bool;
    /// Largest integer not above.
    fn floor(self) -> Self;
    /// `self * a + b`, rounded as the target does it fastest (fused only where the hardware fuses).
    fn mul_add_fast(self, a: Self, b: Self) -> Self;

    /// The one of the two that is this number's.
    ///
    /// With functions that are not generic, the code of both floats is compiled where these are written; a generic one is
    /// compiled again by every crate that calls it.
    ///
    /// ```
    /// use vecfield_traits::{PerReal, Real};
    ///
    /// /// A polynomial's value.
    /// struct Horner;
    /// impl PerReal for Horner {
    ///     type Of<R: Real> = fn(&[R], R) -> R;
    /// }
    /// fn horner<R: Real>(coefficients: &[R], x: R) -> R {
    ///     coefficients.iter().rev().fold(R::zero(), |sum, &c| sum * x + c)
    /// }
    /// fn single(coefficients: &[f32], x: f32) -> f32 { horner(coefficients, x) }
    /// fn double(coefficients: &[f64], x: f64) -> f64 { horner(coefficients, x) }
    ///
    /// fn compiled_here<R: Real>(coefficients: &[R], x: R) -> R {
    ///     R::choose::<Horner>(single, double)(coefficients, x)
    /// }
    /// assert_eq!(compiled_here(&[1.0_f32, 2.0], 3.0), 7.0);
    /// ```
    fn choose<T: PerReal>(single: T::Of<f32>, double: T::Of<f64>) -> T::Of<Self>;
}

/// Something that there is once for each float; see [`Real::choose`].
pub trait PerReal {
    /// That of this one.
    type Of<R: Real>;
}

macro_rules! real {
    ($float:ty, |$single:ident, $double:ident| $own:ident) => {
        impl Scalar for $float {
            type Real = $float;

            #[inline(always)]
            fn lift(x: $float) -> $float {
                x
            }
            #[inline(always)]
            fn value(&self) -> $float {
                *self
            }
            #[inline(always)]
            fn scale(self, by: $float) -> $float {
                self * by
            }
            #[inline(always)]
            fn is_finite(&self) -> bool {
                <$float>::is_finite(*self)
            }
        }

        impl Elementary for $float {
            real!(@unary exp ln sqrt sin cos tan asin acos atan sinh cosh tanh abs : $float);

            #[inline]
            fn sign(self) -> $float {
                if self > 0.0 {
                    1.0
                } else if self < 0.0 {
                    -1.0
                } else {
                    self * 0.0 // 0 stays 0, NaN stays NaN
                }
            }
            #[inline]
            fn powi(self, n: i32) -> $float {
                <$float>::powi(self, n)
            }
            #[inline]
            fn powf(self, exponent: $float) -> $float {
                <$float>::powf(self, exponent)
            }
            #[inline]
            fn min(self, other: $float) -> $float {
                if self.is_nan() || self < other { self } else { other }
            }
            #[inline]
            fn max(self, other: $float) -> $float {
                if self.is_nan() || self > other { self } else { other }
            }
            #[inline]
            fn greater(self, other: $float) -> $float {
                let larger = if self > other { 1.0 } else { 0.0 };
                if self.is_nan() | other.is_nan() { <$float>::NAN } else { larger }
            }
            #[inline]
            fn where_positive(self, condition: $float) -> $float {
                let chosen = if condition > 0.0 { self } else { 0.0 };
                if condition.is_nan() { condition } else { chosen }
            }
        }

        impl Real for $float {
            const EPSILON: $float = <$float>::EPSILON;
            const MIN_POSITIVE: $float = <$float>::MIN_POSITIVE;
            const MAX: $float = <$float>::MAX;
            const NAN: $float = <$float>::NAN;
            const INFINITY: $float = <$float>::INFINITY;

            #[inline(always)]
            fn from_f64(x: f64) -> $float {
                x as $float
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                <$float>::is_nan(self)
            }
            #[inline]
            fn floor(self) -> $float {
                <$float>::floor(self)
            }
            #[inline(always)]
            fn mul_add_fast(self, a: $float, b: $float) -> $float {
                // Without hardware FMA `mul_add` is a library call, fifty times slower than two instructions.
                if cfg!(target_feature = "fma") { <$float>::mul_add(self, a, b) } else { self * a + b }
            }
            #[inline(always)]
            fn choose<T: PerReal>($single: T::Of<f32>, $double: T::Of<f64>) -> T::Of<$float> {
                $own
            }
        }
    };
    (@unary $($name:ident)* : $float:ty) => {
        $(
            #[inline]
            fn $name(self) -> $float {
                <$float>::$name(self)
            }
        )*
    };
}

real!(f32, |single, _double| single);
real!(f64, |_single, double| double);
