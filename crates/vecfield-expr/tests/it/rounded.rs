//! [`Rounded`]: a double with a bound on what rounding may have done to it (running error analysis, Higham, *Accuracy and
//! Stability of Numerical Algorithms*, 3.3), so that "equal to rounding" has a meaning without invented tolerances.

use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use vecfield_traits::{Elementary, Scalar};

/// A value, and how far rounding may have moved it; infinite where it could have left a function's domain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounded {
    pub(crate) value: f64,
    pub(crate) error: f64,
}

/// What one operation of the formula may do: a few units in the last place for library functions and powers.
const UNIT: f64 = 8.0 * f64::EPSILON;

impl Rounded {
    pub(crate) fn exact(value: f64) -> Rounded {
        Rounded { value, error: 0.0 }
    }

    /// Has it nine digits?
    pub(crate) fn is_known(self) -> bool {
        self.error <= 1e-9 * self.value.abs().max(1.0)
    }

    /// The result of an operation that moved `value` by at most `moved` because its arguments had moved.
    fn new(value: f64, moved: f64) -> Rounded {
        let error = moved + UNIT * value.abs() + f64::MIN_POSITIVE;
        Rounded { value, error: if error.is_nan() { f64::INFINITY } else { error } }
    }

    /// Do the two agree, as far as their errors allow to say?
    pub(crate) fn agrees(self, other: Rounded) -> bool {
        let both = self.value.is_finite() && other.value.is_finite();
        if !both {
            return !self.value.is_finite() || other.error.is_infinite() || self.error.is_infinite();
        }
        (self.value - other.value).abs() <= self.error + other.error
    }

    /// A monotone or smooth function whose slope is at most `slope` within the error.
    fn smooth(self, value: f64, slope: f64) -> Rounded {
        let moved = if self.error == 0.0 { 0.0 } else { slope * self.error };
        Rounded::new(value, moved)
    }

    /// Is it exactly nought, rather than for all that rounding leaves to see?
    fn is_nought(self) -> bool {
        self.value == 0.0 && self.error == 0.0
    }

    fn far(self) -> f64 {
        self.value.abs() + self.error
    }

    fn near(self) -> f64 {
        (self.value.abs() - self.error).max(0.0)
    }
}

impl PartialEq for Rounded {
    fn eq(&self, other: &Rounded) -> bool {
        self.value == other.value
    }
}
impl PartialOrd for Rounded {
    fn partial_cmp(&self, other: &Rounded) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}
impl Neg for Rounded {
    type Output = Rounded;
    fn neg(self) -> Rounded {
        Rounded { value: -self.value, ..self }
    }
}
impl Add for Rounded {
    type Output = Rounded;
    fn add(self, b: Rounded) -> Rounded {
        let (value, moved) = (self.value + b.value, self.error + b.error);
        if value == 0.0 && moved == 0.0 { Rounded::exact(value) } else { Rounded::new(value, moved) }
    }
}
impl Sub for Rounded {
    type Output = Rounded;
    fn sub(self, b: Rounded) -> Rounded {
        self + -b
    }
}
impl Mul for Rounded {
    type Output = Rounded;
    fn mul(self, b: Rounded) -> Rounded {
        let value = self.value * b.value;
        if value == 0.0 && (self.is_nought() || b.is_nought()) {
            return Rounded::exact(value);
        }
        Rounded::new(value, self.far() * b.error + b.far() * self.error)
    }
}
impl Div for Rounded {
    type Output = Rounded;
    fn div(self, b: Rounded) -> Rounded {
        let value = self.value / b.value;
        Rounded::new(value, (self.error + value.abs() * b.error) / b.near())
    }
}

macro_rules! assign {
    ($($name:ident $method:ident $op:tt)*) => {$(
        impl $name for Rounded {
            fn $method(&mut self, b: Rounded) {
                *self = *self $op b;
            }
        }
    )*};
}
assign!(AddAssign add_assign + SubAssign sub_assign - MulAssign mul_assign * DivAssign div_assign /);

impl Scalar for Rounded {
    type Real = f64;
    fn lift(x: f64) -> Rounded {
        // A constant may be the rounding of a few others.
        Rounded::new(x, 0.0)
    }
    fn value(&self) -> f64 {
        self.value
    }
    fn scale(self, by: f64) -> Rounded {
        self * Rounded::exact(by)
    }
    /// With its error, as a dual number is with its tangents: what may have moved does not stand still.
    fn is_finite(&self) -> bool {
        self.value.is_finite() && self.error.is_finite()
    }
}

impl Elementary for Rounded {
    fn exp(self) -> Rounded {
        self.smooth(self.value.exp(), (self.value + self.error).exp())
    }
    fn ln(self) -> Rounded {
        self.smooth(self.value.ln(), 1.0 / (self.value - self.error).max(0.0))
    }
    fn sqrt(self) -> Rounded {
        self.smooth(self.value.sqrt(), 0.5 / (self.value - self.error).max(0.0).sqrt())
    }
    fn sin(self) -> Rounded {
        self.smooth(self.value.sin(), 1.0)
    }
    fn cos(self) -> Rounded {
        self.smooth(self.value.cos(), 1.0)
    }
    fn tan(self) -> Rounded {
        let slope = 1.0 + self.value.tan().powi(2);
        let clear = slope * self.error < 0.1;
        self.smooth(self.value.tan(), if clear { 4.0 * slope } else { f64::INFINITY })
    }
    fn asin(self) -> Rounded {
        self.smooth(self.value.asin(), 1.0 / (1.0 - self.far().powi(2)).max(0.0).sqrt())
    }
    fn acos(self) -> Rounded {
        self.smooth(self.value.acos(), 1.0 / (1.0 - self.far().powi(2)).max(0.0).sqrt())
    }
    fn atan(self) -> Rounded {
        self.smooth(self.value.atan(), 1.0)
    }
    fn sinh(self) -> Rounded {
        self.smooth(self.value.sinh(), self.far().cosh())
    }
    fn cosh(self) -> Rounded {
        self.smooth(self.value.cosh(), self.far().sinh())
    }
    fn tanh(self) -> Rounded {
        self.smooth(self.value.tanh(), 1.0)
    }
    fn abs(self) -> Rounded {
        Rounded { value: self.value.abs(), ..self }
    }
    fn sign(self) -> Rounded {
        let clear = self.error == 0.0 || self.near() > 0.0;
        let error = if clear { 0.0 } else { f64::INFINITY };
        Rounded { value: Elementary::sign(self.value), error }
    }
    fn powi(self, n: i32) -> Rounded {
        let at = if n > 0 { self.far() } else { self.near() };
        let slope = f64::from(n).abs() * at.powi(n - 1);
        let rounded = self.smooth(self.value.powi(n), slope);
        Rounded { error: rounded.error * f64::from(n).abs().max(1.0), ..rounded }
    }
    fn powf(self, e: Rounded) -> Rounded {
        let value = self.value.powf(e.value);
        if e.error == 0.0 && self.error == 0.0 {
            return Rounded::new(value, 0.0);
        }
        let moved = self.value.ln().abs() * e.error + e.far() * self.error / (self.value - self.error).max(0.0);
        Rounded::new(value, if moved < 0.1 { 2.0 * moved * value } else { f64::INFINITY })
    }
    fn min(self, b: Rounded) -> Rounded {
        Rounded { value: Elementary::min(self.value, b.value), error: self.error.max(b.error) }
    }
    fn max(self, b: Rounded) -> Rounded {
        Rounded { value: Elementary::max(self.value, b.value), error: self.error.max(b.error) }
    }
    fn greater(self, b: Rounded) -> Rounded {
        let room = self.error + b.error;
        let clear = room == 0.0 || (self.value - b.value).abs() > room;
        Rounded { value: self.value.greater(b.value), error: if clear { 0.0 } else { f64::INFINITY } }
    }
    fn where_positive(self, condition: Rounded) -> Rounded {
        let value = self.value.where_positive(condition.value);
        let clear = condition.error == 0.0 || condition.near() > 0.0;
        let error = if condition.value > 0.0 { self.error } else { 0.0 };
        Rounded { value, error: if clear { error } else { f64::INFINITY } }
    }
}
