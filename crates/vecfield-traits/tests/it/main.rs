//! What the traits promise, of the numbers and fields that are here.

mod fields;
mod numbers;
mod structure;
