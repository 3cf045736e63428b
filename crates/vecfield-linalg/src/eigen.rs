//! `A = V Λ Vᵀ` by cyclic Jacobi rotations (Golub–Van Loan, 4th ed., section 8.5).

use crate::LinalgError;
use crate::error::all_finite;
use crate::product::norm;
use vecfield_traits::Real;

/// Eigenvalues and eigenvectors of a symmetric matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct SymmetricEigen<R> {
    /// Eigenvalues, increasing.
    pub values: Vec<R>,
    /// Eigenvector `k` is row `k` (`[n, n]`); orthonormal, the largest component positive.
    pub vectors: Vec<R>,
}

impl<R: Real> SymmetricEigen<R> {
    /// The unit eigenvector of `values[k]`.
    pub fn vector(&self, k: usize) -> &[R] {
        let n = self.values.len();
        &self.vectors[k * n..(k + 1) * n]
    }
}

const RELATIVE_SWEEPS: usize = 15;
const SWEEPS: usize = 60; // convergence is quadratic: ten sweeps are already rare

/// Eigenvalues and eigenvectors of the symmetric `a` (`[n, n]`, row-major; the lower triangle is read).
///
/// # Errors
///
/// [`LinalgError::NotFinite`] with the first entry that is not finite; [`LinalgError::NoConvergence`] when squares of entries
/// overflow.
///
/// # Panics
///
/// If `a` does not have `n²` entries.
pub fn symmetric_eigen<R: Real>(a: &[R], n: usize) -> Result<SymmetricEigen<R>, LinalgError> {
    assert_eq!(a.len(), n * n, "the matrix must be n × n");
    all_finite(a, n)?;
    let mut a: Vec<R> = (0..n * n).map(|at| a[(at / n).max(at % n) * n + (at / n).min(at % n)]).collect();
    let mut v = vec![R::zero(); n * n];
    for i in 0..n {
        v[i * n + i] = R::one();
    }
    let rounding = R::EPSILON * norm(&a);
    for sweep in 0.. {
        if sweep == SWEEPS {
            return Err(LinalgError::NoConvergence { sweeps: SWEEPS });
        }
        // First to high relative accuracy; null spaces of indefinite matrices, where that has no meaning, then stop here.
        let negligible = if sweep < RELATIVE_SWEEPS { R::MIN_POSITIVE } else { rounding };
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                rotated |= annihilate(&mut a, &mut v, [n, p, q], negligible);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[i * n + i].partial_cmp(&a[j * n + j]).unwrap_or(core::cmp::Ordering::Equal));
    let values = order.iter().map(|&i| a[i * n + i]).collect();
    let vectors = order.iter().flat_map(|&k| oriented(&v[k * n..(k + 1) * n])).collect();
    Ok(SymmetricEigen { values, vectors })
}

/// Rotates rows and columns `p`, `q` so that `a[p, q] = 0`; false when it is already negligible.
fn annihilate<R: Real>(a: &mut [R], v: &mut [R], [n, p, q]: [usize; 3], negligible: R) -> bool {
    let (a_pp, a_qq, a_pq) = (a[p * n + p], a[q * n + q], a[p * n + q]);
    if a_pq.abs() <= negligible || a_pq.abs() <= R::EPSILON * R::from_f64(0.5) * (a_pp.abs() * a_qq.abs()).sqrt() {
        return false;
    }
    let two = R::from_f64(2.0);
    let theta = (a_qq - a_pp) / (two * a_pq);
    // The smaller root of t² + 2 θ t - 1 = 0: the rotation by less than π/4.
    let t = R::one() / (theta.abs() + (theta * theta + R::one()).sqrt());
    let t = if theta < R::zero() { -t } else { t };
    let c = R::one() / (t * t + R::one()).sqrt();
    let s = t * c;
    for k in 0..n {
        let (x, y) = (a[k * n + p], a[k * n + q]);
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for k in 0..n {
        let (x, y) = (a[p * n + k], a[q * n + k]);
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
        let (x, y) = (v[p * n + k], v[q * n + k]);
        v[p * n + k] = c * x - s * y;
        v[q * n + k] = s * x + c * y;
    }
    a[p * n + q] = R::zero();
    a[q * n + p] = R::zero();
    true
}

fn oriented<R: Real>(vector: &[R]) -> impl Iterator<Item = R> + '_ {
    let largest = vector.iter().fold(R::zero(), |best, &x| if x.abs() > best.abs() { x } else { best });
    let sign = if largest < R::zero() { -R::one() } else { R::one() };
    vector.iter().map(move |&x| sign * x)
}
