//! Nonlinear least squares, `min ½ Σ ρ(rᵢ(x)²)`, by Levenberg–Marquardt, with box bounds, robust losses and standard errors;
//! and descent by gradients, for training: first-order rules, schedules, L-BFGS, self-scaled Broyden.
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
//! | to train by gradients: SGD, Adam, AdamW, AdaBelief, RMSprop, Lion, Muon | [`Descent`], [`Rule`] |
//! | rates and decay by group; rates by step | [`Group`], [`Decay`]; [`Schedule`] |
//! | gradients cut, parameters averaged | [`clip_norm`], [`clip_value`]; [`Average`] |
//! | a smooth function's minimum by its gradient | [`Lbfgs`]; of up to some thousand numbers, [`Broyden`] |
//!
//! **Architecture invariant:** no allocation after the first iteration, and none at all when a [`LevenbergMarquardt`] is used again
//! for problems of the same size. *Why:* symbolic search calls it a hundred thousand times. *Checked by* review: buffers are made
//! in `resize` alone.
//!
//! **Architecture invariant:** iterates do not depend on the units of the parameters (beyond rounding). *Why:* a rate per day and a
//! rate per second are the same model. *Checked by* the law `scaling_the_parameters_changes_nothing`.
//!
//! **Architecture invariant:** what a descent remembers is data, and resuming from it gives the bits of a run that was never
//! interrupted. *Why:* trainings are. *Checked by* `tests/it/descent.rs`.
//!
//! This crate knows nothing about differential equations, threads or clocks.

mod average;
mod broyden;
mod clip;
mod covariance;
mod dense;
mod descent;
mod error;
mod lbfgs;
mod levenberg;
mod line;
mod loss;
mod orthogonal;
mod problem;
mod rule;
mod schedule;

pub use average::Average;
pub use broyden::{Broyden, Scaling, Stepped};
pub use clip::{clip_norm, clip_value};
pub use covariance::{Covariance, Unidentifiable};
pub use descent::{Decay, Descent, Group};
pub use error::OptimError;
pub use lbfgs::{Ended, Lbfgs, LbfgsOptions, LbfgsSummary};
pub use levenberg::{LevenbergMarquardt, Options, Progress, Standing, Stop, Summary};
pub use line::Objective;
pub use loss::Loss;
pub use problem::{FromResiduals, Infeasible, LeastSquares, NormalEquations};
pub use rule::Rule;
pub use schedule::Schedule;
