//! Laws of nonlinear least squares and of descent.

mod broyden;
mod covariance;
mod descent;
mod lbfgs;
mod minima;
mod robust;

use vecfield_optim::Infeasible;

/// Rosenbrock's valley in every pair of numbers, and its gradient.
pub(crate) fn valley(x: &[f64], g: &mut [f64]) -> Result<f64, Infeasible> {
    g.fill(0.0);
    let mut value = 0.0;
    for i in 0..x.len() / 2 {
        let (a, b) = (1.0 - x[2 * i], x[2 * i + 1] - x[2 * i] * x[2 * i]);
        value += a * a + 100.0 * b * b;
        g[2 * i] = -2.0 * a - 400.0 * x[2 * i] * b;
        g[2 * i + 1] = 200.0 * b;
    }
    Ok(value)
}
