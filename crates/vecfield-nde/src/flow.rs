//! Solves of many initial value problems by one network, and the pass back through them: the one place that knows how.

use std::cell::Cell;

use vecfield_adjoint::reverse::{AnyReverse, ExplicitReverse};
use vecfield_adjoint::{AdjointError, Budget, Cotangents, Discrete, Gradient};
use vecfield_solvers::{AnyStepper, ExplicitRungeKutta, Method, Options, Solution, SolveError};
use vecfield_traits::{Jacobian, Real, Sparsity, VectorField, Vjp};

use crate::model::Work;
use crate::settings::Solver;

/// One initial value problem: `y(span.0) = start`, looked at in the times `save`.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a, R> {
    /// From where to where.
    pub span: (R, R),
    /// The state there.
    pub state: &'a [R],
    /// Where the solution is looked at, in order; empty for the end alone.
    pub save: &'a [R],
}

/// Solves with their memory, for states of one width.
///
/// Problems are independent: each has its own times and steps, and what comes out does not depend on those beside it.
pub struct Flow<R: Real> {
    width: usize,
    method: Method,
    options: Options<R>,
    budget: Budget,
    solves: Vec<Solve<R>>,
}

/// A problem that was solved.
struct Solve<R: Real> {
    engine: Engine<R>,
    states: Vec<R>,
    failed: Option<AdjointError>,
    span: (R, R),
    saved: usize,
}

enum Engine<R: Real> {
    Explicit(Box<Discrete<ExplicitRungeKutta<R>, ExplicitReverse<R>, R>>),
    Any(Box<Discrete<AnyStepper<R>, AnyReverse<R>, R>>),
}

impl<R: Real> Flow<R> {
    /// For states of `width` numbers; time runs `pace` times as fast as the data's.
    ///
    /// # Errors
    ///
    /// Settings that the method cannot use.
    pub fn new(solver: &Solver, pace: f64, width: usize) -> Result<Flow<R>, SolveError> {
        let flow =
            Flow { width, method: solver.method, options: solver.options(pace), budget: solver.budget, solves: vec![] };
        flow.engine()?;
        Ok(flow)
    }

    fn engine(&self) -> Result<Engine<R>, SolveError> {
        Ok(match self.method {
            Method::Explicit(tableau) => {
                Engine::Explicit(Box::new(Discrete::explicit(tableau, self.width, &self.options, self.budget)?))
            }
            method => Engine::Any(Box::new(Discrete::new(method, self.width, &self.options, self.budget)?)),
        })
    }

    /// Solves all of `starts`; those that fail are [told](Flow::failure). Returns the work.
    pub fn solve<F: Vjp<R> + Jacobian<R>>(&mut self, mut field: &F, starts: &[Start<'_, R>]) -> Work {
        while self.solves.len() < starts.len() {
            let engine = self.engine().expect("it was made once with the same options");
            let (zero, states) = (R::zero(), vec![]);
            self.solves.push(Solve { engine, states, failed: None, span: (zero, zero), saved: 0 });
        }
        self.solves.truncate(starts.len().max(1));
        let mut work = Work::default();
        for (solve, start) in self.solves.iter_mut().zip(starts) {
            let ended = match &mut solve.engine {
                Engine::Explicit(engine) => engine.solve(&mut field, start.span, start.state, start.save),
                Engine::Any(engine) => engine.solve(&mut field, start.span, start.state, start.save),
            };
            let (solution, failed): (Solution<R>, _) = match ended {
                Ok(solution) => (solution, None),
                Err(unfinished) => (*unfinished.partial, Some(unfinished.error)),
            };
            work.add(Work {
                forward: solution.stats.rhs_evals,
                backward: 0,
                steps: solution.stats.steps,
                rejected: solution.stats.rejected,
            });
            (solve.span, solve.saved, solve.failed) = (start.span, start.save.len().max(1), failed);
            solve.states = solution.y;
            solve.states.resize(solve.saved * self.width, R::NAN);
        }
        work
    }

    /// The states of a problem at its save times, `[times, width]`; not numbers from where a solve failed.
    pub fn states(&self, problem: usize) -> &[R] {
        &self.solves[problem].states
    }

    /// Why a problem could not be solved.
    pub fn failure(&self, problem: usize) -> Option<&AdjointError> {
        self.solves[problem].failed.as_ref()
    }

    /// Pulls the cotangents of the states of a problem back: adds to those of its start and of the parameters. Returns the work.
    ///
    /// # Errors
    ///
    /// A pass back that the method does not have, or that is not finite; nothing is added then.
    pub fn pull_back<F: Vjp<R> + Jacobian<R>>(
        &mut self,
        field: &F,
        problem: usize,
        states_bar: &[R],
        start_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> Result<Work, AdjointError> {
        let solve = &mut self.solves[problem];
        let (cotangents, mut counted) = (Cotangents::saved(states_bar), Counted { field, pullbacks: Cell::new(0) });
        let gradient: Gradient<R> = match &mut solve.engine {
            Engine::Explicit(engine) => engine.pull_back(&mut counted, &cotangents)?,
            Engine::Any(engine) => engine.pull_back(&mut counted, &cotangents)?,
        };
        add(start_bar, &gradient.initial);
        add(theta_bar, &gradient.parameters);
        Ok(Work { backward: counted.pullbacks.get(), ..Work::default() })
    }
}

/// A field that counts its pullbacks.
struct Counted<'a, F> {
    field: &'a F,
    pullbacks: Cell<u64>,
}

impl<R: Real, F: VectorField<R>> VectorField<R> for Counted<'_, F> {
    type Workspace = F::Workspace;

    fn workspace(&self) -> F::Workspace {
        self.field.workspace()
    }

    fn dim(&self) -> usize {
        self.field.dim()
    }

    fn eval(&self, t: R, y: &[R], dy: &mut [R], work: &mut F::Workspace) {
        self.field.eval(t, y, dy, work);
    }
}

impl<R: Real, F: Vjp<R>> Vjp<R> for Counted<'_, F> {
    fn parameters(&self) -> &[R] {
        self.field.parameters()
    }

    fn vjp(&self, t: R, y: &[R], dy_bar: &[R], y_bar: &mut [R], theta_bar: &mut [R], work: &mut F::Workspace) -> R {
        self.pullbacks.set(self.pullbacks.get() + 1);
        self.field.vjp(t, y, dy_bar, y_bar, theta_bar, work)
    }

    fn vjp_along(
        &self,
        t: R,
        y: &[R],
        t_dot: R,
        y_dot: &[R],
        dy_bar: &[R],
        y_bar: &mut [R],
        theta_bar: &mut [R],
        work: &mut F::Workspace,
    ) -> Option<R> {
        self.field.vjp_along(t, y, t_dot, y_dot, dy_bar, y_bar, theta_bar, work)
    }
}

impl<R: Real, F: Jacobian<R>> Jacobian<R> for Counted<'_, F> {
    fn jacobian(&self, t: R, y: &[R], jac: &mut [R], time: &mut [R], work: &mut F::Workspace) {
        self.field.jacobian(t, y, jac, time, work);
    }

    fn sparsity(&self) -> Option<&Sparsity> {
        self.field.sparsity()
    }
}

fn add<R: Real>(to: &mut [R], from: &[R]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
