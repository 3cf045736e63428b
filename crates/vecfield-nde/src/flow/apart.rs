//! Problems one after the other: implicit and other methods, and adjoints that go backwards.

use vecfield_adjoint::reverse::AnyReverse;
use vecfield_adjoint::{AdjointError, Cotangents, Discrete, Gradient, Rewind, backsolve};
use vecfield_solvers::batch::BatchMember;
use vecfield_solvers::tableau::Tableau;
use vecfield_solvers::{AnyStepper, ExplicitRungeKutta, Integrator, Method, Options, Save, Solution, SolveError};
use vecfield_traits::{AnyRows, Real};

use super::row::Row;
use crate::model::Work;
use crate::settings::{AdjointName, Solver};

/// Memory for problems one after the other.
pub(super) struct OneByOne<R: Real> {
    solver: Solver,
    options: Options<R>,
    width: usize,
    solves: Vec<Way<R>>,
    pub(super) states: Vec<R>,
    begins: Vec<usize>,
}

/// How the pass back of a problem gets its states.
enum Way<R: Real> {
    /// It has them, or computes them again.
    Discrete(Box<Discrete<AnyStepper<R>, AnyReverse<R>, R>>),
    /// By going back over the steps.
    Rewind(Box<Rewind<R>>),
    /// By integrating backwards from the end.
    Backsolve { tableau: &'static Tableau, forth: Box<Integrator<ExplicitRungeKutta<R>, R>>, problem: Problem<R> },
}

/// What a [backsolve](backsolve()) is told again.
#[derive(Default)]
struct Problem<R> {
    span: (R, R),
    y0: Vec<R>,
    save: Vec<R>,
}

impl<R: Real> OneByOne<R> {
    pub(super) fn new(solver: Solver, options: Options<R>, width: usize) -> Result<OneByOne<R>, SolveError> {
        let first = Way::new(&solver, &options, width)?;
        Ok(OneByOne { solver, options, width, solves: vec![first], states: vec![], begins: vec![] })
    }

    /// Where the states of a problem are.
    pub(super) fn range(&self, problem: usize) -> core::ops::Range<usize> {
        self.begins[problem]..self.begins[problem + 1]
    }

    /// Solves problems, each with its number among the members of the field.
    pub(super) fn solve<'a>(
        &mut self,
        field: &AnyRows<'_, R>,
        problems: impl Iterator<Item = (usize, BatchMember<'a, R>)>,
        failures: &mut Vec<Option<AdjointError>>,
        work: &mut Work,
    ) {
        self.states.clear();
        self.begins.clear();
        self.begins.push(0);
        for (place, (member, problem)) in problems.enumerate() {
            if self.solves.len() == place {
                let way = Way::new(&self.solver, &self.options, self.width);
                self.solves.push(way.expect("one was made with the same options"));
            }
            let (solution, failure) = self.solves[place].solve(&mut Row::new(field, member), &problem);
            work.add(Work::of(&solution.stats));
            let end = self.states.len() + problem.save.len().max(1) * self.width;
            self.states.extend_from_slice(if failure.is_none() { &solution.y } else { &[] });
            self.states.resize(end, R::NAN);
            self.begins.push(end);
            failures.push(failure);
        }
    }

    /// A problem whose pass back fails is told as failed, and leaves nothing in the cotangents.
    pub(super) fn pull_back(
        &mut self,
        field: &AnyRows<'_, R>,
        failures: &mut [Option<AdjointError>],
        states_bar: &[R],
        starts_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> u64 {
        let mut pullbacks = 0;
        for (member, start_bar) in starts_bar.chunks_exact_mut(self.width).enumerate() {
            start_bar.fill(R::zero());
            if failures[member].is_none() {
                let own = &states_bar[self.range(member)];
                pullbacks += self.pull_one(field, (member, member), &mut failures[member], own, start_bar, theta_bar);
            }
        }
        pullbacks
    }

    /// Pulls back the cotangents of one problem, by its place here and its number among the members.
    pub(super) fn pull_one(
        &mut self,
        field: &AnyRows<'_, R>,
        (place, member): (usize, usize),
        failure: &mut Option<AdjointError>,
        states_bar: &[R],
        start_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> u64 {
        let mut row = Row::new(field, member);
        match self.solves[place].pull_back(&mut row, &Cotangents::saved(states_bar), &self.options) {
            Ok(gradient) => {
                start_bar.copy_from_slice(&gradient.initial);
                for (to, from) in theta_bar.iter_mut().zip(gradient.parameters) {
                    *to += from;
                }
            }
            Err(error) => {
                start_bar.fill(R::zero());
                *failure = Some(error);
            }
        }
        row.pullbacks()
    }
}

impl<R: Real> Way<R> {
    fn new(solver: &Solver, options: &Options<R>, width: usize) -> Result<Way<R>, SolveError> {
        Ok(match (solver.adjoint, solver.method) {
            (AdjointName::Reversible, Method::Reversible(method)) => {
                Way::Rewind(Box::new(Rewind::new(method, width, options)?))
            }
            (AdjointName::Backsolve, Method::Explicit(tableau)) => {
                let forth = Box::new(Integrator::explicit(tableau, width, options)?);
                Way::Backsolve { tableau, forth, problem: Problem::default() }
            }
            (_, method) => Way::Discrete(Box::new(Discrete::new(method, width, options, solver.budget)?)),
        })
    }

    fn solve(
        &mut self,
        row: &mut Row<'_, R>,
        &BatchMember { span, y0, save }: &BatchMember<'_, R>,
    ) -> (Solution<R>, Option<AdjointError>) {
        let ended = match self {
            Way::Discrete(discrete) => discrete.solve(row, span, y0, save),
            Way::Rewind(rewind) => rewind.solve(row, span, y0, save),
            Way::Backsolve { forth, problem, .. } => {
                *problem = Problem { span, y0: y0.to_vec(), save: save.to_vec() };
                let kept = if save.is_empty() { Save::End } else { Save::At(save) };
                return match forth.solve(&*row, span, y0, kept) {
                    Ok(solution) => (solution, None),
                    Err(interrupted) => (*interrupted.partial, Some(interrupted.error.into())),
                };
            }
        };
        match ended {
            Ok(solution) => (solution, None),
            Err(unfinished) => (*unfinished.partial, Some(unfinished.error)),
        }
    }

    fn pull_back(
        &mut self,
        row: &mut Row<'_, R>,
        bars: &Cotangents<'_, R>,
        options: &Options<R>,
    ) -> Result<Gradient<R>, AdjointError> {
        match self {
            Way::Discrete(discrete) => discrete.pull_back(row, bars),
            Way::Rewind(rewind) => rewind.pull_back(row, bars),
            Way::Backsolve { tableau, problem: Problem { span, y0, save }, .. } => {
                let bars = if save.is_empty() { Cotangents::end(bars.saved) } else { *bars };
                backsolve(tableau, &*row, *span, y0, save, &bars, options).map(|(_, estimated)| estimated.gradient)
            }
        }
    }
}
