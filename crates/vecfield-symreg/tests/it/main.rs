//! The tests of this crate, in one binary.

mod evolution;
mod search;
mod tables;
mod units;
