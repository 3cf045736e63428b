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
    /// Entry `(i, j)` at `i·width + j - i + lower`; once factorised the reciprocals of the diagonal of `U` on it, for a division
    /// takes as long as all else a row asks for, and above it the rows of `U` over their diagonals, so that in a solution one
    /// product alone waits for the row below.
    band: Vec<T>,
    /// Diagonals of `U` above the main one: `upper` where no rows were interchanged.
    reach: usize,
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
        let multipliers = vec![T::nought(); n * lower];
        Self { n, lower, upper, band, reach: upper, multipliers, pivots: (0..n).collect() }
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
        self.reach = self.upper;
        match (self.lower, self.upper) {
            (1, 1) => self.eliminate(1, 1),
            (2, 2) => self.eliminate(2, 2),
            (lower, upper) => self.eliminate(lower, upper),
        }
    }

    /// Compiled for the narrowest bands, where loops of known length become straight lines, and for all others.
    #[inline(always)]
    fn eliminate(&mut self, lower: usize, upper: usize) -> Result<(), LinalgError> {
        let (n, width) = (self.n, 2 * lower + upper + 1);
        for k in 0..n {
            let below = lower.min(n - 1 - k);
            let pivot = self.pivot(k, below)?;
            self.pivots[k] = pivot;
            if pivot != k {
                self.reach = lower + upper;
            }
            // Columns k ..= k + reach of the rows k and i, in their own storage.
            let (head, tail) = self.band.split_at_mut((k + 1) * width);
            let pivot_row = &mut head[k * width + lower..];
            let multipliers = &mut self.multipliers[k * lower..][..lower];
            if self.reach == upper && k + lower < n && k + upper < n {
                eliminate_below(pivot_row, tail, multipliers, (lower, lower, upper, width));
                continue;
            }
            let length = self.reach.min(n - 1 - k);
            if pivot != k {
                let down = pivot - k;
                pivot_row[..=length].swap_with_slice(&mut tail[(down - 1) * width + lower - down..][..=length]);
            }
            eliminate_below(pivot_row, tail, multipliers, (lower, below, length, width));
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
        assert_eq!(b.len(), self.n, "one right-hand side entry per row");
        match (self.lower, self.upper, self.reach) {
            (1, 1, 1) => self.substitute(b, 1, 1, 4),
            (2, 2, 2) => self.substitute(b, 2, 2, 7),
            (lower, _, reach) => self.substitute(b, lower, reach, self.width()),
        }
    }

    #[inline(always)]
    fn substitute(&self, b: &mut [T], lower: usize, reach: usize, width: usize) {
        let n = self.n;
        for (k, &pivot) in self.pivots.iter().enumerate() {
            if pivot != k {
                b.swap(k, pivot);
            }
            let x = b[k];
            let multipliers = &self.multipliers[k * lower..][..lower];
            match b[k + 1..].get_mut(..lower) {
                Some(below) => below.iter_mut().zip(multipliers).for_each(|(b, &multiplier)| *b -= multiplier * x),
                None => b[k + 1..].iter_mut().zip(multipliers).for_each(|(b, &multiplier)| *b -= multiplier * x),
            }
        }
        for i in (0..n).rev() {
            let row = &self.band[i * width + lower..][..=reach];
            let (x, known) = b[i..].split_first_mut().expect("an entry a row");
            let mut sum = *x * row[0];
            // What was found last comes in last: the sum is not kept waiting for it.
            let upper = &row[1..];
            match known.get(..reach) {
                Some(known) => upper.iter().zip(known).rev().for_each(|(&u, &x)| sum -= u * x),
                None => upper[..known.len()].iter().zip(&*known).rev().for_each(|(&u, &x)| sum -= u * x),
            }
            *x = sum;
        }
    }

    /// Replaces `b` (`[n]`) by `A⁻ᵀ b` (the plain transpose, not the conjugate).
    pub fn solve_transpose(&self, b: &mut [T]) {
        let (n, lower, reach, width) = (self.n, self.lower, self.reach, self.width());
        assert_eq!(b.len(), n, "one right-hand side entry per row");
        for i in 0..n {
            let row = &self.band[i * width + lower..][..=reach];
            let x = b[i];
            b[i] = x * row[0];
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

/// Step `k`: the multipliers of the rows `below`, and what they take off the rows; the pivot row over its diagonal.
#[inline(always)]
fn eliminate_below<T: Element>(
    pivot_row: &mut [T],
    rows: &mut [T],
    multipliers: &mut [T],
    (lower, below, length, width): (usize, usize, usize, usize),
) {
    let (diagonal, rest) = pivot_row[..=length].split_first_mut().expect("a row has its diagonal");
    *diagonal = T::unit() / *diagonal;
    rest.iter_mut().for_each(|above| *above = *above * *diagonal);
    for down in 1..=below {
        let row = &mut rows[(down - 1) * width + lower - down..][..=length];
        let first = row[0];
        multipliers[down - 1] = first * *diagonal;
        for (entry, &above) in row[1..].iter_mut().zip(&*rest) {
            *entry -= first * above;
        }
    }
}
