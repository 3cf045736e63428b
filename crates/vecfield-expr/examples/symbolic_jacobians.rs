//! Time per Jacobian, symbolic against duals: `cargo run --release -p vecfield-expr --example symbolic_jacobians`.

use std::hint::black_box;
use std::time::Instant;

use vecfield_autodiff::Lifted;
use vecfield_expr::{Graph, Scope, SymbolicField};
use vecfield_traits::Jacobian;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let robertson = ["-0.04*y0 + 1e4*y1*y2", "0.04*y0 - 1e4*y1*y2 - 3e7*y1^2", "3e7*y1^2"].map(str::to_owned);
    compare("Robertson, n = 3", &robertson)?;
    for n in [10, 50] {
        let at = |i: usize| format!("y{}", i % n);
        let lorenz96: Vec<String> =
            (0..n).map(|i| format!("({} - {})*{} - {} + 8", at(i + 1), at(i + n - 2), at(i + n - 1), at(i))).collect();
        compare(&format!("Lorenz 96, n = {n}"), &lorenz96)?;
        let kuramoto: Vec<String> = (0..n)
            .map(|i| {
                let pulls: Vec<String> =
                    (0..n).filter(|&j| j != i).map(|j| format!("sin({} - {})", at(j), at(i))).collect();
                format!("0.1*({})", pulls.join(" + "))
            })
            .collect();
        compare(&format!("Kuramoto, n = {n}"), &kuramoto)?;
    }
    Ok(())
}

fn compare(name: &str, equations: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let n = equations.len();
    let states: Vec<String> = (0..n).map(|i| format!("y{i}")).collect();
    let scope = Scope::new(states.iter().cloned())?;
    let mut graph = Graph::new();
    let equations = equations.iter().map(|text| graph.parse(text, &scope)).collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let family = SymbolicField::new(&mut graph, &equations, &states, &[""; 0])?;
    let build = start.elapsed().as_secs_f64() * 1e6;
    let symbolic = time(&family.at(Vec::new()), n);
    let duals = time(&Lifted::new(family.field().clone(), Vec::new()), n);
    println!(
        "{name:18} symbolic {symbolic:9.0} ns ({} entries, built in {build:.0} us), duals {duals:9.0} ns",
        family.entry_count()
    );
    Ok(())
}

fn time<F: Jacobian<f64>>(field: &F, n: usize) -> f64 {
    let y: Vec<f64> = (0..n).map(|i| 0.1 + 0.01 * i as f64).collect();
    let entries = field.sparsity().map_or(n * n, |sparsity| sparsity.len());
    let (mut jac, mut slope, mut work) = (vec![0.0; entries], vec![0.0; n], field.workspace());
    let mut best = f64::INFINITY;
    for _ in 0..300 {
        let start = Instant::now();
        for _ in 0..20 {
            field.jacobian(0.0, black_box(&y), &mut jac, &mut slope, &mut work);
        }
        best = best.min(start.elapsed().as_secs_f64() / 20.0);
    }
    black_box(&jac);
    best * 1e9
}
