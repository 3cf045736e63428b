//! Ordinary differential equations `dy/dt = f(t, y)`, `y(t₀) = y₀`.
//!
//! A *vector field* says where the flow goes, a *tableau* at which points to ask it, a *stepper* reads both, and one loop
//! drives every stepper: save times, dense output and cancellation are its observers.
//!
//! ```
//! use vecfield_solvers::{Options, Save, field, solve_explicit, tableau::DOP853};
//!
//! // The harmonic oscillator x'' = -x from (1, 0): x = cos t.
//! let oscillator = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -y[0]));
//! let options = Options::tolerances(1e-10, 1e-12);
//! let solution = solve_explicit(&oscillator, (0.0, 10.0), &[1.0, 0.0], &DOP853, &options, Save::At(&[5.0, 10.0]))?;
//! assert!((solution.state(0)[0] - 5.0_f64.cos()).abs() < 1e-9);
//! assert!((solution.state(1)[0] - 10.0_f64.cos()).abs() < 1e-9);
//! # Ok::<(), vecfield_solvers::SolveError>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | one solve by an explicit method | [`solve_explicit`] |
//! | thousands of solves without allocation, over floats or duals | [`Integrator`] |
//! | tolerances, step sizes, bounds | [`Options`] |
//! | a new Runge–Kutta method | [`tableau`]: one `const` |
//! | zero crossings, jumps, stops | [`Event`] |
//! | to watch or cancel a solve | [`Observer`] |
//! | what went wrong | [`SolveError`] |
//!
//! **Architecture invariant:** nothing here allocates between the first step and the last, apart from what a solution
//! keeps. *Why:* the step is the inner loop of everything above. *Checked by* `tests/it/allocations.rs`.
//!
//! **Architecture invariant:** error control looks at values alone. *Why:* a dual then takes the very steps a float takes,
//! so its value part has the same bits. *Checked by* `tests/it/scalars.rs`.

mod any;
mod auto;
mod combine;
mod controller;
mod error;
mod event;
mod explicit;
mod initial;
mod integrate;
mod integrator;
mod method;
mod options;
mod radau;
mod solution;
pub mod stepper;
pub mod tableau;

pub use any::AnyStepper;
pub use auto::Auto;
pub use controller::Filter;
pub use error::SolveError;
pub use event::{Direction, Event, Occurrence};
pub use explicit::ExplicitRungeKutta;
pub use integrate::{Ending, Flow, Observer, Segment};
pub use integrator::{Integrator, solve, solve_explicit};
pub use method::{Kind, Method, Stiffness};
pub use options::{Options, Tolerance};
pub use radau::Radau5;
pub use solution::{Interrupted, Save, Solution};
pub use stepper::Stats;
pub use vecfield_traits::{Dynamics, VectorField, field};
