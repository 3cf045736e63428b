//! The tests of this crate, in one binary.

mod categories;
mod evolution;
mod losses;
mod pieces;
mod rules;
mod scales;
mod search;
mod shapes;
mod tables;
mod templates;
mod together;
mod units;
