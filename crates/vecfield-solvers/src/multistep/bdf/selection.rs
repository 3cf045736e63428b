//! The order and the step of [`Bdf`] (Brenan–Campbell–Petzold 1996, sects. 5.2.3 to 5.2.5).

use vecfield_traits::{Elementary, Real};

use super::{Bdf, HARMONIC, HIGHEST};

/// The error a step aims at, of that allowed.
const TARGET: f64 = 0.12;

/// Growth by less leaves the step, and the factors, as they are.
const GROWTH: f64 = 1.2;

/// What the next step is taken with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selection {
    pub(super) order: usize,
    /// Of the step after this one.
    pub(super) next: usize,
    /// Order and step rise together until an error shows.
    pub(super) rising: bool,
}

/// Norms of errors, relative to those allowed, of the step and of what orders next to its own would have done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errors<R> {
    /// What the step is accepted by.
    pub(super) test: R,
    two_below: R,
    below: R,
    here: R,
    /// Where enough is known.
    above: Option<R>,
}

impl Selection {
    pub(super) fn new(fixed: bool) -> Selection {
        Selection { order: 1, next: 1, rising: !fixed }
    }
}

impl<R: Real> Bdf<R> {
    /// Errors from the norms of the differences of orders next to this one.
    pub(super) fn errors(&self, [here, below, two_below, above]: &[R; 4]) -> Errors<R> {
        let k = self.selection.order;
        let (alpha, sigma) = (&self.stride.alpha, &self.stride.sigma);
        // The error constant over that of BDF: 1 + κ γ (k + 1).
        let shrunk = |k: usize| {
            let kappa = self.kappa.get(k).copied().unwrap_or(R::zero());
            R::one() + kappa * R::from_f64(HARMONIC[k] * (k + 1) as f64)
        };
        let error = |k: usize, norm: R| sigma[k] * alpha[k] * shrunk(k) * norm;
        let known = k < HIGHEST && self.differences.known() > k + 1;
        // Of the formula at these steps: Brenan–Campbell–Petzold, eq. (5.2.12), with κ.
        let leading = (alpha[k] + self.slopes[k] - self.leading()).abs();
        Errors {
            test: Elementary::max(leading, alpha[k] * shrunk(k)) * *here,
            here: error(k, *here),
            below: error(k - 1, *below),
            two_below: if k > 2 { error(k - 2, *two_below) } else { R::zero() },
            above: known.then(|| error(k + 1, *above)),
        }
    }
}

impl Selection {
    /// The factor to the next step, and its order, after one within the tolerance.
    pub(super) fn accept<R: Real>(&mut self, errors: &Errors<R>) -> R {
        let k = self.order;
        let lower = errors.favour_below(k);
        if lower || k == HIGHEST {
            self.rising = false;
        }
        if self.rising {
            self.next = k + 1;
            return R::from_f64(2.0);
        }
        let scaled = |order: usize, error: R| R::from_f64((order + 1) as f64) * error;
        let (here, below) = (scaled(k, errors.here), scaled(k - 1, errors.below));
        let (next, error) = match errors.above.map(|above| (scaled(k + 1, above), above)) {
            _ if lower => (k - 1, errors.below),
            Some((above, error)) if k == 1 && above < R::from_f64(0.5) * here => (2, error),
            Some((above, _)) if k > 1 && below <= Elementary::min(here, above) => (k - 1, errors.below),
            Some((above, error)) if k > 1 && above < here => (k + 1, error),
            _ => (k, errors.here),
        };
        self.next = next;
        fitting(next, error)
    }

    /// The factor to a repetition of the step, and its order.
    pub(super) fn reject<R: Real>(&mut self, errors: &Errors<R>, failures: u32) -> R {
        self.rising = false;
        let number = R::from_f64;
        if failures >= 3 {
            self.order = 1;
            return number(0.25);
        }
        let mut error = errors.here;
        if errors.favour_below(self.order) {
            self.order -= 1;
            error = errors.below;
        }
        if failures > 1 {
            return number(0.25);
        }
        let factor = number(0.9) * root(number(TARGET) / error, self.order + 1);
        Elementary::min(Elementary::max(factor, number(0.25)), number(0.9))
    }
}

impl<R: Real> Errors<R> {
    /// Do the terms of the expansion not fall from the orders below to this one?
    fn favour_below(&self, order: usize) -> bool {
        let scaled = |order: usize, error: R| R::from_f64((order + 1) as f64) * error;
        let here = scaled(order, self.here);
        match order {
            1 => false,
            2 => scaled(1, self.below) <= R::from_f64(0.5) * here,
            k => Elementary::max(scaled(k - 1, self.below), scaled(k - 2, self.two_below)) <= here,
        }
    }
}

/// From this step to the next: where it could hardly grow it stays, and so do the factors.
fn fitting<R: Real>(order: usize, error: R) -> R {
    let number = R::from_f64;
    let room = number(TARGET) / error;
    let power = i32::try_from(order).expect("at most five") + 1;
    // Most steps end here, before a root is taken.
    if room >= R::one() && room < Elementary::powi(number(GROWTH), power) {
        return R::one();
    }
    let bounds = if room > R::one() { [1.0, 2.0] } else { [0.5, 0.9] };
    Elementary::min(Elementary::max(root(room, order + 1), number(bounds[0])), number(bounds[1]))
}

fn root<R: Real>(x: R, k: usize) -> R {
    Elementary::powf(x, R::one() / R::from_f64(k as f64))
}
