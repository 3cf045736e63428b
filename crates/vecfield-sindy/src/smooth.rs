//! Smoothing splines on irregular times: `min Σ (yᵢ - f(tᵢ))² + λ ∫ (f⁽ᵐ⁾)²`, `m = 2` (cubic) or `3` (quintic), in `O(n)`.
//!
//! The m-th derivative of the minimiser is a sum `Σ cⱼ Nⱼ` of B-splines on the sample times, and by Peano's theorem
//! `∫ Nⱼ f⁽ᵐ⁾ = (D f)ⱼ`, a scaled divided difference of the values. Hence (Reinsch 1967 for `m = 2`; de Hoog–Hutchinson 1987)
//!
//! ```text
//! A c = D y,    A = R + λ D Dᵀ (banded),    R = ∫ N Nᵀ,    f(tᵢ) = y - λ Dᵀ c
//! ```
//!
//! As a prior this says that `f⁽ᵐ⁻¹⁾` is a Wiener process: `D y ~ N(0, σ²/λ A)`. Maximising that density over `λ` and `σ` (restricted
//! maximum likelihood, Wahba 1985) gives the smoothing and the noise at once.
//!
//! **Architecture invariant:** polynomials of degree `m - 1` are reproduced whatever `λ`. *Why:* `D` annihilates them; a smoother
//! that bends a line invents dynamics. *Checked by* the law `lines_and_parabolas_pass_unchanged`.

use crate::SindyError;
use vecfield_linalg::BandedCholesky;

/// How smooth a curve is taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// `∫ f''²` is penalised: piecewise cubics. Safe with few points.
    Cubic,
    /// `∫ f'''²` is penalised: piecewise quintics, whose derivatives are better where samples are dense.
    #[default]
    Quintic,
}

impl Order {
    /// `m`, the order of the penalised derivative.
    pub fn derivative(self) -> usize {
        match self {
            Order::Cubic => 2,
            Order::Quintic => 3,
        }
    }
}

/// How the smoothing parameter is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Criterion {
    /// Restricted maximum likelihood; also estimates the noise.
    #[default]
    Reml,
    /// Generalised cross-validation (Craven–Wahba 1979).
    Gcv,
    /// Least unbiased estimate of the risk for noise of this standard deviation (Mallows).
    KnownNoise(f64),
    /// This `λ`, in units of time to the power `2m - 1`.
    Fixed(f64),
}

/// A smooth curve through the measurements of one variable in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct SmoothingSpline {
    times: Vec<f64>,
    /// Time unit: the mean spacing. The pieces are polynomials of `(t - tᵢ) / unit`.
    unit: f64,
    /// Coefficients per piece, lowest power first: one piece before the first time, one after each time.
    pieces: Vec<f64>,
    width: usize,
    /// `∫` from the first time to each.
    integrals: Vec<f64>,
    leverages: Vec<f64>,
    lambda: f64,
    noise: f64,
}

impl SmoothingSpline {
    /// The curve through `values` at increasing `times`.
    ///
    /// # Errors
    ///
    /// [`SindyError::TooFewPoints`] without a point.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn fit(times: &[f64], values: &[f64], order: Order, criterion: Criterion) -> Result<Self, SindyError> {
        let mut curves = Self::fit_runs(&[(times, values)], order, criterion)?;
        Ok(curves.pop().expect("one curve per run"))
    }

    /// Curves of one variable in several runs, with `λ` and the noise level in common, which short runs need.
    ///
    /// A run of `m` points or fewer is interpolated.
    ///
    /// # Errors
    ///
    /// [`SindyError::TooFewPoints`] when a run has no point.
    ///
    /// # Panics
    ///
    /// If times and values of a run differ in length.
    pub fn fit_runs(runs: &[(&[f64], &[f64])], order: Order, criterion: Criterion) -> Result<Vec<Self>, SindyError> {
        let m = order.derivative();
        let spans: f64 = runs.iter().filter(|(t, _)| t.len() > 1).map(|(t, _)| t[t.len() - 1] - t[0]).sum();
        let gaps: usize = runs.iter().map(|(t, _)| t.len().saturating_sub(1)).sum();
        if runs.iter().any(|(t, _)| t.is_empty()) {
            return Err(SindyError::TooFewPoints { found: 0, needed: 1 });
        }
        let unit = if gaps > 0 { spans / gaps as f64 } else { 1.0 };
        let mut systems: Vec<System> = runs.iter().map(|(t, y)| System::new(t, y, m, unit)).collect();
        let scale = unit.powi(2 * m as i32 - 1);
        let lambda = match criterion {
            Criterion::Fixed(lambda) => (lambda / scale).clamp(SMALLEST_LAMBDA, largest_lambda(m)),
            _ => best_lambda(&mut systems, criterion, m)?,
        };
        let noise = match criterion {
            Criterion::KnownNoise(noise) => noise,
            _ => noise_at(&mut systems, lambda)?,
        };
        systems.iter_mut().map(|system| system.curve(lambda, noise, lambda * scale)).collect()
    }

    /// The sample times.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// `f(t)`; outside the samples the polynomial of degree `m - 1` that continues it.
    pub fn value(&self, t: f64) -> f64 {
        let (piece, s) = self.piece(t);
        piece.iter().rev().fold(0.0, |sum, &c| sum * s + c)
    }

    /// `f'(t)`.
    pub fn derivative(&self, t: f64) -> f64 {
        let (piece, s) = self.piece(t);
        let powers = piece.iter().enumerate().skip(1).rev();
        powers.fold(0.0, |sum, (k, &c)| sum * s + k as f64 * c) / self.unit
    }

    /// `∫ f` from the first sample time to `t`.
    pub fn integral(&self, t: f64) -> f64 {
        let (piece, s) = self.piece(t);
        let last = self.times.partition_point(|&time| time <= t).saturating_sub(1);
        let powers = piece.iter().enumerate().rev();
        self.integrals[last] + self.unit * s * powers.fold(0.0, |sum, (k, &c)| sum * s + c / (k + 1) as f64)
    }

    /// The values at the sample times.
    pub fn fitted(&self) -> impl Iterator<Item = f64> + '_ {
        self.times.iter().map(|&t| self.value(t))
    }

    /// The noise's standard deviation: estimated, or as given.
    pub fn noise(&self) -> f64 {
        self.noise
    }

    /// The smoothing parameter `λ`.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// `∂ f(tᵢ) / ∂ yᵢ` at each sample; `noise · √leverage` is the standard error of `f(tᵢ)`.
    pub fn leverages(&self) -> &[f64] {
        &self.leverages
    }

    /// The trace of the smoother: how many free parameters the curve uses, from `m` (a polynomial) to `n` (interpolation).
    pub fn degrees_of_freedom(&self) -> f64 {
        self.leverages.iter().sum()
    }

    fn piece(&self, t: f64) -> (&[f64], f64) {
        let at = self.times.partition_point(|&time| time <= t);
        let origin = self.times[at.saturating_sub(1)];
        (&self.pieces[at * self.width..(at + 1) * self.width], (t - origin) / self.unit)
    }
}

// In units of the mean spacing. Below the smallest the curve interpolates to rounding; beyond the largest the condition of
// A, about λ, would leave fewer than four digits.
const SMALLEST_LAMBDA: f64 = 1e-9;

fn largest_lambda(m: usize) -> f64 {
    // D Dᵀ has norm 4^m on a unit grid.
    1e12 / 4.0_f64.powi(m as i32)
}

/// The banded equations of one run.
struct System {
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
struct Score {
    /// `zᵀ A⁻¹ z` for `z = D y`.
    quadratic: f64,
    log_det: f64,
    contrasts: usize,
    rss: f64,
    trace: f64,
    points: usize,
}

impl System {
    fn new(times: &[f64], values: &[f64], m: usize, unit: f64) -> Self {
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

    fn score(&mut self, lambda: f64, with_trace: bool) -> Result<Score, SindyError> {
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

    fn curve(&mut self, lambda: f64, noise: f64, lambda_in_time: f64) -> Result<SmoothingSpline, SindyError> {
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

fn total(systems: &mut [System], lambda: f64, with_trace: bool) -> Result<Score, SindyError> {
    systems.iter_mut().try_fold(Score::default(), |sum, system| {
        let score = system.score(lambda, with_trace)?;
        Ok(Score {
            quadratic: sum.quadratic + score.quadratic,
            log_det: sum.log_det + score.log_det,
            contrasts: sum.contrasts + score.contrasts,
            rss: sum.rss + score.rss,
            trace: sum.trace + score.trace,
            points: sum.points + score.points,
        })
    })
}

/// `σ² = λ zᵀ A⁻¹ z / (n - m)`.
fn noise_at(systems: &mut [System], lambda: f64) -> Result<f64, SindyError> {
    let score = total(systems, lambda, false)?;
    Ok((lambda * score.quadratic / score.contrasts.max(1) as f64).sqrt())
}

/// The minimum of the criterion over `ln λ`: a grid, then golden section around its best point.
fn best_lambda(systems: &mut [System], criterion: Criterion, m: usize) -> Result<f64, SindyError> {
    let mut evaluate = |log_lambda: f64| -> Result<f64, SindyError> {
        let lambda = log_lambda.exp();
        let score = total(systems, lambda, criterion != Criterion::Reml)?;
        let n = score.points as f64;
        Ok(match criterion {
            Criterion::Gcv => n * score.rss / (n - score.trace).max(1e-9 * n).powi(2),
            Criterion::KnownNoise(noise) => score.rss + 2.0 * noise * noise * score.trace,
            // -2 log of the density of D y, σ at its optimum. A perfect polynomial has no quadratic: any λ will do.
            _ => score.contrasts as f64 * score.quadratic.max(f64::MIN_POSITIVE).ln() + score.log_det,
        })
    };
    let (low, high) = (SMALLEST_LAMBDA.ln(), largest_lambda(m).ln());
    const GRID: usize = 24;
    const FLAT: f64 = 1e-9;
    let spacing = (high - low) / GRID as f64;
    let mut best = (f64::MAX, high);
    for k in (0..=GRID).rev() {
        let at = low + spacing * k as f64;
        let value = evaluate(at)?;
        // Where the criterion is flat to rounding the smoother curve is taken.
        if value < best.0 - FLAT * value.abs() {
            best = (value, at);
        }
    }
    let ratio = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut left, mut right) = ((best.1 - spacing).max(low), (best.1 + spacing).min(high));
    let (mut inner, mut outer) = (right - ratio * (right - left), left + ratio * (right - left));
    let (mut at_inner, mut at_outer) = (evaluate(inner)?, evaluate(outer)?);
    while right - left > 0.02 {
        // Two per cent of λ moves the curve far less than its own error.
        if at_inner <= at_outer - FLAT * at_outer.abs() {
            (right, outer, at_outer) = (outer, inner, at_inner);
            inner = right - ratio * (right - left);
            at_inner = evaluate(inner)?;
        } else {
            (left, inner, at_inner) = (inner, outer, at_outer);
            outer = left + ratio * (right - left);
            at_outer = evaluate(outer)?;
        }
    }
    Ok((0.5 * (left + right)).exp())
}
