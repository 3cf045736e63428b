//! The tests of this crate, in one binary.

mod evolution;
mod search;
mod shapes;
mod tables;
mod units;
