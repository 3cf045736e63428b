//! An activation by itself, and what it does to jets:
//!
//! ```text
//! h = σ(z)        h_v = σ' z_v        h_vv = σ'' z_v² + σ' z_vv
//! ```

use serde::{Deserialize, Serialize};
use vecfield_kernels::{Activation, LayerMath, Slopes};

use crate::described::activation_name;
use crate::error::NnError;
use crate::layer::{Among, Deferred, Jets, Layer, Order, Pass};
use crate::rows::scale_and_sum;
use crate::tensor::Tensor;

/// `y_i = σ(x_i)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elementwise {
    /// Numbers in a row.
    pub width: usize,
    /// `σ`.
    #[serde(with = "activation_name")]
    pub activation: Activation,
}

impl Elementwise {
    /// `σ` of rows of `width` numbers.
    pub fn new(width: usize, activation: Activation) -> Elementwise {
        Elementwise { width, activation }
    }
}

impl Layer for Elementwise {
    fn check(&self) -> Result<(), NnError> {
        if self.width == 0 {
            return Err(NnError::TooSmall { what: "the width of an activation", found: 0, least: 1 });
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        self.width
    }

    fn outputs(&self) -> usize {
        self.width
    }

    fn tensors(&self) -> Vec<Tensor> {
        Vec::new()
    }

    fn parameter_count(&self) -> usize {
        0
    }

    fn tape_len(&self, rows: usize) -> usize {
        if self.activation == Activation::Identity { 0 } else { rows * self.width }
    }

    fn scratch_len(&self, _rows: usize) -> usize {
        0
    }

    fn forward<R: LayerMath>(&self, _pass: Pass<'_, R>, x: &[R], y: &mut [R], _scratch: &mut [R]) {
        y.copy_from_slice(x);
        activate_recorded(self.activation, y, &mut []);
    }

    fn record<R: LayerMath>(&self, _pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        y.copy_from_slice(x);
        activate_recorded(self.activation, y, tape);
    }

    fn slopes_on_tape(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn pull_back<R: LayerMath>(
        &self,
        _pass: Pass<'_, R>,
        _x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        _theta_bar: &mut [R],
    ) -> R {
        scale_and_sum(y_bar, tape, &mut [], self.width);
        x_bar.copy_from_slice(y_bar);
        R::zero()
    }

    fn deferred_len(&self) -> Option<usize> {
        Some(0)
    }

    fn pull_deferring<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        among: Among,
        _x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        _deferred: Deferred<'_, R>,
    ) -> R {
        scale_and_sum(y_bar, slopes(tape, among.range(pass.rows, self.width)), &mut [], self.width);
        x_bar.copy_from_slice(y_bar);
        R::zero()
    }

    fn settle<R: LayerMath>(&self, _deferred: Deferred<'_, R>, _theta_bar: &mut [R]) {}

    fn jet_tape_len(&self, rows: usize, order: Order) -> Option<usize> {
        Some(jet_slopes_len(self.activation, rows * self.width, order))
    }

    fn record_jet<R: LayerMath>(&self, pass: Pass<'_, R>, jets: Jets<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        y.copy_from_slice(x);
        record_activation_jet(self.activation, pass.rows * self.width, jets.order(), y, tape);
    }

    fn pull_jet<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        jets: Jets<'_, R>,
        _x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        _theta_bar: &mut [R],
    ) -> R {
        pull_activation_jet(self.activation, pass.rows * self.width, jets.order(), tape, y_bar);
        x_bar.copy_from_slice(y_bar);
        R::zero()
    }
}

/// `z ← σ(z)`, and the slopes onto the tape if there is one.
pub(crate) fn activate_recorded<R: LayerMath>(activation: Activation, z: &mut [R], tape: &mut [R]) {
    match activation {
        Activation::Identity => {}
        _ if tape.is_empty() => R::activate(activation, z, Slopes::None),
        _ => R::activate(activation, z, Slopes::First(tape)),
    }
}

/// Those slopes on a tape that belong to some of the rows; none of the identity.
pub(crate) fn slopes<R>(tape: &[R], rows: core::ops::Range<usize>) -> &[R] {
    tape.get(rows).unwrap_or(&[])
}

/// Room for the slopes of a jet of `n` numbers: three derivatives, and the derivatives of `z`.
pub(crate) fn jet_slopes_len(activation: Activation, n: usize, order: Order) -> usize {
    if activation == Activation::Identity { 0 } else { n * (3 + order.directions + order.seconds) }
}

/// Carries a jet through `σ`; `z` is the jet, `n` numbers a block.
pub(crate) fn record_activation_jet<R: LayerMath>(
    activation: Activation,
    n: usize,
    order: Order,
    z: &mut [R],
    tape: &mut [R],
) {
    if activation == Activation::Identity {
        return;
    }
    let (slopes, derivatives) = tape.split_at_mut(3 * n);
    let (s1, rest) = slopes.split_at_mut(n);
    let (s2, s3) = rest.split_at_mut(n);
    let (value, others) = z.split_at_mut(n);
    R::activate(activation, value, Slopes::Three(s1, s2, s3));
    derivatives.copy_from_slice(others);
    let (firsts, seconds) = others.split_at_mut(order.directions * n);
    for (v, second) in seconds.chunks_exact_mut(n).enumerate() {
        let first = &firsts[v * n..][..n];
        for i in 0..n {
            second[i] = s2[i] * first[i] * first[i] + s1[i] * second[i];
        }
    }
    for first in firsts.chunks_exact_mut(n) {
        for i in 0..n {
            first[i] *= s1[i];
        }
    }
}

/// Pulls the cotangents of a jet back through `σ`, in place.
pub(crate) fn pull_activation_jet<R: LayerMath>(
    activation: Activation,
    n: usize,
    order: Order,
    tape: &[R],
    bars: &mut [R],
) {
    if activation == Activation::Identity {
        return;
    }
    let (slopes, derivatives) = tape.split_at(3 * n);
    let (s1, s2, s3) = (&slopes[..n], &slopes[n..2 * n], &slopes[2 * n..]);
    let (first, second) = derivatives.split_at(order.directions * n);
    let (value_bar, others) = bars.split_at_mut(n);
    let (first_bars, second_bars) = others.split_at_mut(order.directions * n);
    for i in 0..n {
        value_bar[i] *= s1[i];
    }
    for v in 0..order.directions {
        let (z_v, bar) = (&first[v * n..][..n], &mut first_bars[v * n..][..n]);
        for i in 0..n {
            value_bar[i] += s2[i] * z_v[i] * bar[i];
            bar[i] *= s1[i];
        }
        if v < order.seconds {
            let (z_vv, second_bar) = (&second[v * n..][..n], &mut second_bars[v * n..][..n]);
            for i in 0..n {
                value_bar[i] += (s3[i] * z_v[i] * z_v[i] + s2[i] * z_vv[i]) * second_bar[i];
                bar[i] += (R::one() + R::one()) * s2[i] * z_v[i] * second_bar[i];
                second_bar[i] *= s1[i];
            }
        }
    }
}
