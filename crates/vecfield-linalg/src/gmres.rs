//! GMRES with restarts (Saad–Schultz 1986): `min ‖b - A x‖` over the Krylov space of `A`, which is only ever multiplied with.

use crate::{Element, LinalgError};
use vecfield_traits::{Elementary, Real, Scalar};

/// An approximate inverse: the better it is, the fewer iterations [`Gmres`] needs.
pub trait Preconditioner<T> {
    /// Replaces `x` by about `A⁻¹ x`; linear in `x`.
    fn apply(&mut self, x: &mut [T]);
}

/// No preconditioner.
impl<T> Preconditioner<T> for () {
    fn apply(&mut self, _x: &mut [T]) {}
}

impl<T, P: Preconditioner<T> + ?Sized> Preconditioner<T> for &mut P {
    fn apply(&mut self, x: &mut [T]) {
        (**self).apply(x);
    }
}

/// On which side the preconditioner `P ≈ A⁻¹` stands, and so which residual is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// `P A x = P b`: the residual is `P (b - A x)`, about the error itself.
    Left,
    /// `A P u = b`, `x = P u`: the residual is the true one.
    #[default]
    Right,
}

/// The memory of GMRES for systems of `n` unknowns, restarted after a number of directions.
///
/// ```
/// use vecfield_linalg::{Gmres, Side};
///
/// // [2 1; 0 4] x = (4, 8), given by its product alone.
/// let product = |x: &[f64], y: &mut [f64]| (y[0], y[1]) = (2.0 * x[0] + x[1], 4.0 * x[1]);
/// let mut x = [0.0; 2];
/// let products = Gmres::new(2, 10).solve(product, (&mut (), Side::Right), &[4.0, 8.0], &mut x, 1e-12, 100)?;
/// assert!(products <= 4 && (x[0] - 1.0).abs() < 1e-12 && (x[1] - 2.0).abs() < 1e-12);
/// # Ok::<(), vecfield_linalg::LinalgError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Gmres<T: Element> {
    n: usize,
    restart: usize,
    /// `[restart + 1, n]`, orthonormal.
    basis: Vec<T>,
    /// Column `k` of the Hessenberg matrix, turned upper triangular, at `k·(restart + 1)`.
    hessenberg: Vec<T>,
    cosines: Vec<T::Real>,
    sines: Vec<T>,
    right: Vec<T>,
    scratch: Vec<T>,
}

impl<T: Element> Gmres<T> {
    /// Memory for `restart + 2` vectors of `n` entries.
    pub fn new(n: usize, restart: usize) -> Self {
        let restart = restart.clamp(1, n.max(1));
        Gmres {
            n,
            restart,
            basis: vec![T::nought(); (restart + 1) * n],
            hessenberg: vec![T::nought(); (restart + 1) * restart],
            cosines: vec![T::Real::zero(); restart],
            sines: vec![T::nought(); restart],
            right: vec![T::nought(); restart + 1],
            scratch: vec![T::nought(); n],
        }
    }

    /// Number of unknowns.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Improves `x` until the residual is at most `tolerance` in the Euclidean norm, and returns the number of products with
    /// `A`. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`LinalgError::NoSolution`] when `limit` products were not enough or the residual stays as it is; `x` is then the best
    /// found.
    ///
    /// # Panics
    ///
    /// If `b` or `x` does not have `n` entries.
    pub fn solve(
        &mut self,
        mut product: impl FnMut(&[T], &mut [T]),
        (preconditioner, side): (&mut dyn Preconditioner<T>, Side),
        b: &[T],
        x: &mut [T],
        tolerance: T::Real,
        limit: usize,
    ) -> Result<usize, LinalgError> {
        assert_eq!([b.len(), x.len()], [self.n, self.n], "one entry per unknown");
        let (mut products, mut before) = (0, T::Real::INFINITY);
        loop {
            let residual = self.residual(&mut product, (preconditioner, side), b, x);
            products += 1;
            if residual <= tolerance {
                return Ok(products);
            }
            // A restart that gains nothing will gain nothing again; NaN lands here too.
            let gaining = residual < before * T::Real::from_f64(0.999);
            if products >= limit || !gaining {
                return Err(LinalgError::NoSolution { products, residual: residual.to_f64() });
            }
            before = residual;
            let mut k = 0;
            while k < self.restart && products < limit {
                let left = self.extend(k, &mut product, (preconditioner, side));
                (k, products) = (k + 1, products + 1);
                if left <= tolerance {
                    break;
                }
            }
            self.correct(k, (preconditioner, side), x);
        }
    }

    /// Writes the unit residual into the first basis vector and returns its size.
    fn residual(
        &mut self,
        product: &mut impl FnMut(&[T], &mut [T]),
        (preconditioner, side): (&mut dyn Preconditioner<T>, Side),
        b: &[T],
        x: &[T],
    ) -> T::Real {
        let first = &mut self.basis[..self.n];
        product(x, first);
        for (r, &b) in first.iter_mut().zip(b) {
            *r = b - *r;
        }
        if side == Side::Left {
            preconditioner.apply(first);
        }
        let size = length(first);
        normalize(first, size);
        self.right.fill(T::nought());
        self.right[0] = T::lift(size);
        size
    }

    /// Arnoldi's step `k` (modified Gram–Schmidt, twice where much cancels); returns the size of the residual it leaves.
    fn extend(
        &mut self,
        k: usize,
        product: &mut impl FnMut(&[T], &mut [T]),
        (preconditioner, side): (&mut dyn Preconditioner<T>, Side),
    ) -> T::Real {
        let n = self.n;
        let (known, new) = self.basis.split_at_mut((k + 1) * n);
        let new = &mut new[..n];
        self.scratch.copy_from_slice(&known[k * n..]);
        if side == Side::Right {
            preconditioner.apply(&mut self.scratch);
        }
        product(&self.scratch, new);
        if side == Side::Left {
            preconditioner.apply(new);
        }
        let column = &mut self.hessenberg[k * (self.restart + 1)..][..k + 2];
        column.fill(T::nought());
        let whole = length(new);
        for _ in 0..2 {
            for (direction, entry) in known.chunks_exact(n).zip(&mut *column) {
                let along = inner(direction, new);
                *entry += along;
                for (x, &v) in new.iter_mut().zip(direction) {
                    *x -= along * v;
                }
            }
            if length(new) > whole * T::Real::from_f64(0.1) {
                break;
            }
        }
        let size = length(new);
        normalize(new, size);
        column[k + 1] = T::lift(size);
        for (i, (&c, &s)) in self.cosines.iter().zip(&self.sines).enumerate().take(k) {
            rotate(column, i, c, s);
        }
        let (c, s) = rotation(column[k], size);
        (self.cosines[k], self.sines[k]) = (c, s);
        rotate(column, k, c, s);
        rotate(&mut self.right, k, c, s);
        self.right[k + 1].size()
    }

    /// `x +=` the combination of the first `k` directions that leaves the least residual.
    fn correct(&mut self, k: usize, (preconditioner, side): (&mut dyn Preconditioner<T>, Side), x: &mut [T]) {
        let (n, rows) = (self.n, self.restart + 1);
        for i in (0..k).rev() {
            let mut sum = self.right[i];
            for j in i + 1..k {
                sum -= self.hessenberg[j * rows + i] * self.right[j];
            }
            let diagonal = self.hessenberg[i * rows + i];
            // A breakdown of a singular matrix: nothing to gain along this direction.
            self.right[i] = if diagonal == T::nought() { T::nought() } else { sum / diagonal };
        }
        self.scratch.fill(T::nought());
        for (direction, &weight) in self.basis.chunks_exact(n).zip(&self.right[..k]) {
            for (sum, &v) in self.scratch.iter_mut().zip(direction) {
                *sum += weight * v;
            }
        }
        if side == Side::Right {
            preconditioner.apply(&mut self.scratch);
        }
        for (x, &change) in x.iter_mut().zip(&self.scratch) {
            *x += change;
        }
    }
}

/// `c` and `s` with `c a + s̄ b = r` and `-s a + c b = 0`.
fn rotation<T: Element>(a: T, b: T::Real) -> (T::Real, T) {
    let size = (a * a.conjugate()).size().sqrt();
    if size == T::Real::zero() {
        return (T::Real::zero(), T::unit());
    }
    let radius = (size * size + b * b).sqrt();
    // s = c b / a, written without the division by a small complex number.
    (size / radius, a.conjugate() * T::lift(b / (size * radius)))
}

/// Applies a rotation to the entries `i` and `i + 1`.
fn rotate<T: Element>(column: &mut [T], i: usize, c: T::Real, s: T) {
    let (a, b) = (column[i], column[i + 1]);
    column[i] = T::lift(c) * a + s.conjugate() * b;
    column[i + 1] = T::lift(c) * b - s * a;
}

fn inner<T: Element>(a: &[T], b: &[T]) -> T {
    a.iter().zip(b).fold(T::nought(), |sum, (a, &b)| sum + a.conjugate() * b)
}

fn length<T: Element>(x: &[T]) -> T::Real {
    inner(x, x).size().sqrt()
}

fn normalize<T: Element>(x: &mut [T], size: T::Real) {
    if size > T::Real::zero() {
        let factor = T::lift(T::Real::one() / size);
        x.iter_mut().for_each(|x| *x = *x * factor);
    }
}
