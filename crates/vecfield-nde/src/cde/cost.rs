//! The model while it is trained: what series cost.

use vecfield_adjoint::{AdjointError, BatchAdjoint};
use vecfield_kernels::Activation;
use vecfield_nn::{Checkpoint, Initialiser, Layer, Linear, Network, Tensor};
use vecfield_solvers::SolveError;
use vecfield_solvers::batch::{BatchMember, BatchOutcome, BatchSolver};
use vecfield_solvers::tableau::Tableau;

use super::HIDDEN;
use super::drive::{Drive, Driver};
use super::field::Driven;
use super::target::Reading;
use crate::chance;
use crate::data::Data;
use crate::error::{NdeError, SettingError};
use crate::model::{Cost, Model, Number, Pass, Work};
use crate::settings::{Settings, Solver};
use crate::stack::Stack;

/// What a state begins as, its right-hand side, and what is read from its end.
pub(super) type Networks<R> = Stack<R, 3>;

pub(super) const NAMES: [&str; 3] = ["stem", "field", "head"];

/// A controlled equation with the series it is to read.
#[derive(Debug, Clone)]
pub struct Controlled<R> {
    networks: Networks<R>,
    solver: Solver,
    tableau: &'static Tableau,
    driver: Driver,
    reading: Reading,
    variables: Vec<String>,
    /// Every class is taken to be right with this probability, divided among all.
    smoothing: f64,
    drives: Vec<Drive<R>>,
    /// The target of each series.
    targets: Vec<f64>,
}

/// Memory of a [`Controlled`] for a chunk.
pub struct ControlledMemory<R: Number> {
    adjoint: BatchAdjoint<R>,
    inputs: Vec<R>,
    input_bar: Vec<R>,
    tapes: [Vec<R>; 2],
    starts: Vec<R>,
    ends: Vec<R>,
    pub(super) logits: Vec<R>,
    ends_bar: Vec<R>,
    start_bar: Vec<R>,
}

impl<R: Number> Controlled<R> {
    /// The model that `settings` describe, at parameters drawn from `seed`, with the series of `data`.
    ///
    /// # Errors
    ///
    /// Data of another kind or with labels that are all the same, a series that makes no path; networks that cannot be, a method that cannot.
    pub fn prepare(settings: &Settings, data: &Data, seed: u64) -> Result<Controlled<R>, NdeError> {
        let (reading, series, targets) = Reading::of(settings.model.kind, data)?;
        let driver = Driver::of(&settings.model, series)?;
        let drives = series.runs().iter().enumerate().map(|(number, run)| driver.drive(number, run));
        let drives = drives.collect::<Result<Vec<_>, _>>()?;
        let networks = networks(settings, &driver, reading.outputs(), seed)?;
        let (solver, tableau) = controlled_solver(settings)?;
        let controlled = Controlled {
            networks,
            solver,
            tableau,
            driver,
            variables: series.variables().to_vec(),
            smoothing: settings.model.smoothing.unwrap_or(0.0),
            drives,
            targets,
            reading,
        };
        controlled.adjoint()?;
        Ok(controlled)
    }

    /// What the head would give, logits or a number, if a series ended at its second row, its third, and so on to its last (with windows:
    /// at the end of each window), `[pieces, outputs]`. Of causal paths, what is said of a row depends on no later one.
    ///
    /// # Errors
    ///
    /// A series that cannot be solved.
    ///
    /// # Panics
    ///
    /// If there is no such sample.
    pub fn along(&self, sample: usize) -> Result<Vec<R>, SolveError> {
        let ([stem, field, head], drive) = (self.networks.each(), &self.drives[sample]);
        let mut start = vec![R::zero(); field.layer().inputs()];
        stem.eval(1, R::zero(), &drive.first, &mut start, &mut stem.memory(1));
        let knots: Vec<R> = (0..=drive.len()).map(|knot| R::from_f64(knot as f64)).collect();
        let member = BatchMember { span: (R::zero(), knots[drive.len()]), y0: &start, save: &knots[1..] };
        let mut solver = BatchSolver::new(self.tableau, start.len(), &self.solver.options(1.0))?;
        solver.solve(&Driven::new(field, &[drive]), &[member]);
        solver.outcomes()[0].ending.clone()?;
        let mut logits = vec![R::zero(); drive.len() * self.reading.outputs()];
        head.eval(drive.len(), R::zero(), solver.states(), &mut logits, &mut head.memory(drive.len()));
        Ok(logits)
    }

    fn adjoint(&self) -> Result<BatchAdjoint<R>, SolveError> {
        let width = self.networks.each()[1].layer().inputs();
        BatchAdjoint::new(self.tableau, width, &self.solver.options(1.0), self.solver.budget)
    }
}

fn networks<R: Number>(
    settings: &Settings,
    driver: &Driver,
    outputs: usize,
    seed: u64,
) -> Result<Networks<R>, NdeError> {
    let hidden = settings.model.hidden.unwrap_or(HIDDEN);
    let mut field = settings.clone();
    // Bounded, as the state of a long series would otherwise grow without bound (Kidger et al. 2020, section 5).
    field.field.output.get_or_insert(Activation::Tanh);
    if field.field.time == Some(true) {
        let reason = "time is a channel of the path anyway; leave `time` out".into();
        return Err(SettingError::Rejected { key: "field.time", reason }.into());
    }
    let field = field.network(hidden, hidden * driver.channels())?;
    let mut random = chance::parameters(seed);
    let stem = Network::initialised(Linear::new(driver.inputs(), hidden).into(), Initialiser::Glorot, &mut random)?;
    let field = Network::initialised(field, settings.initialiser(), &mut random)?;
    let head = Network::initialised(Linear::new(hidden, outputs).into(), Initialiser::Glorot, &mut random)?;
    Ok(Stack::new(NAMES, [stem, field, head]))
}

/// How the equation is solved: by steps from row to row, unless a tolerance is given or the method cannot.
///
/// A stage at the end of a step would see the path behind the corner there.
pub(super) fn controlled_solver(settings: &Settings) -> Result<(Solver, &'static Tableau), NdeError> {
    let (mut solver, tableau) = settings.explicit()?;
    let toleranced = settings.solver.rtol.is_some() || settings.solver.atol.is_some();
    let looks_ahead = (1..tableau.end_slot()).any(|slot| tableau.slot(slot).1 >= 1.0);
    if solver.step.is_none() && !(tableau.adaptive() && (toleranced || looks_ahead)) {
        solver.step = Some(1.0);
    }
    if solver.step.is_some() && looks_ahead {
        let name = tableau.name;
        let reason = format!(
            "{name} looks at the end of its steps before they are done, and the path has a corner there; take `midpoint`, \
             `ralston2` or `bs3`, or one that chooses its steps (`tsit5`, without `step`)"
        );
        return Err(SettingError::Rejected { key: "solver.method", reason }.into());
    }
    if solver.step.is_some() && settings.solver.max_steps.is_none() {
        // As many as the series has rows.
        solver.max_steps = u64::MAX;
    }
    Ok((solver, tableau))
}

/// From drives to logits; what the pass back needs is left in the tapes.
pub(super) fn forward<R: Number>(networks: &Networks<R>, drives: &[&Drive<R>], memory: &mut ControlledMemory<R>) {
    let ControlledMemory { adjoint, inputs, tapes, starts, ends, logits, .. } = memory;
    let ([stem, field, head], rows) = (networks.each(), drives.len());
    let hidden = field.layer().inputs();
    inputs.clear();
    drives.iter().for_each(|drive| inputs.extend_from_slice(&drive.first));
    tapes[0].resize(stem.layer().tape_len(rows), R::zero());
    starts.resize(rows * hidden, R::zero());
    stem.layer().record(stem.pass(rows, R::zero()), inputs, starts, &mut tapes[0]);
    let member = |(drive, y0): (&&Drive<R>, _)| {
        let end = R::from_f64(drive.len() as f64);
        BatchMember { span: (R::zero(), end), y0, save: &[] }
    };
    let members: Vec<BatchMember<'_, R>> = drives.iter().zip(starts.chunks_exact(hidden)).map(member).collect();
    adjoint.solve(&Driven::new(field, drives), &members);
    ends.clear();
    ends.extend_from_slice(adjoint.states());
    tapes[1].resize(head.layer().tape_len(rows), R::zero());
    logits.resize(rows * head.layer().outputs(), R::zero());
    head.layer().record(head.pass(rows, R::zero()), ends, logits, &mut tapes[1]);
}

impl<R: Number> Model<R> for Controlled<R> {
    type Memory = ControlledMemory<R>;

    fn tensors(&self) -> Vec<Tensor> {
        self.networks.tensors()
    }

    fn parameters(&self) -> Vec<R> {
        self.networks.parameters()
    }

    fn set_parameters(&mut self, theta: &[R]) {
        self.networks.set_parameters(theta);
    }

    fn samples(&self) -> usize {
        self.drives.len()
    }

    fn memory(&self) -> ControlledMemory<R> {
        ControlledMemory::new(self.adjoint().expect("`prepare` has made one"))
    }

    fn cost(&self, samples: &[usize], _pass: &Pass, gradient: &mut [R], memory: &mut ControlledMemory<R>) -> Cost {
        let drives: Vec<&Drive<R>> = samples.iter().map(|&sample| &self.drives[sample]).collect();
        let rows = samples.len();
        forward(&self.networks, &drives, memory);
        let ControlledMemory { adjoint, inputs, input_bar, tapes, ends, logits, ends_bar, start_bar, .. } = memory;
        let mut cost = Cost::default();
        for ((row, &sample), logits) in samples.iter().enumerate().zip(logits.chunks_exact_mut(self.reading.outputs()))
        {
            let outcome = &adjoint.outcomes()[row];
            cost.work.add(Work::of(&outcome.stats));
            if let Err(error) = &outcome.ending {
                cost.failed.push((sample, AdjointError::Solve(error.clone())));
                logits.fill(R::zero());
                continue;
            }
            let [loss, shown] = self.reading.cost(logits, self.targets[sample], self.smoothing);
            cost.loss += loss;
            cost.shown += shown;
            cost.good += 1;
        }
        if gradient.is_empty() || cost.good < rows {
            // The networks around the equation see all rows at once: a row that failed would spoil the others.
            return cost;
        }
        let [stem, field, head] = self.networks.each();
        let [stem_bar, field_bar, head_bar] = self.networks.split(gradient);
        ends_bar.resize(ends.len(), R::zero());
        start_bar.resize(ends.len(), R::zero());
        input_bar.resize(inputs.len(), R::zero());
        head.layer().pull_back(head.pass(rows, R::zero()), ends, &mut tapes[1], logits, ends_bar, head_bar);
        let of = Driven::new(field, &drives);
        let pulled = adjoint.pull_back(&of, ends_bar, start_bar, field_bar).expect("as many cotangents as states");
        cost.work.backward += pulled;
        stem.layer().pull_back(stem.pass(rows, R::zero()), inputs, &mut tapes[0], start_bar, input_bar, stem_bar);
        cost
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        let mut networks = self.networks.clone();
        networks.set_parameters(theta);
        networks.save(checkpoint)?;
        checkpoint.note("units", &self.driver.units)?;
        checkpoint.note("reading", &self.reading)?;
        checkpoint.note("variables", &self.variables)?;
        Ok(())
    }
}

impl<R: Number> ControlledMemory<R> {
    /// None yet; the first pass makes it.
    pub(super) fn new(adjoint: BatchAdjoint<R>) -> ControlledMemory<R> {
        let nothing = Vec::new;
        ControlledMemory {
            adjoint,
            inputs: nothing(),
            input_bar: nothing(),
            tapes: [nothing(), nothing()],
            starts: nothing(),
            ends: nothing(),
            logits: nothing(),
            ends_bar: nothing(),
            start_bar: nothing(),
        }
    }

    /// The first series that could not be solved, and why.
    pub(super) fn failure(&self) -> Option<(usize, SolveError)> {
        let failed = |(row, outcome): (usize, &BatchOutcome<R>)| Some((row, outcome.ending.clone().err()?));
        self.adjoint.outcomes().iter().enumerate().find_map(failed)
    }
}
