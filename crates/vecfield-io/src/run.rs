//! A problem solved: states at the times asked for, and what happened on the way.

use vecfield_solvers::{
    Ending, Flow, Integrator, Interrupted, Observer, Options, Save, Segment, Solution, SolveError, Stats, Tolerance,
    tableau,
};
use vecfield_traits::ParametricField;

use crate::problem::{Problem, SettingError};
use crate::system::System;

/// The states of a solve.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    method: &'static str,
    times: Vec<f64>,
    /// Row by row, variables alone.
    values: Vec<f64>,
    variables: usize,
    stats: Stats,
    ending: Ending,
}

impl Run {
    /// The method that was used.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The times at which the state is kept.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The variables at those times.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.variables)
    }

    /// All values, row by row (`[times, variables]`).
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Did it come to its end, or was it cut short?
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// The work done.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}

/// A solve that could not begin, or ended early.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct Stopped {
    /// Why.
    #[source]
    pub error: SolveError,
    /// What was found before; its last row is the last good state.
    pub run: Run,
}

/// A problem made ready: compiled, its settings agreed on.
#[derive(Debug, Clone)]
pub struct Solver {
    system: System,
    tableau: &'static tableau::Tableau,
    span: (f64, f64),
    save: Vec<f64>,
    initial: Vec<f64>,
    options: Options<f64>,
}

/// Why a problem cannot be solved as it stands.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A formula does not compile.
    #[error(transparent)]
    Compile(#[from] vecfield_expr::CompileError),
    /// An initial value is no number.
    #[error(
        "the initial value of `{variable}` is {value}, which is not finite; change its formula or the parameters in it"
    )]
    Initial {
        /// The variable.
        variable: String,
        /// Its value.
        value: f64,
    },
    /// Events are not found by this version.
    #[error("this version does not find events yet; remove [[event]]")]
    Events,
}

impl Solver {
    /// Prepares a problem: everything but the solve itself.
    ///
    /// # Errors
    ///
    /// [`PrepareError`].
    pub fn new(problem: &Problem) -> Result<Self, PrepareError> {
        let settings = problem.settings();
        settings.check(problem.variables().len())?;
        let (span, save) = settings.save_times()?;
        if !problem.events().is_empty() {
            return Err(PrepareError::Events);
        }
        let system = System::new(problem)?;
        let initial = system.initial(system.theta());
        if let Some(i) = initial.iter().position(|v| !v.is_finite()) {
            return Err(PrepareError::Initial { variable: system.components()[i].clone(), value: initial[i] });
        }
        let atol = match settings.atol() {
            [all] => Tolerance::All(*all),
            each => Tolerance::Each(each.to_vec()),
        };
        let options = Options { rtol: settings.rtol(), atol, step: settings.step(), ..Options::default() };
        let tableau = settings.method().unwrap_or(&tableau::TSIT5);
        Ok(Self { system, tableau, span, save, initial, options })
    }

    /// The compiled problem.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// Solves it.
    ///
    /// # Errors
    ///
    /// [`Stopped`], with the states up to there.
    pub fn solve(&self) -> Result<Run, Box<Stopped>> {
        self.solve_watched(&mut |_| true)
    }

    /// Solves it, asking after every step whether to go on; the share of the interval that is done runs from 0 to 1. A
    /// run cut short is no error: its [`ending`](Run::ending) tells.
    ///
    /// # Errors
    ///
    /// [`Stopped`], with the states up to there.
    pub fn solve_watched(&self, goes_on: &mut dyn FnMut(f64) -> bool) -> Result<Run, Box<Stopped>> {
        let field = self.system.field().at(self.system.theta().to_vec());
        let mut watched = Watched { span: self.span, goes_on };
        let stopped = |error, run| Box::new(Stopped { error, run });
        let mut integrator = Integrator::explicit(self.tableau, self.initial.len(), &self.options)
            .map_err(|error| stopped(error, self.nothing()))?;
        match integrator.solve_observed(&field, self.span, &self.initial, Save::At(&self.save), &mut watched) {
            Ok(solution) => Ok(self.run(solution)),
            Err(Interrupted { error, partial }) => Err(stopped(error, self.run(*partial))),
        }
    }

    /// A run that did not begin.
    fn nothing(&self) -> Run {
        self.run(Solution::empty(self.initial.len()))
    }

    fn run(&self, solution: Solution<f64>) -> Run {
        let (all, variables) = (self.initial.len(), self.system.variables().len());
        let values = match all == variables {
            true => solution.y,
            false => solution.y.chunks_exact(all).flat_map(|row| &row[..variables]).copied().collect(),
        };
        let (stats, ending) = (solution.stats, solution.ending);
        Run { method: self.tableau.name, times: solution.t, values, variables, stats, ending }
    }
}

/// Shows a caller how far a solve is.
struct Watched<'a> {
    span: (f64, f64),
    goes_on: &'a mut dyn FnMut(f64) -> bool,
}

impl Observer<f64> for Watched<'_> {
    fn step(&mut self, segment: &mut dyn Segment<f64>) -> Flow {
        let (start, end) = self.span;
        if (self.goes_on)((segment.t1() - start) / (end - start)) { Flow::Continue } else { Flow::Stop }
    }
}
