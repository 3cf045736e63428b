//! The elementary functions of a series, by two recurrences (Griewank–Walther, Table 13.2): what has the slope `c' = w a'`,
//! and what has `c' = a' / w`, with `w` a series that is known as far as it is needed.

use vecfield_traits::{Elementary, Real, Scalar};

use super::{Jet, real, tail};
use crate::dual::vanishes;

impl<T: Elementary, const K: usize> Jet<T, K> {
    /// `c₀ = value`, `c' = w a'`: `k cₖ = Σ j a_j w_{k-j}`, for a `w` that `next_w(&c, &w, k)` extends once `cₖ` is known.
    #[inline(always)]
    fn product_slope(self, value: T, w0: T, mut next_w: impl FnMut(&[T; K], &[T; K], usize) -> T) -> Self {
        let (slope, mut w) = (self.weighted(), [T::zero(); K]);
        w[0] = w0;
        let mut extended = 1;
        Self::from_recurrence(value, |c, k| {
            while extended < k {
                w[extended] = next_w(c, &w, extended);
                extended += 1;
            }
            tail(&slope, &w, k).scale(real::<T>(1.0 / k as f64))
        })
    }

    /// `c₀ = value`, `c' = a' / w`: `k w₀ cₖ = k aₖ - Σ j c_j w_{k-j}` over `1 ≤ j < k`.
    ///
    /// What does not move has no slope to lose, were it infinite.
    #[inline(always)]
    fn quotient_slope(self, value: T, w: &Self) -> Self {
        if self.is_still() {
            return Self::constant(value);
        }
        let (a, w) = (self.coefficients, w.coefficients);
        let mut slope = [T::zero(); K]; // k cₖ
        Self::from_recurrence(value, |_, k| {
            let c = (a[k] - tail(&slope, &w, k).scale(real::<T>(1.0 / k as f64))) / w[0];
            slope[k] = c.scale(real::<T>(k as f64));
            c
        })
    }

    /// `(S, C)` with `S' = C a'` and `C' = ±S a'`: circular for minus, hyperbolic for plus.
    fn pair(self, sine: T, cosine: T, sign: T) -> (Self, Self) {
        let slope = self.weighted();
        let (mut s, mut c) = (Self::constant(sine), Self::constant(cosine));
        for k in 1..K {
            let share = real::<T>(1.0 / k as f64);
            s.coefficients[k] = tail(&slope, &c.coefficients, k).scale(share);
            c.coefficients[k] = sign * tail(&slope, &s.coefficients, k).scale(share);
        }
        (s, c)
    }

    /// `√(1 - a²)`, without the cancellation of `1 - a·a` near `|a| = 1`.
    fn half_chord(self) -> Self {
        let one = Self::one();
        ((one - self) * (one + self)).sqrt()
    }

    /// `c = aᵉ` for a constant `e`: `k a₀ cₖ = Σ ((e + 1) j - k) a_j c_{k-j}`.
    fn constant_power(self, value: T, e: T) -> Self {
        let a = self.coefficients;
        let (weighted, up) = (self.weighted(), e + T::one());
        Self::from_recurrence(value, |c, k| {
            let sum = up * tail(&weighted, c, k) - tail(&a, c, k).scale(real::<T>(k as f64));
            sum.scale(real::<T>(1.0 / k as f64)) / a[0]
        })
    }

    /// `aⁿ` by repeated squaring, which asks nothing of `a₀`.
    fn whole_power(self, value: T, n: u32) -> Self {
        let (mut power, mut square, mut left) = (Self::one(), self, n);
        while left > 0 {
            if left % 2 == 1 {
                power *= square;
            }
            left /= 2;
            if left > 0 {
                square *= square;
            }
        }
        power.with_head(value)
    }

    /// `aᵉ` at `a₀ = 0 < e`, which is no power series unless `e` is whole: the coefficients below `e` are zero, the others
    /// infinite or undefined.
    fn power_at_zero(self, value: T, e: T) -> Self {
        let exponent = e.value().to_f64();
        Self::from_recurrence(value, |_, k| if (k as f64) < exponent { T::zero() } else { T::lift(T::Real::NAN) })
    }
}

impl<T: Elementary, const K: usize> Elementary for Jet<T, K> {
    #[inline]
    fn exp(self) -> Self {
        let (slope, value) = (self.weighted(), self.head().exp());
        Self::from_recurrence(value, |c, k| tail(&slope, c, k).scale(real::<T>(1.0 / k as f64)))
    }
    fn ln(self) -> Self {
        self.quotient_slope(self.head().ln(), &self)
    }
    /// `2 c₀ cₖ = aₖ - Σ c_j c_{k-j}` over `0 < j < k`.
    fn sqrt(self) -> Self {
        let value = self.head().sqrt();
        if self.is_still() {
            return Self::constant(value);
        }
        let (a, twice) = (self.coefficients, value + value);
        Self::from_recurrence(value, |c, k| (a[k] - tail(c, c, k)) / twice)
    }
    fn sin(self) -> Self {
        self.pair(self.head().sin(), self.head().cos(), -T::one()).0
    }
    fn cos(self) -> Self {
        self.pair(self.head().sin(), self.head().cos(), -T::one()).1
    }
    fn tan(self) -> Self {
        let value = self.head().tan();
        self.product_slope(value, T::one() + value * value, |c, _, k| c[0] * c[k] + tail(c, c, k))
    }
    fn asin(self) -> Self {
        self.quotient_slope(self.head().asin(), &self.half_chord())
    }
    fn acos(self) -> Self {
        self.quotient_slope(self.head().acos(), &-self.half_chord())
    }
    fn atan(self) -> Self {
        self.quotient_slope(self.head().atan(), &(Self::one() + self * self))
    }
    fn sinh(self) -> Self {
        self.pair(self.head().sinh(), self.head().cosh(), T::one()).0
    }
    fn cosh(self) -> Self {
        self.pair(self.head().sinh(), self.head().cosh(), T::one()).1
    }
    fn tanh(self) -> Self {
        let value = self.head().tanh();
        self.product_slope(value, T::one() - value * value, |c, _, k| -(c[0] * c[k] + tail(c, c, k)))
    }
    fn abs(self) -> Self {
        let sign = self.head().sign();
        Jet { coefficients: self.coefficients.map(|c| sign * c) }.with_head(self.head().abs())
    }
    fn sign(self) -> Self {
        Self::constant(self.head().sign())
    }
    fn powi(self, n: i32) -> Self {
        let value = self.head().powi(n);
        if n >= 0 {
            self.whole_power(value, n.unsigned_abs())
        } else if self.is_still() {
            Self::constant(value)
        } else {
            self.constant_power(value, T::constant(f64::from(n)))
        }
    }
    fn powf(self, exponent: Self) -> Self {
        let (x, e) = (self.head(), exponent.head());
        let (value, whole) = (x.powf(e), e.value().to_f64());
        if !exponent.is_still() {
            return (exponent * self.ln()).exp().with_head(value);
        }
        if self.is_still() {
            return Self::constant(value);
        }
        // A small whole power is a product, and may then have any base.
        if (0.0..=64.0).contains(&whole) && whole.fract() == 0.0 && vanishes(&(e - T::constant(whole))) {
            return self.whole_power(value, whole as u32);
        }
        if x == T::zero() && whole > 0.0 {
            return self.power_at_zero(value, e);
        }
        self.constant_power(value, e)
    }
    /// At a tie, `other`.
    fn min(self, other: Self) -> Self {
        let (x, y) = (self.value(), other.value());
        if x.is_nan() || x < y { self } else { other }
    }
    /// At a tie, `other`.
    fn max(self, other: Self) -> Self {
        let (x, y) = (self.value(), other.value());
        if x.is_nan() || x > y { self } else { other }
    }
    fn greater(self, other: Self) -> Self {
        Self::constant(self.head().greater(other.head()))
    }
    fn where_positive(self, condition: Self) -> Self {
        Jet { coefficients: self.coefficients.map(|c| c.where_positive(condition.head())) }
    }
}
