//! The model when it is trained: densities of points, and points drawn.

use vecfield_data::Samples;
use vecfield_nn::{AnyLayer, BatchNetwork, Checkpoint, Network, Random};
use vecfield_solvers::Options;
use vecfield_solvers::tableau::Tableau;

use super::field::{ALONG, Density};
use crate::chance::{HALF_LOG_TAU, of_sample};
use crate::data::{Data, Metric, Prediction, Request, arranged};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::model::Number;
use crate::parallel::chunks;
use crate::points::{CHUNK, Points, Standard, TOLERANCE, carry, in_double};
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

/// A trained flow, in double precision whatever it was trained in.
pub(crate) struct Sampler {
    kind: Kind,
    network: Network<AnyLayer, f64>,
    tableau: &'static Tableau,
    options: Options<f64>,
    standard: Standard,
    columns: Vec<String>,
}

impl Sampler {
    pub(crate) fn load<R: Number>(settings: &Settings, checkpoint: &Checkpoint) -> Result<Sampler, NdeError> {
        let network = in_double::<R>(checkpoint)?;
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
}

impl Points for Sampler {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn log_densities(&self, rows: &Samples) -> Result<Vec<f64>, NdeError> {
        let (dim, still) = (self.dim(), vec![0.0; self.dim()]);
        let done = chunks(rows.len(), CHUNK, |range| {
            let mut starts = Vec::with_capacity(range.len() * (dim + ALONG));
            for row in rows.values()[range.start * dim..range.end * dim].chunks_exact(dim) {
                starts.extend(self.standard.units(row));
                starts.extend([0.0; ALONG]);
            }
            let field = Density::new(&self.network, &[], &still);
            let ends = carry(&field, (self.tableau, &self.options), (1.0, 0.0), &starts, range.start)?;
            let log = |end: &[f64]| {
                let base: f64 = end[..dim].iter().map(|z| -0.5 * z * z - HALF_LOG_TAU).sum();
                base + end[dim] - self.standard.log_scale()
            };
            Ok::<_, NdeError>(ends.chunks_exact(dim + ALONG).map(log).collect::<Vec<f64>>())
        })?;
        Ok(done.into_iter().flatten().collect())
    }

    fn draw(&self, count: usize, seed: u64) -> Result<Vec<f64>, NdeError> {
        let dim = self.dim();
        let done = chunks(count, CHUNK, |range| {
            let normal = |sample| {
                let mut random = of_sample(seed, sample);
                (0..dim).map(move |_| random.normal())
            };
            let starts: Vec<f64> = range.clone().flat_map(normal).collect();
            let ends = carry(
                &BatchNetwork::new(&self.network)?,
                (self.tableau, &self.options),
                (0.0, 1.0),
                &starts,
                range.start,
            )?;
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

    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        self.told(input, request)
    }
}
