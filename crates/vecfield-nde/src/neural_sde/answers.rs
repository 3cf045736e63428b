//! The model when it is trained: series like those it was shown.

use vecfield_data::{Trajectories, Trajectory};
use vecfield_nn::Checkpoint;

use super::cost::{Made, NAMES, Networks};
use crate::chain::Plan;
use crate::chance::of_sample;
use crate::data::{Data, Metric, Prediction, Request, arranged_trajectories};
use crate::diffusion::sliced_wasserstein;
use crate::error::NdeError;
use crate::kind::Kind;
use crate::latent::told::drawn;
use crate::model::Number;
use crate::parallel::chunks;
use crate::settings::Settings;
use crate::training::Trained;
use crate::trajectory::Scaling;

/// A trained generator.
pub(crate) struct Generator<R> {
    networks: Networks<R>,
    time: bool,
    scaling: Scaling,
    variables: Vec<String>,
    step: f64,
}

/// So many series are made together.
const CHUNK: usize = 64;
/// Series are compared at so many times.
const COMPARED: usize = 16;

impl<R: Number> Generator<R> {
    pub(crate) fn load(settings: &Settings, checkpoint: &Checkpoint) -> Result<Generator<R>, NdeError> {
        Ok(Generator {
            networks: Networks::load(NAMES, checkpoint)?,
            time: settings.field.time.unwrap_or(false),
            scaling: checkpoint.noted("scaling")?,
            variables: checkpoint.noted("variables")?,
            step: checkpoint.noted("step")?,
        })
    }

    /// So many series at these times, `[series, times, variables]`.
    fn make(&self, times: &[f64], count: usize, seed: u64) -> Result<Vec<f64>, NdeError> {
        let n = self.variables.len();
        let scaled: Vec<R> = times.iter().map(|&t| R::from_f64(self.scaling.time(t))).collect();
        let plan = Plan::free(&scaled, self.step);
        let done = chunks(count, CHUNK, |range| {
            let mut made = Made::default();
            let plans = vec![&plan; range.len()];
            made.make(&self.networks, self.time, &plans, |i| of_sample(seed, range.start + i));
            let value = |(i, z): (usize, &R)| self.scaling.value(i % n, z.to_f64());
            Ok::<_, NdeError>(made.values.iter().enumerate().map(value).collect::<Vec<_>>())
        })?;
        Ok(done.into_iter().flatten().collect())
    }
}

/// The values of a variable at these times, on straight ways between those that were measured; `None` where none was.
fn at_times(run: &Trajectory, variable: usize, times: &[f64]) -> Option<Vec<f64>> {
    let known: Vec<(f64, f64)> = run.observed(variable).collect();
    let (first, last) = (known.first()?, known.last()?);
    let value = |&t: &f64| match known.partition_point(|(at, _)| *at < t) {
        0 => first.1,
        next if next == known.len() => last.1,
        next => {
            let ((t0, y0), (t1, y1)) = (known[next - 1], known[next]);
            y0 + (y1 - y0) * (t - t0) / (t1 - t0)
        }
    };
    Some(times.iter().map(value).collect())
}

impl<R: Number> Trained for Generator<R> {
    /// `sliced_wasserstein`: how far as many series as there are given are from those, over the time that all of them cover, in the
    /// data's units.
    fn evaluate(&self, data: &Data) -> Result<Vec<Metric>, NdeError> {
        let data = arranged_trajectories(data.trajectories(Kind::NeuralSde)?, &self.variables)?;
        let ends = |run: &Trajectory| [run.times()[0], run.times()[run.len() - 1]];
        let from = data.runs().iter().map(|run| ends(run)[0]).fold(f64::NEG_INFINITY, f64::max);
        let to = data.runs().iter().map(|run| ends(run)[1]).fold(f64::INFINITY, f64::min).max(from);
        let time = |k: usize| from + (to - from) * k as f64 / (COMPARED - 1) as f64;
        let times: Vec<f64> = if to > from { (0..COMPARED).map(time).collect() } else { vec![from] };
        let n = self.variables.len();
        let mut given = vec![];
        for run in data.runs() {
            let all: Option<Vec<Vec<f64>>> = (0..n).map(|v| at_times(run, v, &times)).collect();
            if let Some(all) = all {
                given.extend((0..times.len()).flat_map(|k| all.iter().map(move |of| of[k])));
            }
        }
        let width = times.len() * n;
        if given.is_empty() {
            let (what, remedy) = ("no series has a measurement of every variable".into(), "give complete ones");
            return Err(NdeError::NothingToLearn { what, remedy });
        }
        let made = self.make(&times, given.len() / width, 0)?;
        Ok(vec![("sliced_wasserstein".into(), sliced_wasserstein(&made, &given, width))])
    }

    /// New series at the times of the first that was given.
    fn predict(&self, input: Option<&Data>, request: &Request) -> Result<Prediction, NdeError> {
        let kind = Kind::NeuralSde;
        let what = "makes series: say how many (`--samples N`) and give it a table of the times asked for";
        let (Some(input), Some(count)) = (input, request.samples) else {
            return Err(NdeError::Request { kind, what });
        };
        let data: Trajectories = arranged_trajectories(input.trajectories(kind)?, &self.variables)?;
        let (times, n) = (data.runs()[0].times(), self.variables.len());
        let made = self.make(times, count, request.seed)?;
        let row = |(i, values): (usize, &[f64])| [&[(i / times.len()) as f64, times[i % times.len()]], values].concat();
        Ok(drawn(&self.variables, made.chunks_exact(n).enumerate().flat_map(row).collect()))
    }
}
