//! How surely the data fix the constants: the covariance of a fit from its Gauss–Newton matrix.

use crate::AdjointError;
use crate::fit::{Fit, FitOptions};
use crate::shooting::{Differentiable, Shooting};
use vecfield_data::Trajectories;
use vecfield_linalg::Cholesky;
use vecfield_optim::NormalEquations;

/// Covariances of a fit, to first order in the noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Uncertainty {
    /// Covariance of the free constants (`[p, p]`, row-major), with the initial states integrated out.
    pub covariance: Vec<f64>,
    /// Standard errors of the free constants.
    pub stderr: Vec<f64>,
    /// Standard errors of the prediction at every row of every run (`[rows, dim]`, run after run), in the states' own units.
    pub band: Vec<f64>,
}

impl Uncertainty {
    /// The covariance `(JᵀΣ⁻¹J)⁻¹` of `fit`, where `Σ` holds the noise levels corrected for the number of unknowns
    /// (`σ² n/(n - k)`, since residuals shrink with every fitted constant).
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
        let p = options.free.len();
        let observed: usize = fit.misfit.iter().map(|(_, count)| count).sum();
        let free = free_unknowns(fit, options);
        let unknowns = free.iter().filter(|free| **free).count();
        if observed <= unknowns {
            return Err(AdjointError::TooFewObservations { observed, unknowns });
        }
        let inflation = (observed as f64 / (observed - unknowns) as f64).sqrt();
        let measurement = options.measurement(fit.sigma.iter().map(|s| s * inflation).collect());
        let mut problem = Shooting::new(
            family,
            data,
            measurement,
            fit.windows.clone(),
            options.free.clone(),
            &fit.theta,
            &options.solver,
        )?;
        let mut x: Vec<f64> = options.free.iter().map(|&i| fit.theta[i]).collect();
        x.extend(&fit.starts);
        let (mut gradient, mut diagonal) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        problem.linearize(&x, &mut gradient, &mut diagonal).map_err(|_| AdjointError::Lost)?;

        let mut factor = Cholesky::new(p);
        factor.factorize(problem.arrow().information(&free)?)?;
        let mut covariance = vec![0.0; p * p];
        for j in 0..p {
            let column = &mut covariance[j * p..(j + 1) * p];
            column[j] = 1.0;
            factor.solve(column);
        }
        let stderr = (0..p).map(|i| covariance[i * p + i].sqrt()).collect();
        let band = Self::band(&mut problem, &x, &free, p)?;
        Ok(Self { covariance, stderr, band })
    }

    /// Standard errors of the predicted states: `√(s (JᵀΣ⁻¹J)⁻¹ sᵀ)` with `s` the sensitivities of the state to constants
    /// and window start, by one solve per state.
    fn band<F: Differentiable>(
        problem: &mut Shooting<'_, F>,
        x: &[f64],
        free: &[bool],
        p: usize,
    ) -> Result<Vec<f64>, AdjointError> {
        let (n, dim) = (x.len(), problem.dim());
        let damping = vec![0.0; n];
        let (mut wanted, mut solved) = (vec![0.0; n], vec![0.0; n]);
        let mut band = Vec::new();
        for k in 0..problem.windows().len() {
            problem.sweep(x, k).map_err(|_| AdjointError::Lost)?;
            let own = p + k * dim;
            for q in 0..problem.windows()[k].rows.len() * dim {
                wanted.fill(0.0);
                let row = problem.sensitivity(q);
                wanted[..p].copy_from_slice(&row[..p]);
                wanted[own..own + dim].copy_from_slice(&row[p..]);
                let negative: Vec<f64> = wanted.iter().map(|w| -w).collect();
                problem.solve(&damping, &negative, free, &mut solved)?;
                let variance: f64 = wanted.iter().zip(&solved).map(|(a, b)| a * b).sum();
                band.push(variance.max(0.0).sqrt());
            }
        }
        Ok(band)
    }
}

/// Which unknowns are not known beforehand: all constants that were fitted, and the starts but for held ones.
fn free_unknowns(fit: &Fit, options: &FitOptions) -> Vec<bool> {
    let mut free = vec![true; options.free.len() + fit.starts.len()];
    for (k, _) in fit.windows.iter().enumerate().filter(|(_, window)| window.rows.start == 0) {
        for &state in &options.held_initial {
            free[options.free.len() + k * fit.dim + state] = false;
        }
    }
    free
}
