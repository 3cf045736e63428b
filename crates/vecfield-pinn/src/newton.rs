//! [`newton`]: Gauss–Newton on all rows at once, with a backtracking line search.

use crate::mesh::Field;
use crate::staircase::Staircase;
use crate::system::System;

/// What Newton's method came to.
pub(crate) struct Outcome {
    pub(crate) field: Field,
    pub(crate) constants: Vec<f64>,
    /// Did the last step change next to nothing?
    pub(crate) converged: bool,
    pub(crate) iterations: usize,
    /// The square root of the weighted sum of squares.
    pub(crate) residual: f64,
    /// The last linearisation.
    pub(crate) staircase: Option<Staircase>,
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) iterations: usize,
    /// The relative change of coefficients that counts as none.
    pub(crate) tolerance: f64,
}

/// Minimises the rows of `system` from `field` on; `go_on` is asked before each step.
pub(crate) fn newton(
    system: &mut System<'_>,
    mut field: Field,
    mut constants: Vec<f64>,
    limits: Limits,
    go_on: &mut dyn FnMut() -> bool,
) -> Outcome {
    system.calibrate(&field, &constants);
    let linear = system.problem.is_linear();
    let mut merit = system.merit(&field, &constants);
    let (mut converged, mut iterations, mut staircase) = (false, 0, None);
    while iterations < limits.iterations && !converged && (iterations == 0 || go_on()) {
        let step = system.step(&field, &constants);
        iterations += 1;
        let size = |x: &[f64]| vecfield_kernels::dot(x, x).sqrt();
        let change = size(&step.coefficients) / size(&field.coefficients).max(1e-300);
        let mut accepted = None;
        let mut length = 1.0;
        while length > 1e-4 {
            let mut tried = field.clone();
            vecfield_kernels::axpy(length, &step.coefficients, &mut tried.coefficients);
            let moved: Vec<f64> = constants.iter().zip(&step.constants).map(|(c, d)| c + length * d).collect();
            let found = system.merit(&tried, &moved);
            // At the bottom rounding alone decides: a step that changes nothing is a step.
            if found < merit || (linear && found.is_finite()) || (length == 1.0 && change < limits.tolerance) {
                accepted = Some((tried, moved, found));
                break;
            }
            length *= 0.5;
        }
        staircase = Some(step.staircase);
        let Some((tried, moved, found)) = accepted else {
            // No shorter step helps: the minimum, as far as rounding lets it be seen.
            converged = merit.is_finite() && change < 1e3 * limits.tolerance;
            break;
        };
        let slow = found > 0.98 * merit && length == 1.0;
        (field, constants, merit) = (tried, moved, found);
        converged = linear || (length == 1.0 && (change < limits.tolerance || (slow && change < 1e-2)));
    }
    Outcome { field, constants, converged, iterations, residual: merit.sqrt(), staircase }
}
