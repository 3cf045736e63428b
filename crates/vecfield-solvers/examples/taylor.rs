//! Taylor series against Verner's ninth-order pair at tight tolerances: error and time of whole solves, formulas as text.
//!
//! `cargo run --release -p vecfield-solvers --example taylor`

use std::time::Instant;

use vecfield_autodiff::Lifted;
use vecfield_expr::{Graph, Scope, SymbolicField};
use vecfield_solvers::{Dynamics, Integrator, Method, Options};
use vecfield_traits::{Elementary, Jacobian};

/// A problem: formulas, initial values, the end and the solution there.
struct Case {
    name: &'static str,
    states: Vec<String>,
    rates: Vec<String>,
    y0: Vec<f64>,
    end: f64,
    exact: Vec<f64>,
}

fn main() {
    for case in [lorenz(), kepler(), van_der_pol(), pleiades()] {
        println!("{}", case.name);
        let mut graph = Graph::new();
        let scope = Scope::new(case.states.iter().map(String::as_str).chain(["t"])).expect("names");
        let rates: Vec<_> = case.rates.iter().map(|rate| graph.parse(rate, &scope).expect("a formula")).collect();
        let family = SymbolicField::new(&mut graph, &rates, &case.states, &[] as &[&str]).expect("a field");
        for exponent in [8, 10, 12, 13, 14, 15] {
            let rtol = 10.0_f64.powi(-exponent);
            for method in ["verner9", "taylor"] {
                run(&case, &family.at(Vec::new()), method, rtol);
            }
        }
    }
    let case = lorenz();
    println!("{}, written in Rust", case.name);
    for method in ["verner9", "taylor"] {
        run(&case, &Lifted::new(Lorenz, Vec::new()), method, 1e-12);
    }
}

fn run<F: Jacobian<f64>>(case: &Case, field: &F, method: &str, rtol: f64) {
    let n = case.y0.len();
    let method = Method::named(method).expect("a method");
    let mut integrator = Integrator::new(method, n, &Options::tolerances(rtol, rtol)).expect("options");
    let (mut work, mut out) = (field.workspace(), vec![0.0; n]);
    let (mut best, mut stats) = (f64::INFINITY, None);
    for _ in 0..7 {
        let start = Instant::now();
        let done = integrator.sample_with(field, &mut work, 0.0, &case.y0, &[case.end], &mut out);
        best = best.min(start.elapsed().as_secs_f64());
        match done {
            Ok(done) => stats = Some(done),
            Err(error) => println!("    {error}"),
        }
    }
    let Some(stats) = stats else { return };
    let error = out.iter().zip(&case.exact).map(|(y, exact)| (y - exact).abs()).fold(0.0, f64::max);
    let (name, steps, rejected) = (method.name(), stats.steps, stats.rejected);
    println!("  {rtol:.0e} {name:8} error {error:.1e}  {:9.1} us  {steps} steps, {rejected} rejected", best * 1e6);
}

struct Lorenz;

impl Dynamics for Lorenz {
    fn dim(&self) -> usize {
        3
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let number = S::constant;
        dy[0] = number(10.0) * (y[1] - y[0]);
        dy[1] = y[0] * (number(28.0) - y[2]) - y[1];
        dy[2] = y[0] * y[1] - number(8.0 / 3.0) * y[2];
    }
}

fn case(name: &'static str, equations: &[(&str, &str)], y0: &[f64], end: f64, exact: Vec<f64>) -> Case {
    let states = equations.iter().map(|(state, _)| (*state).to_owned()).collect();
    let rates = equations.iter().map(|(_, rate)| (*rate).to_owned()).collect();
    Case { name, states, rates, y0: y0.to_vec(), end, exact }
}

fn lorenz() -> Case {
    let equations = [("x", "10*(y - x)"), ("y", "x*(28 - z) - y"), ("z", "x*y - 8/3*z")];
    // By Taylor series of order 40 in 50 digits.
    let exact = vec![-4.902687541134648, -3.743872921802919, 24.69085810279056];
    case("Lorenz, t = 10", &equations, &[1.0, 1.0, 1.0], 10.0, exact)
}

fn van_der_pol() -> Case {
    let exact = vec![2.008149762174949, -0.04250887527320215];
    case("van der Pol, mu = 1, t = 20", &[("x", "v"), ("v", "(1 - x^2)*v - x")], &[2.0, 0.0], 20.0, exact)
}

/// Two bodies, eccentricity 0.6, ten turns: back at the start.
fn kepler() -> Case {
    let equations = [("x", "u"), ("y", "v"), ("u", "-x/(x^2 + y^2)^1.5"), ("v", "-y/(x^2 + y^2)^1.5")];
    let y0 = [0.4, 0.0, 0.0, 2.0];
    case("two bodies, e = 0.6, ten turns", &equations, &y0, 10.0 * std::f64::consts::TAU, y0.to_vec())
}

/// Hairer–Nørsett–Wanner I, II.10, with the solution at 3 given there to a few digits: the distance from it is shown.
fn pleiades() -> Case {
    let (mut states, mut rates) = (Vec::new(), Vec::new());
    for axis in ["x", "y", "u", "v"] {
        states.extend((1..=7).map(|i| format!("{axis}{i}")));
    }
    for axis in ["u", "v"] {
        rates.extend((1..=7).map(|i| format!("{axis}{i}")));
    }
    for axis in ["x", "y"] {
        for i in 1..=7 {
            let pull = (1..=7).filter(|&j| j != i).map(|j| {
                let (a, b) = (i.min(j), i.max(j));
                format!("{j}*({axis}{j} - {axis}{i})/((x{b} - x{a})^2 + (y{b} - y{a})^2)^1.5")
            });
            rates.push(pull.collect::<Vec<_>>().join(" + "));
        }
    }
    let y0 = [
        3.0, 3.0, -1.0, -3.0, 2.0, -2.0, 2.0, 3.0, -3.0, 2.0, 0.0, 0.0, -4.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.75, -1.5,
        0.0, 0.0, 0.0, -1.25, 1.0, 0.0, 0.0,
    ];
    let exact = vec![
        0.3706139143970502,
        3.237284092057233,
        -3.222559032418324,
        0.659709145577531,
        0.3425581707156584,
        1.562172101400631,
        -0.7003092922212495,
    ];
    Case { name: "Pleiades, t = 3", states, rates, y0: y0.to_vec(), end: 3.0, exact }
}
