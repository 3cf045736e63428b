//! From a scalar formula to a loop over a slice: blocks that LLVM turns into vector instructions, and a padded tail.

use core::marker::PhantomData;

use crate::dispatch::{Job, Target, run_on};
use crate::lane::Lane;
use crate::trigonometric::Angle;
use crate::{exponential, logarithm, trigonometric};

/// A function of one number, as a type so that each gets a loop of its own.
pub(crate) trait Kernel<T> {
    /// `g(x)` without branches.
    fn eval<const FUSED: bool>(x: T) -> T;

    /// Is `x` where the formula does not hold?
    #[inline(always)]
    fn is_far(_x: T) -> bool {
        false
    }

    /// `g(x)` there.
    #[inline(always)]
    fn eval_far(x: T) -> T {
        x
    }
}

/// `x_i ← g(x_i)`.
pub(crate) fn map<T: Lane, K: Kernel<T>>(target: Target, x: &mut [T]) {
    run_on(target, Map(x, PhantomData::<K>));
}

/// Elements in a block of the body: four AVX-512 registers of `f64`.
const BODY: usize = 32;
/// Elements in a block of the tail.
const TAIL: usize = 8;
/// So many left over are faster one by one than padded.
const FEW: usize = 3;

struct Map<'a, T, K>(&'a mut [T], PhantomData<K>);

impl<T: Lane, K: Kernel<T>> Job for Map<'_, T, K> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (body, rest) = self.0.as_chunks_mut::<BODY>();
        for x in body {
            block::<T, K, FUSED, BODY>(x);
        }
        let (tail, rest) = rest.as_chunks_mut::<TAIL>();
        for x in tail {
            block::<T, K, FUSED, TAIL>(x);
        }
        if rest.len() <= FEW {
            rest.iter_mut().for_each(|x| block::<T, K, FUSED, 1>(core::array::from_mut(x)));
        } else {
            let mut padded = [T::ONE; TAIL];
            padded[..rest.len()].copy_from_slice(rest);
            block::<T, K, FUSED, TAIL>(&mut padded);
            rest.copy_from_slice(&padded[..rest.len()]);
        }
    }
}

#[inline(always)]
fn block<T: Lane, K: Kernel<T>, const FUSED: bool, const N: usize>(x: &mut [T; N]) {
    let mut far = false;
    for &x in x.iter() {
        far |= K::is_far(x);
    }
    if far {
        let before = *x;
        x.iter_mut().for_each(|x| *x = K::eval::<FUSED>(*x));
        repair::<T, K, N>(x, &before);
    } else {
        x.iter_mut().for_each(|x| *x = K::eval::<FUSED>(*x));
    }
}

/// Replaces what the formula could not reach.
#[cold]
#[inline(never)]
fn repair<T: Lane, K: Kernel<T>, const N: usize>(x: &mut [T; N], before: &[T; N]) {
    for i in 0..N {
        if K::is_far(before[i]) {
            x[i] = K::eval_far(before[i]);
        }
    }
}

macro_rules! kernels {
    ($($name:ident: $module:ident::$function:ident for $bound:ident;)*) => {$(
        pub(crate) struct $name;
        impl<T: $bound> Kernel<T> for $name {
            #[inline(always)]
            fn eval<const FUSED: bool>(x: T) -> T {
                $module::$function::<T, FUSED>(x)
            }
            kernels!(@far $bound $function);
        }
    )*};
    (@far Lane $function:ident) => {};
    (@far Angle $function:ident) => {
        #[inline(always)]
        fn is_far(x: T) -> bool {
            x.is_far()
        }
        #[inline(always)]
        fn eval_far(x: T) -> T {
            x.$function()
        }
    };
}

kernels! {
    Exp: exponential::exp for Lane;
    Ln: logarithm::ln for Lane;
    Sin: trigonometric::sin for Angle;
    Cos: trigonometric::cos for Angle;
    Tan: trigonometric::tan for Angle;
    Sinh: exponential::sinh for Lane;
    Cosh: exponential::cosh for Lane;
    Tanh: exponential::tanh for Lane;
    Sigmoid: exponential::sigmoid for Lane;
    Softplus: logarithm::softplus for Lane;
    Sqrt: exact::sqrt for Lane;
    Abs: exact::abs for Lane;
}

/// What the processor does by itself.
mod exact {
    use crate::lane::Lane;

    #[inline(always)]
    pub(super) fn sqrt<T: Lane, const FUSED: bool>(x: T) -> T {
        x.sqrt()
    }

    #[inline(always)]
    pub(super) fn abs<T: Lane, const FUSED: bool>(x: T) -> T {
        x.abs()
    }
}
