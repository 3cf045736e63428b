//! Laws of duals, of the fields they differentiate, and of the checks.

mod checks;
mod corners;
mod elementary;
mod fields;
mod jets;
mod series;
mod sparse;
mod stochastic;
mod tapes;
