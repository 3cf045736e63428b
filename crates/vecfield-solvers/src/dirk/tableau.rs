//! The coefficients of diagonally implicit Runge–Kutta methods, alone and paired with an explicit one.

/// Every method for fields as a whole, lowest order first.
pub const ALL: &[&DirkTableau] = &[
    &IMPLICIT_EULER,
    &TRAPEZOID,
    &TR_BDF2,
    &KVAERNO_3,
    &KC_3,
    &KVAERNO_4,
    &KC_4,
    &ESDIRK_4,
    &KVAERNO_5,
    &KC_5,
    &ESDIRK_5,
];

/// Every implicit–explicit pair, lowest order first.
pub const PAIRS: &[&DirkTableau] = &[&KC_3_IMEX, &KC_4_IMEX, &KC_5_IMEX];

pub use super::kennedy_carpenter::{ESDIRK_4, ESDIRK_5, KC_3, KC_3_IMEX, KC_4, KC_4_IMEX, KC_5, KC_5_IMEX};
pub use super::kvaerno::{KVAERNO_3, KVAERNO_4, KVAERNO_5};

/// A diagonally implicit method whose first stage is the beginning of the step and whose last is its end.
///
/// ```text
/// 0   | 0
/// c_2 | a_21  γ             Y_i = y + h Σ_{j≤i} a_ij k_j,   k_j = f(t + c_j h, Y_j)
///  :  |  :        ·         y⁺ = Y_s
/// 1   | a_s1  ..     γ
/// ```
///
/// With [`explicit`](DirkTableau::explicit) weights `â` it is an additive method: for `f = f_I + f_E` the stages are
/// `Y_i = y + h Σ_{j≤i} a_ij f_I(Y_j) + h Σ_{j<i} â_ij f_E(Y_j)`, and `y⁺ = y + h Σ a_sj (f_I + f_E)(Y_j)`.
#[derive(Debug)]
pub struct DirkTableau {
    /// As users type it after `--method`.
    pub name: &'static str,
    /// Classical order.
    pub order: u32,
    /// `a_ij`: row `i` has `i + 1` entries; the first is zero, the diagonal of the others is `γ`.
    pub a: &'static [&'static [f64]],
    /// `â_ij` of the explicit part: row `i` has `i` entries.
    pub explicit: Option<&'static [&'static [f64]]>,
    /// `c_i`, the stage times as fractions of the step; the explicit part has the same.
    pub c: &'static [f64],
    /// What the local error is estimated by.
    pub error: DirkError,
    /// Dense output `y + h Σ_i k_i Σ_p w_ip θ^(p+1)`: one row `w_i` a stage.
    pub interpolant: &'static [&'static [f64]],
    /// The error inside a step is `O(h^(dense_order + 1))`.
    pub dense_order: u32,
    /// What the method is for, in a few words.
    pub when: &'static str,
    /// Where the coefficients were published.
    pub source: &'static str,
}

/// How a method estimates its local error.
#[derive(Debug, Clone, Copy)]
pub enum DirkError {
    /// By `h Σ e_i k_i`, which is `O(h^(order + 1))`.
    Embedded {
        /// `e_i`.
        weights: &'static [f64],
        /// The order of the lower of the two methods compared.
        order: u32,
    },
    /// By `h³y‴/12`, with the second difference of the rates at the ends of this step and of the one before.
    SecondDifference,
}

impl DirkError {
    /// The power of `h` in the estimate.
    pub const fn exponent(&self) -> u32 {
        match self {
            DirkError::Embedded { order, .. } => *order + 1,
            DirkError::SecondDifference => 3,
        }
    }
}

/// The implicit Euler method, written with the stage at the beginning: the estimate compares it with the trapezoid.
pub const IMPLICIT_EULER: DirkTableau = DirkTableau {
    name: "implicit-euler",
    order: 1,
    a: &[&[0.0], &[0.0, 1.0]],
    explicit: None,
    c: &[0.0, 1.0],
    error: DirkError::Embedded { weights: &[-0.5, 0.5], order: 1 },
    interpolant: &[&[0.0, 0.0], &[1.0, 0.0]],
    dense_order: 1,
    when: "very stiff or rough problems, 1e-1 to 1e-3",
    source: "Hairer-Wanner II, IV.1",
};

/// The trapezoidal rule: A-stable, not L-stable; linear invariants and the size of oscillations stay.
pub const TRAPEZOID: DirkTableau = DirkTableau {
    name: "trapezoid",
    order: 2,
    a: &[&[0.0], &[0.5, 0.5]],
    explicit: None,
    c: &[0.0, 1.0],
    error: DirkError::SecondDifference,
    interpolant: &[&[1.0, -0.5], &[0.0, 0.5]],
    dense_order: 2,
    when: "oscillations without numerical damping, 1e-2 to 1e-4",
    source: "Crank-Nicolson 1947",
};

/// Half a step of the trapezoidal rule, then the second backward difference; the estimate compares it with order three.
pub const TR_BDF2: DirkTableau = DirkTableau {
    name: "tr-bdf2",
    order: 2,
    a: &[
        &[0.0],
        &[0.2928932188134525, 0.2928932188134525],
        &[0.3535533905932738, 0.3535533905932738, 0.2928932188134525],
    ],
    explicit: None,
    c: &[0.0, 0.585786437626905, 1.0],
    error: DirkError::Embedded { weights: &[0.13807118745769836, -0.3333333333333333, 0.19526214587563498], order: 2 },
    interpolant: &[
        &[1.0, -0.9393398282201787, 0.2928932188134525],
        &[0.0, 1.0606601717798212, -core::f64::consts::FRAC_1_SQRT_2],
        &[0.0, -0.12132034355964258, 0.41421356237309503],
    ],
    dense_order: 2,
    when: "stiff problems at loose tolerances, 1e-2 to 1e-4",
    source: "Hosea-Shampine 1996",
};

const _: () = {
    let mut i = 0;
    while i < ALL.len() {
        ALL[i].check();
        i += 1;
    }
    i = 0;
    while i < PAIRS.len() {
        PAIRS[i].check();
        i += 1;
    }
};

impl DirkTableau {
    /// `s`, the number of stages.
    pub const fn stages(&self) -> usize {
        self.a.len()
    }

    /// `γ`, the diagonal.
    pub const fn gamma(&self) -> f64 {
        self.a[1][1]
    }

    /// Does nothing, if the numbers can be those of a method; for `const _: () = METHOD.check();`.
    ///
    /// # Panics
    ///
    /// While compiling, if they cannot.
    pub const fn check(&self) {
        let s = self.stages();
        assert!(s >= 2 && self.c.len() == s && self.interpolant.len() == s, "one row a stage");
        assert!(self.c[0] == 0.0 && self.c[s - 1] == 1.0, "the first stage begins the step, the last one ends it");
        let mut i = 0;
        while i < s {
            assert!(self.a[i].len() == i + 1, "a stage looks only at earlier ones and at itself");
            assert!(self.a[i][i] == if i == 0 { 0.0 } else { self.gamma() }, "one factorisation serves every stage");
            assert!(near(sum(self.a[i]), self.c[i]), "c must be the row sums of A");
            if let Some(explicit) = self.explicit {
                assert!(explicit.len() == s && explicit[i].len() == i, "an explicit stage looks only at earlier ones");
                assert!(near(sum(explicit[i]), self.c[i]), "c must be the row sums of the explicit A, too");
            }
            assert!(near(sum(self.interpolant[i]), self.a[s - 1][i]), "dense output must meet the end of the step");
            assert!(self.interpolant[i].len() == self.interpolant[0].len(), "polynomials of one degree");
            i += 1;
        }
        if let DirkError::Embedded { weights, .. } = self.error {
            assert!(weights.len() == s && near(sum(weights), 0.0), "the estimate vanishes for a constant rate");
        }
    }
}

const fn sum(row: &[f64]) -> f64 {
    let (mut i, mut sum) = (0, 0.0);
    while i < row.len() {
        sum += row[i];
        i += 1;
    }
    sum
}

const fn near(a: f64, b: f64) -> bool {
    a - b < 1e-13 && b - a < 1e-13
}
