//! What can be wrong with a problem, where, and what to do about it.

use std::fmt;
use std::ops::Range;

/// Why a problem file is refused: the place, the reason, and the line with the place marked under it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemError(Box<Place>);

#[derive(Debug, Clone, PartialEq)]
struct Place {
    file: String,
    line: usize,
    column: usize,
    reason: ProblemReason,
    picture: String,
}

impl ProblemError {
    /// The error at the bytes `span` of `text`.
    pub(super) fn at(file: &str, text: &str, span: Range<usize>, reason: ProblemReason) -> Self {
        let (line, column, picture) = locate(text, span);
        Self(Box::new(Place { file: file.into(), line, column, reason, picture }))
    }

    /// The file, as the caller named it.
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// One-based line.
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// One-based column, in characters.
    pub fn column(&self) -> usize {
        self.0.column
    }

    /// What is wrong and what to do.
    pub fn reason(&self) -> &ProblemReason {
        &self.0.reason
    }
}

impl fmt::Display for ProblemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, column, reason, picture } = &*self.0;
        match reason {
            // The file as a whole has no line and column.
            ProblemReason::Unreadable { .. } => write!(f, "{file}: {reason}"),
            _ => write!(f, "{file}:{line}:{column}: {reason}{picture}"),
        }
    }
}

impl std::error::Error for ProblemError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.reason())
    }
}

/// What is wrong with a problem and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemReason {
    /// The file cannot be read.
    #[error("cannot read the problem: {reason}; check the path")]
    Unreadable {
        /// The system's reason.
        reason: String,
    },
    /// Not TOML.
    #[error("this is not TOML: {message}")]
    Toml {
        /// The parser's words.
        message: String,
    },
    /// A table that every problem needs.
    #[error("the problem has no [{table}]; add it, for example\n  [{table}]\n  {example}")]
    MissingTable {
        /// The table.
        table: &'static str,
        /// A line it may have.
        example: &'static str,
    },
    /// A key that a table needs.
    #[error("{table} has no `{key}`; add `{example}`")]
    MissingKey {
        /// The table.
        table: String,
        /// The key.
        key: &'static str,
        /// How it may look.
        example: &'static str,
    },
    /// A key nobody reads.
    #[error("{table} has no key `{key}`{hint}; it has {known}")]
    UnknownKey {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
        /// The keys it has.
        known: String,
    },
    /// A part of the format that has no meaning beside noise.
    #[error("[noise] makes this a stochastic equation, which has no {what}; remove one of the two")]
    BesideNoise {
        /// What stands beside it.
        what: &'static str,
    },
    /// Noise in what is no variable.
    #[error("[noise] moves `{variable}`, which has no equation{hint}; give one of the problem's variables")]
    NoiseOfNothing {
        /// The name.
        variable: String,
        /// The nearest variable, as a phrase, or nothing.
        hint: String,
    },
    /// Rows of the diffusion of different lengths.
    #[error(
        "`{variable}` has {found} columns of noise where `{first}` has {expected}; give every variable one formula for each          Brownian motion, \"0\" where it does not take part"
    )]
    NoiseShape {
        /// The variable.
        variable: String,
        /// How many columns it has.
        found: usize,
        /// The first variable of the table.
        first: String,
        /// How many that has.
        expected: usize,
    },
    /// Noise without a formula.
    #[error("[noise] has no formula{for_what}; give one for each Brownian motion, as x = [\"0.1*x\"]")]
    NoNoise {
        /// For which variable, as a phrase, or nothing.
        for_what: String,
    },
    /// A value of the wrong kind.
    #[error("{what} must be {expected}, but is {found}")]
    Kind {
        /// The key.
        what: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A name that no formula can use.
    #[error("{0}")]
    Name(#[from] vecfield_expr::NameError),
    /// The name of the independent variable.
    #[error("`t` is the independent variable in every formula; choose another name for this {kind}")]
    NamedTime {
        /// What has the name.
        kind: &'static str,
    },
    /// One name for two things.
    #[error("`{name}` is already a {first}; choose another name for this {second}")]
    NameTaken {
        /// The name.
        name: String,
        /// What it is.
        first: &'static str,
        /// What it was to be as well.
        second: &'static str,
    },
    /// A variable without an equation.
    #[error(
        "`{variable}` has an initial value but no equation; add `{variable} = \"..\"` (its d/dt) to [equations], or, where \
         an equation without a derivative determines it, what vanishes to [algebraic]"
    )]
    NoEquation {
        /// The variable.
        variable: String,
    },
    /// A variable both with a derivative and without.
    #[error("`{variable}` is in [equations] and in [algebraic]; keep one: its d/dt there, or here what vanishes")]
    TwoEquations {
        /// The variable.
        variable: String,
    },
    /// A stiff part of what has no equation.
    #[error("`{variable}` has a stiff part but no equation{hint}; [stiff] can name {known}")]
    StiffOfNothing {
        /// What was to be a variable.
        variable: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
        /// The variables with an equation.
        known: String,
    },
    /// A stiff part of an equation that has no other.
    #[error("`{variable}` is in [algebraic], whose equations are implicit as a whole; take it out of [stiff]")]
    StiffAlgebraic {
        /// The variable.
        variable: String,
    },
    /// An equation without an initial value.
    #[error("`{variable}` has an equation but no initial value{hint}; add `{variable} = ..` to [initial]")]
    NoInitial {
        /// The variable.
        variable: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
    },
    /// A text that is not a formula.
    #[error("{what}: {reason}")]
    Formula {
        /// Whose formula.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Definitions that need each other.
    #[error("the definitions go round in a circle: {path}; write one of them without the others")]
    Cycle {
        /// The circle, as `p -> q -> p`.
        path: String,
    },
    /// An initial value that is not known at the start.
    #[error("the initial value of `{variable}` depends on `{name}`, a {kind}; it may use numbers and parameters")]
    InitialDepends {
        /// The variable.
        variable: String,
        /// What it depends on.
        name: String,
        /// What that is.
        kind: &'static str,
    },
    /// A parameter outside its bounds.
    #[error("parameter `{name}`: min, value and max must not decrease, but are {min}, {value}, {max}")]
    Bounds {
        /// The parameter.
        name: String,
        /// Its lower bound.
        min: f64,
        /// Its value.
        value: f64,
        /// Its upper bound.
        max: f64,
    },
    /// A jump of something that events do not change.
    #[error("event `{event}` cannot set `{name}`{hint}; it can set variables and [discrete] values: {known}")]
    NotSettable {
        /// The event.
        event: String,
        /// The name.
        name: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
        /// What can be set.
        known: String,
    },
    /// A jump of what its own equation determines.
    #[error(
        "event `{event}` cannot set `{variable}`, which an equation of [algebraic] determines at every time; set what it \
         depends on instead"
    )]
    SetsAlgebraic {
        /// The event.
        event: String,
        /// The variable.
        variable: String,
    },
    /// A value that no ensemble can vary.
    #[error("an ensemble cannot vary `{name}`{hint}; it can vary {known}")]
    NotVaried {
        /// The name.
        name: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
        /// What can be varied.
        known: String,
    },
    /// Paths without anything random.
    #[error(
        "`paths` says how often what is random is drawn, and there is neither [noise] nor [ensemble]; add one, for \
         example\n  [ensemble]\n  a = {{ normal = [1.0, 0.1] }}"
    )]
    PathsOfNothing,
    /// Values of an ensemble that do not fit together.
    #[error("[ensemble] has {what}")]
    Ensemble {
        /// What it has, and what to do.
        what: String,
    },
    /// A column that measures a formula is called like something else.
    #[error("`{name}` is a {kind} already; call the column that measures this formula differently")]
    ObservesName {
        /// The name.
        name: String,
        /// What it stands for.
        kind: &'static str,
    },
    /// Two events with one name.
    #[error("two events are called `{name}`; rename one")]
    EventNamedTwice {
        /// The name.
        name: String,
    },
    /// A setting of the solver that it cannot work with.
    #[error(transparent)]
    Setting(#[from] super::SettingError),
}

/// One-based line and column of a span, and its line with the span underlined.
pub(crate) fn locate(text: &str, span: Range<usize>) -> (usize, usize, String) {
    let start = floor_char_boundary(text, span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    let line = text[..start].matches('\n').count() + 1;
    let before = text[line_start..start].chars().count();
    let picture = picture(&text[line_start..line_end], before, text[start..line_end].chars(), span.len());
    (line, before + 1, picture)
}

/// The line, cut to what fits on a terminal, with the marks under it; nothing for a blank line.
fn picture(line: &str, before: usize, from: std::str::Chars<'_>, bytes: usize) -> String {
    const SHOWN: usize = 90;
    if line.trim().is_empty() {
        return String::new();
    }
    let first = before.saturating_sub(SHOWN / 2);
    let shown: String = line.chars().skip(first).take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut marked = 0;
    let marks = from
        .take_while(|c| {
            let inside = marked < bytes;
            marked += c.len_utf8();
            inside
        })
        .count();
    let marks = marks.clamp(1, SHOWN - (before - first));
    format!("\n  | {}\n  | {}{}", shown.trim_end(), " ".repeat(before - first), "^".repeat(marks))
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}
