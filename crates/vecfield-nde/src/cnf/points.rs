//! The model when it is trained: densities of points, and points drawn.

use serde::{Deserialize, Serialize};
use vecfield_data::Samples;
use vecfield_nn::{AnyLayer, BatchNetwork, Checkpoint, Network, Random};
use vecfield_solvers::Options;
use vecfield_solvers::batch::{BatchMember, BatchSolver};
use vecfield_solvers::tableau::Tableau;
use vecfield_traits::BatchField;

use super::field::{ALONG, Density};
use crate::chance::{HALF_LOG_TAU, of_sample};
use crate::data::{Data, Metric, Prediction, Request, RowsOf, arranged};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::model::Number;
use crate::parallel::chunks;
use crate::settings::{Settings, Trace};
use crate::training::Trained;

/// The vectors along which the traces of these samples are estimated, `[samples, probes, dim]`; none for unit vectors.
pub(super) fn probe<R: Number>(trace: Trace, dim: usize, draw: u64, samples: &[usize], probes: &mut Vec<R>) {
    probes.clear();
    match trace {
        Trace::Exact => {}
        Trace::Hutchinson => {
            for &sample in samples {
                let mut random = of_sample(!draw, sample);
                probes.extend((0..dim).map(|_| if random.uniform() < 0.5 { -R::one() } else { R::one() }));
            }
        }
        Trace::HutchPlusPlus => samples.iter().for_each(|&sample| sketch(dim, &mut of_sample(!draw, sample), probes)),
    }
}

/// An orthonormal sketch, and a random vector across it.
///
/// Any sketch that does not depend on the Jacobian leaves the estimate without bias; one fixed along the whole way keeps the
/// field smooth.
fn sketch<R: Number>(dim: usize, random: &mut Random, probes: &mut Vec<R>) {
    let across = Trace::HutchPlusPlus.probes(dim);
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(across);
    for k in 0..across {
        let mut v: Vec<f64> =
            (0..dim).map(|_| if k + 1 < across { random.normal() } else { random.uniform() - 0.5 }).collect();
        if k + 1 == across {
            v.iter_mut().for_each(|v| *v = v.signum());
        }
        for _ in 0..2 {
            for q in &vectors {
                let along: f64 = v.iter().zip(q).map(|(v, q)| v * q).sum();
                v.iter_mut().zip(q).for_each(|(v, q)| *v -= along * q);
            }
        }
        if k + 1 < across {
            let size = v.iter().map(|v| v * v).sum::<f64>().sqrt();
            v.iter_mut().for_each(|v| *v /= size.max(f64::MIN_POSITIVE));
        }
        vectors.push(v);
    }
    probes.extend(vectors.into_iter().flatten().map(R::from_f64));
}

/// Units in which every column has mean zero and variance one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Standard {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl Standard {
    pub(crate) fn none(dim: usize) -> Standard {
        Standard { mean: vec![0.0; dim], scale: vec![1.0; dim] }
    }

    pub(crate) fn of(rows: &Samples) -> Standard {
        let (dim, count) = (rows.width(), rows.len() as f64);
        let column = |i: usize| rows.values().iter().skip(i).step_by(dim);
        let mean: Vec<f64> = (0..dim).map(|i| column(i).sum::<f64>() / count).collect();
        let scale = |i: usize| {
            let variance = column(i).map(|x| (x - mean[i]) * (x - mean[i])).sum::<f64>() / count;
            if variance > 0.0 && variance.is_finite() { variance.sqrt() } else { 1.0 }
        };
        Standard { scale: (0..dim).map(scale).collect(), mean }
    }

    pub(crate) fn units<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        row.iter().zip(&self.mean).zip(&self.scale).map(|((x, mean), scale)| (x - mean) / scale)
    }

    pub(crate) fn values<'a>(&'a self, z: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        z.iter().zip(&self.mean).zip(&self.scale).map(|((z, mean), scale)| mean + scale * z)
    }

    /// `Σ ln scale`: by how much a density in these units is above that in the data's, in logarithms.
    pub(crate) fn log_scale(&self) -> f64 {
        self.scale.iter().map(|scale| scale.ln()).sum()
    }
}

/// A trained flow, in double precision whatever it was trained in.
pub(crate) struct Sampler {
    kind: Kind,
    network: Network<AnyLayer, f64>,
    tableau: &'static Tableau,
    options: Options<f64>,
    standard: Standard,
    columns: Vec<String>,
}

/// So many points are carried together.
const CHUNK: usize = 64;

/// Densities are good to this, however loosely the flow was trained.
const TOLERANCE: f64 = 1e-6;

impl Sampler {
    pub(crate) fn load<R: Number>(settings: &Settings, checkpoint: &Checkpoint) -> Result<Sampler, NdeError> {
        let network: Network<AnyLayer, R> = checkpoint.network("field")?;
        let theta = network.theta().iter().map(|theta| theta.to_f64()).collect();
        let network = Network::new(network.layer().clone(), theta)?;
        let (mut solver, tableau) = settings.explicit()?;
        solver.rtol = solver.rtol.min(TOLERANCE);
        solver.atol = solver.atol.min(TOLERANCE);
        let options = solver.options(1.0);
        let (standard, columns) = (checkpoint.noted("standard")?, checkpoint.noted("columns")?);
        Ok(Sampler { kind: settings.model.kind, network, tableau, options, standard, columns })
    }

    fn dim(&self) -> usize {
        self.columns.len()
    }

    fn solver(&self, width: usize) -> Result<BatchSolver<f64>, NdeError> {
        Ok(BatchSolver::new(self.tableau, width, &self.options)?)
    }

    /// Where each row of `starts` is carried.
    fn carry<F: BatchField<f64>>(
        &self,
        field: &F,
        span: (f64, f64),
        starts: &[f64],
        first: usize,
    ) -> Result<Vec<f64>, NdeError> {
        let width = field.width();
        let mut solver = self.solver(width)?;
        let member = |y0| BatchMember { span, y0, save: &[] };
        let members: Vec<BatchMember<'_, f64>> = starts.chunks_exact(width).map(member).collect();
        solver.solve(field, &members);
        for (row, outcome) in solver.outcomes().iter().enumerate() {
            if let Err(error) = &outcome.ending {
                return Err(NdeError::Row { row: first + row, source: error.clone() });
            }
        }
        Ok(solver.states().to_vec())
    }

    /// `ln p` of every row.
    fn log_densities(&self, rows: &Samples) -> Result<Vec<f64>, NdeError> {
        let (dim, still) = (self.dim(), vec![0.0; self.dim()]);
        let done = chunks(rows.len(), CHUNK, |range| {
            let mut starts = Vec::with_capacity(range.len() * (dim + ALONG));
            for row in rows.values()[range.start * dim..range.end * dim].chunks_exact(dim) {
                starts.extend(self.standard.units(row));
                starts.extend([0.0; ALONG]);
            }
            let field = Density::new(&self.network, &[], &still);
            let ends = self.carry(&field, (1.0, 0.0), &starts, range.start)?;
            let log = |end: &[f64]| {
                let base: f64 = end[..dim].iter().map(|z| -0.5 * z * z - HALF_LOG_TAU).sum();
                base + end[dim] - self.standard.log_scale()
            };
            Ok::<_, NdeError>(ends.chunks_exact(dim + ALONG).map(log).collect::<Vec<f64>>())
        })?;
        Ok(done.into_iter().flatten().collect())
    }

    /// Points drawn from the flow, `[count, dim]`.
    fn draw(&self, count: usize, seed: u64) -> Result<Vec<f64>, NdeError> {
        let dim = self.dim();
        let done = chunks(count, CHUNK, |range| {
            let normal = |sample| {
                let mut random = of_sample(seed, sample);
                (0..dim).map(move |_| random.normal())
            };
            let starts: Vec<f64> = range.clone().flat_map(normal).collect();
            let ends = self.carry(&BatchNetwork::new(&self.network)?, (0.0, 1.0), &starts, range.start)?;
            Ok::<_, NdeError>(
                ends.chunks_exact(dim).flat_map(|z| self.standard.values(z).collect::<Vec<_>>()).collect::<Vec<f64>>(),
            )
        })?;
        Ok(done.into_iter().flatten().collect())
    }
}

impl Trained for Sampler {
    /// `nll`: the mean of `-ln p` in the data's units.
    fn evaluate(&self, data: &Data) -> Result<Vec<Metric>, NdeError> {
        let rows = arranged(data.rows(self.kind)?, &self.columns)?;
        let logs = self.log_densities(&rows)?;
        Ok(vec![("nll".into(), -logs.iter().sum::<f64>() / logs.len() as f64)])
    }

    /// The points with their `log_density`, or points drawn.
    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        if let Some(count) = request.samples {
            let values = self.draw(count, request.seed)?;
            return Ok(Prediction { of: RowsOf::Nothing, columns: self.columns.clone(), values });
        }
        let what = "says how likely points are: give it a table of them, or `--samples N` to draw some";
        let rows = arranged(input.ok_or(NdeError::Request { kind: self.kind, what })?.rows(self.kind)?, &self.columns)?;
        let logs = self.log_densities(&rows)?;
        let with = |(row, log): (&[f64], f64)| row.iter().copied().chain([log]).collect::<Vec<f64>>();
        let values = rows.values().chunks_exact(self.dim()).zip(logs).flat_map(with).collect();
        let columns = self.columns.iter().cloned().chain(["log_density".to_owned()]).collect();
        Ok(Prediction { of: RowsOf::Rows, columns, values })
    }
}
