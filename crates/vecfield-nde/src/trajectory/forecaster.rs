//! The model while it is trained: what forecasts of some trajectories cost.

use vecfield_nn::{AnyLayer, Checkpoint, Layer, Network, NeuralField, Random, Tensor};

use super::samples::Sample;
use super::{Scaling, forecast};
use crate::data::Data;
use crate::error::NdeError;
use crate::flow::{Flow, Start};
use crate::model::{Cost, Model, Number, Pass};
use crate::settings::{Settings, Solver};

/// A neural differential equation with the trajectories it is to forecast.
///
/// A trajectory costs the mean of `(ẑ - z)²` over its measured cells behind the first row and within the horizon.
#[derive(Debug, Clone)]
pub struct Forecaster<R> {
    field: NeuralField<AnyLayer, R>,
    solver: Solver,
    scaling: Scaling,
    variables: Vec<String>,
    samples: Vec<Sample<R>>,
}

/// Memory of a [`Forecaster`] for the solves of a chunk.
pub struct Memory<R: Number> {
    flow: Flow<R>,
    states_bar: Vec<R>,
    start_bar: Vec<R>,
}

impl<R: Number> Forecaster<R> {
    /// The model that `settings` describe, at parameters drawn from `seed`, with the trajectories of `data`.
    ///
    /// # Errors
    ///
    /// Data of another kind or with nothing to learn from; a network or a solver that cannot be.
    pub fn prepare(settings: &Settings, data: &Data, seed: u64) -> Result<Forecaster<R>, NdeError> {
        let data = data.trajectories(settings.model.kind)?;
        let scaling = if settings.model.normalise() { Scaling::of(data) } else { Scaling::none(data.dim()) };
        let width = data.dim() + settings.model.augment();
        let network = Network::initialised(
            settings.network(width, width)?,
            settings.initialiser(),
            &mut Random::new(seed ^ PARAMETERS),
        )?;
        let solver = settings.solver()?;
        Flow::<R>::new(&solver, scaling.pace, width)?;
        let samples = data.runs().iter().map(|run| Sample::new(run, &scaling, width));
        let samples: Vec<_> = samples.filter(|sample: &Sample<R>| sample.within(1.0).1 > 0).collect();
        if samples.is_empty() {
            let what = "no trajectory has a measurement behind its first row".into();
            let remedy = "change over time is what is learned from: add rows";
            return Err(NdeError::NothingToLearn { what, remedy });
        }
        let variables = data.variables().to_vec();
        Ok(Forecaster { field: NeuralField::new(network, 1)?, solver, scaling, variables, samples })
    }
}

/// A stream of random numbers of its own.
const PARAMETERS: u64 = 0x7061_7261_6d65_7465;

impl<R: Number> Model<R> for Forecaster<R> {
    type Memory = Memory<R>;

    fn tensors(&self) -> Vec<Tensor> {
        self.field.network().layer().tensors()
    }

    fn parameters(&self) -> Vec<R> {
        self.field.network().theta().to_vec()
    }

    fn set_parameters(&mut self, theta: &[R]) {
        self.field.network_mut().update(|own| own.copy_from_slice(theta));
    }

    fn samples(&self) -> usize {
        self.samples.len()
    }

    fn memory(&self) -> Memory<R> {
        let width = self.field.network().layer().inputs();
        let flow = Flow::new(&self.solver, self.scaling.pace, width).expect("`prepare` has made one");
        Memory { flow, states_bar: vec![], start_bar: vec![R::zero(); width] }
    }

    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut Memory<R>) -> Cost {
        let Memory { flow, states_bar, start_bar } = memory;
        let within = |&sample: &usize| {
            let sample = &self.samples[sample];
            let (rows, cells) = sample.within(pass.horizon);
            (sample, rows, cells)
        };
        let start = |sample| {
            let (sample, rows, _) = within(sample);
            sample.start_to(rows)
        };
        let starts: Vec<Start<'_, R>> = samples.iter().map(start).collect();
        let mut cost = Cost { work: flow.solve(&self.field, &starts), ..Cost::default() };
        for (problem, &number) in samples.iter().enumerate() {
            let (sample, rows, cells) = within(&number);
            if let Some(error) = flow.failure(problem) {
                cost.failed.push((number, error.clone()));
                continue;
            }
            let (loss, shown) = self.misfit(flow.states(problem), sample, rows, cells, states_bar);
            if !gradient.is_empty() {
                match flow.pull_back(&self.field, problem, states_bar, start_bar, gradient) {
                    Ok(work) => cost.work.add(work),
                    Err(error) => {
                        cost.failed.push((number, error));
                        continue;
                    }
                }
            }
            cost.loss += loss;
            cost.shown += shown;
            cost.good += 1;
        }
        cost
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        let network = Network::new(self.field.network().layer().clone(), theta.to_vec())?;
        forecast::save(&network, &self.scaling, &self.variables, checkpoint)
    }
}

impl<R: Number> Forecaster<R> {
    /// The mean squared error of the states `[rows, width]`, in the model's units and in the data's, and its cotangents.
    fn misfit(&self, states: &[R], sample: &Sample<R>, rows: usize, cells: usize, bar: &mut Vec<R>) -> (f64, f64) {
        let (n, width) = (self.variables.len(), sample.start.len());
        bar.clear();
        bar.resize(rows * width, R::zero());
        let (weight, mut loss, mut shown) = (1.0 / cells as f64, 0.0, 0.0);
        let slope = R::from_f64(2.0 * weight);
        for row in 0..rows {
            for v in 0..n {
                let cell = sample.cells[row * n + v];
                if cell.is_nan() {
                    continue;
                }
                let miss = states[row * width + v] - cell;
                let square = miss.to_f64() * miss.to_f64();
                bar[row * width + v] = slope * miss;
                loss += weight * square;
                shown += weight * square * self.scaling.scale[v] * self.scaling.scale[v];
            }
        }
        (loss, shown)
    }
}
