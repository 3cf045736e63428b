//! [`Features`]: products of Chebyshev polynomials on the reference cube `[-1, 1]ᵈ`, with their derivatives.
//!
//! ```text
//! φ_k(ξ) = Π_i T_{k_i}(ξ_i),     Σ_i (k_i / (p_i - 1))^q ≤ 1
//! ```
//!
//! In up to three dimensions `q = 2`, the Euclidean degree, which resolves a smooth function equally well in every direction
//! (Trefethen 2017, "Multivariate polynomial approximation in the hypercube"); in up to ten `q = 1`, the total degree; above, `q = 1/2`. Derivatives
//! of `T_k` by `T_{k+1}^{(m)} = 2 ξ T_k^{(m)} + 2 m T_k^{(m-1)} - T_{k-1}^{(m)}`, the recurrence differentiated `m` times.
//!
//! For the fractional Laplacian on an interval its coordinate has `(1 - ξ²)^s P_k^{(s,s)}(ξ)`, its eigenfunctions
//! (Dyda, Kuznetsov, Kwaśnicki 2017, theorem 3): `(-Δ)^s φ_k = Γ(2s + k + 1)/k! P_k^{(s,s)}`.

use crate::language::FRACTION;

/// What the solution is a sum of, in one element and for one unknown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Features {
    pub(crate) dims: usize,
    /// How many polynomials in each dimension.
    pub(crate) degrees: Vec<usize>,
    /// `k`, feature by feature: `[count, dims]`.
    indices: Vec<u16>,
    /// The weighted dimension and its exponent `s`.
    fraction: Option<(usize, f64)>,
}

impl Features {
    pub(crate) fn new(degrees: &[usize], fraction: Option<(usize, f64)>) -> Self {
        let dims = degrees.len();
        let q = exponent(dims);
        let mut indices = Vec::new();
        // 1e-9 forgives rounding: the last polynomial of each dimension belongs.
        extend(&mut indices, &mut Vec::with_capacity(dims), degrees, q, 1.0 + 1e-9);
        Self { dims, degrees: degrees.to_vec(), indices, fraction }
    }

    pub(crate) fn count(&self) -> usize {
        self.indices.len() / self.dims
    }

    /// The weighted dimension and its exponent.
    pub(crate) fn fraction(&self) -> Option<(usize, f64)> {
        self.fraction
    }

    /// `k` of a feature.
    pub(crate) fn index(&self, feature: usize) -> &[u16] {
        &self.indices[feature * self.dims..][..self.dims]
    }

    /// Is a feature among the last ones in a coordinate: two more of its degree would be none, and it is no less due to this
    /// coordinate than to others?
    pub(crate) fn is_last(&self, feature: usize, coordinate: usize) -> bool {
        let q = exponent(self.dims);
        let part = |i: usize, k: f64| (k / (self.degrees[i].max(2) - 1) as f64).powf(q);
        let index = self.index(feature);
        let k = f64::from(index[coordinate]);
        let size: f64 = (0..self.dims).map(|i| part(i, f64::from(index[i]))).sum();
        let beyond = size - part(coordinate, k) + part(coordinate, k + 2.0);
        // A face of one polynomial has no degree to fall.
        beyond > 1.0 + 1e-9 && (self.degrees[coordinate] < 2 || part(coordinate, k) > 0.8 * size / self.dims as f64)
    }

    /// `∂^order φ` at `points` (`[rows, dims]`), on the reference cube: `[rows, count]`.
    pub(crate) fn table(&self, points: &[f64], order: &[u8]) -> Vec<f64> {
        let (dims, count) = (self.dims, self.count());
        let rows = points.len() / dims;
        let mut table = vec![0.0; rows * count];
        let mut lines: Vec<Vec<f64>> = self.degrees.iter().map(|&p| vec![0.0; p.max(2)]).collect();
        let mut scratch = Vec::new();
        for (point, row) in points.chunks_exact(dims).zip(table.chunks_exact_mut(count)) {
            for (i, line) in lines.iter_mut().enumerate() {
                match self.fraction.filter(|(dimension, _)| *dimension == i) {
                    Some((_, s)) => weighted_jacobi(s, point[i], order[i], line),
                    None => chebyshev(point[i], order[i], line, &mut scratch),
                }
            }
            for (value, k) in row.iter_mut().zip(self.indices.chunks_exact(dims)) {
                *value = k.iter().zip(&lines).map(|(&k, line)| line[usize::from(k)]).product();
            }
        }
        table
    }

    /// Points that determine the features: the tensor grid of Chebyshev points, `extra` more than polynomials in each
    /// dimension; in four and more dimensions a lattice of as many points as there are features, times `2 + extra/4`.
    pub(crate) fn points(&self, extra: usize) -> Vec<f64> {
        if self.dims > 3 {
            return lattice(self.count() * (8 + extra) / 4, self.dims, 0.5);
        }
        let nodes: Vec<Vec<f64>> = self.degrees.iter().map(|&p| chebyshev_points(p + extra)).collect();
        let total: usize = nodes.iter().map(Vec::len).product();
        let mut points = Vec::with_capacity(total * self.dims);
        for mut at in 0..total {
            let begin = points.len();
            for nodes in nodes.iter().rev() {
                points.push(nodes[at % nodes.len()]);
                at /= nodes.len();
            }
            points[begin..].reverse();
        }
        points
    }
}

/// Of the degree: Euclidean in few dimensions, total in more; in many, where most functions are sums of functions of few
/// coordinates, half of it: products of coordinates have lower degrees than powers of one.
fn exponent(dims: usize) -> f64 {
    match dims {
        1..=3 => 2.0,
        4..=10 => 1.0,
        _ => 0.5,
    }
}

/// Appends every multi-index that begins with `begun` and has size at most `left` in what follows; as deep as dimensions.
fn extend(indices: &mut Vec<u16>, begun: &mut Vec<u16>, degrees: &[usize], q: f64, left: f64) {
    let Some(&p) = degrees.get(begun.len()) else {
        indices.extend_from_slice(begun);
        return;
    };
    for k in 0..p {
        let size = (k as f64 / (p.max(2) - 1) as f64).powf(q);
        if size > left {
            break;
        }
        begun.push(k as u16);
        extend(indices, begun, degrees, q, left - size);
        begun.pop();
    }
}

/// `cos((j + 1/2) π / n)`, from left to right.
pub(crate) fn chebyshev_points(n: usize) -> Vec<f64> {
    (0..n).map(|j| -((j as f64 + 0.5) * core::f64::consts::PI / n as f64).cos()).collect()
}

/// Points of a rank-one lattice in `[0, 1)ᵈ` (Korobov; the generator is the root of `x^{d+1} = x + 1`, as in Roberts' R
/// sequence).
pub(crate) fn even_lattice(count: usize, dims: usize, shift: f64) -> Vec<f64> {
    let mut root = 2.0_f64;
    for _ in 0..60 {
        root = (1.0 + root).powf(1.0 / (dims as f64 + 1.0));
    }
    let steps: Vec<f64> = (1..=dims).map(|i| root.powi(-(i as i32)).fract()).collect();
    let point = |j: usize| steps.iter().map(move |step| (shift + step * (j as f64 + 1.0)).fract());
    (0..count).flat_map(point).collect()
}

/// The same in `[-1, 1]ᵈ`, denser towards the faces.
pub(crate) fn lattice(count: usize, dims: usize, shift: f64) -> Vec<f64> {
    even_lattice(count, dims, shift).into_iter().map(|u| -(core::f64::consts::PI * u).cos()).collect()
}

/// `T_k^{(order)}(x)` for `k < line.len()`.
fn chebyshev(x: f64, order: u8, line: &mut [f64], lower: &mut Vec<f64>) {
    let n = line.len();
    line.fill(0.0);
    lower.clear();
    lower.resize(n, 0.0);
    for m in 0..=order {
        lower.copy_from_slice(line);
        let m = f64::from(m);
        line[0] = if m == 0.0 { 1.0 } else { 0.0 };
        line[1] = if m == 0.0 { x } else { f64::from(u8::from(m == 1.0)) };
        for k in 1..n - 1 {
            line[k + 1] = 2.0 * x * line[k] + 2.0 * m * lower[k] - line[k - 1];
        }
    }
}

/// `(1 - x²)^s P_k^{(s,s)}(x)` and its derivatives of order 1 and 2, or its fractional Laplacian, for `k < line.len()`.
fn weighted_jacobi(s: f64, x: f64, order: u8, line: &mut [f64]) {
    let n = line.len();
    let values = |out: &mut [f64], a: f64| {
        // DLMF 18.9.2 with equal parameters.
        out[0] = 1.0;
        if n > 1 {
            out[1] = (a + 1.0) * x;
        }
        for k in 1..n.saturating_sub(1) {
            let kf = k as f64;
            let c = 2.0 * kf + 2.0 * a;
            let lead = 2.0 * (kf + 1.0) * (kf + 2.0 * a + 1.0) * c;
            let slope = (c + 1.0) * (c + 2.0) * c;
            let back = 2.0 * (kf + a) * (kf + a) * (c + 2.0);
            out[k + 1] = (slope * x * out[k] - back * out[k - 1]) / lead;
        }
    };
    values(line, s);
    let weight = (1.0 - x * x).max(0.0);
    match order {
        FRACTION => {
            let mut eigenvalue = gamma(2.0 * s + 1.0);
            for (k, value) in line.iter_mut().enumerate() {
                *value *= eigenvalue;
                eigenvalue *= (2.0 * s + k as f64 + 1.0) / (k as f64 + 1.0);
            }
        }
        0 => line.iter_mut().for_each(|value| *value *= weight.powf(s)),
        _ => {
            // P_k' = (k + 2s + 1)/2 P_{k-1}^{(s+1,s+1)} (DLMF 18.9.15), twice for the second.
            let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
            values(&mut first, s + 1.0);
            values(&mut second, s + 2.0);
            for k in (0..n).rev() {
                let kf = k as f64;
                let p = line[k];
                let d1 = if k > 0 { 0.5 * (kf + 2.0 * s + 1.0) * first[k - 1] } else { 0.0 };
                let d2 = if k > 1 { 0.25 * (kf + 2.0 * s + 1.0) * (kf + 2.0 * s + 2.0) * second[k - 2] } else { 0.0 };
                let w = weight.powf(s);
                let w1 = -2.0 * s * x * weight.powf(s - 1.0);
                let w2 = -2.0 * s * weight.powf(s - 1.0) + 4.0 * s * (s - 1.0) * x * x * weight.powf(s - 2.0);
                line[k] = if order == 1 { w1 * p + w * d1 } else { w2 * p + 2.0 * w1 * d1 + w * d2 };
            }
        }
    }
}

/// Γ by Lanczos' series (g = 7, nine terms; Godfrey's coefficients), to 1e-15 for arguments of interest here, above 1.
fn gamma(x: f64) -> f64 {
    const C: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let t = x + 7.5;
    let sum = C.iter().enumerate().skip(1).fold(C[0], |sum, (i, c)| sum + c / (x + i as f64));
    (2.0 * core::f64::consts::PI).sqrt() * t.powf(x + 0.5) * (-t).exp() * sum
}

#[cfg(test)]
mod tests {
    use super::{Features, gamma};
    use crate::language::FRACTION;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Each derivative is the slope of the one below it, by central differences.
        #[test]
        fn derivatives_are_slopes(x in -0.9..0.9_f64, y in -0.9..0.9_f64, order in 0_u8..4, s in prop::option::of(0.2..0.9_f64)) {
            let features = Features::new(&[8, 6], s.map(|s| (0, s)));
            // Weighted polynomials are differentiated twice, no more.
            let order = if s.is_some() { order.min(1) } else { order };
            let h = 1e-5;
            let beside = |d: f64| features.table(&[x + d, y], &[order, 1]);
            let slope: Vec<f64> = beside(h).iter().zip(beside(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect();
            for (exact, found) in features.table(&[x, y], &[order + 1, 1]).iter().zip(slope) {
                // The truncation is h²/6 of the derivative two orders up, at most 1e6 times as large here.
                prop_assert!((exact - found).abs() < 1e-4 * (1.0 + exact.abs()), "{exact} {found}");
            }
        }

        /// `(-Δ)^s (1 - x²)^s = Γ(2s + 1)` (Getoor 1961).
        #[test]
        fn the_first_fractional_eigenvalue(x in -0.9..0.9_f64, s in 0.1..0.95_f64) {
            let features = Features::new(&[3], Some((0, s)));
            let table = features.table(&[x], &[FRACTION]);
            prop_assert!((table[0] - gamma(2.0 * s + 1.0)).abs() < 1e-13);
        }
    }

    #[test]
    fn degrees_are_euclidean_in_the_plane_and_total_above() {
        let plane = Features::new(&[5, 5], None);
        assert!((0..plane.count()).all(|f| plane.index(f).iter().map(|&k| k * k).sum::<u16>() <= 16));
        assert_eq!(Features::new(&[4; 5], None).count(), 56); // C(3 + 5, 5)
        assert_eq!(Features::new(&[7], None).count(), 7);
    }

    #[test]
    fn gamma_of_whole_numbers_is_a_factorial() {
        for (x, factorial) in [(1.0, 1.0), (2.0, 1.0), (3.0, 2.0), (5.0, 24.0)] {
            assert!((gamma(x) / factorial - 1.0_f64).abs() < 1e-14);
        }
        assert!((gamma(1.5) - 0.5 * core::f64::consts::PI.sqrt()).abs() < 1e-14);
    }
}
