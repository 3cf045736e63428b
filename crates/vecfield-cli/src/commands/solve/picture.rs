//! The picture of a solution: every variable over time, and the phase plane where there are two.

use vecfield_io::{Problem, Solver};
use vecfield_plot::{Figure, Fit, PhasePortrait, Series, Trajectory, Variable};

use crate::failure::Failure;

/// Points of a curve, so that it is smooth at the width of a page.
const POINTS: u64 = 800;

/// Variables that find room under each other.
const SHOWN: usize = 8;

/// Solves `problem` once more, at times close enough for a smooth curve, and draws it.
pub(super) fn svg(problem: &Problem) -> Result<String, Failure> {
    let failed = |e: String| Failure::Computation(format!("the picture cannot be drawn: {e}"));
    let mut problem = problem.clone();
    problem.settings_mut().set_save_count(POINTS).map_err(|e| failed(e.to_string()))?;
    let solver = Solver::new(&problem).map_err(|e| failed(e.to_string()))?;
    let run = solver.solve().map_err(|stopped| failed(stopped.error.to_string()))?;
    let names = solver.system().variables();
    let curve = |v: usize| -> Series { run.times().iter().zip(run.rows()).map(|(t, y)| [*t, y[v]]).collect() };
    let shown = names.len().min(SHOWN);
    let variables: Vec<Variable> = names[..shown].iter().map(Variable::new).collect();
    let fits = (0..shown).map(|v| Fit::new(Series::default(), curve(v))).collect();
    let title = problem.title().unwrap_or("solution").to_string();
    let over_time = Trajectory::new(title.clone(), fits).figure(&Variable::new("t"), &variables);
    if names.len() != 2 {
        return Ok(over_time.to_svg());
    }
    let plane = run.rows().map(|y| [y[0], y[1]]).collect();
    let portrait = PhasePortrait::new(variables[0].clone(), variables[1].clone(), vec![], vec![plane]);
    let description = format!("{title}: the variables over time, and one against the other.");
    Ok(Figure::beside(title, description, vec![over_time, portrait.figure()]).to_svg())
}
