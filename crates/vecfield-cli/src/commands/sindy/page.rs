//! The files of a result: the equations to go on with, and a report.

use std::path::Path;

use vecfield_data::{Trajectories, Trajectory as Measured};
use vecfield_io::{Outline, OutputDir, write_trajectories};
use vecfield_plot::{
    Alternative, Command, Constant, Equation, Fact, Fit, HeatCell, HeatMap, MathMl, Note, Report, Standing, Trajectory,
    Variable, Verdict, significant,
};
use vecfield_sindy::{Model, Refinement};

use super::outcome::{CUT_SHORT, Outcome, rate};
use crate::commands::pages;
use crate::failure::Failure;

pub(super) const FILES: [&str; 4] = ["equations.toml", "equations.txt", "trajectory.csv", "report.html"];

/// Writes [`FILES`].
pub(super) fn write(
    outcome: &Outcome<'_>,
    data: &Trajectories,
    file: &Path,
    folder: &OutputDir,
) -> Result<(), Failure> {
    let model = outcome.model;
    let page = report(outcome, data, file)
        .render()
        .map_err(|e| Failure::Computation(format!("the report cannot be written: {e}")))?;
    // A map is no problem that `vecfield solve` runs.
    if !model.is_map() {
        folder.write("equations.toml", |to| write!(to, "{}", outline(model, data, file).to_toml()))?;
    }
    folder.write("equations.txt", |to| write!(to, "{}", listing(model)))?;
    let path = path(model, data)?;
    folder.write("trajectory.csv", |to| write_trajectories(to, &path))?;
    folder.write("report.html", |to| write!(to, "{page}"))?;
    Ok(())
}

/// The equations as a problem that `vecfield solve` runs.
fn outline(model: &Model, data: &Trajectories, file: &Path) -> Outline {
    let run = &data.runs()[0];
    let measured = |i: usize| run.observed(i).next().map_or(0.0, |(_, y)| y);
    let start = |i: usize| model.fitted_path(0).get(i).copied().unwrap_or_else(|| measured(i));
    let equations = model.equations(None).into_iter().enumerate();
    let variables = equations.map(|(i, equation)| (model.variables()[i].clone(), start(i), equation)).collect();
    Outline {
        comments: vec![format!("Found by `vecfield sindy` in {}.", pages::file_name(file))],
        title: pages::title(file),
        variables,
        span: Some((run.times()[0], run.times()[run.len() - 1])),
        save: run.times().to_vec(),
        rtol: Some(1e-8),
        ..Outline::default()
    }
}

/// The equations as text, LaTeX and Rust.
fn listing(model: &Model) -> String {
    let names = model.variables();
    let mut text = String::from("text\n\n");
    for (name, equation) in names.iter().zip(model.equations(None)) {
        text += &format!("{} = {equation}\n", rate(name, model.is_map()));
    }
    text += "\nLaTeX\n\n";
    for (name, equation) in names.iter().zip(model.latex(Some(pages::DIGITS))) {
        text += &format!("\\dot {name} = {equation} \\\\\n");
    }
    text += "\nRust\n\n";
    for (name, equation) in names.iter().zip(model.rust()) {
        text += &format!("let d_{name} = {equation};\n");
    }
    text
}

/// The fitted path, or where there is none the measurements.
fn path(model: &Model, data: &Trajectories) -> Result<Trajectories, Failure> {
    let broken = |e: vecfield_data::DataError| Failure::Computation(format!("the fitted path is broken: {e}"));
    let runs = data.runs().iter().enumerate().map(|(index, run)| {
        let fitted = model.fitted_path(index);
        let values = if fitted.len() == run.values().len() { fitted.to_vec() } else { run.values().to_vec() };
        Measured::new(run.times().to_vec(), values, vec![])
    });
    let runs = runs.collect::<Result<Vec<_>, _>>().map_err(broken)?;
    Trajectories::new(data.variables().to_vec(), vec![], runs).map_err(broken)
}

fn report(outcome: &Outcome<'_>, data: &Trajectories, file: &Path) -> Report {
    let model = outcome.model;
    let variables: Vec<Variable> = data.variables().iter().map(Variable::new).collect();
    let runs = data.runs().iter().enumerate();
    let trajectories = runs.map(|(k, run)| Trajectory::new(format!("run {}", k + 1), fits(model, k, run))).collect();
    let summary = format!("{} of {} terms.", model.term_count(), model.feature_count() * model.variables().len());
    let mut report = Report::new(
        pages::title(file),
        verdict(model),
        summary,
        Variable::new("t"),
        variables,
        equations(model),
        trajectories,
    );
    report.source = format!(
        "{}: {} rows, {} variables, {} trajectories",
        pages::file_name(file),
        data.row_count(),
        data.dim(),
        data.runs().len()
    );
    report.method = match model.refinement() {
        Refinement::Shooting { window, tied } => format!(
            "Integral matching for a start; then coefficients and states fitted through the solver on growing windows, {window} samples at last{}, \
             with the terms chosen again by their evidence each time.",
            if tied { " and these tied to each other until a run is one path" } else { "" }
        ),
        _ => "Linear regression on the library.".into(),
    };
    let noise = data.variables().iter().zip(model.noise()).filter(|(_, s)| s.is_finite());
    report.facts = noise.map(|(name, s)| Fact::new(format!("noise of {name}"), significant(*s, 3), "")).collect();
    report.facts.push(Fact::new("R² of the rates", significant(model.derivative_r2(), 4), ""));
    report.constants = constants(model);
    report.coefficients = (!model.is_rational()).then(|| heat_map(model));
    report.alternatives = alternatives(model);
    if model.refinement() == Refinement::DidNotStart {
        report.notes.push(Note::warning(
            "The equations leave the data even on short windows: take them as a start, not as a law.",
        ));
    }
    if model.is_cut() {
        report.notes.push(Note::warning(CUT_SHORT));
    }
    if !model.is_map() {
        report.commands = vec![Command::new("Solve the equations found", "vecfield solve equations.toml")];
    }
    report.provenance = format!("vecfield {}", env!("CARGO_PKG_VERSION"));
    report
}

/// A rival half as likely, or more, leaves the choice open.
fn verdict(model: &Model) -> Verdict {
    let close = model.runners_up(Some(pages::DIGITS)).first().is_some_and(|other| other.odds > 0.05);
    if close || model.is_cut() || model.refinement() == Refinement::DidNotStart {
        Verdict::Tentative
    } else {
        Verdict::Law
    }
}

fn fits(model: &Model, index: usize, run: &Measured) -> Vec<Fit> {
    let d = run.dim();
    let fitted = model.fitted_path(index);
    (0..d)
        .map(|i| {
            let observed = (0..run.len()).map(|k| [run.times()[k], run.row(k)[i]]).collect();
            let path = fitted.iter().skip(i).step_by(d).zip(run.times()).map(|(&y, &t)| [t, y]).collect();
            Fit::new(observed, path)
        })
        .collect()
}

fn equations(model: &Model) -> Vec<Equation> {
    let (mut graph, formulas) = model.formulas();
    pages::equations(&mut graph, model.variables().iter().zip(formulas))
}

fn constants(model: &Model) -> Vec<Constant> {
    let of_equation = |i: usize| {
        model.terms(i).map(move |(key, value, error)| {
            let role = format!("of {key} in {}", rate(&model.variables()[i], model.is_map()));
            Constant::new(key, role, value, Some(error).filter(|e| e.is_finite()))
        })
    };
    let inside = model.constants().iter().map(|constant| {
        let stderr = Some(constant.stderr).filter(|e| e.is_finite());
        Constant::new(&constant.name, "inside terms".to_string(), constant.value, stderr)
    });
    (0..model.variables().len()).flat_map(of_equation).chain(inside).collect()
}

/// Terms that are in an equation, over all equations.
fn heat_map(model: &Model) -> HeatMap {
    let names = model.variables();
    let used: Vec<usize> =
        (0..model.feature_count()).filter(|&k| (0..names.len()).any(|i| model.coefficients(i)[k] != 0.0)).collect();
    let terms = used.iter().map(|&k| model.library().features()[k].key().to_string()).collect();
    let mut map = HeatMap::new(terms, names.iter().map(|name| rate(name, model.is_map())).collect());
    for (row, &k) in used.iter().enumerate() {
        for i in (0..names.len()).filter(|&i| model.coefficients(i)[k] != 0.0) {
            let stderr = Some(model.stderr(i)[k]).filter(|e| e.is_finite());
            map.set(row, i, HeatCell { value: model.coefficients(i)[k], stderr });
        }
    }
    map
}

fn alternatives(model: &Model) -> Vec<Alternative> {
    let names = model.variables();
    model
        .runners_up(Some(pages::DIGITS))
        .into_iter()
        .map(|other| {
            let equation = |(name, text): (&String, String)| {
                Equation::new(name, MathMl::name(name), MathMl::name(&text), text.clone())
            };
            let equations: Vec<Equation> = names.iter().zip(other.equations).map(equation).collect();
            let why = format!("{} times as likely", significant(other.odds, 2));
            Alternative::new(equations, model.term_count() as f64, f64::NAN, f64::NAN, Standing::Rejected(why))
        })
        .collect()
}
