//! Accuracy over the whole range, and the laws of slices.

mod accuracy;
mod double_double;
mod reduction;
mod slices;
