//! From a [`Report`] to HTML: what the template sees, and nothing else. The template escapes every text; figures and
//! formulas are the only markup passed as such, and both are made or checked by this crate.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::error::PlotError;
use crate::figure::Figure;
use crate::front::{Better, Front, FrontPoint};
use crate::heat::{HeatCell, HeatMap};
use crate::mathml::MathMl;
use crate::number::{fixed, significant, with_error};
use crate::panel::range_of;
use crate::report::{Alternative, Command, Constant, Equation, Fact, Level, Note, Report, Standing, Verdict};
use crate::residuals::{autocorrelation, deviation};
use crate::series::{Series, Variable};
use crate::simplify::Detail;
use crate::theme;

/// Trajectories and variables drawn; more would make the page long without telling more.
const MOST_TRAJECTORIES: usize = 6;
const MOST_VARIABLES: usize = 8;
/// Characters of a right-hand side beyond which half the page is too narrow for it.
const WIDE: usize = 42;
/// A page stays below 2 MB, so that it can be mailed and opens at once.
const MOST_BYTES: usize = 1_900_000;

/// What the template sees. Names here are names there.
#[derive(Serialize)]
struct Page<'a> {
    style: String,
    title: &'a str,
    source: &'a str,
    verdict: &'a str,
    verdict_class: &'a str,
    summary: &'a str,
    method: &'a str,
    noise: &'a str,
    facts: Vec<FactCell<'a>>,
    equations: Vec<Formula>,
    /// Whether an equation needs the page's whole width.
    wide: bool,
    constants: Vec<ConstantRow>,
    heat: Option<Heat>,
    data: Vec<Picture>,
    unseen: String,
    residuals: Vec<Picture>,
    profiles: Vec<Picture>,
    forecasts: Vec<Picture>,
    front: Option<Picture>,
    sizes: Vec<SizeRow>,
    score: String,
    size: String,
    models: Vec<ModelRow>,
    notes: Vec<NoteItem<'a>>,
    commands: Vec<CommandItem<'a>>,
    provenance: &'a str,
    /// Markers a layer, where the page had to be thinned.
    coarse: Option<usize>,
}

#[derive(Serialize)]
struct FactCell<'a> {
    label: &'a str,
    value: &'a str,
    note: &'a str,
}

#[derive(Serialize)]
struct NoteItem<'a> {
    warning: bool,
    text: &'a str,
}

#[derive(Serialize)]
struct CommandItem<'a> {
    purpose: &'a str,
    line: &'a str,
}

#[derive(Serialize)]
struct Picture {
    svg: String,
    caption: String,
}

#[derive(Serialize)]
struct Formula {
    left: String,
    /// The first term, then the others with their signs.
    first: String,
    others: Vec<String>,
    text: String,
}

#[derive(Serialize)]
struct ConstantRow {
    name: String,
    role: String,
    value: String,
    stderr: String,
    share: String,
}

/// The best of one size. `share` is its score's part of the largest, for a bar.
#[derive(Serialize)]
struct SizeRow {
    size: String,
    score: String,
    share: String,
    chosen: bool,
}

#[derive(Serialize)]
struct ModelRow {
    equations: Vec<Formula>,
    complexity: String,
    r2: String,
    forecast: String,
    chosen: bool,
    reason: String,
}

/// Drawn as fine as a page of [`MOST_BYTES`] allows.
pub(crate) fn render(report: &Report) -> Result<String, PlotError> {
    let failed = |error: minijinja::Error| PlotError::Template { reason: format!("{error:#}") };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("report.html", include_str!("../templates/report.html")).map_err(failed)?;
    let template = environment.get_template("report.html").map_err(failed)?;
    let plates = Plates::new(report);
    let mut detail = Detail::FULL;
    loop {
        let page = template.render(Serde(Page::new(report, &plates, detail))).map_err(failed)?;
        // Text alone may be long, too: with a dozen markers a curve there is nothing left to gain.
        if page.len() <= MOST_BYTES || detail.markers < 12 {
            return Ok(page);
        }
        detail = detail.halved();
    }
}

/// A figure and what is written under it.
struct Plate {
    figure: Figure,
    caption: String,
}

impl Plate {
    fn new(figure: Figure, caption: impl Into<String>) -> Self {
        Self { figure, caption: caption.into() }
    }

    fn drawn(&self, detail: Detail) -> Picture {
        Picture { svg: self.figure.to_inline(detail), caption: self.caption.clone() }
    }
}

struct Plates {
    data: Vec<Plate>,
    forecasts: Vec<Plate>,
    residuals: Vec<Plate>,
    profiles: Vec<Plate>,
    front: Option<Plate>,
}

impl Plates {
    fn new(report: &Report) -> Self {
        Self {
            data: data_plates(report),
            forecasts: forecast_plates(report),
            residuals: residual_plates(report),
            profiles: report.profiles.iter().map(|p| Plate::new(p.figure(), p.caption())).collect(),
            front: report.front.as_ref().map(front_plate),
        }
    }
}

impl<'a> Page<'a> {
    fn new(report: &'a Report, plates: &Plates, detail: Detail) -> Self {
        let style = include_str!("../templates/report.css")
            .replace("/*light*/", &theme::light_properties())
            .replace("/*dark*/", &theme::dark_properties());
        let (verdict, verdict_class) = match report.verdict {
            Verdict::Law => ("Law found", "good"),
            Verdict::Tentative => ("Tentative", "warn"),
            Verdict::None => ("No law", "bad"),
            Verdict::Fitted => ("Fitted", "good"),
            Verdict::Undetermined => ("Not determined", "warn"),
            Verdict::Unfinished => ("Not converged", "bad"),
        };
        let drawn = |plates: &[Plate]| plates.iter().map(|plate| plate.drawn(detail)).collect();
        let fact = |fact: &'a Fact| FactCell { label: &fact.label, value: &fact.value, note: &fact.note };
        let note = |note: &'a Note| NoteItem { warning: note.level == Level::Warning, text: &note.text };
        let command = |command: &'a Command| CommandItem { purpose: &command.purpose, line: &command.line };
        let front = report.front.as_ref();
        Page {
            style: theme::figure_style() + &style,
            title: &report.title,
            source: &report.source,
            verdict,
            verdict_class,
            summary: &report.summary,
            method: &report.method,
            noise: &report.noise,
            facts: report.facts.iter().map(fact).collect(),
            equations: formulas(&report.equations, &report.time.name),
            wide: report.equations.iter().any(|equation| equation.text.chars().count() > WIDE),
            constants: report.constants.iter().map(constant_row).collect(),
            heat: report.coefficients.as_ref().map(heat),
            data: drawn(&plates.data),
            unseen: unseen(report),
            residuals: drawn(&plates.residuals),
            profiles: drawn(&plates.profiles),
            forecasts: drawn(&plates.forecasts),
            front: plates.front.as_ref().map(|plate| plate.drawn(detail)),
            sizes: front.map(size_rows).unwrap_or_default(),
            score: front.map_or("Forecast score".into(), |front| capitalised(&front.score.name)),
            size: front.map_or("Complexity".into(), |front| capitalised(&front.complexity.name)),
            models: report.alternatives.iter().map(|model| model_row(model, &report.time.name)).collect(),
            notes: report.notes.iter().map(note).collect(),
            commands: report.commands.iter().map(command).collect(),
            provenance: &report.provenance,
            coarse: (detail != Detail::FULL).then_some(detail.markers),
        }
    }
}

#[derive(Serialize)]
struct Heat {
    equations: Vec<String>,
    rows: Vec<HeatRow>,
}

#[derive(Serialize)]
struct HeatRow {
    term: String,
    cells: Vec<HeatEntry>,
}

#[derive(Serialize, Default)]
struct HeatEntry {
    value: String,
    stderr: String,
    sign: &'static str,
    depth: String,
}

fn heat(map: &HeatMap) -> Heat {
    let entry = |cell: &Option<HeatCell>| {
        let Some(cell) = cell else { return HeatEntry::default() };
        let (value, stderr) = match cell.stderr {
            Some(error) if error > 0.0 && error.is_finite() => with_error(cell.value, error),
            _ => (significant(cell.value, 4), String::new()),
        };
        let sign = if cell.value < 0.0 { "minus" } else { "plus" };
        HeatEntry { value, stderr, sign, depth: format!("{:.0}", map.depth(cell.value)) }
    };
    let row = |k: usize| HeatRow { term: map.terms[k].clone(), cells: map.row(k).iter().map(entry).collect() };
    Heat { equations: map.equations.clone(), rows: (0..map.terms.len()).map(row).collect() }
}

/// What is left out of the figures, in words.
fn unseen(report: &Report) -> String {
    let runs = report.trajectories.len().saturating_sub(MOST_TRAJECTORIES);
    let variables = report.variables.len().saturating_sub(MOST_VARIABLES);
    let counted = |count: usize, one: &str, many: &str| format!("{count} more {}", if count == 1 { one } else { many });
    let parts: Vec<String> = [(runs, "trajectory", "trajectories"), (variables, "variable", "variables")]
        .into_iter()
        .filter(|part| part.0 > 0)
        .map(|(count, one, many)| counted(count, one, many))
        .collect();
    if parts.is_empty() { String::new() } else { format!("Not drawn: {}.", parts.join(", ")) }
}

/// The variables that figures show.
fn shown(report: &Report) -> &[Variable] {
    &report.variables[..report.variables.len().min(MOST_VARIABLES)]
}

fn formulas(equations: &[Equation], time: &str) -> Vec<Formula> {
    let formula = |equation: &Equation| {
        let mut terms = equation.right.terms().into_iter().map(|term| term.as_str().to_owned());
        let (left, name) = if equation.is_value {
            (equation.symbol.clone(), equation.variable.clone())
        } else {
            (MathMl::rate(&equation.symbol, &MathMl::name(time)), format!("d{}/d{time}", equation.variable))
        };
        Formula {
            left: left.as_str().to_owned(),
            first: terms.next().unwrap_or_default(),
            others: terms.map(|term| infix(&term)).collect(),
            text: format!("{name} = {}", equation.text),
        }
    };
    equations.iter().map(formula).collect()
}

/// A sign that begins a formula would be set as a prefix, without the room of one between terms.
fn infix(term: &str) -> String {
    term.replacen("<mo>", "<mo form=\"infix\">", 1)
}

fn constant_row(constant: &Constant) -> ConstantRow {
    let (value, stderr) = match constant.stderr {
        Some(stderr) => with_error(constant.value, stderr),
        None => (significant(constant.value, 5), "—".into()),
    };
    let share = match constant.stderr {
        Some(stderr) if constant.value.is_finite() && (stderr / constant.value).is_finite() => {
            format!("{} %", significant(100.0 * (stderr / constant.value).abs(), 2))
        }
        _ => "—".into(),
    };
    ConstantRow { name: constant.name.clone(), role: constant.role.clone(), value, stderr, share }
}

fn model_row(model: &Alternative, time: &str) -> ModelRow {
    let (chosen, reason) = match &model.standing {
        Standing::Chosen => (true, String::new()),
        Standing::Rejected(reason) => (false, reason.clone()),
    };
    ModelRow {
        equations: formulas(&model.equations, time),
        complexity: whole(model.complexity),
        r2: significant(model.r2, 3),
        forecast: significant(model.forecast, 3),
        chosen,
        reason,
    }
}

/// The data and, beside the first trajectory, the first phase plane; the others follow.
fn data_plates(report: &Report) -> Vec<Plate> {
    let several = report.trajectories.len() > 1;
    let runs = report.trajectories.iter().take(MOST_TRAJECTORIES).map(|run| {
        let caption = if several {
            format!("{}: measured points and the model.", run.label)
        } else {
            "Measured points and the model.".into()
        };
        Plate::new(run.figure(&report.time, shown(report)), caption)
    });
    let mut pictures: Vec<Plate> = runs.collect();
    let planes =
        report.phase.iter().map(|phase| Plate::new(phase.figure_beside(shown(report).len()), phase_caption(phase)));
    for (i, plane) in planes.enumerate() {
        pictures.insert((2 * i + 1).min(pictures.len()), plane);
    }
    pictures
}

fn phase_caption(phase: &crate::Phase) -> &'static str {
    match phase {
        crate::Phase::Portrait(_) => "Phase plane: where the law carries each state.",
        crate::Phase::Rate(_) => "Rate against value: where the curve crosses zero, nothing moves.",
    }
}

fn residual_plates(report: &Report) -> Vec<Plate> {
    let Some(residuals) = &report.residuals else { return Vec::new() };
    let describe = |(series, variable): (&Series, &Variable)| {
        let n = series.finite().count();
        let correlation = autocorrelation(series).map(|r| {
            // Under white noise the first autocorrelation is about normal with variance 1/n.
            let limit = 1.96 / (n as f64).sqrt();
            let says = if r.abs() > limit { "more than chance" } else { "as chance would give" };
            format!(", correlation of neighbours {} ({says}: ±{})", significant(r, 2), significant(limit, 2))
        });
        format!(
            "{}: standard deviation {}{}",
            variable.name,
            significant(deviation(series), 3),
            correlation.unwrap_or_default()
        )
    };
    let over_time: Vec<_> = residuals.variables.iter().zip(shown(report)).map(describe).collect();
    vec![
        Plate::new(residuals.over_time(&report.time, shown(report)), over_time.join(". ") + "."),
        Plate::new(
            residuals.quantiles(shown(report)),
            "On the diagonal the residuals are normal; outside the band they are not.",
        ),
    ]
}

fn forecast_plates(report: &Report) -> Vec<Plate> {
    let Some(check) = report.forecasts.as_ref().filter(|check| !check.forecasts.is_empty()) else { return Vec::new() };
    let first = check.forecasts.iter().map(|forecast| forecast.trajectory).min().unwrap_or(0);
    let over_time = report.trajectories.get(first).map(|run| {
        let of = if report.trajectories.len() > 1 { format!(" ({})", run.label) } else { String::new() };
        let caption = format!("Each line starts where the fit stopped looking: it had seen nothing later{of}.");
        Plate::new(check.over_time(first, run, &report.time, shown(report)), caption)
    });
    let agreement = Plate::new(check.agreement(shown(report)), "Forecast against what was measured later.");
    over_time.into_iter().chain([agreement]).collect()
}

fn front_plate(front: &Front) -> Plate {
    let good = if front.better == Better::Lower { "low" } else { "high" };
    let caption =
        format!("Every model tried, by {} and {}: {good} and left is better.", front.complexity.name, front.score.name);
    Plate::new(front.figure(), caption)
}

/// A dozen sizes at most: beyond them the figure tells more.
fn size_rows(front: &Front) -> Vec<SizeRow> {
    let best = front.best_of_each_size();
    let length = |point: &FrontPoint| point.score.max(0.0);
    let range = range_of(best.iter().map(length).filter(|length| *length > 0.0)).unwrap_or([1.0, 1.0]);
    // One hopeless size must not shrink the others' bars to nothing.
    let longest = range[1].min(12.0 * range[0]);
    let chosen = front.chosen.and_then(|index| front.points.get(index));
    let row = |point: &FrontPoint| SizeRow {
        size: whole(point.complexity),
        score: significant(point.score, 3),
        share: format!("{:.1}", 100.0 * (length(point) / longest).min(1.0)),
        chosen: chosen == Some(point),
    };
    best.iter().take(12).map(row).collect()
}

/// Sizes are whole numbers as a rule.
fn whole(size: f64) -> String {
    if size.fract() == 0.0 { fixed(size, 0) } else { significant(size, 3) }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
