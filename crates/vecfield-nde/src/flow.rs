//! Solves of many initial value problems by one field, and the pass back through them: the one place that knows how.
//!
//! Explicit methods take all problems side by side, each with its own steps, with one evaluation of the network for all;
//! others take them one by one, through [`Row`].

mod row;

use vecfield_adjoint::reverse::AnyReverse;
use vecfield_adjoint::{AdjointError, BatchAdjoint, Budget, Cotangents, Discrete};
use vecfield_solvers::batch::BatchMember;
use vecfield_solvers::{AnyStepper, Method, Options, Solution, SolveError, Stats};
use vecfield_traits::{BatchVjp, Real};

use crate::model::Work;
use crate::settings::Solver;
use row::Row;

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
    width: usize,
    failures: Vec<Option<AdjointError>>,
    engine: Engine<R>,
}

enum Engine<R: Real> {
    Together(Box<BatchAdjoint<R>>),
    OneByOne(Box<OneByOne<R>>),
}

/// Memory of methods that take problems one after the other.
struct OneByOne<R: Real> {
    method: Method,
    options: Options<R>,
    budget: Budget,
    solves: Vec<Discrete<AnyStepper<R>, AnyReverse<R>, R>>,
    states: Vec<R>,
    begins: Vec<usize>,
}

impl<R: Real> Flow<R> {
    /// For states of `width` numbers; time runs `pace` times as fast as the data's.
    ///
    /// # Errors
    ///
    /// Settings that the method cannot use.
    pub fn new(solver: &Solver, pace: f64, width: usize) -> Result<Flow<R>, SolveError> {
        let (options, budget) = (solver.options(pace), solver.budget);
        let engine = match solver.method {
            Method::Explicit(tableau) => {
                Engine::Together(Box::new(BatchAdjoint::new(tableau, width, &options, budget)?))
            }
            method => {
                let solves = vec![Discrete::new(method, width, &options, budget)?];
                let memory = OneByOne { method, options, budget, solves, states: vec![], begins: vec![] };
                Engine::OneByOne(Box::new(memory))
            }
        };
        Ok(Flow { width, failures: vec![], engine })
    }

    /// Solves all of `problems`; those that fail are [told](Flow::failure). Returns the work.
    pub fn solve<F: BatchVjp<R>>(&mut self, field: &F, problems: &[BatchMember<'_, R>]) -> Work {
        self.failures.clear();
        let mut work = Work::default();
        match &mut self.engine {
            Engine::Together(adjoint) => {
                adjoint.solve(field, problems);
                for outcome in adjoint.outcomes() {
                    work.add(work_of(&outcome.stats));
                    self.failures.push(outcome.ending.clone().err().map(AdjointError::from));
                }
            }
            Engine::OneByOne(engine) => engine.solve(field, self.width, problems, &mut self.failures, &mut work),
        }
        work
    }

    /// The states at the save times of all problems, one problem behind the other; not numbers from where a solve failed.
    pub fn states(&self) -> &[R] {
        match &self.engine {
            Engine::Together(adjoint) => adjoint.states(),
            Engine::OneByOne(engine) => &engine.states,
        }
    }

    /// Where the states of a problem are, `[save times, width]`; the state at the end alone where it has no save times.
    ///
    /// # Panics
    ///
    /// If there is no such problem.
    pub fn range(&self, problem: usize) -> core::ops::Range<usize> {
        match &self.engine {
            Engine::Together(adjoint) => adjoint.range(problem),
            Engine::OneByOne(engine) => engine.begins[problem]..engine.begins[problem + 1],
        }
    }

    /// Why a problem could not be solved.
    pub fn failure(&self, problem: usize) -> Option<&AdjointError> {
        self.failures[problem].as_ref()
    }

    /// Pulls the cotangents of all [states](Flow::states) back through the last solve, with the field as it was: writes those
    /// of the starts, `[problems, width]`, adds to those of the parameters. Cotangents of problems that failed must be zero.
    /// Returns the work.
    ///
    /// # Errors
    ///
    /// A method without a pass back, a pass back that has no result; `theta_bar` holds garbage then.
    pub fn pull_back<F: BatchVjp<R>>(
        &mut self,
        field: &F,
        states_bar: &[R],
        starts_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> Result<Work, AdjointError> {
        let backward = match &mut self.engine {
            Engine::Together(adjoint) => adjoint.pull_back(field, states_bar, starts_bar, theta_bar)?,
            Engine::OneByOne(engine) => {
                engine.pull_back(field, self.width, &self.failures, states_bar, starts_bar, theta_bar)?
            }
        };
        Ok(Work { backward, ..Work::default() })
    }
}

impl<R: Real> OneByOne<R> {
    fn solve<F: BatchVjp<R>>(
        &mut self,
        field: &F,
        width: usize,
        problems: &[BatchMember<'_, R>],
        failures: &mut Vec<Option<AdjointError>>,
        work: &mut Work,
    ) {
        self.states.clear();
        self.begins.clear();
        self.begins.push(0);
        for (member, problem) in problems.iter().enumerate() {
            if self.solves.len() == member {
                let solve = Discrete::new(self.method, width, &self.options, self.budget);
                self.solves.push(solve.expect("one was made with the same options"));
            }
            let mut row = Row::new(field, member);
            let ended = self.solves[member].solve(&mut row, problem.span, problem.y0, problem.save);
            let (solution, failure): (Solution<R>, _) = match ended {
                Ok(solution) => (solution, None),
                Err(unfinished) => (*unfinished.partial, Some(unfinished.error)),
            };
            work.add(work_of(&solution.stats));
            let end = self.states.len() + problem.save.len().max(1) * width;
            self.states.extend_from_slice(if failure.is_none() { &solution.y } else { &[] });
            self.states.resize(end, R::NAN);
            self.begins.push(end);
            failures.push(failure);
        }
    }

    fn pull_back<F: BatchVjp<R>>(
        &mut self,
        field: &F,
        width: usize,
        failures: &[Option<AdjointError>],
        states_bar: &[R],
        starts_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> Result<u64, AdjointError> {
        let mut pullbacks = 0;
        for (member, start_bar) in starts_bar.chunks_exact_mut(width).enumerate() {
            start_bar.fill(R::zero());
            if failures[member].is_some() {
                continue;
            }
            let mut row = Row::new(field, member);
            let bars = &states_bar[self.begins[member]..self.begins[member + 1]];
            let gradient = self.solves[member].pull_back(&mut row, &Cotangents::saved(bars))?;
            start_bar.copy_from_slice(&gradient.initial);
            for (to, from) in theta_bar.iter_mut().zip(gradient.parameters) {
                *to += from;
            }
            pullbacks += row.pullbacks();
        }
        Ok(pullbacks)
    }
}

fn work_of(stats: &Stats) -> Work {
    Work { forward: stats.rhs_evals, backward: 0, steps: stats.steps, rejected: stats.rejected }
}
