//! The front door: [`VectorMath`], elementary functions of whole slices.

use vecfield_traits::Real;

use crate::dispatch::Target;
use crate::function::Function;
use crate::kernel::{Abs, Cos, Cosh, Exp, Ln, Sigmoid, Sin, Sinh, Softplus, Sqrt, Tan, Tanh, map};

/// Elementary functions over slices; `f32` and `f64`.
///
/// The `_into` forms write `g(x_i)` into `out` and panic if the lengths differ; the `_in_place` forms overwrite. Neither
/// allocates.
pub trait VectorMath: Real {
    /// `x_i ← g(x_i)` with the given instructions: for tests and measurements.
    fn map_on(target: Target, function: Function, x: &mut [Self]) {
        Self::map_from(target, function, None, x);
    }

    /// `out_i ← g(x_i)` with the given instructions, `x` the old `out` where it is not given.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    fn map_from(target: Target, function: Function, x: Option<&[Self]>, out: &mut [Self]);

    /// `x_i ← g(x_i)`.
    #[inline]
    fn map_in_place(function: Function, x: &mut [Self]) {
        Self::map_on(Target::best(), function, x);
    }

    /// `out_i ← g(x_i)`.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    #[inline]
    fn map_into(function: Function, x: &[Self], out: &mut [Self]) {
        Self::map_from(Target::best(), function, Some(x), out);
    }

    /// `out_i ← exp(x_i)`; see [`Function::Exp`].
    #[inline]
    fn exp_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Exp, x, out);
    }

    /// `x_i ← exp(x_i)`; see [`Function::Exp`].
    #[inline]
    fn exp_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Exp, x);
    }

    /// `out_i ← ln(x_i)`; see [`Function::Ln`].
    #[inline]
    fn ln_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Ln, x, out);
    }

    /// `x_i ← ln(x_i)`; see [`Function::Ln`].
    #[inline]
    fn ln_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Ln, x);
    }

    /// `out_i ← sin(x_i)`; see [`Function::Sin`].
    #[inline]
    fn sin_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Sin, x, out);
    }

    /// `x_i ← sin(x_i)`; see [`Function::Sin`].
    #[inline]
    fn sin_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Sin, x);
    }

    /// `out_i ← cos(x_i)`; see [`Function::Cos`].
    #[inline]
    fn cos_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Cos, x, out);
    }

    /// `x_i ← cos(x_i)`; see [`Function::Cos`].
    #[inline]
    fn cos_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Cos, x);
    }

    /// `out_i ← tan(x_i)`; see [`Function::Tan`].
    #[inline]
    fn tan_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Tan, x, out);
    }

    /// `x_i ← tan(x_i)`; see [`Function::Tan`].
    #[inline]
    fn tan_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Tan, x);
    }

    /// `out_i ← sinh(x_i)`; see [`Function::Sinh`].
    #[inline]
    fn sinh_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Sinh, x, out);
    }

    /// `x_i ← sinh(x_i)`; see [`Function::Sinh`].
    #[inline]
    fn sinh_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Sinh, x);
    }

    /// `out_i ← cosh(x_i)`; see [`Function::Cosh`].
    #[inline]
    fn cosh_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Cosh, x, out);
    }

    /// `x_i ← cosh(x_i)`; see [`Function::Cosh`].
    #[inline]
    fn cosh_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Cosh, x);
    }

    /// `out_i ← tanh(x_i)`; see [`Function::Tanh`].
    #[inline]
    fn tanh_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Tanh, x, out);
    }

    /// `x_i ← tanh(x_i)`; see [`Function::Tanh`].
    #[inline]
    fn tanh_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Tanh, x);
    }

    /// `out_i ← sigmoid(x_i)`; see [`Function::Sigmoid`].
    #[inline]
    fn sigmoid_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Sigmoid, x, out);
    }

    /// `x_i ← sigmoid(x_i)`; see [`Function::Sigmoid`].
    #[inline]
    fn sigmoid_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Sigmoid, x);
    }

    /// `out_i ← softplus(x_i)`; see [`Function::Softplus`].
    #[inline]
    fn softplus_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Softplus, x, out);
    }

    /// `x_i ← softplus(x_i)`; see [`Function::Softplus`].
    #[inline]
    fn softplus_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Softplus, x);
    }

    /// `out_i ← sqrt(x_i)`; see [`Function::Sqrt`].
    #[inline]
    fn sqrt_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Sqrt, x, out);
    }

    /// `x_i ← sqrt(x_i)`; see [`Function::Sqrt`].
    #[inline]
    fn sqrt_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Sqrt, x);
    }

    /// `out_i ← abs(x_i)`; see [`Function::Abs`].
    #[inline]
    fn abs_into(x: &[Self], out: &mut [Self]) {
        Self::map_into(Function::Abs, x, out);
    }

    /// `x_i ← abs(x_i)`; see [`Function::Abs`].
    #[inline]
    fn abs_in_place(x: &mut [Self]) {
        Self::map_in_place(Function::Abs, x);
    }
}

macro_rules! vector_math {
    ($($float:ident),*) => {$(
        impl VectorMath for $float {
            fn map_from(target: Target, function: Function, x: Option<&[$float]>, out: &mut [$float]) {
                match function {
                    Function::Exp => map::<$float, Exp>(target, x, out),
                    Function::Ln => map::<$float, Ln>(target, x, out),
                    Function::Sin => map::<$float, Sin>(target, x, out),
                    Function::Cos => map::<$float, Cos>(target, x, out),
                    Function::Tan => map::<$float, Tan>(target, x, out),
                    Function::Sinh => map::<$float, Sinh>(target, x, out),
                    Function::Cosh => map::<$float, Cosh>(target, x, out),
                    Function::Tanh => map::<$float, Tanh>(target, x, out),
                    Function::Sigmoid => map::<$float, Sigmoid>(target, x, out),
                    Function::Softplus => map::<$float, Softplus>(target, x, out),
                    Function::Sqrt => map::<$float, Sqrt>(target, x, out),
                    Function::Abs => map::<$float, Abs>(target, x, out),
                }
            }
        }
    )*};
}
vector_math!(f32, f64);
