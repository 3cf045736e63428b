//! Numbers that write down the slopes of what is done with them: the linearised computational graph of Griewank–Walther, ch. 2.
//!
//! A [`Tape`](crate::Tape) keeps operations, so that it can be evaluated elsewhere and over other numbers. For one gradient at
//! one point the slopes are enough: two numbers an operation, and a pass back that only multiplies and adds.

use core::cell::RefCell;
use core::cmp::Ordering;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use vecfield_traits::{Elementary, Real, Scalar};

use crate::reverse::{power_slopes, slope, whole_power_slope};
use crate::tape::Function;

/// An operation: where its operands are, and its slopes by them. For an operand that is a constant it stands itself: what it
/// passes there nobody reads.
#[derive(Debug, Clone, Copy)]
struct Node {
    operands: [u32; 2],
    slopes: [f64; 2],
}

thread_local! {
    /// The graphs of this thread: a function inside another one writes behind it.
    static GRAPH: RefCell<Vec<Node>> = const { RefCell::new(Vec::new()) };
    /// Cotangents, in memory that is kept.
    static BARS: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

/// A value, and its place in the graph being written; a constant has none.
///
/// Only [`vjp`](crate::vjp) makes variables, and they mean nothing outside it.
#[derive(Debug, Clone, Copy)]
pub struct Active<R> {
    value: R,
    place: u32,
}

/// The place of what no variable moves: behind every other.
const CONSTANT: u32 = u32::MAX;

/// `Jᵀ w` of `f` at `x`; see [`vjp`](crate::vjp).
pub(crate) fn pullback<R: Real>(f: impl FnOnce(&[Active<R>], &mut [Active<R>]), x: &[R], w: &[R]) -> Vec<R> {
    let graph = Written::begin();
    let mut vars: Vec<Active<R>> =
        x.iter().map(|&value| Active { value, place: push([CONSTANT; 2], [0.0; 2]) }).collect();
    vars.resize(x.len() + w.len(), Active::lift(R::zero()));
    let (inputs, outputs) = vars.split_at_mut(x.len());
    f(inputs, outputs);
    graph.pull(outputs.iter().map(|output| output.place).zip(w), x.len())
}

/// The part of the graph that one function writes, taken off when it ends, however it does.
struct Written {
    begin: usize,
}

impl Written {
    fn begin() -> Self {
        Written { begin: GRAPH.with_borrow(Vec::len) }
    }

    /// Passes the cotangents of the outputs back; those of the first `inputs` places are returned.
    fn pull<'a, R: Real>(self, outputs: impl Iterator<Item = (u32, &'a R)>, inputs: usize) -> Vec<R> {
        let mut bars = BARS.take();
        let bar = GRAPH.with_borrow(|nodes| {
            bars.clear();
            // Places before `begin` are variables of an outer function, constants here: what reaches them is dropped.
            bars.resize(nodes.len(), 0.0);
            for (place, w) in outputs.filter(|&(place, _)| place != CONSTANT) {
                bars[place as usize] += w.to_f64();
            }
            for (place, node) in nodes.iter().enumerate().skip(self.begin + inputs).rev() {
                let bar = bars[place];
                // What nothing depends on has no slope to pass on, were it infinite.
                if bar != 0.0 {
                    let [a, b] = node.operands;
                    bars[a as usize] += bar * node.slopes[0];
                    bars[b as usize] += bar * node.slopes[1];
                }
            }
            bars[self.begin..][..inputs].iter().map(|&bar| R::constant(bar)).collect()
        });
        BARS.set(bars);
        bar
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        GRAPH.with_borrow_mut(|nodes| nodes.truncate(self.begin));
    }
}

/// Writes an operation with its operands, which may be [`CONSTANT`], and the slopes by them.
#[inline]
fn push(operands: [u32; 2], slopes: [f64; 2]) -> u32 {
    GRAPH.with_borrow_mut(|nodes| {
        let place = nodes.len() as u32;
        nodes.push(Node { operands: operands.map(|operand| operand.min(place)), slopes });
        place
    })
}

impl<R: Real> Active<R> {
    #[inline]
    fn unary(self, value: R, slope: impl FnOnce() -> R) -> Self {
        if self.place == CONSTANT {
            return Self::lift(value);
        }
        Active { value, place: push([self.place, CONSTANT], [slope().to_f64(), 0.0]) }
    }

    #[inline]
    fn binary(self, other: Self, value: R, slopes: impl FnOnce() -> [R; 2]) -> Self {
        if self.place.min(other.place) == CONSTANT {
            return Self::lift(value);
        }
        Active { value, place: push([self.place, other.place], slopes().map(|slope| slope.to_f64())) }
    }

    #[inline]
    fn apply(self, function: Function) -> Self {
        let value = function.apply(self.value);
        self.unary(value, || slope(function, self.value, value))
    }
}

impl<R: Real> Scalar for Active<R> {
    type Real = R;

    #[inline]
    fn lift(x: R) -> Self {
        Active { value: x, place: CONSTANT }
    }
    #[inline]
    fn value(&self) -> R {
        self.value
    }
    #[inline]
    fn scale(self, by: R) -> Self {
        self.unary(self.value * by, || by)
    }
    #[inline]
    fn is_finite(&self) -> bool {
        self.value.is_finite()
    }
}

impl<R: Real> PartialEq for Active<R> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<R: Real> PartialOrd for Active<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<R: Real> Neg for Active<R> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        self.unary(-self.value, || -R::one())
    }
}

/// Operations with their slopes, given operands `a`, `b` and the value.
macro_rules! operations {
    ($($trait:ident $name:ident $assign:ident $assigning:ident = |$a:ident, $b:ident, $v:ident| $slopes:expr;)*) => {$(
        impl<R: Real> $trait for Active<R> {
            type Output = Self;
            #[inline]
            fn $name(self, other: Self) -> Self {
                let ($a, $b) = (self.value, other.value);
                let $v = $a.$name($b);
                self.binary(other, $v, || $slopes)
            }
        }
        impl<R: Real> $assign for Active<R> {
            #[inline]
            fn $assigning(&mut self, other: Self) {
                *self = (*self).$name(other);
            }
        }
    )*};
}
operations! {
    Add add AddAssign add_assign = |a, b, _v| [R::one(), R::one()];
    Sub sub SubAssign sub_assign = |a, b, _v| [R::one(), -R::one()];
    Mul mul MulAssign mul_assign = |a, b, _v| [b, a];
    Div div DivAssign div_assign = |a, b, v| [R::one() / b, -v / b];
}

macro_rules! functions {
    ($($name:ident $function:ident)*) => {$(
        fn $name(self) -> Self {
            self.apply(Function::$function)
        }
    )*};
}

impl<R: Real> Elementary for Active<R> {
    functions! {
        exp Exp ln Ln sqrt Sqrt sin Sin cos Cos tan Tan asin Asin acos Acos atan Atan sinh Sinh cosh Cosh tanh Tanh
        abs Abs sign Sign
    }

    fn powi(self, n: i32) -> Self {
        let value = self.value.powi(n);
        self.unary(value, || whole_power_slope(self.value, n, value))
    }
    fn powf(self, exponent: Self) -> Self {
        let value = self.value.powf(exponent.value);
        self.binary(exponent, value, || power_slopes(self.value, exponent.value, value))
    }
    fn min(self, other: Self) -> Self {
        if self.value.is_nan() || self.value < other.value { self } else { other }
    }
    fn max(self, other: Self) -> Self {
        if self.value.is_nan() || self.value > other.value { self } else { other }
    }
    fn greater(self, other: Self) -> Self {
        Self::lift(self.value.greater(other.value))
    }
    fn where_positive(self, condition: Self) -> Self {
        if condition.value > R::zero() { self } else { Self::lift(self.value.where_positive(condition.value)) }
    }
}
