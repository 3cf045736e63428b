//! Initial values that obey the algebraic equations of `M dy/dt = f(t, y)` with singular `M`.
//!
//! Where zero rows of `M` face as many zero columns, the rows are equations `0 = f_i` for the components of the columns, found
//! by Newton's method while the others stay as given. Otherwise one implicit Euler step, so short that it leaves `M y` alone,
//! projects onto the equations. Newton's steps are damped by the natural monotonicity test (Deuflhard 2004, section 3.3).

use vecfield_linalg::{LinalgError, Lu, SparseLu};
use vecfield_traits::{Elementary, Jacobian, Mass, Real, Sparsity};

use super::{Linearisation, Shifted};
use crate::SolveError;
use crate::norm::Norm;
use crate::stepper::{Evaluator, first_not_finite};

/// Newton steps, at most.
const ITERATIONS: u32 = 50;
/// Corrections below this part of the tolerance are not worth making.
const NEGLIGIBLE: f64 = 1e-3;

/// What finding consistent values takes.
#[derive(Debug, Clone)]
pub(super) struct Settling<R: Real> {
    equations: Equations<R>,
    rate: Vec<R>,
    given: Vec<R>,
    trial: Vec<R>,
    change: Vec<R>,
    next: Vec<R>,
}

#[derive(Debug, Clone)]
enum Equations<R: Real> {
    /// The mass matrix is diagonal and regular.
    None,
    Block(Box<Block<R>>),
    /// With room for what has moved.
    Whole(Box<Shifted<R>>, Vec<R>),
}

/// The algebraic equations and components, and the block of the Jacobian where they meet.
#[derive(Debug, Clone)]
struct Block<R> {
    equations: Vec<usize>,
    components: Vec<usize>,
    /// Which entry of the Jacobian each entry of the block is.
    entries: Vec<usize>,
    matrix: Vec<R>,
    factors: BlockFactors<R>,
    right: Vec<R>,
}

#[derive(Debug, Clone)]
enum BlockFactors<R> {
    Dense(Lu<R>),
    Sparse(Sparsity, Result<Box<SparseLu<R>>, LinalgError>),
}

impl<R: Real> Settling<R> {
    pub(super) fn new(n: usize, jacobian: Option<&Sparsity>, mass: &Mass<R>) -> Settling<R> {
        let (mut rows, mut columns) = (vec![true; n], vec![true; n]);
        let mut diagonal = true;
        for ((i, j), entry) in mass.sparsity().places().zip(mass.entries()) {
            if *entry != R::zero() {
                (rows[i], columns[j]) = (false, false);
                diagonal &= i == j;
            }
        }
        let zero = |flags: &[bool]| (0..n).filter(|&i| flags[i]).collect::<Vec<usize>>();
        let (rows, columns) = (zero(&rows), zero(&columns));
        let equations = match (rows.len(), columns.len()) {
            (0, 0) if diagonal => Equations::None,
            (a, b) if a == b && a > 0 => Equations::Block(Box::new(Block::new(n, rows, columns, jacobian))),
            _ => Equations::Whole(Box::default(), vec![R::zero(); n]),
        };
        let vector = || vec![R::zero(); n];
        Settling { equations, rate: vector(), given: vector(), trial: vector(), change: vector(), next: vector() }
    }

    /// Moves `y` to consistent values, if it is not there.
    pub(super) fn settle<F: Jacobian<R>>(
        &mut self,
        at: &mut Linearisation<R>,
        field: &mut Evaluator<'_, F, R>,
        t: R,
        y: &mut [R],
    ) -> Result<(), SolveError> {
        if matches!(self.equations, Equations::None) {
            return Ok(());
        }
        self.given.copy_from_slice(y);
        field.eval(t, y, &mut self.rate);
        for iteration in 0..ITERATIONS {
            if let Some(component) = first_not_finite(&self.rate) {
                return Err(SolveError::undefined(component, t));
            }
            at.evaluate(field, t, y);
            self.equations.factorize(at).map_err(|components| SolveError::HighIndex { components, t: t.to_f64() })?;
            self.equations.correct(at, &self.rate, (y, &self.given), &mut self.change);
            let size = norm(&self.change, (y, y), &at.norm);
            if iteration == 0 && size <= R::from_f64(NEGLIGIBLE) {
                return Ok(());
            }
            let left = self.damped(at, field, t, y)?;
            y.copy_from_slice(&self.trial);
            if left <= R::from_f64(NEGLIGIBLE) {
                y.iter_mut().zip(&self.next).for_each(|(y, change)| *y += *change);
                return Ok(());
            }
        }
        Err(self.inconsistent(at, t, y))
    }

    /// Writes into `trial` the state after the longest step along the correction that makes the next one, `next`, smaller;
    /// returns the size of that.
    fn damped<F: Jacobian<R>>(
        &mut self,
        at: &Linearisation<R>,
        field: &mut Evaluator<'_, F, R>,
        t: R,
        y: &[R],
    ) -> Result<R, SolveError> {
        let mut length = R::one();
        while length > R::from_f64(1e-6) {
            for ((trial, y), change) in self.trial.iter_mut().zip(y).zip(&self.change) {
                *trial = *y + length * *change;
            }
            field.eval(t, &self.trial, &mut self.rate);
            self.equations.correct(at, &self.rate, (&self.trial, &self.given), &mut self.next);
            let [left, size] = [&self.next, &self.change].map(|x| norm(x, (y, &self.trial), &at.norm));
            let gains = left <= (R::one() - length * R::from_f64(0.25)) * size;
            if gains && first_not_finite(&self.rate).is_none() {
                return Ok(left);
            }
            length *= R::from_f64(0.5);
        }
        Err(self.inconsistent(at, t, y))
    }

    fn inconsistent(&self, at: &Linearisation<R>, t: R, y: &[R]) -> SolveError {
        let ratio = |j: usize| (self.change[j] / at.norm.scale(j, y[j], y[j])).abs();
        let component = (0..y.len()).fold(0, |worst, j| if ratio(j) > ratio(worst) { j } else { worst });
        SolveError::Inconsistent { component, t: t.to_f64(), correction: self.change[component].to_f64() }
    }
}

impl<R: Real> Equations<R> {
    /// Factorises at the linearisation's point; the components that the equations do not determine, if there are any.
    fn factorize(&mut self, at: &Linearisation<R>) -> Result<(), Vec<usize>> {
        match self {
            Equations::None => Ok(()),
            Equations::Block(block) => block.factorize(&at.jacobian),
            Equations::Whole(shifted, _) => {
                shifted.adopt(at);
                shifted.factorize(short_step(at), at).map_err(|error| match error {
                    LinalgError::Singular { column } => vec![column],
                    _ => Vec::new(),
                })
            }
        }
    }

    fn correct(&mut self, at: &Linearisation<R>, rate: &[R], (y, given): (&[R], &[R]), change: &mut [R]) {
        match self {
            Equations::None => change.fill(R::zero()),
            Equations::Block(block) => block.correct(rate, change),
            Equations::Whole(shifted, moved) => {
                moved.iter_mut().zip(y.iter().zip(given)).for_each(|(moved, (y, given))| *moved = *y - *given);
                at.mass_times(moved, change);
                let sigma = short_step(at);
                change.iter_mut().zip(rate).for_each(|(change, rate)| *change = *rate - sigma * *change);
                shifted.solve(change);
            }
        }
    }
}

/// `1/h` of a step so short that what obeys a differential equation stays where it is, to half the digits of the number.
fn short_step<R: Real>(at: &Linearisation<R>) -> R {
    let largest = at.jacobian.iter().fold(R::one(), |largest, entry| Elementary::max(largest, entry.abs()));
    largest / R::EPSILON.sqrt()
}

fn norm<R: Real>(change: &[R], (y, trial): (&[R], &[R]), norm: &Norm<R>) -> R {
    norm.measure(y.len(), |j| change[j] / norm.scale(j, y[j], trial[j]))
}

/// Algebraic components up to which their block is factorised as a dense matrix.
const DENSE_BLOCK: usize = 40;

impl<R: Real> Block<R> {
    fn new(n: usize, equations: Vec<usize>, components: Vec<usize>, jacobian: Option<&Sparsity>) -> Block<R> {
        let m = components.len();
        let mut place = vec![usize::MAX; n];
        components.iter().enumerate().for_each(|(k, &j)| place[j] = k);
        let mut rows = vec![Vec::new(); m];
        let mut entries = Vec::new();
        for (row, &i) in rows.iter_mut().zip(&equations) {
            let mut add = |entry: usize, j: usize| {
                if place[j] != usize::MAX {
                    row.push(place[j]);
                    entries.push(entry);
                }
            };
            match jacobian {
                None => (0..n).for_each(|j| add(i * n + j, j)),
                Some(pattern) => pattern.range(i).zip(pattern.row(i)).for_each(|(entry, &j)| add(entry, j)),
            }
        }
        let pattern = Sparsity::from_rows(rows);
        let (matrix, factors) = if m <= DENSE_BLOCK || jacobian.is_none() {
            entries = dense(m, &pattern, &entries);
            (vec![R::zero(); m * m], BlockFactors::Dense(Lu::new(m)))
        } else {
            let plan = SparseLu::new(&pattern).map(Box::new);
            (vec![R::zero(); entries.len()], BlockFactors::Sparse(pattern, plan))
        };
        Block { equations, components, entries, matrix, factors, right: vec![R::zero(); m] }
    }

    /// Factorises; the components that the block does not determine, if there are any.
    fn factorize(&mut self, jacobian: &[R]) -> Result<(), Vec<usize>> {
        let entry = |&entry: &usize| jacobian.get(entry).copied().unwrap_or_else(R::zero);
        self.matrix.iter_mut().zip(&self.entries).for_each(|(to, from)| *to = entry(from));
        let factorised = match &mut self.factors {
            BlockFactors::Dense(lu) => lu.factorize(&self.matrix),
            BlockFactors::Sparse(_, Ok(lu)) => lu.factorize(&self.matrix),
            BlockFactors::Sparse(_, Err(error)) => Err(error.clone()),
        };
        match factorised {
            Ok(()) => self.regular(),
            Err(LinalgError::Singular { column }) => Err(self.undetermined(column)),
            Err(_) => Err(Vec::new()),
        }
    }

    /// A pivot may be small instead of zero by rounding alone: the condition tells.
    fn regular(&mut self) -> Result<(), Vec<usize>> {
        let m = self.right.len();
        for (k, right) in self.right.iter_mut().enumerate() {
            *right = if k.is_multiple_of(2) { R::one() } else { -R::one() };
        }
        self.solve();
        let largest = |x: &[R]| x.iter().fold(R::zero(), |largest, x| Elementary::max(largest, x.abs()));
        let condition = largest(&self.matrix) * largest(&self.right);
        if condition * R::from_f64(10.0 * m as f64) * R::EPSILON < R::one() {
            return Ok(());
        }
        let worst = (0..m).fold(0, |worst, k| if self.right[k].abs() > self.right[worst].abs() { k } else { worst });
        Err(self.undetermined(worst))
    }

    /// The components no equation sees, or the one whose column depends on others.
    fn undetermined(&self, column: usize) -> Vec<usize> {
        let mut seen = vec![false; self.components.len()];
        match &self.factors {
            BlockFactors::Dense(_) => {
                let m = seen.len();
                self.matrix.iter().enumerate().for_each(|(at, entry)| seen[at % m] |= *entry != R::zero());
            }
            BlockFactors::Sparse(pattern, _) => {
                pattern.places().zip(&self.matrix).for_each(|((_, j), entry)| seen[j] |= *entry != R::zero());
            }
        }
        let unseen: Vec<usize> = (0..seen.len()).filter(|&k| !seen[k]).map(|k| self.components[k]).collect();
        if unseen.is_empty() { vec![self.components[column]] } else { unseen }
    }

    fn solve(&mut self) {
        match &mut self.factors {
            BlockFactors::Dense(lu) => lu.solve(&mut self.right),
            BlockFactors::Sparse(_, Ok(lu)) => lu.solve(&mut self.right),
            BlockFactors::Sparse(_, Err(_)) => {}
        }
    }

    fn correct(&mut self, rate: &[R], change: &mut [R]) {
        self.right.iter_mut().zip(&self.equations).for_each(|(right, &i)| *right = -rate[i]);
        self.solve();
        change.fill(R::zero());
        self.components.iter().zip(&self.right).for_each(|(&j, right)| change[j] = *right);
    }
}

/// The entry behind each place of a dense block; one that does not exist where the block is zero.
fn dense(m: usize, pattern: &Sparsity, entries: &[usize]) -> Vec<usize> {
    let mut all = vec![usize::MAX; m * m];
    pattern.places().zip(entries).for_each(|((i, j), &entry)| all[i * m + j] = entry);
    all
}
