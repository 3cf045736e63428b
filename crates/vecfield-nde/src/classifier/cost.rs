//! The model while it is trained: what examples cost.

use vecfield_adjoint::{AdjointError, BatchAdjoint};
use vecfield_nn::{BatchNetwork, Checkpoint, Layer, Tensor};
use vecfield_solvers::SolveError;
use vecfield_solvers::batch::{BatchMember, BatchOutcome};
use vecfield_solvers::tableau::Tableau;

use super::inputs::{BEFORE, BEHIND, Chance, Dropout, Units};
use super::networks::{Networks, networks};
use crate::chance;
use crate::classes::cross_entropy;
use crate::data::{Data, missing};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::model::{Cost, Model, Number, Pass, Work};
use crate::settings::{Settings, Solver};

/// A classifier with the examples it is to tell apart.
#[derive(Debug, Clone)]
pub struct Classifier<R> {
    pub(super) networks: Networks<R>,
    pub(super) solver: Solver,
    pub(super) tableau: &'static Tableau,
    pub(super) units: Units,
    pub(super) classes: Vec<i64>,
    columns: Vec<String>,
    shape: Vec<usize>,
    chance: Chance,
    /// How likely a number on either side of the equation is dropped.
    dropout: f64,
    /// Residual blocks in place of the equation.
    residual: Option<usize>,
    /// Every class is taken to be right with this probability, divided among all.
    smoothing: f64,
    /// `[samples, inputs]`.
    examples: Vec<R>,
    labels: Vec<usize>,
}

/// Memory of a [`Classifier`] for a chunk.
pub struct ClassifierMemory<R: Number> {
    /// Of a classifier with an equation; `None` of one with residual blocks.
    pub(super) adjoint: Option<BatchAdjoint<R>>,
    pub(super) inputs: Vec<R>,
    input_bar: Vec<R>,
    tapes: [Vec<R>; 3],
    embedded: Vec<R>,
    pub(super) starts: Vec<R>,
    ends: Vec<R>,
    pub(super) logits: Vec<R>,
    ends_bar: Vec<R>,
    start_bar: Vec<R>,
    /// Residual blocks of a row, each an evaluation.
    blocks: u64,
}

/// Unless said: noise and dropout for vectors, and what all labels share.
const NOISE: f64 = 0.4;
const DROPOUT: f64 = 0.2;
const SMOOTHING: f64 = 0.05;

impl<R: Number> Classifier<R> {
    /// The model that `settings` describe, at parameters drawn from `seed`, with the examples of `data`.
    ///
    /// # Errors
    ///
    /// Data of another kind, without labels or with one class alone; networks that cannot be, a method that is not explicit.
    pub fn prepare(settings: &Settings, data: &Data, seed: u64) -> Result<Classifier<R>, NdeError> {
        let examples = data.labelled_rows(settings.model.kind)?;
        if let Some((row, column)) = missing(examples) {
            let what = format!("the cell of column `{column}` in row {row} is empty");
            let remedy = "an example has all its numbers: fill the row, or leave it out";
            return Err(NdeError::NothingToLearn { what, remedy });
        }
        let classes = examples.classes();
        if classes.len() < 2 {
            let (what, remedy) = ("all examples have the same label".into(), "give examples of two classes or more");
            return Err(NdeError::NothingToLearn { what, remedy });
        }
        let class = |label: &i64| classes.partition_point(|class| class < label);
        let labels = examples.labels().iter().map(class).collect();
        let units = Units::of(examples);
        let inputs = examples.width();
        let image = image(settings.model.kind, examples.shape())?;
        let mut random = chance::parameters(seed);
        let networks = networks(settings, (inputs, image), classes.len(), &mut random)?;
        let (solver, tableau) = settings.explicit()?;
        let mut values = Vec::with_capacity(examples.values().len());
        examples.values().chunks_exact(inputs).for_each(|row| units.append(row, &mut values));
        let model = &settings.model;
        let shift = image.map_or(0, |[_, height, width]| height.min(width) / 14);
        let chance = Chance {
            noise: model.noise.unwrap_or(if image.is_some() { 0.0 } else { NOISE }),
            shift: model.shift.unwrap_or(shift),
            image,
        };
        let classifier = Classifier {
            networks,
            solver,
            tableau,
            units,
            classes,
            columns: examples.columns().to_vec(),
            shape: examples.shape().to_vec(),
            chance,
            dropout: model.dropout.unwrap_or(if image.is_some() { 0.0 } else { DROPOUT }),
            residual: model.residual,
            smoothing: model.smoothing.unwrap_or(SMOOTHING),
            examples: values,
            labels,
        };
        if classifier.adjoint()?.is_some() {
            BatchNetwork::new(classifier.networks.each()[1])?;
        }
        Ok(classifier)
    }

    fn adjoint(&self) -> Result<Option<BatchAdjoint<R>>, SolveError> {
        if self.residual.is_some() {
            return Ok(None);
        }
        let width = self.networks.each()[1].layer().outputs();
        BatchAdjoint::new(self.tableau, width, &self.solver.options(1.0), self.solver.budget).map(Some)
    }

    fn inputs(&self) -> usize {
        self.networks.each()[0].layer().inputs()
    }

    /// The examples as they are seen in this pass.
    fn see(&self, samples: &[usize], draw: Option<u64>, inputs: &mut Vec<R>) {
        inputs.clear();
        for &sample in samples {
            let example = &self.examples[sample * self.inputs()..][..self.inputs()];
            match draw {
                Some(draw) => self.chance.append(example, &mut chance::of_sample(draw, sample), inputs),
                None => inputs.extend_from_slice(example),
            }
        }
    }
}

/// From inputs to logits; what the pass back needs is left in the tapes.
pub(super) fn forward<R: Number>(
    networks: &Networks<R>,
    rows: usize,
    dropout: Option<Dropout<'_>>,
    memory: &mut ClassifierMemory<R>,
) {
    let ClassifierMemory { adjoint, inputs, tapes, embedded, starts, ends, logits, .. } = memory;
    let [stem, field, head] = networks.each();
    let (width, own) = (field.layer().outputs(), stem.layer().outputs());
    tapes[0].resize(stem.layer().tape_len(rows), R::zero());
    embedded.resize(rows * own, R::zero());
    stem.layer().record(stem.pass(rows, R::zero()), inputs, embedded, &mut tapes[0]);
    dropout.inspect(|dropout| dropout.apply(BEFORE, embedded));
    starts.clear();
    for row in embedded.chunks_exact(own) {
        starts.extend_from_slice(row);
        starts.resize(starts.len() + width - own, R::zero());
    }
    tapes[1].resize(head.layer().tape_len(rows), R::zero());
    logits.resize(rows * head.layer().outputs(), R::zero());
    ends.clear();
    match adjoint {
        Some(adjoint) => {
            let member = |y0| BatchMember { span: (R::zero(), R::one()), y0, save: &[] };
            let members: Vec<BatchMember<'_, R>> = starts.chunks_exact(width).map(member).collect();
            adjoint.solve(&BatchNetwork::new(field).expect("`prepare` has made one"), &members);
            ends.extend_from_slice(adjoint.states());
        }
        None => {
            tapes[2].resize(field.layer().tape_len(rows), R::zero());
            ends.resize(starts.len(), R::zero());
            field.layer().record(field.pass(rows, R::zero()), starts, ends, &mut tapes[2]);
        }
    }
    dropout.inspect(|dropout| dropout.apply(BEHIND, ends));
    head.layer().record(head.pass(rows, R::zero()), ends, logits, &mut tapes[1]);
}

impl<R: Number> Model<R> for Classifier<R> {
    type Memory = ClassifierMemory<R>;

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
        self.labels.len()
    }

    fn chunk(&self) -> usize {
        16
    }

    fn memory(&self) -> ClassifierMemory<R> {
        let adjoint = self.adjoint().expect("`prepare` has made one");
        ClassifierMemory { blocks: self.residual.unwrap_or(0) as u64, ..ClassifierMemory::new(adjoint) }
    }

    fn cost(&self, samples: &[usize], at: &Pass, gradient: &mut [R], memory: &mut ClassifierMemory<R>) -> Cost {
        let rows = samples.len();
        let dropped = at.draw.filter(|_| self.dropout > 0.0);
        let dropout = dropped.map(|draw| Dropout { rate: self.dropout, draw, samples });
        self.see(samples, at.draw, &mut memory.inputs);
        forward(&self.networks, rows, dropout, memory);
        let ClassifierMemory {
            adjoint,
            inputs,
            input_bar,
            tapes,
            embedded,
            starts,
            ends,
            logits,
            ends_bar,
            start_bar,
            blocks,
        } = memory;
        let mut cost = Cost::default();
        for ((row, &sample), logits) in samples.iter().enumerate().zip(logits.chunks_exact_mut(self.classes.len())) {
            let outcome = adjoint.as_ref().map(|adjoint| &adjoint.outcomes()[row]);
            let of_blocks = Work { forward: *blocks, steps: *blocks, ..Work::default() };
            cost.work.add(outcome.map_or(of_blocks, |outcome| Work::of(&outcome.stats)));
            if let Some(Err(error)) = outcome.map(|outcome| &outcome.ending) {
                cost.failed.push((sample, AdjointError::Solve(error.clone())));
                logits.fill(R::zero());
                continue;
            }
            let loss = cross_entropy(logits, self.labels[sample], self.smoothing);
            cost.loss += loss;
            cost.shown += loss;
            cost.good += 1;
        }
        if gradient.is_empty() || cost.good < rows {
            // The networks around the equation see all rows at once: a row that failed would spoil the others.
            return cost;
        }
        let [stem, field, head] = self.networks.each();
        let [stem_bar, field_bar, head_bar] = self.networks.split(gradient);
        ends_bar.resize(starts.len(), R::zero());
        start_bar.resize(starts.len(), R::zero());
        head.layer().pull_back(head.pass(rows, R::zero()), ends, &mut tapes[1], logits, ends_bar, head_bar);
        dropout.inspect(|dropout| dropout.apply(BEHIND, ends_bar));
        cost.work.backward += match adjoint {
            Some(adjoint) => {
                let of = BatchNetwork::new(field).expect("`prepare` has made one");
                adjoint.pull_back(&of, ends_bar, start_bar, field_bar).expect("as many cotangents as states")
            }
            None => {
                let pass = field.pass(rows, R::zero());
                field.layer().pull_back(pass, starts, &mut tapes[2], ends_bar, start_bar, field_bar);
                *blocks * rows as u64
            }
        };
        let (width, own) = (field.layer().outputs(), stem.layer().outputs());
        for (to, from) in embedded.chunks_exact_mut(own).zip(start_bar.chunks_exact(width)) {
            to.copy_from_slice(&from[..own]);
        }
        dropout.inspect(|dropout| dropout.apply(BEFORE, embedded));
        input_bar.resize(inputs.len(), R::zero());
        stem.layer().pull_back(stem.pass(rows, R::zero()), inputs, &mut tapes[0], embedded, input_bar, stem_bar);
        cost
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        let mut networks = self.networks.clone();
        networks.set_parameters(theta);
        networks.save(checkpoint)?;
        checkpoint.note("units", &self.units)?;
        checkpoint.note("classes", &self.classes)?;
        checkpoint.note("columns", &self.columns)?;
        checkpoint.note("shape", &self.shape)?;
        Ok(())
    }
}

/// Channels, rows and columns of examples that are images.
fn image(kind: Kind, shape: &[usize]) -> Result<Option<[usize; 3]>, NdeError> {
    match *shape {
        [_] => Ok(None),
        [height, width] => Ok(Some([1, height, width])),
        [channels, height, width] => Ok(Some([channels, height, width])),
        _ => Err(NdeError::Request { kind, what: "takes vectors or images, with channels or without; give it those" }),
    }
}

impl<R: Number> ClassifierMemory<R> {
    /// None yet; the first pass makes it.
    pub(super) fn new(adjoint: Option<BatchAdjoint<R>>) -> ClassifierMemory<R> {
        let nothing = Vec::new;
        ClassifierMemory {
            adjoint,
            inputs: nothing(),
            input_bar: nothing(),
            tapes: [nothing(), nothing(), nothing()],
            embedded: nothing(),
            starts: nothing(),
            ends: nothing(),
            logits: nothing(),
            ends_bar: nothing(),
            start_bar: nothing(),
            blocks: 0,
        }
    }

    /// The first row that could not be solved, and why.
    pub(super) fn failure(&self) -> Option<(usize, SolveError)> {
        let failed = |(row, outcome): (usize, &BatchOutcome<R>)| Some((row, outcome.ending.clone().err()?));
        self.adjoint.as_ref()?.outcomes().iter().enumerate().find_map(failed)
    }
}
