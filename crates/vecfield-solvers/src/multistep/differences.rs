//! Modified divided differences of a function at the latest times `t_n, t_{n-1}, ..`, however far apart.
//!
//! ```text
//! ψ_m = t_n - t_{n-m-1}                       φ_m = ψ_0 ψ_1 ⋯ ψ_{m-1} x[t_n, .., t_{n-m}]
//! ```
//!
//! For equal steps `φ_m` is the backward difference `∇ᵐx_n`. To advance by `h`, with `ψ'` the spans seen from `t_n + h`, the
//! differences are first scaled by `β_m = Π_{i<m} ψ'_i/ψ_i`; `Σ_m β_m φ_m` is then the value at `t_n + h` of the polynomial
//! through the latest values, and whatever is found there less that value adds to all of them.
//!
//! Source: Shampine–Gordon 1975, ch. 5, with indices from zero.

use vecfield_traits::{Real, Scalar};

/// Room for the spans and differences of order twelve, and one more of each.
pub(super) const SLOTS: usize = 14;

/// The differences of a function with `n` components.
#[derive(Debug, Clone)]
pub(super) struct Differences<S: Scalar> {
    n: usize,
    /// `[slots, n]`: `φ_m`.
    rows: Vec<S>,
    /// `ψ_m` and `1/ψ_m`.
    spans: [S::Real; SLOTS],
    inverse: [S::Real; SLOTS],
    /// How many differences the times seen so far define.
    known: usize,
}

/// What the length of a step means for differences and spans.
#[derive(Debug, Clone)]
pub(super) struct Stride<R> {
    pub(super) h: R,
    /// `ψ'_m`.
    pub(super) spans: [R; SLOTS],
    /// `1/ψ'_m`.
    inverse: [R; SLOTS],
    /// `α_m = h/ψ'_m`.
    pub(super) alpha: [R; SLOTS],
    /// `β_m`.
    pub(super) beta: [R; SLOTS],
    /// `σ_m = Π_{i<m} (i+1) α_i`: from a modified divided difference to that of equal steps.
    pub(super) sigma: [R; SLOTS],
}

impl<R: Real> Stride<R> {
    pub(super) fn none() -> Stride<R> {
        let one = [R::one(); SLOTS];
        Stride { h: R::zero(), spans: one, inverse: one, alpha: one, beta: one, sigma: one }
    }
}

impl<S: Scalar> Differences<S> {
    pub(super) fn new(n: usize, slots: usize) -> Self {
        Differences {
            n,
            rows: vec![S::zero(); slots * n],
            spans: [S::Real::zero(); SLOTS],
            inverse: [S::Real::zero(); SLOTS],
            known: 0,
        }
    }

    /// Forgets everything; the caller writes the first `known` differences, whose span is `h`.
    pub(super) fn restart(&mut self, known: usize, h: S::Real) {
        self.known = known;
        self.spans[0] = h;
        self.inverse[0] = S::Real::one() / h;
    }

    /// How many differences are defined.
    pub(super) fn known(&self) -> usize {
        self.known
    }

    /// `ψ_m` for `m < count`.
    pub(super) fn spans(&self, count: usize) -> &[S::Real] {
        &self.spans[..count]
    }

    pub(super) fn row(&self, m: usize) -> &[S] {
        &self.rows[m * self.n..][..self.n]
    }

    pub(super) fn row_mut(&mut self, m: usize) -> &mut [S] {
        &mut self.rows[m * self.n..][..self.n]
    }

    /// Fills in what a step of `h` means for all that is known.
    pub(super) fn stride(&self, h: S::Real, stride: &mut Stride<S::Real>) {
        stride.h = h;
        stride.spans[0] = h;
        stride.inverse[0] = S::Real::one() / h;
        for m in 1..=self.known.min(SLOTS - 1) {
            stride.spans[m] = h + self.spans[m - 1];
            stride.beta[m] = stride.beta[m - 1] * (stride.spans[m - 1] * self.inverse[m - 1]);
            stride.inverse[m] = S::Real::one() / stride.spans[m];
            stride.alpha[m] = h * stride.inverse[m];
            stride.sigma[m] = stride.sigma[m - 1] * stride.alpha[m - 1] * S::Real::from_f64(m as f64);
        }
    }

    /// `Σ_m u_m φ_m` and `Σ_m v_m φ_m` for the pairs `(u_m, v_m)`: `each(i, first, second)` by component.
    #[inline]
    pub(super) fn sums(&self, weights: &[(S::Real, S::Real)], mut each: impl FnMut(usize, S, S)) {
        let n = self.n;
        match n {
            1 => self.block::<1>(weights, 0, &mut each),
            2 => self.block::<2>(weights, 0, &mut each),
            3 => self.block::<3>(weights, 0, &mut each),
            n => {
                let mut at = 0;
                while at + 4 <= n {
                    self.block::<4>(weights, at, &mut each);
                    at += 4;
                }
                while at < n {
                    self.block::<1>(weights, at, &mut each);
                    at += 1;
                }
            }
        }
    }

    #[inline(always)]
    fn block<const B: usize>(&self, weights: &[(S::Real, S::Real)], at: usize, each: &mut impl FnMut(usize, S, S)) {
        let (mut first, mut second) = ([S::zero(); B], [S::zero(); B]);
        for (m, (u, v)) in weights.iter().enumerate() {
            let row = &self.rows[m * self.n + at..][..B];
            for i in 0..B {
                first[i] += row[i].scale(*u);
                second[i] += row[i].scale(*v);
            }
        }
        for i in 0..B {
            each(at + i, first[i], second[i]);
        }
    }

    /// Takes in the value at the end of the stride, given as what it `exceeds` the polynomial of the first `used`
    /// differences by, which is the new difference `used`.
    pub(super) fn advance(&mut self, stride: &Stride<S::Real>, used: usize, exceeds: &[S]) {
        let n = self.n;
        let (rows, beyond) = self.rows.split_at_mut(used * n);
        if let Some(row) = beyond.get_mut(..n) {
            row.copy_from_slice(exceeds);
        }
        let (mut above, mut m) = (exceeds, used);
        let mut rest = rows;
        while m > 0 {
            m -= 1;
            let (head, row) = rest.split_at_mut(m * n);
            let beta = stride.beta[m];
            for (x, above) in row.iter_mut().zip(above) {
                *x = x.scale(beta) + *above;
            }
            (rest, above) = (head, row);
        }
        (self.spans, self.inverse) = (stride.spans, stride.inverse);
        self.known = (used + 1).min(SLOTS - 1);
    }

    /// Appends all of it to `out`.
    pub(super) fn save(&self, out: &mut Vec<S>) {
        out.push(S::constant(self.known as f64));
        out.extend(self.spans.map(S::lift));
        out.extend_from_slice(&self.rows);
    }

    /// Takes up what [`save`](Differences::save) wrote at the beginning of `saved`; the rest of it.
    pub(super) fn restore<'a>(&mut self, saved: &'a [S]) -> &'a [S] {
        let (spans, rows) = saved[1..].split_at(SLOTS);
        let (rows, rest) = rows.split_at(self.rows.len());
        self.known = saved[0].value().to_f64() as usize;
        for ((span, inverse), saved) in self.spans.iter_mut().zip(&mut self.inverse).zip(spans) {
            *span = saved.value();
            *inverse = S::Real::one() / *span;
        }
        self.rows.copy_from_slice(rows);
        rest
    }
}
