//! A dense network over jets: all derivatives of a layer go through its matrix together, one product a layer, and come back
//! in one reverse sweep.
//!
//! Points come in blocks of [`BLOCK`]. A layer's numbers lie neuron by neuron, `[neuron, jet, point]`, so that a product is
//! `W [out, in] · H [in, jet·point]` with rows of whole registers whatever the width, and everything between two products
//! runs along the points.

use core::ops::Range;

use vecfield_kernels::{Job, LayerMath, Matrix, Start, fused, run, transpose};

use super::BLOCK;
use super::activation::Squash;
use super::jets::{JetPlan, Term};

/// The shape of a network: its parameters are, layer by layer, the matrix `[out, in]` and the biases `[out]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    /// Inputs, hidden widths, outputs.
    pub(crate) sizes: Vec<usize>,
    pub(crate) squash: Squash,
}

/// Where a layer's parameters are.
#[derive(Debug, Clone)]
struct Layer {
    inputs: usize,
    outputs: usize,
    weights: Range<usize>,
    biases: Range<usize>,
}

impl Layout {
    pub(crate) fn parameter_count(&self) -> usize {
        self.sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
    }

    fn layer(&self, at: usize) -> Layer {
        let begin: usize = self.sizes.windows(2).take(at).map(|pair| (pair[0] + 1) * pair[1]).sum();
        let (inputs, outputs) = (self.sizes[at], self.sizes[at + 1]);
        let middle = begin + inputs * outputs;
        Layer { inputs, outputs, weights: begin..middle, biases: middle..middle + outputs }
    }

    fn hidden(&self) -> usize {
        self.sizes.len() - 2
    }

    /// Uniform weights of variance `2 / (in + out)`, biases zero (Glorot & Bengio 2010, eq. (16)).
    pub(crate) fn initial(&self, random: &mut vecfield_nn::Random) -> Vec<f64> {
        let mut theta = vec![0.0; self.parameter_count()];
        for at in 0..self.sizes.len() - 1 {
            let layer = self.layer(at);
            let bound = (6.0 / (layer.inputs + layer.outputs) as f64).sqrt();
            theta[layer.weights].iter_mut().for_each(|w| *w = bound * (2.0 * random.uniform() - 1.0));
        }
        theta
    }
}

/// What one block needs of memory, for plans of up to so many jets.
#[derive(Debug, Clone)]
pub(crate) struct Tape {
    /// Hidden layer by hidden layer: before the activation, its derivatives, behind it.
    z: Vec<Vec<f64>>,
    slopes: Vec<Vec<f64>>,
    h: Vec<Vec<f64>>,
    /// `[output, jet, point]`
    pub(crate) out: Vec<f64>,
    /// Cotangents of `out`.
    pub(crate) out_bar: Vec<f64>,
    bar: Vec<f64>,
    next_bar: Vec<f64>,
    turned: Vec<f64>,
}

/// Where the cotangents of the parameters go.
pub(crate) enum Sink<'s> {
    /// Added up over the points of the block: `[parameter]`.
    Sum(&'s mut [f64]),
    /// Each point by itself: `[parameter, point]`, overwritten.
    Points(&'s mut [f64]),
}

impl Tape {
    pub(crate) fn new(layout: &Layout, jets: usize, highest: usize) -> Self {
        let row = jets * BLOCK;
        let hidden = &layout.sizes[1..layout.sizes.len() - 1];
        let widest = layout.sizes.iter().max().copied().unwrap_or(0);
        let layers = |per: usize| hidden.iter().map(|width| vec![0.0; width * per]).collect::<Vec<_>>();
        let outputs = layout.sizes[layout.sizes.len() - 1];
        Self {
            z: layers(row),
            slopes: layers((highest + 2) * BLOCK),
            h: layers(row),
            out: vec![0.0; outputs * row],
            out_bar: vec![0.0; outputs * row],
            bar: vec![0.0; widest * row],
            next_bar: vec![0.0; widest * row],
            turned: vec![0.0; widest * row],
        }
    }

    /// Evaluates at the points of a block; `features` are the inputs with their jets, `[input, jet, point]`.
    pub(crate) fn forward(&mut self, layout: &Layout, plan: &JetPlan, theta: &[f64], features: &[f64]) {
        let row = plan.len() * BLOCK;
        for at in 0..layout.hidden() {
            let layer = layout.layer(at);
            let (before, own) = self.h.split_at_mut(at);
            let input = before.last().map_or(features, |h| h);
            let z = &mut self.z[at][..layer.outputs * row];
            product(&layer, &theta[layer.weights.clone()], input, row, z);
            let orders = plan.highest() + 2;
            let slopes = self.slopes[at].as_chunks_mut::<BLOCK>().0;
            let (z, h) = (z.as_chunks_mut::<BLOCK>().0, own[0].as_chunks_mut::<BLOCK>().0);
            let neurons = z.chunks_exact_mut(plan.len()).zip(slopes.chunks_exact_mut(orders));
            for (((z, slopes), h), bias) in neurons.zip(h.chunks_exact_mut(plan.len())).zip(&theta[layer.biases]) {
                z[0].iter_mut().for_each(|z| *z += bias);
                layout.squash.derivatives(&z[0], slopes);
                run(Chain { plan, z, slopes, h });
            }
        }
        let last = layout.layer(layout.hidden());
        let input = self.h.last().map_or(features, |h| h);
        let out = &mut self.out[..last.outputs * row];
        product(&last, &theta[last.weights.clone()], input, row, out);
        for (out, bias) in out.chunks_exact_mut(row).zip(&theta[last.biases]) {
            out[..BLOCK].iter_mut().for_each(|out| *out += bias);
        }
    }

    /// Pulls `out_bar` back to the parameters, behind a [`forward`](Tape::forward) with the same arguments.
    pub(crate) fn backward(
        &mut self,
        layout: &Layout,
        plan: &JetPlan,
        theta: &[f64],
        features: &[f64],
        sink: &mut Sink<'_>,
    ) {
        let row = plan.len() * BLOCK;
        for at in (0..=layout.hidden()).rev() {
            let layer = layout.layer(at);
            if at == layout.hidden() {
                self.bar[..layer.outputs * row].copy_from_slice(&self.out_bar[..layer.outputs * row]);
            }
            let input = if at == 0 { features } else { &self.h[at - 1] };
            let (bar, input) = (&self.bar[..layer.outputs * row], &input[..layer.inputs * row]);
            match sink {
                Sink::Sum(sum) => add(&layer, bar, input, row, &mut self.turned, sum),
                Sink::Points(rows) => run(Rows { layer: &layer, bar, input, row, rows }),
            }
            if at == 0 {
                break;
            }
            let below = &mut self.next_bar[..layer.inputs * row];
            let weights = Matrix::columns(&theta[layer.weights], layer.inputs);
            f64::multiply((layer.inputs, row, layer.outputs), weights, bar, Start::Zero, below);
            let orders = plan.highest() + 2;
            let (z, slopes) = (self.z[at - 1].as_chunks::<BLOCK>().0, self.slopes[at - 1].as_chunks::<BLOCK>().0);
            let (h_bar, z_bar) = (below.as_chunks::<BLOCK>().0, self.bar.as_chunks_mut::<BLOCK>().0);
            let neurons = z.chunks_exact(plan.len()).zip(slopes.chunks_exact(orders));
            let bars = h_bar.chunks_exact(plan.len()).zip(z_bar.chunks_exact_mut(plan.len()));
            for ((z, slopes), (h_bar, z_bar)) in neurons.zip(bars) {
                run(ChainBack { plan, z, slopes, h_bar, z_bar });
            }
        }
    }
}

fn product(layer: &Layer, weights: &[f64], input: &[f64], row: usize, z: &mut [f64]) {
    let weights = Matrix::rows(weights, layer.inputs);
    f64::multiply((layer.outputs, row, layer.inputs), weights, input, Start::Zero, z);
}

/// `W̄ += Z̄ Hᵀ`, `b̄ += Σ z̄`.
fn add(layer: &Layer, bar: &[f64], input: &[f64], row: usize, turned: &mut [f64], sum: &mut [f64]) {
    let Layer { inputs, outputs, .. } = *layer;
    if inputs < 8 || outputs < 4 {
        f64::inner((outputs, inputs, row), bar, input, Start::Sum, &mut sum[layer.weights.clone()]);
    } else {
        let turned = &mut turned[..inputs * row];
        transpose(input, row, turned);
        let weights = &mut sum[layer.weights.clone()];
        f64::multiply((outputs, inputs, row), Matrix::rows(bar, row), turned, Start::Sum, weights);
    }
    for (sum, bar) in sum[layer.biases.clone()].iter_mut().zip(bar.chunks_exact(row)) {
        *sum += vecfield_kernels::sum(&bar[..BLOCK]);
    }
}

/// Numbers at a time: they stay in registers from term to term.
const LANES: usize = 16;

type Lane = [f64; LANES];

#[inline(always)]
fn lane(row: &[f64; BLOCK], at: usize) -> &Lane {
    &row.as_chunks::<LANES>().0[at]
}

#[inline(always)]
fn lane_mut(row: &mut [f64; BLOCK], at: usize) -> &mut Lane {
    &mut row.as_chunks_mut::<LANES>().0[at]
}

/// One neuron: `h = σ(z)` with its jets.
struct Chain<'a> {
    plan: &'a JetPlan,
    z: &'a [[f64; BLOCK]],
    slopes: &'a [[f64; BLOCK]],
    h: &'a mut [[f64; BLOCK]],
}

impl Job for Chain<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { plan, z, slopes, h } = self;
        h[0] = slopes[0];
        for (h, chain) in h.iter_mut().zip(&plan.chains).skip(1) {
            for at in 0..BLOCK / LANES {
                let mut sum = [0.0; LANES];
                for Term { times, order, factors } in chain {
                    let part = weighted(*times, lane(&slopes[*order], at));
                    let part = times_all(part, factors, usize::MAX, z, at);
                    for p in 0..LANES {
                        sum[p] += part[p];
                    }
                }
                *lane_mut(h, at) = sum;
            }
        }
    }
}

/// One neuron back: `z̄` from `h̄`.
struct ChainBack<'a> {
    plan: &'a JetPlan,
    z: &'a [[f64; BLOCK]],
    slopes: &'a [[f64; BLOCK]],
    h_bar: &'a [[f64; BLOCK]],
    z_bar: &'a mut [[f64; BLOCK]],
}

impl Job for ChainBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { plan, z, slopes, h_bar, z_bar } = self;
        for p in 0..BLOCK {
            z_bar[0][p] = slopes[1][p] * h_bar[0][p];
        }
        z_bar[1..].iter_mut().for_each(|z_bar| z_bar.fill(0.0));
        for (h_bar, chain) in h_bar.iter().zip(&plan.chains).skip(1) {
            for Term { times, order, factors } in chain {
                for at in 0..BLOCK / LANES {
                    let cotangent = weighted(*times, lane(h_bar, at));
                    // By the value, through the derivative of the activation.
                    let whole = times_all(cotangent, factors, usize::MAX, z, at);
                    let (sum, slope) = (lane_mut(&mut z_bar[0], at), lane(&slopes[*order + 1], at));
                    for p in 0..LANES {
                        sum[p] = fused::<FUSED>(whole[p], slope[p], sum[p]);
                    }
                    // By each factor.
                    let slope = lane(&slopes[*order], at);
                    for (own, &f) in factors.iter().enumerate() {
                        let part = times_all(cotangent, factors, own, z, at);
                        let sum = lane_mut(&mut z_bar[f], at);
                        for p in 0..LANES {
                            sum[p] = fused::<FUSED>(part[p], slope[p], sum[p]);
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn weighted(times: f64, lane: &Lane) -> Lane {
    let mut part = *lane;
    for p in 0..LANES {
        part[p] *= times;
    }
    part
}

/// `part · Π z_factors`, one of them left out.
#[inline(always)]
fn times_all(mut part: Lane, factors: &[usize], but: usize, z: &[[f64; BLOCK]], at: usize) -> Lane {
    for (own, &f) in factors.iter().enumerate() {
        if own != but {
            let z = lane(&z[f], at);
            for p in 0..LANES {
                part[p] *= z[p];
            }
        }
    }
    part
}

/// `rows[parameter, point] ← Σ_jets z̄ h`
struct Rows<'a> {
    layer: &'a Layer,
    bar: &'a [f64],
    input: &'a [f64],
    row: usize,
    rows: &'a mut [f64],
}

impl Job for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Self { layer, bar, input, row, rows } = self;
        let Layer { inputs, weights, biases, .. } = layer;
        let rows = rows.as_chunks_mut::<BLOCK>().0;
        let neurons = bar.chunks_exact(row).zip(rows[weights.clone()].chunks_exact_mut(*inputs));
        for (bar, rows) in neurons {
            for (input, to) in input.chunks_exact(row).zip(rows) {
                let mut sum = [0.0; BLOCK];
                for (bar, input) in bar.as_chunks::<BLOCK>().0.iter().zip(input.as_chunks::<BLOCK>().0) {
                    for p in 0..BLOCK {
                        sum[p] = fused::<FUSED>(bar[p], input[p], sum[p]);
                    }
                }
                *to = sum;
            }
        }
        for (bar, to) in bar.chunks_exact(row).zip(&mut rows[biases.clone()]) {
            to.copy_from_slice(&bar[..BLOCK]);
        }
    }
}
