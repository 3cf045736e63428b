//! Integrals along a solution are differentiated like the state, by every family of methods.

use vecfield_adjoint::{AdjointError, Budget, Cotangents, Discrete, Integrals, Lane};
use vecfield_solvers::{Method, Options};
use vecfield_traits::{Elementary, Jacobian, VectorField};

use crate::discrete::Problem;

const THETA: [f64; 3] = [1.3, 0.2, 2.0];
const START: [f64; 3] = [0.8, -0.3, 0.5];

fn integrands(t: Lane<f64>, y: &[Lane<f64>], theta: &[Lane<f64>], q: &mut [Lane<f64>]) {
    q[0] = y[0] * y[0] + theta[1] * y[1] * t;
    q[1] = (y[2] * theta[0]).sin();
}

/// The weighted integrals up to 2 and the state there, with the gradient by initial state and parameters.
fn weighted(
    method: Method,
    problem: Problem,
    start: &[f64; 3],
    theta: &[f64; 3],
) -> Result<(f64, [f64; 6]), AdjointError> {
    let family = problem.family();
    let mut field = Integrals::new(family.at::<f64>(theta.to_vec()), 2, integrands);
    assert_eq!((field.dim(), field.mass().is_some()), (5, problem == Problem::Algebraic));
    let mut adjoint = Discrete::new(method, 5, &Options::fixed(0.05), Budget::everything())?;
    let y0 = [start[0], start[1], start[2], 0.0, 0.0];
    let bars = [0.2, 0.0, -0.5, 1.0, 0.7];
    let solution = adjoint.solve(&mut field, (0.0, 2.0), &y0, &[])?;
    let found = adjoint.pull_back(&mut field, &Cotangents::end(&bars))?;
    let value = solution.last().iter().zip(bars).map(|(y, bar)| y * bar).sum();
    Ok((value, core::array::from_fn(|i| if i < 3 { found.initial[i] } else { found.parameters[i - 3] })))
}

#[test]
fn gradients_of_integrals_are_differences() -> Result<(), AdjointError> {
    let named = |name| Method::named(name).unwrap();
    for (method, problem) in [
        (named("tsit5"), Problem::Whole),
        (Method::Radau5, Problem::Whole),
        (Method::Bdf, Problem::Whole),
        (named("gauss4"), Problem::Whole),
        (Method::Radau5, Problem::Algebraic),
    ] {
        let (_, gradient) = weighted(method, problem, &START, &THETA)?;
        for (i, found) in gradient.into_iter().enumerate() {
            let moved = |h: f64| {
                let by =
                    |x: &[f64; 3], from: usize| core::array::from_fn(|j| x[j] + if i == j + from { h } else { 0.0 });
                weighted(method, problem, &by(&START, 0), &by(&THETA, 3)).unwrap().0
            };
            let by = vecfield_laws::difference(moved);
            assert!((found - by).abs() < 2e-9, "{} {problem:?} {i}: {found}, differences {by}", method.name());
        }
    }
    Ok(())
}
