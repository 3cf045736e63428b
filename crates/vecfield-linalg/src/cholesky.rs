//! `A = L Lᵀ` for symmetric positive definite `A` (Golub–Van Loan, 4th ed., Algorithm 4.2.1, by rows).

use crate::LinalgError;
use crate::product::dot;
use vecfield_traits::Real;

/// A Cholesky factorisation, refilled in place.
#[derive(Debug, Clone)]
pub struct Cholesky<R> {
    n: usize,
    /// `L` on and below the diagonal, row-major `[n, n]`; what is above is garbage.
    factor: Vec<R>,
}

impl<R: Real> Cholesky<R> {
    /// The factorisation of the `n × n` identity.
    pub fn new(n: usize) -> Self {
        let mut factor = vec![R::zero(); n * n];
        for i in 0..n {
            factor[i * n + i] = R::one();
        }
        Self { n, factor }
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Factorises `a` (`[n, n]`, row-major); only its lower triangle is read. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`LinalgError::NotPositiveDefinite`] with the first pivot that is not positive (or not a number). The factorisation
    /// must not be used after an error.
    ///
    /// # Panics
    ///
    /// If `a` does not have `n²` entries.
    pub fn factorize(&mut self, a: &[R]) -> Result<(), LinalgError> {
        let n = self.n;
        assert_eq!(a.len(), n * n, "the matrix must be n × n");
        for i in 0..n {
            let (above, row) = self.factor.split_at_mut(i * n);
            for j in 0..i {
                let l_j = &above[j * n..=j * n + j];
                row[j] = (a[i * n + j] - dot(&row[..j], &l_j[..j])) / l_j[j];
            }
            let pivot = a[i * n + i] - dot(&row[..i], &row[..i]);
            if !(pivot > R::zero() && pivot.is_finite()) {
                return Err(LinalgError::NotPositiveDefinite { row: i, pivot: pivot.to_f64() });
            }
            row[i] = pivot.sqrt();
        }
        Ok(())
    }

    /// `L[i, j]`, zero above the diagonal.
    pub fn lower(&self, i: usize, j: usize) -> R {
        if j > i { R::zero() } else { self.factor[i * self.n + j] }
    }

    /// Replaces `b` (`[n]`) by `A⁻¹ b`.
    pub fn solve(&self, b: &mut [R]) {
        self.solve_lower(b);
        self.solve_lower_transpose(b);
    }

    /// Replaces `b` (`[n]`) by `L⁻¹ b`; `‖L⁻¹ b‖² = bᵀ A⁻¹ b`.
    pub fn solve_lower(&self, b: &mut [R]) {
        let n = self.n;
        assert_eq!(b.len(), n, "one right-hand side entry per row");
        for i in 0..n {
            let row = &self.factor[i * n..=i * n + i];
            b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
        }
    }

    /// Replaces `b` (`[n]`) by `L⁻ᵀ b`.
    pub fn solve_lower_transpose(&self, b: &mut [R]) {
        let n = self.n;
        assert_eq!(b.len(), n, "one right-hand side entry per row");
        for i in (0..n).rev() {
            let row = &self.factor[i * n..=i * n + i];
            let x = b[i] / row[i];
            b[i] = x;
            for (earlier, &l) in b[..i].iter_mut().zip(row) {
                *earlier -= l * x;
            }
        }
    }

    /// `log det A`.
    pub fn log_det(&self) -> R {
        let sum = (0..self.n).fold(R::zero(), |sum, i| sum + self.factor[i * self.n + i].ln());
        sum + sum
    }

    /// Writes `A⁻¹` into `inverse` (`[n, n]`, overwritten, symmetric to the last bit). Allocates nothing.
    pub fn inverse_into(&self, inverse: &mut [R]) {
        let n = self.n;
        assert_eq!(inverse.len(), n * n, "the inverse is n × n");
        inverse.fill(R::zero());
        for j in 0..n {
            let row = &mut inverse[j * n..(j + 1) * n];
            row[j] = R::one();
            self.solve(row);
        }
        for i in 0..n {
            for j in 0..i {
                inverse[j * n + i] = inverse[i * n + j];
            }
        }
    }
}
