//! Solves of many initial value problems by one field, and the pass back through them: the one place that knows how.
//!
//! Explicit methods take all problems side by side, each with its own steps, with one evaluation of the network for all;
//! other methods, and adjoints that integrate backwards, take them [one by one](apart).

mod apart;
mod retry;
mod row;

use vecfield_adjoint::{AdjointError, BatchAdjoint};
use vecfield_solvers::batch::BatchMember;
use vecfield_solvers::{Method, SolveError};
use vecfield_traits::{AnyRows, BatchVjp, Real, with_any_rows};

use crate::model::Work;
use crate::settings::{AdjointName, Solver};
use apart::OneByOne;
use retry::Retry;

/// Solves with their memory, for states of one width.
///
/// Problems are independent: each has its own times and steps, and its solution has the same bits whatever is beside it.
///
/// ```
/// use vecfield_kernels::Activation;
/// use vecfield_nde::{Flow, Kind, Settings};
/// use vecfield_nn::{BatchNetwork, Initialiser, Mlp, Network, Random};
/// use vecfield_solvers::batch::BatchMember;
///
/// let network = Network::<_, f64>::initialised(Mlp::new(2, &[8], 2, Activation::Tanh), Initialiser::Glorot, &mut Random::new(1))?;
/// let field = BatchNetwork::new(&network)?;
/// let mut flow = Flow::new(&Settings::new(Kind::NeuralOde).solver()?, 1.0, 2)?;
/// let short = BatchMember { span: (0.0, 1.0), y0: &[1.0, 0.0], save: &[0.5, 1.0] };
/// let long = BatchMember { span: (0.0, 7.0), y0: &[0.0, 1.0], save: &[] };
/// flow.solve(&field, &[short, long]);
/// assert_eq!((flow.range(0), flow.range(1)), (0..4, 4..6));
///
/// // The gradient of the sum of all that was kept.
/// let (mut start_bar, mut theta_bar) = (vec![0.0; 4], vec![0.0; network.theta().len()]);
/// flow.pull_back(&field, &[1.0; 6], &mut start_bar, &mut theta_bar)?;
/// assert!(theta_bar.iter().any(|slope| *slope != 0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Flow<R: Real> {
    failures: Vec<Option<AdjointError>>,
    engine: Engine<R>,
    retry: Option<Box<Retry<R>>>,
}

enum Engine<R: Real> {
    Together(Box<BatchAdjoint<R>>),
    OneByOne(Box<OneByOne<R>>),
}

impl<R: Real> Engine<R> {
    /// The states of all problems, and where those of each are.
    fn states(&self) -> (&[R], impl Fn(usize) -> core::ops::Range<usize> + '_) {
        let states = match self {
            Engine::Together(adjoint) => adjoint.states(),
            Engine::OneByOne(engine) => &engine.states,
        };
        let range = move |problem| match self {
            Engine::Together(adjoint) => adjoint.range(problem),
            Engine::OneByOne(engine) => engine.range(problem),
        };
        (states, range)
    }
}

impl<R: Real> Flow<R> {
    /// For states of `width` numbers; time runs `pace` times as fast as the data's.
    ///
    /// # Errors
    ///
    /// Settings that the method cannot use.
    pub fn new(solver: &Solver, pace: f64, width: usize) -> Result<Flow<R>, SolveError> {
        let options = solver.options(pace);
        let retry = Retry::new(solver, options.clone(), width)?.map(Box::new);
        let engine = match (solver.method, solver.adjoint) {
            (Method::Explicit(tableau), AdjointName::Auto | AdjointName::Discrete | AdjointName::Checkpointed) => {
                Engine::Together(Box::new(BatchAdjoint::new(tableau, width, &options, solver.budget)?))
            }
            _ => Engine::OneByOne(Box::new(OneByOne::new(solver.clone(), options, width)?)),
        };
        Ok(Flow { failures: vec![], engine, retry })
    }

    /// Solves all of `problems`; those that fail are [told](Flow::failure). Returns the work.
    pub fn solve<F: BatchVjp<R>>(&mut self, field: &F, problems: &[BatchMember<'_, R>]) -> Work {
        with_any_rows(field, |field| self.solve_any(field, problems))
    }

    fn solve_any(&mut self, field: &AnyRows<'_, R>, problems: &[BatchMember<'_, R>]) -> Work {
        self.failures.clear();
        let mut work = Work::default();
        match &mut self.engine {
            Engine::Together(adjoint) => {
                adjoint.solve(field, problems);
                for outcome in adjoint.outcomes() {
                    work.add(Work::of(&outcome.stats));
                    self.failures.push(outcome.ending.clone().err().map(AdjointError::from));
                }
            }
            Engine::OneByOne(engine) => {
                engine.solve(field, problems.iter().copied().enumerate(), &mut self.failures, &mut work);
            }
        }
        if let Some(retry) = &mut self.retry {
            let (states, range) = self.engine.states();
            retry.solve(field, problems, &mut self.failures, &mut work, (states, range));
        }
        work
    }

    /// The states at the save times of all problems, one problem behind the other; not numbers from where a solve failed.
    pub fn states(&self) -> &[R] {
        match self.retry.as_ref().filter(|retry| retry.used()) {
            Some(retry) => &retry.states,
            None => self.engine.states().0,
        }
    }

    /// Where the states of a problem are, `[save times, width]`; the state at the end alone where it has no save times.
    ///
    /// # Panics
    ///
    /// If there is no such problem.
    pub fn range(&self, problem: usize) -> core::ops::Range<usize> {
        self.engine.states().1(problem)
    }

    /// Why a problem could not be solved.
    pub fn failure(&self, problem: usize) -> Option<&AdjointError> {
        self.failures[problem].as_ref()
    }

    /// Pulls the cotangents of all [states](Flow::states) back through the last solve, with the field as it was: writes those
    /// of the starts, `[problems, width]`, adds to those of the parameters. Cotangents of problems that failed must be zero; a
    /// problem may [fail](Flow::failure) here too. Returns the work.
    ///
    /// # Errors
    ///
    /// Slices that do not fit.
    pub fn pull_back<F: BatchVjp<R>>(
        &mut self,
        field: &F,
        states_bar: &[R],
        starts_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> Result<Work, AdjointError> {
        with_any_rows(field, |field| self.pull_back_any(field, states_bar, starts_bar, theta_bar))
    }

    fn pull_back_any(
        &mut self,
        field: &AnyRows<'_, R>,
        states_bar: &[R],
        starts_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> Result<Work, AdjointError> {
        let mut retry = self.retry.as_mut().filter(|retry| retry.used());
        let left = retry.as_mut().map_or(states_bar, |retry| retry.left(states_bar));
        let mut backward = match &mut self.engine {
            Engine::Together(adjoint) => adjoint.pull_back(field, left, starts_bar, theta_bar)?,
            Engine::OneByOne(engine) => engine.pull_back(field, &mut self.failures, left, starts_bar, theta_bar),
        };
        if let Some(retry) = retry {
            backward += retry.pull_back(field, &mut self.failures, states_bar, starts_bar, theta_bar);
        }
        Ok(Work { backward, ..Work::default() })
    }
}
