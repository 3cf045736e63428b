//! The model when it is trained: classes of series and their probabilities, or numbers.

use vecfield_adjoint::{BatchAdjoint, Budget};
use vecfield_data::Trajectories;
use vecfield_nn::{Checkpoint, Layer};
use vecfield_solvers::tableau::Tableau;

use super::cost::{ControlledMemory, NAMES, Networks, controlled_solver, forward};
use super::drive::{Drive, Driver};
use super::target::Reading;
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
    reading: Reading,
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
            reading: checkpoint.noted("reading")?,
            variables: checkpoint.noted("variables")?,
        })
    }

    /// What is said of every series: probabilities of all classes, or a number.
    fn say(&self, data: &Trajectories) -> Result<Vec<f64>, NdeError> {
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
            Ok(memory
                .logits
                .chunks_exact(self.reading.outputs())
                .flat_map(|outputs| self.reading.say(outputs))
                .collect::<Vec<f64>>())
        })?;
        Ok(done.into_iter().flatten().collect())
    }
}

impl<R: Number> Trained for Read<R> {
    /// `accuracy` and `cross_entropy` of classes, `rmse` of numbers, where the series have labels.
    fn evaluate(&self, data: &Data) -> Result<Vec<Metric>, NdeError> {
        self.reading.judge(self.kind, &self.say(data.trajectories(self.kind)?)?, data)
    }

    /// The most likely class of each series, and the probabilities of all; or its number.
    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        let kind = self.kind;
        if request.samples.is_some() {
            let what = "draws no samples: it reads series; leave `--samples` out";
            return Err(NdeError::Request { kind, what });
        }
        let what = "tells what series are: give it some, without their labels";
        let series = input.ok_or(NdeError::Request { kind, what })?.trajectories(kind)?;
        let (columns, values) = self.reading.table(self.say(series)?);
        Ok(Prediction { of: RowsOf::Trajectories, columns, values })
    }
}
