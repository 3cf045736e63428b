//! Multiple shooting: the model integrated over windows of samples from free initial states, with forward sensitivities, and the
//! least-squares problem this makes.
//!
//! With `S = ∂y/∂(θ, y₀)`, `S' = (∂f/∂y) S + [φ_k e_i | 0]`: the sensitivity to a coefficient that is zero costs the same as to one that is not,
//! so the likelihood can be linearised for a whole library at once. Fixed Runge–Kutta steps keep cost and gradient exactly
//! consistent. The normal equations of a window, `[H B; Bᵀ D]`, couple to others through the coefficients alone: initial states are
//! eliminated window by window.
//!
//! Why this is not the shooting of `vecfield-adjoint`: there a constant is one direction of dual numbers, and a whole library is hundreds of
//! them, most with a coefficient of zero; here its column is one multiple of the features, which the step has evaluated anyway. Known
//! inputs, interpolated between their samples, are the other thing that families of fields do not have.

mod integrate;
mod normal;

pub(crate) use integrate::{Columns, FINEST, Model, Part, Term, Windows};
pub(crate) use normal::{Linearised, Shooting};
