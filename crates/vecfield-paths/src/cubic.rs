//! Cubic pieces: slopes at the knots of one channel, by each rule that looks both ways.

/// `c₀ + c₁ u + c₂ u² + c₃ u³` for `u` from 0 to 1.
pub(crate) type Cubic = [f64; 4];

/// The cubic with these values and slopes (by `u`) at both ends.
pub(crate) fn hermite([from, to]: [f64; 2], [slope, end_slope]: [f64; 2]) -> Cubic {
    let rise = to - from;
    [from, slope, 3.0 * rise - 2.0 * slope - end_slope, slope + end_slope - 2.0 * rise]
}

/// The same cubic from `from` to `from + share`, as a cubic of its own.
pub(crate) fn part([c0, c1, c2, c3]: Cubic, from: f64, share: f64) -> Cubic {
    let value = c0 + from * (c1 + from * (c2 + from * c3));
    let slope = c1 + from * (2.0 * c2 + from * 3.0 * c3);
    [value, share * slope, share * share * (c2 + 3.0 * from * c3), share * share * share * c3]
}

/// Steps and slopes between knots.
fn divided(t: &[f64], x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let h: Vec<f64> = t.windows(2).map(|t| t[1] - t[0]).collect();
    let m = x.windows(2).zip(&h).map(|(x, h)| (x[1] - x[0]) / h).collect();
    (h, m)
}

/// Of the natural spline, by elimination of `d_{i-1}/h_{i-1} + 2 d_i (1/h_{i-1} + 1/h_i) + d_{i+1}/h_i = 3 (m_{i-1}/h_{i-1} +
/// m_i/h_i)`.
pub(crate) fn natural_slopes(t: &[f64], x: &[f64]) -> Vec<f64> {
    let n = t.len();
    let (h, m) = divided(t, x);
    let inverse = |i: Option<usize>| i.and_then(|i| h.get(i)).map_or(0.0, |h| 1.0 / h);
    let (mut diagonal, mut right) = (vec![0.0; n], vec![0.0; n]);
    for i in 0..n {
        let (before, behind) = (inverse(i.checked_sub(1)), inverse(Some(i)));
        let rise = |i: Option<usize>| i.and_then(|i| m.get(i)).copied().unwrap_or(0.0);
        diagonal[i] = 2.0 * (before + behind);
        right[i] = 3.0 * (before * rise(i.checked_sub(1)) + behind * rise(Some(i)));
        if i > 0 {
            let factor = before / diagonal[i - 1];
            diagonal[i] -= factor * before;
            right[i] -= factor * right[i - 1];
        }
    }
    for i in (0..n).rev() {
        let later = if i + 1 < n { inverse(Some(i)) * right[i + 1] } else { 0.0 };
        right[i] = (right[i] - later) / diagonal[i];
    }
    right
}

/// Akima 1970, eqs. (1) and (9) to (12), with the slopes beyond the ends continued by the same second difference.
pub(crate) fn akima_slopes(t: &[f64], x: &[f64]) -> Vec<f64> {
    let (_, m) = divided(t, x);
    let n = m.len();
    if n == 1 {
        return vec![m[0]; 2];
    }
    // Two slopes more at either end.
    let first = 2.0 * m[0] - m[1];
    let last = 2.0 * m[n - 1] - m[n - 2];
    let mut wide = vec![2.0 * first - m[0], first];
    wide.extend_from_slice(&m);
    wide.extend([last, 2.0 * last - m[n - 1]]);
    let slope = |m: &[f64]| {
        let (before, behind) = ((m[3] - m[2]).abs(), (m[1] - m[0]).abs());
        match before + behind {
            0.0 => 0.5 * (m[1] + m[2]),
            sum => (before * m[1] + behind * m[2]) / sum,
        }
    };
    wide.windows(4).map(slope).collect()
}

/// A harmonic mean of the slopes on both sides where they agree in sign, else zero (Fritsch & Butland 1984, eq. (5), in the
/// weights for unequal steps of Brodlie 1980); three-point slopes that keep the shape at the ends.
pub(crate) fn monotone_slopes(t: &[f64], x: &[f64]) -> Vec<f64> {
    let (h, m) = divided(t, x);
    let n = m.len();
    if n == 1 {
        return vec![m[0]; 2];
    }
    let end = |h: [f64; 2], m: [f64; 2]| {
        let slope = ((2.0 * h[0] + h[1]) * m[0] - h[0] * m[1]) / (h[0] + h[1]);
        if slope * m[0] <= 0.0 {
            0.0
        } else if m[0] * m[1] <= 0.0 && slope.abs() > 3.0 * m[0].abs() {
            3.0 * m[0]
        } else {
            slope
        }
    };
    let inner = |i: usize| {
        if m[i - 1] * m[i] <= 0.0 {
            return 0.0;
        }
        let (before, behind) = (2.0 * h[i] + h[i - 1], h[i] + 2.0 * h[i - 1]);
        (before + behind) / (before / m[i - 1] + behind / m[i])
    };
    let first = end([h[0], h[1]], [m[0], m[1]]);
    let last = end([h[n - 1], h[n - 2]], [m[n - 1], m[n - 2]]);
    [first].into_iter().chain((1..n).map(inner)).chain([last]).collect()
}
