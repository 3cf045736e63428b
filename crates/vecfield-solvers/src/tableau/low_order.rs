//! Classical methods up to order four, and Bogacki–Shampine 3(2).

use super::{ErrorEstimate, Interpolant, Tableau, hermite, rows};

/// Euler's method; the interpolant is the chord's cubic, of order one because the ends are.
pub const EULER: Tableau = Tableau {
    name: "euler",
    order: 1,
    a: &[&[]],
    b: &[1.0],
    c: &[0.0],
    error: ErrorEstimate::Fixed,
    interpolant: Interpolant { order: 1, a: &[], c: &[], weights: &rows(&EULER_WEIGHTS) },
    when: "teaching, and reference solutions of order one",
    source: "Euler 1768; Hairer-Norsett-Wanner I, I.7",
};
static EULER_WEIGHTS: [[f64; 3]; 2] = hermite(&[1.0], 1, &[]);

/// Heun's second-order method, the explicit trapezoidal rule, with Euler's method embedded.
pub const HEUN: Tableau = Tableau {
    name: "heun",
    order: 2,
    a: &[&[], &[1.0]],
    b: &[0.5, 0.5],
    c: &[0.0, 1.0],
    error: ErrorEstimate::Embedded { weights: &[-0.5, 0.5], order: 1 },
    interpolant: Interpolant { order: 2, a: &[], c: &[], weights: &rows(&HEUN_WEIGHTS) },
    when: "very loose tolerances",
    source: "Heun 1900; Hairer-Norsett-Wanner I, II.1",
};
static HEUN_WEIGHTS: [[f64; 3]; 3] = hermite(&[0.5, 0.5], 2, &[]);

/// The explicit midpoint rule. Compared with Euler's method it would be blind to a jump of the field in the second half of the
/// step; a quarter of the estimate's weight lies on the field at the new state, evaluated anyway.
pub const MIDPOINT: Tableau = Tableau {
    name: "midpoint",
    order: 2,
    a: &[&[], &[0.5], &[0.0, 1.0]],
    b: &[0.0, 1.0, 0.0],
    c: &[0.0, 0.5, 1.0],
    error: ErrorEstimate::Embedded { weights: &[-0.75, 0.5, 0.25], order: 1 },
    interpolant: Interpolant { order: 2, a: &[], c: &[], weights: &rows(&MIDPOINT_WEIGHTS) },
    when: "very loose tolerances",
    source: "Runge 1895; Hairer-Norsett-Wanner I, II.1",
};
static MIDPOINT_WEIGHTS: [[f64; 3]; 3] = hermite(&[0.0, 1.0, 0.0], 2, &[]);

/// Ralston's second-order method, whose bound on the local error is least; the estimate is made as in [`MIDPOINT`].
pub const RALSTON_2: Tableau = Tableau {
    name: "ralston2",
    order: 2,
    a: &[&[], &[2.0 / 3.0], &[0.25, 0.75]],
    b: &[0.25, 0.75, 0.0],
    c: &[0.0, 2.0 / 3.0, 1.0],
    error: ErrorEstimate::Embedded { weights: &[-0.625, 0.375, 0.25], order: 1 },
    interpolant: Interpolant { order: 2, a: &[], c: &[], weights: &rows(&RALSTON_2_WEIGHTS) },
    when: "very loose tolerances",
    source: "Ralston 1962",
};
static RALSTON_2_WEIGHTS: [[f64; 3]; 3] = hermite(&[0.25, 0.75, 0.0], 2, &[]);

/// Ralston's third-order method, with Bogacki and Shampine's estimate.
///
/// That of the three stages alone is blind to a jump of the field in the last quarter of the step, which none of them sees;
/// the field at the new state, evaluated anyway, does.
pub const RALSTON_3: Tableau = Tableau {
    name: "ralston3",
    order: 3,
    a: &[&[], &[0.5], &[0.0, 0.75], &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0]],
    b: &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0],
    c: &[0.0, 0.5, 0.75, 1.0],
    error: ErrorEstimate::Embedded { weights: &[-5.0 / 72.0, 1.0 / 12.0, 1.0 / 9.0, -1.0 / 8.0], order: 2 },
    interpolant: Interpolant { order: 3, a: &[], c: &[], weights: &rows(&RALSTON_3_WEIGHTS) },
    when: "loose tolerances, 1e-2 to 1e-4",
    source: "Ralston 1962; Bogacki and Shampine 1989 for the estimate",
};
static RALSTON_3_WEIGHTS: [[f64; 3]; 4] = hermite(&[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0], 3, &[]);

/// Kutta's classical fourth-order method.
///
/// The one estimate of order three, the difference of the last stage and the field at the new state, compares rates at the same
/// time and sees no jump in time at all. Second and first differences of the rates, joined, fall as fast and do.
pub const RK4: Tableau = Tableau {
    name: "rk4",
    order: 4,
    a: &[&[], &[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0], &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0]],
    b: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0, 0.0],
    c: &[0.0, 0.5, 0.5, 1.0, 1.0],
    error: ErrorEstimate::Pair {
        higher: &[1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0, 1.0 / 12.0, 1.0 / 12.0],
        lower: &[-5.0 / 3.0, 0.0, 0.0, 5.0 / 6.0, 5.0 / 6.0],
        orders: [2, 1],
    },
    interpolant: Interpolant { order: 3, a: &[], c: &[], weights: &rows(&RK4_WEIGHTS) },
    when: "fixed steps, comparisons with other programs, tolerances of 1e-3",
    source: "Kutta 1901; Hairer-Norsett-Wanner I, II.1, Table 1.2",
};
static RK4_WEIGHTS: [[f64; 3]; 5] = hermite(&[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0, 0.0], 4, &[]);

/// Carpenter and Kennedy's fourth-order method of five stages, published for two registers of memory and for its long reach
/// along the imaginary axis: advection. The matrix is that of its coefficients `A_i`, `B_i` there.
///
/// It was published without an error estimate. Weights of order three on its stages hardly see a jump of the field between the
/// fourth stage and the end; with the rate at the end, which the next step needs anyway, there are more of them. Those here
/// leave out the third stage.
pub const CARPENTER_KENNEDY_4: Tableau = Tableau {
    name: "carpenter-kennedy",
    order: 4,
    a: &[
        &[],
        &[0.14965902199922912],
        &[-0.008809355635422508, 0.37921031299962726],
        &[0.4011776536462384, -0.601876919898777, 0.8229550293869817],
        &[-0.19042969985249633, 0.8138226224437329, -0.3645612478656685, 0.6994504559491221],
        &[0.005594188455006987, 0.3447430423405671, 0.02891181618408978, 0.46769370505218416, 0.15305724796815198],
    ],
    b: &CARPENTER_KENNEDY_B,
    c: &[0.0, 0.14965902199922912, 0.37040095736420475, 0.6222557631344432, 0.9582821306746903, 1.0],
    error: ErrorEstimate::Embedded {
        weights: &[
            -0.06639811853683829,
            0.10085601219759967,
            0.0,
            -0.04507140445576267,
            -0.056053155871665365,
            1.0 / 15.0,
        ],
        order: 3,
    },
    interpolant: Interpolant { order: 3, a: &[], c: &[], weights: &rows(&CARPENTER_KENNEDY_WEIGHTS) },
    when: "advection after discretisation in space",
    source: "Carpenter and Kennedy 1994",
};
const CARPENTER_KENNEDY_B: [f64; 6] =
    [0.005594188455006987, 0.3447430423405671, 0.02891181618408978, 0.46769370505218416, 0.15305724796815198, 0.0];
static CARPENTER_KENNEDY_WEIGHTS: [[f64; 3]; 6] = hermite(&CARPENTER_KENNEDY_B, 5, &[]);

/// Bogacki and Shampine's 3(2) pair; cubic Hermite dense output.
pub const BOGACKI_SHAMPINE_3: Tableau = Tableau {
    name: "bs3",
    order: 3,
    a: &[&[], &[0.5], &[0.0, 0.75], &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0]],
    b: &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0],
    c: &[0.0, 0.5, 0.75, 1.0],
    error: ErrorEstimate::Embedded { weights: &[-5.0 / 72.0, 1.0 / 12.0, 1.0 / 9.0, -1.0 / 8.0], order: 2 },
    interpolant: Interpolant { order: 3, a: &[], c: &[], weights: &rows(&BOGACKI_SHAMPINE_WEIGHTS) },
    when: "loose tolerances, 1e-2 to 1e-4",
    source: "Bogacki and Shampine 1989",
};
static BOGACKI_SHAMPINE_WEIGHTS: [[f64; 3]; 4] = hermite(&[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0, 0.0], 3, &[]);

const _: () = {
    EULER.check();
    HEUN.check();
    MIDPOINT.check();
    RALSTON_2.check();
    RALSTON_3.check();
    RK4.check();
    CARPENTER_KENNEDY_4.check();
    BOGACKI_SHAMPINE_3.check();
};
