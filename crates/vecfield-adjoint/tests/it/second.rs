//! Products of Hessians with vectors are derivatives of gradients, and symmetric.

use vecfield_adjoint::{AdjointError, Budget, Cotangents, Curvature, Discrete, Moving, Tangent};
use vecfield_solvers::tableau::{DOP853, TSIT5, Tableau};
use vecfield_solvers::{Integrator, Options, Save};

use crate::discrete::family;

const THETA: [f64; 3] = [1.3, 0.2, 2.0];
const START: [f64; 3] = [0.8, -0.3, 0.5];
const TIMES: [f64; 3] = [0.0, 1.27, 2.03];

/// `Σ y²/2` over the saved states, whose cotangents are the states themselves.
fn gradient(tableau: &'static Tableau, options: &Options<f64>, at: &[f64; 6]) -> Result<[f64; 6], AdjointError> {
    let family = family();
    let mut field = family.at(at[3..].to_vec());
    let mut adjoint = Discrete::explicit(tableau, 3, options, Budget::everything())?;
    let solution = adjoint.solve(&mut field, (0.0, 2.03), &at[..3], &TIMES)?;
    let found = adjoint.pull_back(&mut field, &Cotangents::saved(&solution.y))?;
    Ok(core::array::from_fn(|i| if i < 3 { found.initial[i] } else { found.parameters[i - 3] }))
}

/// The gradient, and the Hessian times `v`.
fn product(
    tableau: &'static Tableau,
    options: &Options<f64>,
    v: &[f64; 6],
) -> Result<([f64; 6], [f64; 6]), AdjointError> {
    let family = family();
    let mut curvature = Curvature::new(tableau, 3, options)?;
    let tangent = Tangent { initial: &v[..3], parameters: &v[3..] };
    let moved = curvature.solve(family.field(), &THETA, (0.0, 2.03), &START, &TIMES, tangent)?;
    let found = curvature.pull_back(family.field(), &moved.y)?;
    let all: Vec<Moving<f64>> = found.initial.into_iter().chain(found.parameters).collect();
    Ok((core::array::from_fn(|i| all[i].value), core::array::from_fn(|i| all[i].tangent[0])))
}

const POINT: [f64; 6] = [START[0], START[1], START[2], THETA[0], THETA[1], THETA[2]];
const V: [f64; 6] = [0.3, -1.0, 0.7, 0.2, 0.9, -0.4];
const W: [f64; 6] = [-0.8, 0.1, 0.6, 1.0, -0.5, 0.3];

#[test]
fn products_are_differences_of_gradients() -> Result<(), AdjointError> {
    let options = Options::fixed(0.0625);
    for tableau in [&TSIT5, &DOP853] {
        let (value, along) = product(tableau, &options, &V)?;
        let moved = |h: f64| gradient(tableau, &options, &core::array::from_fn(|i| POINT[i] + h * V[i]));
        let [forth, back, here] = [moved(1e-4)?, moved(-1e-4)?, moved(0.0)?];
        for i in 0..6 {
            let by = (forth[i] - back[i]) / 2e-4;
            assert!((along[i] - by).abs() < 1e-7 * by.abs().max(1.0), "{} {i}: {} and {by}", tableau.name, along[i]);
            assert!((value[i] - here[i]).abs() < 1e-12, "{} {i}: {} and {}", tableau.name, value[i], here[i]);
        }
    }
    Ok(())
}

#[test]
fn hessians_are_symmetric_whatever_the_steps() -> Result<(), AdjointError> {
    let options = Options::tolerances(1e-6, 1e-8);
    let dot = |a: &[f64; 6], b: &[f64; 6]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for tableau in [&TSIT5, &DOP853] {
        let (left, right) = (dot(&W, &product(tableau, &options, &V)?.1), dot(&V, &product(tableau, &options, &W)?.1));
        assert!((left - right).abs() < 1e-11 * left.abs().max(1.0), "{}: {left} and {right}", tableau.name);
    }
    Ok(())
}

/// The tangents of the states are those of the solve, which takes the steps it takes without them.
#[test]
fn values_are_those_of_the_solve() -> Result<(), AdjointError> {
    let options = Options::tolerances(1e-8, 1e-8);
    let family = family();
    let mut curvature = Curvature::new(&TSIT5, 3, &options)?;
    let tangent = Tangent { initial: &V[..3], parameters: &V[3..] };
    let moved = curvature.solve(family.field(), &THETA, (0.0, 2.03), &START, &TIMES, tangent)?;
    let mut alone = Integrator::explicit(&TSIT5, 3, &options)?;
    let alone = alone.solve(&family.at(THETA.to_vec()), (0.0, 2.03), &START, Save::At(&TIMES)).unwrap();
    assert_eq!(moved.stats.steps, alone.stats.steps);
    for (moved, alone) in moved.y.iter().zip(&alone.y) {
        assert!((moved.value - alone).abs() < 1e-13);
    }
    Ok(())
}
