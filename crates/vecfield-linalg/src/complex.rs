//! What an entry of an LU factorisation must offer, and the complex numbers that implicit Runge–Kutta methods need.

use core::fmt::Debug;
use core::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};
use vecfield_traits::Real;

/// An entry of a square system: `f32`, `f64` or [`Complex`] of them.
pub trait Element:
    Copy
    + Debug
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
{
    /// The type of its size.
    type Real: Real;

    /// The additive identity.
    fn nought() -> Self;
    /// The multiplicative identity.
    fn unit() -> Self;
    /// The real number `x`.
    fn lift(x: Self::Real) -> Self;
    /// The complex conjugate; a real number is its own.
    fn conjugate(self) -> Self;
    /// Real and imaginary part.
    fn parts(self) -> (Self::Real, Self::Real);
    /// The number with these parts; a real number drops the imaginary one.
    fn from_parts(re: Self::Real, im: Self::Real) -> Self;
    /// A norm by which pivots are compared: `|x|`, or `|re| + |im|`, which is as good and needs no root.
    fn size(self) -> Self::Real;
}

impl<R: Real> Element for R {
    type Real = R;

    #[inline(always)]
    fn nought() -> R {
        R::zero()
    }
    #[inline(always)]
    fn unit() -> R {
        R::one()
    }
    #[inline(always)]
    fn lift(x: R) -> R {
        x
    }
    #[inline(always)]
    fn conjugate(self) -> R {
        self
    }
    #[inline(always)]
    fn parts(self) -> (R, R) {
        (self, R::zero())
    }
    #[inline(always)]
    fn from_parts(re: R, _im: R) -> R {
        re
    }
    #[inline(always)]
    fn size(self) -> R {
        self.abs()
    }
}

/// A complex number `re + i im`, with the arithmetic a factorisation needs and no more.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Complex<R> {
    /// Real part.
    pub re: R,
    /// Imaginary part.
    pub im: R,
}

impl<R: Real> Complex<R> {
    /// `re + i im`.
    #[inline(always)]
    pub fn new(re: R, im: R) -> Self {
        Self { re, im }
    }
}

impl<R: Real> Element for Complex<R> {
    type Real = R;

    #[inline(always)]
    fn nought() -> Self {
        Self::new(R::zero(), R::zero())
    }
    #[inline(always)]
    fn unit() -> Self {
        Self::new(R::one(), R::zero())
    }
    #[inline(always)]
    fn lift(x: R) -> Self {
        Self::new(x, R::zero())
    }
    #[inline(always)]
    fn conjugate(self) -> Self {
        Self::new(self.re, -self.im)
    }
    #[inline(always)]
    fn parts(self) -> (R, R) {
        (self.re, self.im)
    }
    #[inline(always)]
    fn from_parts(re: R, im: R) -> Self {
        Self::new(re, im)
    }
    #[inline(always)]
    fn size(self) -> R {
        self.re.abs() + self.im.abs()
    }
}

impl<R: Real> Add for Complex<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }
}

impl<R: Real> Sub for Complex<R> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }
}

impl<R: Real> Mul for Complex<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::new(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }
}

impl<R: Real> Div for Complex<R> {
    type Output = Self;
    /// Smith's algorithm (Smith 1962), which overflows only where the quotient does.
    #[inline]
    fn div(self, other: Self) -> Self {
        if other.re.abs() >= other.im.abs() {
            let ratio = other.im / other.re;
            let denominator = other.re + other.im * ratio;
            Self::new((self.re + self.im * ratio) / denominator, (self.im - self.re * ratio) / denominator)
        } else {
            let ratio = other.re / other.im;
            let denominator = other.re * ratio + other.im;
            Self::new((self.re * ratio + self.im) / denominator, (self.im * ratio - self.re) / denominator)
        }
    }
}

impl<R: Real> Neg for Complex<R> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::new(-self.re, -self.im)
    }
}

impl<R: Real> AddAssign for Complex<R> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl<R: Real> SubAssign for Complex<R> {
    #[inline(always)]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}
