//! Truncated Taylor series `Σ cₖ sᵏ`, `k < K`, as numbers (Griewank–Walther, Evaluating Derivatives, ch. 13).
//!
//! Every operation finds its `k`-th coefficient from lower ones by a recurrence, in `O(K²)` for all of them; what nested
//! duals would take is `O(2ᴷ)`.

mod elementary;

use core::cmp::Ordering;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use vecfield_traits::{Elementary, Real, Scalar};

use crate::dual::vanishes;

/// The first `K` Taylor coefficients of a function of one parameter.
///
/// Over `T = Dual<f64, N>` each coefficient carries derivatives; a `Dual<Jet<f64, K>, N>` holds the same numbers in the
/// other order. Equality and order look at the value alone, as those of floats do; to compare series, compare the fields.
///
/// ```
/// use vecfield_autodiff::Jet;
/// use vecfield_traits::Elementary;
///
/// // 1/(1 - s) is the geometric series.
/// let s = Jet::<f64, 6>::variable(0.0);
/// assert_eq!((s - 1.0).powi(-1).coefficients, [-1.0; 6]);
/// ```
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub struct Jet<T, const K: usize> {
    /// `cₖ`, the `k`-th derivative over `k!`.
    pub coefficients: [T; K],
}

impl<T: Elementary, const K: usize> Jet<T, K> {
    /// `Σ cₖ sᵏ`.
    pub fn new(coefficients: [T; K]) -> Self {
        const { assert!(K > 0, "a series has a value") };
        Jet { coefficients }
    }

    /// A series that does not move.
    pub fn constant(value: T) -> Self {
        Self::from_recurrence(value, |_, _| T::zero())
    }

    /// `value + s`.
    pub fn variable(value: T) -> Self {
        let mut variable = Self::constant(value);
        if let Some(slope) = variable.coefficients.get_mut(1) {
            *slope = T::one();
        }
        variable
    }

    /// The sum of the series at `s`, by Horner's rule.
    pub fn at(&self, s: T) -> T {
        self.coefficients.iter().rev().fold(T::zero(), |sum, &c| sum * s + c)
    }

    /// `k! cₖ` for every `k`.
    pub fn derivatives(&self) -> [T; K] {
        let (mut derivatives, mut factorial) = (self.coefficients, 1.0);
        for k in 1..K {
            factorial *= k as f64;
            derivatives[k] = derivatives[k].scale(real::<T>(factorial));
        }
        derivatives
    }

    /// The series with `c₀ = value` and each further `cₖ = next(&c, k)`, which sees zeros from `cₖ` on.
    #[inline(always)]
    fn from_recurrence(value: T, mut next: impl FnMut(&[T; K], usize) -> T) -> Self {
        const { assert!(K > 0, "a series has a value") };
        let mut c = [T::zero(); K];
        c[0] = value;
        for k in 1..K {
            c[k] = next(&c, k);
        }
        Jet { coefficients: c }
    }

    #[inline(always)]
    fn head(&self) -> T {
        self.coefficients[0]
    }

    /// `k cₖ`: the coefficients of `s d/ds`.
    #[inline(always)]
    fn weighted(&self) -> [T; K] {
        let mut weighted = self.coefficients;
        for k in 0..K {
            weighted[k] = weighted[k].scale(real::<T>(k as f64));
        }
        weighted
    }

    /// `cₖ = Σ a_j b_{k-j}`.
    #[inline]
    fn product(&self, other: &Self) -> Self {
        let (a, b) = (&self.coefficients, &other.coefficients);
        Self::from_recurrence(a[0] * b[0], |_, k| a[0] * b[k] + tail(a, b, k))
    }

    /// `cₖ = (aₖ - Σ b_j c_{k-j}) / b₀`.
    #[inline]
    fn quotient(&self, other: &Self) -> Self {
        let (a, b) = (&self.coefficients, &other.coefficients);
        Self::from_recurrence(a[0] / b[0], |c, k| (a[k] - tail(b, c, k)) / b[0])
    }

    /// Is every coefficient but the value zero?
    fn is_still(&self) -> bool {
        self.coefficients[1..].iter().all(vanishes)
    }
}

/// `Σ x_j y_{k-j}` over `1 ≤ j ≤ k`.
#[inline(always)]
fn tail<T: Scalar, const K: usize>(x: &[T; K], y: &[T; K], k: usize) -> T {
    (1..=k).fold(T::zero(), |sum, j| sum + x[j] * y[k - j])
}

#[inline(always)]
fn real<T: Scalar>(x: f64) -> T::Real {
    T::Real::from_f64(x)
}

impl<T: Elementary, const K: usize> Scalar for Jet<T, K> {
    type Real = T::Real;

    #[inline(always)]
    fn lift(x: T::Real) -> Self {
        Self::constant(T::lift(x))
    }
    #[inline(always)]
    fn value(&self) -> T::Real {
        self.head().value()
    }
    #[inline(always)]
    fn scale(self, by: T::Real) -> Self {
        Jet { coefficients: self.coefficients.map(|c| c.scale(by)) }
    }
    #[inline]
    fn is_finite(&self) -> bool {
        self.coefficients.iter().all(T::is_finite)
    }
}

impl<T: Elementary, const K: usize> PartialEq for Jet<T, K> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.head() == other.head()
    }
}

impl<T: Elementary, const K: usize> PartialOrd for Jet<T, K> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value().partial_cmp(&other.value())
    }
}

impl<T: Elementary, const K: usize> Neg for Jet<T, K> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Jet { coefficients: self.coefficients.map(|c| -c) }
    }
}

impl<T: Elementary, const K: usize> AddAssign for Jet<T, K> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        for (a, b) in self.coefficients.iter_mut().zip(other.coefficients) {
            *a += b;
        }
    }
}

impl<T: Elementary, const K: usize> SubAssign for Jet<T, K> {
    #[inline(always)]
    fn sub_assign(&mut self, other: Self) {
        for (a, b) in self.coefficients.iter_mut().zip(other.coefficients) {
            *a -= b;
        }
    }
}

impl<T: Elementary, const K: usize> MulAssign for Jet<T, K> {
    #[inline]
    fn mul_assign(&mut self, other: Self) {
        *self = self.product(&other);
    }
}

impl<T: Elementary, const K: usize> DivAssign for Jet<T, K> {
    #[inline]
    fn div_assign(&mut self, other: Self) {
        *self = self.quotient(&other);
    }
}

/// The four operations from their assigning forms, and with a number that does not move on the right.
macro_rules! operation {
    ($($trait:ident $name:ident $assign:ident: |$a:ident, $constant:ident| $plain:expr;)*) => {$(
        impl<T: Elementary, const K: usize> $trait for Jet<T, K> {
            type Output = Self;
            #[inline(always)]
            fn $name(mut self, other: Self) -> Self {
                self.$assign(other);
                self
            }
        }
        impl<T: Elementary, const K: usize> $trait<T> for Jet<T, K> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, $constant: T) -> Self {
                let $a = self;
                $plain
            }
        }
    )*};
}
operation! {
    Add add add_assign: |a, constant| a.with_head(a.head() + constant);
    Sub sub sub_assign: |a, constant| a.with_head(a.head() - constant);
    Mul mul mul_assign: |a, constant| Jet { coefficients: a.coefficients.map(|c| c * constant) };
    Div div div_assign: |a, constant| Jet { coefficients: a.coefficients.map(|c| c / constant) };
}

impl<T: Elementary, const K: usize> Jet<T, K> {
    #[inline(always)]
    fn with_head(mut self, value: T) -> Self {
        self.coefficients[0] = value;
        self
    }
}
