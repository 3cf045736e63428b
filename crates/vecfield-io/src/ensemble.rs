//! The trajectories of a problem's `[ensemble]`, solved.

use vecfield_solvers::ensemble::{Ensemble, EnsembleSolution, Member, Rows};
use vecfield_solvers::{Ending, SolveError, Stats};

use crate::moments::Moments;
use crate::population::{Population, PopulationError};
use crate::problem::Problem;
use crate::run::{Occurrence, PrepareError, Solver, event};
use crate::system::System;

/// A problem with an ensemble, made ready.
#[derive(Debug, Clone)]
pub struct EnsembleSolver {
    solver: Solver,
    population: Population,
    /// `[trajectories, parameters]`.
    thetas: Vec<f64>,
    /// `[trajectories, components]`.
    starts: Vec<f64>,
}

/// Why an ensemble cannot be solved as it stands.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EnsembleError {
    /// The problem itself is at fault.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// Its trajectories are.
    #[error(transparent)]
    Population(#[from] PopulationError),
    /// More than would fit into memory.
    #[error(
        "{members} trajectories with {times} times each are more numbers than the limit of {most}; ask for fewer of either"
    )]
    TooLarge {
        /// How many trajectories.
        members: usize,
        /// How many times.
        times: usize,
        /// The largest number of numbers.
        most: usize,
    },
}

/// Two gigabytes.
const MOST: usize = 1 << 28;

impl EnsembleSolver {
    /// Prepares the ensemble of `problem`, or none if it has none; `seed` fixes what is drawn.
    ///
    /// # Errors
    ///
    /// [`EnsembleError`].
    pub fn new(problem: &Problem, seed: u64) -> Result<Option<Self>, EnsembleError> {
        let Some(ensemble) = problem.ensemble() else { return Ok(None) };
        let population = Population::new(problem, ensemble, seed)?;
        let solver = Solver::new(problem)?;
        let (members, times) = (population.len(), solver.save.len());
        let system = &solver.system;
        let size = times.max(1).saturating_mul(system.components().len()).saturating_mul(members);
        if size > MOST {
            return Err(EnsembleError::TooLarge { members, times, most: MOST });
        }
        let (mut thetas, mut starts) = (Vec::new(), Vec::new());
        for member in 0..members {
            let (theta, start) = values(system, &population, member);
            thetas.extend(theta);
            starts.extend(start);
        }
        Ok(Some(Self { solver, population, thetas, starts }))
    }

    /// The compiled problem.
    pub fn system(&self) -> &System {
        self.solver.system()
    }

    /// The values in which the trajectories differ.
    pub fn population(&self) -> &Population {
        &self.population
    }

    /// Solves every trajectory on the threads of the current pool; the result is the same on any number of them. `goes_on`
    /// is told how many more have ended, and says whether to go on.
    pub fn solve(&self, goes_on: &(dyn Fn(usize) -> bool + Sync)) -> EnsembleRun {
        let Solver { system, method, span, save, options, .. } = &self.solver;
        let family = system.field().side_by_side();
        let alone = |theta: &[f64]| system.symbolic().at(theta.to_vec());
        let (n, p) = (system.components().len(), system.parameters().len());
        let member =
            |i: usize| Member { span: *span, y0: &self.starts[i * n..][..n], theta: &self.thetas[i * p..][..p] };
        let members: Vec<Member<'_>> = (0..self.population.len()).map(member).collect();
        let mut ensemble = Ensemble::new(&family, alone, *method, options)
            .expect("the settings are those that a solve of one trajectory was prepared with");
        if !system.events().is_empty() {
            let events = |member: &Member<'_>| {
                let made = system.events().iter().map(|guarded| event(guarded, member.theta));
                made.collect::<Vec<_>>()
            };
            ensemble = ensemble.with_events(events);
        }
        let solution = ensemble.solve_parallel(&members, Rows::At(save), goes_on);
        EnsembleRun::new(method.name(), save.clone(), system.variables().len(), solution)
    }
}

/// Parameters and initial state of one trajectory.
fn values(system: &System, population: &Population, member: usize) -> (Vec<f64>, Vec<f64>) {
    let mut theta = system.theta().to_vec();
    let mut set = Vec::new();
    for (name, &value) in population.names().iter().zip(population.member(member)) {
        if let Some(i) = system.parameters().iter().position(|parameter| parameter == name) {
            theta[i] = value;
        } else {
            let component = name.strip_prefix("initial.").unwrap_or(name);
            set.extend(system.components().iter().position(|known| known == component).map(|i| (i, value)));
        }
    }
    // Initial values are formulas in the parameters, those that the ensemble gives apart.
    let mut start = system.initial(&theta);
    for (i, value) in set {
        start[i] = value;
    }
    (theta, start)
}

/// The trajectories of an ensemble.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleRun {
    method: &'static str,
    times: Vec<f64>,
    /// `[trajectories, times, variables]`; NaN where one did not come.
    values: Vec<f64>,
    variables: usize,
    endings: Vec<Result<Ending, SolveError>>,
    reached: Vec<f64>,
    occurrences: Vec<(usize, Occurrence)>,
    stats: Stats,
}

impl EnsembleRun {
    fn new(method: &'static str, times: Vec<f64>, variables: usize, solution: EnsembleSolution) -> Self {
        let stats = solution.stats();
        let values = match solution.dim == variables {
            true => solution.y,
            false => solution.y.chunks_exact(solution.dim).flat_map(|row| &row[..variables]).copied().collect(),
        };
        let mut occurrences = Vec::new();
        for (member, outcome) in solution.outcomes.iter().enumerate() {
            let seen = |y: &[f64]| y[..variables].to_vec();
            let happened = outcome.events.iter();
            occurrences.extend(happened.map(|e| (member, Occurrence { event: e.event, t: e.t, values: seen(&e.y) })));
        }
        let reached = solution.outcomes.iter().map(|outcome| outcome.t).collect();
        let endings = solution.outcomes.into_iter().map(|outcome| outcome.ending).collect();
        Self { method, times, values, variables, endings, reached, occurrences, stats }
    }

    /// The method that was used.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The times at which states are kept.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The variables of one trajectory at those times that it came to.
    ///
    /// # Panics
    ///
    /// If there is no such trajectory.
    pub fn rows(&self, member: usize) -> impl Iterator<Item = (f64, &[f64])> {
        let size = self.times.len() * self.variables;
        let rows = self.values[member * size..][..size].chunks_exact(self.variables);
        let whole = |(_, row): &(f64, &[f64])| row.iter().all(|value| value.is_finite());
        self.times.iter().copied().zip(rows).take_while(whole)
    }

    /// How each trajectory ended, or why it stopped early.
    pub fn endings(&self) -> &[Result<Ending, SolveError>] {
        &self.endings
    }

    /// The time each trajectory came to.
    pub fn reached(&self) -> &[f64] {
        &self.reached
    }

    /// The events that happened, with the number of the trajectory.
    pub fn occurrences(&self) -> &[(usize, Occurrence)] {
        &self.occurrences
    }

    /// The work of all trajectories together.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// What the trajectories have in common, up to the last time that any of them came to.
    pub fn moments(&self) -> Moments {
        let size = self.times.len() * self.variables;
        let longest = (0..self.endings.len()).map(|member| self.rows(member).count()).max().unwrap_or(0);
        if longest == self.times.len() {
            return Moments::new(&self.values, longest, self.variables);
        }
        let kept = self.values.chunks_exact(size.max(1)).flat_map(|member| &member[..longest * self.variables]);
        Moments::new(&kept.copied().collect::<Vec<_>>(), longest, self.variables)
    }
}
