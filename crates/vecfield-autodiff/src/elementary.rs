//! The elementary functions of a dual: `g(x + ẋ ε) = g(x) + g'(x) ẋ ε`, each with its derivative beside it.

use vecfield_traits::{Elementary, Real, Scalar};

use crate::dual::{Dual, still_or, vanishes};

impl<T: Elementary, const N: usize> Elementary for Dual<T, N> {
    #[inline]
    fn exp(self) -> Self {
        let value = self.value.exp();
        self.chain(value, value)
    }
    #[inline]
    fn ln(self) -> Self {
        self.chain_guarded(self.value.ln(), T::one() / self.value)
    }
    #[inline]
    fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        self.chain_guarded(value, T::constant(0.5) / value)
    }
    #[inline]
    fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }
    #[inline]
    fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }
    #[inline]
    fn tan(self) -> Self {
        let value = self.value.tan();
        self.chain(value, T::one() + value * value)
    }
    #[inline]
    fn asin(self) -> Self {
        self.chain_guarded(self.value.asin(), T::one() / half_chord(self.value))
    }
    #[inline]
    fn acos(self) -> Self {
        self.chain_guarded(self.value.acos(), -T::one() / half_chord(self.value))
    }
    #[inline]
    fn atan(self) -> Self {
        self.chain(self.value.atan(), T::one() / (T::one() + self.value * self.value))
    }
    #[inline]
    fn sinh(self) -> Self {
        self.chain(self.value.sinh(), self.value.cosh())
    }
    #[inline]
    fn cosh(self) -> Self {
        self.chain(self.value.cosh(), self.value.sinh())
    }
    /// The slope `1 - tanh²` is exact to rounding of 1; beyond `|x| = 19` it is zero.
    #[inline]
    fn tanh(self) -> Self {
        let value = self.value.tanh();
        self.chain(value, T::one() - value * value)
    }
    #[inline]
    fn abs(self) -> Self {
        self.chain(self.value.abs(), self.value.sign())
    }
    #[inline]
    fn sign(self) -> Self {
        Self::constant(self.value.sign())
    }
    #[inline]
    fn powi(self, n: i32) -> Self {
        let value = self.value.powi(n);
        let Some(below) = n.checked_sub(1) else {
            return self.chain_guarded(value, (value / self.value).scale(real(n)));
        };
        if n == 0 {
            return Self::constant(value); // 0 · x⁻¹ would be NaN at zero
        }
        self.chain_guarded(value, self.value.powi(below).scale(real(n)))
    }
    /// `∂x^e/∂x = e x^(e-1)` and `∂x^e/∂e = x^e ln x`, each added only in directions in which the base or the exponent
    /// moves: a constant exponent never asks for the logarithm, so a negative base may have an integral one.
    /// `∂x^e/∂e` at `x = 0 < e` is the limit, 0.
    #[inline]
    fn powf(self, exponent: Self) -> Self {
        let (x, e) = (self.value, exponent.value);
        let value = x.powf(e);
        let power = self.chain_guarded(value, power_slope(x, e, value));
        if exponent.tangent.iter().all(vanishes) { power } else { add_exponent(power, x, exponent) }
    }
    /// At a tie, `other` with its derivative.
    #[inline]
    fn min(self, other: Self) -> Self {
        let (x, y) = (self.value(), other.value());
        if x.is_nan() || x < y { self } else { other }
    }
    /// At a tie, `other` with its derivative: `max(x, 0)` has slope 0 at 0.
    #[inline]
    fn max(self, other: Self) -> Self {
        let (x, y) = (self.value(), other.value());
        if x.is_nan() || x > y { self } else { other }
    }
    #[inline]
    fn greater(self, other: Self) -> Self {
        Self::constant(self.value.greater(other.value))
    }
    #[inline]
    fn where_positive(self, condition: Self) -> Self {
        let value = self.value.where_positive(condition.value);
        Dual { value, tangent: self.tangent.map(|tangent| tangent.where_positive(condition.value)) }
    }
}

/// `√(1 - x²)`, without the cancellation of `1 - x·x` near `|x| = 1`.
#[inline]
fn half_chord<T: Elementary>(x: T) -> T {
    ((T::one() - x) * (T::one() + x)).sqrt()
}

#[inline]
fn real<R: Real>(n: i32) -> R {
    R::from_f64(f64::from(n))
}

/// `e x^(e-1)`, from `power = x^e` where that loses nothing (a second `powf` costs as much as the first).
#[inline]
fn power_slope<T: Elementary>(x: T, e: T, power: T) -> T {
    if vanishes(&e) {
        T::zero() // x⁰ = 1, at x = 0 too
    } else if x != T::zero() && power != T::zero() && power.is_finite() {
        e * power / x
    } else {
        e * x.powf(e - T::one())
    }
}

/// Adds `x^e ln x · ė` to `power = x^e`.
fn add_exponent<T: Elementary, const N: usize>(mut power: Dual<T, N>, x: T, exponent: Dual<T, N>) -> Dual<T, N> {
    let zero = <T::Real as Scalar>::zero();
    let slope = if x.value() == zero && exponent.value() > zero { T::zero() } else { power.value * x.ln() };
    for (sum, e_dot) in power.tangent.iter_mut().zip(exponent.tangent) {
        *sum += still_or(e_dot, slope * e_dot);
    }
    power
}
