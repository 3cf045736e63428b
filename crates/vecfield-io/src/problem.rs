//! Problems as TOML: parameters, definitions, initial values, equations, events and how to solve them.
//!
//! A [`Problem`] that exists is sound: every name is known and means one thing, every formula is read, definitions are
//! filled in, and the settings agree with each other. What was wrong is said with its line and column.

mod build;
mod ensemble;
mod error;
mod fitting;
mod settings;
mod toml;

use std::path::Path;

use vecfield_adjoint::Belief;
use vecfield_expr::{ExprId, Graph, ParseError, Scope};
use vecfield_traits::Calculus;

use crate::names::did_you_mean;

pub(crate) use ensemble::canonical;
pub use ensemble::{Axis, Combine, Distribution, Ensemble, Values};
pub(crate) use error::locate;
pub use error::{ProblemError, ProblemReason};
pub use fitting::{FitSettings, Misfit, Observable};
pub use settings::{Save, SettingError, Settings};

/// An initial value problem, with events and the way it is to be solved.
#[derive(Debug, Clone)]
pub struct Problem {
    title: Option<String>,
    source: Option<String>,
    tags: Vec<String>,
    graph: Graph,
    parameters: Vec<Parameter>,
    definitions: Vec<Definition>,
    variables: Vec<Variable>,
    discrete: Vec<Discrete>,
    events: Vec<Event>,
    noise: Option<Stochastic>,
    ensemble: Option<Ensemble>,
    fit: FitSettings,
    settings: Settings,
}

/// A constant of the equations.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// The smallest value a fit may give it; `-inf` when free.
    pub min: f64,
    /// The largest value a fit may give it; `inf` when free.
    pub max: f64,
    /// What is known of it before the data are seen.
    pub prior: Option<Belief>,
    /// Does a fit leave it as it is, unless told otherwise?
    pub fixed: bool,
    /// Does a fit give it a value for each trajectory?
    pub local: bool,
}

impl Parameter {
    /// A parameter that a fit may give any value.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        let (min, max) = (f64::NEG_INFINITY, f64::INFINITY);
        Parameter { name: name.into(), value, min, max, prior: None, fixed: false, local: false }
    }
}

/// A named sub-expression; formulas of the problem have it filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// What it stands for, in parameters, variables, discrete values and `t`.
    pub formula: ExprId,
}

/// A component of the state.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value at the start, in parameters; a guess where it is algebraic.
    pub initial: ExprId,
    /// Its derivative, in parameters, variables, discrete values and `t`; what vanishes where it is algebraic.
    pub rate: ExprId,
    /// Is it determined by `0 = rate`, instead of moved by it?
    pub algebraic: bool,
    /// The part of `rate` that implicit–explicit methods treat implicitly, if it is told apart.
    pub stiff: Option<ExprId>,
}

/// A value that only events change.
#[derive(Debug, Clone, PartialEq)]
pub struct Discrete {
    /// Its name.
    pub name: String,
    /// Its value at the start.
    pub value: f64,
}

/// What happens where a guard crosses zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// The function whose zero it is.
    pub guard: ExprId,
    /// Which crossings count.
    pub direction: Direction,
    /// Variables and discrete values that jump, with their new values in terms of those just before.
    pub jump: Vec<(String, ExprId)>,
    /// The occurrence that ends the run, if any.
    pub stop_after: Option<u64>,
}

/// What makes it a stochastic equation.
#[derive(Debug, Clone, PartialEq)]
pub struct Stochastic {
    /// How it is meant.
    pub calculus: Calculus,
    /// Of every variable what multiplies each Brownian motion, in parameters, variables and `t`.
    pub diffusion: Vec<Vec<ExprId>>,
}

/// Which zero crossings of a guard count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From below zero to above.
    Rising,
    /// From above zero to below.
    Falling,
    /// Both.
    Any,
}

impl Problem {
    /// Reads a problem file.
    ///
    /// # Errors
    ///
    /// [`ProblemError`], with line and column.
    pub fn read(path: &Path) -> Result<Self, ProblemError> {
        let file = path.display().to_string();
        let unreadable = |reason: String| ProblemError::at(&file, "", 0..0, ProblemReason::Unreadable { reason });
        let metadata = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?;
        if metadata.is_dir() {
            return Err(unreadable("it is a folder".into()));
        }
        if metadata.len() > LARGEST_FILE {
            return Err(unreadable(format!("it is larger than {LARGEST_FILE} bytes")));
        }
        let bytes = std::fs::read(path).map_err(|e| unreadable(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not text in UTF-8".into()))?;
        Self::parse(&file, &text)
    }

    /// Reads the text of a problem; `file` is what messages call it.
    ///
    /// # Errors
    ///
    /// As [`Problem::read`].
    pub fn parse(file: &str, text: &str) -> Result<Self, ProblemError> {
        build::problem(file, text)
    }

    /// Its title.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Where it comes from.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Its tags.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The graph all its formulas live in.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The graph, to add formulas of the same names (derivatives, quantities of interest).
    pub fn graph_mut(&mut self) -> &mut Graph {
        &mut self.graph
    }

    /// The formula of a quantity over `inputs` and the problem's definitions, whose meanings it is then made of. It is added to
    /// `graph`, a copy of the problem's.
    pub(crate) fn quantity(&self, graph: &mut Graph, text: &str, inputs: &[&str]) -> Result<ExprId, ParseError> {
        let definitions = self.definitions();
        let known = inputs.iter().copied().chain(definitions.iter().map(|d| &d.name[..]));
        let scope = Scope::new(known).expect("a problem that was read has names that formulas can use");
        let quantity = graph.parse(text, &scope)?;
        let meanings: Vec<_> = definitions.iter().map(|d| (graph.symbol(&d.name), d.formula)).collect();
        Ok(graph.substitute(quantity, &meanings))
    }

    /// Its parameters, in the order of the file.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Its definitions, in the order of the file.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// Its variables; the order of the state is that of `[initial]`.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Whether equations without a derivative determine some of its variables.
    pub fn is_algebraic(&self) -> bool {
        self.variables.iter().any(|variable| variable.algebraic)
    }

    /// Whether it tells apart what implicit–explicit methods treat implicitly; variables that do not say have no such part.
    pub fn is_split(&self) -> bool {
        self.variables.iter().any(|variable| variable.stiff.is_some())
    }

    /// Its discrete values.
    pub fn discrete(&self) -> &[Discrete] {
        &self.discrete
    }

    /// Its events.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Its noise, if it is a stochastic equation.
    pub fn noise(&self) -> Option<&Stochastic> {
        self.noise.as_ref()
    }

    /// The ensemble it asks for, if any.
    pub fn ensemble(&self) -> Option<&Ensemble> {
        self.ensemble.as_ref()
    }

    /// What it says of its own fit.
    pub fn fit(&self) -> &FitSettings {
        &self.fit
    }

    /// How it is to be solved.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings, to be changed.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Gives a parameter, a discrete value or the initial value of a variable (`x`, or `initial.x`) another value.
    ///
    /// # Errors
    ///
    /// [`SetError`] for a name the problem does not have, or a value that is not finite.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), SetError> {
        if !value.is_finite() {
            return Err(SetError::NotFinite { name: name.into(), value });
        }
        if self.varies(name) {
            return Err(SetError::Varies { name: name.into() });
        }
        let variable = name.strip_prefix("initial.").unwrap_or(name);
        if let Some(parameter) = self.parameters.iter_mut().find(|p| p.name == name) {
            parameter.value = value;
        } else if let Some(discrete) = self.discrete.iter_mut().find(|d| d.name == name) {
            discrete.value = value;
        } else if let Some(i) = self.variables.iter().position(|v| v.name == variable) {
            self.variables[i].initial = self.graph.constant(value);
        } else {
            let known = self.parameters.iter().map(|p| &p.name).chain(self.variables.iter().map(|v| &v.name));
            let known: Vec<&str> = known.chain(self.discrete.iter().map(|d| &d.name)).map(String::as_str).collect();
            let hint = did_you_mean(name, known.iter().copied());
            return Err(SetError::Unknown { name: name.into(), hint, known: known.join(", ") });
        }
        Ok(())
    }
}

impl Problem {
    /// Is it an axis of the ensemble?
    fn varies(&self, name: &str) -> bool {
        let initial = format!("initial.{name}");
        let axes = self.ensemble.iter().flat_map(|ensemble| &ensemble.axes);
        axes.into_iter().any(|axis| axis.name == name || axis.name == initial)
    }
}

/// No problem is written in more: 64 MiB.
const LARGEST_FILE: u64 = 1 << 26;

/// Why a value cannot be set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// A name the problem does not have.
    #[error("there is nothing called `{name}` to set{hint}; the problem has {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
        /// The names it has.
        known: String,
    },
    /// A value that differs among the trajectories of an ensemble.
    #[error("`{name}` differs from one trajectory of [ensemble] to the next; take it out there to set it for all")]
    Varies {
        /// The name.
        name: String,
    },
    /// A value that is not finite.
    #[error("`{name}` cannot be set to {value}; give a finite number")]
    NotFinite {
        /// The name.
        name: String,
        /// The value.
        value: f64,
    },
}
