//! [`Lanes`]: several numbers side by side, one lane a system, as one number.

use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use vecfield_traits::{Elementary, Scalar};

use crate::function::Function;
use crate::vector_math::VectorMath;

/// `N` numbers side by side, each the number of a system of its own: a formula over `Lanes` is evaluated for `N` systems at
/// once, by vector instructions where the loop around it is compiled for them (see [`Job`](crate::Job)).
///
/// ```
/// use vecfield_kernels::Lanes;
/// use vecfield_traits::{Elementary, Scalar};
///
/// let x = Lanes([0.0, 1.0, 4.0, 9.0]);
/// assert_eq!((x * x - Lanes::constant(1.0)).0, [-1.0, 0.0, 15.0, 80.0]);
/// assert_eq!(x.sqrt().0, [0.0, 1.0, 2.0, 3.0]);
/// ```
///
/// What holds of a lane:
///
/// * It depends on the same lane of the operands alone, never on its place or its neighbours.
/// * `+ - * /`, `sqrt`, `abs`, `sign`, `min`, `max`, `powi`, `powf`, `asin`, `acos` and `atan` give the bits that the plain
///   number gives: nothing is fused.
/// * `exp`, `ln`, `sin`, `cos`, `tan`, `sinh`, `cosh` and `tanh` are [`VectorMath`]'s, within the bounds stated at
///   [`Function`]: the plain number's, of `std`, may differ in the last places.
///
/// A formula that looks at a [`value`](Scalar::value) to choose a branch cannot do so for several systems at once: the
/// value is the common one, or NaN where lanes differ. `min`, `max`, `abs` and `sign` choose lane by lane.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes<T, const N: usize>(pub [T; N]);

impl<T: Copy, const N: usize> Lanes<T, N> {
    /// The same number in every lane.
    #[inline(always)]
    pub fn splat(x: T) -> Self {
        Lanes([x; N])
    }

    /// `g` of every lane.
    #[inline(always)]
    pub fn map(mut self, g: impl Fn(T) -> T) -> Self {
        for x in &mut self.0 {
            *x = g(*x);
        }
        self
    }

    /// `g` of every lane of two.
    #[inline(always)]
    pub fn zip(mut self, other: Self, g: impl Fn(T, T) -> T) -> Self {
        for i in 0..N {
            self.0[i] = g(self.0[i], other.0[i]);
        }
        self
    }
}

macro_rules! arithmetic {
    ($($name:ident $function:ident $assign:ident $assign_function:ident;)*) => {$(
        impl<T: VectorMath, const N: usize> $name for Lanes<T, N> {
            type Output = Self;
            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                self.zip(other, $name::$function)
            }
        }

        impl<T: VectorMath, const N: usize> $assign for Lanes<T, N> {
            #[inline(always)]
            fn $assign_function(&mut self, other: Self) {
                *self = $name::$function(*self, other);
            }
        }
    )*};
}

arithmetic! {
    Add add AddAssign add_assign;
    Sub sub SubAssign sub_assign;
    Mul mul MulAssign mul_assign;
    Div div DivAssign div_assign;
}

impl<T: VectorMath, const N: usize> Neg for Lanes<T, N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(Neg::neg)
    }
}

impl<T: VectorMath, const N: usize> Scalar for Lanes<T, N> {
    type Real = T;

    #[inline(always)]
    fn lift(x: T) -> Self {
        Lanes::splat(x)
    }

    /// The common value; NaN where lanes differ.
    #[inline]
    fn value(&self) -> T {
        match self.0.first() {
            Some(&first) if self.0.iter().all(|x| *x == first) => first,
            _ => T::NAN,
        }
    }

    #[inline(always)]
    fn scale(self, by: T) -> Self {
        self.map(|x| x * by)
    }

    #[inline(always)]
    fn is_finite(&self) -> bool {
        self.0.iter().all(Scalar::is_finite)
    }
}

macro_rules! by_kernel {
    ($($name:ident $function:ident;)*) => {$(
        #[inline(always)]
        fn $name(mut self) -> Self {
            T::map_in_place(Function::$function, &mut self.0);
            self
        }
    )*};
}

macro_rules! lane_by_lane {
    ($($name:ident)*) => {$(
        #[inline(always)]
        fn $name(self) -> Self {
            self.map(Elementary::$name)
        }
    )*};
}

impl<T: VectorMath, const N: usize> Elementary for Lanes<T, N> {
    by_kernel! { exp Exp; ln Ln; sin Sin; cos Cos; tan Tan; sinh Sinh; cosh Cosh; tanh Tanh; }
    lane_by_lane! { sqrt abs sign asin acos atan }

    /// By repeated squaring, in the order of the compiler's run-time library, and so with its bits.
    #[inline(always)]
    fn powi(self, n: i32) -> Self {
        let (mut power, mut square, mut left) = (Self::splat(T::one()), self, n.unsigned_abs());
        loop {
            if left % 2 == 1 {
                power *= square;
            }
            left /= 2;
            if left == 0 {
                break;
            }
            square *= square;
        }
        if n < 0 { Self::splat(T::one()) / power } else { power }
    }

    #[inline(always)]
    fn powf(self, exponent: Self) -> Self {
        self.zip(exponent, Elementary::powf)
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, Elementary::min)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, Elementary::max)
    }

    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        self.zip(other, Elementary::greater)
    }

    #[inline(always)]
    fn where_positive(self, condition: Self) -> Self {
        self.zip(condition, Elementary::where_positive)
    }
}
