//! The terms of one equation on test functions of one size, by evidence under the covariance that they themselves imply.

use super::assemble::Patches;
use super::terms::PdeTerm;
use crate::refine::prior_variance;
use crate::regression::{inverse_diagonal, solve_on};
use crate::sparse::{best_small_supports, evidence_search, inclusion, neighbours};
use vecfield_linalg::{Cholesky, dot};

/// An equation found.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) theta: Vec<f64>,
    pub(super) stderr: Vec<f64>,
    pub(super) inclusion: Vec<f64>,
    pub(super) r2: f64,
    /// Mean logarithm of the relative standard errors: the measure of test functions.
    pub(super) error: f64,
    pub(super) sizes: [usize; 2],
}

/// The covariance depends on the coefficients; it settles quickly.
const ROUNDS: usize = 4;
const PRICE: f64 = 5.0;
const MOST_SMALL: usize = 60_000;
/// Of the mean variance: what the covariance of nearly dependent test functions leaves to rounding and to quadrature.
const RIDGE: f64 = 1e-6;

/// `None` where there are too few test functions, or nothing is found.
pub(super) fn choose(patches: &Patches, terms: &[PdeTerm], equation: usize) -> Option<Choice> {
    let (count, p) = (patches.len(), patches.terms());
    if count < p + 10 {
        return None;
    }
    let rates = &patches.rates[equation];
    let mut theta = vec![0.0; p];
    let mut choice = None;
    for _ in 0..ROUNDS {
        let white = Whitened::new(patches, terms, equation, &theta)?;
        let (m, h, total) = white.normal(&patches.features, rates, p);
        let dense = solve_on(&m, &h, &vec![true; p]).map_or(total, |t| total - dot(&t, &h));
        // Residuals beyond what noise explains are errors of the weak form itself.
        let scale = (dense / (count - p) as f64).max(1.0);
        let (m, h): (Vec<f64>, Vec<f64>) =
            (m.iter().map(|v| v / scale).collect(), h.iter().map(|v| v / scale).collect());
        let (support, prior) = search(&m, &h)?;
        theta = solve_on(&m, &h, &support)?;
        choice = Some(describe(&m, &h, &support, prior, &theta, total / scale, patches)?);
    }
    choice
}

/// Multiplication by `L⁻¹` where `C = L Lᵀ` is the covariance at `theta`.
struct Whitened {
    cholesky: Cholesky<f64>,
}

impl Whitened {
    fn new(patches: &Patches, terms: &[PdeTerm], equation: usize, theta: &[f64]) -> Option<Self> {
        let count = patches.len();
        let mut covariance = patches.covariance(terms, equation, theta);
        let mean = (0..count).map(|i| covariance[i * count + i]).sum::<f64>() / count as f64;
        (0..count).for_each(|i| covariance[i * count + i] += RIDGE * mean);
        let mut cholesky = Cholesky::new(count);
        cholesky.factorize(&covariance).ok()?;
        Some(Self { cholesky })
    }

    /// `GᵀC⁻¹G`, `GᵀC⁻¹b`, `bᵀC⁻¹b`.
    fn normal(&self, features: &[f64], rates: &[f64], p: usize) -> (Vec<f64>, Vec<f64>, f64) {
        let column = |k: usize| {
            let mut column: Vec<f64> = features.iter().skip(k).step_by(p).copied().collect();
            self.cholesky.solve_lower(&mut column);
            column
        };
        let columns: Vec<Vec<f64>> = (0..p).map(column).collect();
        let mut right = rates.to_vec();
        self.cholesky.solve_lower(&mut right);
        let mut m = vec![0.0; p * p];
        for i in 0..p {
            for j in 0..p {
                m[i * p + j] = dot(&columns[i], &columns[j]);
            }
        }
        (m, columns.iter().map(|column| dot(column, &right)).collect(), dot(&right, &right))
    }
}

/// The likeliest support and the prior variance it was judged by.
fn search(m: &[f64], h: &[f64]) -> Option<(Vec<bool>, f64)> {
    let p = h.len();
    let all: Vec<usize> = (0..p).collect();
    let small = best_small_supports(m, h, &[], &all, MOST_SMALL);
    let mut best: Option<(f64, Vec<bool>, f64)> = None;
    for seed in &small {
        let mut support: Vec<bool> = (0..p).map(|k| seed.features.contains(&k)).collect();
        let Some(mut prior) = variance(m, h, &support) else { continue };
        let mut score = f64::INFINITY;
        for _ in 0..2 {
            let found = evidence_search(m, h, &support, &vec![true; p], PRICE, Some(prior));
            (support, score) = (found.support, found.score);
            prior = variance(m, h, &support).unwrap_or(prior);
        }
        if best.as_ref().is_none_or(|best| score < best.0) {
            best = Some((score, support, prior));
        }
    }
    best.map(|(_, support, prior)| (support, prior))
}

fn variance(m: &[f64], h: &[f64], support: &[bool]) -> Option<f64> {
    prior_variance(&solve_on(m, h, support)?)
}

fn describe(
    m: &[f64],
    h: &[f64],
    support: &[bool],
    prior: f64,
    theta: &[f64],
    total: f64,
    patches: &Patches,
) -> Option<Choice> {
    let p = h.len();
    let stderr = inverse_diagonal(m, support)?.iter().map(|v| v.sqrt()).collect::<Vec<_>>();
    let near = neighbours(m, h, support, &vec![true; p], PRICE, prior);
    let inclusion = inclusion(support, &near);
    let active = || theta.iter().zip(&stderr).filter(|(c, _)| **c != 0.0);
    let terms = active().count();
    let error = active().map(|(c, e)| (e / c.abs()).ln()).sum::<f64>() / terms.max(1) as f64;
    let r2 = dot(theta, h) / total;
    (terms > 0).then(|| Choice {
        theta: theta.to_vec(),
        stderr,
        inclusion,
        r2,
        error,
        sizes: [patches.sizes.x, patches.sizes.t],
    })
}
