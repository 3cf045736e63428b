//! Time per evaluation of right-hand sides given as formulas: `cargo run --release -p vecfield-expr --example speed`.

use std::hint::black_box;
use std::time::Instant;

use vecfield_expr::{ExprField, Graph, Scope};
use vecfield_traits::{ParametricField, VectorField};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lorenz = ["sigma*(y - x)", "x*(rho - z) - y", "x*y - beta*z"];
    time("Lorenz", &["x", "y", "z"], &lorenz, &[("sigma", 10.0), ("rho", 28.0), ("beta", 8.0 / 3.0)])?;
    let lotka = ["a*hare - b*hare*lynx", "c*hare*lynx - d*lynx"];
    time("Lotka-Volterra", &["hare", "lynx"], &lotka, &[("a", 0.55), ("b", 0.028), ("c", 0.026), ("d", 0.84)])?;
    let pendulum = ["v", "-9.81/length*sin(x) - drag*v*abs(v) + cos(t)"];
    time("driven pendulum", &["x", "v"], &pendulum, &[("length", 1.0), ("drag", 0.1)])?;
    Ok(())
}

fn time(
    name: &str,
    states: &[&str],
    equations: &[&str],
    parameters: &[(&str, f64)],
) -> Result<(), Box<dyn std::error::Error>> {
    let mut graph = Graph::new();
    let names: Vec<&str> = parameters.iter().map(|&(name, _)| name).collect();
    let scope = Scope::new(states.iter().chain(&names).copied().chain(["t"]))?;
    let equations = equations.iter().map(|text| graph.parse(text, &scope)).collect::<Result<Vec<_>, _>>()?;
    let field = ExprField::new(&graph, &equations, states, &names)?;
    let at = field.at(parameters.iter().map(|&(_, value)| value).collect());
    let (mut work, mut y, mut dy) = (at.workspace(), vec![0.3_f64; states.len()], vec![0.0; states.len()]);
    let calls = 10_000_000;
    let start = Instant::now();
    for i in 0..calls {
        at.eval(f64::from(i) * 1e-3, black_box(&y), &mut dy, &mut work);
        // Each call waits for the one before, as in an integration.
        for (y, dy) in y.iter_mut().zip(&dy) {
            *y = 0.3 + 1e-9 * dy;
        }
    }
    black_box(&dy);
    let nanoseconds = start.elapsed().as_secs_f64() * 1e9 / f64::from(calls);
    println!("{name:20} {nanoseconds:6.1} ns, {} instructions", field.program().instruction_count());
    Ok(())
}
