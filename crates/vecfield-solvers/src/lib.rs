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
//! [`solve`] takes any [`Method`], the automatic one among them, for fields that know their Jacobian; `ByDuals` and
//! `ByDifferences` of `vecfield-autodiff` give one to a field that does not.
//!
//! | you want | start at |
//! |---|---|
//! | one solve, stiff or not | [`solve`] with [`Method::Auto`] |
//! | one solve by an explicit method, no Jacobian needed | [`solve_explicit`] |
//! | thousands of solves without allocation, over floats or duals | [`Integrator`] |
//! | thousands of trajectories side by side, each with its own parameters and steps | [`ensemble`] |
//! | stochastic equations, `dy = f dt + g dW` | [`sde`] |
//! | many systems with one network for a field, each with its own steps | [`batch`] |
//! | tolerances, step sizes, bounds | [`Options`] |
//! | the norm in which errors are measured | [`ErrorNorm`] |
//! | where a solution comes to rest, and whether it stays there | [`steady::steady_state`] |
//! | a mass matrix, algebraic equations | a field with [`Jacobian::mass`](vecfield_traits::Jacobian::mass), [`Initial`] |
//! | a field whose stiff part is known | [`Split`], with `kc3-imex`, `kc4-imex` or `kc5-imex` |
//! | zero crossings, jumps, stops | [`Event`] |
//! | to watch or cancel a solve, dense output | [`Observer`], [`Segment`] |
//! | to put a solve aside and go on later, with the same bits | [`Checkpoint`] |
//! | to see each step's stages, or go step by step | [`Witness`], [`Clock`] |
//! | every method by name | [`Method::all`] |
//! | positions and momenta | [`separable`], `Partitioned` of `vecfield-traits` |
//! | to go back step by step | [`Reversible`] |
//! | to say how linear systems are solved | [`linear::LinearSolver`] |
//! | a new Runge–Kutta or Rosenbrock method | [`tableau`], [`dirk::tableau`], [`rosenbrock`]: one `const` |
//! | a new family | [`stepper::Stepper`], and [`linear`] for its systems |
//! | what went wrong | [`SolveError`], [`Interrupted`] with what was found before |
//!
//! | method | for | dense output |
//! |---|---|---|
//! | [`auto`](Auto) | anything: Tsitouras 5, Verner 7 or Verner 9 by tolerance, Radau IIA while stiff | of the method |
//! | [`bs3`](tableau::BOGACKI_SHAMPINE_3) | 1e-2 to 1e-4 | order 3 |
//! | [`tsit5`](tableau::TSIT5), [`dp5`](tableau::DORMAND_PRINCE_5) | 1e-3 to 1e-6 | order 4 |
//! | [`verner7`](tableau::VERNER_7) | 1e-4 to 1e-8 | order 6 |
//! | [`dop853`](tableau::DOP853) | below 1e-7 | order 7 |
//! | [`verner9`](tableau::VERNER_9) | below 1e-5 | order 9 |
//! | [`taylor`](Taylor) | below 1e-10, to rounding; fields that offer a series | of the method's order |
//! | [`adams`](Adams) | smooth fields that are dear to evaluate | of the method |
//! | [`gbs`](Extrapolation) | dear fields below 1e-8 | of the step's order, up to 18 |
//! | [`rkc`](stabilised::Polynomials::Chebyshev), [`rkl2`](stabilised::Polynomials::Legendre) | diffusion in large systems, without a Jacobian | cubic |
//! | [`implicit-euler`](dirk::tableau::IMPLICIT_EULER), [`trapezoid`](dirk::tableau::TRAPEZOID), [`tr-bdf2`](dirk::tableau::TR_BDF2) | stiff problems, 1e-1 to 1e-4 | order 1, 2, 2 |
//! | [`kvaerno3`, `4`, `5`](dirk::tableau::KVAERNO_5), [`kc3`, `4`, `5`](dirk::tableau::KC_5), [`esdirk4`, `5`](dirk::tableau::ESDIRK_5) | stiff problems, one factorisation for many steps | order 3 or 4 |
//! | [`rosenbrock23`](rosenbrock::ROSENBROCK23), [`ros3p`](rosenbrock::ROS3P) | stiff and parabolic problems, 1e-1 to 1e-4 | order 2 |
//! | [`rodas4`](rosenbrock::RODAS4) | stiff problems, 1e-2 to 1e-5 | order 3 |
//! | [`rodas5p`](rosenbrock::RODAS5P) | stiff problems, 1e-3 to 1e-7 | order 4 |
//! | [`radau5`, `9`, `13`, `radau`](Radau) | stiff problems at any tolerance; `radau` suits its order to it | collocation polynomial, order 3, 5, 7 |
//! | [`bdf`, `ndf`](Bdf) | large stiff problems, 1e-2 to 1e-8 | of the method |
//! | [`gauss2`, `gauss4`, `gauss6`](gauss) | long runs of any Hamiltonian | of the method's order |
//! | [`verlet`, `blanes-moan4`, `kahan-li8`, ..](symplectic) | long runs of separable Hamiltonians, fixed steps | of the method's order |
//! | [`reversible-heun`, `reversible-tsit5`, ..](reversible) | gradients without memory | of the base method |
//! | [`euler`](tableau::EULER), [`rk4`](tableau::RK4) | teaching, fixed steps | cubic |
//! | [`heun`](tableau::HEUN), [`midpoint`](tableau::MIDPOINT), [`ralston2`](tableau::RALSTON_2), [`ralston3`](tableau::RALSTON_3) | teaching, very loose tolerances | cubic |
//! | [`bs5`](tableau::BOGACKI_SHAMPINE_5) | 1e-3 to 1e-6, dense output as accurate as the steps | order 5 |
//! | [`cash-karp`](tableau::CASH_KARP_5), [`fehlberg`](tableau::FEHLBERG_5) | comparisons with other programs | order 4 |
//! | [`verner6`](tableau::VERNER_6) | 1e-4 to 1e-7 | order 6 |
//! | [`verner8`](tableau::VERNER_8) | 1e-7 to 1e-11 | order 7 |
//! | [`carpenter-kennedy`](tableau::CARPENTER_KENNEDY_4) | advection | cubic |
//! | [`ssprk22`](tableau::SSPRK_22), [`ssprk33`](tableau::SSPRK_33), [`ssprk43`](tableau::SSPRK_43), [`ssprk104`](tableau::SSPRK_104) | conservation laws | cubic, order 4 |
//!
//! **Architecture invariant:** nothing here allocates between the first step and the last, apart from what a solution
//! keeps. *Why:* the step is the inner loop of everything above. *Checked by* `tests/it/allocations.rs`.
//!
//! **Architecture invariant:** error control looks at values alone. *Why:* a dual then takes the very steps a float takes,
//! so its value part has the same bits. *Checked by* `tests/it/scalars.rs`.

mod any;
mod auto;
pub mod batch;
mod bootstrap;
mod checkpoint;
mod clock;
mod combine;
mod controller;
pub mod dirk;
pub mod ensemble;
mod erased;
mod error;
mod event;
mod explicit;
mod extrapolation;
pub mod gauss;
mod initial;
mod integrate;
mod integrator;
pub mod linear;
mod method;
mod multistep;
mod norm;
mod observe;
mod options;
mod outlook;
mod radau;
mod radius;
pub mod reversible;
pub mod rosenbrock;
pub mod sde;
mod solution;
mod split;
pub mod stabilised;
pub mod steady;
pub mod stepper;
pub mod symplectic;
pub mod tableau;
mod taylor;

pub use any::AnyStepper;
pub use auto::Auto;
pub use checkpoint::Checkpoint;
pub use clock::{Clock, Leg};
pub use controller::Filter;
pub use error::SolveError;
pub use event::{Direction, Event, Occurrence};
pub use explicit::ExplicitRungeKutta;
pub use extrapolation::Extrapolation;
pub use gauss::Gauss;
pub use integrate::Ending;
pub use integrator::{Integrator, solve, solve_explicit};
pub use method::{Kind, Method, Stiffness};
pub use multistep::{ADAMS_STARTER, Adams, BDF_STARTER, Bdf};
pub use norm::{ErrorNorm, OwnNorm};
pub use observe::{Flow, Observer, Segment, Step, Witness};
pub use options::{Initial, Options, Tolerance};
pub use radau::{Radau, RadauOrder};
pub use reversible::Reversible;
pub use solution::{Interrupted, Save, Solution};
pub use split::{Split, SplitWorkspace};
pub use stabilised::Stabilised;
pub use stepper::Stats;
pub use symplectic::Symplectic;
pub use taylor::Taylor;
pub use vecfield_traits::{Dynamics, VectorField, field, separable};
