//! Time as further inputs: `f(t, x) = g([x | e(t)])`.

use serde::{Deserialize, Serialize};
use vecfield_kernels::LayerMath;

use crate::any::AnyLayer;
use crate::error::NnError;
use crate::layer::{Among, Deferred, Jets, Layer, Order, Pass};
use crate::rows::copy_columns;
use crate::tensor::Tensor;

/// A layer that also gets time: what stands behind every row is the [embedding](Embedding) of `t`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timed {
    /// How time is written.
    pub embedding: Embedding,
    /// The layer, with the numbers of the embedding behind its other inputs.
    pub inner: Box<AnyLayer>,
}

/// How time is written as numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Embedding {
    /// `t` itself.
    Concat,
    /// `sin 2πft, cos 2πft` for each of these frequencies.
    Fourier(Vec<f64>),
}

impl Embedding {
    /// How many numbers.
    pub fn width(&self) -> usize {
        match self {
            Embedding::Concat => 1,
            Embedding::Fourier(frequencies) => 2 * frequencies.len(),
        }
    }

    /// The derivative of this order of number `i`, for orders up to three.
    fn derivative<R: LayerMath>(&self, i: usize, t: R, order: usize) -> R {
        match self {
            Embedding::Concat => [t, R::one(), R::zero(), R::zero()][order],
            Embedding::Fourier(frequencies) => {
                let turn = R::from_f64(core::f64::consts::TAU * frequencies[i / 2]);
                let (sin, cos) = ((turn * t).sin(), (turn * t).cos());
                // Each derivative turns by a quarter; the cosine is a quarter ahead of the sine.
                let quarter = [sin, cos, -sin, -cos][(order + i % 2) % 4];
                turn.powi(order as i32) * quarter
            }
        }
    }
}

impl Timed {
    /// `inner` with this embedding behind its other inputs.
    pub fn new(embedding: Embedding, inner: impl Into<AnyLayer>) -> Timed {
        Timed { embedding, inner: Box::new(inner.into()) }
    }

    /// Writes rows with the embedding behind each; `blocks` counts the blocks of a jet.
    fn widen<R: LayerMath>(&self, pass: Pass<'_, R>, jets: Option<Jets<'_, R>>, x: &[R], wide: &mut [R]) {
        let (width, all) = (self.inputs(), self.inner.inputs());
        copy_columns(x, (width, 0), wide, (all, 0), width);
        for (block, rows) in wide.chunks_exact_mut(pass.rows * all).enumerate() {
            let (order, scale) = place(jets, block);
            for i in 0..all - width {
                let number = scale * self.embedding.derivative(i, pass.t, order);
                rows.chunks_exact_mut(all).for_each(|row| row[width + i] = number);
            }
        }
    }

    /// Splits the cotangents of wide rows: those of the rows, and that of time.
    fn narrow<R: LayerMath>(&self, pass: Pass<'_, R>, jets: Option<Jets<'_, R>>, wide: &[R], x_bar: &mut [R]) -> R {
        let (width, all) = (self.inputs(), self.inner.inputs());
        copy_columns(wide, (all, 0), x_bar, (width, 0), width);
        let mut t_bar = R::zero();
        for (block, rows) in wide.chunks_exact(pass.rows * all).enumerate() {
            let (order, scale) = place(jets, block);
            for i in 0..all - width {
                let slope = scale * self.embedding.derivative(i, pass.t, order + 1);
                rows.chunks_exact(all).for_each(|row| t_bar += slope * row[width + i]);
            }
        }
        t_bar
    }
}

/// Which derivative by time stands in a block of a jet, and the power of `dt` before it.
fn place<R: LayerMath>(jets: Option<Jets<'_, R>>, block: usize) -> (usize, R) {
    match (jets, block) {
        (_, 0) | (None, _) => (0, R::one()),
        (Some(jets), _) if block <= jets.t_dot.len() => (1, jets.t_dot[block - 1]),
        (Some(jets), _) => {
            let t_dot = jets.t_dot[block - 1 - jets.t_dot.len()];
            (2, t_dot * t_dot)
        }
    }
}

impl Layer for Timed {
    fn check(&self) -> Result<(), NnError> {
        self.inner.check()?;
        let (what, found) = ("the inputs of a layer that gets time", self.inner.inputs());
        let least = self.embedding.width() + 1;
        if found < least {
            return Err(NnError::TooSmall { what, found, least });
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        self.inner.inputs().saturating_sub(self.embedding.width())
    }

    fn outputs(&self) -> usize {
        self.inner.outputs()
    }

    fn tensors(&self) -> Vec<Tensor> {
        self.inner.tensors()
    }

    fn parameter_count(&self) -> usize {
        self.inner.parameter_count()
    }

    fn sees_time(&self) -> bool {
        true
    }

    fn packed_len(&self) -> usize {
        self.inner.packed_len()
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        self.inner.pack(theta, packed);
    }

    fn tape_len(&self, rows: usize) -> usize {
        2 * rows * self.inner.inputs() + self.inner.tape_len(rows)
    }

    fn kept_len(&self, rows: usize) -> usize {
        rows * self.inner.inputs() + self.inner.kept_len(rows)
    }

    fn keep<R: LayerMath>(&self, rows: usize, tape: &[R], kept: &mut [R]) {
        let n = rows * self.inner.inputs();
        let (wide, inner) = kept.split_at_mut(n);
        wide.copy_from_slice(&tape[..n]);
        self.inner.keep(rows, &tape[2 * n..], inner);
    }

    fn recall<R: LayerMath>(&self, rows: usize, y: &[R], kept: &[R], tape: &mut [R]) {
        let n = rows * self.inner.inputs();
        let (wide, inner) = kept.split_at(n);
        tape[..n].copy_from_slice(wide);
        self.inner.recall(rows, y, inner, &mut tape[2 * n..]);
    }

    fn scratch_len(&self, rows: usize) -> usize {
        rows * self.inner.inputs() + self.inner.scratch_len(rows)
    }

    fn forward<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], scratch: &mut [R]) {
        let (wide, scratch) = scratch.split_at_mut(pass.rows * self.inner.inputs());
        self.widen(pass, None, x, wide);
        self.inner.forward(pass, wide, y, scratch);
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let n = pass.rows * self.inner.inputs();
        let (wide, rest) = tape.split_at_mut(n);
        self.widen(pass, None, x, wide);
        self.inner.record(pass, wide, y, &mut rest[n..]);
    }

    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        _x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        let n = pass.rows * self.inner.inputs();
        let (wide, rest) = tape.split_at_mut(n);
        let (wide_bar, tape) = rest.split_at_mut(n);
        let t_bar = self.inner.pull_back(pass, wide, tape, y_bar, wide_bar, theta_bar);
        t_bar + self.narrow(pass, None, wide_bar, x_bar)
    }

    fn deferred_len(&self) -> Option<usize> {
        self.inner.deferred_len()
    }

    fn pull_deferring<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        among: Among,
        _x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        deferred: Deferred<'_, R>,
    ) -> R {
        let n = among.recorded * self.inner.inputs();
        let (wide, rest) = tape.split_at_mut(n);
        let (wide_bar, tape) = rest.split_at_mut(n);
        let wide_bar = &mut wide_bar[..pass.rows * self.inner.inputs()];
        let t_bar = self.inner.pull_deferring(pass, among, wide, tape, y_bar, wide_bar, deferred);
        t_bar + self.narrow(pass, None, wide_bar, x_bar)
    }

    fn settle<R: LayerMath>(&self, deferred: Deferred<'_, R>, theta_bar: &mut [R]) {
        self.inner.settle(deferred, theta_bar);
    }

    fn jet_tape_len(&self, rows: usize, order: Order) -> Option<usize> {
        Some(self.inner.jet_tape_len(rows, order)? + 2 * order.blocks() * rows * self.inner.inputs())
    }

    fn record_jet<R: LayerMath>(&self, pass: Pass<'_, R>, jets: Jets<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let n = jets.order().blocks() * pass.rows * self.inner.inputs();
        let (wide, rest) = tape.split_at_mut(n);
        self.widen(pass, Some(jets), x, wide);
        self.inner.record_jet(pass, jets, wide, y, &mut rest[n..]);
    }

    fn pull_jet<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        jets: Jets<'_, R>,
        _x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        let n = jets.order().blocks() * pass.rows * self.inner.inputs();
        let (wide, rest) = tape.split_at_mut(n);
        let (wide_bar, tape) = rest.split_at_mut(n);
        let t_bar = self.inner.pull_jet(pass, jets, wide, tape, y_bar, wide_bar, theta_bar);
        t_bar + self.narrow(pass, Some(jets), wide_bar, x_bar)
    }
}
