//! Accuracy over the whole range, and the laws of slices.

mod accuracy;
mod double_double;
mod lanes;
mod layers;
mod random;
mod reduction;
mod slices;
