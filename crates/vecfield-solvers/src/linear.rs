//! The linear systems of implicit methods, `(σM - J) x = b`: a [`Linearisation`] holds `J = ∂f/∂y` and `M`, a [`Shifted`]
//! the factors for one `σ`, real or complex.
//!
//! Steppers see nothing of how matrices are stored. Both take their structure from the field when a solve starts (a dense
//! matrix, a band, a sparse one: what costs least, or what [`Options::linear`] says), so a second solve of the same field
//! allocates nothing. Memory is in proportion to the non-zeros of the factors, but for dense ones.

use std::sync::Arc;

use vecfield_linalg::{Element, LinalgError};
use vecfield_traits::{Elementary, Jacobian, Mass, Real, Sparsity};

use crate::norm::Norm;
use crate::options::Initial;
use crate::stepper::{Evaluator, first_not_finite};
use crate::{Options, SolveError};

mod choice;
mod consistent;
mod factors;
mod krylov;
mod layout;

pub use choice::{Krylov, LinearSolver, Precondition, Preconditioning};
use consistent::Settling;
use factors::Factors;
use layout::Layout;

/// `∂f/∂y` and `∂f/∂t` at one point, and the mass matrix.
#[derive(Debug, Clone)]
pub struct Linearisation<R: Real> {
    n: usize,
    norm: Norm<R>,
    initial: Initial,
    wish: LinearSolver<R>,
    /// The residual, relative to the right-hand side, that iterative solutions leave.
    tolerance: R,
    sparsity: Option<Sparsity>,
    /// At the places of the sparsity, row by row; row-major `[n, n]` without one; none before [`adopt`](Self::adopt).
    jacobian: Vec<R>,
    time: Vec<R>,
    mass: Option<Mass<R>>,
    layout: Option<Arc<Layout<R>>>,
    /// The spectral bound of this Jacobian, once asked for.
    bound: Option<R>,
    settling: Option<Box<Settling<R>>>,
    columns: Vec<R>,
}

impl<R: Real> Linearisation<R> {
    /// For a state of `n` components, solved as `options` say; its matrices are made when a solve starts.
    pub fn new(n: usize, options: &Options<R>) -> Linearisation<R> {
        let tolerance = options.rtol * R::from_f64(0.01);
        let least = R::from_f64(100.0) * R::EPSILON;
        Linearisation {
            n,
            norm: Norm::new(options, n),
            initial: options.initial,
            wish: options.linear.clone(),
            tolerance: Elementary::max(least, Elementary::min(tolerance, R::from_f64(1e-4))),
            sparsity: None,
            jacobian: Vec::new(),
            time: Vec::new(),
            mass: None,
            layout: None,
            bound: None,
            settling: None,
            columns: Vec::new(),
        }
    }

    /// Takes the structure the field declares; call it at the start of every solve.
    pub fn adopt<F: Jacobian<R>>(&mut self, field: &F) {
        let known = self.layout.is_some() && self.sparsity.as_ref() == field.sparsity();
        // Of the mass matrix the layout knows the places only.
        let placed = self.mass.as_ref().map(Mass::sparsity) == field.mass().map(Mass::sparsity);
        if self.mass.as_ref() != field.mass() {
            self.mass = field.mass().cloned();
            self.settling = None;
        }
        if known && placed {
            return;
        }
        self.sparsity = field.sparsity().cloned();
        let places = self.sparsity.as_ref().map_or(self.n * self.n, Sparsity::len);
        self.jacobian.resize(places, R::zero());
        self.time.resize(self.n, R::zero());
        self.columns.resize(self.n, R::zero());
        let mass = self.mass.as_ref().map(Mass::sparsity);
        self.layout = Some(Arc::new(Layout::new(self.n, self.sparsity.as_ref(), mass, &self.wish)));
        self.settling = None;
    }

    /// Moves `y` to values that obey the algebraic equations at `t`, if the mass matrix is singular and the values are not
    /// to be [taken as they are](Initial::AsGiven); call it after [`adopt`](Self::adopt), before the first evaluation.
    ///
    /// # Errors
    ///
    /// [`SolveError::HighIndex`] where the equations do not determine all algebraic components,
    /// [`SolveError::Inconsistent`] where no values are found, [`SolveError::NotFinite`].
    pub fn settle<F: Jacobian<R>>(
        &mut self,
        field: &mut Evaluator<'_, F, R>,
        t: R,
        y: &mut [R],
    ) -> Result<(), SolveError> {
        let Some(mass) = self.mass.as_ref().filter(|_| self.initial == Initial::Consistent) else { return Ok(()) };
        let mut settling = match self.settling.take() {
            Some(settling) => settling,
            None => Box::new(Settling::new(self.n, self.sparsity.as_ref(), mass)),
        };
        let settled = settling.settle(self, field, t, y);
        self.settling = Some(settling);
        settled
    }

    /// A first step for `M dy/dt = f`, where `f` alone says nothing of how fast `y` moves; `None` for the identity.
    pub(crate) fn first_step<F: Jacobian<R>>(
        &mut self,
        field: &mut Evaluator<'_, F, R>,
        (t, span): (R, R),
        (y, rate): (&[R], &[R]),
        (matrix, slope): (&mut Shifted<R>, &mut [R]),
    ) -> Option<R> {
        self.mass.as_ref()?;
        self.evaluate(field, t, y);
        // One implicit Euler step over a millionth of the interval, and how fast it moves.
        let h = span * R::from_f64(1e-6);
        if matrix.factorize(R::one() / h, self).is_ok() {
            for ((slope, rate), time) in slope.iter_mut().zip(rate).zip(&self.time) {
                *slope = *rate + h * *time;
            }
            matrix.solve(slope);
            let (moves, size) = (self.norm.of(slope, y) / h.abs(), self.norm.of(y, y));
            let step = R::from_f64(0.01) * Elementary::max(size, R::one()) / moves;
            if step.is_finite() {
                return Some(Elementary::min(Elementary::max(step, h.abs()), span.abs()));
            }
        }
        Some(h.abs())
    }

    /// Evaluates both derivatives at `(t, y)`.
    pub fn evaluate<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) {
        field.jacobian(t, y, &mut self.jacobian, &mut self.time);
        self.bound = None;
    }

    /// Evaluates those of the part of a split field that is treated implicitly.
    pub fn evaluate_stiff<F: Jacobian<R>>(&mut self, field: &mut Evaluator<'_, F, R>, t: R, y: &[R]) {
        field.stiff_jacobian(t, y, &mut self.jacobian, &mut self.time);
        self.bound = None;
    }

    /// `∂f/∂t`, `[n]`.
    pub fn time(&self) -> &[R] {
        &self.time
    }

    /// The places of the Jacobian that may differ from zero; `None` if anywhere.
    pub fn sparsity(&self) -> Option<&Sparsity> {
        self.sparsity.as_ref()
    }

    /// The Jacobian at the places of [`sparsity`](Self::sparsity), row by row; without one row-major `[n, n]`.
    pub fn entries(&self) -> &[R] {
        &self.jacobian
    }

    /// The Jacobian, row-major `[n, n]`; allocates.
    pub fn dense(&self) -> Vec<R> {
        let Some(pattern) = &self.sparsity else { return self.jacobian.clone() };
        let mut dense = vec![R::zero(); self.n * self.n];
        pattern.places().zip(&self.jacobian).for_each(|((i, j), entry)| dense[i * self.n + j] = *entry);
        dense
    }

    /// The mass matrix; `None` for the identity.
    pub fn mass(&self) -> Option<&Mass<R>> {
        self.mass.as_ref()
    }

    /// `out = M x`.
    pub fn mass_times(&self, x: &[R], out: &mut [R]) {
        match &self.mass {
            None => out.copy_from_slice(x),
            Some(mass) => mass.apply(x, out),
        }
    }

    /// A component whose derivatives are not finite.
    pub fn not_finite(&self) -> Option<usize> {
        let row = |at: usize| match &self.sparsity {
            None => at / self.n,
            Some(pattern) => pattern.places().nth(at).map_or(0, |place| place.0),
        };
        first_not_finite(&self.jacobian).map(row).or(first_not_finite(&self.time))
    }

    /// An upper bound of the largest eigenvalue of `J`: the least of its 1-, 2- (Frobenius) and ∞-norm.
    pub fn spectral_bound(&mut self) -> R {
        if let Some(bound) = self.bound {
            return bound;
        }
        let (mut rows, mut squares) = (R::zero(), R::zero());
        self.columns.fill(R::zero());
        for i in 0..self.n {
            let mut row = R::zero();
            let mut add = |j: usize, entry: R| {
                row += entry.abs();
                self.columns[j] += entry.abs();
                squares += entry * entry;
            };
            match &self.sparsity {
                None => self.jacobian[i * self.n..][..self.n].iter().enumerate().for_each(|(j, &entry)| add(j, entry)),
                Some(pattern) => {
                    let entries = &self.jacobian[pattern.range(i)];
                    pattern.row(i).iter().zip(entries).for_each(|(&j, &entry)| add(j, entry));
                }
            }
            rows = Elementary::max(rows, row);
        }
        let columns = self.columns.iter().fold(R::zero(), |largest, &column| Elementary::max(largest, column));
        let bound = Elementary::min(Elementary::min(rows, columns), squares.sqrt());
        self.bound = Some(bound);
        bound
    }
}

/// The factors of `σM - J`.
#[derive(Debug, Clone)]
pub struct Shifted<T: Element> {
    layout: Option<Arc<Layout<T::Real>>>,
    factors: Factors<T>,
}

impl<R: Real, T: Element<Real = R>> Default for Shifted<T> {
    /// No factors, no memory yet.
    fn default() -> Shifted<T> {
        Shifted { layout: None, factors: Factors::default() }
    }
}

impl<R: Real, T: Element<Real = R>> Shifted<T> {
    /// Takes the structure of the linearisation; call it after [`Linearisation::adopt`].
    pub fn adopt(&mut self, linearisation: &Linearisation<R>) {
        let Some(layout) = &linearisation.layout else { return };
        if self.layout.as_ref().is_none_or(|known| !Arc::ptr_eq(known, layout)) {
            self.layout = Some(Arc::clone(layout));
            self.factors = Factors::new(layout, &linearisation.wish, linearisation.tolerance);
        }
    }

    /// Factorises `σM - J`, or prepares its iterative solution.
    ///
    /// # Errors
    ///
    /// A singular matrix, or one that is not finite; the factors must then not be used.
    ///
    /// # Panics
    ///
    /// If the structure was not [adopted](Self::adopt).
    pub fn factorize(&mut self, sigma: T, linearisation: &Linearisation<R>) -> Result<(), LinalgError> {
        let layout = self.layout.as_ref().expect("the structure is adopted when a solve starts");
        self.factors.factorize(layout, sigma, linearisation)
    }

    /// Replaces `b` by `(σM - J)⁻¹ b`, or by NaN where an iteration does not get there: a smaller step makes the system
    /// easier. Mutable for its scratch memory.
    pub fn solve(&mut self, b: &mut [T]) {
        self.factors.solve(self.layout.as_deref(), b);
    }
}
