//! `y = σ(W x + b)`: the layer that most networks are made of, with its activation.

use serde::{Deserialize, Serialize};
use vecfield_kernels::{Activation, LayerMath, Matrix, Start, transpose};

use crate::described::activation_name;
use crate::elementwise::{activate_recorded, jet_slopes_len, pull_activation_jet, record_activation_jet, slopes};
use crate::error::NnError;
use crate::layer::{Among, Deferred, Jets, Layer, Order, Pass};
use crate::rows::scale_and_sum;
use crate::tensor::{Role, Tensor};

/// Below so many columns a product is made of inner products of rows. Part of what fixes the bits.
const NARROW: usize = 8;

/// `y = σ(W x + b)` with `W` of `outputs × inputs`, row by row, and `b` behind it.
///
/// Sums run over the inputs upwards from `b` where there are eight outputs or more, and in sixteen interleaved parts where
/// there are fewer; gradients of `W` and `b` run over the rows downwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Numbers in a row of `x`.
    pub inputs: usize,
    /// Numbers in a row of `y`.
    pub outputs: usize,
    /// `σ`; the identity unless said.
    #[serde(default, with = "activation_name")]
    pub activation: Activation,
}

impl Linear {
    /// `W x + b`.
    pub fn new(inputs: usize, outputs: usize) -> Linear {
        Linear { inputs, outputs, activation: Activation::Identity }
    }

    /// `σ(W x + b)`.
    pub fn activated(inputs: usize, outputs: usize, activation: Activation) -> Linear {
        Linear { inputs, outputs, activation }
    }

    fn weights(&self) -> usize {
        self.inputs * self.outputs
    }

    /// `z = start + W x` for the given rows.
    fn affine<R: LayerMath>(&self, pass: Pass<'_, R>, start: Start<'_, R>, x: &[R], z: &mut [R]) {
        let shape = (pass.rows, self.outputs, self.inputs);
        if self.outputs < NARROW {
            R::inner(shape, x, &pass.theta[..self.weights()], start, z);
        } else {
            R::multiply(shape, Matrix::rows(x, self.inputs), pass.packed, start, z);
        }
    }

    /// The transpose of `W x` in `x`.
    fn pull_input<R: LayerMath>(&self, pass: Pass<'_, R>, z_bar: &[R], x_bar: &mut [R]) {
        let (rows, inputs, outputs) = (pass.rows, self.inputs, self.outputs);
        if inputs < NARROW {
            R::inner((rows, inputs, outputs), z_bar, pass.packed, Start::Zero, x_bar);
        } else {
            let w = &pass.theta[..self.weights()];
            R::multiply((rows, inputs, outputs), Matrix::rows(z_bar, outputs), w, Start::Zero, x_bar);
        }
    }

    /// The transpose of `W x` in `W`.
    fn pull_weights<R: LayerMath>(&self, rows: usize, x: &[R], z_bar: &[R], w_bar: &mut [R]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        if inputs < NARROW {
            R::multiply_transposed((inputs, outputs, rows), Matrix::columns(x, inputs), z_bar, Start::Sum, w_bar);
        } else {
            R::multiply((outputs, inputs, rows), Matrix::columns(z_bar, outputs), x, Start::Sum, w_bar);
        }
    }
}

impl Layer for Linear {
    fn check(&self) -> Result<(), NnError> {
        for (what, found) in
            [("the inputs of a linear layer", self.inputs), ("the outputs of a linear layer", self.outputs)]
        {
            if found == 0 {
                return Err(NnError::TooSmall { what, found, least: 1 });
            }
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn tensors(&self) -> Vec<Tensor> {
        let (fan_in, fan_out) = (self.inputs, self.outputs);
        vec![
            Tensor::new("weight", &[fan_out, fan_in], Role::Weight { fan_in, fan_out }),
            Tensor::new("bias", &[fan_out], Role::Bias { fan_in }),
        ]
    }

    fn parameter_count(&self) -> usize {
        self.weights() + self.outputs
    }

    fn packed_len(&self) -> usize {
        self.weights()
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        transpose(&theta[..self.weights()], self.inputs, &mut packed[..self.weights()]);
    }

    fn tape_len(&self, rows: usize) -> usize {
        if self.activation == Activation::Identity { 0 } else { rows * self.outputs }
    }

    fn scratch_len(&self, _rows: usize) -> usize {
        0
    }

    fn forward<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], _scratch: &mut [R]) {
        self.affine(pass, Start::Row(&pass.theta[self.weights()..]), x, y);
        activate_recorded(self.activation, y, &mut []);
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        self.affine(pass, Start::Row(&pass.theta[self.weights()..]), x, y);
        activate_recorded(self.activation, y, tape);
    }

    fn slopes_on_tape(&self) -> Option<Activation> {
        Some(self.activation)
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
        let (w_bar, b_bar) = theta_bar.split_at_mut(self.weights());
        scale_and_sum(y_bar, tape, b_bar, self.outputs);
        self.pull_weights(pass.rows, x, y_bar, w_bar);
        self.pull_input(pass, y_bar, x_bar);
        R::zero()
    }

    fn deferred_len(&self) -> Option<usize> {
        Some(self.inputs + self.outputs)
    }

    fn pull_deferring<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        among: Among,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        deferred: Deferred<'_, R>,
    ) -> R {
        let x = &x[among.range(pass.rows, self.inputs)];
        scale_and_sum(y_bar, slopes(tape, among.range(pass.rows, self.outputs)), &mut [], self.outputs);
        let at = deferred.at;
        let (inputs, z_bars) = deferred.split(self.inputs);
        inputs.numbers[at * self.inputs..][..x.len()].copy_from_slice(x);
        z_bars.numbers[at * self.outputs..][..y_bar.len()].copy_from_slice(y_bar);
        self.pull_input(pass, y_bar, x_bar);
        R::zero()
    }

    fn settle<R: LayerMath>(&self, deferred: Deferred<'_, R>, theta_bar: &mut [R]) {
        let rows = deferred.at;
        let (inputs, z_bars) = deferred.split(self.inputs);
        let (x, z_bars) = (&inputs.numbers[..rows * self.inputs], &mut z_bars.numbers[..rows * self.outputs]);
        let (w_bar, b_bar) = theta_bar.split_at_mut(self.weights());
        scale_and_sum(z_bars, &[], b_bar, self.outputs);
        self.pull_weights(rows, x, z_bars, w_bar);
    }

    fn jet_tape_len(&self, rows: usize, order: Order) -> Option<usize> {
        Some(jet_slopes_len(self.activation, rows * self.outputs, order))
    }

    fn record_jet<R: LayerMath>(&self, pass: Pass<'_, R>, jets: Jets<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let (value, others) = y.split_at_mut(pass.rows * self.outputs);
        let (x_value, x_others) = x.split_at(pass.rows * self.inputs);
        self.affine(pass, Start::Row(&pass.theta[self.weights()..]), x_value, value);
        self.affine(pass.with_rows(pass.rows * (jets.order().blocks() - 1)), Start::Zero, x_others, others);
        record_activation_jet(self.activation, pass.rows * self.outputs, jets.order(), y, tape);
    }

    fn pull_jet<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        jets: Jets<'_, R>,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        pull_activation_jet(self.activation, pass.rows * self.outputs, jets.order(), tape, y_bar);
        let (w_bar, b_bar) = theta_bar.split_at_mut(self.weights());
        scale_and_sum(&mut y_bar[..pass.rows * self.outputs], &[], b_bar, self.outputs);
        let all = pass.with_rows(pass.rows * jets.order().blocks());
        self.pull_weights(all.rows, x, y_bar, w_bar);
        self.pull_input(all, y_bar, x_bar);
        R::zero()
    }
}
