//! The model when it is trained: classes and their probabilities.

use vecfield_adjoint::{BatchAdjoint, Budget};
use vecfield_data::Samples;
use vecfield_nn::{Checkpoint, Layer};
use vecfield_solvers::tableau::Tableau;

use super::cost::{ClassifierMemory, forward};
use super::inputs::Units;
use super::networks::{NAMES, Networks};
use crate::classes::{judged, softmax, told};
use crate::data::{Data, Metric, Prediction, Request, RowsOf, arranged};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::model::Number;
use crate::parallel::chunks;
use crate::settings::{Settings, Solver};
use crate::training::Trained;

/// A trained classifier.
pub(crate) struct Answers<R> {
    kind: Kind,
    networks: Networks<R>,
    /// Are there residual blocks in place of the equation?
    residual: bool,
    solver: Solver,
    tableau: &'static Tableau,
    units: Units,
    classes: Vec<i64>,
    columns: Vec<String>,
    shape: Vec<usize>,
}

/// So many examples are solved together.
const CHUNK: usize = 32;

impl<R: Number> Answers<R> {
    pub(crate) fn load(settings: &Settings, checkpoint: &Checkpoint) -> Result<Answers<R>, NdeError> {
        let (solver, tableau) = settings.explicit()?;
        Ok(Answers {
            kind: settings.model.kind,
            networks: Networks::load(NAMES, checkpoint)?,
            residual: settings.model.residual.is_some(),
            solver,
            tableau,
            units: checkpoint.noted("units")?,
            classes: checkpoint.noted("classes")?,
            columns: checkpoint.noted("columns")?,
            shape: checkpoint.noted("shape")?,
        })
    }

    /// The probability of every class, `[rows, classes]`.
    fn probabilities(&self, examples: &Samples) -> Result<Vec<f64>, NdeError> {
        let (inputs, classes) = (examples.width(), self.classes.len());
        let width = self.networks.each()[1].layer().outputs();
        let done = chunks(examples.len(), CHUNK, |range| {
            // Nothing goes back from here, so nothing is kept for it.
            let adjoint = match self.residual {
                true => None,
                false => Some(BatchAdjoint::new(self.tableau, width, &self.solver.options(1.0), Budget::bytes(0))?),
            };
            let mut memory = ClassifierMemory::new(adjoint);
            for row in examples.values()[range.start * inputs..range.end * inputs].chunks_exact(inputs) {
                self.units.append(row, &mut memory.inputs);
            }
            forward(&self.networks, range.len(), None, &mut memory);
            if let Some((row, error)) = memory.failure() {
                return Err(NdeError::Row { row: range.start + row + 1, source: error });
            }
            Ok(memory.logits.chunks_exact(classes).flat_map(softmax).collect::<Vec<f64>>())
        })?;
        Ok(done.into_iter().flatten().collect())
    }

    fn arranged(&self, data: &Data) -> Result<Samples, NdeError> {
        let examples = data.rows(self.kind)?;
        if self.shape.len() > 1 && examples.shape() != self.shape {
            let [found, expected] = [examples.shape(), &self.shape].map(|shape| format!("a shape of {shape:?}"));
            return Err(NdeError::Columns { found, expected });
        }
        arranged(examples, &self.columns)
    }
}

impl<R: Number> Trained for Answers<R> {
    /// `accuracy` and `cross_entropy`, where the examples have labels.
    fn evaluate(&self, data: &Data) -> Result<Vec<Metric>, NdeError> {
        let examples = self.arranged(data)?;
        let labels = examples.labels();
        if labels.is_empty() {
            return Ok(vec![]);
        }
        Ok(judged(&self.probabilities(&examples)?, &self.classes, labels).into())
    }

    /// The most likely class of each example, and the probabilities of all.
    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        let kind = self.kind;
        if request.samples.is_some() {
            return Err(NdeError::Request {
                kind,
                what: "draws no samples: it tells classes apart; leave `--samples` out",
            });
        }
        let what = "tells what examples are: give it some, without their labels";
        let examples = self.arranged(input.ok_or(NdeError::Request { kind, what })?)?;
        let probabilities = self.probabilities(&examples)?;
        let (columns, values) = told(&probabilities, &self.classes);
        Ok(Prediction { of: RowsOf::Rows, columns, values })
    }
}
