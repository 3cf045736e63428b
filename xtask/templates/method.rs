//! NAME.

use super::{ErrorEstimate, Interpolant, Tableau, hermite, rows};

/// A method of two stages and order two, until its coefficients are yours: write down where they were published, to the table.
pub const CONST: Tableau = Tableau {
    name: "NAME",
    order: 2,
    a: &[&[], &[0.75], &[1.0 / 3.0, 2.0 / 3.0]],
    b: &[1.0 / 3.0, 2.0 / 3.0, 0.0],
    c: &[0.0, 0.75, 1.0],
    error: ErrorEstimate::Embedded { weights: &[-0.625, 0.375, 0.25], order: 1 },
    interpolant: Interpolant { order: 2, a: &[], c: &[], weights: &rows(&WEIGHTS) },
    when: "say when to take it",
    source: "Hairer-Norsett-Wanner I, II.1, eq. (1.6)",
};
static WEIGHTS: [[f64; 3]; 3] = hermite(&[1.0 / 3.0, 2.0 / 3.0], 2, &[]);
