//! Derivatives of measured series.

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
