//! Multistep methods, backwards. A step reads and writes the differences `φ_m` of what was seen before it, and the spans `ψ_m`
//! they were seen over: both travel back with the cotangent of the state, in [`Bars::carried`].
//!
//! ```text
//! ψ'_0 = h,  ψ'_m = h + ψ_{m-1}        β_m = Π_{i<m} ψ'_i/ψ_i        α_m = h/ψ'_m
//! φ'_m = Σ_{m≤j<u} β_j φ_j + x,  m ≤ u: the new value exceeds the polynomial of `u` differences by `x`
//! ```

mod adams;
mod backward;

use vecfield_traits::Real;

use super::{add_scaled, dot};
pub use adams::AdamsReverse;
pub use backward::BackwardReverse;

/// The most differences a method keeps.
const SLOTS: usize = 14;

/// What the length of a step means for its coefficients.
#[derive(Debug, Clone)]
struct Stride<R> {
    /// `ψ_m` and `ψ'_m`.
    before: [R; SLOTS],
    spans: [R; SLOTS],
    alpha: [R; SLOTS],
    beta: [R; SLOTS],
}

/// The cotangents of all that.
#[derive(Debug, Clone)]
struct StrideBars<R> {
    h: R,
    before: [R; SLOTS],
    spans: [R; SLOTS],
    alpha: [R; SLOTS],
    beta: [R; SLOTS],
}

impl<R: Real> Stride<R> {
    /// Of a step of `h` after the spans `before`, with coefficients up to `β` of their number.
    fn new(before: &[R], h: R) -> Stride<R> {
        let one = [R::one(); SLOTS];
        let mut stride = Stride { before: one, spans: one, alpha: one, beta: one };
        stride.spans[0] = h;
        for (m, &span) in before.iter().enumerate() {
            stride.before[m] = span;
            stride.beta[m + 1] = stride.beta[m] * stride.spans[m] / span;
            stride.spans[m + 1] = h + span;
            stride.alpha[m + 1] = h / stride.spans[m + 1];
        }
        stride
    }

    /// Gives the cotangents of the coefficients to `h` and to the spans before the step; `count` of those are known.
    fn pull_back(&self, count: usize, bars: &mut StrideBars<R>) {
        for m in 1..=count {
            bars.h += bars.alpha[m] / self.spans[m];
            bars.spans[m] -= bars.alpha[m] * self.alpha[m] / self.spans[m];
        }
        for m in (1..=count).rev() {
            let (now, before) = (self.spans[m - 1], self.before[m - 1]);
            bars.beta[m - 1] += bars.beta[m] * now / before;
            bars.spans[m - 1] += bars.beta[m] * self.beta[m] / now;
            bars.before[m - 1] -= bars.beta[m] * self.beta[m] / before;
        }
        for m in 0..SLOTS {
            bars.h += bars.spans[m];
            if m > 0 {
                bars.before[m - 1] += bars.spans[m];
            }
        }
    }
}

impl<R: Real> StrideBars<R> {
    /// With the cotangents of the spans after the step, from the steps that follow.
    fn new(spans: &[R]) -> StrideBars<R> {
        let none = [R::zero(); SLOTS];
        let mut bars = StrideBars { h: R::zero(), before: none, spans: none, alpha: none, beta: none };
        bars.spans.copy_from_slice(spans);
        bars
    }
}

/// The product `Π_{i<m} (1 + α_i (θ - 1))`: what `β_m φ_m` weighs at `θ`, for `m ≤ order`.
fn basis<R: Real>(stride: &Stride<R>, order: usize, theta: R) -> [R; SLOTS] {
    let mut weights = [R::one(); SLOTS];
    for m in 0..order {
        weights[m + 1] = weights[m] * (R::one() + stride.alpha[m] * (theta - R::one()));
    }
    weights
}

/// The carried cotangents: those of `rows` differences, `[rows, n]`, and of the spans.
fn carried<R: Real>(carried: &mut Vec<R>, rows: usize, n: usize) -> (&mut [R], &mut [R]) {
    if carried.len() != rows * n + SLOTS {
        carried.clear();
        carried.resize(rows * n + SLOTS, R::zero());
    }
    carried.split_at_mut(rows * n)
}
