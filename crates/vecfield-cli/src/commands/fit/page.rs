//! The report of a fit, from its numbers.

use vecfield_adjoint::Noise;
use vecfield_io::FittedCurve;
use vecfield_plot::{
    Command, Constant, Equation, Fact, Fit, Note, ProfileCurve, Profiles, Report, Residuals, Series, Trajectory,
    Variable, Verdict, significant,
};

use super::Outcome;
use crate::commands::pages;
use crate::layout::duration;

/// The page of a fit, with its curves.
pub(super) fn report(outcome: &Outcome<'_>, curves: &[FittedCurve]) -> Report {
    let data = outcome.fitting.data();
    let variables: Vec<Variable> = data.variables().iter().map(Variable::new).collect();
    let trajectories = (data.runs().iter().zip(curves).enumerate()).map(|(run, (measured, curve))| {
        let n = data.dim();
        let fits = (0..n).map(|v| {
            let observed = (0..measured.len()).map(|row| [measured.times()[row], measured.row(row)[v]]).collect();
            let model = (0..curve.times.len()).map(|k| [curve.times[k], curve.columns[k * n + v]]).collect();
            Fit::new(observed, model)
        });
        Trajectory::new(format!("trajectory {}", run + 1), fits.collect())
    });
    let (verdict, summary) = verdict(outcome);
    let mut report = Report::new(
        title(outcome),
        verdict,
        summary,
        Variable::new("t"),
        variables,
        equations(outcome),
        trajectories.collect(),
    );
    report.source = source(outcome);
    report.method = format!(
        "{} of {} by multiple shooting and Levenberg–Marquardt, {} steps in {}.",
        if outcome.fit.iterations == 0 { "Evaluation" } else { "Maximum likelihood" },
        plural(outcome.unknowns.len(), "constant"),
        outcome.fit.iterations,
        duration(outcome.seconds)
    );
    report.noise = noise(outcome);
    report.facts = facts(outcome);
    report.constants = constants(outcome);
    report.residuals = Some(residuals(outcome));
    report.profiles = profiles(outcome);
    report.notes = notes(outcome);
    report.commands = vec![
        Command::new("Solve the fitted problem", "vecfield solve fitted.toml"),
        Command::new("Fit again from here", format!("vecfield fit fitted.toml {}", outcome.arguments.data.display())),
    ];
    report.provenance = format!("vecfield {}", env!("CARGO_PKG_VERSION"));
    report
}

fn title(outcome: &Outcome<'_>) -> String {
    outcome.problem.title().map_or_else(|| pages::title(&outcome.arguments.problem), String::from)
}

fn verdict(outcome: &Outcome<'_>) -> (Verdict, String) {
    if !outcome.fit.converged {
        return (
            Verdict::Unfinished,
            "The search ended before it found a minimum: these are the best values so far.".into(),
        );
    }
    match outcome.blind.first() {
        Some(blind) => {
            (Verdict::Undetermined, format!("The curve fits, but the data cannot see {}.", outcome.change(blind)))
        }
        None if outcome.uncertainty.is_err() => {
            (Verdict::Undetermined, "The curve fits, but the data do not determine every constant.".into())
        }
        None => {
            (Verdict::Fitted, "The constants that make these equations fit best, and how surely they are known.".into())
        }
    }
}

fn equations(outcome: &Outcome<'_>) -> Vec<Equation> {
    let variables = outcome.problem.variables().iter().map(|variable| (&variable.name, variable.rate));
    pages::equations(&mut outcome.problem.graph().clone(), variables)
}

fn source(outcome: &Outcome<'_>) -> String {
    let data = outcome.fitting.data();
    let file = pages::file_name(&outcome.arguments.data);
    let runs = match data.runs().len() {
        1 => String::new(),
        n => format!(" in {n} trajectories"),
    };
    format!("{file}: {} of {}{runs}", plural(data.observed_count(), "measurement"), plural(data.dim(), "column"))
}

fn plural(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

fn noise(outcome: &Outcome<'_>) -> String {
    let options = outcome.fitting.options();
    let levels = outcome.fitting.data().variables().iter().zip(&outcome.fit.sigma);
    let levels: Vec<String> = levels.map(|(name, s)| format!("{name} {}", significant(*s, 3))).collect();
    let kind = match options.noise {
        Noise::Additive => "Additive",
        Noise::Multiplicative => "Multiplicative (on logarithms)",
    };
    let origin = if options.estimate_sigma { "estimated" } else { "as given" };
    format!("{kind}, standard deviations {origin}: {}.", levels.join(", "))
}

fn facts(outcome: &Outcome<'_>) -> Vec<Fact> {
    let columns = outcome.fitting.data().variables().iter().zip(outcome.quality());
    let mut facts: Vec<Fact> = columns
        .take(3)
        .map(|(name, (r2, _))| Fact::new(format!("R² {name}"), significant(r2, 4), "of the variance"))
        .collect();
    facts.push(Fact::new("Constants", outcome.unknowns.len().to_string(), "fitted"));
    facts
}

fn constants(outcome: &Outcome<'_>) -> Vec<Constant> {
    let mut constants = vec![];
    for (k, parameter) in outcome.problem.parameters().iter().enumerate() {
        let places = outcome.places(k);
        if places.is_empty() {
            constants.push(Constant::new(&parameter.name, "held", outcome.fit.theta[k], None));
        }
        for (run, &place) in places.iter().enumerate() {
            let role = if outcome.stderr(place).is_some() { "" } else { "not determined" };
            let value = outcome.fit.theta_of(run)[k];
            constants.push(Constant::new(&outcome.unknowns[place], role, value, outcome.stderr(place)));
        }
    }
    let data = outcome.fitting.data();
    if data.runs().len() == 1 {
        let band = outcome.uncertainty.as_ref().ok().map(|u| &u.band);
        let starts = outcome.fitting.system().variables().iter().zip(outcome.fit.state(data, 0, 0)).enumerate();
        constants.extend(starts.map(|(i, (name, &value))| {
            let stderr = band.map(|band| band[i]).filter(|s| *s > 0.0);
            Constant::new(name, format!("at t = {}", data.runs()[0].times()[0]), value, stderr)
        }));
    }
    constants
}

fn residuals(outcome: &Outcome<'_>) -> Residuals {
    let (data, noise) = (outcome.fitting.data(), outcome.fitting.options().noise);
    let of = |v: usize| -> Series {
        let rows = data.runs().iter().enumerate().flat_map(|(run, measured)| {
            (0..measured.len()).map(move |row| {
                let predicted = outcome.fit.prediction(data, run, row)[v];
                [measured.times()[row], noise.residual(measured.row(row)[v], predicted).0]
            })
        });
        rows.collect()
    };
    let kind = match noise {
        Noise::Additive => "measured − model",
        Noise::Multiplicative => "log(measured / model)",
    };
    Residuals::new(kind, (0..data.dim()).map(of).collect())
}

fn profiles(outcome: &Outcome<'_>) -> Option<Profiles> {
    let curve = |(index, profile): &(usize, vecfield_adjoint::Profile)| ProfileCurve {
        name: outcome.unknowns[*index].clone(),
        points: profile.points.iter().map(|&(value, excess)| [value, excess]).collect(),
        best: profile.points.iter().find(|point| point.1 == 0.0).map_or(f64::NAN, |point| point.0),
        lower: profile.lower,
        upper: profile.upper,
    };
    let curves: Vec<ProfileCurve> = outcome.profiles.iter().map(curve).collect();
    (!curves.is_empty()).then(|| Profiles { curves, level: vecfield_adjoint::CHI_SQUARE_95, confidence: "95 %".into() })
}

fn notes(outcome: &Outcome<'_>) -> Vec<Note> {
    let mut notes = vec![];
    for blind in &outcome.blind {
        notes.push(Note::warning(format!("The data cannot see {}.", outcome.change(blind))));
    }
    for (a, b, r) in outcome.strong_pairs() {
        notes.push(Note::info(format!(
            "{a} and {b} are known together only: their correlation is {}.",
            significant(r, 3)
        )));
    }
    let data = outcome.fitting.data();
    if outcome.fit.windows.len() > data.runs().len() {
        notes.push(Note::warning(
            "The curve restarts between windows: over whole trajectories the equations could not be fitted.",
        ));
    }
    for prior in outcome.problem.parameters().iter().filter(|p| p.prior.is_some() && !p.fixed) {
        notes.push(Note::info(format!("{} has a prior, which counts like one more measurement.", prior.name)));
    }
    notes
}
