//! What can be minimised: residuals with a Jacobian, or anything that can form and solve its own normal equations.

use vecfield_linalg::LinalgError;

/// The model has no value at this point: infinite cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Infeasible;

/// Residuals `r(x)`, `x ∈ ℝⁿ`, `r ∈ ℝᵐ`, and their Jacobian.
///
/// Methods take `&mut self` so that a problem may keep scratch memory; the same `x` must give the same values.
pub trait LeastSquares {
    /// `n`, the number of parameters.
    fn parameter_count(&self) -> usize;

    /// `m`, the number of residuals.
    fn residual_count(&self) -> usize;

    /// Writes `r(x)` into `r` (`[m]`, garbage on entry).
    ///
    /// # Errors
    ///
    /// [`Infeasible`] where the model cannot be evaluated. A residual that is not finite has the same effect.
    fn residuals(&mut self, x: &[f64], r: &mut [f64]) -> Result<(), Infeasible>;

    /// Writes `r(x)` into `r` (`[m]`) and `∂rᵢ/∂xⱼ` into `jacobian[i n + j]` (`[m, n]`); both hold garbage on entry.
    ///
    /// # Errors
    ///
    /// [`Infeasible`] where the derivative cannot be evaluated.
    fn jacobian(&mut self, x: &[f64], r: &mut [f64], jacobian: &mut [f64]) -> Result<(), Infeasible>;
}

/// A problem that keeps `JᵀJ` in a form of its own (blocks, bands) and solves with it.
///
/// [`LevenbergMarquardt::minimize_structured`](crate::LevenbergMarquardt::minimize_structured) asks for nothing else, so that multiple
/// shooting can eliminate its initial states block by block, without an `n × n` matrix.
pub trait NormalEquations {
    /// `n`, the number of parameters.
    fn parameter_count(&self) -> usize;

    /// The cost `½ Σ ρ(r²)` at `x`.
    ///
    /// # Errors
    ///
    /// [`Infeasible`] where the model cannot be evaluated. A cost that is not finite has the same effect.
    fn cost(&mut self, x: &[f64]) -> Result<f64, Infeasible>;

    /// Forms the normal equations at `x` and keeps them: returns the cost, writes the gradient `Jᵀr` and the diagonal of `JᵀJ`
    /// (both `[n]`, garbage on entry).
    ///
    /// # Errors
    ///
    /// [`Infeasible`] where the derivative cannot be evaluated.
    fn linearize(&mut self, x: &[f64], gradient: &mut [f64], diagonal: &mut [f64]) -> Result<f64, Infeasible>;

    /// With the equations of the last [`linearize`](NormalEquations::linearize): writes into `step` (`[n]`) the solution of
    /// `(JᵀJ + diag(damping)) step = -gradient` over the parameters with `free[i]`, and zero at the others. May be called several
    /// times, with other dampings, for one `linearize`.
    ///
    /// # Errors
    ///
    /// [`LinalgError`] when the matrix is not positive definite: the damping is raised.
    fn solve(&mut self, damping: &[f64], gradient: &[f64], free: &[bool], step: &mut [f64]) -> Result<(), LinalgError>;

    /// `‖J step‖² = stepᵀ JᵀJ step`, with the equations of the last `linearize`.
    fn curvature(&self, step: &[f64]) -> f64;
}

/// A closure `f(x, r)` as a problem, with the Jacobian by central differences.
#[derive(Debug, Clone)]
pub struct FromResiduals<F> {
    parameters: usize,
    residuals: usize,
    f: F,
    x: Vec<f64>,
    forth: Vec<f64>,
    back: Vec<f64>,
}

impl<F: FnMut(&[f64], &mut [f64])> FromResiduals<F> {
    /// The problem of `n` parameters and `m` residuals that `f(x, r)` writes into `r`.
    pub fn new(n: usize, m: usize, f: F) -> Self {
        Self { parameters: n, residuals: m, f, x: vec![0.0; n], forth: vec![0.0; m], back: vec![0.0; m] }
    }
}

impl<F: FnMut(&[f64], &mut [f64])> LeastSquares for FromResiduals<F> {
    fn parameter_count(&self) -> usize {
        self.parameters
    }

    fn residual_count(&self) -> usize {
        self.residuals
    }

    fn residuals(&mut self, x: &[f64], r: &mut [f64]) -> Result<(), Infeasible> {
        (self.f)(x, r);
        Ok(())
    }

    fn jacobian(&mut self, x: &[f64], r: &mut [f64], jacobian: &mut [f64]) -> Result<(), Infeasible> {
        (self.f)(x, r);
        self.x.copy_from_slice(x);
        for j in 0..self.parameters {
            // ε^(1/3) balances truncation and rounding of a central difference.
            let h = f64::EPSILON.cbrt() * x[j].abs().max(1e-3);
            let (up, down) = (x[j] + h, x[j] - h);
            self.x[j] = up;
            (self.f)(&self.x, &mut self.forth);
            self.x[j] = down;
            (self.f)(&self.x, &mut self.back);
            self.x[j] = x[j];
            for (i, (forth, back)) in self.forth.iter().zip(&self.back).enumerate() {
                jacobian[i * self.parameters + j] = (forth - back) / (up - down);
            }
        }
        Ok(())
    }
}
