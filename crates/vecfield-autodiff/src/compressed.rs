//! Sparse Jacobians from few directions: the columns of one [`Colouring`] colour share a lane of a dual.

use std::sync::Arc;

use vecfield_traits::{Real, Sparsity};

use crate::by_duals::{LANES, seeded};
use crate::colouring::Colouring;
use crate::dual::Dual;

/// A pattern, and the direction that each column is found by.
#[derive(Debug)]
pub(crate) struct Compressed {
    pub(crate) sparsity: Sparsity,
    colouring: Colouring,
    /// The direction of each place, row by row.
    directions: Vec<usize>,
}

impl Compressed {
    pub(crate) fn new(sparsity: Sparsity) -> Arc<Compressed> {
        let colouring = Colouring::new(&sparsity);
        let directions = sparsity.places().map(|(_, j)| colouring.colour(j)).collect();
        Arc::new(Compressed { sparsity, colouring, directions })
    }

    /// How many directions carry all columns.
    pub(crate) fn directions(&self) -> usize {
        self.colouring.count()
    }

    /// The direction that carries column `j`.
    pub(crate) fn direction(&self, j: usize) -> usize {
        self.colouring.colour(j)
    }

    /// Duals for the sweep that carries the directions `first..first + LANES`.
    #[inline(always)]
    pub(crate) fn seed<R: Real>(&self, duals: &mut [Dual<R, LANES>], values: &[R], first: usize) {
        for (j, (dual, &value)) in duals.iter_mut().zip(values).enumerate() {
            *dual = seeded(value, self.colouring.colour(j), first);
        }
    }

    /// Every place whose direction a sweep carried: `each(place, row, column, ∂f_row/∂y_column)`.
    #[inline(always)]
    pub(crate) fn for_each<R: Real>(
        &self,
        dy: &[Dual<R, LANES>],
        first: usize,
        mut each: impl FnMut(usize, usize, usize, R),
    ) {
        let mut place = 0;
        for (i, rate) in dy.iter().enumerate() {
            for &j in self.sparsity.row(i) {
                if let Some(&partial) = rate.tangent.get(self.directions[place].wrapping_sub(first)) {
                    each(place, i, j, partial);
                }
                place += 1;
            }
        }
    }
}

/// The entries, row by row, of the Jacobian of a square map at the places of `pattern`: one evaluation for eight colours
/// of its [`Colouring`].
///
/// ```
/// use vecfield_autodiff::{sparse_jacobian, sparsity};
/// use vecfield_traits::Elementary;
///
/// fn cumulative<S: Elementary>(x: &[S], y: &mut [S]) {
///     y[0] = x[0];
///     for i in 1..x.len() {
///         y[i] = x[i - 1] * x[i];
///     }
/// }
/// let x = [1.0, 2.0, 3.0];
/// let pattern = sparsity(cumulative, &x);
/// assert_eq!(sparse_jacobian(cumulative, &pattern, &x), [1.0, 2.0, 1.0, 3.0, 2.0]);
/// ```
///
/// # Panics
///
/// If the pattern is not of `x`'s size.
pub fn sparse_jacobian<R: Real>(
    mut f: impl FnMut(&[Dual<R, LANES>], &mut [Dual<R, LANES>]),
    pattern: &Sparsity,
    x: &[R],
) -> Vec<R> {
    assert_eq!(pattern.n(), x.len(), "a pattern of the map's size");
    let compressed = Compressed::new(pattern.clone());
    let still = Dual::constant(R::zero());
    let (mut duals, mut y) = (vec![still; x.len()], vec![still; x.len()]);
    let mut entries = vec![R::zero(); pattern.len()];
    for first in (0..compressed.directions()).step_by(LANES) {
        compressed.seed(&mut duals, x, first);
        f(&duals, &mut y);
        compressed.for_each(&y, first, |place, _, _, partial| entries[place] = partial);
    }
    entries
}
