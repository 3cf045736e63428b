//! Normal equations of a dense Jacobian, weighted by a robust loss.

use crate::{Infeasible, LeastSquares, Loss, NormalEquations};
use vecfield_linalg::{Cholesky, LinalgError, dot};

/// Buffers for problems of one size.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    residuals: Vec<f64>,
    jacobian: Vec<f64>,
    /// The Jacobian with a parameter's derivatives in a row, each weighted by the root of the loss's curvature: dot products
    /// of long rows are what vectorises.
    columns: Vec<f64>,
    normal: Vec<f64>,
    damped: Vec<f64>,
    cholesky: Cholesky<f64>,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let empty = Vec::new;
        Self {
            residuals: empty(),
            jacobian: empty(),
            columns: empty(),
            normal: empty(),
            damped: empty(),
            cholesky: Cholesky::new(0),
        }
    }

    pub(crate) fn resize(&mut self, n: usize, m: usize) {
        self.residuals.resize(m, 0.0);
        self.jacobian.resize(m * n, 0.0);
        self.columns.resize(m * n, 0.0);
        if self.cholesky.n() != n {
            self.normal = vec![0.0; n * n];
            self.damped = vec![0.0; n * n];
            self.cholesky = Cholesky::new(n);
        }
    }
}

/// A [`LeastSquares`] problem as [`NormalEquations`].
pub(crate) struct Dense<'a, P> {
    pub(crate) problem: &'a mut P,
    pub(crate) loss: Loss,
    pub(crate) work: &'a mut Workspace,
}

impl<P: LeastSquares> NormalEquations for Dense<'_, P> {
    fn parameter_count(&self) -> usize {
        self.problem.parameter_count()
    }

    fn cost(&mut self, x: &[f64]) -> Result<f64, Infeasible> {
        self.problem.residuals(x, &mut self.work.residuals)?;
        Ok(cost(self.loss, &self.work.residuals))
    }

    fn linearize(&mut self, x: &[f64], gradient: &mut [f64], diagonal: &mut [f64]) -> Result<f64, Infeasible> {
        let Workspace { residuals, jacobian, columns, normal, .. } = &mut *self.work;
        self.problem.jacobian(x, residuals, jacobian)?;
        let (n, m) = (x.len(), residuals.len());
        let cost = cost(self.loss, residuals);
        for (i, row) in jacobian.chunks_exact(n.max(1)).enumerate() {
            let (slope, curvature) = self.loss.weights(residuals[i]);
            // The exact weight is negative for far outliers; a tenth of the slope keeps the matrix definite
            // (Triggs et al. 2000, section 4.3, where the bound is left open).
            let root = curvature.max(0.1 * slope).sqrt();
            for (j, &entry) in row.iter().enumerate() {
                columns[j * m + i] = root * entry;
            }
            // So that columns · residuals is the gradient.
            residuals[i] *= if root > 0.0 { slope / root } else { 0.0 };
        }
        for i in 0..n {
            let column = &columns[i * m..(i + 1) * m];
            gradient[i] = dot(column, residuals);
            for j in 0..=i {
                let entry = dot(column, &columns[j * m..(j + 1) * m]);
                normal[i * n + j] = entry;
                normal[j * n + i] = entry;
            }
            diagonal[i] = normal[i * n + i];
            if !(diagonal[i].is_finite() && gradient[i].is_finite()) {
                return Err(Infeasible);
            }
        }
        Ok(cost)
    }

    fn solve(&mut self, damping: &[f64], gradient: &[f64], free: &[bool], step: &mut [f64]) -> Result<(), LinalgError> {
        let n = step.len();
        let Workspace { normal, damped, cholesky, .. } = &mut *self.work;
        damped.copy_from_slice(normal);
        for i in 0..n {
            if free[i] {
                damped[i * n + i] += damping[i];
                step[i] = -gradient[i];
                continue;
            }
            // A held parameter: the equation step = 0, decoupled.
            for j in 0..n {
                damped[i * n + j] = 0.0;
                damped[j * n + i] = 0.0;
            }
            damped[i * n + i] = 1.0;
            step[i] = 0.0;
        }
        cholesky.factorize(damped)?;
        cholesky.solve(step);
        Ok(())
    }

    fn curvature(&self, step: &[f64]) -> f64 {
        let n = step.len();
        step.iter().enumerate().map(|(i, s)| s * dot(&self.work.normal[i * n..(i + 1) * n], step)).sum()
    }
}

fn cost(loss: Loss, residuals: &[f64]) -> f64 {
    0.5 * if loss == Loss::Squared { dot(residuals, residuals) } else { residuals.iter().map(|&r| loss.rho(r)).sum() }
}
