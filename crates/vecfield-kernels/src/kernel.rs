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

/// `out_i ← g(x_i)`, with `x` the old `out` where it is not given.
pub(crate) fn map<T: Lane, K: Kernel<T>>(target: Target, x: Option<&[T]>, out: &mut [T]) {
    if let Some(x) = x {
        assert_eq!(x.len(), out.len(), "as many results as arguments");
    }
    run_on(target, Map(x, out, PhantomData::<K>));
}

/// Elements in a block of the body: four AVX-512 registers of `f64`.
const BODY: usize = 32;
/// Elements in a block of the tail.
const TAIL: usize = 8;
/// So many left over are faster one by one than padded.
const FEW: usize = 3;

struct Map<'a, T, K>(Option<&'a [T]>, &'a mut [T], PhantomData<K>);

impl<T: Lane, K: Kernel<T>> Job for Map<'_, T, K> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Map(from, out, _) = self;
        let mut start = 0;
        let (body, rest) = out.as_chunks_mut::<BODY>();
        for out in body {
            block::<T, K, FUSED, BODY>(arguments(from, start, &mut [T::ONE; BODY], out), out);
            start += BODY;
        }
        let (tail, rest) = rest.as_chunks_mut::<TAIL>();
        for out in tail {
            block::<T, K, FUSED, TAIL>(arguments(from, start, &mut [T::ONE; TAIL], out), out);
            start += TAIL;
        }
        if let Some(from) = from {
            rest.copy_from_slice(&from[start..]);
        }
        if rest.len() <= FEW {
            for out in rest {
                block::<T, K, FUSED, 1>(&[*out], core::array::from_mut(out));
            }
        } else {
            let mut padded = [T::ONE; TAIL];
            padded[..rest.len()].copy_from_slice(rest);
            let x = padded;
            block::<T, K, FUSED, TAIL>(&x, &mut padded);
            rest.copy_from_slice(&padded[..rest.len()]);
        }
    }
}

/// The arguments of a block of results, from where they are or from a copy of the block.
#[inline(always)]
fn arguments<'a, T: Copy, const N: usize>(
    from: Option<&'a [T]>,
    start: usize,
    copy: &'a mut [T; N],
    out: &[T; N],
) -> &'a [T; N] {
    match from {
        Some(from) => from[start..].first_chunk().expect("as many arguments as results"),
        None => {
            *copy = *out;
            copy
        }
    }
}

#[inline(always)]
fn block<T: Lane, K: Kernel<T>, const FUSED: bool, const N: usize>(x: &[T; N], out: &mut [T; N]) {
    let mut far = false;
    for &x in x {
        far |= K::is_far(x);
    }
    for i in 0..N {
        out[i] = K::eval::<FUSED>(x[i]);
    }
    if far {
        repair::<T, K, N>(x, out);
    }
}

/// Replaces what the formula could not reach.
#[cold]
#[inline(never)]
fn repair<T: Lane, K: Kernel<T>, const N: usize>(x: &[T; N], out: &mut [T; N]) {
    for i in 0..N {
        if K::is_far(x[i]) {
            out[i] = K::eval_far(x[i]);
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
