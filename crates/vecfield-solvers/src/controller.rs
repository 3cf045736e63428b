//! Step-size control by digital filters of the local error.
//!
//! ```text
//! h⁺ = h · safety · e₀^(-β₁/k) · e₁^(-β₂/k) · e₂^(-β₃/k)
//! ```
//!
//! with `e₀` the error ratio of this step, `e₁`, `e₂` those of the accepted steps before it and `k` the power of `h` in the
//! error (Söderlind 2003, "Digital filters in adaptive time-stepping", eq. (35)).

use vecfield_traits::{Elementary, Real};

/// Coefficients of the filter that chooses the next step from the errors of this one and of those before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Filter {
    /// `β₁`, `β₂`, `β₃`.
    pub beta: [f64; 3],
    /// Aim below the tolerance by this factor.
    pub safety: f64,
    /// Smallest and largest change of the step.
    pub limits: [f64; 2],
}

impl Filter {
    /// The elementary controller: the step that would have met the tolerance.
    pub const INTEGRAL: Filter = Filter { beta: [1.0, 0.0, 0.0], safety: 0.9, limits: [0.2, 8.0] };
    /// The proportional–integral controller PI.4.7 (Gustafsson 1991), smooth where stability limits the step.
    pub const PI: Filter = Filter { beta: [0.7, -0.4, 0.0], safety: 0.9, limits: [0.2, 8.0] };
    /// The noise-shaping filter H312PID (Söderlind 2003, Table 1): the smoothest step sequences.
    pub const PID: Filter = Filter { beta: [1.0 / 18.0, 1.0 / 9.0, 1.0 / 18.0], safety: 0.9, limits: [0.2, 8.0] };
}

/// Chooses the next step from the error of this one.
#[derive(Debug, Clone)]
pub(crate) struct Controller<R> {
    exponents: [R; 3],
    /// `-1/k`.
    repair: R,
    /// Logarithms of the last accepted error ratios.
    history: [R; 2],
    safety: R,
    smallest: R,
    largest: R,
    /// After a rejection the step must not grow at once (Hairer–Nørsett–Wanner I, II.4).
    rejected: bool,
}

impl<R: Real> Controller<R> {
    /// For an error of order `h^k`.
    pub(crate) fn new(filter: &Filter, k: u32) -> Controller<R> {
        Controller {
            exponents: filter.beta.map(|beta| R::from_f64(-beta / f64::from(k))),
            repair: R::from_f64(-1.0 / f64::from(k)),
            history: [R::zero(); 2],
            safety: R::from_f64(filter.safety),
            smallest: R::from_f64(filter.limits[0]),
            largest: R::from_f64(filter.limits[1]),
            rejected: false,
        }
    }

    /// Forgets the past, after a jump.
    pub(crate) fn reset(&mut self) {
        self.history = [R::zero(); 2];
        self.rejected = false;
    }

    /// All that is remembered of steps before.
    pub(crate) fn memory(&self) -> [R; 3] {
        let [before, earlier] = self.history;
        [before, earlier, if self.rejected { R::one() } else { R::zero() }]
    }

    /// Takes up what [`memory`](Controller::memory) said.
    pub(crate) fn recall(&mut self, [before, earlier, rejected]: [R; 3]) {
        self.history = [before, earlier];
        self.rejected = rejected == R::one();
    }

    /// The factor to the next step after a step whose error ratio is `error`; `≤ 1` was accepted, NaN not finite.
    pub(crate) fn factor(&mut self, error: R) -> R {
        if error.is_nan() {
            self.rejected = true;
            return self.smallest;
        }
        let log = Elementary::max(error, R::from_f64(1e-10)).ln();
        if error > R::one() {
            self.rejected = true;
            // The history belongs to other step sizes: only the integral part repairs a rejection.
            let factor = self.safety * (self.repair * log).exp();
            return Elementary::max(factor, self.smallest);
        }
        let [now, before, earlier] = self.exponents;
        let factor = self.safety * (now * log + before * self.history[0] + earlier * self.history[1]).exp();
        self.history = [log, self.history[0]];
        let largest = if self.rejected { R::one() } else { self.largest };
        self.rejected = false;
        Elementary::min(Elementary::max(factor, self.smallest), largest)
    }
}
