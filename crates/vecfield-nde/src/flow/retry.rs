//! Problems that a method could not solve, tried once more with another.

use vecfield_adjoint::AdjointError;
use vecfield_solvers::batch::BatchMember;
use vecfield_solvers::{Options, SolveError};
use vecfield_traits::{AnyRows, BatchField, Real};

use super::apart::OneByOne;
use crate::model::Work;
use crate::settings::{AdjointName, Solver};

/// The second method, and the problems it was given.
pub(super) struct Retry<R: Real> {
    engine: OneByOne<R>,
    /// Problems that it solved, and where their states are.
    members: Vec<(usize, core::ops::Range<usize>)>,
    /// The states of all problems, once some are those of the second method.
    pub(super) states: Vec<R>,
    states_bar: Vec<R>,
    start_bar: Vec<R>,
}

impl<R: Real> Retry<R> {
    pub(super) fn new(solver: &Solver, options: Options<R>, width: usize) -> Result<Option<Retry<R>>, SolveError> {
        let Some(method) = solver.retry else { return Ok(None) };
        let solver = Solver { method, adjoint: AdjointName::Auto, ..solver.clone() };
        let engine = OneByOne::new(solver, options, width)?;
        let [states, states_bar, start_bar] = [(); 3].map(|()| vec![]);
        Ok(Some(Retry { engine, members: vec![], states, states_bar, start_bar }))
    }

    /// Has the second method solved any?
    pub(super) fn used(&self) -> bool {
        !self.members.is_empty()
    }

    /// Tries the problems that ran out of steps; those that it solves have not failed.
    pub(super) fn solve(
        &mut self,
        field: &AnyRows<'_, R>,
        problems: &[BatchMember<'_, R>],
        failures: &mut [Option<AdjointError>],
        work: &mut Work,
        (states, range): (&[R], impl Fn(usize) -> core::ops::Range<usize>),
    ) {
        self.members.clear();
        let stiff = |failure: &Option<AdjointError>| {
            let out =
                |error: &SolveError| matches!(error, SolveError::StepTooSmall { .. } | SolveError::TooManySteps { .. });
            matches!(failure, Some(AdjointError::Solve(error)) if out(error))
        };
        let again: Vec<usize> = (0..problems.len()).filter(|&i| stiff(&failures[i])).collect();
        if again.is_empty() {
            return;
        }
        self.states.clear();
        self.states.extend_from_slice(states);
        let mut endings = vec![];
        self.engine.solve(field, again.iter().map(|&i| (i, problems[i])), &mut endings, work);
        work.retried += again.len() as u64;
        for (problem, (&member, ending)) in again.iter().zip(endings).enumerate() {
            if ending.is_none() {
                self.states[range(member)].copy_from_slice(&self.engine.states[self.engine.range(problem)]);
            }
            failures[member] = ending;
            self.members.push((member, range(member)));
        }
    }

    /// The cotangents that are left for the first method.
    pub(super) fn left(&mut self, states_bar: &[R]) -> &[R] {
        self.states_bar.clear();
        self.states_bar.extend_from_slice(states_bar);
        self.members.iter().for_each(|(_, range)| self.states_bar[range.clone()].fill(R::zero()));
        &self.states_bar
    }

    /// Pulls back what the second method solved; as [`Flow::pull_back`](super::Flow::pull_back).
    pub(super) fn pull_back(
        &mut self,
        field: &AnyRows<'_, R>,
        failures: &mut [Option<AdjointError>],
        states_bar: &[R],
        starts_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> u64 {
        let (width, mut pullbacks) = (field.width(), 0);
        self.start_bar.resize(width, R::zero());
        for (problem, (member, range)) in self.members.iter().enumerate() {
            let failure = &mut failures[*member];
            if failure.is_none() {
                let at = (problem, *member);
                pullbacks += self.engine.pull_one(
                    field,
                    at,
                    failure,
                    &states_bar[range.clone()],
                    &mut self.start_bar,
                    theta_bar,
                );
                starts_bar[member * width..(member + 1) * width].copy_from_slice(&self.start_bar);
            }
        }
        pullbacks
    }
}
