//! Explicit Runge–Kutta methods as constant data, read by one stepper.
//!
//! ```text
//! c | A        k_i = f(t + c_i h, y + h Σ_{j<i} a_ij k_j)
//! --+---       y⁺  = y + h Σ b_i k_i
//!   | b        y(t + θh) = y + h Σ b_i(θ) k_i
//! ```
//!
//! Every coefficient table passes [`Tableau::check`] while it compiles, so a mistyped digit does not build.
//!
//! **Architecture invariant:** a method is a `const` and one line in [`ALL`]; the stepper knows none by name. *Why:* a new
//! method is then tested, documented and benchmarked by what exists. *Checked by* `tests/it/order_conditions.rs`, which
//! runs over [`ALL`].

mod dop853;
mod low_order;
mod order_five;
mod strong_stability;
mod verner;
mod verner_eight;
mod verner_six;

use vecfield_traits::Real;

pub use dop853::DOP853;
pub use low_order::{BOGACKI_SHAMPINE_3, CARPENTER_KENNEDY_4, EULER, HEUN, MIDPOINT, RALSTON_2, RALSTON_3, RK4};
pub use order_five::{BOGACKI_SHAMPINE_5, CASH_KARP_5, DORMAND_PRINCE_5, FEHLBERG_5, TSIT5};
pub use strong_stability::{SSPRK_22, SSPRK_33, SSPRK_43, SSPRK_104};
pub use verner::{VERNER_7, VERNER_9};
pub use verner_eight::VERNER_8;
pub use verner_six::VERNER_6;

/// Every explicit Runge–Kutta method, lowest order first.
pub const ALL: &[&Tableau] = &[
    &EULER,
    &HEUN,
    &MIDPOINT,
    &RALSTON_2,
    &SSPRK_22,
    &BOGACKI_SHAMPINE_3,
    &RALSTON_3,
    &SSPRK_33,
    &SSPRK_43,
    &RK4,
    &CARPENTER_KENNEDY_4,
    &SSPRK_104,
    &TSIT5,
    &DORMAND_PRINCE_5,
    &BOGACKI_SHAMPINE_5,
    &CASH_KARP_5,
    &FEHLBERG_5,
    &VERNER_6,
    &VERNER_7,
    &DOP853,
    &VERNER_8,
    &VERNER_9,
];

/// An explicit Runge–Kutta method with its error estimate and dense output.
///
/// With `s` stages, stage `k_i` sits in *slot* `i < s`; the field at the end of the step, `f(t + h, y⁺)`, sits in slot
/// [`end_slot`](Tableau::end_slot) (the last stage where the method computes it anyway), and the interpolant's own
/// stages follow it.
#[derive(Debug)]
pub struct Tableau {
    /// As users type it after `--method`.
    pub name: &'static str,
    /// Classical order `p`: the global error is `O(hᵖ)`.
    pub order: u32,
    /// Stage weights: row `i` has `i` entries.
    pub a: &'static [&'static [f64]],
    /// Solution weights.
    pub b: &'static [f64],
    /// Stage times, as fractions of the step.
    pub c: &'static [f64],
    /// How the local error is estimated.
    pub error: ErrorEstimate,
    /// The polynomial inside a step.
    pub interpolant: Interpolant,
    /// What the method is for, in a few words.
    pub when: &'static str,
    /// Where the coefficients were published.
    pub source: &'static str,
}

/// The local error estimate of a [`Tableau`]: `h Σ e_i k_i` for one or two sets of weights `e`.
#[derive(Debug)]
pub enum ErrorEstimate {
    /// None: the method takes steps of a given size.
    Fixed,
    /// The difference from an embedded method of the given order: `e = b - b̂`.
    Embedded {
        /// `e`, one a stage.
        weights: &'static [f64],
        /// The order of the embedded method.
        order: u32,
    },
    /// Two estimates of low orders `q > r`, joined as `‖e_q‖² / √(‖e_q‖² + 0.01 ‖e_r‖²)`, which is `O(h^(2q - r + 1))` where
    /// the solution is smooth, and as large as the estimate of order `q` where it is not (Hairer–Nørsett–Wanner I, II.10). One
    /// estimate of as high an order may leave no choice but to be blind to jumps of the field in some part of the step.
    Pair {
        /// Weights of the estimate of the higher order.
        higher: &'static [f64],
        /// Weights of that of the lower order.
        lower: &'static [f64],
        /// `q` and `r`.
        orders: [u32; 2],
    },
}

/// The polynomial `y(t + θh) = y + h Σ b_i(θ) k_i` inside a step, with `b_i(θ) = Σ_p weights[i][p] θ^(p+1)`.
#[derive(Debug)]
pub struct Interpolant {
    /// The error inside a step is `O(h^(order + 1))`.
    pub order: u32,
    /// Rows of the further stages that only dense output needs, over all earlier slots.
    pub a: &'static [&'static [f64]],
    /// Their times.
    pub c: &'static [f64],
    /// One polynomial a slot.
    pub weights: &'static [&'static [f64]],
}

impl Interpolant {
    /// `b_i(θ)` of a slot.
    #[inline]
    pub(crate) fn weight<R: Real>(&self, slot: usize, theta: R) -> R {
        self.weights[slot].iter().rev().fold(R::zero(), |sum, &w| (sum + R::from_f64(w)) * theta)
    }
}

impl Tableau {
    /// `s`, the number of stages of a step.
    pub const fn stages(&self) -> usize {
        self.b.len()
    }

    /// Is the last stage the field at the new state, and so the first stage of the next step?
    pub const fn first_same_as_last(&self) -> bool {
        let s = self.stages();
        if s < 2 {
            return false;
        }
        let (last, mut j) = (self.a[s - 1], 0);
        while j + 1 < s {
            if last[j] != self.b[j] {
                return false;
            }
            j += 1;
        }
        self.b[s - 1] == 0.0
    }

    /// The slot of `f(t + h, y⁺)`.
    pub const fn end_slot(&self) -> usize {
        if self.first_same_as_last() { self.stages() - 1 } else { self.stages() }
    }

    /// The number of slots: stages, the field at the end, stages of the interpolant.
    pub const fn slots(&self) -> usize {
        self.end_slot() + 1 + self.interpolant.a.len()
    }

    /// The weights of the slots before it in the state at which `slot` is evaluated, and when that is, as a fraction of the step:
    /// of a stage, of the field at the end, or of a stage of the interpolant.
    pub fn slot(&self, slot: usize) -> (&'static [f64], f64) {
        let end = self.end_slot();
        match slot {
            _ if slot < self.stages() => (self.a[slot], self.c[slot]),
            _ if slot == end => (self.b, 1.0),
            _ => (self.interpolant.a[slot - end - 1], self.interpolant.c[slot - end - 1]),
        }
    }

    /// The power of `h` in the error estimate, by which a controller changes the step.
    pub const fn error_exponent(&self) -> u32 {
        match self.error {
            ErrorEstimate::Fixed => self.order + 1,
            ErrorEstimate::Embedded { order, .. } => order + 1,
            ErrorEstimate::Pair { orders: [higher, lower], .. } => 2 * higher - lower + 1,
        }
    }

    /// Has it an error estimate?
    pub const fn adaptive(&self) -> bool {
        !matches!(self.error, ErrorEstimate::Fixed)
    }

    /// `R(z)`, with `y⁺ = R(hλ) y` for `y' = λy`, at real `z`.
    pub fn stability_function(&self, z: f64) -> f64 {
        let mut k = [0.0; 32];
        for (i, row) in self.a.iter().enumerate() {
            k[i] = 1.0 + z * row.iter().zip(&k).map(|(a, k)| a * k).sum::<f64>();
        }
        1.0 + z * self.b.iter().zip(&k).map(|(b, k)| b * k).sum::<f64>()
    }

    /// The largest `x` such that `|R(-z)| ≤ 1` for all `z ≤ x`, to 1/64: what limits the step on decaying solutions.
    pub fn real_stability(&self) -> f64 {
        let mut steps = 1;
        while steps < 64 * 64 && self.stability_function(-f64::from(steps) / 64.0).abs() <= 1.0 {
            steps += 1;
        }
        f64::from(steps - 1) / 64.0
    }

    /// The strong-stability coefficient `C`, to 1e-9: a convex bound that Euler's method keeps for steps up to `τ`, the method
    /// keeps for steps up to `Cτ`. Zero where there is no such promise.
    ///
    /// It is the largest `r` with `K(I + rK)⁻¹ ≥ 0` and `rK(I + rK)⁻¹ 1 ≤ 1`, where `K` is `A` with `b` as its last row
    /// (Kraaijevanger 1991; Gottlieb, Ketcheson and Shu 2011, theorem 3.2).
    pub fn strong_stability(&self) -> f64 {
        let (mut kept, mut broken) = (0.0, 2.0 * self.stages() as f64);
        while broken - kept > 1e-10 {
            let r = 0.5 * (kept + broken);
            if self.is_absolutely_monotone(r) { kept = r } else { broken = r }
        }
        if kept < 1e-9 { 0.0 } else { kept }
    }

    /// Forward substitution of `X (I + rK) = K` row by row, from the last column: `K` is strictly lower triangular.
    fn is_absolutely_monotone(&self, r: f64) -> bool {
        const ROUNDING: f64 = 1e-13;
        let s = self.stages();
        (0..=s).all(|i| {
            let row = if i < s { self.a[i] } else { self.b };
            let mut x = [0.0; 32];
            for j in (0..row.len()).rev() {
                let later: f64 = (j + 1..row.len()).map(|l| x[l] * self.a[l][j]).sum();
                x[j] = row[j] - r * later;
            }
            x.iter().all(|&x| x >= -ROUNDING) && r * x.iter().sum::<f64>() <= 1.0 + ROUNDING
        })
    }

    /// Does nothing, if the numbers can be those of an explicit method; for `const _: () = METHOD.check();`.
    ///
    /// # Panics
    ///
    /// While compiling, if they cannot.
    pub const fn check(&self) {
        let s = self.stages();
        assert!(self.a.len() == s && self.c.len() == s, "one row of A and one time a stage");
        assert!(s + self.interpolant.a.len() < 32, "at most 31 slots");
        let mut i = 0;
        while i < s {
            assert!(self.a[i].len() == i, "an explicit method looks only at earlier stages");
            assert!(sums_to(self.a[i], self.c[i]), "c must be the row sums of A");
            i += 1;
        }
        assert!(sums_to(self.b, 1.0), "b must sum to one");
        match self.error {
            ErrorEstimate::Fixed => {}
            ErrorEstimate::Embedded { weights, .. } => {
                assert!(weights.len() == s && sums_to(weights, 0.0), "error weights must sum to zero");
            }
            ErrorEstimate::Pair { higher, lower, .. } => {
                assert!(higher.len() == s && sums_to(higher, 0.0), "error weights must sum to zero");
                assert!(lower.len() == s && sums_to(lower, 0.0), "error weights must sum to zero");
            }
        }
        self.check_interpolant();
    }

    const fn check_interpolant(&self) {
        let Interpolant { a, c, weights, .. } = self.interpolant;
        assert!(weights.len() == self.slots(), "one polynomial a slot");
        let mut i = 0;
        while i < a.len() {
            assert!(a[i].len() == self.end_slot() + 1 + i, "a stage of the interpolant looks at all earlier slots");
            assert!(sums_to(a[i], c[i]), "c must be the row sums of A");
            i += 1;
        }
        let (mut slot, mut slope) = (0, 0.0);
        while slot < weights.len() {
            let b = if slot < self.stages() { self.b[slot] } else { 0.0 };
            assert!(sums_to(weights[slot], b), "at θ = 1 the interpolant is the step");
            slope += weights[slot][0];
            slot += 1;
        }
        assert!((slope - 1.0).abs() < 1e-14, "a constant field is interpolated exactly");
    }
}

const fn sum(x: &[f64]) -> f64 {
    let (mut i, mut total) = (0, 0.0);
    while i < x.len() {
        total += x[i];
        i += 1;
    }
    total
}

/// Is `Σ x` the target, to the rounding of the terms?
const fn sums_to(x: &[f64], target: f64) -> bool {
    let (mut i, mut size) = (0, 1.0);
    while i < x.len() {
        size += x[i].abs();
        i += 1;
    }
    (sum(x) - target).abs() < 1e-15 * size
}

/// Weights of the interpolant that Hairer, Nørsett and Wanner (I, II.6 and II.10) write as
///
/// `y + θ(F₀ + (1-θ)(F₁ + θ(F₂ + (1-θ)(F₃ + θ(F₄ + (1-θ)(F₅ + θF₆))))))`
///
/// with `F₀ = y⁺ - y`, `F₁ = h f(t, y) - F₀`, `F₂ = 2F₀ - h(f(t, y) + f(t + h, y⁺))` and `F_{3+r} = h Σ d[r][i] k_i`,
/// expanded in powers of `θ`. Without `d` it is the cubic Hermite polynomial. `P` is `3 + d.len()`.
const fn hermite<const SLOTS: usize, const P: usize>(
    b: &[f64],
    end_slot: usize,
    d: &[[f64; SLOTS]],
) -> [[f64; P]; SLOTS] {
    assert!(P == 3 + d.len(), "the degree follows from the number of rows of d");
    let mut weights = [[0.0; P]; SLOTS];
    let mut slot = 0;
    while slot < SLOTS {
        let b = if slot < b.len() { b[slot] } else { 0.0 };
        let first = if slot == 0 { 1.0 } else { 0.0 };
        let last = if slot == end_slot { 1.0 } else { 0.0 };
        // `basis` runs through θ, θ(1-θ), θ²(1-θ), θ²(1-θ)², ..; index p holds the coefficient of θ^(p+1).
        let mut basis = [0.0; P];
        basis[0] = 1.0;
        let mut term = 0;
        while term < P {
            let f = match term {
                0 => b,
                1 => first - b,
                2 => 2.0 * b - first - last,
                _ => d[term - 3][slot],
            };
            let mut p = 0;
            while p < P {
                weights[slot][p] += f * basis[p];
                p += 1;
            }
            let mut p = P - 1;
            while p > 0 {
                // Even terms are multiplied by (1-θ) next, odd ones by θ.
                basis[p] = if term % 2 == 0 { basis[p] - basis[p - 1] } else { basis[p - 1] };
                p -= 1;
            }
            if term % 2 == 1 {
                basis[0] = 0.0;
            }
            term += 1;
        }
        slot += 1;
    }
    weights
}

/// The rows of a matrix of weights, as [`Interpolant::weights`] holds them.
const fn rows<const P: usize, const SLOTS: usize>(weights: &'static [[f64; P]; SLOTS]) -> [&'static [f64]; SLOTS] {
    let mut out: [&'static [f64]; SLOTS] = [&[]; SLOTS];
    let mut i = 0;
    while i < SLOTS {
        out[i] = &weights[i];
        i += 1;
    }
    out
}
