//! The banded equations of one run, and the pieces of the curve they give.

use super::SmoothingSpline;
use crate::SindyError;
use vecfield_linalg::BandedCholesky;

/// The banded equations of one run.
pub(super) struct System {
    m: usize,
    unit: f64,
    times: Vec<f64>,
    /// Times in units of the mean spacing.
    tau: Vec<f64>,
    values: Vec<f64>,
    /// Row `j` of `D`: the weights of samples `j ..= j + m`.
    difference: Vec<f64>,
    /// Lower bands of `R` and `D Dᵀ`, `[n - m, m + 1]`.
    gram: Vec<f64>,
    penalty: Vec<f64>,
    /// `D y`.
    contrast: Vec<f64>,
    band: Vec<f64>,
    factor: BandedCholesky<f64>,
    /// `c`.
    solution: Vec<f64>,
}

/// What a run adds to the criteria at one `λ`.
#[derive(Default, Clone, Copy)]
pub(super) struct Score {
    /// `zᵀ A⁻¹ z` for `z = D y`.
    pub(super) quadratic: f64,
    pub(super) log_det: f64,
    pub(super) contrasts: usize,
    pub(super) rss: f64,
    pub(super) trace: f64,
    pub(super) points: usize,
}

impl System {
    pub(super) fn new(times: &[f64], values: &[f64], m: usize, unit: f64) -> Self {
        assert_eq!(times.len(), values.len(), "one value per time");
        let n = times.len();
        let rows = n.saturating_sub(m);
        let tau: Vec<f64> = times.iter().map(|t| (t - times[0]) / unit).collect();
        let width = m + 1;
        let mut difference = vec![0.0; rows * width];
        for j in 0..rows {
            // (m - 1)! (t_{j+m} - t_j) [t_j, .., t_{j+m}]
            let knots = &tau[j..=j + m];
            let scale = (knots[m] - knots[0]) * if m == 3 { 2.0 } else { 1.0 };
            for i in 0..=m {
                let product: f64 = (0..=m).filter(|&k| k != i).map(|k| knots[i] - knots[k]).product();
                difference[j * width + i] = scale / product;
            }
        }
        let (mut gram, mut penalty) = (vec![0.0; rows * width], vec![0.0; rows * width]);
        for j in 0..rows {
            for back in 0..=m.min(j) {
                let i = j - back;
                // Samples j ..= i + m are in both rows.
                penalty[j * width + back] =
                    (0..=m - back).map(|k| difference[j * width + k] * difference[i * width + back + k]).sum();
                gram[j * width + back] = (j..i + m).map(|interval| overlap(&tau, m, i, j, interval)).sum();
            }
        }
        let contrast: Vec<f64> =
            (0..rows).map(|j| (0..=m).map(|i| difference[j * width + i] * values[j + i]).sum()).collect();
        Self {
            m,
            unit,
            times: times.to_vec(),
            tau,
            values: values.to_vec(),
            difference,
            gram,
            penalty,
            solution: contrast.clone(),
            contrast,
            band: vec![0.0; rows * width],
            factor: BandedCholesky::new(rows, m),
        }
    }

    fn solve(&mut self, lambda: f64) -> Result<(), SindyError> {
        for ((entry, r), p) in self.band.iter_mut().zip(&self.gram).zip(&self.penalty) {
            *entry = r + lambda * p;
        }
        self.factor.factorize(&self.band).map_err(|_| SindyError::SpacingTooUneven)?;
        self.solution.copy_from_slice(&self.contrast);
        self.factor.solve(&mut self.solution);
        Ok(())
    }

    /// `λ (Dᵀ c)ᵢ`: what the curve leaves of measurement `i`.
    fn residual(&self, i: usize, lambda: f64) -> f64 {
        let (m, rows) = (self.m, self.solution.len());
        let first = i.saturating_sub(m);
        lambda
            * (first..=i)
                .filter(|&j| j < rows)
                .map(|j| self.difference[j * (m + 1) + i - j] * self.solution[j])
                .sum::<f64>()
    }

    pub(super) fn score(&mut self, lambda: f64, with_trace: bool) -> Result<Score, SindyError> {
        self.solve(lambda)?;
        let quadratic = self.solution.iter().zip(&self.contrast).map(|(c, z)| c * z).sum();
        let (n, rows) = (self.values.len(), self.contrast.len());
        let mut score =
            Score { quadratic, log_det: self.factor.log_det(), contrasts: rows, points: n, ..Score::default() };
        if with_trace {
            score.rss = (0..n).map(|i| self.residual(i, lambda).powi(2)).sum();
            score.trace = self.leverages(lambda).iter().sum();
        }
        Ok(score)
    }

    /// `1 - λ (Dᵀ A⁻¹ D)ᵢᵢ`, from the band of `A⁻¹`.
    fn leverages(&self, lambda: f64) -> Vec<f64> {
        let (m, width, rows) = (self.m, self.m + 1, self.solution.len());
        let mut inverse = vec![0.0; rows * width];
        self.factor.inverse_band_into(&mut inverse);
        let leverage = |i: usize| {
            let mut sum = 0.0;
            for j in i.saturating_sub(m)..=i.min(rows.max(1) - 1) {
                for k in i.saturating_sub(m)..=i.min(rows.max(1) - 1) {
                    if j < rows && k < rows {
                        let z = inverse[j.max(k) * width + j.abs_diff(k)];
                        sum += self.difference[j * width + i - j] * z * self.difference[k * width + i - k];
                    }
                }
            }
            (1.0 - lambda * sum).clamp(0.0, 1.0)
        };
        (0..self.values.len()).map(leverage).collect()
    }

    pub(super) fn curve(
        &mut self,
        lambda: f64,
        noise: f64,
        lambda_in_time: f64,
    ) -> Result<SmoothingSpline, SindyError> {
        self.solve(lambda)?;
        let n = self.values.len();
        let values: Vec<f64> = (0..n).map(|i| self.values[i] - self.residual(i, lambda)).collect();
        let (pieces, width) = self.pieces(&values);
        let mut integrals = vec![0.0; n];
        for i in 1..n {
            let h = self.tau[i] - self.tau[i - 1];
            let piece = &pieces[i * width..(i + 1) * width];
            let area = h * piece.iter().enumerate().rev().fold(0.0, |sum, (k, &c)| sum * h + c / (k + 1) as f64);
            integrals[i] = integrals[i - 1] + self.unit * area;
        }
        Ok(SmoothingSpline {
            times: self.times.clone(),
            unit: self.unit,
            pieces,
            width,
            integrals,
            leverages: self.leverages(lambda),
            lambda: lambda_in_time,
            noise,
        })
    }

    /// The polynomial on each interval, from the values at the samples and the known m-th derivative.
    fn pieces(&self, values: &[f64]) -> (Vec<f64>, usize) {
        let (n, m) = (values.len(), self.m);
        let degree = if n > m { 2 * m } else { n };
        let width = degree.max(1);
        if n <= m {
            return (interpolate(&self.tau, values, width), width);
        }
        // On interval i: f = Σ_{k<m} taylor_k s^k + Σ_{k≥m} high_k s^k.
        let high: Vec<[f64; 3]> = (0..n - 1).map(|i| self.antiderivative(i)).collect();
        let tail = |i: usize, s: f64| {
            high[i].iter().take(m).enumerate().map(|(k, &c)| c * s.powi((m + k) as i32)).sum::<f64>()
        };
        let mut pieces = vec![0.0; (n + 1) * width];
        for i in 0..n - 1 {
            let piece = &mut pieces[(i + 1) * width..(i + 2) * width];
            let h = self.tau[i + 1] - self.tau[i];
            piece[m..2 * m].copy_from_slice(&high[i][..m]);
            piece[0] = values[i];
            let rise = (values[i + 1] - values[i] - tail(i, h)) / h;
            if m == 2 {
                piece[1] = rise;
            }
            // m = 3: f' h + ½f'' h² is known from the interval ahead (`rise`) and from the one behind, where f continues with
            // its own third derivative; two equations for f' and ½f''.
            if m == 3 && i > 0 {
                let back = self.tau[i] - self.tau[i - 1];
                let ahead = rise;
                // The same piece run backwards: s = -(back - u); its cubic and higher part about the right end.
                let [a, b, c] = high[i - 1];
                let third = a + 4.0 * b * back + 10.0 * c * back * back; // f'''/6 at the right end
                let fourth = b + 5.0 * c * back;
                let behind = third * (-back).powi(3) + fourth * back.powi(4) + c * (-back).powi(5);
                let fall = (values[i - 1] - values[i] - behind) / -back;
                piece[2] = (ahead - fall) / (h + back);
                piece[1] = ahead - piece[2] * h;
            }
        }
        if m == 3 {
            // The first interval has nothing behind: take f', ½f'' at its right end and go back.
            let (first, second) = pieces.split_at_mut(2 * width);
            let h = self.tau[1] - self.tau[0];
            let piece = &mut first[width..];
            let [a, b, c] = high[0];
            let curvature = second[2] - (3.0 * a * h + 6.0 * b * h * h + 10.0 * c * h * h * h);
            piece[2] = if n > 3 { curvature } else { second[2] };
            piece[1] = (values[1] - values[0] - tail(0, h)) / h - piece[2] * h;
        }
        self.continue_outside(&mut pieces, width);
        (pieces, width)
    }

    /// Before the first and after the last sample the m-th derivative is zero.
    fn continue_outside(&self, pieces: &mut [f64], width: usize) {
        let (n, m) = (self.values.len(), self.m);
        for k in 0..m {
            pieces[k] = pieces[width + k];
        }
        let h = self.tau[n - 1] - self.tau[n - 2];
        let last = pieces[(n - 1) * width..n * width].to_vec();
        for k in 0..m {
            let mut sum = 0.0;
            for (power, &c) in last.iter().enumerate().skip(k) {
                let choose: f64 = (0..k).map(|j| (power - j) as f64 / (j + 1) as f64).product();
                sum += c * choose * h.powi((power - k) as i32);
            }
            pieces[n * width + k] = sum;
        }
    }

    /// The coefficients of `s^m, s^{m+1}, ..` in `f` on interval `i`: `f⁽ᵐ⁾` integrated `m` times.
    fn antiderivative(&self, i: usize) -> [f64; 3] {
        let (m, rows) = (self.m, self.solution.len());
        let h = self.tau[i + 1] - self.tau[i];
        let at = |s: f64| -> f64 {
            let active = (i + 1).saturating_sub(m)..=i;
            active
                .filter(|&j| j < rows)
                .map(|j| self.solution[j] * basis(&self.tau[j..=j + m], i - j, self.tau[i] + s))
                .sum()
        };
        let (start, end) = (at(0.0), at(h));
        if m == 2 {
            return [start / 2.0, (end - start) / h / 6.0, 0.0];
        }
        let middle = at(0.5 * h);
        let slope = (4.0 * middle - 3.0 * start - end) / h;
        let bend = 2.0 * (start - 2.0 * middle + end) / (h * h);
        [start / 6.0, slope / 24.0, bend / 60.0]
    }
}

/// `N(x)` of the B-spline with the given `m + 1` knots, `x` in their interval number `interval`; `Σ N = 1`.
fn basis(knots: &[f64], interval: usize, x: f64) -> f64 {
    match (knots, interval) {
        (&[a, b, _], 0) => (x - a) / (b - a),
        (&[_, b, c], _) => (c - x) / (c - b),
        (&[a, b, c, _], 0) => (x - a) * (x - a) / ((c - a) * (b - a)),
        (&[a, b, c, d], 1) => (x - a) / (c - a) * (c - x) / (c - b) + (d - x) / (d - b) * (x - b) / (c - b),
        (&[_, b, c, d], _) => (d - x) * (d - x) / ((d - b) * (d - c)),
        _ => 0.0, // splines of order 2 and 3 have 3 and 4 knots
    }
}

/// `∫ Nᵢ Nⱼ` over one interval, by a Gauss rule that is exact for it.
fn overlap(tau: &[f64], m: usize, i: usize, j: usize, interval: usize) -> f64 {
    let (left, right) = (tau[interval], tau[interval + 1]);
    let (middle, half) = (0.5 * (left + right), 0.5 * (right - left));
    let root = 0.6_f64.sqrt();
    let nodes = [(-root, 5.0 / 9.0), (0.0, 8.0 / 9.0), (root, 5.0 / 9.0)];
    let at = |k: usize, x: f64| basis(&tau[k..=k + m], interval - k, x);
    nodes.iter().map(|&(s, w)| (middle + half * s, w)).map(|(x, w)| half * w * at(i, x) * at(j, x)).sum()
}

/// The pieces of the polynomial through up to three points, expanded about each.
fn interpolate(tau: &[f64], values: &[f64], width: usize) -> Vec<f64> {
    let n = values.len();
    let mut pieces = vec![0.0; (n + 1) * width];
    for at in 0..=n {
        let origin = tau[at.saturating_sub(1)];
        let piece = &mut pieces[at * width..(at + 1) * width];
        for i in 0..n {
            // Lagrange's polynomial of point i, multiplied out.
            let mut product = vec![0.0; width];
            product[0] = values[i];
            for k in (0..n).filter(|&k| k != i) {
                let (root, gap) = (tau[k] - origin, tau[i] - tau[k]);
                for power in (0..width).rev() {
                    let lower = if power > 0 { product[power - 1] } else { 0.0 };
                    product[power] = (lower - root * product[power]) / gap;
                }
            }
            piece.iter_mut().zip(&product).for_each(|(sum, c)| *sum += c);
        }
    }
    pieces
}
