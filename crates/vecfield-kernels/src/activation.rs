//! Activations `h = σ(z)` over slices, with as many derivatives as a pass back or a Taylor rule asks for.

use core::marker::PhantomData;

use crate::dispatch::{Job, Target, run, run_on};
use crate::exponential::decay;
use crate::function::Function;
use crate::lane::Lane;
use crate::logarithm::softplus_of;
use crate::normal::{Normal, distribution};
use crate::vector_math::VectorMath;

/// A function between two layers, applied to every number.
///
/// Values are as accurate as the [`Function`] of the same name, those without one to 4 ulp of the larger of the terms they
/// are the sum of; derivatives to a few ulp of their largest value nearby.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Activation {
    /// `z`.
    #[default]
    Identity,
    /// `tanh z`.
    Tanh,
    /// `1 / (1 + e^-z)`.
    Sigmoid,
    /// `ln(1 + e^z)`.
    Softplus,
    /// `z / (1 + e^-z)`, also called swish.
    Silu,
    /// `0.909 z / (1 + e^-z)`: SiLU scaled to Lipschitz constant one (Chen, Behrmann, Duvenaud & Jacobsen 2019).
    LipSwish,
    /// `z Φ(z)` with the normal distribution `Φ`, not its approximation by `tanh` (Hendrycks & Gimpel 2016).
    Gelu,
    /// `z` where positive, `e^z - 1` elsewhere (Clevert, Unterthiner & Hochreiter 2016).
    Elu,
    /// `max(z, 0)`; its slope at 0 is taken as 0.
    Relu,
    /// `sin z`.
    Sin,
    /// `z³`.
    Cube,
}

impl Activation {
    /// All of them, in the order of the enum.
    pub const ALL: [Activation; 11] = [
        Activation::Identity,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Softplus,
        Activation::Silu,
        Activation::LipSwish,
        Activation::Gelu,
        Activation::Elu,
        Activation::Relu,
        Activation::Sin,
        Activation::Cube,
    ];

    /// As one writes it in a model's description.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::Softplus => "softplus",
            Activation::Silu => "silu",
            Activation::LipSwish => "lipswish",
            Activation::Gelu => "gelu",
            Activation::Elu => "elu",
            Activation::Relu => "relu",
            Activation::Sin => "sin",
            Activation::Cube => "cube",
        }
    }

    /// Are all its derivatives continuous?
    pub fn is_smooth(self) -> bool {
        !matches!(self, Activation::Elu | Activation::Relu)
    }

    /// Is the slope a formula of the value, with the same bits? A pass back then needs the values alone.
    pub fn value_tells_slope(self) -> bool {
        matches!(self, Activation::Identity | Activation::Tanh | Activation::Relu)
    }
}

/// Derivatives to be written, each of the length of `z`: `σ'`, `σ''` and `σ'''` of the numbers that `z` held.
#[derive(Debug)]
pub enum Slopes<'a, T> {
    /// None.
    None,
    /// The first.
    First(&'a mut [T]),
    /// The first two.
    Two(&'a mut [T], &'a mut [T]),
    /// The first three.
    Three(&'a mut [T], &'a mut [T], &'a mut [T]),
}

pub(crate) fn activate<T: VectorMath + Normal>(
    target: Target,
    activation: Activation,
    z: &mut [T],
    slopes: Slopes<'_, T>,
) {
    match activation {
        Activation::Identity => by_formula::<T, Identity>(target, z, slopes),
        Activation::Tanh => by_formula::<T, Tanh>(target, z, slopes),
        Activation::Sigmoid => by_formula::<T, Sigmoid>(target, z, slopes),
        Activation::Softplus => by_formula::<T, Softplus>(target, z, slopes),
        Activation::Silu => by_formula::<T, Silu>(target, z, slopes),
        Activation::LipSwish => by_formula::<T, LipSwish>(target, z, slopes),
        Activation::Gelu => by_formula::<T, Gelu>(target, z, slopes),
        Activation::Elu => by_formula::<T, Elu>(target, z, slopes),
        Activation::Relu => by_formula::<T, Relu>(target, z, slopes),
        Activation::Cube => by_formula::<T, Cube>(target, z, slopes),
        Activation::Sin => sine(target, z, slopes),
    }
}

/// `σ'` from `h = σ(z)`, where [the value tells it](Activation::value_tells_slope).
pub(crate) fn slopes_of_values<T: Lane>(activation: Activation, h: &[T], slopes: &mut [T]) {
    match activation {
        Activation::Identity => slopes.fill(T::ONE),
        Activation::Tanh => run(OfValues(h, slopes, tanh_slope)),
        Activation::Relu => run(OfValues(h, slopes, relu_slope)),
        _ => panic!("the value of {} does not tell its slope", activation.name()),
    }
}

struct OfValues<'a, T, F>(&'a [T], &'a mut [T], F);

impl<T: Lane, F: Fn(T) -> T> Job for OfValues<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let OfValues(values, slopes, formula) = self;
        for (slope, &h) in slopes.iter_mut().zip(values) {
            *slope = formula(h);
        }
    }
}

/// `1 - h²`, without cancellation where the tangent is nearly one.
#[inline(always)]
fn tanh_slope<T: Lane>(h: T) -> T {
    (T::ONE - h) * (T::ONE + h)
}

#[inline(always)]
fn relu_slope<T: Lane>(h: T) -> T {
    if h > T::zero() { T::ONE } else { T::zero() }
}

/// `sin`, whose kernel reduces its argument by itself: `cos`, `-sin`, `-cos`.
fn sine<T: VectorMath>(target: Target, z: &mut [T], slopes: Slopes<'_, T>) {
    let first = |z: &[T], s1: &mut [T]| {
        s1.copy_from_slice(z);
        T::map_on(target, Function::Cos, s1);
    };
    let negated = |from: &[T], to: &mut [T]| to.iter_mut().zip(from).for_each(|(to, &from)| *to = -from);
    match slopes {
        Slopes::None => T::map_on(target, Function::Sin, z),
        Slopes::First(s1) => {
            first(z, s1);
            T::map_on(target, Function::Sin, z);
        }
        Slopes::Two(s1, s2) => {
            first(z, s1);
            T::map_on(target, Function::Sin, z);
            negated(z, s2);
        }
        Slopes::Three(s1, s2, s3) => {
            first(z, s1);
            T::map_on(target, Function::Sin, z);
            negated(z, s2);
            negated(s1, s3);
        }
    }
}

/// `σ` and its derivatives at one number, without branches; those not used cost nothing.
trait Formula<T> {
    fn eval<const FUSED: bool>(z: T) -> [T; 4];
}

/// The formulas of logistic kind, from `e^-|z|`: neither end overflows.
#[inline(always)]
fn logistic<T: Lane, const FUSED: bool>(z: T) -> [T; 4] {
    logistic_of::<T, FUSED>(z, decay::<T, FUSED>(-z.abs()))
}

/// The same, for who has `e = e^-|z|` already. The value divides once: it is most of the cost.
#[inline(always)]
fn logistic_of<T: Lane, const FUSED: bool>(z: T, e: T) -> [T; 4] {
    let whole = T::ONE + e;
    let s = (if z >= T::zero() { T::ONE } else { e }) / whole;
    let s1 = e / (whole * whole);
    let tilt = (T::ONE - e) / whole; // |1 - 2s|
    let tilt = if z >= T::zero() { -tilt } else { tilt };
    let s2 = s1 * tilt;
    [s, s1, s2, s2 * tilt - T::TWO * s1 * s1]
}

/// `by · z s(z)` and its derivatives.
#[inline(always)]
fn swish<T: Lane, const FUSED: bool>(z: T, by: T) -> [T; 4] {
    let [s, s1, s2, s3] = logistic::<T, FUSED>(z);
    let three = T::TWO + T::ONE;
    [
        by * (z * s),
        by * z.fma::<FUSED>(s1, s),
        by * z.fma::<FUSED>(s2, T::TWO * s1),
        by * z.fma::<FUSED>(s3, three * s2),
    ]
}

macro_rules! formulas {
    ($($name:ident $bound:ident |$z:ident| $body:expr;)*) => {$(
        struct $name;
        impl<T: $bound> Formula<T> for $name {
            #[inline(always)]
            fn eval<const FUSED: bool>($z: T) -> [T; 4] {
                $body
            }
        }
    )*};
}

formulas! {
    Identity Lane |z| [z, T::ONE, T::zero(), T::zero()];
    Tanh Lane |z| {
        let h = crate::exponential::tanh::<T, FUSED>(z);
        let s1 = tanh_slope(h);
        let s2 = -T::TWO * h * s1;
        [h, s1, s2, -T::TWO * s1.fma::<FUSED>(s1, h * s2)]
    };
    Sigmoid Lane |z| logistic::<T, FUSED>(z);
    Softplus Lane |z| {
        let e = decay::<T, FUSED>(-z.abs());
        let [s, s1, s2, _] = logistic_of::<T, FUSED>(z, e);
        [softplus_of::<T, FUSED>(z, e), s, s1, s2]
    };
    Silu Lane |z| swish::<T, FUSED>(z, T::ONE);
    LipSwish Lane |z| swish::<T, FUSED>(z, T::from_f64(0.909));
    Gelu Normal |z| {
        let (below, density) = distribution::<T, FUSED>(z);
        let square = z * z;
        let (s2, s3) = (density * (T::TWO - square), density * z * (square - T::TWO * T::TWO));
        [z * below, z.fma::<FUSED>(density, below), s2, s3]
    };
    Elu Lane |z| {
        let low = if z < T::zero() { z } else { T::zero() };
        let low = if low < -T::LARGE_DECAY { -T::LARGE_DECAY } else { low };
        let grown = crate::exponential::exp_m1::<T, FUSED>(low);
        let e = T::ONE + grown;
        let up = z > T::zero();
        let curved = if up { T::zero() } else { e };
        [if z < T::zero() { grown } else { z }, if up { T::ONE } else { e }, curved, curved]
    };
    Relu Lane |z| {
        let h = if z < T::zero() { T::zero() } else { z }; // NaN stays
        [h, relu_slope(h), T::zero(), T::zero()]
    };
    Cube Lane |z| {
        let three = T::TWO + T::ONE;
        let square = z * z;
        [square * z, three * square, T::TWO * three * z, T::TWO * three]
    };
}

fn by_formula<T: Lane, F: Formula<T>>(target: Target, z: &mut [T], slopes: Slopes<'_, T>) {
    let n = z.len();
    match slopes {
        Slopes::None => run_on(target, Apply::<'_, T, F, 0>(z, [], PhantomData)),
        Slopes::First(s1) => run_on(target, Apply::<'_, T, F, 1>(z, [&mut s1[..n]], PhantomData)),
        Slopes::Two(s1, s2) => run_on(target, Apply::<'_, T, F, 2>(z, [&mut s1[..n], &mut s2[..n]], PhantomData)),
        Slopes::Three(s1, s2, s3) => {
            run_on(target, Apply::<'_, T, F, 3>(z, [&mut s1[..n], &mut s2[..n], &mut s3[..n]], PhantomData));
        }
    }
}

struct Apply<'a, T, F, const ORDER: usize>(&'a mut [T], [&'a mut [T]; ORDER], PhantomData<F>);

/// Numbers at a time: two AVX-512 registers of `f64`.
const BLOCK: usize = 16;

impl<T: Lane, F: Formula<T>, const ORDER: usize> Job for Apply<'_, T, F, ORDER> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Apply(z, slopes, _) = self;
        let n = z.len();
        let mut i = 0;
        while i + BLOCK <= n {
            let mut x = [T::zero(); BLOCK];
            x.copy_from_slice(&z[i..i + BLOCK]);
            let y = block::<T, F, FUSED, ORDER>(&x);
            z[i..i + BLOCK].copy_from_slice(&y.0);
            for order in 0..ORDER {
                slopes[order][i..i + BLOCK].copy_from_slice(&y.1[order]);
            }
            i += BLOCK;
        }
        if i < n {
            let mut x = [T::ONE; BLOCK];
            x[..n - i].copy_from_slice(&z[i..]);
            let y = block::<T, F, FUSED, ORDER>(&x);
            z[i..].copy_from_slice(&y.0[..n - i]);
            for order in 0..ORDER {
                slopes[order][i..n].copy_from_slice(&y.1[order][..n - i]);
            }
        }
    }
}

#[inline(always)]
fn block<T: Lane, F: Formula<T>, const FUSED: bool, const ORDER: usize>(
    x: &[T; BLOCK],
) -> ([T; BLOCK], [[T; BLOCK]; ORDER]) {
    let (mut h, mut s) = ([T::zero(); BLOCK], [[T::zero(); BLOCK]; ORDER]);
    for i in 0..BLOCK {
        let y = F::eval::<FUSED>(x[i]);
        h[i] = y[0];
        for order in 0..ORDER {
            s[order][i] = y[order + 1];
        }
    }
    (h, s)
}
