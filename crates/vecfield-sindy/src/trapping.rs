//! Bounded quadratic dynamics (Kaptanoglu, Callaham, Aravkin, Hansen and Brunton 2021).
//!
//! Where the quadratic terms keep the energy, all trajectories end in a ball if there is a point `m` about which the linear part loses it:
//! `Aˢ(m) = sym(L + 2 Q·m)` is negative definite (Schlegel and Noack 2015, theorem 1). Then `K̇ ≤ λ₁ |y|² + |d| |y|` for `y = x - m`, with
//! `λ₁ < 0` the largest eigenvalue of `Aˢ(m)` and `d = c + L m + Q(m, m)`: the ball has the radius `|d| / |λ₁|`.
//!
//! The fit under the energy's relations is taken as it is where such a point exists. Otherwise `‖Aˢ(θ, m) - P‖²/η` is added, alternating in
//! `θ`, `m` and the negative definite `P`, with ever larger weight, until one does.

use crate::constraint::Relations;
use crate::model::Trapping;
use crate::sparse::Constrained;
use crate::{Library, SindyError};
use vecfield_linalg::{axpy, dot, least_squares, norm, symmetric_eigen};

/// Rounds of alternating projections towards a point.
const ROUNDS: usize = 400;
/// Margins that are tried for the largest eigenvalue, in shares of the largest entry of the linear part.
const MARGINS: [f64; 8] = [1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4];
/// Weights of the penalty, in units of the mean diagonal of the normal equations.
const WEIGHTS: [f64; 7] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2];
const ALTERNATIONS: usize = 60;

/// Coefficients `[d, p]` of a bounded system, thresholded, and the ball.
pub(crate) fn trap(
    problem: &Constrained<'_>,
    library: &Library,
    threshold: f64,
) -> Result<(Vec<f64>, Trapping), SindyError> {
    let quadratic = Quadratic::new(library, problem.h.len() / library.variables().len())?;
    let theta = problem.stlsq(threshold, 0.0).ok_or(SindyError::SingularSupport { feature: 0 })?;
    if let Some(found) = quadratic.ball(&theta) {
        return Ok((theta, found));
    }
    let support: Vec<bool> = theta.iter().map(|c| *c != 0.0).collect();
    let mean = problem.m.iter().step_by(problem.h.len() + 1).sum::<f64>() / problem.h.len() as f64;
    let mut theta = theta;
    for weight in WEIGHTS {
        theta = quadratic.penalised(problem, &support, theta, weight * mean)?;
        if let Some(found) = quadratic.ball(&theta) {
            return Ok((theta, found));
        }
    }
    Err(SindyError::NotTrapped)
}

/// The places of constant, linear and quadratic terms among the coefficients.
struct Quadratic {
    d: usize,
    p: usize,
    constant: Option<usize>,
    linear: Vec<Option<usize>>,
    /// `[d, d]`, symmetric.
    square: Vec<Option<usize>>,
}

impl Quadratic {
    fn new(library: &Library, p: usize) -> Result<Self, SindyError> {
        let d = library.variables().len();
        let place = |factors: &[usize]| library.monomial(factors).filter(|k| *k < p);
        let constant = place(&[]);
        let linear: Vec<Option<usize>> = (0..d).map(|i| place(&[i])).collect();
        let square: Vec<Option<usize>> = (0..d * d).map(|at| place(&[at / d, at % d])).collect();
        let known: Vec<usize> =
            constant.iter().chain(linear.iter().flatten()).chain(square.iter().flatten()).copied().collect();
        match (0..p).find(|k| !known.contains(k)) {
            Some(other) => Err(SindyError::NotQuadratic { term: library.features()[other].key().to_string() }),
            None => Ok(Self { d, p, constant, linear, square }),
        }
    }

    /// `Aˢ(m)` is linear in the coefficients: for each of its entries, the coefficients it is made of.
    fn entries(&self, m: &[f64]) -> Vec<Vec<(usize, f64)>> {
        let (d, p) = (self.d, self.p);
        let mut entries = vec![Vec::new(); d * d];
        for i in 0..d {
            for j in 0..d {
                // ∂fᵢ/∂xⱼ at m, half to (i, j) and half to (j, i).
                let mut parts: Vec<(usize, f64)> = self.linear[j].map(|k| (i * p + k, 1.0)).into_iter().collect();
                for l in 0..d {
                    if let Some(k) = self.square[j * d + l] {
                        parts.push((i * p + k, if l == j { 2.0 * m[l] } else { m[l] }));
                    }
                }
                for (k, weight) in parts {
                    entries[i * d + j].push((k, 0.5 * weight));
                    entries[j * d + i].push((k, 0.5 * weight));
                }
            }
        }
        entries
    }

    fn symmetric(&self, theta: &[f64], m: &[f64]) -> Vec<f64> {
        self.entries(m).iter().map(|parts| parts.iter().map(|&(k, weight)| weight * theta[k]).sum()).collect()
    }

    /// The nearest symmetric matrix with eigenvalues of at most `-margin`, and the largest eigenvalue of the matrix itself.
    fn clipped(&self, matrix: &[f64], margin: f64) -> Option<(Vec<f64>, f64)> {
        let d = self.d;
        let eigen = symmetric_eigen(matrix, d).ok()?;
        let mut clipped = vec![0.0; d * d];
        let mut largest = f64::NEG_INFINITY;
        for (k, &value) in eigen.values.iter().enumerate() {
            largest = largest.max(value);
            let vector = eigen.vector(k);
            for i in 0..d {
                axpy(value.min(-margin) * vector[i], vector, &mut clipped[i * d..(i + 1) * d]);
            }
        }
        Some((clipped, largest))
    }

    /// The point whose matrix is nearest to `wanted`.
    fn point(&self, theta: &[f64], wanted: &[f64]) -> Option<Vec<f64>> {
        let d = self.d;
        let zero = self.symmetric(theta, &vec![0.0; d]);
        let columns: Vec<Vec<f64>> = (0..d)
            .map(|l| {
                let unit: Vec<f64> = (0..d).map(|i| f64::from(u8::from(i == l))).collect();
                self.symmetric(theta, &unit).iter().zip(&zero).map(|(a, b)| a - b).collect()
            })
            .collect();
        let table: Vec<f64> = (0..d * d).flat_map(|at| columns.iter().map(move |column| column[at])).collect();
        let right: Vec<f64> = wanted.iter().zip(&zero).map(|(a, b)| a - b).collect();
        least_squares(&table, d * d, d, &right).ok().map(|fit| fit.x)
    }

    /// A point with all eigenvalues below zero, by alternating projections: the margin as large as they reach.
    fn centre(&self, theta: &[f64]) -> Option<Vec<f64>> {
        let size = self.symmetric(theta, &vec![0.0; self.d]).iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        for share in MARGINS {
            let margin = share * size;
            let mut m = vec![0.0; self.d];
            for _ in 0..ROUNDS {
                let (wanted, largest) = self.clipped(&self.symmetric(theta, &m), margin)?;
                if largest < -0.5 * margin && largest < 0.0 {
                    return Some(m);
                }
                m = self.point(theta, &wanted)?;
            }
        }
        None
    }

    /// The ball that trajectories end in.
    fn ball(&self, theta: &[f64]) -> Option<Trapping> {
        let centre = self.centre(theta)?;
        let eigenvalues = symmetric_eigen(&self.symmetric(theta, &centre), self.d).ok()?.values;
        let largest = eigenvalues.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let radius = norm(&self.rate(theta, &centre)) / -largest;
        (largest < 0.0 && radius.is_finite()).then_some(Trapping { centre, eigenvalues, radius })
    }

    /// The right-hand sides at a point.
    fn rate(&self, theta: &[f64], x: &[f64]) -> Vec<f64> {
        let (d, p) = (self.d, self.p);
        let at = |k: Option<usize>, i: usize| k.map_or(0.0, |k| theta[i * p + k]);
        (0..d)
            .map(|i| {
                let linear: f64 = (0..d).map(|j| at(self.linear[j], i) * x[j]).sum();
                let pairs = (0..d).flat_map(|j| (j..d).map(move |l| (j, l)));
                let square: f64 = pairs.map(|(j, l)| at(self.square[j * d + l], i) * x[j] * x[l]).sum();
                at(self.constant, i) + linear + square
            })
            .collect()
    }

    /// The fit on a support with `weight ‖Aˢ(θ, m) - P‖²` added.
    fn penalised(
        &self,
        problem: &Constrained<'_>,
        support: &[bool],
        mut theta: Vec<f64>,
        weight: f64,
    ) -> Result<Vec<f64>, SindyError> {
        let (n, places) = (theta.len(), (0..theta.len()).filter(|&k| support[k]).collect::<Vec<_>>());
        let size = self.symmetric(&theta, &vec![0.0; self.d]).iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let margin = MARGINS[3] * size;
        let mut m = vec![0.0; self.d];
        let relations: &Relations = problem.relations;
        for _ in 0..ALTERNATIONS {
            let Some((wanted, _)) = self.clipped(&self.symmetric(&theta, &m), margin) else { break };
            m = self.point(&theta, &wanted).unwrap_or(m);
            let Some((wanted, largest)) = self.clipped(&self.symmetric(&theta, &m), margin) else { break };
            if largest < -0.5 * margin {
                break;
            }
            let (mut matrix, mut right) = (problem.m.to_vec(), problem.h.to_vec());
            for (parts, wanted) in self.entries(&m).iter().zip(&wanted) {
                for &(i, a) in parts {
                    right[i] += weight * a * wanted;
                    parts.iter().for_each(|&(j, b)| matrix[i * n + j] += weight * a * b);
                }
            }
            let next =
                relations.minimum(&matrix, &right, &places, 0.0).ok_or(SindyError::SingularSupport { feature: 0 })?;
            let moved = norm(&next.theta.iter().zip(&theta).map(|(a, b)| a - b).collect::<Vec<_>>());
            let settled = moved <= 1e-9 * dot(&theta, &theta).sqrt();
            theta = next.theta;
            if settled {
                break;
            }
        }
        Ok(theta)
    }
}
