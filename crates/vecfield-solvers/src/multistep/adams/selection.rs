//! The order and the step of [`Adams`] (Shampine–Gordon 1975, ch. 7).

use vecfield_traits::{Elementary, Real, Scalar};

use super::Adams;
use super::weights::{HIGHEST, MOULTON};
use crate::stepper::Attempt;

/// The error a step aims at, of that allowed.
const TARGET: f64 = 0.25;

/// Norms of the error that methods of orders next to that of the step would have made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errors<R> {
    /// What the step is accepted by: the correction from order `k` to `k + 1`.
    pub(super) test: R,
    pub(super) two_below: R,
    pub(super) below: R,
    pub(super) here: R,
}

impl<S: Scalar> Adams<S> {
    /// The error of the order above, if enough is known.
    fn error_above(&self) -> Option<S::Real> {
        let k = self.order;
        if k == HIGHEST || self.differences.known() <= k {
            return None;
        }
        let (row, beta) = (self.differences.row(k), self.stride.beta[k]);
        let ratio = |i: usize| {
            let error = self.found[i].value() - beta * row[i].value();
            error / self.norm.scale(i, self.y[i].value(), self.y_new[i].value())
        };
        let constant = self.stride.sigma[k + 1] * S::Real::from_f64(-MOULTON[k + 1]);
        Some(self.stride.h.abs() * constant * self.norm.measure(self.n, ratio))
    }

    /// The order of the next step, with the error it would have made in this one (Shampine–Gordon, ch. 7).
    pub(super) fn choose(&mut self, errors: &Errors<S::Real>) -> (usize, S::Real) {
        let k = self.order;
        let lower = errors.favour_below(k);
        if lower || k == HIGHEST {
            self.rising = false;
        }
        if self.rising {
            return (k + 1, errors.here);
        }
        if lower {
            return (k - 1, errors.below);
        }
        match self.error_above() {
            Some(above) if k == 1 && above < S::Real::from_f64(0.5) * errors.here => (2, above),
            Some(above) if k > 1 && errors.below <= Elementary::min(errors.here, above) => (k - 1, errors.below),
            Some(above) if k > 1 && above < errors.here => (k + 1, above),
            _ => (k, errors.here),
        }
    }

    /// From this step to the next. Where the step could hardly grow it stays.
    ///
    /// DE lets steps double or stay, and raises the order after a run of equal steps only. Growth by 1.2 or more, and the
    /// estimate at unequal steps that `σ` allows, save a fifth of the evaluations on Pleiades, Kepler and Lorenz.
    pub(super) fn factor(&self, order: usize, error: S::Real) -> S::Real {
        let number = S::Real::from_f64;
        if self.rising {
            return number(2.0);
        }
        let fitting = Elementary::powf(number(TARGET) / error, S::Real::one() / number((order + 1) as f64));
        if fitting >= number(1.2) {
            Elementary::min(fitting, number(2.0))
        } else if fitting >= S::Real::one() {
            S::Real::one()
        } else {
            Elementary::min(Elementary::max(fitting, number(0.5)), number(0.9))
        }
    }

    /// Halves the step; the third time the history is worthless, and order one begins anew.
    pub(super) fn reject(&mut self, errors: &Errors<S::Real>) -> Attempt<S::Real> {
        let half = S::Real::from_f64(0.5);
        if self.failures >= 2 {
            let fitting = (S::Real::from_f64(TARGET) / errors.here).sqrt();
            self.order = 1;
            return self.refuse(Elementary::max(Elementary::min(half, fitting), S::Real::from_f64(0.01)));
        }
        if errors.favour_below(self.order) {
            self.order -= 1;
        }
        self.refuse(half)
    }

    /// The order whose error would be the smallest, once the history of a fixed step is complete.
    pub(super) fn best_order(&self) -> usize {
        let error = |k: usize| self.norm.of(self.differences.row(k), &self.y) * S::Real::from_f64(-MOULTON[k]);
        let mut best = (1, error(1));
        for k in 2..=HIGHEST {
            let error = error(k);
            if error < best.1 {
                best = (k, error);
            }
        }
        best.0
    }
}

impl<R: Real> Errors<R> {
    /// Would the order below have done as well?
    fn favour_below(&self, order: usize) -> bool {
        match order {
            1 => false,
            2 => self.below <= R::from_f64(0.5) * self.here,
            _ => Elementary::max(self.below, self.two_below) <= self.here,
        }
    }
}
