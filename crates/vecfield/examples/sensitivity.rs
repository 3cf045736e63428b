//! How much does each constant matter? The lynx and the hare, solved once over numbers that carry four derivatives.
//!
//! ```text
//! cargo run --package vecfield --example sensitivity
//! ```

use vecfield::prelude::*;
use vecfield::solvers::{solve_explicit, tableau::TSIT5};

const PROBLEM: &str = include_str!("../../../examples/lotka-volterra.toml");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem = Problem::parse("lotka-volterra.toml", PROBLEM)?;
    let system = System::new(&problem)?;

    // θ_i becomes θ_i + ε_i: whatever is computed from it knows its derivative by it.
    let theta: Vec<Dual<f64, 4>> = system.theta().iter().enumerate().map(|(i, &v)| Dual::variable(v, i)).collect();
    let y0 = system.initial(&theta);
    let field = system.field().at(theta);
    let times: Vec<f64> = (0..=20).step_by(4).map(f64::from).collect();
    let solution =
        solve_explicit(&field, (0.0, 20.0), &y0, &TSIT5, &Options::tolerances(1e-8, 1e-8), Save::At(&times))?;

    let names: String = system.parameters().iter().map(|name| format!("{:>12}", format!("by {name}"))).collect();
    println!("hares after t years, and what one percent more of each constant would change\n");
    println!("{:>4} {:>8} {names}", "t", "hare");
    for (row, t) in solution.t.iter().enumerate() {
        let hare = solution.state(row)[0];
        let change: String = hare
            .tangent
            .iter()
            .zip(system.theta())
            .map(|(slope, value)| format!("{:>12.3}", 0.01 * value * slope))
            .collect();
        println!("{t:>4} {:>8.2} {change}", hare.value);
    }
    Ok(())
}
