//! Laws of the factorisations.

mod factorisations;
mod spectra;
