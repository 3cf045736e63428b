//! Laws of the factorisations.

mod factorisations;
mod sparse;
mod spectra;
