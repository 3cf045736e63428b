//! The report of a discovery or of a fit: one page that says what was found, shows it, and shows what speaks against it.

use crate::error::PlotError;
use crate::forecast::ForecastCheck;
use crate::front::Front;
use crate::heat::HeatMap;
use crate::mathml::MathMl;
use crate::page;
use crate::phase::Phase;
use crate::profile::Profiles;
use crate::residuals::Residuals;
use crate::series::Variable;
use crate::trajectory::Trajectory;

/// How much the data support the equations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They single it out.
    Law,
    /// They can't tell it from its runner-up.
    Tentative,
    /// Nothing beyond a constant or a random walk is supported.
    None,
    /// The equations were given, and their constants fitted.
    Fitted,
    /// The same, but the data leave some of the constants open.
    Undetermined,
    /// The search for the constants did not come to its end.
    Unfinished,
}

/// One right-hand side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equation {
    /// The variable whose rate or value it is.
    pub variable: String,
    /// The variable, typeset.
    pub symbol: MathMl,
    /// The right-hand side, typeset.
    pub right: MathMl,
    /// The right-hand side as text, as `vecfield solve` reads it.
    pub text: String,
    /// Is it the variable itself, and not its rate?
    pub is_value: bool,
}

impl Equation {
    /// `d symbol/dt = right`, where `text` is the right-hand side as text.
    pub fn new(variable: impl Into<String>, symbol: MathMl, right: MathMl, text: impl Into<String>) -> Self {
        Self { variable: variable.into(), symbol, right, text: text.into(), is_value: false }
    }

    /// `symbol = right`, where `text` is the right-hand side as text.
    pub fn of_value(variable: impl Into<String>, symbol: MathMl, right: MathMl, text: impl Into<String>) -> Self {
        Self { is_value: true, ..Self::new(variable, symbol, right, text) }
    }
}

/// A number the data determined.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    /// Its name: `alpha`, `initial hare`.
    pub name: String,
    /// What it multiplies or where it stands, in a few words; may be empty.
    pub role: String,
    /// Its value.
    pub value: f64,
    /// Its standard error, where there is one.
    pub stderr: Option<f64>,
}

impl Constant {
    /// A constant with its standard error.
    pub fn new(name: impl Into<String>, role: impl Into<String>, value: f64, stderr: Option<f64>) -> Self {
        Self { name: name.into(), role: role.into(), value, stderr }
    }
}

/// A figure for the head of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is: `R² hare`.
    pub label: String,
    /// How much, already rounded: `0.958`.
    pub value: String,
    /// What it means; may be empty.
    pub note: String,
}

impl Fact {
    /// A figure.
    pub fn new(label: impl Into<String>, value: impl Into<String>, note: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), note: note.into() }
    }
}

/// A model beside the chosen one.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    /// Its equations.
    pub equations: Vec<Equation>,
    /// Its size.
    pub complexity: f64,
    /// Its fit; NaN if there is none.
    pub r2: f64,
    /// Its forecast score on the scale of the front; NaN if it has none.
    pub forecast: f64,
    /// Whether it was taken, or why not.
    pub standing: Standing,
}

impl Alternative {
    /// A model with its scores and what became of it.
    pub fn new(equations: Vec<Equation>, complexity: f64, r2: f64, forecast: f64, standing: Standing) -> Self {
        Self { equations, complexity, r2, forecast, standing }
    }
}

/// What became of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It was taken.
    Chosen,
    /// It was not, for this reason.
    Rejected(String),
}

/// A remark about the data or the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How much it matters.
    pub level: Level,
    /// What a reader should know.
    pub text: String,
}

impl Note {
    /// A remark that changes nothing.
    pub fn info(text: impl Into<String>) -> Self {
        Self { level: Level::Info, text: text.into() }
    }

    /// A remark that a reader must weigh.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { level: Level::Warning, text: text.into() }
    }
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Weigh it before using the result.
    Warning,
}

/// A command line and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What it does: `Solve the equations found`.
    pub purpose: String,
    /// The line to type.
    pub line: String,
}

impl Command {
    /// A command line and what it does.
    pub fn new(purpose: impl Into<String>, line: impl Into<String>) -> Self {
        Self { purpose: purpose.into(), line: line.into() }
    }
}

/// Everything on the page. [`Report::new`] takes what every report has; the other fields start empty, and an empty part is
/// left out of the page.
///
/// ```
/// use vecfield_plot::{Equation, Fit, MathMl, Report, Series, Trajectory, Variable, Verdict};
///
/// // y' = -y from y(0) = 1.
/// let curve: Series = (0..=50).map(|k| 0.1 * f64::from(k)).map(|t| [t, (-t).exp()]).collect();
/// let equation = Equation::new("y", MathMl::name("y"), MathMl::new("<mo>−</mo><mi>y</mi>")?, "-y");
/// let run = Trajectory::new("run 1", vec![Fit::new(curve.clone(), curve)]);
/// let report = Report::new("Decay", Verdict::Law, "y decays at rate 1.", Variable::new("t"), vec![Variable::new("y")], vec![equation], vec![run]);
/// let page = report.render()?;
/// assert!(page.contains("<math") && page.contains("<svg"));
/// # Ok::<(), vecfield_plot::PlotError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The page's title: `Lynx and hare`.
    pub title: String,
    /// Where the data come from, in a line: the file, its rows, variables, trajectories. May be empty.
    pub source: String,
    /// How much the data support the equations.
    pub verdict: Verdict,
    /// The verdict in a sentence of plain language.
    pub summary: String,
    /// How the equations were found. May be empty.
    pub method: String,
    /// What noise was assumed, and why. May be empty.
    pub noise: String,
    /// Figures for the head of the page; four or so.
    pub facts: Vec<Fact>,
    /// The independent variable.
    pub time: Variable,
    /// The states, in the order of everything below.
    pub variables: Vec<Variable>,
    /// The equations found.
    pub equations: Vec<Equation>,
    /// Their constants.
    pub constants: Vec<Constant>,
    /// The coefficients of all equations over the terms they were chosen from.
    pub coefficients: Option<HeatMap>,
    /// Data and model; the first six are drawn.
    pub trajectories: Vec<Trajectory>,
    /// Phase planes; the first stands beside the data.
    pub phase: Vec<Phase>,
    /// What the model leaves.
    pub residuals: Option<Residuals>,
    /// How it forecasts.
    pub forecasts: Option<ForecastCheck>,
    /// How surely its constants are known.
    pub profiles: Option<Profiles>,
    /// What else was tried.
    pub front: Option<Front>,
    /// The most telling of what else was tried, best first.
    pub alternatives: Vec<Alternative>,
    /// Remarks about the data.
    pub notes: Vec<Note>,
    /// How to use the result.
    pub commands: Vec<Command>,
    /// The program's version, seed and options, in a line. May be empty.
    pub provenance: String,
}

impl Report {
    /// A report with what every report has. `equations` and each trajectory's fits follow `variables`.
    pub fn new(
        title: impl Into<String>,
        verdict: Verdict,
        summary: impl Into<String>,
        time: Variable,
        variables: Vec<Variable>,
        equations: Vec<Equation>,
        trajectories: Vec<Trajectory>,
    ) -> Self {
        Self {
            title: title.into(),
            source: String::new(),
            verdict,
            summary: summary.into(),
            method: String::new(),
            noise: String::new(),
            facts: Vec::new(),
            time,
            variables,
            equations,
            constants: Vec::new(),
            coefficients: None,
            trajectories,
            phase: Vec::new(),
            residuals: None,
            forecasts: None,
            profiles: None,
            front: None,
            alternatives: Vec::new(),
            notes: Vec::new(),
            commands: Vec::new(),
            provenance: String::new(),
        }
    }

    /// The page: one HTML document that needs no network and no script, light or dark as the reader's screen is.
    ///
    /// # Errors
    /// [`PlotError::Variables`] if a part speaks of other variables than the report.
    pub fn render(&self) -> Result<String, PlotError> {
        self.check()?;
        page::render(self)
    }

    fn check(&self) -> Result<(), PlotError> {
        let expected = self.variables.len();
        let agree =
            |what, found| if found == expected { Ok(()) } else { Err(PlotError::Variables { what, expected, found }) };
        self.trajectories.iter().try_for_each(|run| agree("a trajectory", run.fits.len()))?;
        self.residuals.iter().try_for_each(|residuals| agree("the residuals", residuals.variables.len()))?;
        let forecasts = self.forecasts.iter().flat_map(|check| &check.forecasts);
        match forecasts.map(|forecast| forecast.variable + 1).max() {
            Some(found) if found > expected => Err(PlotError::Variables { what: "a forecast", expected, found }),
            _ => Ok(()),
        }
    }
}
