//! Multistep methods: [`Adams`] for smooth fields that are dear to evaluate, [`Bdf`] for stiff ones.
//!
//! They keep what was seen at earlier steps, of any length, as modified divided differences (Krogh 1974; Shampine–Gordon
//! 1975, ch. 5), and choose the order along with the step. They start by themselves, from order one.

mod adams;
mod bdf;
mod differences;

pub use adams::Adams;
pub use bdf::Bdf;
