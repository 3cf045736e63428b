//! An iteration of Adam on Burgers' equation by a deep network.

use std::time::Instant;

use serde_json::json;
use vecfield_io::Document;
use vecfield_pinn::{Description, Problem, Settings, solve};

use super::measure::{Bench, Line, Timing, failed};
use crate::failure::Failure;

/// Iterations before the clock starts: the first few also lay out memory.
const WARM: usize = 3;

/// An iteration with hidden `layers` and `inner` points of the equation; conditions are built into the solution, so that no
/// points are spent on them.
pub(super) fn burgers(bench: &Bench, case: &'static str, layers: &[usize], inner: usize) -> Result<Vec<Line>, Failure> {
    let iterations = WARM + bench.repeat.max(20);
    let text = format!(
        "[parameters]\nnu = 0.003183098861837907\n[domain]\nx = [-1.0, 1.0]\nt = [0.0, 1.0]\nunknowns = [\"u\"]\n\
         [equations]\nmomentum = \"u_t + u*u_x - nu*u_xx\"\n\
         [[condition]]\non = \"t = 0\"\nu = \"-sin(pi*x)\"\n[[condition]]\non = \"x = -1\"\nu = \"0\"\n\
         [[condition]]\non = \"x = 1\"\nu = \"0\"\n\
         [network]\nlayers = {layers:?}\n[train]\nmethod = \"adam\"\npoints = {inner}\niterations = {iterations}\n"
    );
    let description: Description = Document::new(case, text.as_str()).read()?;
    let problem = Problem::new(&description, &[]).map_err(failed)?;
    let mut ticks = Vec::with_capacity(iterations);
    let mut loss = f64::NAN;
    let found = solve(&problem, None, &Settings::default(), &mut |progress| {
        ticks.push(Instant::now());
        loss = progress.loss;
        true
    })
    .map_err(failed)?;
    let seconds = ticks.windows(2).skip(WARM - 1).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    let work = json!({"sizes": layers, "interior": inner, "dtype": "f64", "conditions": "built in",
        "iterations": found.iterations});
    Ok(vec![Line::new(case, "vecfield", Timing::of(seconds), work, json!({"loss": loss}))])
}
