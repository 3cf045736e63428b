//! The model while it is trained: what forecasts of some trajectories cost.

use vecfield_data::Trajectories;
use vecfield_nn::{AnyLayer, BatchNetwork, Checkpoint, Initialiser, Network, Tensor};
use vecfield_solvers::batch::BatchMember;
use vecfield_traits::BatchField;

use super::samples::{Asked, Sample};
use super::{Rates, Scaling, structure};
use crate::chance;
use crate::data::Data;
use crate::error::NdeError;
use crate::flow::Flow;
use crate::model::{Cost, Model, Number, Pass};
use crate::settings::{Settings, Solver};

/// A differential equation with the trajectories it is to forecast.
///
/// A trajectory costs the mean of `(ẑ - z)²` over its measured cells behind the first row and within the horizon.
#[derive(Debug, Clone)]
pub struct Forecaster<R, F = Network<AnyLayer, R>> {
    rates: F,
    solver: Solver,
    scaling: Scaling,
    variables: Vec<String>,
    samples: Vec<Sample<R>>,
}

/// Memory of a [`Forecaster`] for the solves of a chunk.
pub struct Memory<R: Number> {
    flow: Flow<R>,
    /// Of each problem, in the model's units and in the data's.
    misfits: Vec<(f64, f64)>,
    states_bar: Vec<R>,
    starts_bar: Vec<R>,
}

impl<R: Number> Forecaster<R> {
    /// The model that `settings` describe, at parameters drawn from `seed`, with the trajectories of `data`.
    ///
    /// # Errors
    ///
    /// Data of another kind or with nothing to learn from; a network or a solver that cannot be.
    pub fn prepare(settings: &Settings, data: &Data, seed: u64) -> Result<Forecaster<R>, NdeError> {
        let data = data.trajectories(settings.model.kind)?;
        let data = &*settings.field.clock().read(data)?;
        let scaling = if settings.model.normalise() { Scaling::of(data) } else { Scaling::none(data.dim()) };
        let width = data.dim() + settings.model.augment();
        let (layer, mut random) = (structure::field(settings, &scaling, width)?, chance::parameters(seed));
        // Kinks at random places: with biases at zero, layers of softplus begin almost linear, and descend to a worse minimum.
        let initialiser = settings.field.initialiser.unwrap_or(Initialiser::Uniform);
        let mut network = Network::initialised(layer, initialiser, &mut random)?;
        settings.begin(&mut network, 1.0);
        BatchNetwork::new(&network)?;
        Forecaster::of(network, settings, data, scaling)
    }
}

impl<R: Number, F: Rates<R>> Forecaster<R, F> {
    /// The equation with these rates, in the units of `scaling`, and the trajectories of `data`.
    ///
    /// # Errors
    ///
    /// Data with nothing to learn from; a solver that cannot be.
    pub fn of(
        rates: F,
        settings: &Settings,
        data: &Trajectories,
        scaling: Scaling,
    ) -> Result<Forecaster<R, F>, NdeError> {
        let (solver, width) = (settings.solver()?, rates.field().width());
        Flow::<R>::new(&solver, scaling.pace, width)?;
        let samples = data.runs().iter().map(|run| Sample::new(run, &scaling, width));
        let samples: Vec<_> = samples.filter(|sample: &Sample<R>| sample.whole().measured > 0).collect();
        if samples.is_empty() {
            let what = "no trajectory has a measurement behind its first row".into();
            let remedy = "change over time is what is learned from: add rows";
            return Err(NdeError::NothingToLearn { what, remedy });
        }
        let variables = data.variables().to_vec();
        Ok(Forecaster { rates, solver, scaling, variables, samples })
    }
}

impl<R: Number, F: Rates<R>> Model<R> for Forecaster<R, F> {
    type Memory = Memory<R>;

    fn tensors(&self) -> Vec<Tensor> {
        self.rates.tensors()
    }

    fn parameters(&self) -> Vec<R> {
        self.rates.parameters()
    }

    fn set_parameters(&mut self, theta: &[R]) {
        self.rates.set_parameters(theta);
    }

    fn samples(&self) -> usize {
        self.samples.len()
    }

    fn memory(&self) -> Memory<R> {
        let width = self.rates.field().width();
        let flow = Flow::new(&self.solver, self.scaling.pace, width).expect("`prepare` has made one");
        Memory { flow, misfits: vec![], states_bar: vec![], starts_bar: vec![] }
    }

    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut Memory<R>) -> Cost {
        let Memory { flow, misfits, states_bar, starts_bar } = memory;
        let asked: Vec<Asked<'_, R>> = samples.iter().map(|&number| self.samples[number].asked(pass, number)).collect();
        let problems: Vec<BatchMember<'_, R>> = asked.iter().map(|asked| asked.problem).collect();
        let field = self.rates.field();
        let mut cost = Cost { work: flow.solve(&field, &problems), ..Cost::default() };
        states_bar.clear();
        states_bar.resize(flow.states().len(), R::zero());
        misfits.clear();
        for (problem, asked) in asked.iter().enumerate() {
            let range = flow.range(problem);
            misfits.push(match flow.failure(problem) {
                None => self.misfit(&flow.states()[range.clone()], asked, &mut states_bar[range]),
                Some(_) => (0.0, 0.0),
            });
        }
        if !gradient.is_empty() {
            starts_bar.resize(samples.len() * field.width(), R::zero());
            let pulled = flow.pull_back(&field, states_bar, starts_bar, gradient);
            cost.work.add(pulled.expect("as many cotangents as states, starts and parameters"));
        }
        // A pass back may fail too.
        for (problem, (&number, &(loss, shown))) in samples.iter().zip(misfits.iter()).enumerate() {
            match flow.failure(problem) {
                Some(error) => cost.failed.push((number, error.clone())),
                None => {
                    cost.loss += loss;
                    cost.shown += shown;
                    cost.good += 1;
                }
            }
        }
        cost
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        let mut rates = self.rates.clone();
        rates.set_parameters(theta);
        rates.save(checkpoint)?;
        checkpoint.note("scaling", &self.scaling)?;
        checkpoint.note("variables", &self.variables)?;
        Ok(())
    }
}

impl<R: Number, F: Rates<R>> Forecaster<R, F> {
    /// The mean squared error of the states `[rows, width]`, in the model's units and in the data's; writes its cotangents.
    fn misfit(&self, states: &[R], asked: &Asked<'_, R>, bars: &mut [R]) -> (f64, f64) {
        let (n, width) = (self.variables.len(), self.rates.field().width());
        let (weight, mut loss, mut shown) = (1.0 / asked.measured.max(1) as f64, 0.0, 0.0);
        let slope = R::from_f64(2.0 * weight);
        let rows = states.chunks_exact(width).zip(bars.chunks_exact_mut(width)).zip(asked.cells.chunks_exact(n));
        for ((states, bars), cells) in rows {
            for v in (0..n).filter(|v| !cells[*v].is_nan()) {
                let miss = states[v] - cells[v];
                let square = weight * miss.to_f64() * miss.to_f64();
                bars[v] = slope * miss;
                loss += square;
                shown += square * self.scaling.scale[v] * self.scaling.scale[v];
            }
        }
        (loss, shown)
    }
}
