//! The small languages of sparse regression: libraries, constraints, known parts, grids.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vecfield_sindy::pde::Grid;
use vecfield_sindy::{Candidates, Constraint, Known};

fuzz_target!(|text: &str| {
    drop(Candidates::parse(text));
    drop(Constraint::parse(text));
    drop(Known::parse(text));
    drop(Grid::parse(text, false));
});
