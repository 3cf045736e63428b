//! Differentiation of formulas: one written over any number `S: Elementary`, evaluated over duals `x + ẋ ε` with `ε² = 0`,
//! gives its derivative along with its value, exact to rounding; over jets `Σ cₖ sᵏ` its Taylor series; over variables that
//! write down what is done with them, a tape that is pulled back.
//!
//! ```
//! use vecfield_autodiff::{Dual, gradient, hessian};
//! use vecfield_traits::Elementary;
//!
//! // Rosenbrock's valley has its minimum at (1, 1), where the Hessian is [[802, -400], [-400, 200]].
//! fn valley<S: Elementary>(x: &[S]) -> S {
//!     (S::one() - x[0]).powi(2) + (x[1] - x[0] * x[0]).powi(2) * S::constant(100.0)
//! }
//! assert_eq!(gradient(valley, &[1.0, 1.0]), [0.0, 0.0]);
//! assert_eq!(hessian(valley, &[1.0, 1.0]), [802.0, -400.0, -400.0, 200.0]);
//!
//! // By hand: the value and two partial derivatives of x y at (3, 5).
//! let (x, y) = (Dual::<f64, 2>::variable(3.0, 0), Dual::variable(5.0, 1));
//! assert_eq!((x * y).tangent, [5.0, 3.0]);
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | a number that carries `N` derivatives | [`Dual`]; nested, `Dual<Dual<f64, 1>, 1>`, for second derivatives |
//! | a number that carries a Taylor series | [`Jet`]; of derivatives, `Jet<Dual<f64, N>, K>` |
//! | higher derivatives of a function, its Taylor coefficients | [`derivatives`], [`taylor`] |
//! | the derivative of a function | [`derivative`], [`gradient`], [`jacobian`], [`hessian`] |
//! | a Jacobian for an implicit solver | [`ByDuals`]; for a field that takes floats only, [`ByDifferences`] |
//! | products with a Jacobian or a Hessian | [`jvp`], [`vjp`], [`hvp`] |
//! | the gradient of a function of many variables | [`vjp`], over [`Active`] |
//! | a formula as its operations, to be evaluated and pulled back over any number | [`Tape`], recorded over [`Var`] |
//! | the Taylor series of a solution of `dy/dt = f(t, y)` | [`Lifted`]'s `taylor`, [`Series`] |
//! | where a Jacobian differs from zero, its columns by few directions | [`sparsity`], [`Colouring`], [`sparse_jacobian`] |
//! | the same for a field | [`ByDuals::sparse`], [`Lifted::sparse`] |
//! | all derivatives of a family of fields, parameters included | [`Lifted`] |
//! | all derivatives of a stochastic equation | [`StochasticLifted`] |
//! | to test a derivative written by hand | the crate `vecfield-laws` |
//!
//! Conventions at the corners, the same for every function here: a branch (`abs`, `min`, `max`, `greater`, `where_positive`, a comparison) is chosen
//! by the value, and the derivative is that of the branch taken; where the slope of `sqrt`, `ln`, `asin`, `acos` or a
//! power is infinite or undefined, a tangent that is zero stays zero, because a number that does not move has no
//! derivative to lose.
//!
//! **Architecture invariant:** a dual's value is computed by the same operations as the plain number's, so branches,
//! error norms and step sizes are those of the undifferentiated run, bit for bit. *Why:* derivatives of an adaptive solve
//! are those of the steps that were taken. *Checked by* the law `values_are_those_of_the_plain_number`.
//!
//! **Architecture invariant:** nothing allocates after a workspace is made and, where series are expanded, once the first of
//! an order is. *Why:* Jacobians and series are taken inside step loops. *Checked by*
//! `crates/vecfield-autodiff/tests/it/fields.rs` and `series.rs`.

mod active;
mod by_differences;
mod by_duals;
mod colouring;
mod compressed;
mod dependencies;
mod dual;
mod elementary;
mod function;
mod jet;
mod lifted;
mod products;
mod reverse;
mod series;
mod stochastic;
mod tape;
mod var;

pub use active::Active;
pub use by_differences::{ByDifferences, DifferencesWorkspace};
pub use by_duals::{ByDuals, DualsWorkspace, LANES};
pub use colouring::Colouring;
pub use compressed::sparse_jacobian;
pub use dependencies::{Dependencies, WINDOW, field_sparsity, sparsity};
pub use dual::Dual;
pub use function::{derivative, derivatives, gradient, gradient_into, hessian, jacobian, taylor};
pub use jet::Jet;
pub use lifted::{Formula, Lifted, LiftedWorkspace, Second};
pub use products::{hvp, jvp, vjp};
pub use series::{Series, SeriesMemory};
pub use stochastic::{StochasticLifted, StochasticWorkspace};
pub use tape::{Function, Operation, Tape};
pub use var::Var;
