//! Gradients pass a declared discontinuity as they pass any other time: it is fixed, and nothing jumps there.

use core::ops::ControlFlow;

use vecfield_adjoint::{AdjointError, Budget, Cotangents, Directions, Discrete, Rewind, push_forward};
use vecfield_expr::{Graph, Scope, SymbolicField};
use vecfield_solvers::reversible::REVERSIBLE_TSIT5;
use vecfield_solvers::{Integrator, Method, Options};

/// `y' = a (s - y)`, where `s` goes from -1 to 1 at `t = 1`.
fn family() -> SymbolicField {
    let mut graph = Graph::new();
    let scope = Scope::new(["t", "y", "a"]).unwrap();
    let rate = graph.parse("a*(sign(t - 1) - y)", &scope).unwrap();
    SymbolicField::new(&mut graph, &[rate], &["y"], &["a"]).unwrap()
}

const SPAN: (f64, f64) = (0.0, 3.0);
/// One before, one at, two after the discontinuity.
const TIMES: [f64; 4] = [0.5, 1.0, 1.5, 3.0];
const WEIGHTS: [f64; 4] = [0.7, -0.4, 0.9, 1.3];
const START: f64 = 1.0;
const RATE: f64 = 2.0;

fn options() -> Options<f64> {
    Options { discontinuities: vec![1.0], ..Options::tolerances(1e-10, 1e-12) }
}

/// The derivatives of the weighted sum by the start and by `a`, from `y = s + (y₀ - s) e^(-at)`.
fn exact() -> [f64; 2] {
    let (mut by_start, mut by_rate) = (0.0, 0.0);
    for (t, weight) in TIMES.into_iter().zip(WEIGHTS) {
        let decay = (-RATE * t).exp();
        by_start += weight * decay;
        by_rate -= weight * t * (START + 1.0) * decay;
        if t > 1.0 {
            by_rate += 2.0 * weight * (t - 1.0) * (-RATE * (t - 1.0)).exp();
        }
    }
    [by_start, by_rate]
}

fn assert_exact(found: [f64; 2], what: &str) {
    for (found, exact) in found.into_iter().zip(exact()) {
        assert!((found - exact).abs() < 1e-8, "{what}: {found}, not {exact}");
    }
}

#[test]
fn cotangents_pass_it() -> Result<(), AdjointError> {
    let family = family();
    for name in ["auto", "tsit5", "verner9", "radau5", "rodas5p", "kvaerno5", "reversible-tsit5"] {
        for budget in [Budget::everything(), Budget::slots(2)] {
            let method = Method::named(name).expect("a method of ours");
            let mut field = family.at(vec![RATE]);
            let mut adjoint = Discrete::new(method, 1, &options(), budget)?;
            match adjoint.solve(&mut field, SPAN, &[START], &TIMES) {
                // Not every family can be taken up halfway.
                Err(unfinished) if matches!(unfinished.error, AdjointError::NoCheckpoints { .. }) => continue,
                ended => ended?,
            };
            let gradient = adjoint.pull_back(&mut field, &Cotangents::saved(&WEIGHTS))?;
            assert_exact([gradient.initial[0], gradient.parameters[0]], name);
        }
    }
    Ok(())
}

#[test]
fn the_way_back_passes_it() -> Result<(), AdjointError> {
    let family = family();
    let mut field = family.at(vec![RATE]);
    let mut back = Rewind::new(&REVERSIBLE_TSIT5, 1, &options())?;
    back.solve(&mut field, SPAN, &[START], &TIMES)?;
    let gradient = back.pull_back(&mut field, &Cotangents::saved(&WEIGHTS))?;
    assert_exact([gradient.initial[0], gradient.parameters[0]], "rewind");
    Ok(())
}

#[test]
fn tangents_pass_it() -> Result<(), AdjointError> {
    let family = family();
    for name in ["tsit5", "radau5"] {
        let mut field = family.at(vec![RATE]);
        let mut integrator = Integrator::new(Method::named(name).expect("a method of ours"), 1, &options())?;
        let mut go_on = |_: f64| ControlFlow::Continue(());
        let all = Directions::all(1, 1);
        let (_, moved) = push_forward(
            &mut integrator,
            &mut field,
            family.field(),
            SPAN,
            &[START],
            &TIMES,
            &mut [],
            &all,
            &mut go_on,
        )?;
        let sum = |direction: usize| (0..4).map(|k| WEIGHTS[k] * moved.saved[2 * k + direction]).sum();
        assert_exact([sum(0), sum(1)], name);
    }
    Ok(())
}
