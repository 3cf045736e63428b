//! Measured tables and problems, from files and back.
//!
//! ```
//! use vecfield_io::{TrajectoryFormat, parse_trajectories};
//!
//! let text = "t,hare,lynx\n0,30,4\n1,47.2,6.1\n2,,9.8\n";
//! let data = parse_trajectories("lynx.csv", text.as_bytes(), &TrajectoryFormat::default())?;
//! assert_eq!(data.variables(), ["hare", "lynx"]);
//! assert_eq!(data.observed_count(), 5); // one hare count is missing
//!
//! // Whatever is wrong is said with its place and its remedy.
//! let wrong = parse_trajectories("lynx.csv", "t,hare\n0,30\n1,many\n".as_bytes(), &TrajectoryFormat::default());
//! assert!(wrong.unwrap_err().to_string().starts_with(r#"lynx.csv:3, column `hare`: "many" is not a number"#));
//! # Ok::<(), vecfield_io::TableError>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | measured runs from a CSV | [`read_trajectories`], [`parse_trajectories`] |
//! | the rows of a CSV as trajectories, and where each row went | [`read_series`], [`Series`] |
//! | rows and pictures, with labels or without, as CSV, IDX or NPY | [`read_rows`], [`read_samples`], [`parse_samples`], [`read_labels`], [`read_trajectory_labels`], [`read_trajectory_values`] |
//! | a plain table of numbers | [`read_table`], [`Table`] |
//! | a problem from a TOML file | [`Problem`], its [`Settings`] and [`Event`]s |
//! | a problem as a field with events, for a solver | [`System`] |
//! | a problem solved as its file says | [`Solver`], [`Run`] |
//! | the gradient of a quantity at its end | [`Objective`], [`Solver::differentiate`] |
//! | a problem fitted to measurements | [`Fitting`], [`FitRequest`] |
//! | the trajectories of an `[ensemble]`, all solved, and what they have in common | [`Population`], [`EnsembleSolver`], [`Moments`] |
//! | the paths of a problem with `[noise]`, and their moments | [`StochasticSolver`], [`StochasticRun`] |
//! | a run put aside in a file, to go on later | [`Paused`], [`Solver::resume_watched`] |
//! | a TOML file as a value of your own type | [`Document`] |
//! | a result as a problem file | [`Outline`] |
//! | results on disk | [`OutputDir`], [`write_trajectories`], [`write_table`] |
//!
//! **Architecture invariant:** this is the only library crate that reads or writes files. *Why:* everything else can be
//! tested without a sandbox, and every message about a file is made in one place. *Checked by* `cargo xtask tidy`.

mod document;
mod ensemble;
mod fitting;
mod gradient;
mod moments;
mod names;
mod outline;
mod paused;
mod population;
mod problem;
mod run;
mod samples;
mod stochastic;
mod system;
mod table;
mod write;

pub use document::{Document, DocumentError};
pub use ensemble::{EnsembleError, EnsembleRun, EnsembleSolver};
pub use fitting::{
    CheckpointError, Equations, FitRequest, FittedCurve, Fitting, FittingError, checkpoint_from_text,
    checkpoint_to_text,
};
pub use gradient::{Adjoint, Derivatives, NoGradient, Objective, ObjectiveError};
pub use moments::Moments;
pub use outline::Outline;
pub use paused::{Paused, PausedError};
pub use population::{Population, PopulationError};
pub use problem::{
    Axis, Combine, Definition, Direction, Discrete, Distribution, Ensemble, Event, FitSettings, Misfit, Observable,
    Parameter, Problem, ProblemError, ProblemReason, Save, SetError, SettingError, Settings, Stochastic, Values,
    Variable,
};
pub use run::{Occurrence, PrepareError, Run, Solver, Stopped};
pub use samples::{
    SamplesError, parse_samples, read_labels, read_rows, read_samples, read_trajectory_labels, read_trajectory_values,
};
pub use stochastic::{Expectation, StochasticError, StochasticRun, StochasticSolver};
pub use system::{Guarded, System};
pub use table::{
    Series, Table, TableError, TrajectoryFormat, parse_series, parse_table, parse_trajectories, read_series,
    read_table, read_trajectories,
};
pub use write::{OutputDir, Overwrite, WriteError, number_text, write_table, write_trajectories};
