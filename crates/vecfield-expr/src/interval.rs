//! Interval arithmetic: between which numbers the values of a formula lie when each variable lies between two numbers (Moore 1966; Moore, Kearfott and
//! Cloud 2009, chapters 2 and 5). Every bound is rounded outward, by more than the error of the operation, so that what is said of an interval
//! holds for the values as they are computed too.

mod program;

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use crate::op::{Binary, Power, Unary};

pub use program::IntervalProgram;

/// The numbers from one to another, either of which may be infinite.
///
/// ```
/// use vecfield_expr::{Binary, Interval, Unary};
///
/// let x = Interval::new(-1.0, 2.0);
/// let square = x.power(2.0);
/// assert!(square.low() == 0.0 && (square.high() - 4.0).abs() < 1e-14);
/// // Intervals do not know that both are one x.
/// let difference = x.binary(Binary::Sub, x);
/// assert!(difference.contains(-3.0) && difference.contains(3.0));
/// assert!(!x.unary(Unary::Log).is_defined());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    low: f64,
    high: f64,
    defined: bool,
}

/// How far a library's function may be off, in units of the last place.
const FUNCTION: f64 = 8.0;
/// Angles beyond this are not told apart to a part of a turn that matters.
const FAR: f64 = 1e8;
/// An extremum that is so near, as a part of a turn, may be inside.
const NEAR: f64 = 1e-7;

impl Interval {
    /// All numbers.
    pub const ALL: Interval = Interval { low: f64::NEG_INFINITY, high: f64::INFINITY, defined: true };
    /// Where an operation need not have a value, nothing is known of those it has.
    const UNKNOWN: Interval = Interval { defined: false, ..Interval::ALL };

    /// From one number to another that is no smaller.
    ///
    /// # Panics
    ///
    /// If they are in the wrong order, or one is NaN.
    pub fn new(low: f64, high: f64) -> Interval {
        assert!(low <= high, "an interval goes from its lower to its upper bound");
        Interval { low, high, defined: true }
    }

    /// One number.
    ///
    /// # Panics
    ///
    /// If it is NaN.
    pub fn point(x: f64) -> Interval {
        Interval::new(x, x)
    }

    /// No value is below.
    pub fn low(self) -> f64 {
        self.low
    }

    /// No value is above.
    pub fn high(self) -> f64 {
        self.high
    }

    /// Is there a value for all arguments, were numbers without end? Bounds hold for those that there are.
    pub fn is_defined(self) -> bool {
        self.defined
    }

    /// Is a number among these?
    pub fn contains(self, x: f64) -> bool {
        self.low <= x && x <= self.high
    }

    /// How far its bounds are apart.
    pub fn width(self) -> f64 {
        self.high - self.low
    }

    /// A number in the middle, finite even where a bound is not.
    pub fn middle(self) -> f64 {
        let (low, high) = (self.low.max(-f64::MAX), self.high.min(f64::MAX));
        0.5 * low + 0.5 * high
    }

    /// The two halves.
    #[must_use]
    pub fn halves(self) -> [Interval; 2] {
        let middle = self.middle();
        [Interval { high: middle, ..self }, Interval { low: middle, ..self }]
    }

    /// The values of `op` at these numbers.
    #[must_use]
    pub fn unary(self, op: Unary) -> Interval {
        let Interval { low, high, defined } = self;
        let increasing = |x: Interval| x.between(op.apply(x.low), op.apply(x.high), FUNCTION);
        match op {
            Unary::Neg => Interval { low: -high, high: -low, defined },
            Unary::Abs => self.size(),
            Unary::Sign => Interval { low: low.signum() * sized(low), high: high.signum() * sized(high), defined },
            Unary::Sqrt => self.within(0.0, f64::INFINITY).map_or(Self::UNKNOWN, increasing).at_least(0.0),
            Unary::Exp => increasing(self).at_least(0.0),
            Unary::Log => match self.within(0.0, f64::INFINITY) {
                Some(positive) if positive.high > 0.0 => {
                    let made = increasing(positive);
                    Interval { defined: made.defined && low > 0.0, ..made }
                }
                _ => Self::UNKNOWN,
            },
            Unary::Sin => self.wave(FRAC_PI_2, op),
            Unary::Cos => self.wave(0.0, op),
            Unary::Tan if self.meets(FRAC_PI_2, PI) => Self::UNKNOWN,
            Unary::Asin => self.within(-1.0, 1.0).map_or(Self::UNKNOWN, increasing),
            Unary::Acos => {
                let decreasing = |x: Interval| x.between(op.apply(x.high), op.apply(x.low), FUNCTION);
                self.within(-1.0, 1.0).map_or(Self::UNKNOWN, decreasing)
            }
            Unary::Cosh => increasing(self.size()).at_least(1.0),
            Unary::Tan | Unary::Atan | Unary::Sinh | Unary::Tanh => increasing(self),
        }
    }

    /// The values of `op` at these numbers and others. A power whose exponent is a constant of the formula is [`power`](Interval::power).
    #[must_use]
    pub fn binary(self, op: Binary, other: Interval) -> Interval {
        let (a, b) = (self, other);
        let both = Interval { defined: a.defined && b.defined, ..a };
        match op {
            Binary::Add => both.between(a.low + b.low, a.high + b.high, 0.0),
            Binary::Sub => both.between(a.low - b.high, a.high - b.low, 0.0),
            Binary::Mul => both.corners(b, |x, y| if x == 0.0 || y == 0.0 { 0.0 } else { x * y }, 0.0),
            Binary::Div => a.binary(Binary::Mul, b.reciprocal()),
            Binary::Pow if a.low > 0.0 => both.corners(b, f64::powf, FUNCTION).at_least(0.0),
            Binary::Pow => Self::UNKNOWN,
            Binary::Min => Interval { low: a.low.min(b.low), high: a.high.min(b.high), ..both },
            Binary::Max => Interval { low: a.low.max(b.low), high: a.high.max(b.high), ..both },
            Binary::Greater => {
                let bound = |holds: bool| if holds { 1.0 } else { 0.0 };
                Interval { low: bound(a.low > b.high), high: bound(a.high > b.low), ..both }
            }
            Binary::Cond if a.high <= 0.0 => Interval { low: 0.0, high: 0.0, ..a },
            Binary::Cond if a.low > 0.0 => Interval { defined: both.defined, ..b },
            Binary::Cond => Interval { low: b.low.min(0.0), high: b.high.max(0.0), ..both },
        }
    }

    /// The values of these numbers to a constant power, as [`power`](crate::power) has it.
    #[must_use]
    pub fn power(self, exponent: f64) -> Interval {
        if exponent < 0.0 {
            return self.power(-exponent).reciprocal();
        }
        let power = Power::of(exponent);
        let (x, off) = match power {
            // Every multiplication rounds.
            Power::Integral(0) => return Interval { low: 1.0, high: 1.0, ..self },
            Power::Integral(1) => return self,
            Power::Integral(n) if n % 2 == 0 => (self.size(), f64::from(n)),
            Power::Integral(n) => (self, f64::from(n)),
            Power::HalfIntegral { .. } | Power::General(_) => match self.within(0.0, f64::INFINITY) {
                Some(x) => (x, FUNCTION + exponent),
                None => return Self::UNKNOWN,
            },
        };
        let made = x.between(power.apply(x.low), power.apply(x.high), off);
        if x.low >= 0.0 { made.at_least(0.0) } else { made }
    }

    /// `1/x`.
    fn reciprocal(self) -> Interval {
        let Interval { low, high, .. } = self;
        match (low, high) {
            (0.0, 0.0) => Self::UNKNOWN,
            _ if low > 0.0 || high < 0.0 => self.between(1.0 / high, 1.0 / low, 0.0),
            (0.0, _) => Interval { defined: false, ..self.between(1.0 / high, f64::INFINITY, 0.0) },
            (_, 0.0) => Interval { defined: false, ..self.between(f64::NEG_INFINITY, 1.0 / low, 0.0) },
            _ => Self::UNKNOWN,
        }
    }

    /// Absolute values.
    fn size(self) -> Interval {
        let (a, b) = (self.low.abs(), self.high.abs());
        let low = if self.contains(0.0) { 0.0 } else { a.min(b) };
        Interval { low, high: a.max(b), ..self }
    }

    /// The part in an operation's domain, if there is one.
    fn within(self, least: f64, most: f64) -> Option<Interval> {
        let (low, high) = (self.low.max(least), self.high.min(most));
        let defined = self.defined && low == self.low && high == self.high;
        (low <= high).then_some(Interval { low, high, defined })
    }

    /// Between values that are so many units of the last place off, besides the rounding of the last operation.
    fn between(self, low: f64, high: f64, off: f64) -> Interval {
        let (low, high) = (low - error(low, off), high + error(high, off));
        // What is zero is exact; what is too large for a number is still one.
        let down = if low == 0.0 { low } else { low.next_down().min(f64::MAX) };
        let up = if high == 0.0 { high } else { high.next_up().max(-f64::MAX) };
        if down.is_nan() || up.is_nan() { Self::UNKNOWN } else { Interval { low: down, high: up, ..self } }
    }

    fn at_least(self, least: f64) -> Interval {
        Interval { low: self.low.max(least), ..self }
    }

    /// Between the values at the four corners, of what is monotone in each argument.
    fn corners(self, other: Interval, of: impl Fn(f64, f64) -> f64, off: f64) -> Interval {
        let corners =
            [of(self.low, other.low), of(self.low, other.high), of(self.high, other.low), of(self.high, other.high)];
        let (low, high) = corners.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
        if corners.iter().any(|x| x.is_nan()) { Self::UNKNOWN } else { self.between(low, high, off) }
    }

    /// Values of a wave that is one at `crest` and minus one half a turn on.
    fn wave(self, crest: f64, op: Unary) -> Interval {
        let (a, b) = (op.apply(self.low), op.apply(self.high));
        let made = self.between(a.min(b), a.max(b), FUNCTION);
        let low = if made.low.is_nan() || self.meets(crest + PI, TAU) { -1.0 } else { made.low };
        let high = if made.high.is_nan() || self.meets(crest, TAU) { 1.0 } else { made.high };
        Interval { low, high, defined: self.defined }
    }

    /// May one of the places that are `period` apart be inside?
    fn meets(self, place: f64, period: f64) -> bool {
        if !(self.low.abs() < FAR && self.high.abs() < FAR) {
            return true;
        }
        ((self.high - place) / period + NEAR).floor() >= ((self.low - place) / period - NEAR).ceil()
    }
}

/// So many units of the last place of a number.
fn error(x: f64, units: f64) -> f64 {
    // Below the normal numbers the last place no longer shrinks.
    if x.is_finite() && x != 0.0 { units * (x.abs() * f64::EPSILON + f64::from_bits(1)) } else { 0.0 }
}

/// One, or zero for zero.
fn sized(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { 1.0 }
}
