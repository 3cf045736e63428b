//! Sparse identification of differential equations: from measurements `y(t)` to the few features `φ_k` of `dyᵢ/dt = Σ_k θ_ik φ_k(y)`.
//!
//! Measurements may be noisy, irregular and gappy, in several runs: a smoothing spline stands in for the path between them, the
//! equations are matched in integral form (nothing is differentiated), and the support is searched exactly.
//!
//! ```
//! use vecfield_data::{Trajectories, Trajectory};
//! use vecfield_sindy::{Family, Sindy};
//!
//! // x' = 1 - x/2 from x(0) = 0, at irregular times: x = 2 - 2 exp(-t/2).
//! let times: Vec<f64> = (0..40).map(|k| 0.1 * f64::from(k) + 0.03 * f64::from(k).sin()).collect();
//! let values = times.iter().map(|t| 2.0 - 2.0 * (-0.5 * t).exp()).collect();
//! let data = Trajectories::new(vec!["x".into()], vec![], vec![Trajectory::new(times, values, vec![])?])?;
//!
//! let model = Sindy::new(vec![Family::Polynomial(3)]).fit(&data)?;
//! assert_eq!(model.equations(Some(4)), ["1 - 0.5*x"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | equations from data, in one call | [`Sindy`], [`Model`] |
//! | to watch a fit, to cut it short, or to give it measured rates | [`Fitting`] |
//! | to keep a model, and to read it again | [`Model::to_text`], [`Model::parse`] |
//! | their rates, their paths, how well they agree with other data | [`Model::predict`], [`Model::simulate`], [`Model::score`] |
//! | candidates: polynomials, harmonics, formulas, their products; other ones for each equation | [`Library`], [`Family`], [`Candidates`] |
//! | relations between coefficients, bounded dynamics | [`Constraint`], [`Selection::Trapping`] |
//! | equations that agree with units, or that a change of variables leaves as they are | [`Units`], [`Symmetry`] |
//! | known inputs between their samples, for any number | [`Inputs`] |
//! | a smooth path through the data, its noise level | [`smooth::SmoothingSpline`], [`Paths`], [`noise::difference_noise`] |
//! | fields on a grid, partial differential equations | [`pde::PdeSindy`] |
//! | derivatives of measured series | [`derivative`] |
//! | linear regression problems without derivatives | [`regression::integral`] |
//! | the same with derivatives | [`regression::finite_difference`], [`regression::smoothed_derivative`] |
//! | a support: exact, thresholded, by evidence | [`sparse::best_subsets`], [`sparse::stlsq`], [`sparse::evidence_search`] |
//! | why not | [`SindyError`] |
//!
//! **Architecture invariant:** features are formulas of `vecfield-expr`, polynomials too. *Why:* what is fitted is what is printed, exported and
//! integrated. *Checked by* the law `keys_say_what_is_computed`.
//!
//! **Architecture invariant:** every regression names its [`regression::NoiseModel`]. *Why:* a residual, a criterion or a standard error means
//! nothing without it. *Checked by* the type: a [`regression::GramSystem`] cannot be made without one.
//!
//! There are no files, clocks or random numbers here. Threads, where the caller has some, change no bit: pieces of fixed size are added up in their
//! order (checked by `threads_change_no_bit`).

mod bagging;
mod candidates;
mod classic;
mod constants;
mod constraint;
pub mod derivative;
mod error;
mod fitting;
mod inputs;
mod joint;
mod library;
mod matching;
mod model;
pub mod noise;
mod path;
pub mod pde;
mod product;
mod progress;
mod refine;
pub mod regression;
mod saved;
mod score;
mod shooting;
mod simulate;
mod sindy;
pub mod smooth;
pub mod sparse;
mod symmetry;
mod trapping;
mod units;

pub use candidates::Candidates;
pub use constraint::{Comparison, Constraint, LinearConstraint};
pub use error::SindyError;
pub use fitting::Fitting;
pub use inputs::{Inputs, Piece};
pub use library::{Family, Feature, Library, MOST_FEATURES};
pub use model::{Constant, Model, Refinement, RunnerUp, Trapping};
pub use path::{Curve, Paths, Scale};
pub use progress::{GoesOn, Progress};
pub use score::Score;
pub use sindy::{Bag, Form, Known, Selection, Sindy};
pub use symmetry::Symmetry;
pub use units::Units;
