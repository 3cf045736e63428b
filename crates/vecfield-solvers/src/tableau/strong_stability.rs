//! Methods that preserve strong stability: whatever convex bound a step of Euler's method keeps (total variation, positivity,
//! a maximum), these keep for steps up to [`Tableau::strong_stability`] times as long.
//!
//! Embedded methods, but for that of order four, are those of Fekete, Conde and Shadid 2022, "Embedded pairs for optimal explicit strong stability
//! preserving Runge-Kutta methods".

use super::{ErrorEstimate, Interpolant, Tableau, hermite, rows};

/// The optimal method of two stages and order two: Heun's, as a pair.
pub const SSPRK_22: Tableau = Tableau {
    name: "ssprk22",
    order: 2,
    a: &[&[], &[1.0]],
    b: &[0.5, 0.5],
    c: &[0.0, 1.0],
    error: ErrorEstimate::Embedded { weights: &[-0.194021459207626, 0.194021459207626], order: 1 },
    interpolant: Interpolant { order: 2, a: &[], c: &[], weights: &rows(&SSPRK_22_WEIGHTS) },
    when: "conservation laws after discretisation in space, loosely",
    source: "Shu and Osher 1988; Fekete, Conde and Shadid 2022",
};
static SSPRK_22_WEIGHTS: [[f64; 3]; 3] = hermite(&[0.5, 0.5], 2, &[]);

/// The optimal method of three stages and order three (Shu and Osher 1988).
///
/// Half of the estimate's weight on the end of the step lies on the field at the new state, which is evaluated anyway: the
/// second stage, a step of Euler's, need not see a jump of the field that the new state has passed.
pub const SSPRK_33: Tableau = Tableau {
    name: "ssprk33",
    order: 3,
    a: &[&[], &[1.0], &[0.25, 0.25], &[1.0 / 6.0, 1.0 / 6.0, 2.0 / 3.0]],
    b: &SSPRK_33_B,
    c: &[0.0, 1.0, 0.5, 1.0],
    error: ErrorEstimate::Embedded { weights: &[-0.125, -0.0625, 0.25, -0.0625], order: 2 },
    interpolant: Interpolant { order: 3, a: &[], c: &[], weights: &rows(&SSPRK_33_WEIGHTS) },
    when: "conservation laws after discretisation in space",
    source: "Shu and Osher 1988",
};
const SSPRK_33_B: [f64; 4] = [1.0 / 6.0, 1.0 / 6.0, 2.0 / 3.0, 0.0];
static SSPRK_33_WEIGHTS: [[f64; 3]; 4] = hermite(&SSPRK_33_B, 3, &[]);

/// The optimal method of four stages and order three: a third more work than [`SSPRK_33`] for steps twice as long.
///
/// Its third stage and the field at the new state are evaluated at the same time and agree to order two; as in
/// [`SSPRK_33`] the estimate rests on both.
pub const SSPRK_43: Tableau = Tableau {
    name: "ssprk43",
    order: 3,
    a: &[&[], &[0.5], &[0.5, 0.5], &[1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0], &[1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 0.5]],
    b: &SSPRK_43_B,
    c: &[0.0, 0.5, 1.0, 0.5, 1.0],
    error: ErrorEstimate::Embedded { weights: &[-1.0 / 12.0, -1.0 / 12.0, -1.0 / 24.0, 0.25, -1.0 / 24.0], order: 2 },
    interpolant: Interpolant { order: 3, a: &[], c: &[], weights: &rows(&SSPRK_43_WEIGHTS) },
    when: "conservation laws after discretisation in space, where stability limits the step",
    source: "Kraaijevanger 1991; Fekete, Conde and Shadid 2022",
};
const SSPRK_43_B: [f64; 5] = [1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 0.5, 0.0];
static SSPRK_43_WEIGHTS: [[f64; 3]; 5] = hermite(&SSPRK_43_B, 4, &[]);

/// Ketcheson's method of ten stages and order four.
///
/// The polynomial inside a step is of our own: the field at the ten stages and the end leaves room for one of order four. So is
/// the estimate: that of Fekete, Conde and Shadid is blind to a jump of the field between a sixth and a third of the step.
pub const SSPRK_104: Tableau = Tableau {
    name: "ssprk104",
    order: 4,
    a: &[
        &[],
        &[SIXTH],
        &[SIXTH, SIXTH],
        &[SIXTH, SIXTH, SIXTH],
        &[SIXTH, SIXTH, SIXTH, SIXTH],
        &[FIFTEENTH, FIFTEENTH, FIFTEENTH, FIFTEENTH, FIFTEENTH],
        &[FIFTEENTH, FIFTEENTH, FIFTEENTH, FIFTEENTH, FIFTEENTH, SIXTH],
        &[FIFTEENTH, FIFTEENTH, FIFTEENTH, FIFTEENTH, FIFTEENTH, SIXTH, SIXTH],
        &[FIFTEENTH, FIFTEENTH, FIFTEENTH, FIFTEENTH, FIFTEENTH, SIXTH, SIXTH, SIXTH],
        &[FIFTEENTH, FIFTEENTH, FIFTEENTH, FIFTEENTH, FIFTEENTH, SIXTH, SIXTH, SIXTH, SIXTH],
    ],
    b: &[0.1; 10],
    c: &[0.0, SIXTH, 1.0 / 3.0, 0.5, 2.0 / 3.0, 1.0 / 3.0, 0.5, 2.0 / 3.0, 5.0 / 6.0, 1.0],
    error: ErrorEstimate::Embedded {
        weights: &[
            -FIFTEENTH,
            0.0,
            0.0,
            0.0,
            FIFTEENTH,
            3.0 * FIFTEENTH,
            -FIFTEENTH,
            -FIFTEENTH,
            -3.0 * FIFTEENTH,
            2.0 * FIFTEENTH,
        ],
        order: 3,
    },
    interpolant: Interpolant { order: 4, a: &[], c: &[], weights: &rows(&SSPRK_104_WEIGHTS) },
    when: "conservation laws after discretisation in space, accurately",
    source: "Ketcheson 2008",
};
const SIXTH: f64 = 1.0 / 6.0;
const FIFTEENTH: f64 = 1.0 / 15.0;
static SSPRK_104_WEIGHTS: [[f64; 4]; 11] = hermite(
    &[0.1; 10],
    10,
    &[[
        3.0 / 8.0,
        -21.0 / 4.0,
        85.0 / 8.0,
        -7.0,
        5.0 / 4.0,
        -1.0 / 2.0,
        5.0 / 2.0,
        -13.0 / 8.0,
        -9.0 / 4.0,
        15.0 / 8.0,
        0.0,
    ]],
);

const _: () = {
    SSPRK_22.check();
    SSPRK_33.check();
    SSPRK_43.check();
    SSPRK_104.check();
};
