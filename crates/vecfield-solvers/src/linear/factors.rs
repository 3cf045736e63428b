//! The factors of `σM - J` in each structure.

use vecfield_linalg::{BandedLu, Element, LinalgError, Lu, SparseLu};
use vecfield_traits::Real;

use super::krylov::Iterative;
use super::layout::{Layout, Storage};
use super::{LinearSolver, Linearisation};

#[derive(Debug, Clone)]
pub(super) enum Factors<T: Element> {
    Dense(Lu<T>),
    /// With room for a right-hand side in another order.
    Banded(BandedLu<T>, Vec<T>),
    /// With the entries of the matrix.
    Sparse(Box<SparseLu<T>>, Vec<T>),
    Iterative(Box<Iterative<T>>),
    /// Whatever its entries, the matrix is singular.
    Singular(LinalgError),
}

impl<T: Element> Default for Factors<T> {
    fn default() -> Self {
        Factors::Dense(Lu::new(0))
    }
}

impl<R: Real, T: Element<Real = R>> Factors<T> {
    pub(super) fn new(layout: &Layout<R>, wish: &LinearSolver<R>, tolerance: R) -> Self {
        let n = layout.n;
        match &layout.storage {
            Storage::Dense => Factors::Dense(Lu::new(n)),
            Storage::Banded { lower, upper, order } => {
                let scratch = order.iter().flatten().map(|_| T::nought()).collect();
                Factors::Banded(BandedLu::new(n, *lower, *upper), scratch)
            }
            Storage::Sparse(pattern, Ok(plan)) => {
                Factors::Sparse(Box::new(plan.like()), vec![T::nought(); pattern.len()])
            }
            Storage::Sparse(_, Err(error)) => Factors::Singular(error.clone()),
            Storage::Products(pattern) => match Iterative::new(pattern, wish, tolerance) {
                Ok(iterative) => Factors::Iterative(Box::new(iterative)),
                Err(error) => Factors::Singular(error),
            },
        }
    }

    pub(super) fn factorize(&mut self, layout: &Layout<R>, sigma: T, at: &Linearisation<R>) -> Result<(), LinalgError> {
        let assemble = |matrix: &mut [T]| layout.assemble(sigma, &at.jacobian, at.mass.as_ref(), matrix);
        match self {
            Factors::Dense(lu) => lu.factorize_with(assemble),
            Factors::Banded(lu, _) => lu.factorize_with(assemble).map_err(|error| layout.own_order(error)),
            Factors::Sparse(lu, matrix) => {
                assemble(matrix);
                lu.factorize(matrix)
            }
            Factors::Iterative(iterative) => iterative.prepare(assemble, sigma, at),
            Factors::Singular(error) => Err(error.clone()),
        }
    }

    pub(super) fn solve(&mut self, layout: Option<&Layout<R>>, b: &mut [T]) {
        match self {
            Factors::Dense(lu) => lu.solve(b),
            Factors::Banded(lu, scratch) => match layout.map(|layout| &layout.storage) {
                Some(Storage::Banded { order: Some(order), .. }) => {
                    scratch.iter_mut().zip(order).for_each(|(to, &i)| *to = b[i]);
                    lu.solve(scratch);
                    scratch.iter().zip(order).for_each(|(&from, &i)| b[i] = from);
                }
                _ => lu.solve(b),
            },
            Factors::Sparse(lu, _) => lu.solve(b),
            Factors::Iterative(iterative) => iterative.solve(b),
            Factors::Singular(_) => b.fill(T::lift(R::NAN)),
        }
    }
}
