//! Data as they are measured: trajectories of irregular times, several runs and missing cells; plain rows with labels.
//!
//! ```
//! use vecfield_data::{Trajectories, Trajectory};
//!
//! // Two variables at three times; the second cell of the second row was not measured.
//! let run = Trajectory::new(vec![0.0, 0.5, 2.0], vec![30.0, 4.0, 47.2, f64::NAN, 70.2, 9.8], vec![])?;
//! let data = Trajectories::new(vec!["hare".into(), "lynx".into()], vec![], vec![run])?;
//! assert_eq!(data.observed_count(), 5);
//! assert_eq!(data.mean(1), (4.0 + 9.8) / 2.0);
//! # Ok::<(), vecfield_data::DataError>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | one run | [`Trajectory`] |
//! | a whole data set | [`Trajectories`] |
//! | points, vectors, images, with labels or without | [`Samples`] |
//! | why a data set is refused | [`DataError`] |
//!
//! **Architecture invariant:** this crate knows nothing of files or formats, and nothing of models. *Why:* every method
//! that learns from data shares these types, and a test builds them in two lines. *Checked by* `cargo xtask tidy` (no
//! dependency within the workspace).

mod error;
mod samples;
mod trajectories;
mod trajectory;

pub use error::DataError;
pub use samples::{Samples, classes};
pub use trajectories::Trajectories;
pub use trajectory::Trajectory;
