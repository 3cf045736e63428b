//! The model while it is trained: the evidence bound of series.

use vecfield_adjoint::{AdjointError, BatchAdjoint};
use vecfield_nn::{AnyLayer, BatchNetwork, Checkpoint, Gru, Initialiser, Layer, Linear, Mlp, Random, Role, Tensor};
use vecfield_solvers::SolveError;
use vecfield_solvers::batch::BatchMember;
use vecfield_solvers::tableau::Tableau;

use super::encoder::Encoding;
use super::misfit::{NOISE, misfit};
use super::series::{Series, Window};
use super::{DECODER, HIDDEN, HIDE, LATENT};
use crate::chance;
use crate::data::Data;
use crate::error::NdeError;
use crate::model::{Cost, Model, Number, Pass, Work};
use crate::settings::{Settings, Solver};
use crate::stack::Stack;
use crate::trajectory::Scaling;

/// A latent model's networks, in the order of their parameters.
pub(super) type Networks<R> = Stack<R, 4>;

pub(super) const NAMES: [&str; 4] = ["encoder", "posterior", "field", "decoder"];

/// A latent equation with the series it is to explain.
#[derive(Debug, Clone)]
pub struct Latent<R> {
    networks: Networks<R>,
    /// The logarithm of the variance of what is measured, for each variable.
    noise: Vec<R>,
    solver: Solver,
    tableau: &'static Tableau,
    scaling: Scaling,
    variables: Vec<String>,
    series: Vec<Series<R>>,
    /// The part of the readings at either end that may be hidden from the encoder.
    hide: f64,
}

/// Memory of a [`Latent`] for a chunk.
pub struct LatentMemory<R: Number> {
    pub(super) adjoint: BatchAdjoint<R>,
    pub(super) encoding: Encoding<R>,
    pub(super) remembered: Vec<R>,
    /// `[series, 2 latent]`: means, then logarithms of standard deviations.
    pub(super) posterior: Vec<R>,
    /// The hidden states, `[series, latent]`.
    pub(super) starts: Vec<R>,
    /// Those from which each solve begins, and whose they are.
    solved: Vec<R>,
    pub(super) whose: Vec<usize>,
    pub(super) decoded: Vec<R>,
    tapes: [Vec<R>; 2],
    draws: Vec<R>,
    decoded_bar: Vec<R>,
    states_bar: Vec<R>,
    starts_bar: Vec<R>,
    posterior_bar: Vec<R>,
    remembered_bar: Vec<R>,
    read_bar: Vec<R>,
}

/// The part of a training over which the distance from the prior gains its weight.
const WARM_UP: f64 = 0.2;
/// A stream of random numbers of its own.
const WINDOWS: u64 = 0x7769_6e64_6f77;

impl<R: Number> Latent<R> {
    /// The model that `settings` describe, at parameters drawn from `seed`, with the trajectories of `data`.
    ///
    /// # Errors
    ///
    /// Data of another kind or without a measurement; networks that cannot be, a method that is not explicit.
    pub fn prepare(settings: &Settings, data: &Data, seed: u64) -> Result<Latent<R>, NdeError> {
        let data = data.trajectories(settings.model.kind)?;
        let data = &*settings.field.clock().read(data)?;
        let (model, n) = (&settings.model, data.dim());
        let scaling = if model.normalise() { Scaling::of(data) } else { Scaling::none(n) };
        let series = Series::measured_in(data, &scaling, "a series is explained by its readings: give some")?;
        let (solver, tableau) = settings.explicit()?;
        let networks = networks(settings, n, &mut chance::parameters(seed))?;
        let latent = Latent {
            networks,
            noise: vec![R::from_f64(NOISE); n],
            solver,
            tableau,
            scaling,
            variables: data.variables().to_vec(),
            series,
            hide: model.hide.unwrap_or(HIDE),
        };
        BatchNetwork::new(latent.networks.each()[2])?;
        latent.adjoint()?;
        Ok(latent)
    }

    fn adjoint(&self) -> Result<BatchAdjoint<R>, SolveError> {
        let width = self.networks.each()[2].layer().outputs();
        BatchAdjoint::new(self.tableau, width, &self.solver.options(self.scaling.pace), self.solver.budget)
    }

    /// What this pass shows of a sample.
    fn window(&self, sample: usize, pass: &Pass) -> Window<'_, R> {
        let series = &self.series[sample];
        match pass.draw {
            Some(draw) => series.partly_shown(self.hide, &mut chance::of_sample(draw ^ WINDOWS, sample)),
            None => series.shown(),
        }
    }
}

fn networks<R: Number>(settings: &Settings, n: usize, random: &mut Random) -> Result<Networks<R>, NdeError> {
    let model = &settings.model;
    let (latent, hidden) = (model.latent.unwrap_or(LATENT), model.hidden.unwrap_or(HIDDEN));
    let decoder = model.decoder.as_deref().unwrap_or(DECODER);
    let activation = settings.field.activation.unwrap_or(model.kind.defaults().activation);
    let encoder: AnyLayer = Gru::new(2 * n + 1, hidden).into();
    let posterior: AnyLayer = Linear::new(hidden, 2 * latent).into();
    let decoder: AnyLayer = Mlp::new(latent, decoder, n, activation).into();
    let layers = [
        (encoder, Initialiser::Uniform),
        (posterior, Initialiser::Glorot),
        (settings.network(latent, latent)?, settings.initialiser()),
        (decoder, Initialiser::Glorot),
    ];
    let mut networks = Stack::initialised(NAMES, layers, random)?;
    settings.begin(networks.network_mut(2), 1.0);
    Ok(networks)
}

/// What is to be solved for these series, one series behind the other.
pub(super) fn problems<'a, R: Number>(series: &[Window<'a, R>]) -> impl Iterator<Item = (usize, (R, &'a [R]))> {
    series.iter().enumerate().flat_map(|(i, window)| window.problems().map(move |problem| (i, problem)))
}

/// From series to the posteriors of their hidden states.
pub(super) fn encode<R: Number>(
    networks: &Networks<R>,
    series: &[Window<'_, R>],
    variables: usize,
    memory: &mut LatentMemory<R>,
) {
    let [encoder, posterior, ..] = networks.each();
    memory.encoding.read(encoder, series, variables);
    let (rows, layer) = (series.len(), posterior.layer());
    memory.remembered.clear();
    memory.remembered.resize(rows * layer.inputs(), R::zero());
    for (i, remembered) in memory.remembered.chunks_exact_mut(layer.inputs()).enumerate() {
        if let Some(row) = memory.encoding.last(i) {
            remembered.copy_from_slice(&memory.encoding.states()[row * layer.inputs()..(row + 1) * layer.inputs()]);
        }
    }
    memory.posterior.resize(rows * layer.outputs(), R::zero());
    memory.tapes[0].resize(layer.tape_len(rows), R::zero());
    layer.record(posterior.pass(rows, R::zero()), &memory.remembered, &mut memory.posterior, &mut memory.tapes[0]);
}

/// From the hidden states, `starts`, to what would be measured: whose, when that state is, and at which times, forth or back.
pub(super) fn decode<'a, R: Number>(
    networks: &Networks<R>,
    problems: impl Iterator<Item = (usize, (R, &'a [R]))>,
    memory: &mut LatentMemory<R>,
) {
    let [_, _, field, decoder] = networks.each();
    let width = field.layer().outputs();
    let LatentMemory { adjoint, starts, solved, whose, decoded, tapes, .. } = memory;
    let (of, spans): (Vec<usize>, Vec<(R, &[R])>) = problems.unzip();
    solved.clear();
    of.iter().for_each(|&i| solved.extend_from_slice(&starts[i * width..(i + 1) * width]));
    let member = |(y0, (start, times)): (_, (R, &'a [R]))| BatchMember {
        span: (start, *times.last().unwrap_or(&start)),
        y0,
        save: times,
    };
    let members: Vec<BatchMember<'_, R>> = solved.chunks_exact(width).zip(spans).map(member).collect();
    *whose = of;
    adjoint.solve(&BatchNetwork::new(field).expect("`prepare` has made one"), &members);
    let (rows, layer) = (adjoint.states().len() / width, decoder.layer());
    decoded.resize(rows * layer.outputs(), R::zero());
    tapes[1].resize(layer.tape_len(rows), R::zero());
    layer.record(decoder.pass(rows, R::zero()), adjoint.states(), decoded, &mut tapes[1]);
}

impl<R: Number> LatentMemory<R> {
    /// None yet; the first pass makes it.
    pub(super) fn new(adjoint: BatchAdjoint<R>) -> LatentMemory<R> {
        let nothing = Vec::new;
        LatentMemory {
            adjoint,
            encoding: Encoding::default(),
            remembered: nothing(),
            posterior: nothing(),
            starts: nothing(),
            solved: nothing(),
            whose: vec![],
            decoded: nothing(),
            tapes: [nothing(), nothing()],
            draws: nothing(),
            decoded_bar: nothing(),
            states_bar: nothing(),
            starts_bar: nothing(),
            posterior_bar: nothing(),
            remembered_bar: nothing(),
            read_bar: nothing(),
        }
    }

    /// Why the solves of each of so many series failed, if one did.
    pub(super) fn failures(&self, series: usize) -> Vec<Option<SolveError>> {
        let mut failures = vec![None; series];
        for (outcome, &i) in self.adjoint.outcomes().iter().zip(&self.whose) {
            let failure: &mut Option<SolveError> = &mut failures[i];
            *failure = failure.take().or(outcome.ending.clone().err());
        }
        failures
    }

    /// Begins each series at its posterior's mean, or `draw` standard deviations from it.
    pub(super) fn begin(&mut self, draw: impl Fn(usize, usize) -> f64) {
        self.starts.clear();
        self.draws.clear();
        let latent = self.adjoint.width();
        for (row, posterior) in self.posterior.chunks_exact(2 * latent).enumerate() {
            for i in 0..latent {
                let epsilon = R::from_f64(draw(row, i));
                self.draws.push(epsilon);
                self.starts.push(posterior[i] + epsilon * posterior[latent + i].exp());
            }
        }
    }
}

/// How far `N(μ, σ²)` is from `N(0, I)`, from `[μ | ln σ]`.
pub(super) fn divergence<R: Number>(posterior: &[R]) -> f64 {
    let latent = posterior.len() / 2;
    let one = |i: usize| {
        let (mean, log) = (posterior[i].to_f64(), posterior[latent + i].to_f64());
        0.5 * ((2.0 * log).exp() + mean * mean - 1.0) - log
    };
    (0..latent).map(one).sum()
}

impl<R: Number> Model<R> for Latent<R> {
    type Memory = LatentMemory<R>;

    fn tensors(&self) -> Vec<Tensor> {
        let noise = Tensor::new("noise", &[self.noise.len()], Role::Shift);
        self.networks.tensors().into_iter().chain([noise]).collect()
    }

    fn parameters(&self) -> Vec<R> {
        [self.networks.parameters(), self.noise.clone()].concat()
    }

    fn set_parameters(&mut self, theta: &[R]) {
        let (networks, noise) = theta.split_at(self.networks.len());
        self.networks.set_parameters(networks);
        self.noise.copy_from_slice(noise);
    }

    fn samples(&self) -> usize {
        self.series.len()
    }

    fn chunk(&self) -> usize {
        32
    }

    fn memory(&self) -> LatentMemory<R> {
        LatentMemory::new(self.adjoint().expect("`prepare` has made one"))
    }

    fn cost(&self, samples: &[usize], pass: &Pass, gradient: &mut [R], memory: &mut LatentMemory<R>) -> Cost {
        let n = self.variables.len();
        let series: Vec<Window<'_, R>> = samples.iter().map(|&sample| self.window(sample, pass)).collect();
        let trained = pass.draw.map_or(1.0, |_| pass.step as f64 / (WARM_UP * pass.steps as f64).max(1.0));
        let beta = R::from_f64(trained.min(1.0));
        encode(&self.networks, &series, n, memory);
        memory.begin(|row, i| pass.draw.map_or(0.0, |draw| normal_at(draw, samples[row], i)));
        decode(&self.networks, problems(&series), memory);

        let failures = memory.failures(samples.len());
        let LatentMemory { adjoint, decoded, decoded_bar, posterior, posterior_bar, .. } = memory;
        let latent = adjoint.width();
        let (mut cost, mut noise_bar) = (Cost::default(), vec![R::zero(); if gradient.is_empty() { 0 } else { n }]);
        adjoint.outcomes().iter().for_each(|outcome| cost.work.add(Work::of(&outcome.stats)));
        decoded_bar.resize(decoded.len(), R::zero());
        posterior_bar.clear();
        let mut at = 0;
        for (((&sample, window), failure), posterior) in
            samples.iter().zip(&series).zip(failures).zip(posterior.chunks_exact(2 * latent))
        {
            let own = at..at + n * window.rows().count();
            at = own.end;
            if let Some(error) = failure {
                cost.failed.push((sample, AdjointError::Solve(error)));
                continue;
            }
            // Long series count no more than short ones.
            let weight = R::from_f64(1.0 / window.series.measured as f64);
            let cells = window.rows().flat_map(|row| &window.series.cells[row * n..(row + 1) * n]).copied();
            let nll = misfit(&self.noise, cells, &decoded[own.clone()], &mut decoded_bar[own], weight, &mut noise_bar);
            let far = divergence(posterior);
            cost.loss += weight.to_f64() * (nll + beta.to_f64() * far);
            cost.shown += weight.to_f64() * (nll + far);
            cost.good += 1;
            let pull = beta * weight;
            posterior_bar.extend(posterior[..latent].iter().map(|&mean| pull * mean));
            posterior_bar.extend(posterior[latent..].iter().map(|&log| pull * ((log + log).exp() - R::one())));
        }
        if gradient.is_empty() || cost.good < samples.len() {
            // The networks around the equation see all series at once: one that failed would spoil the others.
            return cost;
        }
        let (networks_bar, own) = gradient.split_at_mut(self.networks.len());
        own.iter_mut().zip(&noise_bar).for_each(|(to, from)| *to += *from);
        cost.work.backward += self.pull_back(samples.len(), networks_bar, memory);
        cost
    }

    fn save(&self, theta: &[R], checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        let mut networks = self.networks.clone();
        let (of_networks, noise) = theta.split_at(networks.len());
        networks.set_parameters(of_networks);
        networks.save(checkpoint)?;
        checkpoint.put("noise", &[noise.len()], noise);
        checkpoint.note("scaling", &self.scaling)?;
        checkpoint.note("variables", &self.variables)?;
        Ok(())
    }
}

impl<R: Number> Latent<R> {
    /// From the cotangents of what was decoded to those of all networks.
    fn pull_back(&self, rows: usize, gradient: &mut [R], memory: &mut LatentMemory<R>) -> u64 {
        let [encoder, posterior, field, decoder] = self.networks.each();
        let [encoder_theta, posterior_theta, field_theta, decoder_theta] = self.networks.split(gradient);
        let latent = memory.adjoint.width();
        let LatentMemory { adjoint, decoded, decoded_bar, states_bar, solved, starts_bar, tapes, .. } = memory;
        states_bar.resize(adjoint.states().len(), R::zero());
        starts_bar.resize(solved.len(), R::zero());
        let times = decoded.len() / decoder.layer().outputs();
        let pass = decoder.pass(times, R::zero());
        decoder.layer().pull_back(pass, adjoint.states(), &mut tapes[1], decoded_bar, states_bar, decoder_theta);
        let of = BatchNetwork::new(field).expect("`prepare` has made one");
        let pulled = adjoint.pull_back(&of, states_bar, starts_bar, field_theta).expect("as many cotangents as states");
        for (member, &row) in memory.whose.iter().enumerate() {
            for i in 0..latent {
                let (bar, at) = (memory.starts_bar[member * latent + i], row * 2 * latent + i);
                memory.posterior_bar[at] += bar;
                let deviation = memory.posterior[at + latent].exp();
                memory.posterior_bar[at + latent] += bar * memory.draws[row * latent + i] * deviation;
            }
        }
        let LatentMemory { encoding, remembered, remembered_bar, read_bar, posterior_bar, tapes, .. } = memory;
        remembered_bar.resize(remembered.len(), R::zero());
        let pass = posterior.pass(rows, R::zero());
        posterior.layer().pull_back(pass, remembered, &mut tapes[0], posterior_bar, remembered_bar, posterior_theta);
        read_bar.clear();
        read_bar.resize(encoding.states().len(), R::zero());
        let hidden = posterior.layer().inputs();
        for (i, bar) in remembered_bar.chunks_exact(hidden).enumerate() {
            if let Some(row) = encoding.last(i) {
                read_bar[row * hidden..(row + 1) * hidden].copy_from_slice(bar);
            }
        }
        encoding.pull_back(encoder, read_bar, encoder_theta);
        pulled
    }
}

/// A normal number, as a function of where it is asked for.
fn normal_at(draw: u64, sample: usize, i: usize) -> f64 {
    // A normal number takes two draws.
    Random { drawn: 2 * i as u64, ..chance::of_sample(draw, sample) }.normal()
}
