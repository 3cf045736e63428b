//! Multiple shooting: the model integrated over windows of samples from free initial states, with forward sensitivities, and the
//! least-squares problem this makes.
//!
//! With `S = ∂y/∂(θ, y₀)`, `S' = (∂f/∂y) S + [φ_k e_i | 0]`: the sensitivity to a coefficient that is zero costs the same as to one that is not,
//! so the likelihood can be linearised for a whole library at once. Fixed Runge–Kutta steps keep cost and gradient exactly
//! consistent. The normal equations of a window, `[H B; Bᵀ D]`, couple to others through the coefficients, and where windows are tied to the next
//! one: initial states are eliminated window by window ([`chain`]).
//!
//! Windows that are not tied forget what they know of each other: where one ends the next should begin. A tie counts the gap between them as
//! one more measurement, whose noise goes to zero: the run becomes one path, without ever being integrated from one start, which over a
//! chaotic run ends in a minimum of its own (multiple shooting: Bock 1983; weak constraints: Trémolet 2006).
//!
//! Why this is not the shooting of `vecfield-adjoint`: there a constant is one direction of dual numbers, and a whole library is hundreds of
//! them, most with a coefficient of zero; here its column is one multiple of the features, which the step has evaluated anyway. Known
//! inputs, interpolated between their samples, are the other thing that families of fields do not have.

mod chain;
mod gram;
mod integrate;
mod normal;

pub(crate) use integrate::{Columns, Cut, FINEST, Model, Part, Term, Windows};
pub(crate) use normal::{Linearised, Shooting};
