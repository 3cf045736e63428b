//! `A P = Q R` by Householder reflections, with or without column pivoting (Golub–Van Loan, 4th ed., Algorithms 5.2.1 and
//! 5.4.1), and least squares with it.

use crate::LinalgError;
use crate::error::all_finite;
use crate::product::norm;
use vecfield_traits::Real;

/// A Householder QR factorisation of an `m × n` matrix, refilled in place.
#[derive(Debug, Clone)]
pub struct Qr<R> {
    rows: usize,
    columns: usize,
    /// `R` on and above the diagonal; below, the reflectors `v` with `v[k] = 1` left out. Row-major `[m, n]`.
    factors: Vec<R>,
    /// `beta[k]` of `H_k = I - beta v vᵀ`.
    beta: Vec<R>,
    /// Column `k` of `A P` is column `order[k]` of `A`.
    order: Vec<usize>,
    work: Vec<R>,
}

impl<R: Real> Qr<R> {
    /// Room for the factorisation of an `m × n` matrix.
    pub fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            factors: vec![R::zero(); rows * columns],
            beta: vec![R::zero(); rows.min(columns)],
            order: (0..columns).collect(),
            work: vec![R::zero(); columns.max(rows)],
        }
    }

    /// Factorises `a` (`[m, n]`, row-major) in its own column order. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`LinalgError::NotFinite`] with the first entry that is not finite.
    ///
    /// # Panics
    ///
    /// If `a` does not have `m n` entries.
    pub fn factorize(&mut self, a: &[R]) -> Result<(), LinalgError> {
        self.load(a)?;
        for k in 0..self.beta.len() {
            self.reflect(k);
        }
        Ok(())
    }

    /// As [`factorize`](Qr::factorize), choosing at each step the column with the largest part left, so that
    /// `|R[0, 0]| ≥ |R[1, 1]| ≥ ..` and the rank can be read off.
    ///
    /// # Errors
    ///
    /// As [`factorize`](Qr::factorize).
    pub fn factorize_pivoted(&mut self, a: &[R]) -> Result<(), LinalgError> {
        self.load(a)?;
        for k in 0..self.beta.len() {
            // Norms are computed afresh, not downdated: downdating cancels, and these matrices are small.
            self.work[..self.columns].fill(R::zero());
            for i in k..self.rows {
                for (sum, &entry) in
                    self.work.iter_mut().zip(&self.factors[i * self.columns..]).skip(k).take(self.columns - k)
                {
                    *sum += entry * entry;
                }
            }
            let mut best = k;
            for j in k + 1..self.columns {
                if self.work[j] > self.work[best] {
                    best = j;
                }
            }
            if best != k {
                self.order.swap(k, best);
                for row in self.factors.chunks_exact_mut(self.columns) {
                    row.swap(k, best);
                }
            }
            self.reflect(k);
        }
        Ok(())
    }

    fn load(&mut self, a: &[R]) -> Result<(), LinalgError> {
        all_finite(a, self.columns)?;
        self.factors.copy_from_slice(a);
        for (k, column) in self.order.iter_mut().enumerate() {
            *column = k;
        }
        Ok(())
    }

    /// Applies the reflection that zeroes column `k` below the diagonal.
    fn reflect(&mut self, k: usize) {
        let (m, n) = (self.rows, self.columns);
        for i in k..m {
            self.work[i - k] = self.factors[i * n + k];
        }
        let length = norm(&self.work[..m - k]);
        let head = self.work[0];
        if length == R::zero() {
            self.beta[k] = R::zero();
            return;
        }
        let diagonal = if head > R::zero() { -length } else { length }; // the sign that does not cancel
        let v_head = head - diagonal;
        self.beta[k] = -v_head / diagonal;
        for i in k + 1..m {
            self.factors[i * n + k] /= v_head;
        }
        self.factors[k * n + k] = diagonal;
        // w = vᵀ A, then A -= beta v wᵀ: both along rows.
        let (top, below) = self.factors.split_at_mut((k + 1) * n);
        let top = &mut top[k * n..];
        let w = &mut self.work[..n];
        w[k + 1..].copy_from_slice(&top[k + 1..]);
        for row in below.chunks_exact(n) {
            let v = row[k];
            for (sum, &entry) in w[k + 1..].iter_mut().zip(&row[k + 1..]) {
                *sum += v * entry;
            }
        }
        let beta = self.beta[k];
        for (entry, &sum) in top[k + 1..].iter_mut().zip(&w[k + 1..]) {
            *entry -= beta * sum;
        }
        for row in below.chunks_exact_mut(n) {
            let v = beta * row[k];
            for (entry, &sum) in row[k + 1..].iter_mut().zip(&w[k + 1..]) {
                *entry -= v * sum;
            }
        }
    }

    /// `R[i, j]`, zero below the diagonal.
    pub fn upper(&self, i: usize, j: usize) -> R {
        if j < i { R::zero() } else { self.factors[i * self.columns + j] }
    }

    /// Column `k` of `A P` is column `order()[k]` of `A`.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The number of diagonal entries of `R` above `tolerance` times the largest; meaningful after pivoting.
    pub fn rank(&self, tolerance: R) -> usize {
        let largest = if self.beta.is_empty() { R::zero() } else { self.upper(0, 0).abs() };
        (0..self.beta.len())
            .take_while(|&k| self.upper(k, k).abs() > tolerance * largest && self.upper(k, k) != R::zero())
            .count()
    }

    /// Replaces `b` (`[m]`) by `Qᵀ b`.
    pub fn apply_transpose(&self, b: &mut [R]) {
        assert_eq!(b.len(), self.rows, "one entry per row");
        for k in 0..self.beta.len() {
            self.apply_reflection(k, b);
        }
    }

    /// Replaces `b` (`[m]`) by `Q b`.
    pub fn apply(&self, b: &mut [R]) {
        assert_eq!(b.len(), self.rows, "one entry per row");
        for k in (0..self.beta.len()).rev() {
            self.apply_reflection(k, b);
        }
    }

    fn apply_reflection(&self, k: usize, b: &mut [R]) {
        let n = self.columns;
        let mut sum = b[k];
        for i in k + 1..self.rows {
            sum += self.factors[i * n + k] * b[i];
        }
        let scaled = self.beta[k] * sum;
        b[k] -= scaled;
        for i in k + 1..self.rows {
            b[i] -= scaled * self.factors[i * n + k];
        }
    }

    /// Replaces `b[..rank]` by `R₁₁⁻¹ b[..rank]`, with `R₁₁` the leading `rank × rank` block.
    ///
    /// # Panics
    ///
    /// If `b` is shorter than `rank`.
    pub fn solve_upper(&self, rank: usize, b: &mut [R]) {
        for i in (0..rank).rev() {
            let row = &self.factors[i * self.columns..];
            let mut sum = b[i];
            for j in i + 1..rank {
                sum -= row[j] * b[j];
            }
            b[i] = sum / row[i];
        }
    }
}

/// The answer of [`least_squares`].
#[derive(Debug, Clone, PartialEq)]
pub struct LeastSquaresFit<R> {
    /// The basic solution `[n]`: zero at the dropped columns.
    pub x: Vec<R>,
    /// The numerical rank of `A`.
    pub rank: usize,
    /// Columns that depend on the others, and were left out; in increasing order.
    pub dropped: Vec<usize>,
    /// `‖A x - b‖₂`.
    pub residual_norm: R,
}

/// `min ‖A x - b‖₂` for `A [m, n]` of any shape and rank, by pivoted QR of the columns scaled to unit length.
///
/// A column is dropped when less than `max(m, n) ε` of it is left after removing the columns before it.
///
/// # Errors
///
/// [`LinalgError::NotFinite`] with the first entry of `a` (or of `b`, as column `n`) that is not finite.
///
/// # Panics
///
/// If `a` does not have `m n` entries or `b` not `m`.
pub fn least_squares<R: Real>(a: &[R], m: usize, n: usize, b: &[R]) -> Result<LeastSquaresFit<R>, LinalgError> {
    assert_eq!([a.len(), b.len()], [m * n, m], "the matrix must be m × n, the right-hand side m");
    if let Some(row) = b.iter().position(|entry| !entry.is_finite()) {
        return Err(LinalgError::NotFinite { row, column: n });
    }
    if m == 0 || n == 0 {
        let dropped = (0..n).collect();
        return Ok(LeastSquaresFit { x: vec![R::zero(); n], rank: 0, dropped, residual_norm: norm(b) });
    }
    all_finite(a, n)?;
    let mut column = vec![R::zero(); m];
    let lengths: Vec<R> = (0..n)
        .map(|j| {
            column.iter_mut().enumerate().for_each(|(i, entry)| *entry = a[i * n + j]);
            let length = norm(&column);
            if length == R::zero() { R::one() } else { length }
        })
        .collect();
    let scaled: Vec<R> = a.iter().enumerate().map(|(at, &entry)| entry / lengths[at % n]).collect();
    let mut qr = Qr::new(m, n);
    qr.factorize_pivoted(&scaled)?;
    let rank = qr.rank(R::EPSILON * R::from_f64(m.max(n) as f64));
    let mut right = b.to_vec();
    qr.apply_transpose(&mut right);
    let residual_norm = norm(&right[rank..]);
    qr.solve_upper(rank, &mut right);
    let mut x = vec![R::zero(); n];
    for (&j, &value) in qr.order()[..rank].iter().zip(&right) {
        x[j] = value / lengths[j];
    }
    let mut dropped = qr.order()[rank..].to_vec();
    dropped.sort_unstable();
    Ok(LeastSquaresFit { x, rank, dropped, residual_norm })
}
