//! Laws of sparse identification.

mod library;
mod regression;
mod smooth;
mod sparse;
mod support;
