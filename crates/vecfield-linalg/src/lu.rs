//! `P A = L U` with partial pivoting (Golub–Van Loan, 4th ed., Algorithm 3.4.1), right-looking so that the inner loop
//! runs along rows.

use crate::{Element, LinalgError};
use vecfield_traits::{Real, Scalar};

/// An LU factorisation of a square matrix, refilled in place.
#[derive(Debug, Clone)]
pub struct Lu<T> {
    n: usize,
    /// `U` on and above the diagonal, the multipliers of `L` (unit diagonal) below; row-major `[n, n]`.
    factors: Vec<T>,
    /// `pivots[k]`: the row swapped with row `k` at step `k`.
    pivots: Vec<usize>,
}

impl<T: Element> Lu<T> {
    /// The factorisation of the `n × n` identity.
    pub fn new(n: usize) -> Self {
        let mut factors = vec![T::nought(); n * n];
        for i in 0..n {
            factors[i * n + i] = T::unit();
        }
        Self { n, factors, pivots: (0..n).collect() }
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
        let n = self.n;
        for k in 0..n {
            let mut pivot = k;
            let mut largest = self.factors[k * n + k].size();
            for i in k + 1..n {
                let size = self.factors[i * n + k].size();
                // A NaN, once met, is kept: nothing is larger. It is reported below.
                if size > largest || size.is_nan() {
                    (pivot, largest) = (i, size);
                }
            }
            self.pivots[k] = pivot;
            if largest == T::Real::zero() {
                return Err(LinalgError::Singular { column: k });
            }
            if !largest.is_finite() {
                return Err(LinalgError::NotFinite { row: pivot, column: k });
            }
            if pivot != k {
                let (head, tail) = self.factors.split_at_mut(pivot * n);
                head[k * n..(k + 1) * n].swap_with_slice(&mut tail[..n]);
            }
            let (upper, lower) = self.factors.split_at_mut((k + 1) * n);
            let pivot_row = &upper[k * n + k..];
            for row in lower.chunks_exact_mut(n) {
                let multiplier = row[k] / pivot_row[0];
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

    /// Replaces `b` (`[n]`) by `A⁻¹ b`.
    pub fn solve(&self, b: &mut [T]) {
        let n = self.n;
        assert_eq!(b.len(), n, "one right-hand side entry per row");
        for (k, &pivot) in self.pivots.iter().enumerate() {
            b.swap(k, pivot);
        }
        for i in 1..n {
            let mut sum = b[i];
            for (&l, &x) in self.factors[i * n..i * n + i].iter().zip(&b[..i]) {
                sum -= l * x;
            }
            b[i] = sum;
        }
        for i in (0..n).rev() {
            let row = &self.factors[i * n + i..(i + 1) * n];
            let mut sum = b[i];
            for (&u, &x) in row[1..].iter().zip(&b[i + 1..]) {
                sum -= u * x;
            }
            b[i] = sum / row[0];
        }
    }

    /// Replaces `b` (`[n]`) by `A⁻ᵀ b` (the plain transpose, not the conjugate).
    pub fn solve_transpose(&self, b: &mut [T]) {
        let n = self.n;
        assert_eq!(b.len(), n, "one right-hand side entry per row");
        for i in 0..n {
            let row = &self.factors[i * n + i..(i + 1) * n];
            let x = b[i] / row[0];
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
