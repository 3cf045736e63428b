//! `(σM - J) x = b` by GMRES.

use vecfield_linalg::{Element, Gmres, Ilu, LinalgError, Preconditioner, Side, sparse_matvec};
use vecfield_traits::{Elementary, Real, Scalar, Sparsity};

use super::{Krylov, LinearSolver, Linearisation, Precondition, Preconditioning};

/// A matrix, GMRES and a preconditioner.
#[derive(Debug, Clone)]
pub(super) struct Iterative<T: Element> {
    pattern: Sparsity,
    matrix: Vec<T>,
    gmres: Gmres<T>,
    inverse: Inverse<T>,
    x: Vec<T>,
    tolerance: T::Real,
    limit: usize,
}

impl<R: Real, T: Element<Real = R>> Iterative<T> {
    pub(super) fn new(pattern: &Sparsity, wish: &LinearSolver<R>, tolerance: R) -> Result<Self, LinalgError> {
        let standard = Krylov::default();
        let krylov = if let LinearSolver::Gmres(krylov) = wish { krylov } else { &standard };
        let n = pattern.n();
        let inverse = match &krylov.preconditioner {
            Preconditioning::None => Inverse::None,
            Preconditioning::Incomplete => Inverse::Incomplete(Box::new(Ilu::new(pattern)?)),
            Preconditioning::Own(own) => {
                Inverse::Own(Own { of: own.instance(), parts: [vec![R::zero(); n], vec![R::zero(); n]] })
            }
        };
        Ok(Iterative {
            pattern: pattern.clone(),
            matrix: vec![T::nought(); pattern.len()],
            gmres: Gmres::new(n, krylov.restart),
            inverse,
            x: vec![T::nought(); n],
            tolerance: krylov.tolerance.unwrap_or(tolerance),
            limit: krylov.limit,
        })
    }

    pub(super) fn prepare(
        &mut self,
        assemble: impl FnOnce(&mut [T]),
        sigma: T,
        at: &Linearisation<R>,
    ) -> Result<(), LinalgError> {
        assemble(&mut self.matrix);
        match &mut self.inverse {
            Inverse::None => Ok(()),
            Inverse::Incomplete(ilu) => ilu.factorize(&self.matrix),
            Inverse::Own(own) => {
                let (re, im) = sigma.parts();
                own.of.prepare((re * re + im * im).sqrt(), at);
                Ok(())
            }
        }
    }

    pub(super) fn solve(&mut self, b: &mut [T]) {
        let (pattern, matrix) = (&self.pattern, &self.matrix);
        let squares = b.iter().fold(R::zero(), |sum, x| {
            let (re, im) = x.parts();
            sum + (re * re + im * im)
        });
        self.x.fill(T::nought());
        let product = |x: &[T], y: &mut [T]| sparse_matvec(pattern, matrix, x, y);
        // The true residual is what must be small: the preconditioner stands on the right.
        let side = (&mut self.inverse as &mut dyn Preconditioner<T>, Side::Right);
        let enough = Elementary::max(self.tolerance * squares.sqrt(), R::MIN_POSITIVE);
        match self.gmres.solve(product, side, b, &mut self.x, enough, self.limit) {
            Ok(_) => b.copy_from_slice(&self.x),
            Err(_) => b.fill(T::lift(R::NAN)),
        }
    }
}

#[derive(Debug, Clone)]
enum Inverse<T: Element> {
    None,
    Incomplete(Box<Ilu<T>>),
    Own(Own<T::Real>),
}

impl<R: Real, T: Element<Real = R>> Preconditioner<T> for Inverse<T> {
    fn apply(&mut self, x: &mut [T]) {
        match self {
            Inverse::None => {}
            Inverse::Incomplete(ilu) => ilu.apply(x),
            Inverse::Own(own) => {
                let [re, im] = &mut own.parts;
                for (at, x) in x.iter().enumerate() {
                    (re[at], im[at]) = x.parts();
                }
                own.of.apply(re);
                if im.iter().any(|&im| im != <R as Scalar>::zero()) {
                    own.of.apply(im);
                }
                for (at, x) in x.iter_mut().enumerate() {
                    *x = T::from_parts(re[at], im[at]);
                }
            }
        }
    }
}

/// A user's preconditioner, with room for real and imaginary parts.
#[derive(Debug)]
struct Own<R> {
    of: Box<dyn Precondition<R>>,
    parts: [Vec<R>; 2],
}

impl<R: Clone> Clone for Own<R> {
    fn clone(&self) -> Self {
        Own { of: self.of.instance(), parts: self.parts.clone() }
    }
}
