//! The model when it is trained: points drawn, and densities of points.

use core::ops::Range;

use vecfield_data::Samples;
use vecfield_nn::{AnyLayer, BatchNetwork, Checkpoint, Network, Random};
use vecfield_solvers::Options;
use vecfield_solvers::tableau::Tableau;

use super::noise::{Process, angle};
use super::sampler::{ProbabilityFlow, Sampler, sliced_wasserstein};
use crate::chance::{HALF_LOG_TAU, of_sample};
use crate::cnf::{ALONG, Density};
use crate::data::{Data, Metric, Prediction, Request, arranged};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::model::Number;
use crate::parallel::chunks;
use crate::points::{CHUNK, Points, Standard, TOLERANCE, carry, in_double};
use crate::settings::{Settings, Solver};
use crate::training::Trained;

/// A trained network that takes out noise, in double precision whatever it was trained in.
pub(crate) struct Denoiser {
    kind: Kind,
    network: Network<AnyLayer, f64>,
    process: Process,
    sampler: Sampler,
    evaluations: usize,
    tableau: &'static Tableau,
    options: Options<f64>,
    /// Those for densities.
    exact: Options<f64>,
    standard: Standard,
    columns: Vec<String>,
}

/// No more points are drawn or looked at for a metric.
const COMPARED: usize = 10_000;

impl Denoiser {
    pub(crate) fn load<R: Number>(settings: &Settings, checkpoint: &Checkpoint) -> Result<Denoiser, NdeError> {
        let (solver, tableau) = settings.explicit()?;
        let exact = Solver { rtol: solver.rtol.min(TOLERANCE), atol: solver.atol.min(TOLERANCE), ..solver.clone() };
        let sampler = settings.model.sampler.unwrap_or_default();
        Ok(Denoiser {
            kind: settings.model.kind,
            network: in_double::<R>(checkpoint)?,
            process: settings.model.process.unwrap_or_default(),
            sampler,
            evaluations: settings.model.evaluations.unwrap_or(sampler.evaluations()),
            tableau,
            options: solver.options(1.0),
            exact: exact.options(1.0),
            standard: checkpoint.noted("standard")?,
            columns: checkpoint.noted("columns")?,
        })
    }

    fn dim(&self) -> usize {
        self.columns.len()
    }

    fn draw_chunk(&self, range: Range<usize>, seed: u64) -> Result<Vec<f64>, NdeError> {
        let (dim, count) = (self.dim(), range.len());
        let mut random: Vec<Random> = range.clone().map(|sample| of_sample(seed, sample)).collect();
        let mut u: Vec<f64> =
            random.iter_mut().flat_map(|random| (0..dim).map(|_| random.normal()).collect::<Vec<_>>()).collect();
        let (mut memory, mut inputs) = (self.network.memory(count), vec![0.0; count * (dim + 1)]);
        let mut field = |level: f64, u: &[f64], found: &mut [f64]| {
            for (inputs, u) in inputs.chunks_exact_mut(dim + 1).zip(u.chunks_exact(dim)) {
                inputs[..dim].copy_from_slice(u);
                inputs[dim] = level;
            }
            self.network.eval(count, 0.0, &inputs, found, &mut memory);
        };
        match self.sampler {
            Sampler::Dpm => self.process.denoise(self.evaluations, &mut u, &mut field),
            Sampler::Sde => self.process.reverse(self.evaluations, &mut u, &mut random, &mut field),
            Sampler::Ode => {
                let [low, high] = self.process.levels();
                let flow = ProbabilityFlow(BatchNetwork::new(&self.network)?);
                u = carry(&flow, (self.tableau, &self.options), (high, low), &u, range.start)?;
            }
        }
        Ok(u)
    }
}

impl Points for Denoiser {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn log_densities(&self, rows: &Samples) -> Result<Vec<f64>, NdeError> {
        let (dim, still, [low, high]) = (self.dim(), vec![0.0; self.dim()], self.process.levels());
        // A point of the lowest level is that of the data made smaller by the little noise that is there.
        let [cos, _] = angle(low);
        let done = chunks(rows.len(), CHUNK, |range| {
            let mut starts = Vec::with_capacity(range.len() * (dim + ALONG));
            for row in rows.values()[range.start * dim..range.end * dim].chunks_exact(dim) {
                starts.extend(self.standard.units(row).map(|x| cos * x));
                starts.extend([0.0; ALONG]);
            }
            let field = ProbabilityFlow(Density::new(&self.network, &[], &still));
            let ends = carry(&field, (self.tableau, &self.exact), (low, high), &starts, range.start)?;
            let log = |end: &[f64]| {
                let base: f64 = end[..dim].iter().map(|z| -0.5 * z * z - HALF_LOG_TAU).sum();
                base + end[dim] + dim as f64 * cos.ln() - self.standard.log_scale()
            };
            Ok::<_, NdeError>(ends.chunks_exact(dim + ALONG).map(log).collect::<Vec<f64>>())
        })?;
        Ok(done.into_iter().flatten().collect())
    }

    fn draw(&self, count: usize, seed: u64) -> Result<Vec<f64>, NdeError> {
        let dim = self.dim();
        let done = chunks(count, CHUNK, |range| {
            let points = self.draw_chunk(range, seed)?;
            let values = |z: &[f64]| self.standard.values(z).collect::<Vec<_>>();
            Ok::<_, NdeError>(points.chunks_exact(dim).flat_map(values).collect::<Vec<f64>>())
        })?;
        Ok(done.into_iter().flatten().collect())
    }
}

impl Trained for Denoiser {
    /// `sliced_wasserstein`: how far points drawn are from these, in the data's units.
    fn evaluate(&self, data: &Data) -> Result<Vec<Metric>, NdeError> {
        let rows = arranged(data.rows(self.kind)?, &self.columns)?;
        let count = rows.len().min(COMPARED);
        let every = rows.len() as f64 / count.max(1) as f64;
        let given: Vec<f64> = (0..count).flat_map(|k| rows.row((k as f64 * every) as usize).to_vec()).collect();
        let distance = sliced_wasserstein(&self.draw(count, 0)?, &given, self.dim());
        Ok(vec![("sliced_wasserstein".into(), distance)])
    }

    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        self.told(input, request)
    }
}
