//! The picture of a solution: every variable over time, and the phase plane where there are two.

use vecfield_io::{EnsembleRun, Moments, Problem, Solver, System};
use vecfield_plot::{
    Band, Entry, Figure, Fit, Layer, Panel, PhasePortrait, PlotError, Series, Stroke, Swatch, Tone, Trajectory,
    Variable,
};

use crate::failure::Failure;

/// Points of a curve, so that it is smooth at the width of a page.
const POINTS: u64 = 800;

/// Width of the picture.
const WIDTH: f64 = 440.0;

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

/// Trajectories drawn one by one.
const DRAWN: usize = 30;

/// Draws the middle nine tenths of an ensemble, its mean and some of its trajectories.
pub(super) fn ensemble(
    problem: &Problem,
    system: &System,
    run: &EnsembleRun,
    moments: &Moments,
) -> Result<String, Failure> {
    let failed = |e: PlotError| Failure::Computation(format!("the picture cannot be drawn: {e}"));
    let (names, members) = (system.variables(), run.endings().len());
    let (all, shown) = (names.len(), names.len().min(SHOWN));
    let times = &run.times()[..moments.counts.len()];
    let column = |values: &[f64], v: usize| values.iter().skip(v).step_by(all).copied().collect::<Vec<_>>();
    let mut panels = Vec::new();
    for (v, name) in names[..shown].iter().enumerate() {
        let (low, high) = (column(&moments.quantiles[0], v), column(&moments.quantiles[4], v));
        let band = Band::new("middle 90 %", times, &low, &high).map_err(failed)?;
        let mean = Series::new(times, &column(&moments.mean, v)).map_err(failed)?;
        // One line with gaps, the members evenly taken.
        let some = (0..members).step_by(members.div_ceil(DRAWN).max(1));
        let gap = [[f64::NAN, f64::NAN]];
        let curves: Series = some.flat_map(|m| run.rows(m).map(|(t, y)| [t, y[v]]).chain(gap)).collect();
        let tone = Tone::Variable(v);
        let layers = vec![
            Layer::Band(band, tone),
            Layer::Line(curves, Tone::Muted, Stroke::Thin),
            Layer::Line(mean, tone, Stroke::Solid),
        ];
        panels.push(Panel::new(Variable::new("t"), Variable::new(name), layers).coloured(tone));
    }
    let legend = vec![
        Entry::new(Swatch::Line, Tone::Ink, "mean"),
        Entry::new(Swatch::Band, Tone::Ink, "middle 90 %"),
        Entry::new(Swatch::Line, Tone::Muted, format!("{} of {members} trajectories", members.min(DRAWN))),
    ];
    let title = problem.title().unwrap_or("ensemble").to_string();
    let words = format!("{title}: mean, middle nine tenths and some of {members} trajectories over time.");
    let height = [270.0, 270.0, 145.0, 112.0][shown.min(3)];
    Ok(Figure::stack(title, words, legend, panels, WIDTH, height).to_svg())
}
