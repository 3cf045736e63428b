//! `P A = L U` with partial pivoting (Golub–Van Loan, 4th ed., Algorithm 3.4.1), right-looking so that the inner loop
//! runs along rows.

use crate::{Element, LinalgError};
use vecfield_traits::{Real, Scalar};

/// The same code compiled for each small size, where loops of known length become straight lines, and once for all others.
macro_rules! sized {
    ($size:expr, $n:ident => $call:expr) => {{
        match $size {
            2 => {
                let $n = 2_usize;
                $call
            }
            3 => {
                let $n = 3_usize;
                $call
            }
            4 => {
                let $n = 4_usize;
                $call
            }
            5 => {
                let $n = 5_usize;
                $call
            }
            6 => {
                let $n = 6_usize;
                $call
            }
            $n => $call,
        }
    }};
}

/// An LU factorisation of a square matrix, refilled in place.
#[derive(Debug, Clone)]
pub struct Lu<T> {
    n: usize,
    /// `U` on and above the diagonal, the multipliers of `L` (unit diagonal) below; row-major `[n, n]`.
    factors: Vec<T>,
    /// `pivots[k]`: the row swapped with row `k` at step `k`.
    pivots: Vec<usize>,
    /// The reciprocals of the diagonal of `U`: divisions are what small systems spend their time on.
    inverses: Vec<T>,
}

impl<T: Element> Lu<T> {
    /// The factorisation of the `n × n` identity.
    pub fn new(n: usize) -> Self {
        let mut factors = vec![T::nought(); n * n];
        for i in 0..n {
            factors[i * n + i] = T::unit();
        }
        Self { n, factors, pivots: (0..n).collect(), inverses: vec![T::unit(); n] }
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Factorises `a` (`[n, n]`, row-major). Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Singular`] when a column has no non-zero pivot, [`LinalgError::NotFinite`] when elimination meets NaN or
    /// infinity. The factorisation must not be used after an error.
    ///
    /// # Panics
    ///
    /// If `a` does not have `n²` entries.
    pub fn factorize(&mut self, a: &[T]) -> Result<(), LinalgError> {
        self.factors.copy_from_slice(a);
        self.eliminate()
    }

    /// Factorises the matrix that `fill` writes into its `[n, n]` argument, which saves a copy. Allocates nothing.
    ///
    /// # Errors
    ///
    /// As [`factorize`](Lu::factorize).
    pub fn factorize_with(&mut self, fill: impl FnOnce(&mut [T])) -> Result<(), LinalgError> {
        fill(&mut self.factors);
        self.eliminate()
    }

    fn eliminate(&mut self) -> Result<(), LinalgError> {
        sized!(self.n, n => eliminate(&mut self.factors[..n * n], &mut self.pivots[..n], &mut self.inverses[..n]))
    }

    /// Replaces `b` (`[n]`) by `A⁻¹ b`.
    pub fn solve(&self, b: &mut [T]) {
        assert_eq!(b.len(), self.n, "one right-hand side entry per row");
        for (k, &pivot) in self.pivots.iter().enumerate() {
            b.swap(k, pivot);
        }
        sized!(self.n, n => substitute(&self.factors[..n * n], &self.inverses[..n], &mut b[..n]));
    }

    /// Replaces `b` (`[n]`) by `A⁻ᵀ b` (the plain transpose, not the conjugate).
    pub fn solve_transpose(&self, b: &mut [T]) {
        let n = self.n;
        assert_eq!(b.len(), n, "one right-hand side entry per row");
        for i in 0..n {
            let row = &self.factors[i * n + i..(i + 1) * n];
            let x = b[i] * self.inverses[i];
            b[i] = x;
            for (later, &u) in b[i + 1..].iter_mut().zip(&row[1..]) {
                *later -= u * x;
            }
        }
        for i in (1..n).rev() {
            let x = b[i];
            for (earlier, &l) in b[..i].iter_mut().zip(&self.factors[i * n..i * n + i]) {
                *earlier -= l * x;
            }
        }
        for (k, &pivot) in self.pivots.iter().enumerate().rev() {
            b.swap(k, pivot);
        }
    }

    /// `det A`.
    pub fn determinant(&self) -> T {
        let mut product = T::unit();
        for (k, &pivot) in self.pivots.iter().enumerate() {
            product = product * self.factors[k * self.n + k];
            if pivot != k {
                product = -product;
            }
        }
        product
    }
}

#[inline(always)]
fn eliminate<T: Element>(factors: &mut [T], pivots: &mut [usize], inverses: &mut [T]) -> Result<(), LinalgError> {
    let n = pivots.len();
    for k in 0..n {
        let mut pivot = k;
        let mut largest = factors[k * n + k].size();
        for i in k + 1..n {
            let size = factors[i * n + k].size();
            // A NaN, once met, is kept: nothing is larger. It is reported below.
            if size > largest || size.is_nan() {
                (pivot, largest) = (i, size);
            }
        }
        pivots[k] = pivot;
        if largest == T::Real::zero() {
            return Err(LinalgError::Singular { column: k });
        }
        if !largest.is_finite() {
            return Err(LinalgError::NotFinite { row: pivot, column: k });
        }
        if pivot != k {
            let (head, tail) = factors.split_at_mut(pivot * n);
            head[k * n..(k + 1) * n].swap_with_slice(&mut tail[..n]);
        }
        let (upper, lower) = factors.split_at_mut((k + 1) * n);
        let pivot_row = &upper[k * n + k..];
        let inverse = T::unit() / pivot_row[0];
        if !inverse.size().is_finite() {
            return Err(LinalgError::Singular { column: k }); // a pivot so small that its reciprocal overflows
        }
        inverses[k] = inverse;
        for row in lower.chunks_exact_mut(n) {
            let multiplier = row[k] * inverse;
            row[k] = multiplier;
            if multiplier != T::nought() {
                for (entry, &above) in row[k + 1..].iter_mut().zip(&pivot_row[1..]) {
                    *entry -= multiplier * above;
                }
            }
        }
    }
    Ok(())
}

/// `b ← U⁻¹ L⁻¹ b`.
#[inline(always)]
fn substitute<T: Element>(factors: &[T], inverses: &[T], b: &mut [T]) {
    let n = b.len();
    for i in 1..n {
        b[i] -= product(&factors[i * n..i * n + i], &b[..i]);
    }
    for i in (0..n).rev() {
        let row = &factors[i * n + i..(i + 1) * n];
        b[i] = (b[i] - product(&row[1..], &b[i + 1..])) * inverses[i];
    }
}

/// Terms from which partial sums pay.
const LONG: usize = 32;

/// `Σ aᵢ bᵢ`, in four interleaved partial sums where it is long: each addition waits for the last.
#[inline(always)]
fn product<T: Element>(a: &[T], b: &[T]) -> T {
    if a.len() < LONG {
        return a.iter().zip(b).fold(T::nought(), |sum, (&x, &y)| sum + x * y);
    }
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest = a4.remainder().iter().zip(b4.remainder()).fold(T::nought(), |sum, (&x, &y)| sum + x * y);
    let mut partial = [T::nought(); 4];
    for (x, y) in a4.zip(b4) {
        for lane in 0..4 {
            partial[lane] += x[lane] * y[lane];
        }
    }
    (partial[0] + partial[1]) + (partial[2] + partial[3]) + rest
}
