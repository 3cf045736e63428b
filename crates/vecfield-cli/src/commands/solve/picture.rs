//! The picture of a solution: every variable over time, and the phase plane where there are two.

use vecfield_io::{EnsembleRun, Moments, Problem, Solver, StochasticRun, System};
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
    let members = run.endings().len();
    let curves = |v: usize, members: &[usize]| {
        let member = |&m: &usize| run.rows(m).map(move |(t, y)| [t, y[v]]).chain(GAP);
        members.iter().flat_map(member).collect()
    };
    let title = problem.title().unwrap_or("ensemble");
    stack(title, system, &run.times()[..moments.counts.len()], moments, ("trajectories", members), &curves)
}

/// The same of the paths of a stochastic equation.
pub(super) fn paths(problem: &Problem, system: &System, run: &StochasticRun) -> Result<String, Failure> {
    let curves = |v: usize, paths: &[usize]| {
        paths.iter().flat_map(|&path| run.path(v, path).map(|(t, y)| [t, y]).chain(GAP)).collect()
    };
    let title = problem.title().unwrap_or("paths");
    stack(title, system, run.times(), run.moments(), ("paths", run.paths()), &curves)
}

/// Between two curves that are drawn as one line.
const GAP: [[f64; 2]; 1] = [[f64::NAN, f64::NAN]];

/// A panel a variable; `curves` gives those of some of the many `what`.
fn stack(
    title: &str,
    system: &System,
    times: &[f64],
    moments: &Moments,
    (what, many): (&str, usize),
    curves: &dyn Fn(usize, &[usize]) -> Series,
) -> Result<String, Failure> {
    let failed = |e: PlotError| Failure::Computation(format!("the picture cannot be drawn: {e}"));
    let names = system.variables();
    let (all, shown) = (names.len(), names.len().min(SHOWN));
    let column = |values: &[f64], v: usize| values.iter().skip(v).step_by(all).copied().collect::<Vec<_>>();
    // Evenly taken.
    let some: Vec<usize> = (0..many).step_by(many.div_ceil(DRAWN).max(1)).collect();
    let mut panels = Vec::new();
    for (v, name) in names[..shown].iter().enumerate() {
        let (low, high) = (column(&moments.quantiles[0], v), column(&moments.quantiles[4], v));
        let band = Band::new("middle 90 %", times, &low, &high).map_err(failed)?;
        let mean = Series::new(times, &column(&moments.mean, v)).map_err(failed)?;
        let tone = Tone::Variable(v);
        let layers = vec![
            Layer::Band(band, tone),
            Layer::Line(curves(v, &some), Tone::Muted, Stroke::Thin),
            Layer::Line(mean, tone, Stroke::Solid),
        ];
        panels.push(Panel::new(Variable::new("t"), Variable::new(name), layers).coloured(tone));
    }
    let legend = vec![
        Entry::new(Swatch::Line, Tone::Ink, "mean"),
        Entry::new(Swatch::Band, Tone::Ink, "middle 90 %"),
        Entry::new(Swatch::Line, Tone::Muted, format!("{} of {many} {what}", some.len())),
    ];
    let words = format!("{title}: mean, middle nine tenths and some of {many} {what} over time.");
    let height = [270.0, 270.0, 145.0, 112.0][shown.min(3)];
    Ok(Figure::stack(title.to_string(), words, legend, panels, WIDTH, height).to_svg())
}
