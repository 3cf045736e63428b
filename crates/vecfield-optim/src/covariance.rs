//! Standard errors: `Cov x = σ² (JᵀJ)⁻¹`, by a singular value decomposition of `J` with its columns scaled to unit length, so that the
//! verdict on rank does not depend on units.

use crate::{LeastSquares, Loss, OptimError};
use vecfield_linalg::{Qr, norm, svd, symmetric_eigen};

/// A combination of parameters that the data say nothing about.
#[derive(Debug, Clone, PartialEq)]
pub struct Unidentifiable {
    /// `x + ε direction` fits as well as `x`; in the parameters' own units, the largest part of each relative to its sensitivity 1.
    pub direction: Vec<f64>,
    /// The parameters that take part.
    pub parameters: Vec<usize>,
    /// How little the residuals change along it, relative to the best determined direction.
    pub sensitivity: f64,
}

/// The covariance of an estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    /// `Cov x`, `[n, n]`; over the identifiable directions only.
    pub matrix: Vec<f64>,
    /// Standard errors `[n]`; infinite for parameters in an unidentifiable direction, zero for those that are held.
    pub stderr: Vec<f64>,
    /// The residual variance `σ²`.
    pub variance: f64,
    /// Directions that the data leave open.
    pub unidentifiable: Vec<Unidentifiable>,
}

/// Relative singular values below this count as zero: a direction known 10⁸ times worse than the best one (in scaled parameters)
/// is the rounding and truncation of the model, not information.
const RANK_TOLERANCE: f64 = 1e-8;

impl Covariance {
    /// The covariance at the estimate `x` of `problem`, for the parameters with `free[i]`
    /// ([`LevenbergMarquardt::free`](crate::LevenbergMarquardt::free)).
    ///
    /// With a robust loss `σ²` is that of an M-estimator, `Σ ψ²/(m - p) / (mean ψ')²` (Huber 1981, section 7.6), `ψ = ρ'(r²) r`.
    ///
    /// # Errors
    ///
    /// [`OptimError::InfeasibleStart`] where `x` has no value, [`OptimError::TooFewResiduals`],
    /// [`OptimError::JacobianNotFinite`].
    ///
    /// # Panics
    ///
    /// If `x` or `free` does not have an entry per parameter.
    pub fn at<P: LeastSquares>(problem: &mut P, x: &[f64], free: &[bool], loss: Loss) -> Result<Self, OptimError> {
        let (n, m) = (problem.parameter_count(), problem.residual_count());
        assert_eq!([x.len(), free.len()], [n, n], "one entry per parameter");
        let (mut r, mut jacobian) = (vec![0.0; m], vec![0.0; m * n]);
        problem.jacobian(x, &mut r, &mut jacobian).map_err(|_| OptimError::InfeasibleStart)?;
        let kept: Vec<usize> = (0..n).filter(|&j| free[j]).collect();
        let reduced: Vec<f64> = jacobian.chunks(n.max(1)).flat_map(|row| kept.iter().map(|&j| row[j])).collect();
        if let Some(at) = reduced.iter().position(|entry| !entry.is_finite()) {
            return Err(OptimError::JacobianNotFinite { row: at / kept.len(), column: kept[at % kept.len()] });
        }
        let lengths = column_lengths(&reduced, m, kept.len());
        let scaled: Vec<f64> = reduced.iter().enumerate().map(|(at, j)| j / lengths[at % kept.len()]).collect();
        let (values, vectors) = right_singular(&scaled, m, kept.len());
        let rank = rank(&values);
        if m <= rank {
            return Err(OptimError::TooFewResiduals { residuals: m, parameters: rank });
        }
        let (mut psi, mut slope) = (0.0, 0.0);
        for &r in &r {
            let (weight, curvature) = loss.weights(r);
            psi += (weight * r).powi(2);
            slope += curvature / m as f64;
        }
        let variance = psi / (m - rank) as f64 / (slope * slope);
        Ok(assemble(n, &kept, &lengths, &values, &vectors, variance))
    }

    /// The covariance `variance · normal⁻¹` of a problem that has formed `normal = JᵀJ` (`[n, n]`) itself. Squaring halves the digits:
    /// directions less sensitive than about 10⁻⁷ are lost.
    ///
    /// # Errors
    ///
    /// [`OptimError::JacobianNotFinite`].
    ///
    /// # Panics
    ///
    /// If `normal` does not have `n²` entries.
    pub fn from_normal(normal: &[f64], n: usize, variance: f64) -> Result<Self, OptimError> {
        assert_eq!(normal.len(), n * n, "the normal matrix is n × n");
        let lengths: Vec<f64> = (0..n).map(|i| positive(normal[i * n + i].sqrt())).collect();
        let scaled: Vec<f64> = (0..n * n).map(|at| normal[at] / (lengths[at / n] * lengths[at % n])).collect();
        let not_finite = |at: usize| OptimError::JacobianNotFinite { row: at / n, column: at % n };
        if let Some(at) = scaled.iter().position(|entry| !entry.is_finite()) {
            return Err(not_finite(at));
        }
        let eigen = symmetric_eigen(&scaled, n).map_err(|_| not_finite(0))?;
        let values: Vec<f64> = eigen.values.iter().rev().map(|&value| value.max(0.0).sqrt()).collect();
        let vectors: Vec<f64> = (0..n).rev().flat_map(|k| eigen.vector(k).to_vec()).collect();
        let kept: Vec<usize> = (0..n).collect();
        Ok(assemble(n, &kept, &lengths, &values, &vectors, variance))
    }

    /// The correlation of two estimates.
    pub fn correlation(&self, i: usize, j: usize) -> f64 {
        let n = self.stderr.len();
        self.matrix[i * n + j] / (self.matrix[i * n + i] * self.matrix[j * n + j]).sqrt()
    }
}

fn positive(length: f64) -> f64 {
    if length == 0.0 { 1.0 } else { length }
}

fn column_lengths(a: &[f64], m: usize, n: usize) -> Vec<f64> {
    (0..n).map(|j| positive(norm(&(0..m).map(|i| a[i * n + j]).collect::<Vec<_>>()))).collect()
}

/// Singular values (decreasing, padded with zeros to `n`) and right singular vectors (rows) of `a [m, n]`, through its triangle.
fn right_singular(a: &[f64], m: usize, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut qr = Qr::new(m, n);
    qr.factorize(a).expect("the entries were checked to be finite");
    let triangle: Vec<f64> = (0..n * n).map(|at| if at / n < m { qr.upper(at / n, at % n) } else { 0.0 }).collect();
    let decomposition = svd(&triangle, n, n).expect("unit columns neither overflow nor underflow");
    (decomposition.sigma, decomposition.v_transposed)
}

fn rank(values: &[f64]) -> usize {
    values.iter().filter(|&&value| value > RANK_TOLERANCE * values[0]).count()
}

fn assemble(n: usize, kept: &[usize], lengths: &[f64], values: &[f64], vectors: &[f64], variance: f64) -> Covariance {
    let (k, rank) = (kept.len(), rank(values));
    let mut covariance =
        Covariance { matrix: vec![0.0; n * n], stderr: vec![0.0; n], variance, unidentifiable: Vec::new() };
    for (a, &i) in kept.iter().enumerate() {
        for (b, &j) in kept.iter().enumerate() {
            let sum: f64 = (0..rank).map(|l| vectors[l * k + a] * vectors[l * k + b] / (values[l] * values[l])).sum();
            covariance.matrix[i * n + j] = variance * sum / (lengths[a] * lengths[b]);
        }
        covariance.stderr[i] = covariance.matrix[i * n + i].sqrt();
    }
    for l in rank..k {
        let vector = &vectors[l * k..(l + 1) * k];
        let mut direction = vec![0.0; n];
        let mut parameters = Vec::new();
        for (a, &i) in kept.iter().enumerate() {
            direction[i] = vector[a] / lengths[a];
            // Beyond the square root of the tolerance a part is not rounding.
            if vector[a].abs() > RANK_TOLERANCE.sqrt() {
                parameters.push(i);
                covariance.stderr[i] = f64::INFINITY;
            }
        }
        covariance.unidentifiable.push(Unidentifiable {
            direction,
            parameters,
            sensitivity: values[l] / positive(values[0]),
        });
    }
    covariance
}
