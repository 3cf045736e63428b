//! Paths `X: ℝ → ℝᵈ` through measured rows, to drive `dy = f(y) dX`: values, exact derivatives, log-signatures.
//!
//! ```
//! use vecfield_paths::{Interpolation, PathOptions};
//!
//! // Two channels at irregular times; the second was not measured at the second row. Time is channel 0 of the path.
//! let rows = [1.0, 5.0, /**/ 2.0, f64::NAN, /**/ 4.0, 7.0];
//! let options = PathOptions::new(Interpolation::Hermite).with_time().with_missing();
//! let mut path = options.path(&[0.0, 1.0, 3.0], &rows, 2)?;
//!
//! let mut x = [0.0; 3];
//! path.value(1.0, &mut x);
//! assert_eq!(x, [1.0, 2.0, 5.0]); // what was not measured is as before
//! path.derivative(0.5, &mut x);
//! assert_eq!(x, [1.0, 1.0, 0.0]);
//!
//! // A row more leaves the path so far as it was, to the bit.
//! path.append(4.0, &[3.0, 7.5])?;
//! path.value(4.0, &mut x);
//! assert_eq!(x, [4.0, 3.0, 7.5]);
//! # Ok::<(), vecfield_paths::PathError>(())
//! ```
//!
//! The log-signature of a path says what it does to any equation that it drives, up to a depth, in few numbers:
//!
//! ```
//! use vecfield_paths::LogSignatures;
//!
//! // Around the unit square: back where it began, with an area of 1 on its left.
//! let log = LogSignatures::new(2, 2)?;
//! let square = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0];
//! let terms = log.of_points(&square)?;
//! assert_eq!(log.words(), [vec![0], vec![1], vec![0, 1]]);
//! assert!(terms.iter().zip([0.0, 0.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-15));
//! # Ok::<(), vecfield_paths::PathError>(())
//! ```
//!
//! | you want | start at |
//! |---|---|
//! | a path through rows | [`PathOptions`], [`Interpolation`] |
//! | its value, derivative and pieces; rows more | [`Path`] |
//! | signatures, by Chen's identity | [`TensorAlgebra`] |
//! | log-signatures in the Lyndon basis | [`LogSignatures`] |
//! | why rows make no path | [`PathError`] |
//!
//! **Architecture invariant:** a path of a causal interpolation up to a row depends on no later row, to the bit. *Why:* what is
//! computed while data come in must not change when more come. *Checked by* `tests/it/streams.rs`.
//!
//! This crate knows nothing of equations, solvers or files.

mod algebra;
mod cubic;
mod error;
mod interpolation;
mod logarithm;
mod options;
mod path;
mod words;

pub use algebra::TensorAlgebra;
pub use error::PathError;
pub use interpolation::Interpolation;
pub use logarithm::LogSignatures;
pub use options::PathOptions;
pub use path::Path;
