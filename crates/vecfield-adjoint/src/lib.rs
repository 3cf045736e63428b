//! Derivatives through a solve of `dy/dt = f(t, y; θ)`: exact gradients in the memory one has, and what data say about `θ`.
//!
//! The *discrete adjoint* ([`Discrete`]) pulls cotangents back through the steps a solve took: the exact gradient of the
//! numbers it computed with respect to initial state, parameters and times, through events and jumps. A *fit* ([`fit()`])
//! finds the parameters by multiple shooting with forward sensitivities:
//!
//! ```
//! use vecfield_adjoint::{FitOptions, Noise, Start, Uncertainty, fit};
//! use vecfield_data::{Trajectories, Trajectory};
//! use vecfield_traits::{Dynamics, Elementary};
//!
//! /// y' = -θ y
//! struct Decay;
//! impl Dynamics for Decay {
//!     fn dim(&self) -> usize { 1 }
//!     fn parameter_count(&self) -> usize { 1 }
//!     fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) { dy[0] = -theta[0] * y[0]; }
//! }
//!
//! // y(t) = 3 exp(-t/2), measured at five times.
//! let times = vec![0.0, 0.5, 1.0, 2.0, 4.0];
//! let values = times.iter().map(|t: &f64| 3.0 * (-t / 2.0).exp()).collect();
//! let data = Trajectories::new(vec!["y".into()], vec![], vec![Trajectory::new(times, values, vec![])?])?;
//!
//! let options = FitOptions::new(1, 1, Noise::Additive, vec![0.1]);
//! let start = Start { theta: vec![2.0], state: &|_run, _row, state| state[0] = 2.0 };
//! let found = fit(&Decay, &data, &start, &options, &mut |_| std::ops::ControlFlow::Continue(()))?;
//! assert!((found.theta[0] - 0.5).abs() < 1e-6 && (found.starts[0] - 3.0).abs() < 1e-6);
//!
//! let sure = Uncertainty::of(&Decay, &data, &found, &options)?;
//! assert!(sure.stderr[0] < 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | the gradient of anything computed from a solve | [`Discrete`], [`Cotangents`], [`Gradient`] |
//! | the adjoint equation backwards, with an estimate of its error | [`backsolve()`] |
//! | derivatives of every saved state, in a few directions | [`push_forward`], [`Directions`] |
//! | the same in bounded memory | [`Budget`] |
//! | the same by going back over the steps, nothing kept but their sizes | [`Rewind`] |
//! | gradients of event times, and through jumps | [`Crossing`] |
//! | integrals along the solution as part of the quantity | [`Integrals`] |
//! | products of Hessians with vectors | [`Curvature`] |
//! | slopes of states of rest | [`Rest`] |
//! | the gradient of a sum over thousands of runs | [`total`] |
//! | gradients through a batch that shares a network, each member with its own steps | [`BatchAdjoint`] |
//! | gradients through a stochastic solve, on given paths | [`SdeAdjoint`] |
//! | the pass back through a new family of steppers | [`reverse`] |
//! | constants and initial states from data | [`fit()`], [`FitOptions`], [`Start`] |
//! | standard errors and prediction bands | [`Uncertainty`] |
//! | the least-squares problem itself | [`Shooting`], [`Window`] |
//! | intervals by profile likelihood | [`Profile`] |
//! | combinations that the data cannot see | [`Blind`] |
//! | quantities that are measured, priors | [`Observed`], [`Quantity`], [`Prior`] |
//! | to put a fit aside and go on | [`Progress::checkpoint`], [`resume`] |
//! | noise models and robust losses | [`Noise`], [`Loss`] |
//!
//! **Architecture invariant:** a fit sees a field only through [`ParametricField`](vecfield_traits::ParametricField) over
//! floats and duals. *Why:* formulas, networks and hand-written Rust are fitted by the same code. *Checked by* the compiler
//! ([`Differentiable`] is all it asks for).
//!
//! **Architecture invariant:** derivatives are those of the steps that were taken: duals choose their steps by the value
//! part alone. *Why:* residuals and Jacobian then belong to one function, and Gauss–Newton converges to its minimum.
//! *Checked by* the law `sensitivities_are_finite_differences`.

mod backsolve;
mod batch;
mod budget;
mod discrete;
mod ensemble;
mod error;
mod event;
mod fit;
mod forward;
mod integrals;
mod record;
mod rest;
pub mod reverse;
mod rewind;
mod schedule;
mod sde;
mod second;
mod sweep;

pub use backsolve::{Estimated, backsolve};
pub use batch::BatchAdjoint;
pub use budget::Budget;
pub use discrete::{Cotangents, Discrete, Gradient, Unfinished};
pub use ensemble::{Share, Total, total};
pub use error::AdjointError;
pub use event::{Crossing, Lane, Pointwise};
pub use fit::{
    Belief, Blind, Borrowed, CHI_SQUARE_95, Checkpoint, Differentiable, Finished, Fit, FitObserver, FitOptions,
    Initial, Loss, Noise, Observed, Prior, Profile, Progress, Quantity, Scale, Shooting, Start, Uncertainty, Window,
    fit, resume,
};
pub use forward::{Directions, Moved, push_forward};
pub use integrals::{Integrals, IntegralsWorkspace};
pub use rest::{Rest, RestGradient};
pub use rewind::Rewind;
pub use sde::{SdeAdjoint, SdeGradient, SdeMemory};
pub use second::{Curvature, HessianProduct, Moving, Tangent, TwiceDifferentiable};
