//! Numbers and vector fields: `dy/dt = f(t, y; θ)` over any number that can be added, multiplied and, where needed,
//! put through `exp`.
//!
//! A solver asks only for a [`VectorField`]; what more a field can do (a Jacobian, tangents, cotangents) is a further
//! trait, so a missing capability is a compile error at the call that needs it.
//!
//! ```
//! use vecfield_traits::{Dynamics, Elementary, ParametricField, VectorField};
//!
//! /// Lotka–Volterra: a formula written once, for floats, duals and Taylor jets alike.
//! struct LotkaVolterra;
//! impl Dynamics for LotkaVolterra {
//!     fn dim(&self) -> usize { 2 }
//!     fn parameter_count(&self) -> usize { 4 }
//!     fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
//!         let eaten = y[0] * y[1];
//!         dy[0] = theta[0] * y[0] - theta[1] * eaten;
//!         dy[1] = theta[2] * eaten - theta[3] * y[1];
//!     }
//! }
//!
//! // At fixed parameters the family is a vector field. At the equilibrium (γ/δ, α/β) nothing moves.
//! let field = LotkaVolterra.at(vec![0.5, 0.02, 0.03, 0.9]);
//! let mut dy = [1.0; 2];
//! field.eval(0.0, &[30.0, 25.0], &mut dy, &mut ());
//! assert!(dy.iter().all(|rate| rate.abs() < 1e-12));
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | a number type of your own | [`Scalar`], then [`Elementary`] |
//! | a right-hand side as a formula | [`Dynamics`] |
//! | a right-hand side with memory of its own (registers, activations) | [`VectorField`], [`ParametricField`] |
//! | a closure as a field | [`field`] |
//! | Jacobians for implicit methods, and what else a field may know of itself | [`Jacobian`] |
//! | where a Jacobian differs from zero, `M` of `M dy/dt = f`, the halves of a Hamiltonian | [`Sparsity`], [`Mass`], [`Partition`] |
//! | a separable Hamiltonian as two closures, or the halves of any field | [`separable`], [`Partitioned`] |
//! | gradients | [`Jvp`], [`Vjp`] |
//! | a stochastic equation `dy = f dt + g dW`, its gradients | [`DriftDiffusion`], [`drift_diffusion`], [`StochasticDynamics`], [`DriftDiffusionVjp`] |
//! | many systems side by side, each at its own time | [`BatchField`], [`BatchVjp`] |
//! | code that is compiled once for all fields | [`AnyField`], [`AnyVjp`], [`AnyRows`] |
//! | generic code that is compiled where it is written | [`Real::choose`] |
//!
//! **Architecture invariant:** traits, their blanket implementations and the plain data they speak of; no dependency, no
//! algorithm. *Why:* every
//! crate compiles this one first. *Checked by* `cargo xtask tidy` (the crate has no dependencies).

mod batch;
mod erased;
mod field;
mod forward;
mod number;
mod partitioned;
mod stochastic;
mod structure;
mod with_mass;

pub use batch::{BatchField, BatchRows, BatchVjp};
pub use erased::{AnyField, AnyRows, AnyVjp, with_any_field, with_any_rows, with_any_vjp};
pub use field::{At, Closure, Dynamics, Jacobian, Jvp, ParametricField, VectorField, Vjp, field};
pub use number::{Elementary, PerReal, Real, Scalar};
pub use partitioned::{Partitioned, Separable, separable};
pub use stochastic::{
    Calculus, Dependence, DriftDiffusion, DriftDiffusionClosure, DriftDiffusionVjp, Layout, Noise, StochasticDynamics,
    drift_diffusion,
};
pub use structure::{Half, Mass, Partition, Sparsity};
pub use with_mass::WithMass;
