//! One layer for every token of a row.

use serde::{Deserialize, Serialize};
use vecfield_kernels::LayerMath;

use crate::any::AnyLayer;
use crate::error::NnError;
use crate::layer::{Jets, Layer, Order, Pass};
use crate::tensor::Tensor;

/// The same layer applied to each of the `tokens` parts of a row: a network by points in time, or beside attention.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokenwise {
    /// Parts of a row.
    pub tokens: usize,
    /// What happens to each.
    pub inner: Box<AnyLayer>,
}

impl Tokenwise {
    /// `inner` for each of `tokens` parts.
    pub fn new(tokens: usize, inner: impl Into<AnyLayer>) -> Tokenwise {
        Tokenwise { tokens, inner: Box::new(inner.into()) }
    }

    fn inside<'a, R: LayerMath>(&self, pass: Pass<'a, R>) -> Pass<'a, R> {
        pass.with_rows(pass.rows * self.tokens)
    }
}

impl Layer for Tokenwise {
    fn check(&self) -> Result<(), NnError> {
        if self.tokens == 0 {
            return Err(NnError::TooSmall { what: "the tokens of a row", found: 0, least: 1 });
        }
        self.inner.check()
    }

    fn inputs(&self) -> usize {
        self.tokens * self.inner.inputs()
    }

    fn outputs(&self) -> usize {
        self.tokens * self.inner.outputs()
    }

    fn tensors(&self) -> Vec<Tensor> {
        self.inner.tensors()
    }

    fn parameter_count(&self) -> usize {
        self.inner.parameter_count()
    }

    fn sees_time(&self) -> bool {
        self.inner.sees_time()
    }

    fn packed_len(&self) -> usize {
        self.inner.packed_len()
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        self.inner.pack(theta, packed);
    }

    fn tape_len(&self, rows: usize) -> usize {
        self.inner.tape_len(rows * self.tokens)
    }

    fn scratch_len(&self, rows: usize) -> usize {
        self.inner.scratch_len(rows * self.tokens)
    }

    fn forward<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], scratch: &mut [R]) {
        self.inner.forward(self.inside(pass), x, y, scratch);
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        self.inner.record(self.inside(pass), x, y, tape);
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
        self.inner.pull_back(self.inside(pass), x, tape, y_bar, x_bar, theta_bar)
    }

    fn jet_tape_len(&self, rows: usize, order: Order) -> Option<usize> {
        self.inner.jet_tape_len(rows * self.tokens, order)
    }

    fn record_jet<R: LayerMath>(&self, pass: Pass<'_, R>, jets: Jets<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        self.inner.record_jet(self.inside(pass), jets, x, y, tape);
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
        self.inner.pull_jet(self.inside(pass), jets, x, tape, y_bar, x_bar, theta_bar)
    }
}
