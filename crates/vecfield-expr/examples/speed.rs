//! Time per evaluation of right-hand sides given as formulas, and of formulas over many rows:
//! `cargo run --release -p vecfield-expr --example speed`.

use std::hint::black_box;
use std::time::Instant;

use vecfield_expr::{ExprField, Graph, Program, Scope};
use vecfield_kernels::VectorMath;
use vecfield_traits::{ParametricField, VectorField};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lorenz = ["sigma*(y - x)", "x*(rho - z) - y", "x*y - beta*z"];
    time("Lorenz", &["x", "y", "z"], &lorenz, &[("sigma", 10.0), ("rho", 28.0), ("beta", 8.0 / 3.0)])?;
    let lotka = ["a*hare - b*hare*lynx", "c*hare*lynx - d*lynx"];
    time("Lotka-Volterra", &["hare", "lynx"], &lotka, &[("a", 0.55), ("b", 0.028), ("c", 0.026), ("d", 0.84)])?;
    let pendulum = ["v", "-9.81/length*sin(x) - drag*v*abs(v) + cos(t)"];
    time("driven pendulum", &["x", "v"], &pendulum, &[("length", 1.0), ("drag", 0.1)])?;
    time_rows::<f64>("arithmetic f64", "(x*y - 2.5*z)*(x + y*z) - x*x/3*y + z*(y - x)*x")?;
    time_rows::<f32>("arithmetic f32", "(x*y - 2.5*z)*(x + y*z) - x*x/3*y + z*(y - x)*x")?;
    time_rows::<f64>("no division f64", "(x*y - 2.5*z)*(x + y*z) - x*x*y + z*(y - x)*x")?;
    time_rows::<f32>("no division f32", "(x*y - 2.5*z)*(x + y*z) - x*x*y + z*(y - x)*x")?;
    time_rows::<f64>("functions f64", "exp(-x)*sin(y) + tanh(z)")?;
    time_rows::<f32>("functions f32", "exp(-x)*sin(y) + tanh(z)")?;
    time_rows::<f64>("powers f64", "(x^2 + y^2 + 1)^1.5")?;
    Ok(())
}

/// Node-rows per second: the nodes of the formula times the rows it is evaluated at.
fn time_rows<R: VectorMath>(name: &str, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut graph = Graph::new();
    let names = ["x", "y", "z"];
    let id = graph.parse(text, &Scope::new(names)?)?;
    let program = Program::compile(&graph, &[id], &names)?;
    let rows = 8192;
    let columns: Vec<Vec<R>> =
        (1..4).map(|k| (0..rows).map(|i| R::from_f64(((i * k) % 1000) as f64 * 1e-3)).collect()).collect();
    let columns: Vec<&[R]> = columns.iter().map(Vec::as_slice).collect();
    let (mut values, mut work) = (vec![R::zero(); rows], program.row_registers());
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let start = Instant::now();
        program.eval_rows(black_box(&columns), &mut [&mut values], &mut work);
        best = best.min(start.elapsed().as_secs_f64());
    }
    let nodes = graph.complexity(id);
    println!(
        "{name:20} {:6.2e} node-rows/s, {nodes} nodes, {} instructions",
        nodes as f64 * rows as f64 / best,
        program.instruction_count()
    );
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
    let (calls, mut best) = (10_000, f64::INFINITY);
    for _ in 0..500 {
        let start = Instant::now();
        for i in 0..calls {
            at.eval(f64::from(i) * 1e-3, black_box(&y), &mut dy, &mut work);
            // Each call waits for the one before, as in an integration.
            for (y, dy) in y.iter_mut().zip(&dy) {
                *y = 0.3 + 1e-9 * dy;
            }
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    black_box(&dy);
    let nanoseconds = best * 1e9 / f64::from(calls);
    println!("{name:20} {nanoseconds:6.1} ns, {} instructions", field.program().instruction_count());
    Ok(())
}
