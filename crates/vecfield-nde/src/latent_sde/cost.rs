//! The model while it is trained: the evidence bound of series.

use vecfield_adjoint::AdjointError;
use vecfield_nn::{Checkpoint, Layer, Random, Tensor};
use vecfield_solvers::SolveError;

use super::parts::Parts;
use crate::chain::{Bars, Chain, Guide, Plan};
use crate::chance;
use crate::data::Data;
use crate::error::NdeError;
use crate::latent::encoder::Encoding;
use crate::latent::misfit::misfit;
use crate::latent::series::Series;
use crate::model::{Cost, Model, Number, Pass, Work};
use crate::settings::Settings;
use crate::trajectory::Scaling;

/// A latent stochastic equation with the series it is to explain.
#[derive(Debug, Clone)]
pub struct LatentSde<R> {
    parts: Parts<R>,
    scaling: Scaling,
    variables: Vec<String>,
    series: Vec<(Series<R>, Plan<R>)>,
    /// The longest step, in the model's time.
    step: f64,
}

/// Memory of a [`LatentSde`] for a chunk.
#[derive(Debug, Clone, Default)]
pub struct LatentSdeMemory<R> {
    pub(super) encoding: Encoding<R>,
    pub(super) chain: Chain<R>,
    pub(super) beliefs: Vec<R>,
    pub(super) decoded: Vec<R>,
    /// What was drawn for the starts, `[series, latent]`.
    draws: Vec<R>,
    starts: Vec<R>,
    visited: Vec<R>,
    tapes: [Vec<R>; 2],
    decoded_bar: Vec<R>,
    visited_bar: Vec<R>,
    beliefs_bar: Vec<R>,
    states_bar: Vec<R>,
    read_bar: Vec<R>,
}

/// The part of a training over which the distance from the free law gains its weight.
const WARM_UP: f64 = 0.2;

impl<R: Number> LatentSde<R> {
    /// The model that `settings` describe, at parameters drawn from `seed`, with the trajectories of `data`.
    ///
    /// # Errors
    ///
    /// Data of another kind or without a measurement; networks that cannot be, a method that is not Euler's.
    pub fn prepare(settings: &Settings, data: &Data, seed: u64) -> Result<LatentSde<R>, NdeError> {
        let data = data.trajectories(settings.model.kind)?;
        let n = data.dim();
        let scaling = if settings.model.normalise() { Scaling::of(data) } else { Scaling::none(n) };
        let step = settings.stochastic_step_of(data, &scaling)?;
        let planned = |series| {
            let plan = Plan::of(&series, step);
            (series, plan)
        };
        let series = Series::measured_in(data, &scaling, "a series is explained by its readings: give some")?;
        let series = series.into_iter().map(planned).collect();
        let parts = Parts::drawn(settings, n, &mut chance::parameters(seed))?;
        Ok(LatentSde { parts, scaling, variables: data.variables().to_vec(), series, step })
    }
}

/// Reads series, begins them where chance has them among what is believed, steers them and decodes all their rows.
pub(super) fn tell<R: Number>(
    parts: &Parts<R>,
    series: &[(&Series<R>, &Plan<R>)],
    random: impl Fn(usize) -> Random,
    memory: &mut LatentSdeMemory<R>,
) {
    let [encoder, belief, _, _, control, decoder] = parts.networks.each();
    let LatentSdeMemory { encoding, chain, beliefs, decoded, draws, starts, visited, tapes, .. } = memory;
    let shown: Vec<_> = series.iter().map(|(series, _)| series.shown()).collect();
    encoding.read(encoder, &shown, parts.noise.len());
    let (layer, latent) = (belief.layer(), parts.latent());
    let rows = encoding.states().len() / layer.inputs();
    beliefs.resize(rows * 2 * latent, R::zero());
    tapes[0].resize(layer.tape_len(rows), R::zero());
    layer.record(belief.pass(rows, R::zero()), encoding.states(), beliefs, &mut tapes[0]);

    let mut chance: Vec<Random> = (0..series.len()).map(random).collect();
    draws.clear();
    starts.clear();
    for (i, (_, plan)) in series.iter().enumerate() {
        let known = start(parts, plan, i, encoding, beliefs);
        for c in 0..latent {
            let draw = R::from_f64(chance[i].normal());
            draws.push(draw);
            starts.push(known[c] + draw * known[latent + c].exp());
        }
    }
    let plans: Vec<&Plan<R>> = series.iter().map(|(_, plan)| *plan).collect();
    let guide = Guide { control, encoding, beliefs };
    chain.go(parts.motion(), Some(guide), &plans, starts, |i| chance[i].clone());
    chain.decode(decoder, &plans, visited, decoded, &mut tapes[1]);
}

/// `[mean | logarithm of the standard deviation]` of the start of a series: what is believed at its first row, or what is known
/// of any.
fn start<'a, R: Number>(
    parts: &'a Parts<R>,
    plan: &Plan<R>,
    i: usize,
    encoding: &Encoding<R>,
    beliefs: &'a [R],
) -> &'a [R] {
    match plan.first {
        Some(reading) => {
            let (at, width) = (encoding.row(i, reading), parts.start.len());
            &beliefs[at * width..(at + 1) * width]
        }
        None => &parts.start,
    }
}

/// How far `N(μ, σ²)` is from `N(m, s²)`, and the derivatives by `μ` (and less by `m`), `ln σ` and `ln s`.
fn apart<R: Number>([mean, log]: [R; 2], [free, free_log]: [R; 2]) -> (f64, [R; 3]) {
    let [off, ratio] = [(mean - free) / free_log.exp(), (log - free_log).exp()];
    let (one, all) = (R::one(), ratio * ratio + off * off);
    let distance = (free_log - log + R::from_f64(0.5) * (all - one)).to_f64();
    (distance, [off / free_log.exp(), ratio * ratio - one, one - all])
}

impl<R: Number> LatentSdeMemory<R> {
    /// How far the start of each series is from the free one.
    pub(super) fn distance_of_start(&self, parts: &Parts<R>, plan: &Plan<R>, i: usize) -> f64 {
        let (known, latent) = (start(parts, plan, i, &self.encoding, &self.beliefs), parts.latent());
        (0..latent).map(|c| apart([known[c], known[latent + c]], [parts.start[c], parts.start[latent + c]]).0).sum()
    }
}

impl<R: Number> Model<R> for LatentSde<R> {
    type Memory = LatentSdeMemory<R>;

    fn tensors(&self) -> Vec<Tensor> {
        self.parts.tensors()
    }

    fn parameters(&self) -> Vec<R> {
        self.parts.parameters()
    }

    fn set_parameters(&mut self, theta: &[R]) {
        self.parts.set_parameters(theta);
    }

    fn samples(&self) -> usize {
        self.series.len()
    }

    fn chunk(&self) -> usize {
        32
    }

    fn memory(&self) -> LatentSdeMemory<R> {
        LatentSdeMemory::default()
    }

    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut LatentSdeMemory<R>) -> Cost {
        let n = self.variables.len();
        let series: Vec<(&Series<R>, &Plan<R>)> =
            samples.iter().map(|&sample| (&self.series[sample].0, &self.series[sample].1)).collect();
        let trained = pass.draw.map_or(1.0, |_| pass.step as f64 / (WARM_UP * pass.steps as f64).max(1.0));
        let beta = R::from_f64(trained.min(1.0));
        let draw = pass.draw.unwrap_or(chance::UNSAID);
        tell(&self.parts, &series, |i| chance::of_sample(draw, samples[i]), memory);

        let mut noise_bar = vec![R::zero(); if gradient.is_empty() { 0 } else { n }];
        let (mut cost, mut weights) = (Cost::default(), vec![]);
        memory.decoded_bar.resize(memory.decoded.len(), R::zero());
        let mut at = 0;
        for (i, (&sample, (series, plan))) in samples.iter().zip(&series).enumerate() {
            let own = at..at + series.cells.len();
            at = own.end;
            // Long series count no more than short ones.
            let weight = 1.0 / series.measured as f64;
            let (decoded, bar) = (&memory.decoded[own.clone()], &mut memory.decoded_bar[own]);
            let nll = misfit(
                &self.parts.noise,
                series.cells.iter().copied(),
                decoded,
                bar,
                R::from_f64(weight),
                &mut noise_bar,
            );
            let far = memory.distance_of_start(&self.parts, plan, i) + memory.chain.distances[i];
            cost.work.add(work(plan));
            weights.push(beta * R::from_f64(weight));
            if !(nll + far).is_finite() {
                let error =
                    SolveError::NotFinite { component: 0, t: series.times()[0].to_f64(), step: 0.0, stage: None };
                cost.failed.push((sample, AdjointError::Solve(error)));
                continue;
            }
            cost.loss += weight * (nll + beta.to_f64() * far);
            cost.shown += weight * (nll + far);
            cost.good += 1;
        }
        if gradient.is_empty() || cost.good < samples.len() {
            // The networks see all series at once: one that failed would spoil the others.
            return cost;
        }
        let plans: Vec<&Plan<R>> = series.iter().map(|(_, plan)| *plan).collect();
        let (networks_bar, own) = gradient.split_at_mut(self.parts.networks.len());
        let (to_noise, start_bar) = own.split_at_mut(n);
        to_noise.iter_mut().zip(&noise_bar).for_each(|(to, from)| *to += *from);
        self.pull_back(&plans, &weights, networks_bar, start_bar, memory);
        cost.work.backward += cost.work.forward;
        cost
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        let mut parts = self.parts.clone();
        parts.set_parameters(theta);
        parts.save(checkpoint)?;
        checkpoint.note("scaling", &self.scaling)?;
        checkpoint.note("variables", &self.variables)?;
        checkpoint.note("step", &self.step)?;
        Ok(())
    }
}

/// The steps of a series.
fn work<R>(plan: &Plan<R>) -> Work {
    let steps = plan.steps.len() as u64;
    Work { forward: steps, steps, ..Work::default() }
}

impl<R: Number> LatentSde<R> {
    /// From the cotangents of what was decoded, and the weights of the distances, to those of all parameters.
    fn pull_back(
        &self,
        plans: &[&Plan<R>],
        weights: &[R],
        gradient: &mut [R],
        start_bar: &mut [R],
        memory: &mut LatentSdeMemory<R>,
    ) {
        let [encoder, belief, _, _, control, decoder] = self.parts.networks.each();
        let [encoder_theta, belief_theta, drift, diffusion, control_theta, decoder_theta] =
            self.parts.networks.split(gradient);
        let latent = self.parts.latent();
        let LatentSdeMemory {
            encoding,
            chain,
            beliefs,
            draws,
            visited,
            tapes,
            decoded_bar,
            visited_bar,
            beliefs_bar,
            states_bar,
            read_bar,
            ..
        } = memory;
        chain.back_from_decoded(decoder, plans, visited, &mut tapes[1], decoded_bar, visited_bar, decoder_theta);
        for (bars, len) in [(&mut *beliefs_bar, beliefs.len()), (&mut *states_bar, encoding.states().len())] {
            bars.clear();
            bars.resize(len, R::zero());
        }
        let guide = Some(Guide { control, encoding, beliefs });
        let bars = &mut Bars { drift, diffusion, control: control_theta, states: states_bar, beliefs: beliefs_bar };
        chain.back(self.parts.motion(), guide, plans, weights, bars);
        for (i, plan) in plans.iter().enumerate() {
            let known = start(&self.parts, plan, i, encoding, beliefs).to_vec();
            let at = plan.first.map(|reading| encoding.row(i, reading) * 2 * latent);
            for c in 0..latent {
                let free = [self.parts.start[c], self.parts.start[latent + c]];
                let (_, [by_mean, by_log, by_free]) = apart([known[c], known[latent + c]], free);
                let bar = chain.bar(i, 0)[c];
                let by_draw = bar * draws[i * latent + c] * known[latent + c].exp();
                let (mean, log) = (bar + weights[i] * by_mean, by_draw + weights[i] * by_log);
                start_bar[c] -= weights[i] * by_mean;
                start_bar[latent + c] += weights[i] * by_free;
                // Without a reading the start is the free one itself.
                let (to, at) = at.map_or((&mut *start_bar, 0), |at| (&mut beliefs_bar[..], at));
                to[at + c] += mean;
                to[at + latent + c] += log;
            }
        }
        read_bar.resize(encoding.states().len(), R::zero());
        let (layer, rows) = (belief.layer(), beliefs.len() / (2 * latent));
        let pass = belief.pass(rows, R::zero());
        layer.pull_back(pass, encoding.states(), &mut tapes[0], beliefs_bar, read_bar, belief_theta);
        states_bar.iter_mut().zip(&*read_bar).for_each(|(to, &from)| *to += from);
        encoding.pull_back(encoder, states_bar, encoder_theta);
    }
}
