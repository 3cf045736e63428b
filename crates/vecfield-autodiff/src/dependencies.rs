//! Which variables a result depends on: numbers that carry a set of indices through a formula.
//!
//! The derivative rule of a set: a sum, product, quotient or function depends on whatever its arguments depend on
//! (Griewank–Walther, Evaluating Derivatives, ch. 7, "sparsity patterns by forward propagation"). A number holds
//! [`WINDOW`] indices, so that it stays `Copy`; more variables take more evaluations, once per formula.

use core::cmp::Ordering;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use vecfield_traits::{Elementary, Real, Scalar, Sparsity, VectorField};

const WORDS: usize = 8;

/// How many variables one evaluation follows.
pub const WINDOW: usize = 64 * WORDS;

/// A number, and which of the [`WINDOW`] variables being followed it depends on.
///
/// The set does not ask for values, but for branches: `min` and `max` depend on both arguments, a formula's own `if` on
/// what the branch taken depends on. `sign` depends on nothing, since its slope is zero.
///
/// ```
/// use vecfield_autodiff::Dependencies;
/// use vecfield_traits::Elementary;
///
/// let (x, y) = (Dependencies::variable(0.0, 0), Dependencies::variable(1.0, 1));
/// assert!((x * y).contains(0)); // the slope is y: it may be zero here and not elsewhere
/// assert!(!(x.sign() + y).contains(0));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Dependencies<R> {
    value: R,
    set: [u64; WORDS],
}

impl<R: Real> Dependencies<R> {
    /// A number that depends on nothing.
    pub fn constant(value: R) -> Self {
        Dependencies { value, set: [0; WORDS] }
    }

    /// The `i`-th variable.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`WINDOW`].
    pub fn variable(value: R, i: usize) -> Self {
        let mut set = [0; WORDS];
        set[i / 64] = 1 << (i % 64);
        Dependencies { value, set }
    }

    /// Does it depend on the `i`-th variable?
    pub fn contains(&self, i: usize) -> bool {
        self.set.get(i / 64).is_some_and(|word| word >> (i % 64) & 1 == 1)
    }

    /// The variables it depends on, ascending.
    pub fn variables(&self) -> impl Iterator<Item = usize> + '_ {
        self.set.iter().enumerate().flat_map(|(at, &word)| {
            let rest = core::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)));
            rest.take_while(|&rest| rest != 0).map(move |rest| 64 * at + rest.trailing_zeros() as usize)
        })
    }

    #[inline]
    fn with(self, value: R) -> Self {
        Dependencies { value, ..self }
    }

    #[inline]
    fn join(self, other: Self, value: R) -> Self {
        let mut set = self.set;
        for (word, more) in set.iter_mut().zip(other.set) {
            *word |= more;
        }
        Dependencies { value, set }
    }
}

/// Where the Jacobian of a square map `f: ℝⁿ → ℝⁿ` may differ from zero; `f(x, y)` writes `y`, and `x` is a point at which
/// it takes its usual branches.
///
/// ```
/// use vecfield_autodiff::sparsity;
///
/// let chain = sparsity(|x, y| (y[0], y[1], y[2]) = (x[0], x[0] * x[1], x[1] + x[2]), &[1.0_f64; 3]);
/// assert_eq!([chain.row(0), chain.row(1), chain.row(2)], [&[0][..], &[0, 1], &[1, 2]]);
/// ```
pub fn sparsity<R: Real>(mut f: impl FnMut(&[Dependencies<R>], &mut [Dependencies<R>]), x: &[R]) -> Sparsity {
    let n = x.len();
    let mut followed = vec![Dependencies::constant(R::zero()); n];
    let mut y = vec![Dependencies::constant(R::zero()); n];
    let mut rows = vec![Vec::new(); n];
    for first in (0..n).step_by(WINDOW) {
        for (j, (followed, &x)) in followed.iter_mut().zip(x).enumerate() {
            let slot = j.checked_sub(first).filter(|&slot| slot < WINDOW);
            *followed = slot.map_or_else(|| Dependencies::constant(x), |slot| Dependencies::variable(x, slot));
        }
        f(&followed, &mut y);
        for (row, y) in rows.iter_mut().zip(&y) {
            row.extend(y.variables().map(|slot| first + slot));
        }
    }
    Sparsity::from_rows(rows)
}

/// Where `∂f/∂y` of a vector field may differ from zero, found by evaluating it at `(t, y)`, where it takes its usual
/// branches.
pub fn field_sparsity<R: Real, F: VectorField<Dependencies<R>>>(field: &F, t: R, y: &[R]) -> Sparsity {
    let mut work = field.workspace();
    sparsity(|y, dy| field.eval(Dependencies::constant(t), y, dy, &mut work), y)
}

impl<R: Real> Scalar for Dependencies<R> {
    type Real = R;

    fn lift(x: R) -> Self {
        Self::constant(x)
    }
    fn value(&self) -> R {
        self.value
    }
    fn scale(self, by: R) -> Self {
        self.with(self.value * by)
    }
    fn is_finite(&self) -> bool {
        self.value.is_finite()
    }
}

impl<R: Real> PartialEq for Dependencies<R> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<R: Real> PartialOrd for Dependencies<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<R: Real> Neg for Dependencies<R> {
    type Output = Self;
    fn neg(self) -> Self {
        self.with(-self.value)
    }
}

macro_rules! operation {
    ($($trait:ident $name:ident $assign:ident $assigning:ident),*) => {$(
        impl<R: Real> $trait for Dependencies<R> {
            type Output = Self;
            #[inline]
            fn $name(self, other: Self) -> Self {
                self.join(other, self.value.$name(other.value))
            }
        }
        impl<R: Real> $assign for Dependencies<R> {
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
    ($($name:ident)*) => {$(
        fn $name(self) -> Self {
            self.with(self.value.$name())
        }
    )*};
}

impl<R: Real> Elementary for Dependencies<R> {
    functions!(exp ln sqrt sin cos tan asin acos atan sinh cosh tanh abs);

    fn sign(self) -> Self {
        Self::constant(self.value.sign())
    }
    fn powi(self, n: i32) -> Self {
        let value = self.value.powi(n);
        if n == 0 { Self::constant(value) } else { self.with(value) }
    }
    fn powf(self, exponent: Self) -> Self {
        self.join(exponent, self.value.powf(exponent.value))
    }
    fn min(self, other: Self) -> Self {
        self.join(other, Elementary::min(self.value, other.value))
    }
    fn max(self, other: Self) -> Self {
        self.join(other, Elementary::max(self.value, other.value))
    }
    fn greater(self, other: Self) -> Self {
        Self::constant(self.value.greater(other.value))
    }
    fn where_positive(self, condition: Self) -> Self {
        self.with(self.value.where_positive(condition.value))
    }
}
