//! The linear systems of implicit methods, `(σM - J) x = b`: a [`Linearisation`] holds `J = ∂f/∂y` and `M`, a [`Shifted`]
//! the factors for one `σ`, real or complex.
//!
//! Steppers see nothing of how matrices are stored. Both take their structure from the field when a solve starts, so a
//! second solve of the same field allocates nothing.

use vecfield_linalg::{Element, LinalgError, Lu};
use vecfield_traits::{Elementary, Jacobian, Mass, Real};

use crate::stepper::{Evaluator, first_not_finite};

/// `∂f/∂y` and `∂f/∂t` at one point, and the mass matrix.
#[derive(Debug, Clone)]
pub struct Linearisation<R> {
    n: usize,
    /// Row-major `[n, n]`; none before [`adopt`](Linearisation::adopt).
    jacobian: Vec<R>,
    time: Vec<R>,
    mass: Option<Mass<R>>,
}

impl<R: Real> Linearisation<R> {
    /// For a state of `n` components; allocates nothing yet.
    pub fn new(n: usize) -> Linearisation<R> {
        Linearisation { n, jacobian: Vec::new(), time: Vec::new(), mass: None }
    }

    /// Takes the structure the field declares; call it at the start of every solve.
    pub fn adopt<F: Jacobian<R>>(&mut self, field: &F) {
        self.jacobian.resize(self.n * self.n, R::zero());
        self.time.resize(self.n, R::zero());
        if self.mass.as_ref() != field.mass() {
            self.mass = field.mass().cloned();
        }
    }

    /// Evaluates both derivatives at `(t, y)`.
    pub fn evaluate<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) {
        field.jacobian(t, y, &mut self.jacobian, &mut self.time);
    }

    /// `∂f/∂t`, `[n]`.
    pub fn time(&self) -> &[R] {
        &self.time
    }

    /// The mass matrix; `None` for the identity.
    pub fn mass(&self) -> Option<&Mass<R>> {
        self.mass.as_ref()
    }

    /// A component whose derivatives are not finite.
    pub fn not_finite(&self) -> Option<usize> {
        first_not_finite(&self.jacobian).map(|at| at / self.n).or(first_not_finite(&self.time))
    }

    /// An upper bound of the largest eigenvalue of `J`: the least of its 1-, 2- (Frobenius) and ∞-norm.
    pub fn spectral_bound(&self) -> R {
        let n = self.n;
        let (mut rows, mut columns, mut squares) = (R::zero(), R::zero(), R::zero());
        for i in 0..n {
            let (mut row, mut column) = (R::zero(), R::zero());
            for j in 0..n {
                let a = self.jacobian[i * n + j];
                row += a.abs();
                column += self.jacobian[j * n + i].abs();
                squares += a * a;
            }
            rows = Elementary::max(rows, row);
            columns = Elementary::max(columns, column);
        }
        Elementary::min(Elementary::min(rows, columns), squares.sqrt())
    }
}

/// The factors of `σM - J`.
#[derive(Debug, Clone)]
pub struct Shifted<T> {
    lu: Lu<T>,
}

impl<R: Real, T: Element<Real = R>> Default for Shifted<T> {
    /// No factors, no memory yet.
    fn default() -> Shifted<T> {
        Shifted { lu: Lu::new(0) }
    }
}

impl<R: Real, T: Element<Real = R>> Shifted<T> {
    /// Takes the structure of the linearisation; call it after [`Linearisation::adopt`].
    pub fn adopt(&mut self, linearisation: &Linearisation<R>) {
        if self.lu.n() != linearisation.n {
            self.lu = Lu::new(linearisation.n);
        }
    }

    /// Factorises `σM - J`.
    ///
    /// # Errors
    ///
    /// A singular matrix, or one that is not finite; the factors must then not be used.
    pub fn factorize(&mut self, sigma: T, linearisation: &Linearisation<R>) -> Result<(), LinalgError> {
        let Linearisation { n, jacobian, mass, .. } = linearisation;
        self.lu.factorize_with(|matrix| {
            for (entry, j) in matrix.iter_mut().zip(jacobian) {
                *entry = -T::lift(*j);
            }
            match mass {
                None => (0..*n).for_each(|i| matrix[i * n + i] += sigma),
                Some(mass) => {
                    for ((i, j), m) in mass.sparsity().places().zip(mass.entries()) {
                        matrix[i * n + j] += sigma * T::lift(*m);
                    }
                }
            }
        })
    }

    /// Replaces `b` by `(σM - J)⁻¹ b`. Mutable: some structures keep scratch memory beside the factors.
    pub fn solve(&mut self, b: &mut [T]) {
        self.lu.solve(b);
    }
}
