//! A linear layer that time gates and shifts.

use serde::{Deserialize, Serialize};
use vecfield_kernels::{Activation, LayerMath, Slopes};

use crate::described::activation_name;
use crate::elementwise::activate_recorded;
use crate::error::NnError;
use crate::layer::{Layer, Pass};
use crate::linear::Linear;
use crate::rows::scale_and_sum;
use crate::tensor::{Role, Tensor, within};

/// `y = σ((W x + b) s(w t + c) + v t)`, by number, with the logistic function `s`: the layer `concatsquash` of FFJORD
/// (Grathwohl et al. 2019).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Squash {
    /// Numbers in a row of `x`.
    pub inputs: usize,
    /// Numbers in a row of `y`.
    pub outputs: usize,
    /// `σ`; the identity unless said.
    #[serde(default, with = "activation_name")]
    pub activation: Activation,
}

impl Squash {
    /// From `inputs` to `outputs`.
    pub fn new(inputs: usize, outputs: usize, activation: Activation) -> Squash {
        Squash { inputs, outputs, activation }
    }

    fn linear(&self) -> Linear {
        Linear::new(self.inputs, self.outputs)
    }

    /// `w`, `c`, `v`.
    fn of_time<'a, R>(&self, theta: &'a [R]) -> (&'a [R], &'a [R], &'a [R]) {
        let rest = &theta[self.linear().parameter_count()..];
        let n = self.outputs;
        (&rest[..n], &rest[n..2 * n], &rest[2 * n..])
    }

    /// Writes the gate, and its slope by its argument.
    fn gate<R: LayerMath>(&self, pass: Pass<'_, R>, gate: &mut [R], slope: &mut [R]) {
        let (w, c, _) = self.of_time(pass.theta);
        gate.iter_mut().zip(w).zip(c).for_each(|((gate, &w), &c)| *gate = w * pass.t + c);
        R::activate(Activation::Sigmoid, gate, Slopes::First(slope));
    }
}

impl Layer for Squash {
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
        let role = Role::Weight { fan_in: 1, fan_out: 1 };
        within("linear", self.linear().tensors())
            .chain([
                Tensor::new("gate.weight", &[self.outputs], role),
                Tensor::new("gate.bias", &[self.outputs], Role::Bias { fan_in: 1 }),
                Tensor::new("shift.weight", &[self.outputs], role),
            ])
            .collect()
    }

    fn parameter_count(&self) -> usize {
        self.linear().parameter_count() + 3 * self.outputs
    }

    fn sees_time(&self) -> bool {
        true
    }

    fn packed_len(&self) -> usize {
        self.linear().packed_len()
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        self.linear().pack(theta, packed);
    }

    fn tape_len(&self, rows: usize) -> usize {
        let slopes = if self.activation == Activation::Identity { 0 } else { rows * self.outputs };
        2 * self.outputs + rows * self.outputs + slopes
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let n = self.outputs;
        let (gate, rest) = tape.split_at_mut(n);
        let (slope, rest) = rest.split_at_mut(n);
        let (inner, slopes) = rest.split_at_mut(pass.rows * n);
        self.gate(pass, gate, slope);
        self.linear().forward(pass.part((0, 0), &self.linear()), x, inner, &mut []);
        let (_, _, v) = self.of_time(pass.theta);
        for (y, inner) in y.chunks_exact_mut(n).zip(inner.chunks_exact(n)) {
            (0..n).for_each(|i| y[i] = inner[i] * gate[i] + v[i] * pass.t);
        }
        activate_recorded(self.activation, y, slopes);
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
        let n = self.outputs;
        let (gate, rest) = tape.split_at_mut(n);
        let (slope, rest) = rest.split_at_mut(n);
        let (inner, slopes) = rest.split_at_mut(pass.rows * n);
        let (linear_bar, rest) = theta_bar.split_at_mut(self.linear().parameter_count());
        let (w_bar, rest) = rest.split_at_mut(n);
        let (c_bar, v_bar) = rest.split_at_mut(n);
        let (w, _, v) = self.of_time(pass.theta);
        scale_and_sum(y_bar, slopes, &mut [], n);
        let mut t_bar = R::zero();
        for (bar, inner) in y_bar.chunks_exact_mut(n).zip(inner.chunks_exact(n)) {
            for i in 0..n {
                let argument = bar[i] * inner[i] * slope[i];
                w_bar[i] += argument * pass.t;
                c_bar[i] += argument;
                v_bar[i] += bar[i] * pass.t;
                t_bar += argument * w[i] + bar[i] * v[i];
                bar[i] *= gate[i];
            }
        }
        let linear = self.linear();
        linear.pull_back(pass.part((0, 0), &linear), x, &mut [], y_bar, x_bar, linear_bar);
        t_bar
    }
}
