//! Laws of sparse identification.

mod smooth;
mod support;
