//! What a discovery says to a person at a terminal.

use std::path::Path;

use vecfield_adjoint::Noise;
use vecfield_discover::{Candidate, Verdict};
use vecfield_expr::TextStyle;
use vecfield_plot::with_error;

use super::Outcome;
use crate::layout::{duration, number, table};

/// The whole text: the equations, how sure, how well, and what else was tried.
pub(super) fn summary(outcome: &Outcome<'_>, folder: Option<&Path>) -> String {
    let found = outcome.found;
    let mut text = format!("{}\n\n", verdict(outcome));
    let equations = rounded_equations(outcome, &found.chosen, 4);
    let width = outcome.data.variables().iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, equation) in outcome.data.variables().iter().zip(equations) {
        text += &format!("  d{name}/dt{:pad$} = {equation}\n", "", pad = width - name.chars().count());
    }
    text += &format!("\n{}\n{}\n{}\n", constants(outcome), quality(outcome), alternatives(outcome));
    if found.cut {
        text += "The run was cut short: this is the best of what was tried.\n";
    }
    text += &match folder {
        Some(folder) => format!("open {}", folder.join("report.html").display()),
        None => "--out DIR writes the equations, the fitted curve and a report with figures".to_string(),
    };
    text + "\n"
}

/// The verdict in a sentence.
pub(super) fn verdict(outcome: &Outcome<'_>) -> String {
    let found = outcome.found;
    let tried = format!("{} candidates", found.competed);
    let noise = found.noise.name();
    match found.verdict {
        Verdict::Law => format!("A law: of {tried}, this one forecasts best ({noise} noise)."),
        Verdict::Tentative => format!(
            "Tentative: of {tried}, the data can't tell this one from the runner-up ({noise} noise). More data, or other starts, would."
        ),
        Verdict::None => format!(
            "No law: none of {tried} forecasts clearly better than a constant or a random walk ({noise} noise). The best of them:"
        ),
    }
}

/// The verdict, and what it rests on, for the head of the report.
pub(super) fn findings(outcome: &Outcome<'_>) -> String {
    let found = outcome.found;
    let [walk, mean] = &found.nulls;
    let unit = match found.noise {
        Noise::Additive => "standard deviations",
        Noise::Multiplicative => "on logarithms",
    };
    let forecasts = format!(
        "Ahead of what it has seen it errs by {} {unit}, where a random walk errs by {} and the mean by {}.",
        number3(found.chosen.score.mean()),
        number3(walk.mean()),
        number3(mean.mean())
    );
    let relative =
        |c: vecfield_discover::Constant| c.stderr.map(|s| 100.0 * s / c.value.abs()).filter(|r| r.is_finite());
    let known: Vec<f64> = outcome.terms(&found.chosen).into_iter().filter_map(|(_, _, c)| relative(c)).collect();
    let least_sure = known.iter().copied().fold(0.0, f64::max);
    let constants = match (found.verdict, known.len()) {
        (Verdict::None, _) | (_, 0) => String::new(),
        (_, 1) => format!(" Its constant is known to {} %.", vecfield_plot::significant(least_sure, 2)),
        (_, n) => format!(" Its {n} constants are known to {} % or better.", vecfield_plot::significant(least_sure, 2)),
    };
    format!("{} {forecasts}{constants}", verdict(outcome))
}

/// The right-hand sides of a candidate, with numbers of so many digits.
pub(super) fn rounded_equations(outcome: &Outcome<'_>, candidate: &Candidate, digits: usize) -> Vec<String> {
    let (graph, formulas) = candidate.law.support.formulas(&outcome.found.vocabulary, &candidate.law.theta());
    formulas.into_iter().map(|formula| graph.to_text_styled(formula, TextStyle::digits(digits))).collect()
}

/// The constants with their standard errors.
fn constants(outcome: &Outcome<'_>) -> String {
    let mut rows: Vec<Vec<String>> = outcome
        .terms(&outcome.found.chosen)
        .into_iter()
        .map(|(i, key, constant)| {
            let equation = format!("d{}/dt", outcome.data.variables()[i]);
            let (value, error) = match constant.stderr {
                Some(error) => with_error(constant.value, error),
                None if constant.snapped => (number(constant.value), "rounded".to_string()),
                None => (number(constant.value), "not determined".to_string()),
            };
            vec![equation, key.to_string(), value, error]
        })
        .collect();
    if rows.is_empty() {
        rows.push(vec!["none".into(), String::new(), String::new(), String::new()]);
    }
    table(&["equation", "term", "constant", "std. error"], &rows, &[0, 1])
}

/// How well the law fits and forecasts, variable by variable.
fn quality(outcome: &Outcome<'_>) -> String {
    let law = &outcome.found.chosen.law;
    let multiplicative = outcome.found.noise == Noise::Multiplicative;
    let row = |(v, name): (usize, &String)| {
        let mut cells = vec![name.clone(), format!("{:.4}", law.r2[v]), number3(law.rmse[v])];
        if multiplicative {
            cells.push(format!("{} %", number3(100.0 * law.fit.sigma[v])));
        }
        cells
    };
    let rows: Vec<Vec<String>> = outcome.data.variables().iter().enumerate().map(row).collect();
    let header = ["variable", "R2", "rms residual", "noise"];
    let fit = table(&header[..if multiplicative { 4 } else { 3 }], &rows, &[0]);
    let [walk, mean] = &outcome.found.nulls;
    format!(
        "{fit}\nforecasts from {} origins: R2 {:.3}, error {} (a random walk {}, the mean {}); {} in all\n",
        outcome.found.chosen.score.by_origin().len(),
        outcome.found.forecast_r2,
        number3(outcome.found.chosen.score.mean()),
        number3(walk.mean()),
        number3(mean.mean()),
        duration(outcome.seconds),
    )
}

/// What else was tried, ranked.
fn alternatives(outcome: &Outcome<'_>) -> String {
    if outcome.found.alternatives.is_empty() {
        return String::new();
    }
    let chosen = &outcome.found.chosen;
    let row = |place: String, candidate: &Candidate| {
        let equations = rounded_equations(outcome, candidate, 3);
        let named = outcome.data.variables().iter().zip(equations).map(|(name, e)| format!("{name}' = {e}"));
        vec![
            place,
            number3(candidate.score.mean()),
            format!("{:.3}", candidate.law.r2_all),
            candidate.law.complexity.to_string(),
            named.collect::<Vec<_>>().join("; "),
        ]
    };
    let others = outcome.found.alternatives.iter().enumerate().map(|(i, other)| row((i + 1).to_string(), other));
    let rows: Vec<Vec<String>> = std::iter::once(row("law".into(), chosen)).chain(others).collect();
    format!(
        "Alternatives, by the error of their forecasts:\n{}",
        table(&["", "error", "R2", "size", "equations"], &rows, &[0, 4])
    )
}

fn number3(value: f64) -> String {
    vecfield_plot::significant(value, 3)
}
