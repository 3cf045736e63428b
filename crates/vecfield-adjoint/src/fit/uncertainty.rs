//! How surely the data fix the constants: the covariance of a fit from its Gauss–Newton matrix, and the combinations of unknowns
//! that the data cannot see, from the singular values of its Jacobian.

use vecfield_data::Trajectories;
use vecfield_linalg::{Cholesky, norm, svd};
use vecfield_optim::NormalEquations;

use super::options::FitOptions;
use super::shooting::Shooting;
use super::{Fit, Scale};
use crate::{AdjointError, Differentiable};

/// Covariances of a fit, to first order in the noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Uncertainty {
    /// Covariance of the unknown constants (`[p, p]`, row-major), with the initial states integrated out. They are the free ones in
    /// order; one that differs between runs stands there once for each.
    pub covariance: Vec<f64>,
    /// Standard errors of the same.
    pub stderr: Vec<f64>,
    /// Standard errors of the prediction at every row of every run (`[rows, dim]`, run after run), in the states' own units.
    pub band: Vec<f64>,
}

/// A combination of unknowns that the data cannot see.
#[derive(Debug, Clone, PartialEq)]
pub struct Blind {
    /// How much each unknown constant moves along it, relative to its own value, the largest being one; ordered as in
    /// [`Uncertainty::covariance`].
    pub constants: Vec<f64>,
    /// How much the start of each window moves along it, in the same measure, `[windows, dim]`.
    pub starts: Vec<f64>,
    /// How little the predictions move along it, relative to the direction they move most along.
    pub sensitivity: f64,
}

impl Uncertainty {
    /// The covariance `(JᵀΣ⁻¹J)⁻¹` of `fit`, where `Σ` holds the noise levels corrected for the number of unknowns
    /// (`σ² n/(n - k)`, since residuals shrink with every fitted constant) where these were estimated.
    ///
    /// # Errors
    ///
    /// [`AdjointError::Undetermined`] when a combination of unknowns leaves the residuals as they are.
    pub fn of<F: Differentiable>(
        family: &F,
        data: &Trajectories,
        fit: &Fit,
        options: &FitOptions,
    ) -> Result<Self, AdjointError> {
        let (mut problem, free) = at_noise(family, data, fit, options)?;
        let x = &fit.x;
        let (mut gradient, mut diagonal) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        problem.linearize(x, &mut gradient, &mut diagonal).map_err(|_| AdjointError::Lost)?;

        let slots = problem.unknowns().slots.clone();
        let p = slots.len();
        let mut factor = Cholesky::new(p);
        factor.factorize(problem.arrow().information(&free)?)?;
        let mut covariance = vec![0.0; p * p];
        for j in 0..p {
            let column = &mut covariance[j * p..(j + 1) * p];
            column[j] = 1.0;
            factor.solve(column);
        }
        // From the scales the constants were moved in to their own.
        let slopes: Vec<f64> = slots.iter().zip(x).map(|(slot, &x)| slot.slope(slot.value(x))).collect();
        for (at, entry) in covariance.iter_mut().enumerate() {
            *entry *= slopes[at / p] * slopes[at % p];
        }
        let stderr = (0..p).map(|i| covariance[i * p + i].sqrt()).collect();
        let band = Self::band(&mut problem, x, &free, p)?;
        Ok(Self { covariance, stderr, band })
    }

    /// The correlation of two unknown constants.
    pub fn correlation(&self, i: usize, j: usize) -> f64 {
        let p = self.stderr.len();
        self.covariance[i * p + j] / (self.stderr[i] * self.stderr[j])
    }

    /// Standard errors of the predicted states: `√(s (JᵀΣ⁻¹J)⁻¹ sᵀ)` with `s` the sensitivities of the state to constants
    /// and window start, by one solve per state.
    fn band<F: Differentiable>(
        problem: &mut Shooting<'_, F>,
        x: &[f64],
        free: &[bool],
        p: usize,
    ) -> Result<Vec<f64>, AdjointError> {
        let n = x.len();
        let damping = vec![0.0; n];
        let (mut wanted, mut solved) = (vec![0.0; n], vec![0.0; n]);
        let mut band = Vec::new();
        for k in 0..problem.windows().len() {
            problem.sweep(x, k)?;
            for q in 0..problem.windows()[k].rows.len() * problem.dim() {
                problem.slopes_into(k, q, &mut wanted);
                let negative: Vec<f64> = wanted.iter().map(|w| -w).collect();
                problem.solve(&damping, &negative, free, &mut solved)?;
                let variance: f64 = wanted.iter().zip(&solved).map(|(a, b)| a * b).sum();
                band.push(variance.max(0.0).sqrt());
            }
        }
        debug_assert!(p <= n);
        Ok(band)
    }
}

impl Blind {
    /// The combinations along which the predictions of `fit` move less than `threshold` times as much as along the best one, the
    /// least visible first: right singular vectors of the Jacobian by the unknowns' relative changes. (An unknown that is zero counts
    /// by its absolute change.)
    ///
    /// Derivatives come through the solver, with its tolerance: a threshold below that finds nothing.
    ///
    /// # Errors
    ///
    /// When the fit cannot be evaluated again.
    pub fn directions<F: Differentiable>(
        family: &F,
        data: &Trajectories,
        fit: &Fit,
        options: &FitOptions,
        threshold: f64,
    ) -> Result<Vec<Blind>, AdjointError> {
        let sigma = fit.sigma.clone();
        let mut problem = Shooting::new(family, data, options, fit.windows.clone(), &fit.thetas, sigma)?;
        let free = problem.unknowns().free(problem.windows(), options);
        let jacobian = problem.jacobian(&fit.x)?;
        let n = fit.x.len();
        let slots = &problem.unknowns().slots;
        let scale = |k: usize| match slots.get(k) {
            Some(slot) if slot.scale == Scale::Log => 1.0,
            _ if fit.x[k] == 0.0 => 1.0,
            _ => fit.x[k].abs(),
        };
        let kept: Vec<usize> = (0..n).filter(|&k| free[k]).collect();
        let m = kept.len();
        if m == 0 || jacobian.is_empty() {
            return Ok(vec![]);
        }
        let mut rows: Vec<f64> =
            jacobian.chunks_exact(n).flat_map(|row| kept.iter().map(|&k| row[k] * scale(k))).collect();
        // Fewer rows than columns leave directions open: rows of zeros say so.
        rows.resize(rows.len().max(m * m), 0.0);
        let size = norm(&rows);
        if size == 0.0 || !size.is_finite() {
            return Err(AdjointError::Lost);
        }
        rows.iter_mut().for_each(|entry| *entry /= size);
        let decomposition = svd(&rows, rows.len() / m, m)?;
        let largest = decomposition.sigma[0];
        let blind = |at: usize| {
            let vector = &decomposition.v_transposed[at * m..(at + 1) * m];
            let most = vector.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(1.0);
            let mut direction = vec![0.0; n];
            for (&k, part) in kept.iter().zip(vector) {
                direction[k] = part / most;
            }
            let starts = direction.split_off(slots.len());
            Blind { constants: direction, starts, sensitivity: decomposition.sigma[at] / largest }
        };
        let found = (0..m).rev().map(blind).take_while(|blind| blind.sensitivity < threshold);
        Ok(found.collect())
    }
}

/// The problem at the noise levels that the fit speaks of, and which of its unknowns are free.
fn at_noise<'a, F: Differentiable>(
    family: &'a F,
    data: &'a Trajectories,
    fit: &Fit,
    options: &'a FitOptions,
) -> Result<(Shooting<'a, F>, Vec<bool>), AdjointError> {
    let layout = super::Unknowns::new(options, data.runs().len(), &fit.thetas, fit.dim);
    let free = layout.free(&fit.windows, options);
    let observed = fit.misfit.iter().map(|(_, count)| count).sum::<usize>();
    let told =
        options.priors.iter().map(|prior| layout.slots.iter().filter(|s| s.parameter == prior.parameter).count());
    let known = observed + told.sum::<usize>();
    let unknowns = free.iter().filter(|free| **free).count();
    if known <= unknowns {
        return Err(AdjointError::TooFewObservations { observed, unknowns });
    }
    // Every prior is worth one of the unknowns.
    let inflation = match options.estimate_sigma {
        true => (known as f64 / (known - unknowns) as f64).sqrt(),
        false => 1.0,
    };
    let sigma = fit.sigma.iter().map(|s| s * inflation).collect();
    Ok((Shooting::new(family, data, options, fit.windows.clone(), &fit.thetas, sigma)?, free))
}
