//! The beginning of a solve of `M dy/dt = f(t, y)` with singular `M`, backwards: values that were moved to obey the algebraic
//! equations depend on those that were not, by the implicit function theorem.
//!
//! Where zero rows of `M` face as many zero columns, `f_E(y_D, y_A) = 0` gives with `u` from `(∂f_E/∂y_A)ᵀ u = ȳ_A`
//!
//! ```text
//! ȳ_D -= (∂f_E/∂y_D)ᵀ u        θ̄ -= (∂f_E/∂θ)ᵀ u
//! ```
//!
//! Otherwise the values come from one short implicit Euler step, `σM (y - y₀) = f(y)`.

use vecfield_linalg::Lu;
use vecfield_traits::{Elementary, Jacobian, Mass, Real, Vjp};

use super::collocation::dense_jacobian;
use super::rosenbrock::transposed_mass;
use super::stagewise::shifted;
use super::{Bars, add_scaled};
use crate::AdjointError;

/// Pulls the cotangent of consistent values at `(t, y)` back to the values that were given; adds to the parameters' cotangent
/// and to that of `t`.
pub(crate) fn pull_start<R: Real, F: Jacobian<R> + Vjp<R>>(
    field: &F,
    work: &mut F::Workspace,
    (t, y): (R, &[R]),
    bars: &mut Bars<R>,
) -> Result<(), AdjointError> {
    let Some(mass) = field.mass() else { return Ok(()) };
    let n = y.len();
    let (equations, components, diagonal) = algebraic(mass, n);
    if components.is_empty() && equations.is_empty() && diagonal {
        return Ok(());
    }
    let (mut jacobian, mut time) = (vec![R::zero(); n * n], vec![R::zero(); n]);
    dense_jacobian(field, false, (t, y), (&mut jacobian, &mut time), work);
    let singular = |_| AdjointError::SingularStage { t: t.to_f64(), step: 0.0 };
    let mut u = vec![R::zero(); n];
    if !equations.is_empty() && equations.len() == components.len() {
        let m = components.len();
        let mut lu = Lu::new(m);
        let places = || equations.iter().flat_map(|&i| components.iter().map(move |&j| i * n + j));
        lu.factorize_with(|block| block.iter_mut().zip(places()).for_each(|(to, from)| *to = jacobian[from]))
            .map_err(singular)?;
        let mut right: Vec<R> = components.iter().map(|&j| bars.y[j]).collect();
        lu.solve_transpose(&mut right);
        equations.iter().zip(&right).for_each(|(&i, right)| u[i] = -*right);
        bars.t += field.vjp(t, y, &u, &mut bars.y, &mut bars.theta, work);
        components.iter().for_each(|&j| bars.y[j] = R::zero());
        return Ok(());
    }
    let largest = jacobian.iter().fold(R::one(), |largest, entry| Elementary::max(largest, entry.abs()));
    let sigma = largest / R::EPSILON.sqrt();
    let mut lu = Lu::new(n);
    lu.factorize_with(|matrix| shifted(matrix, sigma, field, &jacobian)).map_err(singular)?;
    u.copy_from_slice(&bars.y);
    lu.solve_transpose(&mut u);
    let mut given = vec![R::zero(); n];
    bars.t += field.vjp(t, y, &u, &mut given, &mut bars.theta, work);
    given.fill(R::zero());
    transposed_mass(field, &u, &mut given);
    bars.y.fill(R::zero());
    add_scaled(&mut bars.y, sigma, &given);
    Ok(())
}

/// The rows and the columns of zeros, and whether the rest is diagonal.
fn algebraic<R: Real>(mass: &Mass<R>, n: usize) -> (Vec<usize>, Vec<usize>, bool) {
    let (mut rows, mut columns, mut diagonal) = (vec![true; n], vec![true; n], true);
    for ((i, j), entry) in mass.sparsity().places().zip(mass.entries()) {
        if *entry != R::zero() {
            (rows[i], columns[j]) = (false, false);
            diagonal &= i == j;
        }
    }
    let zero = |flags: &[bool]| (0..n).filter(|&i| flags[i]).collect::<Vec<usize>>();
    (zero(&rows), zero(&columns), diagonal)
}
