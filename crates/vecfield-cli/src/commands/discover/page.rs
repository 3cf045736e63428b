//! The report of a discovery, from its numbers.

use vecfield_adjoint::Noise;
use vecfield_data::Trajectory as Measured;
use vecfield_discover::curve::Curve;
use vecfield_discover::{Candidate, Verdict as Found};
use vecfield_plot::{
    Alternative, Band, Better, Command, Constant, Equation, Fact, Fit, Forecast, ForecastCheck, Front, FrontPoint,
    Note, Phase, PhasePortrait, RateCurve, Report, Residuals, Series, Standing, Trajectory, Variable, Verdict,
    significant,
};
use vecfield_traits::VectorField;

use super::{MethodArgument, Outcome, words};
use crate::commands::pages;

/// The page of a discovery, with the chosen law's curves.
pub(super) fn report(outcome: &Outcome<'_>, curves: &[Curve]) -> Report {
    let Outcome { data, found, .. } = outcome;
    let verdict = match found.verdict {
        Found::Law => Verdict::Law,
        Found::Tentative => Verdict::Tentative,
        Found::None => Verdict::None,
    };
    let variables: Vec<Variable> = data.variables().iter().map(Variable::new).collect();
    let trajectories: Vec<Trajectory> = data
        .runs()
        .iter()
        .zip(curves)
        .enumerate()
        .map(|(run, (measured, curve))| Trajectory::new(format!("run {}", run + 1), fits(measured, curve)))
        .collect();
    let mut report = Report::new(
        pages::title(outcome.file),
        verdict,
        words::findings(outcome),
        Variable::new("t"),
        variables.clone(),
        equations(outcome, &found.chosen),
        trajectories.clone(),
    );
    report.source = source(outcome);
    let named = match outcome.method {
        MethodArgument::Neural => {
            "A neural equation was fitted through the solver, and formulas were read out of its field. "
        }
        MethodArgument::Auto | MethodArgument::Sindy | MethodArgument::Symbolic => "",
    };
    report.method = format!(
        "{named}Integral matching along smoothed paths gave {} candidates their starting constants; each was fitted through the solver \
         to the past alone at {} origins and judged by its forecasts; the best were fitted to all the data by maximum likelihood.",
        found.competed,
        found.chosen.score.by_origin().len()
    );
    report.noise = noise(outcome);
    report.facts = facts(outcome);
    report.constants = constants(outcome);
    report.phase = phase(outcome, &variables, &trajectories);
    report.residuals = Some(residuals(outcome));
    report.forecasts = Some(forecasts(outcome));
    report.front = Some(front(outcome));
    report.alternatives = alternatives(outcome);
    report.notes = notes(outcome);
    report.commands = vec![
        Command::new("Solve the equations found", "vecfield solve equations.toml"),
        Command::new("Solve them further ahead", further(outcome)),
    ];
    report.provenance = format!("vecfield {}", env!("CARGO_PKG_VERSION"));
    report
}

fn fits(measured: &Measured, curve: &Curve) -> Vec<Fit> {
    let dim = measured.dim();
    (0..dim)
        .map(|v| {
            let observed = (0..measured.len()).map(|row| [measured.times()[row], measured.row(row)[v]]).collect();
            let value = |k: usize| curve.states[k * dim + v];
            let model = (0..curve.times.len()).map(|k| [curve.times[k], value(k)]).collect();
            let fit = Fit::new(observed, model);
            let Some(stderr) = &curve.stderr else { return fit };
            let bound = |sign: f64| -> Vec<f64> {
                (0..curve.times.len()).map(|k| value(k) + sign * 2.0 * stderr[k * dim + v]).collect()
            };
            let band = Band::new("model, ± 2 standard errors", &curve.times, &bound(-1.0), &bound(1.0));
            band.map_or(fit.clone(), |band| fit.with_band(band))
        })
        .collect()
}

fn equations(outcome: &Outcome<'_>, candidate: &Candidate) -> Vec<Equation> {
    let (mut graph, formulas) = candidate.law.support.formulas(&outcome.found.vocabulary, &candidate.law.theta());
    pages::equations(&mut graph, outcome.data.variables().iter().zip(formulas))
}

fn source(outcome: &Outcome<'_>) -> String {
    let data = outcome.data;
    let (rows, cells) = (data.row_count(), data.row_count() * data.dim());
    let missing = cells - data.observed_count();
    let runs = match data.runs().len() {
        1 => String::new(),
        n => format!(" in {n} trajectories"),
    };
    let gaps = if missing == 0 { "no missing cell".into() } else { format!("{missing} of {cells} cells missing") };
    format!("{}: {rows} rows of {}{runs}, {gaps}", pages::file_name(outcome.file), plural(data.dim(), "variable"))
}

fn plural(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

fn noise(outcome: &Outcome<'_>) -> String {
    let found = outcome.found;
    let evidence: Vec<String> =
        found.noise_evidence.iter().map(|(noise, l)| format!("{} {}", noise.name(), significant(*l, 4))).collect();
    let chosen = match found.noise {
        Noise::Additive => "Additive, one level for each variable",
        Noise::Multiplicative => "Multiplicative (on logarithms), one level for each variable",
    };
    match evidence.len() {
        0 | 1 => format!("{chosen}."),
        _ => format!("{chosen}: preferred by the likelihood (log-likelihoods {}).", evidence.join(", ")),
    }
}

fn facts(outcome: &Outcome<'_>) -> Vec<Fact> {
    let found = outcome.found;
    let law = &found.chosen.law;
    let unit = match found.noise {
        Noise::Additive => "standard deviations",
        Noise::Multiplicative => "on logarithms",
    };
    let mut facts: Vec<Fact> = match outcome.data.variables() {
        [a, b] => vec![fact_r2(a, law.r2[0]), fact_r2(b, law.r2[1])],
        [a] => vec![fact_r2(a, law.r2[0])],
        _ => vec![Fact::new("R²", significant(law.r2_all, 4), "of the variance, over all variables")],
    };
    facts.push(Fact::new("Forecast R²", significant(found.forecast_r2, 3), "of the variance ahead"));
    facts.push(Fact::new("Forecast error", significant(found.chosen.score.mean(), 3), unit));
    facts.push(Fact::new("Terms", law.support.terms().to_string(), format!("of {} offered", offered(outcome))));
    facts
}

fn fact_r2(name: &str, value: f64) -> Fact {
    Fact::new(format!("R² {name}"), significant(value, 4), "of the variance")
}

fn offered(outcome: &Outcome<'_>) -> usize {
    outcome.found.vocabulary.len() * outcome.data.dim()
}

fn constants(outcome: &Outcome<'_>) -> Vec<Constant> {
    let names = outcome.data.variables();
    let of_terms = outcome.terms(&outcome.found.chosen).into_iter().map(|(i, key, constant)| {
        let rounded = if constant.snapped { ", rounded: the data cannot tell" } else { "" };
        Constant::new(key, format!("in d{}/dt{rounded}", names[i]), constant.value, constant.stderr)
    });
    let mut constants: Vec<Constant> = of_terms.collect();
    if let [only] = &outcome.found.chosen.law.initial(outcome.data)[..] {
        let band = outcome.found.chosen.law.band.as_ref();
        let starts = names.iter().zip(only).enumerate().map(|(v, (name, value))| {
            let stderr = band.map(|band| band[v]);
            Constant::new(name, format!("at t = {}", outcome.data.runs()[0].times()[0]), *value, stderr)
        });
        constants.extend(starts);
    }
    constants
}

fn phase(outcome: &Outcome<'_>, variables: &[Variable], trajectories: &[Trajectory]) -> Vec<Phase> {
    let found = outcome.found;
    let Ok(family) = found.chosen.law.support.family(&found.vocabulary) else { return vec![] };
    let field = family.of_run(&found.chosen.law.theta(), 0);
    let mut work = VectorField::<f64>::workspace(&field);
    let t = outcome.data.runs()[0].times()[0];
    if let [variable] = variables {
        let observed: Vec<Series> = trajectories.iter().map(|run| run.fits[0].observed.clone()).collect();
        let law = |y: f64| {
            let mut dy = [0.0];
            field.eval(t, &[y], &mut dy, &mut work);
            dy[0]
        };
        return vec![Phase::Rate(RateCurve::new(variable.clone(), Variable::new("t"), &observed, law))];
    }
    let pair = |i: usize, j: usize| {
        let against = |x: &Series, y: &Series| -> Series {
            x.points().iter().zip(y.points()).map(|(a, b)| [a[1], b[1]]).collect()
        };
        let observed = trajectories.iter().map(|run| against(&run.fits[i].observed, &run.fits[j].observed)).collect();
        let model = trajectories.iter().map(|run| against(&run.fits[i].model, &run.fits[j].model)).collect();
        PhasePortrait::new(variables[i].clone(), variables[j].clone(), observed, model)
    };
    if variables.len() == 2 {
        let streams = pair(0, 1).with_field(|x, y| {
            let mut dy = [0.0; 2];
            field.eval(t, &[x, y], &mut dy, &mut work);
            dy
        });
        return vec![Phase::Portrait(streams)];
    }
    vec![Phase::Portrait(pair(0, 1)), Phase::Portrait(pair(0, 2)), Phase::Portrait(pair(1, 2))]
}

fn residuals(outcome: &Outcome<'_>) -> Residuals {
    let (data, found) = (outcome.data, outcome.found);
    let of = |v: usize| -> Series {
        let mut points = Vec::new();
        for (run, measured) in data.runs().iter().enumerate() {
            for row in 0..measured.len() {
                let predicted = found.chosen.law.fit.state(data, run, row)[v];
                points.push([measured.times()[row], found.noise.residual(measured.row(row)[v], predicted).0]);
            }
        }
        points.into_iter().collect()
    };
    let kind = match found.noise {
        Noise::Additive => "measured − model",
        Noise::Multiplicative => "log(measured / model)",
    };
    Residuals::new(kind, (0..data.dim()).map(of).collect())
}

fn forecasts(outcome: &Outcome<'_>) -> ForecastCheck {
    let data = outcome.data;
    let dim = data.dim();
    let mut all = Vec::new();
    for forecast in &outcome.found.forecasts {
        let measured = &data.runs()[forecast.run];
        for (k, row) in forecast.rows.clone().enumerate() {
            for variable in 0..dim {
                all.push(Forecast {
                    trajectory: forecast.run,
                    variable,
                    origin: measured.times()[forecast.rows.start - 1],
                    time: measured.times()[row],
                    predicted: forecast.states[k * dim + variable],
                    observed: measured.row(row)[variable],
                });
            }
        }
    }
    all.sort_by(|a, b| {
        let place = |f: &Forecast| (f.trajectory, f.variable);
        place(a).cmp(&place(b)).then(a.origin.total_cmp(&b.origin)).then(a.time.total_cmp(&b.time))
    });
    ForecastCheck::new(all)
}

fn front(outcome: &Outcome<'_>) -> Front {
    let found = outcome.found;
    let chosen = (found.chosen.law.complexity, found.chosen.score.mean());
    let points: Vec<FrontPoint> =
        found.field.iter().map(|&(size, error)| FrontPoint::new(size as f64, error)).collect();
    Front::new(
        Variable::new("size of the equations"),
        Variable::new("forecast error"),
        Better::Lower,
        points,
        found.field.iter().position(|entry| *entry == chosen),
    )
}

fn alternatives(outcome: &Outcome<'_>) -> Vec<Alternative> {
    let chosen = &outcome.found.chosen;
    let row = |candidate: &Candidate, standing| {
        Alternative::new(
            equations(outcome, candidate),
            candidate.law.complexity as f64,
            candidate.law.r2_all,
            candidate.score.mean(),
            standing,
        )
    };
    let others = outcome.found.alternatives.iter().map(|other| row(other, Standing::Rejected(reason(chosen, other))));
    std::iter::once(row(chosen, Standing::Chosen)).chain(others).collect()
}

/// Why a candidate was not taken.
fn reason(chosen: &Candidate, other: &Candidate) -> String {
    let (mine, theirs) = (chosen.score.mean(), other.score.mean());
    let size = other.law.complexity.cmp(&chosen.law.complexity);
    let more = match size {
        std::cmp::Ordering::Greater => "larger",
        std::cmp::Ordering::Equal => "as large",
        std::cmp::Ordering::Less => "simpler",
    };
    if theirs < mine {
        return format!("{more}, and its forecasts are not clearly better");
    }
    let worse = 100.0 * (theirs / mine - 1.0);
    if other.law.support.contains(&chosen.law.support) {
        return format!("the law with further terms; forecasts {} % worse", significant(worse, 2));
    }
    format!("{more}, forecasts {} % worse", significant(worse, 2))
}

fn notes(outcome: &Outcome<'_>) -> Vec<Note> {
    let (data, found) = (outcome.data, outcome.found);
    let law = &found.chosen.law;
    let mut notes = Vec::new();
    if found.cut {
        notes.push(Note::warning("The run was cut short: this is the best of what was tried until then."));
    }
    if outcome.terms(&found.chosen).into_iter().any(|(_, _, c)| c.stderr.is_none() && !c.snapped) {
        notes.push(Note::warning(
            "The data do not determine every constant: some combination of them leaves the curve unchanged.",
        ));
    }
    if law.fit.windows.len() > data.runs().len() {
        let rows = law.fit.windows.iter().map(|w| w.rows.len()).max().unwrap_or(0);
        notes.push(Note::info(format!(
            "The curve restarts every {rows} rows or so: each window has its own initial state, since the system forgets its start."
        )));
    }
    if !data.inputs().is_empty() {
        let t = significant(data.runs()[0].times()[0], 4);
        notes.push(Note::info(format!(
            "{} given between the samples by a curve through them, for the fits and ahead of what they have seen; arrows show the law at t = {t}.",
            inputs_are(data.inputs())
        )));
    }
    let missing = data.row_count() * data.dim() - data.observed_count();
    if missing > 0 {
        notes.push(Note::info(format!("{} left out of the fit.", plural(missing, "missing cell"))));
    }
    let few = data.observed_count() < 10 * (law.support.terms() + law.fit.starts.len());
    if few {
        notes.push(Note::info(format!(
            "{} for {} unknowns: the standard errors are to first order and rest on few data.",
            plural(data.observed_count(), "measurement"),
            law.support.terms() + law.fit.starts.len()
        )));
    }
    notes
}

fn inputs_are(names: &[String]) -> String {
    match names {
        [only] => format!("The input {only} is"),
        _ => format!("The inputs {} are", names.join(", ")),
    }
}

/// The command that solves to twice the measured span.
fn further(outcome: &Outcome<'_>) -> String {
    let times = outcome.data.runs()[0].times();
    let (first, last) = (times[0], times[times.len() - 1]);
    let end = 2.0 * last - first;
    format!("vecfield solve equations.toml --t {first},{end} --save {end}")
}
