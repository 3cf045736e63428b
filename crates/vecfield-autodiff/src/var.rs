//! Numbers that write down what is done with them: a formula evaluated over [`Var`] leaves a [`Tape`].
//!
//! A number must be `Copy`, so the tape being written is the thread's. It is there only while [`Tape::record`] runs, and
//! handed over at its end.

use core::cell::RefCell;
use core::cmp::Ordering;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use vecfield_traits::{Elementary, Real, Scalar};

use crate::tape::{Function, Operation, Tape};

thread_local! {
    static RECORDING: RefCell<Option<Tape>> = const { RefCell::new(None) };
}

/// A value, and the place on the tape being recorded that computes it; a constant has none.
///
/// Branches see the value, so a tape holds the branches taken where it was recorded. Only [`Tape::record`] makes variables,
/// and they mean nothing outside it.
#[derive(Debug, Clone, Copy)]
pub struct Var<R> {
    value: R,
    place: u32,
}

/// The place of what is on no tape.
const CONSTANT: u32 = u32::MAX;

impl Tape {
    /// The operations of `f(x, y)`, which writes its `m` results into `y`, taking the branches it takes at `x`.
    pub fn record<R: Real>(x: &[R], m: usize, f: impl FnOnce(&[Var<R>], &mut [Var<R>])) -> Tape {
        let (mut tape, mut vars) = (Tape::default(), Vec::new());
        tape.record_over(x, m, &mut vars, f);
        tape
    }

    /// [`record`](Tape::record) in the memory of an earlier tape, with `vars` as scratch; allocates only where more is
    /// needed than before.
    pub fn record_over<R: Real>(
        &mut self,
        x: &[R],
        m: usize,
        vars: &mut Vec<Var<R>>,
        f: impl FnOnce(&[Var<R>], &mut [Var<R>]),
    ) {
        let mut tape = core::mem::take(self);
        tape.inputs = x.len();
        tape.operations.clear();
        vars.clear();
        vars.extend(x.iter().enumerate().map(|(i, &value)| Var { value, place: i as u32 }));
        vars.resize(x.len() + m, Var::lift(R::zero()));
        let (inputs, outputs) = vars.split_at_mut(x.len());
        // Whatever happens in `f`, an outer recording goes on where it was.
        let outer = Outer(RECORDING.replace(Some(tape)));
        f(inputs, outputs);
        for output in outputs.iter_mut() {
            output.place = output.place();
        }
        let tape = RECORDING.take();
        drop(outer);
        *self = tape.unwrap_or_default();
        self.set_outputs(outputs.iter().map(|output| output.place));
    }
}

/// Puts an outer recording back.
struct Outer(Option<Tape>);

impl Drop for Outer {
    fn drop(&mut self) {
        RECORDING.set(self.0.take());
    }
}

impl<R: Real> Var<R> {
    /// Where on the tape it is; a constant is written there first.
    fn place(self) -> u32 {
        if self.place == CONSTANT { push(Operation::Constant(self.value.to_f64()), []) } else { self.place }
    }

    #[inline]
    fn unary(self, value: R, operation: impl FnOnce(u32) -> Operation) -> Self {
        if self.place == CONSTANT {
            Self::lift(value)
        } else {
            Var { value, place: push(operation(self.place), [self.place]) }
        }
    }

    #[inline]
    fn binary(self, other: Self, value: R, operation: impl FnOnce(u32, u32) -> Operation) -> Self {
        if self.place == CONSTANT && other.place == CONSTANT {
            return Self::lift(value);
        }
        let (a, b) = (self.place(), other.place());
        Var { value, place: push(operation(a, b), [a, b]) }
    }

    #[inline]
    fn apply(self, function: Function) -> Self {
        self.unary(function.apply(self.value), |a| Operation::Apply(function, a))
    }
}

/// [`Tape::push`] of an operation whose operands are known: what it reads need not be found out for each again.
#[inline]
fn push<const N: usize>(operation: Operation, operands: [u32; N]) -> u32 {
    RECORDING.with_borrow_mut(|tape| {
        let tape = tape.as_mut().expect("a variable lives while its tape is recorded, and not longer");
        let place = tape.len() as u32;
        assert!(operands.iter().all(|&operand| operand < place), "an operation reads places before it");
        tape.operations.push(operation);
        place
    })
}

impl<R: Real> Scalar for Var<R> {
    type Real = R;

    #[inline]
    fn lift(x: R) -> Self {
        Var { value: x, place: CONSTANT }
    }
    #[inline]
    fn value(&self) -> R {
        self.value
    }
    #[inline]
    fn scale(self, by: R) -> Self {
        self * Self::lift(by)
    }
    #[inline]
    fn is_finite(&self) -> bool {
        self.value.is_finite()
    }
}

impl<R: Real> PartialEq for Var<R> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<R: Real> PartialOrd for Var<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<R: Real> Neg for Var<R> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        self.unary(-self.value, Operation::Neg)
    }
}

macro_rules! operation {
    ($($trait:ident $name:ident $assign:ident $assigning:ident),*) => {$(
        impl<R: Real> $trait for Var<R> {
            type Output = Self;
            #[inline]
            fn $name(self, other: Self) -> Self {
                self.binary(other, self.value.$name(other.value), Operation::$trait)
            }
        }
        impl<R: Real> $assign for Var<R> {
            #[inline]
            fn $assigning(&mut self, other: Self) {
                *self = (*self).$name(other);
            }
        }
    )*};
}
operation!(
    Add add AddAssign add_assign, Sub sub SubAssign sub_assign, Mul mul MulAssign mul_assign, Div div DivAssign div_assign
);

macro_rules! functions {
    ($($name:ident $function:ident)*) => {$(
        fn $name(self) -> Self {
            self.apply(Function::$function)
        }
    )*};
}

impl<R: Real> Elementary for Var<R> {
    functions! {
        exp Exp ln Ln sqrt Sqrt sin Sin cos Cos tan Tan asin Asin acos Acos atan Atan sinh Sinh cosh Cosh tanh Tanh
        abs Abs sign Sign
    }

    fn powi(self, n: i32) -> Self {
        self.unary(self.value.powi(n), |a| Operation::Powi(a, n))
    }
    fn powf(self, exponent: Self) -> Self {
        self.binary(exponent, self.value.powf(exponent.value), Operation::Pow)
    }
    fn min(self, other: Self) -> Self {
        self.binary(other, Elementary::min(self.value, other.value), Operation::Min)
    }
    fn max(self, other: Self) -> Self {
        self.binary(other, Elementary::max(self.value, other.value), Operation::Max)
    }
    fn greater(self, other: Self) -> Self {
        self.binary(other, self.value.greater(other.value), Operation::Greater)
    }
    fn where_positive(self, condition: Self) -> Self {
        self.binary(condition, self.value.where_positive(condition.value), Operation::WherePositive)
    }
}
