//! Gradients through stochastic solves: exact for the steps taken, and the same with nothing kept.

use proptest::prelude::*;
use vecfield_adjoint::{SdeAdjoint, SdeMemory};
use vecfield_expr::{Graph, Scope, StochasticFormulas};
use vecfield_laws::is_the_pullback;
use vecfield_solvers::sde::{ALL, Areas, Brownian, SdeMethod, SdeSolution, Simulation, Steps};
use vecfield_traits::{Calculus, DriftDiffusion};

const STATES: [&str; 3] = ["x", "y", "z"];
const SPAN: (f64, f64) = (0.0, 1.0);
const TIMES: [f64; 3] = [0.0, 0.5, 1.0];

/// Three dimensions of diagonal, scalar, additive and general noise.
fn equations(calculus: Calculus) -> Vec<(&'static str, StochasticFormulas)> {
    let noises: [(&str, [&[&str]; 3]); 4] = [
        ("diagonal", [&["a*sin(x)", "0", "0"], &["0", "0.3*y", "0"], &["0", "0", "b*cos(z)"]]),
        ("scalar", [&["a*x"], &["b*sin(z)"], &["0.2*y"]]),
        ("additive", [&["a", "0.1*t"], &["0.2", "b"], &["0", "a*b"]]),
        ("general", [&["a*y", "0.2"], &["0.3*sin(x)", "b*z"], &["0.1", "a*cos(y)"]]),
    ];
    let make = |(name, rows): (&'static str, [&[&str]; 3])| {
        let mut graph = Graph::new();
        let scope = Scope::new(["x", "y", "z", "a", "b", "t"]).unwrap();
        let drift = ["a*(y - x)", "sin(x*z) - b*y", "x - 0.5*z + t"].map(|f| graph.parse(f, &scope).unwrap());
        let rows = rows.map(|row| row.iter().map(|g| graph.parse(g, &scope).unwrap()).collect::<Vec<_>>());
        (name, StochasticFormulas::new(&mut graph, &drift, &rows, &STATES, &["a", "b"], calculus).unwrap())
    };
    noises.into_iter().map(make).collect()
}

/// Of the states at all times, with weights that differ.
fn quantity(solution: &SdeSolution, bar: &mut [f64]) -> f64 {
    let mut value = 0.0;
    for (i, (y, bar)) in solution.y.iter().zip(bar).enumerate() {
        let weight = 1.0 + 0.3 * (i % 5) as f64;
        value += weight * y * y;
        *bar = 2.0 * weight * y;
    }
    value
}

fn value(formulas: &StochasticFormulas, method: SdeMethod, seed: u64, y0: &[f64], theta: [f64; 2]) -> f64 {
    let field = formulas.at(theta.to_vec());
    let motion = Brownian::new(seed, SPAN).unwrap().with_areas(Areas::SpaceTime);
    let simulation = Simulation::new(&field, method, motion, SPAN, Steps::Fixed(0.3)).unwrap();
    let solution = simulation.solve(y0, 5..7, &TIMES).unwrap();
    quantity(&solution, &mut vec![0.0; solution.y.len()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn gradients_are_finite_differences(
        seed in any::<u64>(), y0 in prop::array::uniform6(-1.0..1.0_f64), theta in prop::array::uniform2(0.2..1.0_f64),
    ) {
        for calculus in [Calculus::Ito, Calculus::Stratonovich] {
            for (name, formulas) in equations(calculus) {
                let field = formulas.at(theta.to_vec());
                for &method in ALL.iter().filter(|method| method.check(&field).is_ok()) {
                    let motion = Brownian::new(seed, SPAN).unwrap().with_areas(Areas::SpaceTime);
                    let simulation = Simulation::new(&field, method, motion, SPAN, Steps::Fixed(0.3)).unwrap();
                    let Ok(adjoint) = SdeAdjoint::new(&simulation, SdeMemory::Stored) else { continue };
                    let gradient = adjoint.gradient(&y0, 5..7, &TIMES, quantity).unwrap();
                    let here = value(&formulas, method, seed, &y0, theta);
                    prop_assert!((gradient.value - here).abs() < 1e-12 * here.abs().max(1.0), "{name} {}", method.name());
                    let all = [&y0[..], &theta].concat();
                    let value_of = |all: &[f64], out: &mut [f64]| out[0] = value(&formulas, method, seed, &all[..6], [all[6], all[7]]);
                    let pull = |w: &[f64], bar: &mut [f64]| {
                        bar.iter_mut().zip(gradient.y0.iter().chain(&gradient.theta)).for_each(|(bar, by)| *bar += w[0] * by);
                    };
                    is_the_pullback(value_of, &all, 1, pull, 1e-6, seed)
                        .map_err(|broken| TestCaseError::fail(format!("{name} {}: {broken}", method.name())))?;
                }
            }
        }
    }
}

/// Nothing kept, or everything: the same gradient to 1e-11, for steps from a half to a 256th.
#[test]
fn undone_steps_give_the_gradient_of_kept_ones() {
    for (name, formulas) in equations(Calculus::Stratonovich) {
        let field = formulas.at(vec![0.6, 0.4]);
        for k in 1..=8 {
            let motion = Brownian::new(7, SPAN).unwrap();
            let steps = Steps::Fixed(0.5_f64.powi(k));
            let simulation = Simulation::new(&field, SdeMethod::ReversibleHeun, motion, SPAN, steps).unwrap();
            let of = |memory| {
                let adjoint = SdeAdjoint::new(&simulation, memory).unwrap();
                adjoint.gradient(&[0.3, -0.2, 0.5], 0..8, &[1.0], quantity).unwrap()
            };
            let (stored, undone) = (of(SdeMemory::Stored), of(SdeMemory::Reversible));
            let all = |gradient: &vecfield_adjoint::SdeGradient| [&gradient.y0[..], &gradient.theta].concat();
            let (stored, undone) = (all(&stored), all(&undone));
            let size = stored.iter().map(|x| x * x).sum::<f64>().sqrt();
            let apart = stored.iter().zip(&undone).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            assert!(apart <= 1e-11 * size, "{name}, steps of 2^-{k}: {:e}", apart / size);
        }
    }
}

/// `dx = μ x dt + σ x dW`: on a path, `∂x²/∂μ = 2 t x²` and `∂x²/∂σ = 2 x² (W - σ t)`, of the solution itself.
#[test]
fn growth_has_the_gradient_of_its_closed_form() {
    let mut graph = Graph::new();
    let scope = Scope::new(["x", "m", "s"]).unwrap();
    // After Stratonovich: the drift loses half of the square of the noise.
    let drift = graph.parse("(m - s^2/2)*x", &scope).unwrap();
    let diffusion = graph.parse("s*x", &scope).unwrap();
    let rows = [vec![diffusion]];
    let formulas =
        StochasticFormulas::new(&mut graph, &[drift], &rows, &["x"], &["m", "s"], Calculus::Stratonovich).unwrap();
    let (m, s) = (0.1, 0.3);
    let field = formulas.at(vec![m, s]);
    let method = SdeMethod::named("slowrk").unwrap();
    let motion = Brownian::new(11, SPAN).unwrap().with_areas(method.areas());
    let paths = 64;
    let simulation = Simulation::new(&field, method, motion, SPAN, Steps::Fixed(1.0 / 4096.0)).unwrap();
    let mean = |solution: &SdeSolution, bar: &mut [f64]| {
        bar.iter_mut().zip(&solution.y).for_each(|(bar, x)| *bar = 2.0 * x / paths as f64);
        solution.y.iter().map(|x| x * x).sum::<f64>() / paths as f64
    };
    let adjoint = SdeAdjoint::new(&simulation, SdeMemory::Stored).unwrap();
    let gradient = adjoint.gradient(&[1.0], 0..paths as u64, &[1.0], mean).unwrap();
    let mut walker = motion.walker(1, 0, paths);
    walker.query(0.0, 1.0).unwrap();
    let of_paths = |f: &dyn Fn(f64, f64) -> f64| {
        let one = |&w: &f64| f(w, (2.0 * (m - 0.5 * s * s + s * w)).exp());
        walker.w().iter().map(one).sum::<f64>() / paths as f64
    };
    let (by_m, by_s) = (of_paths(&|_, x2| 2.0 * x2), of_paths(&|w, x2| 2.0 * x2 * (w - s)));
    assert!((gradient.theta[0] - by_m).abs() < 1e-6 * by_m.abs(), "{} against {by_m}", gradient.theta[0]);
    assert!((gradient.theta[1] - by_s).abs() < 1e-6 * (1.0 + by_s.abs()), "{} against {by_s}", gradient.theta[1]);
}

#[test]
fn what_has_no_way_back_is_refused() {
    let (_, formulas) = equations(Calculus::Ito).remove(0);
    let field = formulas.at(vec![0.5, 0.5]);
    assert_eq!(field.noise().columns, 3);
    let motion = Brownian::new(1, SPAN).unwrap().with_areas(Areas::SpaceTime);
    let ask = |method: &str, steps, memory| {
        let simulation = Simulation::new(&field, SdeMethod::named(method).unwrap(), motion, SPAN, steps).unwrap();
        let adjoint = SdeAdjoint::new(&simulation, memory);
        adjoint.and_then(|adjoint| adjoint.gradient(&[0.0; 3], 0..2, &[1.0], quantity)).unwrap_err().to_string()
    };
    let fixed = Steps::Fixed(0.1);
    let error = ask("sriw1", fixed, SdeMemory::Stored);
    assert!(error.contains("a pass back") && error.contains("euler-maruyama"), "{error}");
    let error = ask("euler-maruyama", fixed, SdeMemory::Reversible);
    assert!(error.contains("can be undone"), "{error}");
    let error = ask("euler-maruyama", Steps::Adaptive { rtol: 0.1, atol: 0.1 }, SdeMemory::Stored);
    assert!(error.contains("Steps::Fixed"), "{error}");
}
