//! Networks as solutions: find `u` with `F(x, u, ∂u, ..) = 0` and what is known on the boundary, `u = Σ_j c_j φ_j(x)`.
//!
//! One hidden layer of features whose outer weights are solved, not descended: linear equations by one least-squares solve,
//! nonlinear ones by Newton's method. Elements and time windows refine themselves until nothing changes any more.
//!
//! ```
//! use vecfield_pinn::{Description, Problem, Settings, solve};
//!
//! // y' = -y, y(0) = 1: y(2) = exp(-2).
//! let text = "[domain]\nt = [0, 2]\nunknowns = [\"y\"]\n[equations]\ndecay = \"y_t + y\"\n\
//!             [[condition]]\non = \"t = 0\"\ny = \"1\"\n";
//! let description: Description = toml::from_str(text)?;
//! let problem = Problem::new(&description, &[])?;
//! let found = solve(&problem, None, &Settings::default(), &mut |_| true)?;
//! let y = found.values(&problem.points(&["t".into()], &[vec![2.0]])?);
//! assert!((y[0][0] - (-2.0_f64).exp()).abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | to state a problem | [`Description`], [`Problem`] |
//! | to solve it | [`solve`], [`Settings`] |
//! | values, the estimate of the error, the verdict | [`Found`] |
//! | to watch a run, or to end it | [`Progress`] |
//!
//! **Architecture invariant:** the same problem gives the same bits on any number of threads. *Why:* results can be compared.
//! *Checked by* the law `threads_change_nothing` in `tests/it/laws.rs`.
//!
//! This crate knows nothing about files, clocks or solvers of ordinary differential equations.

mod deep;
mod description;
mod error;
mod features;
mod formula;
mod integrals;
mod language;
mod march;
mod mesh;
mod newton;
mod posed;
mod problem;
mod refine;
mod shape;
mod solve;
mod staircase;
mod system;
mod unbounded;

pub use deep::{Squash, Standing};
pub use description::{
    AxisText, ConditionText, DataText, Description, DomainText, NetworkText, ParameterText, TrainText, ValueText,
};
pub use error::PinnError;
pub use problem::{Problem, Table};
pub use solve::{Constant, Found, Progress, Settings, Verdict, solve};
