//! `A ≈ L U` with no places beside those of `A` (ILU(0); Saad, Iterative Methods for Sparse Linear Systems, 2nd ed.,
//! Algorithm 10.4).

use crate::{Element, LinalgError, Preconditioner};
use vecfield_traits::{Scalar, Sparsity};

const ABSENT: u32 = u32::MAX;

/// An incomplete factorisation of a sparse matrix, refilled in place: a [`Preconditioner`].
#[derive(Debug, Clone)]
pub struct Ilu<T> {
    pattern: Sparsity,
    /// The number of the diagonal entry of each row.
    diagonal: Vec<usize>,
    factors: Vec<T>,
    /// Where each column sits in the row at work.
    place: Vec<u32>,
}

impl<T: Element> Ilu<T> {
    /// For matrices with this pattern.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Singular`] with a column whose diagonal is not among the places.
    pub fn new(pattern: &Sparsity) -> Result<Self, LinalgError> {
        let n = pattern.n();
        let mut diagonal = Vec::with_capacity(n);
        for i in 0..n {
            let at = pattern.row(i).binary_search(&i).map_err(|_| LinalgError::Singular { column: i })?;
            diagonal.push(pattern.range(i).start + at);
        }
        Ok(Ilu {
            diagonal,
            factors: vec![T::nought(); pattern.len()],
            place: vec![ABSENT; n],
            pattern: pattern.clone(),
        })
    }

    /// Factorises the matrix with these entries at the places of the pattern. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`LinalgError::Singular`] at a zero pivot (rows are not interchanged), [`LinalgError::NotFinite`] at one that is NaN or
    /// infinite. The factorisation must not be used after an error.
    ///
    /// # Panics
    ///
    /// If there is not one entry a place.
    pub fn factorize(&mut self, entries: &[T]) -> Result<(), LinalgError> {
        self.factors.copy_from_slice(entries);
        let Ilu { pattern, diagonal, factors, place } = self;
        for i in 0..pattern.n() {
            let range = pattern.range(i);
            let (above, rest) = factors.split_at_mut(range.start);
            let row = &mut rest[..range.len()];
            pattern.row(i).iter().enumerate().for_each(|(at, &j)| place[j] = at as u32);
            for (at, &k) in pattern.row(i).iter().enumerate().take_while(|(_, k)| **k < i) {
                let multiplier = row[at] / above[diagonal[k]];
                row[at] = multiplier;
                for later in diagonal[k] + 1..pattern.range(k).end {
                    let j = pattern.row(k)[later - pattern.range(k).start];
                    if let Some(entry) = row.get_mut(place[j] as usize) {
                        *entry -= multiplier * above[later];
                    }
                }
            }
            pattern.row(i).iter().for_each(|&j| place[j] = ABSENT);
            let size = row[diagonal[i] - range.start].size();
            if size == T::Real::zero() {
                return Err(LinalgError::Singular { column: i });
            }
            if !size.is_finite() {
                return Err(LinalgError::NotFinite { row: i, column: i });
            }
        }
        Ok(())
    }
}

impl<T: Element> Preconditioner<T> for Ilu<T> {
    fn apply(&mut self, x: &mut [T]) {
        let n = self.pattern.n();
        assert_eq!(x.len(), n, "one entry per row");
        let product = |places: core::ops::Range<usize>, i: usize, x: &[T]| {
            let first = self.pattern.range(i).start;
            let columns = &self.pattern.row(i)[places.start - first..places.end - first];
            columns.iter().zip(&self.factors[places]).fold(T::nought(), |sum, (&j, &entry)| sum + entry * x[j])
        };
        for i in 0..n {
            x[i] -= product(self.pattern.range(i).start..self.diagonal[i], i, x);
        }
        for i in (0..n).rev() {
            let rest = product(self.diagonal[i] + 1..self.pattern.range(i).end, i, x);
            x[i] = (x[i] - rest) / self.factors[self.diagonal[i]];
        }
    }
}
