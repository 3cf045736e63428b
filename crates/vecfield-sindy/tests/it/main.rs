//! Laws of sparse identification.

mod classic;
mod constants;
mod constraint;
mod derivative;
mod fitting;
mod library;
mod memory;
mod path;
mod pde;
mod rational;
mod regression;
mod restriction;
mod saved;
mod sindy;
mod smooth;
mod sparse;
mod support;
