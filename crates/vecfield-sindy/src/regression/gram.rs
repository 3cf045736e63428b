//! One equation's regression as normal equations: solved on supports, checked for dependence.

use crate::{Library, SindyError};
use vecfield_linalg::{Cholesky, LinalgError, axpy, dot};

/// What the residuals of a regression are taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoiseModel {
    /// White Gaussian noise on the measurements (integral form).
    WhiteOnValues,
    /// White Gaussian noise on the derivatives; in truth differences of neighbours are correlated.
    WhiteOnDerivatives,
}

/// Normal equations of one equation: `min ‖Z θ - r‖²` through `ZᵀZ`, `Zᵀr` and `rᵀr`.
#[derive(Debug, Clone, PartialEq)]
pub struct GramSystem {
    /// `ZᵀZ`, `[p, p]`.
    pub gram: Vec<f64>,
    /// `Zᵀr`, `[p]`.
    pub rhs: Vec<f64>,
    /// `rᵀr`.
    pub total: f64,
    /// `Σ r`.
    pub(crate) sum: f64,
    /// Independent rows: samples less one per window.
    pub rows: usize,
    /// What the residuals are taken to be.
    pub noise: NoiseModel,
}

/// Writes the lower triangle of an `n × n` matrix above its diagonal too.
pub(crate) fn mirror(matrix: &mut [f64], n: usize) {
    for i in 0..n {
        (0..i).for_each(|j| matrix[j * n + i] = matrix[i * n + j]);
    }
}

impl GramSystem {
    /// A system of `p` features without rows.
    pub fn new(p: usize, noise: NoiseModel) -> Self {
        Self { gram: vec![0.0; p * p], rhs: vec![0.0; p], total: 0.0, sum: 0.0, rows: 0, noise }
    }

    /// The system of the row-major matrix `z` and the right-hand side `r`.
    ///
    /// # Panics
    ///
    /// If `z` does not have as many rows as `r`.
    pub fn from_rows(z: &[f64], r: &[f64], noise: NoiseModel) -> Self {
        let p = if r.is_empty() { 0 } else { z.len() / r.len() };
        assert_eq!(z.len(), p * r.len(), "the matrix must have a row per right-hand side");
        let mut system = Self::new(p, noise);
        for (row, &r) in z.chunks_exact(p.max(1)).zip(r) {
            system.add_row(row, r);
        }
        system.mirror();
        system.rows = r.len();
        system
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.rhs.len()
    }

    /// Has it no feature?
    pub fn is_empty(&self) -> bool {
        self.rhs.is_empty()
    }

    /// Adds a row and its right-hand side.
    pub(super) fn add_row(&mut self, row: &[f64], r: f64) {
        self.add_left(row);
        self.add_right(row, r);
    }

    /// The features of a row alone, to the lower triangle.
    pub(super) fn add_left(&mut self, row: &[f64]) {
        let p = self.len();
        for i in 0..p {
            axpy(row[i], &row[..=i], &mut self.gram[i * p..=i * p + i]);
        }
    }

    /// The right-hand side of a row alone.
    pub(super) fn add_right(&mut self, row: &[f64], r: f64) {
        axpy(r, row, &mut self.rhs);
        self.total += r * r;
        self.sum += r;
    }

    /// `Σ (r - mean)²`.
    pub(crate) fn spread(&self) -> f64 {
        self.total - self.sum * self.sum / (self.rows as f64).max(1.0)
    }

    pub(super) fn mirror(&mut self) {
        let p = self.len();
        mirror(&mut self.gram, p);
    }

    /// The least-squares coefficients on `support`, with `ridge` added to the diagonal, and their residual sum of squares.
    ///
    /// # Errors
    ///
    /// [`SindyError::SingularSupport`] when features of the support depend on each other.
    pub fn solve(&self, support: &[usize], ridge: f64) -> Result<(Vec<f64>, f64), SindyError> {
        let (p, k) = (self.len(), support.len());
        let scale: Vec<f64> = support.iter().map(|&i| (self.gram[i * p + i] + ridge).sqrt()).collect();
        if let Some(at) = scale.iter().position(|&s| s <= 0.0) {
            return Err(SindyError::SingularSupport { feature: support[at] });
        }
        let mut matrix = vec![0.0; k * k];
        for (a, &i) in support.iter().enumerate() {
            for (b, &j) in support.iter().enumerate() {
                let entry = self.gram[i * p + j] + if a == b { ridge } else { 0.0 };
                matrix[a * k + b] = entry / (scale[a] * scale[b]);
            }
        }
        let mut cholesky = Cholesky::new(k);
        cholesky.factorize(&matrix).map_err(|error| match error {
            LinalgError::NotPositiveDefinite { row, .. } => SindyError::SingularSupport { feature: support[row] },
            _ => SindyError::SingularSupport { feature: support.first().copied().unwrap_or(0) },
        })?;
        let right: Vec<f64> = support.iter().zip(&scale).map(|(&i, s)| self.rhs[i] / s).collect();
        let mut theta = right.clone();
        cholesky.solve(&mut theta);
        // ‖Zθ - r‖², ridge or not. One step of refinement: the Gram matrix has squared the condition.
        let mut left = right.clone();
        for (a, left) in left.iter_mut().enumerate() {
            *left -= dot(&matrix[a * k..(a + 1) * k], &theta);
        }
        cholesky.solve(&mut left);
        theta.iter_mut().zip(&left).for_each(|(t, l)| *t += l);
        let coefficients: Vec<f64> = theta.iter().zip(&scale).map(|(t, s)| t / s).collect();
        Ok((coefficients.clone(), self.rss(support, &coefficients)))
    }

    /// `‖Z θ - r‖²` for coefficients on a support; never negative, and good to about `ε rᵀr`.
    pub fn rss(&self, support: &[usize], coefficients: &[f64]) -> f64 {
        let p = self.len();
        let mut sum = self.total;
        for (&i, &a) in support.iter().zip(coefficients) {
            let row: f64 = support.iter().zip(coefficients).map(|(&j, &b)| self.gram[i * p + j] * b).sum();
            sum += a * (row - 2.0 * self.rhs[i]);
        }
        sum.max(0.0)
    }

    /// Adds the rows of another.
    pub(super) fn add(&mut self, other: &GramSystem) {
        axpy(1.0, &other.gram, &mut self.gram);
        axpy(1.0, &other.rhs, &mut self.rhs);
        self.total += other.total;
        self.sum += other.sum;
        self.rows += other.rows;
    }

    /// The system of all rows of several.
    pub(crate) fn sum<'a>(systems: impl Iterator<Item = &'a GramSystem>) -> Self {
        let mut sum: Option<Self> = None;
        for system in systems {
            let Some(sum) = &mut sum else {
                sum = Some(system.clone());
                continue;
            };
            sum.add(system);
        }
        sum.unwrap_or_else(|| Self::new(0, NoiseModel::WhiteOnValues))
    }

    /// The system of the first `p` features when the features `fixed` have coefficient 1: their part goes to the right-hand side.
    pub fn reduced(&self, p: usize, fixed: &[usize]) -> Self {
        let all = self.len();
        let mut system = Self::new(p, self.noise);
        system.rows = self.rows;
        system.total = self.rss(fixed, &vec![1.0; fixed.len()]);
        for i in 0..p {
            system.gram[i * p..(i + 1) * p].copy_from_slice(&self.gram[i * all..i * all + p]);
            system.rhs[i] = self.rhs[i] - fixed.iter().map(|&k| self.gram[i * all + k]).sum::<f64>();
        }
        system
    }

    /// The system of some of the features.
    pub(crate) fn on(&self, places: &[usize]) -> Self {
        let p = self.len();
        let mut system =
            Self { sum: self.sum, total: self.total, rows: self.rows, ..Self::new(places.len(), self.noise) };
        for (a, &i) in places.iter().enumerate() {
            system.rhs[a] = self.rhs[i];
            places.iter().enumerate().for_each(|(b, &j)| system.gram[a * places.len() + b] = self.gram[i * p + j]);
        }
        system
    }

    /// The residual with every feature in, dependent or not.
    pub(crate) fn dense_rss(&self) -> f64 {
        let p = self.len();
        let scale: Vec<f64> = (0..p).map(|i| self.gram[i * p + i].max(f64::MIN_POSITIVE).sqrt()).collect();
        let mut ridge = 1e-13;
        loop {
            let scaled: Vec<f64> = (0..p * p)
                .map(|at| self.gram[at] / (scale[at / p] * scale[at % p]) + if at % (p + 1) == 0 { ridge } else { 0.0 })
                .collect();
            let mut cholesky = Cholesky::new(p);
            if cholesky.factorize(&scaled).is_ok() {
                let mut theta: Vec<f64> = self.rhs.iter().zip(&scale).map(|(h, s)| h / s).collect();
                cholesky.solve(&mut theta);
                theta.iter_mut().zip(&scale).for_each(|(t, s)| *t /= s);
                return self.rss(&(0..p).collect::<Vec<_>>(), &theta);
            }
            ridge *= 10.0;
            if ridge > 1.0 {
                return self.total; // not finite, or empty
            }
        }
    }

    /// Standard errors of the coefficients `theta` (`[p]`) on their support: `σ² (Z_AᵀZ_A)⁻¹`, zero off it.
    ///
    /// # Errors
    ///
    /// [`SindyError::SingularSupport`].
    pub fn standard_errors(&self, theta: &[f64]) -> Result<Vec<f64>, SindyError> {
        let p = self.len();
        let support: Vec<usize> = (0..p).filter(|&i| theta[i] != 0.0).collect();
        let k = support.len();
        let (_, rss) = self.solve(&support, 0.0)?;
        let variance = rss / (self.rows as f64 - k as f64).max(1.0);
        let sub: Vec<f64> = (0..k * k)
            .map(|at| {
                let (i, j) = (support[at / k], support[at % k]);
                self.gram[i * p + j] / (self.gram[i * p + i] * self.gram[j * p + j]).sqrt()
            })
            .collect();
        let mut cholesky = Cholesky::new(k);
        cholesky.factorize(&sub).map_err(|_| SindyError::SingularSupport { feature: support[0] })?;
        let mut inverse = vec![0.0; k * k];
        cholesky.inverse_into(&mut inverse);
        let mut errors = vec![0.0; p];
        for (a, &i) in support.iter().enumerate() {
            errors[i] = (variance * inverse[a * k + a] / self.gram[i * p + i]).sqrt();
        }
        Ok(errors)
    }

    /// Is no feature zero, and no pair proportional? Weaker than [`check`](GramSystem::check).
    ///
    /// # Errors
    ///
    /// [`SindyError::ZeroFeature`], [`SindyError::Collinear`].
    pub fn check_pairs(&self, library: &Library) -> Result<(), SindyError> {
        self.check_pairs_of(&|i| library.features()[i].key().to_string())
    }

    /// The same with what the features are called.
    pub(crate) fn check_pairs_of(&self, name: &dyn Fn(usize) -> String) -> Result<(), SindyError> {
        let p = self.len();
        for i in 0..p {
            if self.gram[i * p + i] == 0.0 {
                return Err(SindyError::ZeroFeature { feature: name(i) });
            }
        }
        let cosine = |i: usize, j: usize| self.gram[i * p + j] / (self.gram[i * p + i] * self.gram[j * p + j]).sqrt();
        for i in 0..p {
            for j in 0..i {
                if cosine(i, j).abs() >= 1.0 - 1e-12 {
                    return Err(SindyError::Collinear { first: name(j), second: name(i) });
                }
            }
        }
        Ok(())
    }

    /// Are the features of `library` independent on these data? Names what is not.
    ///
    /// # Errors
    ///
    /// [`SindyError::ZeroFeature`], [`SindyError::Collinear`], [`SindyError::Dependent`], [`SindyError::MoreFeaturesThanRows`].
    pub fn check(&self, library: &Library) -> Result<(), SindyError> {
        self.check_of(&|i| library.features()[i].key().to_string())
    }

    /// The same with what the features are called.
    pub(crate) fn check_of(&self, name: &dyn Fn(usize) -> String) -> Result<(), SindyError> {
        let p = self.len();
        if self.rows <= p {
            return Err(SindyError::MoreFeaturesThanRows { features: p, rows: self.rows });
        }
        self.check_pairs_of(name)?;
        let cosine = |i: usize, j: usize| self.gram[i * p + j] / (self.gram[i * p + i] * self.gram[j * p + j]).sqrt();
        // What is left of each feature after those before it; at rounding level it is a combination of them.
        let scaled: Vec<f64> = (0..p * p).map(|at| cosine(at / p, at % p)).collect();
        let mut cholesky = Cholesky::new(p);
        let dependent = match cholesky.factorize(&scaled) {
            Err(LinalgError::NotPositiveDefinite { row, .. }) => Some(row),
            Err(_) => Some(0),
            Ok(()) => (0..p).find(|&i| cholesky.lower(i, i).powi(2) < 1e-14),
        };
        match dependent {
            None => Ok(()),
            Some(row) => {
                let (before, _) = self.solve_ridged(row);
                let mut parts: Vec<(f64, usize)> =
                    before.iter().enumerate().map(|(j, c)| (c.abs() * self.gram[j * p + j].sqrt(), j)).collect();
                parts.sort_by(|a, b| b.0.total_cmp(&a.0));
                let largest = parts.first().map_or(0.0, |part| part.0);
                let others: Vec<String> =
                    parts.iter().take(6).take_while(|part| part.0 > 1e-3 * largest).map(|part| name(part.1)).collect();
                Err(SindyError::Dependent { feature: name(row), others: others.join(", ") })
            }
        }
    }

    /// Feature `row` as a combination of those before it, as far as rounding lets.
    fn solve_ridged(&self, row: usize) -> (Vec<f64>, f64) {
        let p = self.len();
        let mut sub = Self::new(row, self.noise);
        for i in 0..row {
            for j in 0..row {
                sub.gram[i * row + j] = self.gram[i * p + j];
            }
            sub.gram[i * row + i] *= 1.0 + 1e-12;
            sub.rhs[i] = self.gram[i * p + row];
        }
        sub.total = self.gram[row * p + row];
        sub.solve(&(0..row).collect::<Vec<_>>(), 0.0).unwrap_or((vec![0.0; row], 0.0))
    }
}

/// A symmetric positive definite matrix, factorised with its diagonal scaled to one: features may be in any units.
#[derive(Debug, Clone)]
pub(crate) struct Equilibrated {
    cholesky: Cholesky<f64>,
    diagonal: Vec<f64>,
    /// Its roots.
    scale: Vec<f64>,
}

impl Equilibrated {
    /// Factorises `m`, `[k, k]`; `None` where it is not positive definite.
    pub(crate) fn new(m: &[f64], k: usize) -> Option<Self> {
        let diagonal: Vec<f64> = (0..k).map(|i| m[i * k + i]).collect();
        let scale: Vec<f64> = diagonal.iter().map(|d| d.max(f64::MIN_POSITIVE).sqrt()).collect();
        let ridge = |at: usize| if at.is_multiple_of(k + 1) { 1e-11 } else { 0.0 };
        let scaled: Vec<f64> = (0..k * k).map(|at| m[at] / (scale[at / k] * scale[at % k]) + ridge(at)).collect();
        let mut cholesky = Cholesky::new(k);
        cholesky.factorize(&scaled).ok()?;
        Some(Self { cholesky, diagonal, scale })
    }

    /// `M⁻¹ b`.
    pub(crate) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x: Vec<f64> = b.iter().zip(&self.scale).map(|(b, scale)| b / scale).collect();
        self.cholesky.solve(&mut x);
        x.iter_mut().zip(&self.scale).for_each(|(x, scale)| *x /= scale);
        x
    }

    /// `bᵀ M⁻¹ b`.
    pub(crate) fn form(&self, b: &[f64]) -> f64 {
        let scaled: Vec<f64> = b.iter().zip(&self.scale).map(|(b, scale)| b / scale).collect();
        let mut solved = scaled.clone();
        self.cholesky.solve(&mut solved);
        dot(&scaled, &solved)
    }

    /// `log det M`.
    pub(crate) fn log_det(&self) -> f64 {
        self.cholesky.log_det() + 2.0 * self.scale.iter().map(|s| s.ln()).sum::<f64>()
    }

    /// The diagonal of `M⁻¹`.
    pub(crate) fn inverse_diagonal(&self) -> Vec<f64> {
        let k = self.diagonal.len();
        let mut inverse = vec![0.0; k * k];
        self.cholesky.inverse_into(&mut inverse);
        self.diagonal.iter().enumerate().map(|(i, d)| inverse[i * k + i] / d).collect()
    }
}

/// The part of `m`, `[p, p]`, on a support, and the places of that.
fn on_support(m: &[f64], support: &[bool]) -> (Vec<f64>, Vec<usize>) {
    let p = support.len();
    let active: Vec<usize> = (0..p).filter(|&i| support[i]).collect();
    let k = active.len();
    ((0..k * k).map(|at| m[active[at / k] * p + active[at % k]]).collect(), active)
}

/// `M_AA⁻¹ h_A`, zero off the support.
pub(crate) fn solve_on(m: &[f64], h: &[f64], support: &[bool]) -> Option<Vec<f64>> {
    let (sub, active) = on_support(m, support);
    let factor = Equilibrated::new(&sub, active.len())?;
    // A feature that is zero everywhere has no coefficient.
    if factor.diagonal.iter().any(|d| *d <= 0.0) {
        return None;
    }
    let mut full = vec![0.0; h.len()];
    let theta = factor.solve(&active.iter().map(|&i| h[i]).collect::<Vec<_>>());
    active.iter().zip(theta).for_each(|(&i, theta)| full[i] = theta);
    full.iter().all(|c| c.is_finite()).then_some(full)
}

/// The diagonal of `M_AA⁻¹`, zero off the support.
pub(crate) fn inverse_diagonal(m: &[f64], support: &[bool]) -> Option<Vec<f64>> {
    let (sub, active) = on_support(m, support);
    let mut diagonal = vec![0.0; support.len()];
    let inverse = Equilibrated::new(&sub, active.len())?.inverse_diagonal();
    active.iter().zip(inverse).for_each(|(&i, d)| diagonal[i] = d);
    Some(diagonal)
}
