//! The model when it is trained: series filled in from what was read of them, and series that were never measured.

use core::ops::Range;

use vecfield_adjoint::{BatchAdjoint, Budget};
use vecfield_data::{Trajectories, Trajectory};
use vecfield_nn::{Checkpoint, Layer};
use vecfield_solvers::tableau::Tableau;

use super::cost::{LatentMemory, NAMES, Networks, decode, divergence, encode, problems};
use super::series::{Series, Window};
use super::told::{Told, drawn, filled, metrics};
use crate::chance::of_sample;
use crate::data::{Data, Metric, Prediction, Request, arranged_trajectories};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::model::Number;
use crate::parallel::chunks;
use crate::settings::{Clock, Settings, Solver};
use crate::training::Trained;
use crate::trajectory::Scaling;

/// A trained latent equation.
pub(crate) struct Imagined<R> {
    kind: Kind,
    networks: Networks<R>,
    noise: Vec<R>,
    solver: Solver,
    clock: Clock,
    tableau: &'static Tableau,
    scaling: Scaling,
    variables: Vec<String>,
}

/// So many series are solved together.
const CHUNK: usize = 32;

impl<R: Number> Imagined<R> {
    pub(crate) fn load(settings: &Settings, checkpoint: &Checkpoint) -> Result<Imagined<R>, NdeError> {
        let (solver, tableau) = settings.explicit()?;
        Ok(Imagined {
            kind: settings.model.kind,
            networks: Networks::load(NAMES, checkpoint)?,
            noise: checkpoint.get("noise")?,
            solver,
            clock: settings.field.clock(),
            tableau,
            scaling: checkpoint.noted("scaling")?,
            variables: checkpoint.noted("variables")?,
        })
    }

    fn memory(&self) -> Result<LatentMemory<R>, NdeError> {
        let width = self.networks.each()[2].layer().outputs();
        let options = self.solver.options(self.scaling.pace);
        // Nothing goes back from here, so nothing is kept for it.
        Ok(LatentMemory::new(BatchAdjoint::new(self.tableau, width, &options, Budget::bytes(0))?))
    }

    /// All series, from the means of their posteriors.
    fn told(&self, data: &Trajectories) -> Result<Vec<Told>, NdeError> {
        let clocked = self.clock.read(data)?;
        let runs = clocked.runs();
        let done = chunks(runs.len(), CHUNK, |range| self.chunk(range.clone(), &runs[range]))?;
        Ok(done.into_iter().flatten().collect())
    }

    fn chunk(&self, range: Range<usize>, runs: &[Trajectory]) -> Result<Vec<Told>, NdeError> {
        let n = self.variables.len();
        let series: Vec<Series<R>> = runs.iter().map(|run| Series::new(run, &self.scaling)).collect();
        let shown: Vec<Window<'_, R>> = series.iter().map(Series::whole).collect();
        let mut memory = self.memory()?;
        encode(&self.networks, &shown, n, &mut memory);
        memory.begin(|_, _| 0.0);
        decode(&self.networks, problems(&shown), &mut memory);
        self.check(range.start, series.len(), &memory)?;
        let (mut told, mut decoded) = (vec![], &memory.decoded[..]);
        let latent = memory.adjoint.width();
        for (window, posterior) in shown.iter().zip(memory.posterior.chunks_exact(2 * latent)) {
            let cells = window.series.cells.len();
            let (own, rest) = decoded.split_at(cells);
            let mut values = vec![0.0; cells];
            for (row, found) in window.rows().zip(own.chunks_exact(n)) {
                self.write_values(found, &mut values[row * n..(row + 1) * n]);
            }
            told.push(Told { elbo: self.bound(&window.series.cells, &values, posterior), values });
            decoded = rest;
        }
        Ok(told)
    }

    /// A row in the data's units.
    fn write_values(&self, row: &[R], values: &mut [f64]) {
        for (v, (value, z)) in values.iter_mut().zip(row).enumerate() {
            *value = self.scaling.value(v, z.to_f64());
        }
    }

    /// The evidence bound of a series at its posterior's mean, in the data's units.
    fn bound(&self, cells: &[R], values: &[f64], posterior: &[R]) -> f64 {
        let n = self.variables.len();
        let mut bound = -divergence(posterior);
        for (i, (&cell, &value)) in cells.iter().zip(values).enumerate().filter(|(_, (cell, _))| !cell.is_nan()) {
            let (log, miss) = (self.noise[i % n].to_f64(), self.scaling.state(i % n, value) - cell.to_f64());
            bound -=
                0.5 * (miss * miss * (-log).exp() + log + core::f64::consts::TAU.ln()) + self.scaling.scale[i % n].ln();
        }
        bound
    }

    fn check(&self, first: usize, series: usize, memory: &LatentMemory<R>) -> Result<(), NdeError> {
        for (i, failure) in memory.failures(series).into_iter().enumerate() {
            if let Some(error) = failure {
                return Err(NdeError::Forecast { trajectory: first + i, source: error.into() });
            }
        }
        Ok(())
    }

    /// So many series from the prior, at the times of the first that was given.
    fn imagine(&self, data: &Trajectories, count: usize, seed: u64) -> Result<Prediction, NdeError> {
        let times = data.runs()[0].times();
        let clocked = self.clock.read(data)?;
        let scaled: Vec<R> = clocked.runs()[0].times().iter().map(|&t| R::from_f64(self.scaling.time(t))).collect();
        let done = chunks(count, CHUNK, |range| {
            let mut memory = self.memory()?;
            for number in range.clone() {
                let mut random = of_sample(seed, number);
                memory.starts.extend((0..memory.adjoint.width()).map(|_| R::from_f64(random.normal())));
            }
            decode(&self.networks, (0..range.len()).map(|i| (i, (scaled[0], &scaled[..]))), &mut memory);
            self.check(range.start, range.len(), &memory)?;
            let n = self.variables.len();
            let row = |(i, decoded): (usize, &[R])| {
                let mut row = vec![0.0; 2 + n];
                row[..2].copy_from_slice(&[(range.start + i / times.len()) as f64, times[i % times.len()]]);
                self.write_values(decoded, &mut row[2..]);
                row
            };
            Ok::<_, NdeError>(memory.decoded.chunks_exact(n).enumerate().flat_map(row).collect::<Vec<f64>>())
        })?;
        Ok(drawn(&self.variables, done.into_iter().flatten().collect()))
    }
}

impl<R: Number> Trained for Imagined<R> {
    /// `rmse` over the measured cells, and the mean `elbo` of a series; in the data's units.
    fn evaluate(&self, data: &Data) -> Result<Vec<Metric>, NdeError> {
        let data = arranged_trajectories(data.trajectories(self.kind)?, &self.variables)?;
        Ok(metrics(&data, &self.told(&data)?))
    }

    /// The trajectories with their empty cells filled in from all that was measured of them; or new ones.
    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        let kind = self.kind;
        let what = "fills in trajectories: give it a table of readings and of the times asked for";
        let data = input.ok_or(NdeError::Request { kind, what })?.trajectories(kind)?;
        let data = arranged_trajectories(data, &self.variables)?;
        if let Some(count) = request.samples {
            return self.imagine(&data, count, request.seed);
        }
        let told = self.told(&data)?;
        Ok(filled(&data, told))
    }
}
