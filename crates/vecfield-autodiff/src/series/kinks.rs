//! How far a series holds: up to the first zero of what an `abs`, `sign`, `min`, `max`, comparison or selection
//! decides by.

use vecfield_traits::{Elementary, Real};

use super::convolution::FRONT;
use super::run::stride;
use super::{Series, SeriesMemory};

/// Parts of a step below which two changes of branch are not told apart.
const RESOLUTION: f64 = 256.0;
/// Halvings that take a bracket to rounding.
const HALVINGS: usize = 60;

impl Series {
    /// The longest step, with the sign of `h` and no longer than `h`, in which no `abs`, `sign`, `min`, `max`, comparison
    /// or selection of the series expanded last changes its branch; where one does, the step ends just beyond, on the new branch. It ends earlier
    /// where the series of what decides is too short to tell. Zero where the series begins on a change of branch and leaves
    /// it.
    ///
    /// Two changes of one branch within a 256th of `h` can be missed; the solution then leaves the branch by no more than
    /// such a piece of it reaches.
    pub fn smooth_within<R: Real>(&self, memory: &SeriesMemory<R>, h: R) -> R {
        let stride = stride(memory.order);
        let mut reach = h;
        for &kink in &self.kinks {
            // The last coefficient of what follows from the rates is not worked out.
            let row = &memory.file[kink as usize * stride + FRONT..][..memory.order.max(1)];
            reach = first_zero(row, reach);
        }
        reach
    }
}

/// The first `s` between 0 and `h` at which the polynomial has not the sign it has at 0, or might not, given that it goes on
/// beyond the terms that are there; else `h`.
fn first_zero<R: Real>(polynomial: &[R], h: R) -> R {
    let longest = h.abs();
    let unit = if h < R::zero() { -R::one() } else { R::one() };
    let at = |s: R| polynomial.iter().rev().fold(R::zero(), |sum, &c| sum * (s * unit) + c);
    let value = polynomial[0];
    if value == R::zero() {
        return if polynomial.iter().all(|&c| c == R::zero()) { h } else { R::zero() };
    }
    let absolute = |s: R, from: usize| {
        let powers = polynomial[from..].iter().rev().fold(R::zero(), |sum, &c| sum * s + c.abs());
        powers * Elementary::powi(s, from as i32)
    };
    // The last two terms stand for those that are left out.
    let doubt = |s: R| R::from_f64(4.0) * absolute(s, polynomial.len().saturating_sub(2).max(1));
    let sure = |s: R| {
        let here = at(s);
        here.sign() == value.sign() && here.abs() > doubt(s)
    };
    // No slope on the way is steeper than this, so each value keeps its sign for at least |value| / steepest.
    let (mut steepest, mut power) = (R::zero(), R::one());
    for (k, &c) in polynomial.iter().enumerate().skip(1) {
        steepest += c.abs() * power * R::from_f64(k as f64);
        power *= longest;
    }
    let least = longest * R::from_f64(1.0 / RESOLUTION);
    let mut before = R::zero();
    while before < longest {
        let safe = at(before).abs() / steepest;
        let next = Elementary::min(before + Elementary::max(safe, least), longest);
        if !sure(next) {
            let (last_sure, first_unsure) = bisect(sure, before, next);
            let rounding = R::from_f64(64.0) * R::EPSILON * absolute(first_unsure, 0);
            // A zero that the terms there are know to rounding, or the end of what they know.
            let end = if doubt(first_unsure) <= rounding {
                bisect(|s| at(s).sign() == value.sign(), last_sure, next).1
            } else {
                last_sure
            };
            return end * unit;
        }
        before = next;
    }
    h
}

/// The bracket in which `holds` ceases to, halved to rounding.
fn bisect<R: Real>(holds: impl Fn(R) -> bool, mut below: R, mut above: R) -> (R, R) {
    for _ in 0..HALVINGS {
        let middle = (below + above) * R::from_f64(0.5);
        if middle <= below || middle >= above {
            break;
        }
        if holds(middle) { below = middle } else { above = middle }
    }
    (below, above)
}
