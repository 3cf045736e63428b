//! LASSO (Tibshirani 1996), adaptive LASSO (Zou 2006) and elastic net (Zou and Hastie 2005) by coordinate descent on the normal equations, in
//! units that make the penalty the same for all; the path of penalties, each fitted again on its support.

use super::Sparsest;
use crate::SindyError;
use crate::regression::GramSystem;

const SWEEPS: usize = 2000;
const TOLERANCE: f64 = 1e-9;
/// Penalties of the path, down to a ten-millionth of the one that leaves nothing.
const PATH: usize = 120;
const SMALLEST: f64 = 1e-7;

/// The [`elastic_net`] without its quadratic penalty.
///
/// # Errors
///
/// [`SindyError::SingularSupport`].
pub fn lasso(system: &GramSystem, alpha: Option<f64>) -> Result<Vec<f64>, SindyError> {
    elastic_net(system, alpha, 1.0)
}

/// Coefficients `[p]` at the penalty `alpha` in `‖Z w - r‖² / (2n) + alpha (l1_ratio ‖D w‖₁ + (1 - l1_ratio) ‖D w‖² / 2)`, `D` the columns' root
/// mean squares; or without one, those of the path whose support has the least Bayesian information criterion. Both are least squares on the
/// support. The quadratic part keeps features that resemble each other together. `l1_ratio` is above 0 and at most 1.
///
/// # Errors
///
/// [`SindyError::SingularSupport`].
pub fn elastic_net(system: &GramSystem, alpha: Option<f64>, l1_ratio: f64) -> Result<Vec<f64>, SindyError> {
    let units: Vec<f64> = (0..system.len()).map(|k| 1.0 / length(system, k)).collect();
    penalised(system, &units, alpha, l1_ratio)
}

/// The [`lasso`] whose penalty on a coefficient is inverse to what least squares gives it, `alpha Σ_k ρ |w_k/θ_k|` with `ρ` the root mean
/// square of `r`: large coefficients are hardly touched, and supports are consistent where those of the LASSO are not (Zou 2006, sections
/// 2 and 3, with γ = 1).
///
/// # Errors
///
/// [`SindyError::SingularSupport`].
pub fn adaptive_lasso(system: &GramSystem, alpha: Option<f64>) -> Result<Vec<f64>, SindyError> {
    let dense = system.solve(&(0..system.len()).collect::<Vec<_>>(), 0.0)?.0;
    let size = system.total.max(f64::MIN_POSITIVE).sqrt();
    let units: Vec<f64> = dense.iter().map(|c| c.abs() / size).collect();
    penalised(system, &units, alpha, 1.0)
}

/// The length of a feature's column.
fn length(system: &GramSystem, k: usize) -> f64 {
    system.gram[k * system.len() + k].max(f64::MIN_POSITIVE).sqrt()
}

/// The elastic net with coefficients in these units, in which the penalty is the same for all.
fn penalised(system: &GramSystem, units: &[f64], alpha: Option<f64>, l1_ratio: f64) -> Result<Vec<f64>, SindyError> {
    let p = system.len();
    let gram: Vec<f64> = (0..p * p).map(|at| system.gram[at] * units[at / p] * units[at % p]).collect();
    let rhs: Vec<f64> = system.rhs.iter().zip(units).map(|(h, unit)| h * unit).collect();
    let root = (system.rows as f64).sqrt();
    let penalty = |alpha: f64| [alpha * root * l1_ratio, alpha * (1.0 - l1_ratio)];
    let mut w = vec![0.0; p];
    if let Some(alpha) = alpha {
        descend(&gram, &rhs, penalty(alpha), &mut w);
        return super::on_support(system, |k| w[k] != 0.0);
    }
    let largest = rhs.iter().fold(0.0, |most: f64, h| most.max(h.abs())) / l1_ratio / root;
    let (mut sparsest, mut last) = (Sparsest::new(system), vec![false; p]);
    sparsest.offer(system.total, &[]);
    for step in 0..=PATH {
        descend(&gram, &rhs, penalty(largest * SMALLEST.powf(step as f64 / PATH as f64)), &mut w);
        let support: Vec<bool> = w.iter().map(|c| *c != 0.0).collect();
        if support == last {
            continue;
        }
        let places: Vec<usize> = (0..p).filter(|&k| support[k]).collect();
        let Ok((_, left)) = system.solve(&places, 0.0) else { break };
        sparsest.offer(left, &places);
        last = support;
    }
    super::on_support(system, |k| sparsest.support.contains(&k))
}

/// Coordinate descent at penalties on `|w|` and on `w²/2`, from `w`.
fn descend(gram: &[f64], rhs: &[f64], [linear, quadratic]: [f64; 2], w: &mut [f64]) {
    let p = rhs.len();
    let mut left: Vec<f64> = (0..p).map(|i| rhs[i] - vecfield_linalg::dot(&gram[i * p..(i + 1) * p], w)).collect();
    for _ in 0..SWEEPS {
        let (mut moved, mut size): (f64, f64) = (0.0, 0.0);
        for i in 0..p {
            let own = gram[i * p + i];
            let beyond = (left[i] + own * w[i]).abs() - linear;
            let next = if beyond > 0.0 { (left[i] + own * w[i]).signum() * beyond / (own + quadratic) } else { 0.0 };
            let change = next - w[i];
            if change != 0.0 {
                vecfield_linalg::axpy(-change, &gram[i * p..(i + 1) * p], &mut left);
                w[i] = next;
            }
            moved = moved.max(change.abs());
            size = size.max(next.abs());
        }
        if moved <= TOLERANCE * size {
            return;
        }
    }
}
