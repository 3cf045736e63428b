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

mod system;

use crate::SindyError;
use system::{Score, System};

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
