//! Nonlinear least squares: `min ½ Σ ρ(rᵢ(x)²)` by Levenberg–Marquardt, with box bounds, robust losses and standard errors.
//!
//! A *problem* writes residuals and their Jacobian at `x`; where it cannot (a solver that blew up), it says [`Infeasible`], which
//! counts as infinite cost: the damping rises and a shorter step is tried.
//!
//! ```
//! use vecfield_optim::{Covariance, FromResiduals, LevenbergMarquardt, Options};
//!
//! // y = a exp(-b t), measured without noise at a = 3, b = 0.5.
//! let times = [0.0, 1.0, 2.0, 4.0, 8.0];
//! let mut decay = FromResiduals::new(2, times.len(), |x: &[f64], r: &mut [f64]| {
//!     for (r, &t) in r.iter_mut().zip(&times) {
//!         *r = x[0] * f64::exp(-x[1] * t) - 3.0 * f64::exp(-0.5 * t);
//!     }
//! });
//! let mut x = [1.0, 0.1];
//! let summary = LevenbergMarquardt::new(Options::default()).minimize(&mut decay, &mut x)?;
//! assert!((x[0] - 3.0).abs() < 1e-8 && (x[1] - 0.5).abs() < 1e-8, "{summary:?}");
//! # Ok::<(), vecfield_optim::OptimError>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | to state a problem with its Jacobian | [`LeastSquares`] |
//! | the same from a closure, with a Jacobian by differences | [`FromResiduals`] |
//! | to minimise it | [`LevenbergMarquardt`], [`Options`], [`Summary`], [`Stop`] |
//! | parameters kept in a box | [`LevenbergMarquardt::bounded`] |
//! | outliers to weigh less | [`Loss`] |
//! | standard errors, and which parameters the data cannot tell apart | [`Covariance`] |
//! | a large problem whose `JᵀJ` has blocks (multiple shooting) | [`NormalEquations`] |
//! | to watch or cancel a run | [`Progress`] |
//!
//! **Architecture invariant:** no allocation after the first iteration, and none at all when a [`LevenbergMarquardt`] is used again
//! for problems of the same size. *Why:* symbolic search calls it a hundred thousand times. *Checked by* review: buffers are made
//! in `resize` alone.
//!
//! **Architecture invariant:** iterates do not depend on the units of the parameters (beyond rounding). *Why:* a rate per day and a
//! rate per second are the same model. *Checked by* the law `scaling_the_parameters_changes_nothing`.
//!
//! This crate knows nothing about differential equations, threads or clocks.

mod covariance;
mod dense;
mod error;
mod levenberg;
mod loss;
mod problem;

pub use covariance::{Covariance, Unidentifiable};
pub use error::OptimError;
pub use levenberg::{LevenbergMarquardt, Options, Progress, Standing, Stop, Summary};
pub use loss::Loss;
pub use problem::{FromResiduals, Infeasible, LeastSquares, NormalEquations};
