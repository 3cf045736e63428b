//! Draws measured runs against the solution of a problem, as SVG on standard output.
//!
//! ```text
//! cargo run --package vecfield --example picture -- data/lynx-hare.csv examples/lotka-volterra.toml > picture.svg
//! ```
//!
//! Without arguments it draws the two that the text above names.

use std::path::Path;

use vecfield::plot::{Fit, Series, Trajectory as Drawn, Variable};
use vecfield::prelude::*;
use vecfield::solvers::{solve_explicit, tableau::TSIT5};

const CURVE_POINTS: u32 = 400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut arguments = std::env::args_os().skip(1);
    let table = arguments.next().map_or(root.join("data/lynx-hare.csv"), Into::into);
    let problem = arguments.next().map_or(root.join("examples/lotka-volterra.toml"), Into::into);

    let data = read_trajectories(&table, &TrajectoryFormat::default())?;
    let system = System::new(&Problem::read(&problem)?)?;
    let field = system.field().at(system.theta().to_vec());
    let (y0, options) = (system.initial(system.theta()), Options::tolerances(1e-8, 1e-8));
    let run = data.runs().first().ok_or("the table has no rows")?;
    let (first, last) = (run.times()[0], run.times()[run.len() - 1]);
    let times: Vec<f64> =
        (0..=CURVE_POINTS).map(|k| first + (last - first) * f64::from(k) / f64::from(CURVE_POINTS)).collect();
    let solution = solve_explicit(&field, (first, last), &y0, &TSIT5, &options, Save::At(&times))?;

    let fit = |i: usize| -> Fit {
        let measured: Series = run.observed(i).map(|(t, value)| [t, value]).collect();
        let model: Series = times.iter().enumerate().map(|(row, &t)| [t, solution.state(row)[i]]).collect();
        Fit::new(measured, model)
    };
    let variables: Vec<Variable> = data.variables().iter().map(Variable::new).collect();
    let drawn = Drawn::new("run 1", (0..variables.len()).map(fit).collect());
    println!("{}", drawn.figure(&Variable::new("t"), &variables).to_svg());
    Ok(())
}
