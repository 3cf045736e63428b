//! `A = U Σ Vᵀ` by one-sided Jacobi rotations (Hestenes 1958; Demmel–Veselić 1992): slow beyond a few hundred columns, but
//! small singular values come out to high relative accuracy.

use crate::LinalgError;
use crate::error::all_finite;
use crate::product::{axpy, dot, norm};
use vecfield_traits::Real;

/// A thin singular value decomposition of an `m × n` matrix, with `k = min(m, n)` singular values.
#[derive(Debug, Clone, PartialEq)]
pub struct Svd<R> {
    /// Left singular vector `i` is row `i` (`[k, m]`), that is `Uᵀ`; orthonormal.
    pub u_transposed: Vec<R>,
    /// Singular values, decreasing; those below `k ε ‖A‖_F` are rounding and given as zero.
    pub sigma: Vec<R>,
    /// Right singular vector `i` is row `i` (`[k, n]`), that is `Vᵀ`; orthonormal.
    pub v_transposed: Vec<R>,
}

impl<R: Real> Svd<R> {
    /// The number of singular values above `tolerance` times the largest.
    pub fn rank(&self, tolerance: R) -> usize {
        let largest = self.sigma.first().copied().unwrap_or(R::zero());
        self.sigma.iter().filter(|&&s| s > tolerance * largest).count()
    }

    /// `σ_max / σ_min`; infinite for a singular matrix.
    pub fn condition(&self) -> R {
        match (self.sigma.first(), self.sigma.last()) {
            (Some(&largest), Some(&smallest)) if smallest > R::zero() => largest / smallest,
            (None, None) => R::one(),
            _ => R::INFINITY,
        }
    }
}

const SWEEPS: usize = 60; // convergence is quadratic: ten sweeps are already rare

/// The singular value decomposition of `a` (`[m, n]`, row-major).
///
/// # Errors
///
/// [`LinalgError::NotFinite`] with the first entry that is not finite; [`LinalgError::NoConvergence`] when squares of entries
/// overflow.
///
/// # Panics
///
/// If `a` does not have `m n` entries.
pub fn svd<R: Real>(a: &[R], m: usize, n: usize) -> Result<Svd<R>, LinalgError> {
    assert_eq!(a.len(), m * n, "the matrix must be m × n");
    all_finite(a, n)?;
    // Rotations act on the shorter side's vectors, each stored as a row of `long`.
    let (k, length) = (m.min(n), m.max(n));
    let mut long: Vec<R> =
        if m >= n { (0..k * length).map(|at| a[(at % length) * n + at / length]).collect() } else { a.to_vec() };
    let mut short = vec![R::zero(); k * k];
    for i in 0..k {
        short[i * k + i] = R::one();
    }
    // Below this a row is the rounding of the others, and has no direction of its own.
    let floor = R::EPSILON * R::from_f64(k as f64) * norm(&long);
    for sweep in 0.. {
        if sweep == SWEEPS {
            return Err(LinalgError::NoConvergence { sweeps: SWEEPS });
        }
        let mut rotated = false;
        for p in 0..k {
            for q in p + 1..k {
                rotated |= orthogonalise(&mut long, length, &mut short, [k, p, q], floor);
            }
        }
        if !rotated {
            break;
        }
    }
    let lengths: Vec<R> =
        long.chunks(length.max(1)).take(k).map(norm).map(|s| if s > floor { s } else { R::zero() }).collect();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&i, &j| lengths[j].partial_cmp(&lengths[i]).unwrap_or(core::cmp::Ordering::Equal));
    let sigma: Vec<R> = order.iter().map(|&i| lengths[i]).collect();
    let short: Vec<R> = order.iter().flat_map(|&i| short[i * k..(i + 1) * k].iter().copied()).collect();
    let mut unit: Vec<R> = Vec::with_capacity(k * length);
    for &i in &order {
        let row = &long[i * length..(i + 1) * length];
        if lengths[i] > R::zero() {
            unit.extend(row.iter().map(|&x| x / lengths[i]));
        } else {
            let next = orthogonal_to(&unit, length);
            unit.extend(next);
        }
    }
    let (u_transposed, v_transposed) = if m >= n { (unit, short) } else { (short, unit) };
    Ok(Svd { u_transposed, sigma, v_transposed })
}

/// Rotates rows `p` and `q` of `long` until they are orthogonal; false when they already are.
fn orthogonalise<R: Real>(long: &mut [R], length: usize, short: &mut [R], [k, p, q]: [usize; 3], floor: R) -> bool {
    let (head, tail) = long.split_at_mut(q * length);
    let (x, y) = (&mut head[p * length..(p + 1) * length], &mut tail[..length]);
    let (xx, yy, xy) = (dot(x, x), dot(y, y), dot(x, y));
    let negligible = R::EPSILON * R::from_f64(length as f64).sqrt() * (xx.sqrt() * yy.sqrt());
    if xx.sqrt() <= floor || yy.sqrt() <= floor || xy.abs() <= negligible || xy.abs() <= R::MIN_POSITIVE {
        return false;
    }
    let zeta = (yy - xx) / (xy + xy);
    let t = R::one() / (zeta.abs() + (zeta * zeta + R::one()).sqrt());
    let t = if zeta < R::zero() { -t } else { t };
    let c = R::one() / (t * t + R::one()).sqrt();
    let s = t * c;
    rotate(x, y, c, s);
    let (head, tail) = short.split_at_mut(q * k);
    rotate(&mut head[p * k..(p + 1) * k], &mut tail[..k], c, s);
    true
}

fn rotate<R: Real>(x: &mut [R], y: &mut [R], c: R, s: R) {
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}

/// A unit vector orthogonal to the orthonormal rows of `unit`, of which there are fewer than `length`.
fn orthogonal_to<R: Real>(unit: &[R], length: usize) -> Vec<R> {
    let mut best = (R::zero(), Vec::new());
    for axis in 0..length {
        let mut candidate = vec![R::zero(); length];
        candidate[axis] = R::one();
        for _ in 0..2 {
            // Twice is enough (Kahan; Parlett, The Symmetric Eigenvalue Problem, 6.9).
            for row in unit.chunks_exact(length) {
                let overlap = dot(row, &candidate);
                axpy(-overlap, row, &mut candidate);
            }
        }
        let left = norm(&candidate);
        if left > best.0 {
            best = (left, candidate);
        }
        if best.0 * best.0 >= R::from_f64(0.5 / length as f64) {
            break; // some axis always leaves at least 1/length of its square
        }
    }
    best.1.iter().map(|&x| x / best.0).collect()
}
