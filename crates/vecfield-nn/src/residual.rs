//! `y = x + h f(x)`: a residual block, and one Euler step of `dx/dt = f(x)`.

use serde::{Deserialize, Serialize};
use vecfield_kernels::LayerMath;

use crate::any::AnyLayer;
use crate::error::NnError;
use crate::layer::{Among, Deferred, Jets, Layer, Order, Pass};
use crate::tensor::Tensor;

/// `y = x + h f(x)` (He, Zhang, Ren & Sun 2016): with the bits of an Euler step of size `h` of the field `f`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// `f`, with as many outputs as inputs.
    pub inner: Box<AnyLayer>,
    /// `h`; one unless said.
    #[serde(default = "one")]
    pub step: f64,
}

fn one() -> f64 {
    1.0
}

impl Residual {
    /// `x + f(x)`.
    pub fn new(inner: impl Into<AnyLayer>) -> Residual {
        Residual { inner: Box::new(inner.into()), step: 1.0 }
    }

    /// `x + h f(x)`.
    pub fn with_step(inner: impl Into<AnyLayer>, step: f64) -> Residual {
        Residual { inner: Box::new(inner.into()), step }
    }

    fn add<R: LayerMath>(&self, x: &[R], y: &mut [R]) {
        let step = R::from_f64(self.step);
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x + step * *y;
        }
    }

    /// The transpose of [`add`](Residual::add) around `inner`, that of the inner layer; the tape ends with room for its
    /// cotangent.
    fn pull<R: LayerMath>(
        &self,
        tape: &mut [R],
        y_bar: &[R],
        x_bar: &mut [R],
        inner: impl FnOnce(&mut [R], &mut [R], &mut [R]) -> R,
    ) -> R {
        let (tape, bar) = tape.split_at_mut(tape.len() - y_bar.len());
        let step = R::from_f64(self.step);
        bar.iter_mut().zip(y_bar).for_each(|(bar, &y_bar)| *bar = step * y_bar);
        let t_bar = inner(tape, bar, x_bar);
        x_bar.iter_mut().zip(y_bar).for_each(|(x_bar, &y_bar)| *x_bar += y_bar);
        t_bar
    }
}

impl Layer for Residual {
    fn check(&self) -> Result<(), NnError> {
        self.inner.check()?;
        let (inputs, outputs) = (self.inner.inputs(), self.inner.outputs());
        if inputs != outputs {
            return Err(NnError::NotSquare { what: "a residual block", inputs, outputs });
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        self.inner.inputs()
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
        self.inner.sees_time()
    }

    fn packed_len(&self) -> usize {
        self.inner.packed_len()
    }

    fn pack<R: LayerMath>(&self, theta: &[R], packed: &mut [R]) {
        self.inner.pack(theta, packed);
    }

    fn tape_len(&self, rows: usize) -> usize {
        self.inner.tape_len(rows) + rows * self.outputs()
    }

    fn scratch_len(&self, rows: usize) -> usize {
        self.inner.scratch_len(rows)
    }

    fn forward<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], scratch: &mut [R]) {
        self.inner.forward(pass, x, y, scratch);
        self.add(x, y);
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let len = self.inner.tape_len(pass.rows);
        self.inner.record(pass, x, y, &mut tape[..len]);
        self.add(x, y);
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
        self.pull(tape, y_bar, x_bar, |tape, bar, x_bar| self.inner.pull_back(pass, x, tape, bar, x_bar, theta_bar))
    }

    fn deferred_len(&self) -> Option<usize> {
        self.inner.deferred_len()
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
        let len = self.inner.tape_len(among.recorded) + y_bar.len();
        self.pull(&mut tape[..len], y_bar, x_bar, |tape, bar, x_bar| {
            self.inner.pull_deferring(pass, among, x, tape, bar, x_bar, deferred)
        })
    }

    fn settle<R: LayerMath>(&self, deferred: Deferred<'_, R>, theta_bar: &mut [R]) {
        self.inner.settle(deferred, theta_bar);
    }

    fn jet_tape_len(&self, rows: usize, order: Order) -> Option<usize> {
        Some(self.inner.jet_tape_len(rows, order)? + order.blocks() * rows * self.outputs())
    }

    fn record_jet<R: LayerMath>(&self, pass: Pass<'_, R>, jets: Jets<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let len = tape.len() - y.len();
        self.inner.record_jet(pass, jets, x, y, &mut tape[..len]);
        self.add(x, y);
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
        self.pull(tape, y_bar, x_bar, |tape, bar, x_bar| {
            self.inner.pull_jet(pass, jets, x, tape, bar, x_bar, theta_bar)
        })
    }
}
