//! Tangents carried forward and cotangents pulled back are two ways to one number.

use core::ops::ControlFlow;

use vecfield_adjoint::{AdjointError, Budget, Cotangents, Crossing, Directions, Discrete, push_forward};
use vecfield_expr::{Graph, Scope, SymbolicField};
use vecfield_solvers::{Integrator, Method, Options, SolveError};

use crate::discrete::{Problem, family};

const THETA: [f64; 3] = [1.3, 0.2, 2.0];
const START: [f64; 3] = [0.8, -0.3, 0.5];
const TIMES: [f64; 3] = [0.4, 1.1, 2.0];

/// `⟨w, Dφ v⟩ = ⟨Dφᵀ w, v⟩` for each direction by itself and a cotangent of every saved state, through the `crossings`.
fn tangents_and_cotangents_agree<'a>(
    family: &SymbolicField,
    method: Method,
    crossings: &dyn Fn() -> Vec<Crossing<'a, f64>>,
) -> Result<bool, AdjointError> {
    let options = match method.fixed_step() {
        true => Options::fixed(0.05),
        false => Options::tolerances(1e-8, 1e-10),
    };
    let mut field = family.at(THETA.to_vec());
    let mut go_on = |_: f64| ControlFlow::Continue(());
    let mut integrator = Integrator::new(method, 3, &options)?;
    let all = Directions::all(3, 3);
    let mut events = crossings();
    let span = (0.0, 2.0);
    let pushed =
        push_forward(&mut integrator, &mut field, family.field(), span, &START, &TIMES, &mut events, &all, &mut go_on);
    let (pushed, moved) = match pushed {
        Err(unfinished) => match unfinished.error {
            AdjointError::NoPushForward | AdjointError::Solve(SolveError::NotOffered { .. }) => return Ok(false),
            error => return Err(error),
        },
        Ok(pushed) => pushed,
    };
    let mut discrete = Discrete::new(method, 3, &options, Budget::everything())?;
    let solution = discrete.solve_with_events(&mut field, span, &START, &TIMES, &mut events, &mut go_on)?;
    assert!(solution == pushed, "{}: the solve is the same", method.name());
    for q in 0..9 {
        let mut weights = [0.0; 9];
        weights[q] = 1.0;
        let cotangents = Cotangents::saved(&weights);
        let gradient = discrete.pull_back_with_events(&mut field, &cotangents, &mut events, &mut go_on)?;
        let size = gradient.initial.iter().chain(&gradient.parameters).fold(0.0_f64, |size, g| size.max(g.abs()));
        for (k, found) in gradient.initial.iter().chain(&gradient.parameters).enumerate() {
            let (row, i) = (q / 3, q % 3);
            let tangent = moved.saved[row * 18 + k * 3 + i];
            let name = method.name();
            assert!(
                (tangent - found).abs() <= rounding(method) * size,
                "{name} {q} {k}: {tangent:e} forward, {found:e} back"
            );
        }
    }
    Ok(true)
}

/// Both ways round a few times a step, and a method with large weights of both signs loses as many digits as they have.
fn rounding(method: Method) -> f64 {
    let Method::Explicit(tableau) = method else { return 1e-12 };
    let weights = tableau.a.iter().copied().flatten().chain(tableau.b);
    1e-12 * weights.fold(1.0, |largest: f64, weight| largest.max(weight.abs()))
}

#[test]
fn along_smooth_solves() -> Result<(), AdjointError> {
    let family = family();
    let mut checked = 0;
    for method in Method::all() {
        checked += usize::from(tangents_and_cotangents_agree(&family, method, &Vec::new)?);
    }
    assert!(checked >= 10);
    Ok(())
}

#[test]
fn through_jumps() -> Result<(), AdjointError> {
    let family = family();
    let kick = || {
        vec![
            Crossing::falling(|t, y: &[_], theta: &[_], out: &mut [_]| out[0] = y[0] - theta[1] * t)
                .jump(|t, y, theta, out| (out[0], out[1], out[2]) = (y[0] * theta[0] + t, -y[1] * y[2], y[2])),
        ]
    };
    for method in [Method::named("tsit5")?, Method::named("dop853")?, Method::Radau5, Method::Auto] {
        assert!(tangents_and_cotangents_agree(&family, method, &kick)?);
    }
    Ok(())
}

/// Where the algebraic component begins depends on the others.
#[test]
fn from_consistent_values() -> Result<(), AdjointError> {
    for method in [Method::Radau5, Method::Auto] {
        assert!(tangents_and_cotangents_agree(&Problem::Algebraic.family(), method, &Vec::new)?);
    }
    Ok(())
}

/// Robertson's problem over a long time, where rates differ by nine orders of magnitude.
#[test]
fn along_a_stiff_solve() -> Result<(), AdjointError> {
    let mut graph = Graph::new();
    let scope = Scope::new(["x", "y", "z", "a", "b", "c"]).unwrap();
    let equations = ["-a*x + c*y*z", "a*x - c*y*z - b*y^2", "b*y^2"].map(|text| graph.parse(text, &scope).unwrap());
    let family = SymbolicField::new(&mut graph, &equations, &["x", "y", "z"], &["a", "b", "c"]).unwrap();
    assert!(tangents_and_cotangents_agree(&family, Method::Auto, &Vec::new)?);
    assert!(tangents_and_cotangents_agree(&family, Method::Radau5, &Vec::new)?);
    Ok(())
}
