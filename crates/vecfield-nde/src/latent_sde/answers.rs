//! The model when it is trained: series filled in from what was read of them, and series that were never measured.

use core::ops::Range;

use vecfield_data::{Trajectories, Trajectory};
use vecfield_nn::Checkpoint;

use super::cost::{LatentSdeMemory, tell};
use super::parts::Parts;
use crate::chain::{Chain, Plan};
use crate::chance::of_sample;
use crate::data::{Data, Metric, Prediction, Request, arranged_trajectories};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::latent::misfit::misfit;
use crate::latent::series::Series;
use crate::latent::told::{Told, drawn, filled, metrics};
use crate::model::Number;
use crate::parallel::chunks;
use crate::settings::Settings;
use crate::training::Trained;
use crate::trajectory::Scaling;

/// A trained latent stochastic equation.
pub(crate) struct Drawn<R> {
    parts: Parts<R>,
    scaling: Scaling,
    variables: Vec<String>,
    step: f64,
}

/// So many series are moved together.
const CHUNK: usize = 32;
/// So many paths of a series are averaged.
const PATHS: u64 = 32;

impl<R: Number> Drawn<R> {
    pub(crate) fn load(settings: &Settings, checkpoint: &Checkpoint) -> Result<Drawn<R>, NdeError> {
        Ok(Drawn {
            parts: Parts::load(settings, checkpoint)?,
            scaling: checkpoint.noted("scaling")?,
            variables: checkpoint.noted("variables")?,
            step: checkpoint.noted("step")?,
        })
    }

    /// All series, as the mean over steered paths.
    fn told(&self, data: &Trajectories, seed: u64) -> Result<Vec<Told>, NdeError> {
        let runs = data.runs();
        let done = chunks(runs.len(), CHUNK, |range| Ok::<_, NdeError>(self.chunk(range.clone(), &runs[range], seed)))?;
        Ok(done.into_iter().flatten().collect())
    }

    fn chunk(&self, range: Range<usize>, runs: &[Trajectory], seed: u64) -> Vec<Told> {
        let series: Vec<Series<R>> = runs.iter().map(|run| Series::new(run, &self.scaling)).collect();
        let plans: Vec<Plan<R>> = series.iter().map(|series| Plan::of(series, self.step)).collect();
        let both: Vec<(&Series<R>, &Plan<R>)> = series.iter().zip(&plans).collect();
        let mut told: Vec<Told> =
            series.iter().map(|series| Told { values: vec![0.0; series.cells.len()], elbo: 0.0 }).collect();
        let (mut memory, mut nothing) = (LatentSdeMemory::default(), vec![]);
        for path in 0..PATHS {
            tell(
                &self.parts,
                &both,
                |i| of_sample(seed.wrapping_add(path.wrapping_mul(0x9e37_79b9)), range.start + i),
                &mut memory,
            );
            let mut decoded = &memory.decoded[..];
            for (i, (told, (series, plan))) in told.iter_mut().zip(&both).enumerate() {
                let (own, rest) = decoded.split_at(series.cells.len());
                decoded = rest;
                for (value, z) in told.values.iter_mut().zip(own) {
                    *value += z.to_f64() / PATHS as f64;
                }
                nothing.resize(own.len(), R::zero());
                let nll =
                    misfit(&self.parts.noise, series.cells.iter().copied(), own, &mut nothing, R::zero(), &mut []);
                let far = memory.distance_of_start(&self.parts, plan, i) + memory.chain.distances[i];
                told.elbo -= (nll + far) / PATHS as f64;
            }
        }
        for (told, series) in told.iter_mut().zip(&series) {
            let n = self.variables.len();
            let measured = series.cells.iter().enumerate().filter(|(_, cell)| !cell.is_nan());
            told.elbo -= measured.map(|(i, _)| self.scaling.scale[i % n].ln()).sum::<f64>();
            told.values.chunks_exact_mut(n).for_each(|row| self.unscale(row));
        }
        told
    }

    /// A row in the data's units.
    fn unscale(&self, row: &mut [f64]) {
        row.iter_mut().enumerate().for_each(|(v, value)| *value = self.scaling.value(v, *value));
    }

    /// So many series from the free law, at the times of the first that was given, as they would be measured.
    fn imagine(&self, data: &Trajectories, count: usize, seed: u64) -> Result<Prediction, NdeError> {
        let run = &data.runs()[0];
        let (times, n) = (run.times(), self.variables.len());
        let scaled: Vec<R> = times.iter().map(|&t| R::from_f64(self.scaling.time(t))).collect();
        let plan = Plan::free(&scaled, self.step);
        let [.., decoder] = self.parts.networks.each();
        let deviation: Vec<f64> = self.parts.noise.iter().map(|noise| (0.5 * noise.to_f64()).exp()).collect();
        let done = chunks(count, CHUNK, |range| {
            let (mut starts, mut chain) = (vec![], Chain::default());
            let mut chance: Vec<_> = range.clone().map(|number| of_sample(seed, number)).collect();
            chance.iter_mut().for_each(|random| self.parts.free_start(random, &mut starts));
            let plans = vec![&plan; range.len()];
            chain.go(self.parts.motion(), None, &plans, &starts, |i| chance[i].clone());
            let [mut visited, mut decoded, mut tape] = [vec![], vec![], vec![]];
            chain.decode(decoder, &plans, &mut visited, &mut decoded, &mut tape);
            let mut rows = vec![];
            for (i, series) in decoded.chunks_exact(times.len() * n).enumerate() {
                let mut noise = of_sample(!seed, range.start + i);
                for (&t, found) in times.iter().zip(series.chunks_exact(n)) {
                    rows.extend([(range.start + i) as f64, t]);
                    let read = |(v, z): (usize, &R)| self.scaling.value(v, z.to_f64() + deviation[v] * noise.normal());
                    rows.extend(found.iter().enumerate().map(read));
                }
            }
            Ok::<_, NdeError>(rows)
        })?;
        Ok(drawn(&self.variables, done.into_iter().flatten().collect()))
    }
}

impl<R: Number> Trained for Drawn<R> {
    /// `rmse` over the measured cells, and the mean `elbo` of a series; in the data's units.
    fn evaluate(&self, data: &Data) -> Result<Vec<Metric>, NdeError> {
        let data = arranged_trajectories(data.trajectories(Kind::LatentSde)?, &self.variables)?;
        Ok(metrics(&data, &self.told(&data, 0)?))
    }

    /// The trajectories with their empty cells filled in from all that was measured of them; or new ones.
    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        let kind = Kind::LatentSde;
        let what = "fills in trajectories: give it a table of readings and of the times asked for";
        let data = input.ok_or(NdeError::Request { kind, what })?.trajectories(kind)?;
        let data = arranged_trajectories(data, &self.variables)?;
        if let Some(count) = request.samples {
            return self.imagine(&data, count, request.seed);
        }
        let told = self.told(&data, request.seed)?;
        Ok(filled(&data, told))
    }
}
