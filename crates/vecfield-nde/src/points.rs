//! What kinds that learn densities of points share: units, rows carried along a field, and what is asked of the trained.

use serde::{Deserialize, Serialize};
use vecfield_data::Samples;
use vecfield_nn::{AnyLayer, Checkpoint, Network};
use vecfield_solvers::Options;
use vecfield_solvers::batch::{BatchMember, BatchSolver};
use vecfield_solvers::tableau::Tableau;
use vecfield_traits::BatchField;

use crate::data::{Data, Prediction, Request, RowsOf, arranged};
use crate::error::NdeError;
use crate::kind::Kind;
use crate::model::Number;

/// So many points are carried together.
pub(crate) const CHUNK: usize = 64;

/// Densities are good to this, however loosely the model was trained.
pub(crate) const TOLERANCE: f64 = 1e-6;

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

/// The network of a checkpoint, in double precision whatever it was trained in.
pub(crate) fn in_double<R: Number>(checkpoint: &Checkpoint) -> Result<Network<AnyLayer, f64>, NdeError> {
    let network: Network<AnyLayer, R> = checkpoint.network("field")?;
    let theta = network.theta().iter().map(|theta| theta.to_f64()).collect();
    Ok(Network::new(network.layer().clone(), theta)?)
}

/// Where each row of `starts` is carried; the first of them is row `first` of all, counted from 0.
pub(crate) fn carry<F: BatchField<f64>>(
    field: &F,
    (tableau, options): (&'static Tableau, &Options<f64>),
    span: (f64, f64),
    starts: &[f64],
    first: usize,
) -> Result<Vec<f64>, NdeError> {
    let width = field.width();
    let mut solver = BatchSolver::new(tableau, width, options)?;
    let member = |y0| BatchMember { span, y0, save: &[] };
    let members: Vec<BatchMember<'_, f64>> = starts.chunks_exact(width).map(member).collect();
    solver.solve(field, &members);
    for (row, outcome) in solver.outcomes().iter().enumerate() {
        if let Err(error) = &outcome.ending {
            return Err(NdeError::Row { row: first + row + 1, source: error.clone() });
        }
    }
    Ok(solver.states().to_vec())
}

/// A trained density.
pub(crate) trait Points {
    fn kind(&self) -> Kind;

    fn columns(&self) -> &[String];

    /// `ln p` of every row.
    fn log_densities(&self, rows: &Samples) -> Result<Vec<f64>, NdeError>;

    /// Points drawn, `[count, dim]`.
    fn draw(&self, count: usize, seed: u64) -> Result<Vec<f64>, NdeError>;

    /// The points of `input` with their `log_density`, or points drawn.
    fn told(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        let (kind, columns) = (self.kind(), self.columns());
        if let Some(count) = request.samples {
            let values = self.draw(count, request.seed)?;
            return Ok(Prediction { of: RowsOf::Nothing, columns: columns.to_vec(), values });
        }
        let what = "says how likely points are: give it a table of them, or `--samples N` to draw some";
        let rows = arranged(input.ok_or(NdeError::Request { kind, what })?.rows(kind)?, columns)?;
        let logs = self.log_densities(&rows)?;
        let with = |(row, log): (&[f64], f64)| row.iter().copied().chain([log]).collect::<Vec<f64>>();
        let values = rows.values().chunks_exact(columns.len()).zip(logs).flat_map(with).collect();
        let columns = columns.iter().cloned().chain(["log_density".to_owned()]).collect();
        Ok(Prediction { of: RowsOf::Rows, columns, values })
    }
}
