//! The model while it is trained: how well the series it makes tell those it was shown.

use vecfield_adjoint::AdjointError;
use vecfield_nn::{AnyLayer, Checkpoint, Layer, Linear, Mlp, Random, Tensor};
use vecfield_solvers::SolveError;

use super::MORE;
use super::score::Parts;
use crate::chain::{Bars, Chain, Motion, Plan};
use crate::chance;
use crate::data::Data;
use crate::error::NdeError;
use crate::latent::series::Series;
use crate::model::{Cost, Model, Number, Pass, Work};
use crate::settings::Settings;
use crate::stack::Stack;
use crate::trajectory::Scaling;

pub(super) const NAMES: [&str; 4] = ["start", "drift", "diffusion", "readout"];
pub(super) type Networks<R> = Stack<R, 4>;

/// So many series are made for each that is shown.
const MADE: usize = 8;
/// A stream of random numbers of its own.
const PAIRS: u64 = 0x0070_6169_7273;

/// A generator with the series that it is to make the like of.
#[derive(Debug, Clone)]
pub struct NeuralSde<R> {
    networks: Networks<R>,
    time: bool,
    scaling: Scaling,
    variables: Vec<String>,
    series: Vec<(Series<R>, Plan<R>, Parts<R>)>,
    /// The longest step, in the model's time.
    step: f64,
}

/// Memory of a [`NeuralSde`] for a chunk.
#[derive(Debug, Clone, Default)]
pub struct NeuralSdeMemory<R> {
    made: Made<R>,
    made_bar: Vec<R>,
    visited_bar: Vec<R>,
    noise_bar: Vec<R>,
    start_bar: Vec<R>,
    features: Vec<R>,
}

/// Series that were made, and what a way back needs.
#[derive(Debug, Clone, Default)]
pub(super) struct Made<R> {
    chain: Chain<R>,
    noise: Vec<R>,
    starts: Vec<R>,
    visited: Vec<R>,
    /// `[series, rows, variables]`, in the model's units.
    pub(super) values: Vec<R>,
    tapes: [Vec<R>; 2],
}

impl<R: Number> NeuralSde<R> {
    /// The model that `settings` describe, at parameters drawn from `seed`, with the trajectories of `data`.
    ///
    /// # Errors
    ///
    /// Data of another kind or without a measurement; networks that cannot be, a method that is not Euler's.
    pub fn prepare(settings: &Settings, data: &Data, seed: u64) -> Result<NeuralSde<R>, NdeError> {
        let data = data.trajectories(settings.model.kind)?;
        let n = data.dim();
        let scaling = if settings.model.normalise() { Scaling::of(data) } else { Scaling::none(n) };
        let step = settings.stochastic_step_of(data, &scaling)?;
        let planned = |series: Series<R>| {
            let (plan, parts) = (Plan::of(&series, step), Parts::fixed(&series, n));
            (series, plan, parts)
        };
        let series = Series::measured_in(data, &scaling, "series are made like others: give some")?;
        let series = series.into_iter().map(planned).collect();
        Ok(NeuralSde {
            networks: networks(settings, n, &mut chance::parameters(seed))?,
            time: settings.field.time.unwrap_or(false),
            scaling,
            variables: data.variables().to_vec(),
            series,
            step,
        })
    }
}

fn networks<R: Number>(settings: &Settings, n: usize, random: &mut Random) -> Result<Networks<R>, NdeError> {
    let model = &settings.model;
    let latent = model.latent.unwrap_or(n + MORE);
    let activation = settings.field.activation.unwrap_or(model.kind.defaults().activation);
    let layers: [AnyLayer; 4] = [
        Mlp::new(latent, settings.hidden(), latent, activation).into(),
        settings.network(latent, latent)?,
        settings.diffusion(latent),
        Linear::new(latent, n).into(),
    ];
    let mut networks = Stack::initialised(NAMES, layers.map(|layer| (layer, settings.initialiser())), random)?;
    settings.begin(networks.network_mut(1), 1.0);
    Ok(networks)
}

/// What moves a state.
pub(super) fn motion<R: Number>(networks: &Networks<R>, time: bool) -> Motion<'_, R> {
    let [_, drift, diffusion, _] = networks.each();
    Motion { drift, diffusion, time }
}

impl<R: Number> Made<R> {
    /// Makes a series for each plan, by what `random` draws for it.
    pub(super) fn make(
        &mut self,
        networks: &Networks<R>,
        time: bool,
        plans: &[&Plan<R>],
        random: impl Fn(usize) -> Random,
    ) {
        let [start, _, _, readout] = networks.each();
        let latent = start.layer().outputs();
        let mut chance: Vec<Random> = (0..plans.len()).map(random).collect();
        self.noise.clear();
        for random in &mut chance {
            self.noise.extend((0..latent).map(|_| R::from_f64(random.normal())));
        }
        self.starts.resize(self.noise.len(), R::zero());
        self.tapes[0].resize(start.layer().tape_len(plans.len()), R::zero());
        start.layer().record(start.pass(plans.len(), R::zero()), &self.noise, &mut self.starts, &mut self.tapes[0]);
        self.chain.go(motion(networks, time), None, plans, &self.starts, |i| chance[i].clone());
        self.chain.decode(readout, plans, &mut self.visited, &mut self.values, &mut self.tapes[1]);
    }
}

impl<R: Number> Model<R> for NeuralSde<R> {
    type Memory = NeuralSdeMemory<R>;

    fn tensors(&self) -> Vec<Tensor> {
        self.networks.tensors()
    }

    fn parameters(&self) -> Vec<R> {
        self.networks.parameters()
    }

    fn set_parameters(&mut self, theta: &[R]) {
        self.networks.set_parameters(theta);
    }

    fn samples(&self) -> usize {
        self.series.len()
    }

    fn memory(&self) -> NeuralSdeMemory<R> {
        NeuralSdeMemory::default()
    }

    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut NeuralSdeMemory<R>) -> Cost {
        let (n, draw) = (self.variables.len(), pass.draw.unwrap_or(chance::UNSAID));
        let plans: Vec<&Plan<R>> =
            samples.iter().flat_map(|&sample| std::iter::repeat_n(&self.series[sample].1, MADE)).collect();
        let random = |i: usize| chance::of_sample(draw.wrapping_add((i % MADE) as u64), samples[i / MADE]);
        memory.made.make(&self.networks, self.time, &plans, random);

        let mut cost = Cost::default();
        let NeuralSdeMemory { made, made_bar, features, .. } = memory;
        made_bar.clear();
        made_bar.resize(if gradient.is_empty() { 0 } else { made.values.len() }, R::zero());
        let mut at = 0;
        for &sample in samples {
            let (series, plan, parts) = &self.series[sample];
            let own = at..at + MADE * series.cells.len();
            at = own.end;
            let steps = (MADE * plan.steps.len()) as u64;
            cost.work.add(Work { forward: steps, steps, ..Work::default() });
            let values = &made.values[own.clone()];
            if values.iter().any(|value| !value.is_finite()) {
                let error = SolveError::NotFinite { component: 0, t: 0.0, step: 0.0, stage: None };
                cost.failed.push((sample, AdjointError::Solve(error)));
                continue;
            }
            let parts = parts.with_pairs(series, n, &mut chance::of_sample(draw ^ PAIRS, sample));
            let bar = if gradient.is_empty() { &mut [][..] } else { &mut made_bar[own] };
            let score = parts.score(&series.cells, values, R::one(), bar, features);
            cost.loss += score;
            cost.shown += score;
            cost.good += 1;
        }
        if gradient.is_empty() || cost.good < samples.len() {
            // The networks see all series at once: one that failed would spoil the others.
            return cost;
        }
        self.pull_back(&plans, gradient, memory);
        cost.work.backward += cost.work.forward;
        cost
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        let mut networks = self.networks.clone();
        networks.set_parameters(theta);
        networks.save(checkpoint)?;
        checkpoint.note("scaling", &self.scaling)?;
        checkpoint.note("variables", &self.variables)?;
        checkpoint.note("step", &self.step)?;
        Ok(())
    }
}

impl<R: Number> NeuralSde<R> {
    /// From the cotangents of what was made to those of all parameters.
    fn pull_back(&self, plans: &[&Plan<R>], gradient: &mut [R], memory: &mut NeuralSdeMemory<R>) {
        let [start, _, _, readout] = self.networks.each();
        let [start_theta, drift, diffusion, readout_theta] = self.networks.split(gradient);
        let NeuralSdeMemory { made, made_bar, visited_bar, noise_bar, start_bar, .. } = memory;
        let Made { chain, noise, visited, tapes, .. } = made;
        chain.back_from_decoded(readout, plans, visited, &mut tapes[1], made_bar, visited_bar, readout_theta);
        let bars = &mut Bars { drift, diffusion, control: &mut [], states: &mut [], beliefs: &mut [] };
        chain.back(motion(&self.networks, self.time), None, plans, &[], bars);
        start_bar.clear();
        (0..plans.len()).for_each(|i| start_bar.extend_from_slice(chain.bar(i, 0)));
        noise_bar.resize(noise.len(), R::zero());
        let pass = start.pass(plans.len(), R::zero());
        start.layer().pull_back(pass, noise, &mut tapes[0], start_bar, noise_bar, start_theta);
    }
}
