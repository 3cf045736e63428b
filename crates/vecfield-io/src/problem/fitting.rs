//! `[fit]` and what parameters say of their own fit: what is measured, what is known before, what a misfit costs.

use toml::de::DeValue;
use vecfield_adjoint::Belief;
use vecfield_expr::ExprId;

use super::Parameter;
use super::error::{ProblemError, ProblemReason};
use super::toml::{Entry, Section};

/// What a problem says of its own fit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FitSettings {
    /// Columns that measure a formula rather than a variable.
    pub observe: Vec<Observable>,
    /// Standard deviations of the errors of columns, where these are known.
    pub sigma: Vec<(String, f64)>,
    /// What a misfit costs, unless the command line says.
    pub loss: Option<Misfit>,
}

/// A column that measures a formula.
#[derive(Debug, Clone, PartialEq)]
pub struct Observable {
    /// The name of the column.
    pub name: String,
    /// What it measures, in parameters, variables and `t`.
    pub formula: ExprId,
}

/// What a misfit costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// Its square: right for normal errors.
    Squared,
    /// Its square, linear beyond 1.345 standard deviations: for outliers.
    Huber,
    /// The square of the logarithms' difference: for errors in proportion.
    Log,
}

impl Misfit {
    /// All of them.
    pub const ALL: [Misfit; 3] = [Misfit::Squared, Misfit::Huber, Misfit::Log];

    /// The word a user types.
    pub fn name(self) -> &'static str {
        match self {
            Misfit::Squared => "squared",
            Misfit::Huber => "huber",
            Misfit::Log => "log",
        }
    }
}

/// Reads `[fit]`; `formula` reads one formula.
pub(super) fn fit_settings<'a>(
    section: &Section<'a>,
    mut formula: impl FnMut(&Entry<'a>) -> Result<ExprId, ProblemError>,
) -> Result<FitSettings, ProblemError> {
    section.allow(&["observe", "sigma", "loss"])?;
    let mut settings = FitSettings::default();
    if let Some(observe) = section.get("observe") {
        for entry in observe.table()?.entries() {
            settings.observe.push(Observable { name: entry.key.into(), formula: formula(&entry)? });
        }
    }
    if let Some(sigma) = section.get("sigma") {
        for entry in sigma.table()?.entries() {
            settings.sigma.push((entry.key.into(), positive(&entry)?));
        }
    }
    if let Some(loss) = section.get("loss") {
        let word = loss.text()?;
        let known = Misfit::ALL.into_iter().find(|misfit| misfit.name() == word);
        settings.loss = Some(known.ok_or_else(|| loss.kind("\"squared\", \"huber\" or \"log\""))?);
    }
    Ok(settings)
}

/// A number, or `{value=, min=, max=, prior=, fixed=, local=}`.
pub(super) fn parameter(entry: &Entry<'_>) -> Result<Parameter, ProblemError> {
    let name = entry.key.to_string();
    if !matches!(entry.value(), DeValue::Table(_)) {
        return Ok(Parameter::new(name, entry.number()?));
    }
    let table = entry.table()?;
    table.allow(&["value", "min", "max", "prior", "fixed", "local"])?;
    let bound = |key, none| table.get(key).map_or(Ok(none), |e| e.number());
    let value = table.require("value", "value = 1.0")?.number()?;
    let (min, max) = (bound("min", f64::NEG_INFINITY)?, bound("max", f64::INFINITY)?);
    if !(min <= value && value <= max) {
        return Err(entry.error(ProblemReason::Bounds { name, min, value, max }));
    }
    let flag = |key| table.get(key).map_or(Ok(false), |e| e.flag());
    let prior = table.get("prior").map(|prior| belief(&prior)).transpose()?;
    Ok(Parameter { name, value, min, max, prior, fixed: flag("fixed")?, local: flag("local")? })
}

fn belief(entry: &Entry<'_>) -> Result<Belief, ProblemError> {
    const SHAPE: &str =
        "{ normal = [mean, deviation] } or { lognormal = [median, deviation] }, with a deviation above zero";
    if !matches!(entry.value(), DeValue::Table(_)) {
        return Err(entry.kind(SHAPE));
    }
    let table = entry.table()?;
    table.allow(&["normal", "lognormal"])?;
    match (table.get("normal"), table.get("lognormal")) {
        (Some(normal), None) => match normal.numbers()?[..] {
            [mean, deviation] if deviation > 0.0 => Ok(Belief::Normal { mean, deviation }),
            _ => Err(normal.kind("a mean and a standard deviation above zero")),
        },
        (None, Some(lognormal)) => match lognormal.numbers()?[..] {
            [median, deviation] if median > 0.0 && deviation > 0.0 => Ok(Belief::Lognormal { median, deviation }),
            _ => Err(lognormal.kind("a median above zero and the standard deviation of the logarithm, above zero")),
        },
        _ => Err(entry.kind(SHAPE)),
    }
}

fn positive(entry: &Entry<'_>) -> Result<f64, ProblemError> {
    let value = entry.number()?;
    if value > 0.0 { Ok(value) } else { Err(entry.kind("a number above zero")) }
}
