//! Tables of stochastic Runge–Kutta methods.
//!
//! ```text
//! z_i = y + h Σ_j a_ij f(z_j) + W Σ_j aw_ij g(z_j) + H Σ_j ah_ij g(z_j)
//! y⁺  = y + h Σ_i b_i  f(z_i) + W Σ_i bw_i  g(z_i) + H Σ_i bh_i  g(z_i)
//! ```

use vecfield_traits::Calculus;

/// An explicit method whose diffusion is evaluated at its stages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StochasticTableau {
    /// As users type it after `--method`.
    pub name: &'static str,
    /// The calculus of the equations it solves.
    pub calculus: Calculus,
    /// Strong orders for additive, commutative and general noise.
    pub strong: [f64; 3],
    /// The weak order.
    pub weak: f64,
    /// Stage times.
    pub c: &'static [f64],
    /// Stage weights of the drift, strictly lower triangular, row by row.
    pub a: &'static [&'static [f64]],
    /// Stage weights of the increment.
    pub aw: &'static [&'static [f64]],
    /// Stage weights of the space-time area; empty where it is not used.
    pub ah: &'static [&'static [f64]],
    /// Solution weights of the drift.
    pub b: &'static [f64],
    /// Solution weights of the increment.
    pub bw: &'static [f64],
    /// Solution weights of the space-time area; empty where it is not used.
    pub bh: &'static [f64],
    /// When to use it.
    pub when: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

/// A method for additive noise: the diffusion is taken at both ends of the step, and shifts the stages.
///
/// ```text
/// z_i = y + h Σ_j a_ij f(z_j) + g₀ (w_i W + s_i H)
/// y⁺  = y + h Σ_i b_i f(z_i) + (g₀ + g₁)/2 W - (g₁ - g₀) H
/// ```
///
/// the last two terms being `∫ g dW` for `g` linear in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdditiveTableau {
    /// As users type it after `--method`.
    pub name: &'static str,
    /// Its strong order.
    pub strong: f64,
    /// The weak order.
    pub weak: f64,
    /// Stage times.
    pub c: &'static [f64],
    /// Stage weights of the drift, strictly lower triangular, row by row.
    pub a: &'static [&'static [f64]],
    /// Stage weights of the increment.
    pub w: &'static [f64],
    /// Stage weights of the space-time area.
    pub s: &'static [f64],
    /// Solution weights of the drift.
    pub b: &'static [f64],
    /// When to use it.
    pub when: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

const SQRT_3: f64 = 1.732_050_807_568_877_2;

/// Maruyama 1955.
pub const EULER_MARUYAMA: StochasticTableau = StochasticTableau {
    name: "euler-maruyama",
    calculus: Calculus::Ito,
    strong: [1.0, 0.5, 0.5],
    weak: 1.0,
    c: &[0.0],
    a: &[&[]],
    aw: &[&[]],
    ah: &[],
    b: &[1.0],
    bw: &[1.0],
    bh: &[],
    when: "any Itô equation, cheaply",
    source: "Maruyama 1955",
};

/// The trapezoidal rule with a predictor (McShane 1974; Rümelin 1982).
pub const HEUN: StochasticTableau = StochasticTableau {
    name: "stratonovich-heun",
    calculus: Calculus::Stratonovich,
    strong: [1.0, 1.0, 0.5],
    weak: 1.0,
    c: &[0.0, 1.0],
    a: &[&[], &[1.0]],
    aw: &[&[], &[1.0]],
    ah: &[],
    b: &[0.5, 0.5],
    bw: &[0.5, 0.5],
    bh: &[],
    when: "any Stratonovich equation, cheaply",
    source: "Rümelin 1982",
};

/// The midpoint rule.
pub const MIDPOINT: StochasticTableau = StochasticTableau {
    name: "stratonovich-midpoint",
    calculus: Calculus::Stratonovich,
    strong: [1.0, 1.0, 0.5],
    weak: 1.0,
    c: &[0.0, 0.5],
    a: &[&[], &[0.5]],
    aw: &[&[], &[0.5]],
    ah: &[],
    b: &[0.0, 1.0],
    bw: &[0.0, 1.0],
    bh: &[],
    when: "as stratonovich-heun",
    source: "Rümelin 1982",
};

/// Ralston's rule of order two, driven by noise.
pub const RALSTON: StochasticTableau = StochasticTableau {
    name: "stratonovich-ralston",
    calculus: Calculus::Stratonovich,
    strong: [1.0, 1.0, 0.5],
    weak: 1.0,
    c: &[0.0, 2.0 / 3.0],
    a: &[&[], &[2.0 / 3.0]],
    aw: &[&[], &[2.0 / 3.0]],
    ah: &[],
    b: &[0.25, 0.75],
    bw: &[0.25, 0.75],
    bh: &[],
    when: "as stratonovich-heun",
    source: "Burrage 1999",
};

/// The splitting path Runge–Kutta method.
pub const SPARK: StochasticTableau = StochasticTableau {
    name: "spark",
    calculus: Calculus::Stratonovich,
    strong: [1.5, 1.0, 0.5],
    weak: 1.0,
    c: &[0.0, 0.5, 1.0],
    a: &[&[], &[0.5], &[0.0, 1.0]],
    aw: &[&[], &[0.5], &[0.0, 1.0]],
    ah: &[&[], &[SQRT_3], &[0.0, 0.0]],
    b: &[(3.0 - SQRT_3) / 6.0, SQRT_3 / 3.0, (3.0 - SQRT_3) / 6.0],
    bw: &[(3.0 - SQRT_3) / 6.0, SQRT_3 / 3.0, (3.0 - SQRT_3) / 6.0],
    bh: &[1.0, 0.0, -1.0],
    when: "Stratonovich equations whose noise does not commute, with a small constant",
    source: "Foster 2023, definition 1.6",
};

/// Two evaluations of the drift, five of the diffusion.
pub const SLOW_RK: StochasticTableau = StochasticTableau {
    name: "slowrk",
    calculus: Calculus::Stratonovich,
    strong: [1.5, 1.5, 0.5],
    weak: 1.0,
    c: &[0.0, 0.5, 0.5, 0.5, 0.5, 0.75, 1.0],
    a: &[
        &[],
        &[0.5],
        &[0.5, 0.0],
        &[0.5, 0.0, 0.0],
        &[0.5, 0.0, 0.0, 0.0],
        &[0.75, 0.0, 0.0, 0.0, 0.0],
        &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ],
    aw: &[
        &[],
        &[0.0],
        &[0.0, 0.5],
        &[0.0, 0.0, 0.5],
        &[0.0, 0.0, 0.0, 1.0],
        &[0.0, 0.0, 0.0, 0.75, 0.0],
        &[0.0, 0.0, 0.5, 0.0, 0.0, 0.0],
    ],
    ah: &[
        &[],
        &[0.0],
        &[0.0, 0.0],
        &[0.0, 0.0, 0.0],
        &[0.0, 0.0, 0.0, 0.0],
        &[0.0, 0.0, 0.0, 1.5, 0.0],
        &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ],
    b: &[1.0 / 3.0, 0.0, 0.0, 0.0, 0.0, 2.0 / 3.0, 0.0],
    bw: &[0.0, 1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0, 0.0, 0.0],
    bh: &[0.0, 0.0, 0.0, 2.0, 0.0, 0.0, -2.0],
    when: "Stratonovich equations with scalar, diagonal or commutative noise, accurately",
    source: "Foster, dos Reis, Strange 2023, (6.2)",
};

/// Two evaluations of the drift, three of the diffusion.
pub const GENERAL_SHARK: StochasticTableau = StochasticTableau {
    name: "shark-general",
    calculus: Calculus::Stratonovich,
    strong: [1.5, 1.0, 0.5],
    weak: 1.0,
    c: &[0.0, 0.0, 5.0 / 6.0],
    a: &[&[], &[0.0], &[0.0, 5.0 / 6.0]],
    aw: &[&[], &[0.0], &[0.0, 5.0 / 6.0]],
    ah: &[&[], &[1.0], &[1.0, 0.0]],
    b: &[0.0, 0.4, 0.6],
    bw: &[0.0, 0.4, 0.6],
    bh: &[0.0, 1.2, -1.2],
    when: "Stratonovich equations whose drift is dear and whose noise does not commute",
    source: "Foster, dos Reis, Strange 2023, (6.1)",
};

/// Every table with stages of the diffusion.
pub const GENERAL: &[&StochasticTableau] =
    &[&EULER_MARUYAMA, &HEUN, &MIDPOINT, &RALSTON, &SPARK, &SLOW_RK, &GENERAL_SHARK];

/// One evaluation of the drift, where the path is on average.
pub const SEA: AdditiveTableau = AdditiveTableau {
    name: "sea",
    strong: 1.0,
    weak: 2.0,
    c: &[0.5],
    a: &[&[]],
    w: &[0.5],
    s: &[1.0],
    b: &[1.0],
    when: "additive noise, cheaply",
    source: "Foster, dos Reis, Strange 2023, (5.8)",
};

/// Rößler's method of order 1.5 for additive noise.
pub const SRA1: AdditiveTableau = AdditiveTableau {
    name: "sra1",
    strong: 1.5,
    weak: 2.0,
    c: &[0.0, 0.75],
    a: &[&[], &[0.75]],
    w: &[0.0, 0.75],
    s: &[0.0, 1.5],
    b: &[1.0 / 3.0, 2.0 / 3.0],
    when: "as shark",
    source: "Rößler 2010, table 6.3",
};

/// The shifted additive-noise Runge–Kutta method.
pub const SHARK: AdditiveTableau = AdditiveTableau {
    name: "shark",
    strong: 1.5,
    weak: 2.0,
    c: &[0.0, 5.0 / 6.0],
    a: &[&[], &[5.0 / 6.0]],
    w: &[0.0, 5.0 / 6.0],
    s: &[1.0, 1.0],
    b: &[0.4, 0.6],
    when: "the default for additive noise",
    source: "Foster, dos Reis, Strange 2023, (6.1)",
};

/// Every table for additive noise.
pub const ADDITIVE: &[&AdditiveTableau] = &[&SEA, &SRA1, &SHARK];

const _: () = {
    let mut i = 0;
    while i < GENERAL.len() {
        GENERAL[i].check();
        i += 1;
    }
    let mut i = 0;
    while i < ADDITIVE.len() {
        ADDITIVE[i].check();
        i += 1;
    }
};

impl StochasticTableau {
    /// How many stages it has.
    pub fn stages(&self) -> usize {
        self.c.len()
    }

    /// Does it ask for the space-time area?
    pub fn uses_area(&self) -> bool {
        !self.bh.is_empty()
    }

    const fn check(&self) {
        check(self.c, self.a, self.b);
        check_sum(self.bw, 1.0);
        check_sum(self.bh, 0.0);
        assert!(self.aw.len() == self.c.len() && self.bw.len() == self.c.len(), "a row and a weight a stage");
        assert!(self.ah.len() == self.bh.len(), "a row and a weight a stage");
    }
}

impl AdditiveTableau {
    const fn check(&self) {
        // The shift of a stage by the mean of the path stands at its mean time, where the drift is taken at the start too.
        if self.c.len() > 1 {
            check(self.c, self.a, self.b);
        }
        check_sum(self.b, 1.0);
        assert!(self.w.len() == self.c.len() && self.s.len() == self.c.len(), "a shift a stage");
        // The mean of the shifts is that of the path, W/2 + H.
        let (mut i, mut w, mut s) = (0, 0.0, 0.0);
        while i < self.c.len() {
            w += self.b[i] * self.w[i];
            s += self.b[i] * self.s[i];
            i += 1;
        }
        assert!((w - 0.5).abs() < 1e-14 && (s - 1.0).abs() < 1e-14, "the stages see the mean of the path");
    }
}

const fn check(c: &[f64], a: &[&[f64]], b: &[f64]) {
    assert!(a.len() == c.len() && b.len() == c.len(), "a row and a weight a stage");
    let mut i = 0;
    while i < c.len() {
        assert!(a[i].len() == i, "an explicit method looks only at earlier stages");
        check_sum(a[i], c[i]);
        i += 1;
    }
    check_sum(b, 1.0);
}

const fn check_sum(weights: &[f64], want: f64) {
    let (mut i, mut sum) = (0, 0.0);
    while i < weights.len() {
        sum += weights[i];
        i += 1;
    }
    assert!(weights.is_empty() || (sum - want).abs() < 1e-14, "weights add up");
}
