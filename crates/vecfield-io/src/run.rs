//! A problem solved: states at the times asked for, and what happened on the way.

use vecfield_solvers::steady::{NotSteady, SteadyState, steady_state};
use vecfield_solvers::{
    Checkpoint, Direction as Crossing, Ending, Event, Flow, Integrator, Interrupted, Method, Observer, Options, Save,
    Segment, Solution, SolveError, Stats, Tolerance,
};

use crate::paused::Paused;
use crate::problem::{Direction, Problem, SettingError};
use crate::system::{Guarded, System};

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
    occurrences: Vec<Occurrence>,
    checkpoint: Option<Box<Checkpoint<f64>>>,
}

/// An event that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence {
    /// Which event of the problem, by its index.
    pub event: usize,
    /// When.
    pub t: f64,
    /// The variables there, before any jump.
    pub values: Vec<f64>,
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

    /// The events that happened, in order.
    pub fn occurrences(&self) -> &[Occurrence] {
        &self.occurrences
    }

    /// The work done.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Was it cut short, and not ended by anything of its own?
    pub fn is_cut(&self) -> bool {
        self.ending == Ending::Stopped
    }

    /// The run up to where it was put aside, and then this.
    fn after(self, before: &Paused) -> Run {
        let join = |first: &[f64], then: &[f64]| [first, then].concat();
        Run {
            times: join(&before.times, &self.times),
            values: join(&before.values, &self.values),
            occurrences: [&before.occurrences[..], &self.occurrences].concat(),
            ..self
        }
    }

    /// Where it can go on, if it was cut short.
    pub fn checkpoint(&self) -> Option<&Checkpoint<f64>> {
        self.checkpoint.as_deref()
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
    pub(crate) system: System,
    pub(crate) method: Method,
    pub(crate) span: (f64, f64),
    pub(crate) save: Vec<f64>,
    initial: Vec<f64>,
    pub(crate) options: Options<f64>,
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
    /// A stochastic equation where an ordinary one is needed.
    #[error("[noise] makes this a stochastic equation, and this works on ordinary ones alone; remove [noise]")]
    Stochastic,
    /// A method for stochastic equations.
    #[error("`{method}` is for stochastic equations; give the problem a [noise], or another method")]
    StochasticMethod {
        /// The method.
        method: &'static str,
    },
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
        if problem.noise().is_some() {
            return Err(PrepareError::Stochastic);
        }
        if let Some(method) = settings.stochastic_method() {
            return Err(PrepareError::StochasticMethod { method: method.name() });
        }
        let system = System::new(problem)?;
        let initial = system.initial(system.theta());
        if let Some(i) = initial.iter().position(|v| !v.is_finite()) {
            return Err(PrepareError::Initial { variable: system.components()[i].clone(), value: initial[i] });
        }
        let atol = match settings.atol() {
            [all] => Tolerance::All(*all),
            // Discrete values have no error, and any tolerance does for them.
            each => {
                Tolerance::Each(each.iter().copied().chain([1.0].into_iter().cycle()).take(initial.len()).collect())
            }
        };
        let options = Options {
            rtol: settings.rtol(),
            atol,
            norm: settings.norm().clone(),
            linear: settings.linear().clone(),
            step: settings.step(),
            max_step: settings.max_step(),
            discontinuities: settings.discontinuities().to_vec(),
            ..Options::default()
        };
        let method = settings.method().unwrap_or(Method::Auto);
        Ok(Self { system, method, span, save, initial, options })
    }

    /// The compiled problem.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The method that will be used.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Beginning and end.
    pub fn span(&self) -> (f64, f64) {
        self.span
    }

    /// The times at which the state will be kept.
    pub fn save(&self) -> &[f64] {
        &self.save
    }

    /// The state at the beginning, discrete values behind the variables.
    pub fn initial(&self) -> &[f64] {
        &self.initial
    }

    /// The options of the solver.
    pub fn options(&self) -> &Options<f64> {
        &self.options
    }

    /// The steady state that the solution goes to, with `t` held at the start.
    ///
    /// # Errors
    ///
    /// [`NotSteady`], with the last state.
    pub fn steady(&self) -> Result<SteadyState<f64>, NotSteady<f64>> {
        let field = self.system.symbolic().at(self.system.theta().to_vec());
        steady_state(&field, self.span.0, &self.initial, &self.options)
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
        self.course(None, goes_on)
    }

    /// Goes on with a run that was put aside: the whole of it, as if it had never stopped.
    ///
    /// # Errors
    ///
    /// [`Stopped`], with the states up to there.
    pub fn resume_watched(&self, from: &Paused, goes_on: &mut dyn FnMut(f64) -> bool) -> Result<Run, Box<Stopped>> {
        match self.course(Some(&from.checkpoint), goes_on) {
            Ok(run) => Ok(run.after(from)),
            Err(stopped) => {
                let Stopped { error, run } = *stopped;
                Err(Box::new(Stopped { error, run: run.after(from) }))
            }
        }
    }

    fn course(
        &self,
        from: Option<&Checkpoint<f64>>,
        goes_on: &mut dyn FnMut(f64) -> bool,
    ) -> Result<Run, Box<Stopped>> {
        let mut field = self.system.symbolic().at(self.system.theta().to_vec());
        let mut watched = Watched { span: self.span, goes_on };
        let stopped = |error, run| Box::new(Stopped { error, run });
        let mut integrator = Integrator::new(self.method, self.initial.len(), &self.options)
            .map_err(|error| stopped(error, self.nothing()))?;
        let mut events: Vec<_> =
            self.system.events().iter().map(|guarded| event(guarded, self.system.theta())).collect();
        let save = Save::At(&self.save);
        let solved = match from {
            None => integrator.run(&mut field, self.span, &self.initial, save, &mut events, &mut watched),
            Some(checkpoint) => integrator.resume(&mut field, checkpoint, save, &mut events, &mut watched),
        };
        match solved {
            Ok(solution) => Ok(self.run(solution)),
            Err(Interrupted { error, partial }) => Err(stopped(error, self.run(*partial))),
        }
    }

    /// A run that did not begin.
    fn nothing(&self) -> Run {
        self.run(Solution::empty(self.initial.len()))
    }

    pub(crate) fn run(&self, solution: Solution<f64>) -> Run {
        let (all, variables) = (self.initial.len(), self.system.variables().len());
        let values = match all == variables {
            true => solution.y,
            false => solution.y.chunks_exact(all).flat_map(|row| &row[..variables]).copied().collect(),
        };
        let (stats, ending) = (solution.stats, solution.ending);
        let seen = |y: Vec<f64>| y[..variables].to_vec();
        let happened = solution.events.into_iter();
        let occurrences = happened.map(|e| Occurrence { event: e.event, t: e.t, values: seen(e.y) }).collect();
        let checkpoint = solution.checkpoint;
        let (method, times) = (self.method.name(), solution.t);
        Run { method, times, values, variables, stats, ending, occurrences, checkpoint }
    }
}

/// An event as the solver takes it.
pub(crate) fn event<'a, F>(event: &'a Guarded, theta: &[f64]) -> Event<'a, f64, F> {
    let direction = match event.direction {
        Direction::Rising => Crossing::Rising,
        Direction::Falling => Crossing::Falling,
        Direction::Any => Crossing::Any,
    };
    let gather = |inputs: &mut Vec<f64>, t: f64, y: &[f64], theta: &[f64]| {
        inputs.clear();
        inputs.push(t);
        inputs.extend_from_slice(y);
        inputs.extend_from_slice(theta);
    };
    let (mut registers, mut inputs, values) = (event.guard.registers(), Vec::new(), theta.to_vec());
    let mut found = Event::new(direction, move |_: &F, t, y: &[f64]| {
        let mut value = [0.0];
        gather(&mut inputs, t, y, &values);
        event.guard.eval(&inputs, &mut value, &mut registers);
        value[0]
    });
    if let Some((components, program)) = &event.jump {
        let (mut registers, mut inputs, theta) = (program.registers(), Vec::new(), theta.to_vec());
        let mut values = vec![0.0; components.len()];
        found = found.jump(move |_, t, y| {
            gather(&mut inputs, t, y, &theta);
            program.eval(&inputs, &mut values, &mut registers);
            for (&component, &value) in components.iter().zip(&values) {
                y[component] = value;
            }
        });
    }
    match event.stop_after {
        Some(count) => found.stop_after(count),
        None => found,
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
