//! LASSO (Tibshirani 1996) by coordinate descent on the normal equations, columns at unit length; the path of penalties, each fitted again on
//! its support.

use crate::SindyError;
use crate::regression::GramSystem;

const SWEEPS: usize = 2000;
const TOLERANCE: f64 = 1e-9;
/// Penalties of the path, down to a ten-millionth of the one that leaves nothing.
const PATH: usize = 120;
const SMALLEST: f64 = 1e-7;

/// Coefficients `[p]` at the penalty `alpha` in `‖Z w - r‖² / (2n) + alpha ‖D w‖₁`, `D` the columns' root mean squares; or without one, those
/// of the path whose support has the least Bayesian information criterion. Both are least squares on the support.
///
/// # Errors
///
/// [`SindyError::SingularSupport`].
pub fn lasso(system: &GramSystem, alpha: Option<f64>) -> Result<Vec<f64>, SindyError> {
    let p = system.len();
    let scale: Vec<f64> = (0..p).map(|i| system.gram[i * p + i].max(f64::MIN_POSITIVE).sqrt()).collect();
    let gram: Vec<f64> = (0..p * p).map(|at| system.gram[at] / (scale[at / p] * scale[at % p])).collect();
    let rhs: Vec<f64> = system.rhs.iter().zip(&scale).map(|(h, s)| h / s).collect();
    let mut w = vec![0.0; p];
    if let Some(alpha) = alpha {
        descend(&gram, &rhs, alpha * (system.rows as f64).sqrt(), &mut w);
        return super::on_support(system, |k| w[k] != 0.0);
    }
    let largest = rhs.iter().fold(0.0, |most: f64, h| most.max(h.abs()));
    let (mut best, mut last): (Option<(f64, Vec<f64>)>, Vec<bool>) = (None, vec![false; p]);
    for step in 0..=PATH {
        descend(&gram, &rhs, largest * SMALLEST.powf(step as f64 / PATH as f64), &mut w);
        let support: Vec<bool> = w.iter().map(|c| *c != 0.0).collect();
        if step > 0 && support == last {
            continue;
        }
        let Ok(theta) = super::on_support(system, |k| support[k]) else { break };
        let score = super::information(system, &theta);
        if best.as_ref().is_none_or(|best| score < best.0) {
            best = Some((score, theta));
        }
        last = support;
    }
    Ok(best.map_or_else(|| vec![0.0; p], |best| best.1))
}

/// Coordinate descent at `penalty`, from `w`.
fn descend(gram: &[f64], rhs: &[f64], penalty: f64, w: &mut [f64]) {
    let p = rhs.len();
    let mut left: Vec<f64> = (0..p).map(|i| rhs[i] - vecfield_linalg::dot(&gram[i * p..(i + 1) * p], w)).collect();
    for _ in 0..SWEEPS {
        let (mut moved, mut size): (f64, f64) = (0.0, 0.0);
        for i in 0..p {
            let full = left[i] + w[i];
            let next = full.signum() * (full.abs() - penalty).max(0.0);
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
