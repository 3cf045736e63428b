//! The model when it is trained: forecasts.

use core::marker::PhantomData;
use core::ops::Range;

use vecfield_data::{Trajectories, Trajectory};
use vecfield_nn::{AnyLayer, Checkpoint, Network};
use vecfield_solvers::batch::BatchMember;
use vecfield_traits::BatchField;

use super::samples::Sample;
use super::{Rates, Scaling};
use crate::data::{Data, Metric, Prediction, Request, RowsOf, arranged_trajectories};
use crate::error::NdeError;
use crate::flow::Flow;
use crate::kind::Kind;
use crate::model::Number;
use crate::parallel::chunks;
use crate::settings::{Clock, Settings, Solver};
use crate::training::Trained;

/// A trained differential equation.
pub(crate) struct Forecast<R, F = Network<AnyLayer, R>> {
    kind: Kind,
    rates: F,
    width: usize,
    number: PhantomData<R>,
    solver: Solver,
    clock: Clock,
    scaling: Scaling,
    variables: Vec<String>,
}

/// So many trajectories are solved together.
const CHUNK: usize = 16;

impl<R: Number, F: Rates<R>> Forecast<R, F> {
    pub(crate) fn load(settings: &Settings, checkpoint: &Checkpoint) -> Result<Forecast<R, F>, NdeError> {
        let (solver, scaling): (_, Scaling) = (settings.solver()?, checkpoint.noted("scaling")?);
        let variables: Vec<String> = checkpoint.noted("variables")?;
        let rates = F::load(settings, &scaling, &variables, checkpoint)?;
        let width = rates.field().width();
        Flow::<R>::new(&solver, scaling.pace, width)?;
        let (kind, clock) = (settings.model.kind, settings.field.clock());
        Ok(Forecast { kind, rates, width, number: PhantomData, solver, clock, scaling, variables })
    }

    /// The variables at all rows of all trajectories, `[rows, variables]` each, the first row as it was given.
    fn forecasts(&self, data: &Trajectories) -> Result<Vec<Vec<f64>>, NdeError> {
        let clocked = self.clock.read(data)?;
        let runs = clocked.runs();
        let solved = chunks(runs.len(), CHUNK, |range| self.chunk(range.clone(), &runs[range]))?;
        Ok(solved.into_iter().flatten().collect())
    }

    fn chunk(&self, range: Range<usize>, runs: &[Trajectory]) -> Result<Vec<Vec<f64>>, NdeError> {
        let (n, width) = (self.variables.len(), self.width);
        let samples: Vec<Sample<R>> = runs.iter().map(|run| Sample::new(run, &self.scaling, width)).collect();
        let starts: Vec<BatchMember<'_, R>> = samples.iter().map(|sample| sample.whole().problem).collect();
        let mut flow = Flow::new(&self.solver, self.scaling.pace, width)?;
        flow.solve(&self.rates.field(), &starts);
        let forecast = |(problem, sample): (usize, &Sample<R>)| {
            if let Some(error) = flow.failure(problem) {
                return Err(NdeError::Forecast { trajectory: range.start + problem, source: error.clone() });
            }
            let behind = flow.states()[flow.range(problem)].chunks_exact(width).take(sample.times.len() - 1);
            let states = [sample.start()].into_iter().chain(behind);
            let values = |state: &[R]| (0..n).map(|v| self.scaling.value(v, state[v].to_f64())).collect::<Vec<_>>();
            Ok(states.flat_map(values).collect())
        };
        samples.iter().enumerate().map(forecast).collect()
    }
}

impl<R: Number, F: Rates<R>> Trained for Forecast<R, F> {
    /// `mse`: over the measured cells behind the first row of each trajectory, in the data's units.
    fn evaluate(&self, data: &Data) -> Result<Vec<Metric>, NdeError> {
        let data = arranged_trajectories(data.trajectories(self.kind)?, &self.variables)?;
        let (mut sum, mut count) = (0.0, 0_u64);
        for (run, forecast) in data.runs().iter().zip(self.forecasts(&data)?) {
            let behind = run.values().iter().zip(&forecast).skip(run.dim()).filter(|(y, _)| !y.is_nan());
            for (y, found) in behind {
                sum += (y - found) * (y - found);
                count += 1;
            }
        }
        match count {
            0 => Ok(vec![]),
            count => Ok(vec![("mse".into(), sum / count as f64)]),
        }
    }

    /// The trajectories with their empty cells forecast from their first row.
    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        let kind = self.kind;
        if request.samples.is_some() {
            return Err(NdeError::Request { kind, what: "draws no samples: it forecasts; leave `--samples` out" });
        }
        let what = "forecasts trajectories: give it a table with their first rows and the times asked for";
        let data =
            arranged_trajectories(input.ok_or(NdeError::Request { kind, what })?.trajectories(kind)?, &self.variables)?;
        let filled = data.runs().iter().zip(self.forecasts(&data)?).flat_map(|(run, forecast)| {
            let fill = |(given, found): (&f64, f64)| if given.is_nan() { found } else { *given };
            run.values().iter().zip(forecast).map(fill).collect::<Vec<_>>()
        });
        Ok(Prediction { of: RowsOf::Times, columns: self.variables.clone(), values: filled.collect() })
    }

    fn constants(&self) -> Vec<(String, f64)> {
        self.rates.constants()
    }
}
