//! The laws that methods, layers, fields and formats must obey, as functions that say what is broken and by how much.
//!
//! A law is a property that holds for *every* instance: an error falls as `h^p`, a pullback is the transpose of the derivative,
//! what is printed is read back, a step allocates nothing. Each takes your type through a closure or one of the traits of
//! `vecfield-traits`, so that it does not matter what library the type comes from.
//!
//! ```
//! use vecfield_laws::{problems::Turning, steps_converge};
//!
//! // Heun's method, by its own author: is it of order two?
//! let heun = |field: &Turning, t: f64, h: f64, y: &mut [f64]| {
//!     let k1 = field.rate(t, [y[0], y[1]]);
//!     let k2 = field.rate(t + h, [y[0] + h * k1[0], y[1] + h * k1[1]]);
//!     (0..2).for_each(|i| y[i] += h / 2.0 * (k1[i] + k2[i]));
//! };
//! steps_converge(2.0, heun)?;
//! assert!(steps_converge(3.0, heun).unwrap_err().to_string().starts_with("observed order 2.0"));
//! # Ok::<(), vecfield_laws::Broken>(())
//! ```
//!
//! Inside a property test `?` does the same: `proptest!` takes any error, and shrinks the case that broke the law.
//!
//! | you wrote | what it owes | the law |
//! |---|---|---|
//! | a stepper | errors that fall as `h^p` | [`steps_converge`], [`order_is`], [`order_is_at_least`] |
//! | a derivative | agreement with differences that share no code with it | [`check_jvp`], [`check_vjp`], [`check_parameter_vjp`] |
//! | any pullback | `⟨Jᵀw, v⟩ = ⟨w, Jv⟩` | [`is_the_pullback`] by differences, [`is_the_transpose`] of a pushforward; [`difference`] for a number |
//! | a linear map | `A(ax + by) = aAx + bAy` | [`is_linear`] |
//! | a layer of a group | `f(gx) = g f(x)`: permutations, shifts, affine changes of variables | [`is_equivariant`] |
//! | a map of rows | a row's bits do not depend on its neighbours | [`rows_do_not_see_each_other`] |
//! | a map and its inverse | there and back is where one was | [`is_undone`] |
//! | a format | what is printed is read back | [`comes_back`] |
//! | parallel work | the same bits on any number of threads | [`threads_do_not_matter`] |
//! | a step loop | no allocation | [`allocates_nothing`]; [`measure`] for how much |
//!
//! Each law is shown to bite: the book lists the mutants that it rejects, and
//! `tests/it/mutants.rs` runs them.
//!
//! **Architecture invariant:** a law shares no code with what it judges: it knows numbers and fields as traits, and nothing else of
//! the house. *Why:* a mistake in both would be invisible; and every crate can be judged without a cycle. *Checked by* `cargo
//! xtask tidy`.
//!
//! **Architecture invariant:** a law is a function of its arguments; what it draws, it draws from the `seed` that it is given.
//! *Why:* a broken law can be broken again.

mod allocation;
mod broken;
mod derivative;
mod draws;
mod maps;
mod order;
pub mod problems;
mod rows;
mod sameness;

pub use allocation::{allocates_nothing, measure};
pub use broken::{Broken, Quantity};
pub use derivative::{check_jvp, check_parameter_vjp, check_vjp, difference, is_the_pullback, is_the_transpose};
pub use draws::draws;
pub use maps::{is_equivariant, is_linear, is_undone};
pub use order::{observed_order, order_is, order_is_at_least, steps_converge};
pub use rows::rows_do_not_see_each_other;
pub use sameness::{comes_back, threads_do_not_matter};
