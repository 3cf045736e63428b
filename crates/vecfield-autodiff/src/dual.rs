//! Dual numbers `x + Σ ẋᵢ εᵢ` with `εᵢ εⱼ = 0`: the value and `N` directional derivatives at once (Griewank–Walther,
//! Evaluating Derivatives, ch. 3, the vector forward mode).
//!
//! Loops over the tangent are plain `for`s over arrays of known length, which LLVM turns into SIMD instructions. The
//! type is not over-aligned: an alignment of 64 would pad `Dual<f64, 8>` from 72 to 128 bytes, and the memory traffic
//! costs more than unaligned loads do.

use core::cmp::Ordering;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use vecfield_traits::{Elementary, Scalar};

/// A value and its derivatives in `N` directions.
///
/// Over `T = f64` these are first derivatives; over `T = Dual<f64, M>` the tangents carry derivatives themselves.
/// Equality and order look at the value alone, so generic code takes the branch that it takes over plain numbers; to
/// compare derivatives, compare the fields.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Dual<T, const N: usize> {
    /// The number itself.
    pub value: T,
    /// Its derivatives, one per direction.
    pub tangent: [T; N],
}

impl<T: Elementary, const N: usize> Dual<T, N> {
    /// `value + Σ tangentᵢ εᵢ`.
    #[inline(always)]
    pub fn new(value: T, tangent: [T; N]) -> Self {
        Dual { value, tangent }
    }

    /// A number that does not move: all derivatives zero.
    #[inline(always)]
    pub fn constant(value: T) -> Self {
        Dual { value, tangent: [T::zero(); N] }
    }

    /// The variable of direction `i`: derivative one there, zero elsewhere.
    ///
    /// # Panics
    ///
    /// If `i` is not below `N`.
    #[inline]
    pub fn variable(value: T, i: usize) -> Self {
        let mut variable = Self::constant(value);
        variable.tangent[i] = T::one();
        variable
    }

    /// `g(self)` for a `g` with the given value and slope here.
    #[inline(always)]
    pub(crate) fn chain(self, value: T, slope: T) -> Self {
        Dual { value, tangent: lanes(|i| slope * self.tangent[i]) }
    }

    /// [`chain`](Self::chain) for a `g` whose slope may be infinite or undefined: `∞ · 0` would poison directions in
    /// which this number does not move.
    #[inline(always)]
    pub(crate) fn chain_guarded(self, value: T, slope: T) -> Self {
        if slope.is_finite() { self.chain(value, slope) } else { self.chain_still(value, slope) }
    }

    #[cold]
    fn chain_still(self, value: T, slope: T) -> Self {
        Dual { value, tangent: self.tangent.map(|x_dot| still_or(x_dot, slope * x_dot)) }
    }
}

/// One value a direction. A loop over indices: arrays' own `map` and iterators are functions of the standard library, compiled
/// without the wide registers of whoever calls them.
#[inline(always)]
pub(crate) fn lanes<T: Scalar, const N: usize>(value: impl Fn(usize) -> T) -> [T; N] {
    let mut lanes = [T::zero(); N];
    let mut i = 0;
    while i < N {
        lanes[i] = value(i);
        i += 1;
    }
    lanes
}

/// Zero where `x_dot` is zero in all its parts, `otherwise` elsewhere.
#[inline]
pub(crate) fn still_or<T: Scalar>(x_dot: T, otherwise: T) -> T {
    if vanishes(&x_dot) { T::zero() } else { otherwise }
}

/// Is every part (the value and, in a nested dual, each derivative) zero?
///
/// Equality would look at the value alone. Instead: three factors of `MAX` take even the smallest subnormal to infinity,
/// and leave zero finite.
#[inline]
pub(crate) fn vanishes<T: Scalar>(x: &T) -> bool {
    use vecfield_traits::Real;
    let huge = T::Real::MAX;
    *x == T::zero() && x.scale(huge).scale(huge).scale(huge).is_finite()
}

impl<T: Elementary, const N: usize> Scalar for Dual<T, N> {
    type Real = T::Real;

    #[inline(always)]
    fn lift(x: T::Real) -> Self {
        Self::constant(T::lift(x))
    }
    #[inline(always)]
    fn value(&self) -> T::Real {
        self.value.value()
    }
    #[inline(always)]
    fn scale(self, by: T::Real) -> Self {
        Dual { value: self.value.scale(by), tangent: lanes(|i| self.tangent[i].scale(by)) }
    }
    #[inline]
    fn is_finite(&self) -> bool {
        self.value.is_finite() && self.tangent.iter().all(T::is_finite)
    }
}

impl<T: Elementary, const N: usize> PartialEq for Dual<T, N> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Elementary, const N: usize> PartialOrd for Dual<T, N> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value().partial_cmp(&other.value())
    }
}

impl<T: Elementary, const N: usize> Neg for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Dual { value: -self.value, tangent: lanes(|i| -self.tangent[i]) }
    }
}

impl<T: Elementary, const N: usize> Add for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Dual { value: self.value + other.value, tangent: lanes(|i| self.tangent[i] + other.tangent[i]) }
    }
}

impl<T: Elementary, const N: usize> Sub for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Dual { value: self.value - other.value, tangent: lanes(|i| self.tangent[i] - other.tangent[i]) }
    }
}

#[allow(clippy::suspicious_arithmetic_impl)] // the rules of calculus have other signs in them
impl<T: Elementary, const N: usize> Mul for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Dual {
            value: self.value * other.value,
            tangent: lanes(|i| self.tangent[i] * other.value + self.value * other.tangent[i]),
        }
    }
}

#[allow(clippy::suspicious_arithmetic_impl)] // the rules of calculus have other signs in them
impl<T: Elementary, const N: usize> Div for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let inverse = T::one() / other.value; // one division for all N directions
        Dual { value, tangent: lanes(|i| (self.tangent[i] - value * other.tangent[i]) * inverse) }
    }
}

/// The assigning forms of the four operations.
macro_rules! assigning {
    ($($trait:ident $name:ident $operator:tt),*) => {$(
        impl<T: Elementary, const N: usize> $trait for Dual<T, N> {
            #[inline(always)]
            fn $name(&mut self, other: Self) {
                *self = *self $operator other;
            }
        }
    )*};
}
assigning!(AddAssign add_assign +, SubAssign sub_assign -, MulAssign mul_assign *, DivAssign div_assign /);

impl<T: Elementary, const N: usize> Add<T> for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn add(self, constant: T) -> Self {
        Dual { value: self.value + constant, ..self }
    }
}

impl<T: Elementary, const N: usize> Sub<T> for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, constant: T) -> Self {
        Dual { value: self.value - constant, ..self }
    }
}

impl<T: Elementary, const N: usize> Mul<T> for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, constant: T) -> Self {
        self.chain(self.value * constant, constant)
    }
}

impl<T: Elementary, const N: usize> Div<T> for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn div(self, constant: T) -> Self {
        self.chain(self.value / constant, T::one() / constant)
    }
}
