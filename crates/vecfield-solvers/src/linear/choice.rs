//! How linear systems are solved: what a user may ask for.

use core::fmt::Debug;
use std::sync::Arc;

use vecfield_traits::Real;

use super::Linearisation;

/// How an implicit method solves its linear systems `(σM - J) x = b`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum LinearSolver<R> {
    /// By the factorisation that costs least for the sparsity the field declares; a dense one without.
    #[default]
    Auto,
    /// A dense LU factorisation.
    Dense,
    /// A banded one, of the unknowns in their own order or in that of Cuthill and McKee, whichever band is narrower.
    Banded,
    /// A sparse one, in an order of approximately minimum degree.
    Sparse,
    /// GMRES with a preconditioner: for systems whose factors would fill the memory.
    Gmres(Krylov<R>),
}

/// How GMRES is run.
#[derive(Debug, Clone)]
pub struct Krylov<R> {
    /// Directions kept before a restart.
    pub restart: usize,
    /// Products with the matrix for one system, at most.
    pub limit: usize,
    /// The residual, relative to the right-hand side, to be reached; a hundredth of the relative tolerance, at most 1e-4,
    /// unless given.
    pub tolerance: Option<R>,
    /// The approximate inverse.
    pub preconditioner: Preconditioning<R>,
}

/// An approximate inverse of `σM - J`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Preconditioning<R> {
    /// None.
    None,
    /// An incomplete factorisation without new non-zeros; it needs a diagonal without zeros.
    #[default]
    Incomplete,
    /// The user's own.
    Own(Arc<dyn Precondition<R>>),
}

/// A user's preconditioner of `σM - J`. Complex systems use it with `|σ|`, on real and imaginary parts.
pub trait Precondition<R>: Debug + Send + Sync {
    /// One with memory of its own; each factorisation of a solve has one.
    fn instance(&self) -> Box<dyn Precondition<R>>;

    /// Prepares for `σ` and the Jacobian and mass matrix of the linearisation, which keep their places during a solve.
    fn prepare(&mut self, sigma: R, linearisation: &Linearisation<R>)
    where
        R: Real;

    /// Replaces `x` (`[n]`) by about `(σM - J)⁻¹ x`; linear in `x`.
    fn apply(&mut self, x: &mut [R]);
}

impl<R: Real> Default for Krylov<R> {
    /// Restarts after 30 directions, at most 300 products, an incomplete factorisation as preconditioner.
    fn default() -> Self {
        Krylov { restart: 30, limit: 300, tolerance: None, preconditioner: Preconditioning::default() }
    }
}

impl<R: PartialEq> PartialEq for LinearSolver<R> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (LinearSolver::Gmres(a), LinearSolver::Gmres(b)) => a == b,
            _ => core::mem::discriminant(self) == core::mem::discriminant(other),
        }
    }
}

impl<R: PartialEq> PartialEq for Krylov<R> {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |of: &Self| (of.restart, of.limit);
        numbers(self) == numbers(other)
            && self.tolerance == other.tolerance
            && self.preconditioner == other.preconditioner
    }
}

impl<R> PartialEq for Preconditioning<R> {
    /// A user's own equals itself alone.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Preconditioning::Own(a), Preconditioning::Own(b)) => Arc::ptr_eq(a, b),
            _ => core::mem::discriminant(self) == core::mem::discriminant(other),
        }
    }
}
