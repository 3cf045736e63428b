//! `P A = L U` with partial pivoting for `A` with `A[i, j] = 0` outside `-l ≤ j - i ≤ u`: `O(n l (l + u))` time,
//! `O(n (2l + u))` memory.
//!
//! Row interchanges widen the upper band to `l + u`, so row `i` is stored with the columns `i - l ..= i + l + u`. The
//! multipliers stay where they were made, each solve repeats the interchanges as it meets them (Golub–Van Loan, 4th ed.,
//! section 4.3.3; the arrangement of LAPACK's `gbtrf`, by rows).

use crate::{Element, LinalgError};
use vecfield_traits::{Real, Scalar};

/// An LU factorisation of a banded matrix, refilled in place.
///
/// ```
/// use vecfield_linalg::BandedLu;
///
/// // The second difference: -x₁ + 2x₀ = 1, .., 2x₃ - x₂ = 1.
/// let mut lu = BandedLu::new(4, 1, 1);
/// let places: Vec<[usize; 3]> = (0..4).map(|i| [i - 1.min(i), i, i + 1].map(|j| lu.place(i, j.min(3)))).collect();
/// lu.factorize_with(|band| {
///     for [before, at, after] in places {
///         (band[before], band[after]) = (-1.0, -1.0);
///         band[at] = 2.0;
///     }
/// })?;
/// let mut x = [1.0; 4];
/// lu.solve(&mut x);
/// assert!((x[0] - 2.0_f64).abs() < 1e-14 && (x[1] - 3.0).abs() < 1e-14);
/// # Ok::<(), vecfield_linalg::LinalgError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BandedLu<T> {
    n: usize,
    lower: usize,
    upper: usize,
    /// Entry `(i, j)` at `i·width + j - i + lower`; once factorised `U` above the diagonal and its reciprocals on it, for
    /// a division takes as long as all else a row asks for.
    band: Vec<T>,
    /// Multipliers of the rows below row `k` at `k·lower`.
    multipliers: Vec<T>,
    /// `pivots[k]`: the row swapped with row `k` at step `k`.
    pivots: Vec<usize>,
}

impl<T: Element> BandedLu<T> {
    /// The factorisation of the `n × n` identity, with room for `lower` diagonals below and `upper` above the main one.
    pub fn new(n: usize, lower: usize, upper: usize) -> Self {
        let (lower, upper) = (lower.min(n.saturating_sub(1)), upper.min(n.saturating_sub(1)));
        let width = 2 * lower + upper + 1;
        let mut band = vec![T::nought(); n * width];
        band.iter_mut().skip(lower).step_by(width).for_each(|entry| *entry = T::unit());
        Self { n, lower, upper, band, multipliers: vec![T::nought(); n * lower], pivots: (0..n).collect() }
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The number of diagonals below the main one, and above it.
    pub fn bandwidths(&self) -> (usize, usize) {
        (self.lower, self.upper)
    }

    fn width(&self) -> usize {
        2 * self.lower + self.upper + 1
    }

    /// Where [`factorize_with`](Self::factorize_with) expects entry `(i, j)`.
    ///
    /// # Panics
    ///
    /// If `(i, j)` lies outside the matrix or the band.
    pub fn place(&self, i: usize, j: usize) -> usize {
        let inside = i < self.n && j < self.n && j + self.lower >= i && j <= i + self.upper;
        assert!(inside, "entry ({i}, {j}) lies outside the band");
        i * self.width() + j + self.lower - i
    }

    /// Factorises the matrix that `fill` writes, entry `(i, j)` at [`place(i, j)`](Self::place), into a slice that is zero
    /// everywhere. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Singular`] when a column has no non-zero pivot, [`LinalgError::NotFinite`] when elimination meets NaN or
    /// infinity. The factorisation must not be used after an error.
    pub fn factorize_with(&mut self, fill: impl FnOnce(&mut [T])) -> Result<(), LinalgError> {
        self.band.fill(T::nought());
        fill(&mut self.band);
        let (n, lower, reach, width) = (self.n, self.lower, self.lower + self.upper, self.width());
        for k in 0..n {
            let below = lower.min(n - 1 - k);
            let pivot = self.pivot(k, below)?;
            self.pivots[k] = pivot;
            // Columns k ..= k + reach of the rows k and i, in their own storage.
            let length = reach.min(n - 1 - k) + 1;
            let (head, tail) = self.band.split_at_mut((k + 1) * width);
            let pivot_row = &mut head[k * width + lower..][..length];
            if pivot != k {
                let down = pivot - k;
                pivot_row.swap_with_slice(&mut tail[(down - 1) * width + lower - down..][..length]);
            }
            let (diagonal, pivot_rest) = pivot_row.split_first_mut().expect("a row has its diagonal");
            *diagonal = T::unit() / *diagonal;
            let multipliers = &mut self.multipliers[k * lower..][..below];
            for ((down, row), kept) in (1..=below).zip(tail.chunks_exact_mut(width)).zip(multipliers) {
                let (first, rest) = row[lower - down..][..length].split_first_mut().expect("a row has its diagonal");
                let multiplier = *first * *diagonal;
                *kept = multiplier;
                if multiplier != T::nought() {
                    for (entry, &above) in rest.iter_mut().zip(&*pivot_rest) {
                        *entry -= multiplier * above;
                    }
                }
            }
        }
        Ok(())
    }

    /// The row, at most `below` under `k`, with the largest entry of column `k`.
    fn pivot(&self, k: usize, below: usize) -> Result<usize, LinalgError> {
        let (lower, width) = (self.lower, self.width());
        let mut pivot = k;
        let mut largest = self.band[k * width + lower].size();
        for down in 1..=below {
            let size = self.band[(k + down) * width + lower - down].size();
            // A NaN, once met, is kept: nothing is larger.
            if size > largest || size.is_nan() {
                (pivot, largest) = (k + down, size);
            }
        }
        if largest == T::Real::zero() {
            return Err(LinalgError::Singular { column: k });
        }
        if !largest.is_finite() {
            return Err(LinalgError::NotFinite { row: pivot, column: k });
        }
        Ok(pivot)
    }

    /// Replaces `b` (`[n]`) by `A⁻¹ b`.
    pub fn solve(&self, b: &mut [T]) {
        let (n, lower, reach, width) = (self.n, self.lower, self.lower + self.upper, self.width());
        assert_eq!(b.len(), n, "one right-hand side entry per row");
        for (k, &pivot) in self.pivots.iter().enumerate() {
            if pivot != k {
                b.swap(k, pivot);
            }
            let (x, below) = b[k..].split_first_mut().expect("an entry a row");
            for (b, &multiplier) in below.iter_mut().zip(&self.multipliers[k * lower..][..lower]) {
                *b -= multiplier * *x;
            }
        }
        for (i, row) in self.band.chunks_exact(width).enumerate().rev() {
            let (diagonal, row) = row[lower..][..=reach].split_first().expect("a row has its diagonal");
            let (x, known) = b[i..].split_first_mut().expect("an entry a row");
            let length = row.len().min(known.len());
            // What was found last comes in last: the sum is not kept waiting for it.
            for (&u, &x_known) in row[..length].iter().zip(&known[..length]).rev() {
                *x -= u * x_known;
            }
            *x = *x * *diagonal;
        }
    }

    /// Replaces `b` (`[n]`) by `A⁻ᵀ b` (the plain transpose, not the conjugate).
    pub fn solve_transpose(&self, b: &mut [T]) {
        let (n, lower, reach, width) = (self.n, self.lower, self.lower + self.upper, self.width());
        assert_eq!(b.len(), n, "one right-hand side entry per row");
        for i in 0..n {
            let row = &self.band[i * width + lower..][..=reach];
            let x = b[i] * row[0];
            b[i] = x;
            for (later, &u) in b[i + 1..].iter_mut().zip(&row[1..]) {
                *later -= u * x;
            }
        }
        for (k, &pivot) in self.pivots.iter().enumerate().rev() {
            let mut sum = b[k];
            for (&multiplier, &x) in self.multipliers[k * lower..][..lower].iter().zip(&b[k + 1..]) {
                sum -= multiplier * x;
            }
            b[k] = sum;
            b.swap(k, pivot);
        }
    }
}
