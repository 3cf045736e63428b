//! Dense output of the extrapolated midpoint rule (Hairer–Nørsett–Wanner I, II.9, "dense output for the GBS method").
//!
//! The derivatives at the middle of the step follow from central differences of the rates, extrapolated like the solution,
//!
//! ```text
//! y^(κ) ≈ δ^(κ-1) f_{n_j/2} / (2 h_j)^(κ-1)                                                        (9.40)
//! ```
//!
//! and the polynomial of degree `μ + 4` through them, for `κ = 0 .. μ`, and through value and slope at both ends is
//!
//! ```text
//! H(θ) + θ²(1-θ)² Q(θ - ½),    H the cubic Hermite polynomial.
//! ```

use vecfield_traits::{Elementary, Real, Scalar};

use super::{COLUMNS, extrapolate, substeps};
use crate::combine;

/// Derivatives at the middle at most.
const DERIVATIVES: usize = 2 * COLUMNS - 1;

/// How much of the last term is taken for the error of all: measured on oscillations, errors inside the step then follow those
/// at the end.
const UNSURE: f64 = 30.0;

/// The values and rates inside a step, and the polynomial made of them.
#[derive(Debug, Clone)]
pub(super) struct Midpoint<S: Scalar> {
    n: usize,
    /// The columns of the step.
    pub(super) columns: usize,
    /// `y_{n_j/2}`, `[COLUMNS, n]`.
    values: Vec<S>,
    /// `f_1 .. f_{n_j}` of every column in turn, `[Σ n_j, n]`.
    rates: Vec<S>,
    /// The coefficients of `Q`, `[DERIVATIVES, n]`.
    q: Vec<S>,
    scratch: Vec<S>,
    errors: Vec<S::Real>,
    ready: bool,
}

/// The states at both ends, and the rates there.
type Ends<'a, S> = ((&'a [S], &'a [S]), (&'a [S], &'a [S]));

impl<S: Scalar> Midpoint<S> {
    pub(super) fn new(n: usize) -> Midpoint<S> {
        let rates = (1..=COLUMNS).map(substeps).sum::<usize>();
        let vector = |rows: usize| vec![S::zero(); rows * n];
        Midpoint {
            n,
            columns: 0,
            values: vector(COLUMNS),
            rates: vector(rates),
            q: vector(DERIVATIVES),
            scratch: vector(COLUMNS),
            errors: vec![S::Real::zero(); n],
            ready: false,
        }
    }

    /// Forgets the polynomial.
    pub(super) fn restart(&mut self) {
        self.ready = false;
    }

    /// Memory for `y_{n_j/2}`.
    pub(super) fn value(&mut self, j: usize) -> &mut [S] {
        &mut self.values[(j - 1) * self.n..][..self.n]
    }

    /// Memory for `f_i` of column `j`, `i` from one.
    pub(super) fn rate(&mut self, j: usize, i: usize) -> &mut [S] {
        &mut self.rates[slot(j, i) * self.n..][..self.n]
    }

    /// Writes the state at a fraction `θ` of the step.
    pub(super) fn at(&mut self, h: S::Real, ends: Ends<'_, S>, theta: S::Real, out: &mut [S]) {
        self.prepare(h, ends);
        combine::hermite(h, ends.0, ends.1, theta, out);
        let one = <S::Real as Scalar>::one();
        let (middle, rest) = (theta - S::Real::from_f64(0.5), one - theta);
        let bubble = theta * theta * rest * rest;
        for (i, out) in out.iter_mut().enumerate() {
            let coefficients = (0..self.derivatives()).rev().map(|k| self.q[k * self.n + i]);
            let q = coefficients.fold(S::zero(), |sum, q| sum.scale(middle) + q);
            *out += q.scale(bubble);
        }
    }

    /// `μ + 1`: as many derivatives as make the order inside the step that at its end, even without the last of them.
    fn derivatives(&self) -> usize {
        (2 * self.columns).saturating_sub(1).clamp(1, DERIVATIVES)
    }

    /// An estimate of the largest error inside the step, by components, after [`prepare`](Midpoint::prepare).
    pub(super) fn errors(&self) -> &[S::Real] {
        &self.errors
    }

    /// The degree of the polynomial.
    pub(super) fn degree(&self) -> usize {
        self.derivatives() + 3
    }

    /// Makes the polynomial of the step, unless it is there.
    pub(super) fn prepare(&mut self, h: S::Real, ends: Ends<'_, S>) {
        if self.ready {
            return;
        }
        let n = self.n;
        let mut scratch = core::mem::take(&mut self.scratch);
        let number = S::Real::from_f64;
        let mut factorial = 1.0;
        for k in 0..self.derivatives() {
            factorial *= k.max(1) as f64;
            // Columns whose differences of order κ - 1 stay inside the step.
            let first = k.div_ceil(2).max(1);
            for j in first..=self.columns {
                let at = (j - first) * n;
                self.derivative(k, j, ends.1.0, h, &mut scratch[at..at + n]);
                let ratio = |l: usize| substeps(j) as f64 / substeps(first + l - 1) as f64;
                extrapolate(&mut scratch[..at + n], n, ratio);
            }
            for i in 0..n {
                let mut q = scratch[i].scale(number(1.0 / factorial)) - cubic(k, h, ends, i);
                if k >= 2 {
                    q += self.q[(k - 2) * n + i].scale(number(0.5));
                }
                if k >= 4 {
                    q -= self.q[(k - 4) * n + i];
                }
                self.q[k * n + i] = q.scale(number(16.0));
            }
        }
        let last = self.derivatives() - 1;
        // By so much would the polynomial of one degree less differ; derivatives of high order are known to fewer digits.
        let weight = number(UNSURE * largest(last as f64));
        for (error, q) in self.errors.iter_mut().zip(&self.q[last * n..]) {
            *error = q.value().abs() * weight;
        }
        (self.scratch, self.ready) = (scratch, true);
    }

    /// `h^κ y^(κ)` at the middle, as column `j` sees it; `start` is `f_0`.
    fn derivative(&self, k: usize, j: usize, start: &[S], h: S::Real, out: &mut [S]) {
        let n = self.n;
        if k == 0 {
            out.copy_from_slice(&self.values[(j - 1) * n..][..n]);
            return;
        }
        let (differences, middle) = (k - 1, substeps(j) / 2);
        let size = h * S::Real::from_f64((middle as f64).powi(differences as i32));
        out.fill(S::zero());
        let mut binomial = 1.0;
        for i in 0..=differences {
            let at = middle + differences - 2 * i;
            let rate = if at == 0 { start } else { &self.rates[slot(j, at) * n..][..n] };
            let weight = size * S::Real::from_f64(if i % 2 == 0 { binomial } else { -binomial });
            for (out, rate) in out.iter_mut().zip(rate) {
                *out += rate.scale(weight);
            }
            binomial *= (differences - i) as f64 / (i + 1) as f64;
        }
    }
}

/// The maximum of `|s|^κ (¼ - s²)²` inside the step: it lies at `s² = κ / (4κ + 16)`.
fn largest(k: f64) -> f64 {
    let place = 0.25 * k / (k + 4.0);
    place.powf(0.5 * k) * (0.25 - place).powi(2)
}

/// Where `f_i` of column `j` is kept.
fn slot(j: usize, i: usize) -> usize {
    (1..j).map(substeps).sum::<usize>() + i - 1
}

/// The coefficient of `(θ - ½)^κ` in the cubic Hermite polynomial of component `i`.
fn cubic<S: Scalar>(k: usize, h: S::Real, ((y, y_new), (rate, rate_new)): Ends<'_, S>, i: usize) -> S {
    let scaled = |x: S, by: f64| x.scale(h * S::Real::from_f64(by));
    let (change, number) = (y_new[i] - y[i], S::Real::from_f64);
    match k {
        0 => (y[i] + y_new[i]).scale(number(0.5)) + scaled(rate[i] - rate_new[i], 0.125),
        1 => change.scale(number(1.5)) - scaled(rate[i] + rate_new[i], 0.25),
        2 => scaled(rate_new[i] - rate[i], 0.5),
        3 => scaled(rate[i] + rate_new[i], 1.0) - change.scale(number(2.0)),
        _ => S::zero(),
    }
}
