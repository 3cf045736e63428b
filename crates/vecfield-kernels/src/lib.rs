//! Elementary functions `y_i = g(x_i)` over slices, at the speed of the machine's vector instructions.
//!
//! ```
//! use vecfield_kernels::VectorMath;
//!
//! // A row of activations, and the same in place.
//! let x = [-1.0, 0.0, 0.5, f64::INFINITY, f64::NAN];
//! let mut y = [0.0; 5];
//! f64::tanh_into(&x, &mut y);
//! assert_eq!([y[1], y[3]], [0.0, 1.0]);
//! assert!((y[2] - 0.5_f64.tanh()).abs() < 1e-15);
//! assert!(y[4].is_nan());
//!
//! let mut z = x;
//! f64::tanh_in_place(&mut z);
//! assert_eq!(z[..4], y[..4]);
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | `exp`, `tanh`, `sin`, .. of a slice of `f32` or `f64` | [`VectorMath`] |
//! | a function chosen at run time; how accurate it is | [`Function`] |
//! | sums and inner products with the same bits on every machine | [`sum`], [`dot`], [`axpy`] |
//! | products of matrices, activations of networks and their derivatives | [`LayerMath`], [`Activation`] |
//! | random numbers as a function of a key and a counter | [`threefry`], [`fill_normals`] |
//! | a matrix turned about its diagonal | [`transpose()`] |
//! | a loop of your own, compiled for AVX2 and AVX-512 too, chosen at run time | [`Job`], [`run`], [`fused`] |
//! | which instructions are used | [`Target`] |
//! | several systems in one number, a lane each | [`Lanes`] |
//!
//! Every function is one branch-free scalar formula, compiled three times: for the baseline of the target, for AVX2 with
//! FMA, and for AVX-512. What holds of the results:
//!
//! * **Accuracy** is stated in ulp (units in the last place) at each [`Function`] and tested over the whole range.
//! * NaN stays NaN, infinities and signed zeros give what the function's limit says, subnormals are full citizens.
//! * AVX2 and AVX-512 give the same bits. The baseline, which has no fused multiply-add, may differ from them in the last
//!   place of the transcendental functions; it never does for `abs`, `sqrt`, [`sum`], [`dot`] and [`axpy`].
//!
//! **Architecture invariant:** the result for an element depends on this element alone, never on its place in the slice or
//! on its neighbours: the tail of a slice is padded and goes through the same arithmetic. *Why:* a row's result must not
//! depend on its batch. *Checked by* the law `place_does_not_matter`.
//!
//! **Architecture invariant:** no function over slices allocates. *Why:* they are the inner loops of everything above.
//! *Checked by* `crates/vecfield-kernels/tests/it/slices.rs`.
//!
//! **Architecture invariant:** `unsafe` lives in this crate alone, and here in two places: [`run_on`], which enters code
//! compiled for instructions that the processor has been found to have; and the matrix product, which loads and stores whole
//! registers at places checked before. *Why:* little
//! to audit. *Checked by* `cargo xtask tidy`.

mod activation;
mod dispatch;
mod exponential;
mod function;
mod kernel;
mod lane;
mod lanes;
mod layer_math;
mod logarithm;
mod normal;
mod product;
mod random;
mod reduction;
mod register;
mod transpose;
mod trigonometric;
mod vector_math;

pub use activation::{Activation, Slopes};
pub use dispatch::{Job, Target, fused, run, run_on};
pub use function::Function;
pub use lanes::Lanes;
pub use layer_math::LayerMath;
pub use product::{Matrix, Start};
pub use random::{fill_normals, fill_normals_on, threefry};
pub use reduction::{axpy, dot, sum};
pub use transpose::transpose;
pub use vector_math::VectorMath;
