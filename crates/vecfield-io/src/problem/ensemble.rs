//! `[ensemble]`: which values differ from one trajectory to the next, and how.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::error::{ProblemError, ProblemReason};
use super::toml::{Entry, Section};
use crate::names::did_you_mean;

/// The trajectories of an ensemble, by the values that differ among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// The values that differ, in the order of the file.
    pub axes: Vec<Axis>,
    /// A CSV with a trajectory a row; its columns are values like those of the axes.
    pub table: Option<PathBuf>,
    /// How several lists combine.
    pub combine: Combine,
}

/// One value that differs among the trajectories.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Whose value: a parameter, a discrete value, or `initial.` and a variable.
    pub name: String,
    /// What it takes.
    pub values: Values,
}

/// What a value takes in the trajectories.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// These numbers, one after the other.
    Listed(Vec<f64>),
    /// A draw for each trajectory.
    Random(Distribution),
}

/// What a random value is drawn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// A normal distribution.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        deviation: f64,
    },
    /// An interval, evenly.
    Uniform {
        /// Its beginning.
        from: f64,
        /// Its end.
        to: f64,
    },
}

/// How several lists (ranges, the rows of a table) make trajectories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combine {
    /// The first of each, the second of each, ..: all are of one length.
    Zip,
    /// Each with each; the last varies fastest.
    Grid,
}

/// What an ensemble can vary: names of a problem, with the word before those of variables.
pub(super) struct Known<'a> {
    pub(super) parameters: Vec<&'a str>,
    pub(super) variables: Vec<&'a str>,
    pub(super) discrete: Vec<&'a str>,
}

impl Known<'_> {
    /// The name as an [`Axis`] has it.
    pub(super) fn canonical(&self, name: &str) -> Option<String> {
        canonical(name, &self.parameters, &self.variables, &self.discrete)
    }
}

/// The name of a value as an [`Axis`] has it: a variable is one of its initial value.
pub(crate) fn canonical<S: AsRef<str>>(
    name: &str,
    parameters: &[S],
    variables: &[S],
    discrete: &[S],
) -> Option<String> {
    let has = |names: &[S], name: &str| names.iter().any(|known| known.as_ref() == name);
    if has(parameters, name) || has(discrete, name) {
        return Some(name.into());
    }
    let variable = name.strip_prefix("initial.").unwrap_or(name);
    has(variables, variable).then(|| format!("initial.{variable}"))
}

/// More trajectories than this are a slip of the pen.
const MOST: u64 = 10_000_000;

pub(super) fn ensemble(section: &Section<'_>, known: &Known<'_>, folder: &Path) -> Result<Ensemble, ProblemError> {
    let mut ensemble = Ensemble { axes: Vec::new(), table: None, combine: Combine::Zip };
    let mut first: HashSet<String> = HashSet::new();
    for entry in section.entries() {
        match entry.key {
            "file" => ensemble.table = Some(folder.join(entry.text()?)),
            "grid" => ensemble.combine = if entry.flag()? { Combine::Grid } else { Combine::Zip },
            "initial" => {
                for entry in entry.table()?.entries() {
                    let name = format!("initial.{}", entry.key);
                    axis(&entry, &name, known, &mut first, &mut ensemble)?;
                }
            }
            name => axis(&entry, name, known, &mut first, &mut ensemble)?,
        }
    }
    if ensemble.axes.is_empty() && ensemble.table.is_none() {
        let what = "nothing that differs; add, for example, a = { from = 0.0, to = 1.0, count = 100 }".into();
        return Err(section.error(ProblemReason::Ensemble { what }));
    }
    if ensemble.combine == Combine::Zip {
        same_length(section, &ensemble)?;
    }
    Ok(ensemble)
}

fn axis(
    entry: &Entry<'_>,
    name: &str,
    known: &Known<'_>,
    first: &mut HashSet<String>,
    ensemble: &mut Ensemble,
) -> Result<(), ProblemError> {
    let Some(name) = known.canonical(name) else {
        let names = || known.parameters.iter().chain(&known.variables).chain(&known.discrete).copied();
        let hint = did_you_mean(entry.key, names().chain(["file", "grid"]));
        let known = names().collect::<Vec<_>>().join(", ");
        return Err(entry.key_error(ProblemReason::NotVaried { name: name.into(), hint, known }));
    };
    if !first.insert(name.clone()) {
        let what = format!("two entries for `{name}`; keep one of them");
        return Err(entry.key_error(ProblemReason::Ensemble { what }));
    }
    ensemble.axes.push(Axis { values: values(entry)?, name });
    Ok(())
}

fn values(entry: &Entry<'_>) -> Result<Values, ProblemError> {
    if matches!(entry.value(), DeValue::Array(_)) {
        let listed = entry.numbers()?;
        if listed.is_empty() {
            return Err(entry.kind("a list with at least one number"));
        }
        return Ok(Values::Listed(listed));
    }
    if !matches!(entry.value(), DeValue::Table(_)) {
        return Err(entry.kind(
            "a list of numbers, { from = .., to = .., count = .. }, { normal = [mean, deviation] } or { uniform = [from, to] }",
        ));
    }
    let table = entry.table()?;
    let pair = |entry: &Entry<'_>| match entry.numbers()?[..] {
        [a, b] => Ok((a, b)),
        _ => Err(entry.kind("two numbers")),
    };
    if let Some(normal) = table.get("normal") {
        table.allow(&["normal"])?;
        let (mean, deviation) = pair(&normal)?;
        if deviation < 0.0 {
            return Err(normal.kind("a mean and a standard deviation that is not negative"));
        }
        return Ok(Values::Random(Distribution::Normal { mean, deviation }));
    }
    if let Some(uniform) = table.get("uniform") {
        table.allow(&["uniform"])?;
        let (from, to) = pair(&uniform)?;
        return Ok(Values::Random(Distribution::Uniform { from, to }));
    }
    range(&table)
}

/// `{ from, to, count, spacing }`.
fn range(table: &Section<'_>) -> Result<Values, ProblemError> {
    table.allow(&["from", "to", "count", "spacing", "normal", "uniform"])?;
    let (from, to) = (table.require("from", "from = 0.0")?, table.require("to", "to = 1.0")?);
    let count = table.require("count", "count = 100")?;
    let ((a, b), n) = ((from.number()?, to.number()?), count.count()?);
    if n > MOST {
        return Err(count.kind("a number of trajectories up to ten million"));
    }
    let share = |k: u64| if n > 1 { k as f64 / (n - 1) as f64 } else { 0.0 };
    // Each from its number, so that rounding does not accumulate, and both ends exact.
    let placed = |k: u64, inner: f64| {
        if k == 0 {
            a
        } else if k + 1 == n {
            b
        } else {
            inner
        }
    };
    let spacing = table.get("spacing");
    let listed = match spacing.as_ref().map(|s| s.text()).transpose()? {
        None | Some("linear") => (0..n).map(|k| placed(k, a + (b - a) * share(k))).collect(),
        Some("log") if a > 0.0 && b > 0.0 => {
            let (low, high) = (a.ln(), b.ln());
            (0..n).map(|k| placed(k, (low + (high - low) * share(k)).exp())).collect()
        }
        Some("log") => return Err(from.kind("above zero, as `to`, for spacing = \"log\"")),
        Some(_) => {
            let spacing = spacing.expect("the text that was matched");
            return Err(spacing.kind("\"linear\" or \"log\""));
        }
    };
    Ok(Values::Listed(listed))
}

fn same_length(section: &Section<'_>, ensemble: &Ensemble) -> Result<(), ProblemError> {
    let mut lists = ensemble.axes.iter().filter_map(|axis| match &axis.values {
        Values::Listed(values) => Some((&axis.name, values.len())),
        Values::Random(_) => None,
    });
    let Some((first, n)) = lists.next() else { return Ok(()) };
    match lists.find(|(_, m)| *m != n) {
        None => Ok(()),
        Some((second, m)) => {
            let what = format!(
                "{n} values of `{first}` but {m} of `{second}`; give as many of each, or grid = true for all combinations"
            );
            Err(section.error(ProblemReason::Ensemble { what }))
        }
    }
}
