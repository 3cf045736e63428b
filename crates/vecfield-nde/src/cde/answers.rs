//! The model when it is trained: classes of series and their probabilities.

use vecfield_adjoint::{BatchAdjoint, Budget};
use vecfield_data::Trajectories;
use vecfield_nn::{Checkpoint, Layer};
use vecfield_solvers::tableau::Tableau;

use super::cost::{ControlledMemory, NAMES, Networks, controlled_solver, forward};
use super::drive::{Drive, Driver};
use crate::classes::{judged, softmax, told};
use crate::data::{Data, Metric, Prediction, Request, RowsOf, arranged_trajectories};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::model::Number;
use crate::parallel::chunks;
use crate::settings::{Settings, Solver};
use crate::training::Trained;

/// A trained controlled equation.
pub(crate) struct Read<R> {
    kind: Kind,
    networks: Networks<R>,
    solver: Solver,
    tableau: &'static Tableau,
    driver: Driver,
    classes: Vec<i64>,
    variables: Vec<String>,
}

/// So many series are solved together.
const CHUNK: usize = 32;

impl<R: Number> Read<R> {
    pub(crate) fn load(settings: &Settings, checkpoint: &Checkpoint) -> Result<Read<R>, NdeError> {
        let (solver, tableau) = controlled_solver(settings)?;
        Ok(Read {
            kind: settings.model.kind,
            networks: Networks::load(NAMES, checkpoint)?,
            solver,
            tableau,
            driver: Driver::new(&settings.model, checkpoint.noted("units")?)?,
            classes: checkpoint.noted("classes")?,
            variables: checkpoint.noted("variables")?,
        })
    }

    /// The probability of every class, `[series, classes]`.
    fn probabilities(&self, data: &Trajectories) -> Result<Vec<f64>, NdeError> {
        let data = arranged_trajectories(data, &self.variables)?;
        let hidden = self.networks.each()[1].layer().inputs();
        let done = chunks(data.runs().len(), CHUNK, |range| {
            let drive = |number: usize| self.driver.drive(number, &data.runs()[number]);
            let drives = range.clone().map(drive).collect::<Result<Vec<Drive<R>>, _>>()?;
            // Nothing goes back from here, so nothing is kept for it.
            let adjoint = BatchAdjoint::new(self.tableau, hidden, &self.solver.options(1.0), Budget::bytes(0))?;
            let mut memory = ControlledMemory::new(adjoint);
            forward(&self.networks, &drives.iter().collect::<Vec<_>>(), &mut memory);
            if let Some((row, error)) = memory.failure() {
                return Err(NdeError::Forecast { trajectory: range.start + row, source: error.into() });
            }
            Ok(memory.logits.chunks_exact(self.classes.len()).flat_map(softmax).collect::<Vec<f64>>())
        })?;
        Ok(done.into_iter().flatten().collect())
    }
}

impl<R: Number> Trained for Read<R> {
    /// `accuracy` and `cross_entropy`, where the series have labels.
    fn evaluate(&self, data: &Data) -> Result<Vec<Metric>, NdeError> {
        match data.labelled_trajectories(self.kind) {
            Ok((series, labels)) => Ok(judged(&self.probabilities(series)?, &self.classes, labels).into()),
            Err(_) => data.trajectories(self.kind).map(|_| vec![]),
        }
    }

    /// The most likely class of each series, and the probabilities of all.
    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        let kind = self.kind;
        if request.samples.is_some() {
            let what = "draws no samples: it tells classes apart; leave `--samples` out";
            return Err(NdeError::Request { kind, what });
        }
        let what = "tells what series are: give it some, without their labels";
        let series = input.ok_or(NdeError::Request { kind, what })?.trajectories(kind)?;
        let (columns, values) = told(&self.probabilities(series)?, &self.classes);
        Ok(Prediction { of: RowsOf::Trajectories, columns, values })
    }
}
