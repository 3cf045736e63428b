//! Derivatives of measured series, by five estimators.
//!
//! | estimator | for |
//! |---|---|
//! | differences of some order of accuracy | clean data |
//! | Savitzky–Golay: local polynomials | noise, many samples |
//! | smoothing spline | noise, irregular and missing samples |
//! | total variation: piecewise constant derivatives | derivatives that jump |
//! | spectral: a sine series | smooth, evenly sampled |
//!
//! How much is smoothed is chosen from the noise that differences show ([`crate::noise`]): by the discrepancy principle for total variation,
//! by the least risk for series.

use crate::SindyError;
use vecfield_data::Trajectory;
use vecfield_linalg::BandedCholesky;

/// Smoothed values and their derivatives at the samples of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Values, `[n]`.
    pub values: Vec<f64>,
    /// Derivatives, `[n]`.
    pub rates: Vec<f64>,
}

/// Local polynomials of this degree through the `window` measurements nearest to each time (Savitzky–Golay 1964), one-sided at the ends.
///
/// # Errors
///
/// [`SindyError::TooFewPoints`] when a run has fewer measurements than the window.
pub fn savitzky_golay(run: &Trajectory, variable: usize, window: usize, degree: usize) -> Result<Estimate, SindyError> {
    let (times, values): (Vec<f64>, Vec<f64>) = run.observed(variable).unzip();
    if times.len() < window {
        return Err(SindyError::TooFewPoints { found: times.len(), needed: window });
    }
    let (mut smooth, mut rates) = (Vec::with_capacity(run.len()), Vec::with_capacity(run.len()));
    let mut known: Option<(Vec<f64>, [Vec<f64>; 2])> = None;
    for &t in run.times() {
        let after = times.partition_point(|&time| time < t);
        let first = after.saturating_sub(window / 2).min(times.len() - window);
        let nodes = &times[first..first + window];
        let offsets: Vec<f64> = nodes.iter().map(|node| node - t).collect();
        // On even times the weights repeat.
        let alike = |known: &[f64]| {
            known.iter().zip(&offsets).all(|(a, b)| (a - b).abs() <= 1e-9 * (nodes[window - 1] - nodes[0]))
        };
        let weights = match known.take() {
            Some((old, weights)) if alike(&old) => (old, weights),
            _ => {
                let weights = [0, 1].map(|order| polynomial_weights(&offsets, 0.0, degree, order));
                (offsets, weights)
            }
        };
        let apply = |weights: &[f64]| weights.iter().zip(&values[first..]).map(|(w, y)| w * y).sum::<f64>();
        smooth.push(apply(&weights.1[0]));
        rates.push(apply(&weights.1[1]));
        known = Some(weights);
    }
    Ok(Estimate { values: smooth, rates })
}

/// A piecewise linear path whose slopes have the least total variation, `min Σ (F - y)² + λ Σ |slope jumps|`, with `λ` such that the
/// residual is what `noise` explains (Chartrand 2011; for the path itself this is `ℓ₁` trend filtering). By iterated reweighting.
///
/// # Errors
///
/// [`SindyError::TooFewPoints`] with fewer than four measurements, [`SindyError::MissingCell`] with a gap.
pub fn total_variation(run: &Trajectory, variable: usize, name: &str, noise: f64) -> Result<Estimate, SindyError> {
    let (times, values) = complete(run, variable, name, 4)?;
    let n = times.len();
    let span = (times[n - 1] - times[0]) / (n - 1) as f64;
    let tau: Vec<f64> = times.iter().map(|t| (t - times[0]) / span).collect();
    let wanted = n as f64 * noise * noise;
    let fit = |lambda: f64| trend_filter(&tau, &values, lambda);
    let residual = |path: &[f64]| path.iter().zip(&values).map(|(f, y)| (f - y).powi(2)).sum::<f64>();
    let size = values.iter().fold(0.0, |most: f64, y| most.max(y.abs()));
    let (mut low, mut high) = ((1e-8 * size).max(f64::MIN_POSITIVE).ln(), (1e4 * size).max(f64::MIN_POSITIVE).ln());
    for _ in 0..DISCREPANCY_STEPS {
        let middle = 0.5 * (low + high);
        if residual(&fit(middle.exp())) < wanted { low = middle } else { high = middle }
    }
    let path = fit(low.exp());
    let slope = |k: usize| (path[k + 1] - path[k]) / (times[k + 1] - times[k]);
    let rates = (0..n).map(|k| 0.5 * (slope(k.saturating_sub(1)) + slope(k.min(n - 2)))).collect();
    Ok(Estimate { values: path, rates })
}

const DISCREPANCY_STEPS: usize = 24;
const REWEIGHTINGS: usize = 25;

fn trend_filter(tau: &[f64], values: &[f64], lambda: f64) -> Vec<f64> {
    let n = tau.len();
    // Row j: the jump of the slope at sample j + 1.
    let jump = |j: usize| {
        let (before, after) = (1.0 / (tau[j + 1] - tau[j]), 1.0 / (tau[j + 2] - tau[j + 1]));
        [before, -before - after, after]
    };
    let mut path = values.to_vec();
    let mut factor = BandedCholesky::new(n, 2);
    let mut band = vec![0.0; n * 3];
    let size = values.iter().fold(0.0, |most: f64, y| most.max(y.abs()));
    for _ in 0..REWEIGHTINGS {
        band.fill(0.0);
        (0..n).for_each(|i| band[i * 3] = 1.0);
        for j in 0..n - 2 {
            let row = jump(j);
            let value: f64 = row.iter().zip(&path[j..]).map(|(w, f)| w * f).sum();
            let weight = 0.5 * lambda / (value * value + (1e-6 * size).powi(2)).sqrt().max(f64::MIN_POSITIVE);
            for a in 0..3 {
                for b in 0..=a {
                    band[(j + a) * 3 + a - b] += weight * row[a] * row[b];
                }
            }
        }
        if factor.factorize(&band).is_err() {
            break; // beyond the range of numbers: the path so far is as smooth as they allow
        }
        path.copy_from_slice(values);
        factor.solve(&mut path);
    }
    path
}

/// The derivative of a line plus a sine series, with as many terms as leave the least risk at this noise (Mallows).
///
/// # Errors
///
/// [`SindyError::UnevenTimes`], [`SindyError::MissingCell`], [`SindyError::TooFewPoints`].
pub fn spectral(run: &Trajectory, variable: usize, name: &str, noise: f64) -> Result<Estimate, SindyError> {
    let (times, values) = complete(run, variable, name, 8)?;
    let n = times.len();
    let step = (times[n - 1] - times[0]) / (n - 1) as f64;
    if let Some(at) = (1..n).find(|&k| (times[k] - times[0] - k as f64 * step).abs() > 1e-3 * step) {
        return Err(SindyError::UnevenTimes { t: times[at] });
    }
    // The odd continuation of what is left of the cubic through ends and end slopes is smooth up to its second derivative.
    let intervals = n - 1;
    let trend = EndTrend::new(&values);
    let rest: Vec<f64> = (0..n).map(|k| values[k] - trend.value(k as f64)).collect();
    let angle = |j: usize, k: usize| std::f64::consts::PI * ((j * k) % (2 * intervals)) as f64 / intervals as f64;
    let amplitude =
        |j: usize| 2.0 / intervals as f64 * (1..intervals).map(|k| rest[k] * angle(j, k).sin()).sum::<f64>();
    let amplitudes: Vec<f64> = (1..intervals).map(amplitude).collect();
    // Parseval: what the terms beyond the first m hold is the residual.
    let mut left: f64 = amplitudes.iter().map(|a| 0.5 * intervals as f64 * a * a).sum();
    let mut best = (left, 0);
    for (m, a) in amplitudes.iter().enumerate() {
        left -= 0.5 * intervals as f64 * a * a;
        let risk = left.max(0.0) + 2.0 * noise * noise * (m + 1) as f64;
        if risk < best.0 {
            best = (risk, m + 1);
        }
    }
    let series = |term: &dyn Fn(usize) -> f64, trend: f64| {
        trend + amplitudes[..best.1].iter().enumerate().map(|(j, a)| a * term(j + 1)).sum::<f64>()
    };
    let smooth = (0..n).map(|k| series(&|j| angle(j, k).sin(), trend.value(k as f64))).collect();
    let rate = |k: usize| {
        let wave = |j: usize| std::f64::consts::PI * j as f64 / intervals as f64 * angle(j, k).cos();
        series(&wave, trend.slope(k as f64)) / step
    };
    Ok(Estimate { values: smooth, rates: (0..n).map(rate).collect() })
}

/// The cubic with the values of a series at its ends and the second derivatives there, in steps.
struct EndTrend {
    start: f64,
    end: f64,
    bend: [f64; 2],
    length: f64,
}

impl EndTrend {
    fn new(values: &[f64]) -> Self {
        let n = values.len();
        let points = n.min(9);
        let nodes: Vec<f64> = (0..points).map(|k| k as f64).collect();
        let apply = |weights: &[f64], values: &mut dyn Iterator<Item = f64>| {
            weights.iter().zip(values).map(|(w, y)| w * y).sum()
        };
        let weights = [0, 2].map(|order| polynomial_weights(&nodes, 0.0, 4, order));
        let ends = |weights: &Vec<f64>| -> [f64; 2] {
            [apply(weights, &mut values.iter().copied()), apply(weights, &mut values.iter().rev().copied())]
        };
        let ([start, end], bend) = (ends(&weights[0]), ends(&weights[1]));
        Self { start, end, bend, length: (n - 1) as f64 }
    }

    fn value(&self, x: f64) -> f64 {
        let (s, l) = (x / self.length, self.length);
        let cubic = |s: f64| (s * s * s - s) * l * l / 6.0;
        self.start * (1.0 - s) + self.end * s + self.bend[0] * cubic(1.0 - s) + self.bend[1] * cubic(s)
    }

    fn slope(&self, x: f64) -> f64 {
        let (s, l) = (x / self.length, self.length);
        let cubic = |s: f64| (3.0 * s * s - 1.0) * l / 6.0;
        (self.end - self.start) / l - self.bend[0] * cubic(1.0 - s) + self.bend[1] * cubic(s)
    }
}

/// Times and values of a variable without a gap.
fn complete(run: &Trajectory, variable: usize, name: &str, needed: usize) -> Result<(Vec<f64>, Vec<f64>), SindyError> {
    let values: Vec<f64> = (0..run.len()).map(|k| run.row(k)[variable]).collect();
    if let Some(at) = values.iter().position(|y| y.is_nan()) {
        return Err(SindyError::MissingCell { variable: name.to_string(), t: run.times()[at] });
    }
    if values.len() < needed {
        return Err(SindyError::TooFewPoints { found: values.len(), needed });
    }
    Ok((run.times().to_vec(), values))
}

/// Weights of the derivatives of orders `0 ..= order` at the middle of the least-squares polynomial of this degree through `2 half + 1`
/// points at unit distance (Savitzky–Golay 1964): `[order + 1][2 half + 1]`.
pub(crate) fn local_polynomial(half: usize, degree: usize, order: usize) -> Vec<Vec<f64>> {
    (0..=order).map(|k| polynomial_weights(&offsets(half), 0.0, degree, k)).collect()
}

fn offsets(half: usize) -> Vec<f64> {
    (0..=2 * half).map(|i| i as f64 - half as f64).collect()
}

/// Weights of the derivative of order `k` at `at` of the least-squares polynomial of this degree through values at `nodes`.
pub(crate) fn polynomial_weights(nodes: &[f64], at: f64, degree: usize, k: usize) -> Vec<f64> {
    // Discrete orthogonal polynomials by three terms (Forsythe 1957): no Vandermonde matrix to invert. Centred and scaled nodes.
    let n = nodes.len();
    let scale = nodes.iter().fold(0.0, |most: f64, x| most.max((x - at).abs())).max(f64::MIN_POSITIVE);
    let x: Vec<f64> = nodes.iter().map(|node| (node - at) / scale).collect();
    let mut weights = vec![0.0; n];
    let (mut before, mut now) = (vec![0.0; n], vec![1.0; n]);
    // Taylor coefficients of the polynomials at 0.
    let (mut taylor_before, mut taylor) = (vec![0.0; degree + 2], vec![0.0; degree + 2]);
    taylor[0] = 1.0;
    let mut norm_before = 1.0;
    for j in 0..=degree.min(n - 1) {
        let norm: f64 = now.iter().map(|v| v * v).sum();
        let slope = taylor[k.min(degree + 1)] / norm;
        weights.iter_mut().zip(&now).for_each(|(w, v)| *w += slope * v);
        let shift = now.iter().zip(&x).map(|(v, x)| v * v * x).sum::<f64>() / norm;
        let ratio = if j == 0 { 0.0 } else { norm / norm_before };
        let next: Vec<f64> = (0..n).map(|i| (x[i] - shift) * now[i] - ratio * before[i]).collect();
        let next_taylor: Vec<f64> = (0..taylor.len())
            .map(|q| if q > 0 { taylor[q - 1] } else { 0.0 } - shift * taylor[q] - ratio * taylor_before[q])
            .collect();
        (before, now, taylor_before, taylor, norm_before) = (now, next, taylor, next_taylor, norm);
    }
    let factorial: f64 = (1..=k).map(|i| i as f64).product();
    weights.iter().map(|w| w * factorial / scale.powi(k as i32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Derivatives of a polynomial of the degree are exact, anywhere.
    #[test]
    fn polynomials_are_derived_exactly() {
        let nodes = [0.0, 0.3, 0.9, 1.4, 1.8, 2.7];
        let value = |x: f64| 1.0 - 2.0 * x + 0.5 * x * x * x;
        for at in [0.0, 1.0, 2.7] {
            for (k, exact) in [value(at), -2.0 + 1.5 * at * at, 3.0 * at, 3.0].into_iter().enumerate() {
                let weights = polynomial_weights(&nodes, at, 3, k);
                let found: f64 = weights.iter().zip(nodes).map(|(w, x)| w * value(x)).sum();
                assert!((found - exact).abs() < 1e-11, "{at} {k}: {found} {exact}");
            }
        }
    }
}
