//! A linear layer whose parameters are functions of time.

use serde::{Deserialize, Serialize};
use vecfield_kernels::{Activation, LayerMath};

use crate::described::activation_name;
use crate::error::NnError;
use crate::layer::{Layer, Pass};
use crate::linear::Linear;
use crate::mlp::Mlp;
use crate::tensor::{Tensor, within};

/// `y = σ(W(t) x + b(t))`, with `W` and `b` written by a perceptron of `t` (Ha, Dai & Le 2017).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hyper {
    /// Numbers in a row of `x`.
    pub inputs: usize,
    /// Numbers in a row of `y`.
    pub outputs: usize,
    /// Hidden widths of the perceptron of `t`, which has `tanh` between its layers.
    pub hidden: Vec<usize>,
    /// `σ`; the identity unless said.
    #[serde(default, with = "activation_name")]
    pub activation: Activation,
}

impl Hyper {
    /// From `inputs` to `outputs` with a perceptron of these hidden widths.
    pub fn new(inputs: usize, outputs: usize, hidden: &[usize]) -> Hyper {
        Hyper { inputs, outputs, hidden: hidden.to_vec(), activation: Activation::Identity }
    }

    fn linear(&self) -> Linear {
        Linear::activated(self.inputs, self.outputs, self.activation)
    }
}

impl Layer for Hyper {
    fn check(&self) -> Result<(), NnError> {
        self.linear().check()
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn tensors(&self) -> Vec<Tensor> {
        within("net", self.net().tensors()).collect()
    }

    fn parameter_count(&self) -> usize {
        self.widths().map(|(inputs, outputs)| (inputs + 1) * outputs).sum()
    }

    fn sees_time(&self) -> bool {
        true
    }

    fn packed_len(&self) -> usize {
        self.widths().map(|(inputs, outputs)| inputs * outputs).sum()
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        self.layers().fold((0, 0), |at, layer| {
            let end = (at.0 + layer.parameter_count(), at.1 + layer.packed_len());
            layer.pack(&theta[at.0..end.0], &mut packed[at.1..end.1]);
            end
        });
    }

    fn tape_len(&self, rows: usize) -> usize {
        let linear = self.linear();
        let tapes: usize = self.layers().map(|layer| layer.tape_len(1) + layer.outputs).sum();
        // The written parameters are the last result; packed, their cotangents, and room for two more.
        tapes + linear.packed_len() + linear.parameter_count() + 2 * self.widest() + linear.tape_len(rows)
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let linear = self.linear();
        let (linear_tape, rest) = tape.split_at_mut(linear.tape_len(pass.rows));
        let (packed, mut rest) = rest.split_at_mut(linear.packed_len());
        let time = [pass.t];
        let (mut input, mut at): (&[R], _) = (&time, (0, 0));
        for layer in self.layers() {
            let (own, behind) = rest.split_at_mut(layer.tape_len(1));
            let (result, behind) = behind.split_at_mut(layer.outputs);
            layer.record(pass.with_rows(1).part(at, &layer), input, result, own);
            at = (at.0 + layer.parameter_count(), at.1 + layer.packed_len());
            (input, rest) = (result, behind);
        }
        linear.pack(input, packed);
        linear.record(Pass { theta: input, packed, ..pass }, x, y, linear_tape);
    }

    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        let linear = self.linear();
        let (linear_tape, rest) = tape.split_at_mut(linear.tape_len(pass.rows));
        let (packed, rest) = rest.split_at_mut(linear.packed_len());
        let kept = self.layers().map(|layer| layer.tape_len(1) + layer.outputs).sum();
        let (mut rest, spare) = rest.split_at_mut(kept);
        let (written_bar, spare) = spare.split_at_mut(linear.parameter_count());
        let (mut from, mut to) = spare.split_at_mut(self.widest());
        let written = &rest[kept - linear.parameter_count()..];
        written_bar.fill(R::zero());
        linear.pull_back(Pass { theta: written, packed, ..pass }, x, linear_tape, y_bar, x_bar, written_bar);
        let time = [pass.t];
        let mut at = (self.parameter_count(), self.packed_len());
        let mut width = 0;
        for i in (0..=self.hidden.len()).rev() {
            let layer = self.layer(i);
            at = (at.0 - layer.parameter_count(), at.1 - layer.packed_len());
            let (before, own) = rest.split_at_mut(rest.len() - layer.outputs - layer.tape_len(1));
            let input = if i == 0 { &time[..] } else { &before[before.len() - layer.inputs..] };
            let bar = if i == self.hidden.len() { &mut *written_bar } else { &mut from[..width] };
            let theta_bar = &mut theta_bar[at.0..at.0 + layer.parameter_count()];
            let own = &mut own[..layer.tape_len(1)];
            let (part, input_bar) = (pass.with_rows(1).part(at, &layer), &mut to[..layer.inputs]);
            layer.pull_back(part, input, own, bar, input_bar, theta_bar);
            (from, to, rest, width) = (to, from, before, layer.inputs);
        }
        from[0]
    }
}

impl Hyper {
    /// The perceptron of `t`.
    fn net(&self) -> Mlp {
        Mlp::new(1, &self.hidden, self.linear().parameter_count(), Activation::Tanh)
    }

    /// Its layers, made without allocating.
    fn layer(&self, i: usize) -> Linear {
        let inputs = if i == 0 { 1 } else { self.hidden[i - 1] };
        match self.hidden.get(i) {
            Some(&outputs) => Linear::activated(inputs, outputs, Activation::Tanh),
            None => Linear::new(inputs, self.linear().parameter_count()),
        }
    }

    fn layers(&self) -> impl Iterator<Item = Linear> + '_ {
        (0..=self.hidden.len()).map(|i| self.layer(i))
    }

    fn widths(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.layers().map(|layer| (layer.inputs, layer.outputs))
    }

    fn widest(&self) -> usize {
        self.hidden.iter().copied().max().unwrap_or(1).max(1)
    }
}
