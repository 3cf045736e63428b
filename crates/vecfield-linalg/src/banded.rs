//! `A = L D Lᵀ` for symmetric positive definite `A` with `A[i, j] = 0` beyond `|i - j| ≤ p`: `O(n p²)` time, `O(n p)` memory.
//!
//! Storage is by rows of the lower triangle: entry `(i, i - k)` at `band[i * (p + 1) + k]` for `k ≤ min(i, p)`.

use crate::LinalgError;
use vecfield_traits::Real;

/// A banded Cholesky factorisation, refilled in place.
#[derive(Debug, Clone)]
pub struct BandedCholesky<R> {
    n: usize,
    bandwidth: usize,
    /// `D` in column 0, `L` (unit diagonal) in columns `1..=p`.
    factor: Vec<R>,
}

impl<R: Real> BandedCholesky<R> {
    /// The factorisation of the `n × n` identity, with room for `bandwidth` sub-diagonals.
    pub fn new(n: usize, bandwidth: usize) -> Self {
        let mut factor = vec![R::zero(); n * (bandwidth + 1)];
        for i in 0..n {
            factor[i * (bandwidth + 1)] = R::one();
        }
        Self { n, bandwidth, factor }
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Number of sub-diagonals `p`.
    pub fn bandwidth(&self) -> usize {
        self.bandwidth
    }

    /// Factorises the matrix with lower band `band` (`[n, p + 1]`, see the module). Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`LinalgError::NotPositiveDefinite`] with the first pivot that is not positive (or not a number). The factorisation
    /// must not be used after an error.
    ///
    /// # Panics
    ///
    /// If `band` does not have `n (p + 1)` entries.
    pub fn factorize(&mut self, band: &[R]) -> Result<(), LinalgError> {
        let (p, width) = (self.bandwidth, self.bandwidth + 1);
        self.factor.copy_from_slice(band);
        for i in 0..self.n {
            let reach = p.min(i);
            let (above, row) = self.factor.split_at_mut(i * width);
            let mut pivot = row[0];
            // First u[k] = (L D)[i, i-k], from the farthest column inwards, then L = u / D.
            for k in (1..=reach).rev() {
                let j = i - k;
                let row_j = &above[j * width..(j + 1) * width];
                let mut sum = row[k];
                for m in 1..=(reach - k).min(p) {
                    sum -= row[k + m] * row_j[m];
                }
                row[k] = sum;
            }
            for k in 1..=reach {
                let l = row[k] / above[(i - k) * width];
                pivot -= l * row[k];
                row[k] = l;
            }
            if !(pivot > R::zero() && pivot.is_finite()) {
                return Err(LinalgError::NotPositiveDefinite { row: i, pivot: pivot.to_f64() });
            }
            row[0] = pivot;
        }
        Ok(())
    }

    /// Replaces `b` (`[n]`) by `A⁻¹ b`.
    pub fn solve(&self, b: &mut [R]) {
        let (p, width) = (self.bandwidth, self.bandwidth + 1);
        assert_eq!(b.len(), self.n, "one right-hand side entry per row");
        for i in 0..self.n {
            let row = &self.factor[i * width..(i + 1) * width];
            let mut sum = b[i];
            for k in 1..=p.min(i) {
                sum -= row[k] * b[i - k];
            }
            b[i] = sum;
        }
        for i in 0..self.n {
            b[i] /= self.factor[i * width];
        }
        for i in (0..self.n).rev() {
            let row = &self.factor[i * width..(i + 1) * width];
            let x = b[i];
            for k in 1..=p.min(i) {
                b[i - k] -= row[k] * x;
            }
        }
    }

    /// `log det A`.
    pub fn log_det(&self) -> R {
        (0..self.n).fold(R::zero(), |sum, i| sum + self.factor[i * (self.bandwidth + 1)].ln())
    }

    /// Writes the part of `A⁻¹` inside the band into `inverse` (`[n, p + 1]`, the layout of [`factorize`](Self::factorize)'s
    /// argument), in `O(n p²)`: with it a trace `tr(A⁻¹ B)` of another banded matrix costs no more than the factorisation.
    ///
    /// Source: Erisman–Tinney 1975; for splines Hutchinson–de Hoog 1985.
    pub fn inverse_band_into(&self, inverse: &mut [R]) {
        let (n, p, width) = (self.n, self.bandwidth, self.bandwidth + 1);
        assert_eq!(inverse.len(), n * width, "the inverse has the layout of the matrix");
        inverse.fill(R::zero());
        // Z = D⁻¹ L⁻¹ + (I - Lᵀ) Z, read on and below the diagonal from the last row up.
        for j in (0..n).rev() {
            let reach = p.min(n - 1 - j);
            for i in (j + 1..=j + reach).rev() {
                let mut sum = R::zero();
                for m in j + 1..=j + reach {
                    let z = if i >= m { inverse[i * width + (i - m)] } else { inverse[m * width + (m - i)] };
                    sum -= self.factor[m * width + (m - j)] * z;
                }
                inverse[i * width + (i - j)] = sum;
            }
            let mut sum = R::one() / self.factor[j * width];
            for m in j + 1..=j + reach {
                sum -= self.factor[m * width + (m - j)] * inverse[m * width + (m - j)];
            }
            inverse[j * width] = sum;
        }
    }
}
