//! One engine for `dy/dt = f(t, y; θ)`: write it, solve it, differentiate through it, fit it, read it out of data.
//!
//! ```
//! # #[cfg(feature = "full")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use vecfield::prelude::*;
//! use vecfield::solvers::{solve_explicit, tableau::TSIT5};
//!
//! // Logistic growth from a text: y = K / (1 + (K/y₀ - 1) exp(-r t)).
//! let text = "[parameters]\nr = 0.5\nK = 600.0\n[initial]\ny = 10.0\n[equations]\ny = \"r*y*(1 - y/K)\"\n";
//! let problem = System::new(&Problem::parse("logistic.toml", text)?)?;
//! let field = problem.field().at(problem.theta().to_vec());
//! let options = Options::tolerances(1e-10, 1e-10);
//! let solution = solve_explicit(&field, (0.0, 10.0), &problem.initial(problem.theta()), &TSIT5, &options, Save::End)?;
//! assert!((solution.last()[0] - 600.0 / (1.0 + 59.0 * f64::exp(-5.0))).abs() < 1e-6);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "full"))]
//! # fn main() {}
//! ```
//!
//! | you want | module and feature |
//! |---|---|
//! | the traits that all parts meet in | [`traits`], always there |
//! | the equations behind measured data | `discover`; over one library of terms, `sindy`; a formula for one column of a table, `symreg` |
//! | to fit constants through the solver | `adjoint` |
//! | derivatives | `autodiff` |
//! | Brownian motion | `brownian` |
//! | measured trajectories | `data` |
//! | formulas as text | `expr` |
//! | CSV tables, TOML problems, results on disk | `io` |
//! | vectorised elementary functions | `kernels` |
//! | small dense matrices | `linalg` |
//! | neural differential equations, trained | `nde` |
//! | neural networks, and as vector fields | `nn` |
//! | nonlinear least squares | `optim` |
//! | paths through data, log-signatures | `paths` |
//! | networks as solutions of known equations | `pinn` |
//! | figures and the report | `plot` |
//! | to integrate | `solvers` |
//!
//! Every part is a crate of its own (`vecfield-solvers` and so on). Whoever needs one part takes that crate, or this one with
//! `default-features = false`; the default, `full`, is all of them.
//!
//! **Architecture invariant:** names only, no code. *Why:* what works through the facade works without it, so nobody is
//! made to compile all for the sake of one part. *Checked by* reading: this file has `pub use` lines, and the book's pages for documentation tests.

#[cfg(doctest)]
mod book;

pub use vecfield_traits as traits;

#[cfg(feature = "adjoint")]
pub use vecfield_adjoint as adjoint;
#[cfg(feature = "autodiff")]
pub use vecfield_autodiff as autodiff;
#[cfg(feature = "brownian")]
pub use vecfield_brownian as brownian;
#[cfg(feature = "data")]
pub use vecfield_data as data;
#[cfg(feature = "discover")]
pub use vecfield_discover as discover;
#[cfg(feature = "expr")]
pub use vecfield_expr as expr;
#[cfg(feature = "io")]
pub use vecfield_io as io;
#[cfg(feature = "kernels")]
pub use vecfield_kernels as kernels;
#[cfg(feature = "linalg")]
pub use vecfield_linalg as linalg;
#[cfg(feature = "nde")]
pub use vecfield_nde as nde;
#[cfg(feature = "nn")]
pub use vecfield_nn as nn;
#[cfg(feature = "optim")]
pub use vecfield_optim as optim;
#[cfg(feature = "paths")]
pub use vecfield_paths as paths;
#[cfg(feature = "pinn")]
pub use vecfield_pinn as pinn;
#[cfg(feature = "plot")]
pub use vecfield_plot as plot;
#[cfg(feature = "sindy")]
pub use vecfield_sindy as sindy;
#[cfg(feature = "solvers")]
pub use vecfield_solvers as solvers;
#[cfg(feature = "symreg")]
pub use vecfield_symreg as symreg;

/// The names that most programs begin with: `use vecfield::prelude::*`.
///
/// Where two parts use one word (`Options` of a solve and of a fit), the solve's is here, the other under its module.
pub mod prelude {
    pub use vecfield_traits::{Dynamics, Elementary, Jacobian, ParametricField, Real, Scalar, VectorField, field};

    #[cfg(feature = "autodiff")]
    pub use vecfield_autodiff::{ByDuals, Dual, gradient};
    #[cfg(feature = "data")]
    pub use vecfield_data::{Trajectories, Trajectory};
    #[cfg(feature = "discover")]
    pub use vecfield_discover::discover;
    #[cfg(feature = "expr")]
    pub use vecfield_expr::{ExprField, Graph, Program, Registers, Scope};
    #[cfg(feature = "io")]
    pub use vecfield_io::{Problem, System, TrajectoryFormat, read_trajectories};
    #[cfg(feature = "optim")]
    pub use vecfield_optim::{FromResiduals, LevenbergMarquardt};
    #[cfg(feature = "solvers")]
    pub use vecfield_solvers::{Integrator, Options, Save, Solution, SolveError};
}
