//! Dropout.

use serde::{Deserialize, Serialize};
use vecfield_kernels::LayerMath;

use crate::error::NnError;
use crate::layer::{Layer, Pass};
use crate::random::uniform_at;
use crate::tensor::Tensor;

/// Sets numbers to zero with probability `rate` and scales the others by `1 / (1 - rate)` (Srivastava et al. 2014), as the
/// [draw](Pass::draw) of the pass says: the same draw drops the same numbers at every evaluation, so that a field stays a
/// field over a whole solve. Without a draw, the identity.
///
/// Which numbers are dropped depends on their place in the row and on the row's place in the batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Numbers in a row.
    pub width: usize,
    /// How likely a number is dropped, in `[0, 1)`.
    pub rate: f64,
}

impl Dropout {
    /// Of rows of `width` numbers.
    pub fn new(width: usize, rate: f64) -> Dropout {
        Dropout { width, rate }
    }

    fn apply<R: LayerMath>(&self, pass: Pass<'_, R>, from: &[R], to: &mut [R]) {
        to.copy_from_slice(from);
        let Some(draw) = pass.draw else { return };
        let scale = R::from_f64(1.0 / (1.0 - self.rate));
        for (row, numbers) in to.chunks_exact_mut(self.width).enumerate() {
            for (column, number) in numbers.iter_mut().enumerate() {
                let kept = uniform_at(draw, row, column) >= self.rate;
                *number = if kept { *number * scale } else { R::zero() };
            }
        }
    }
}

impl Layer for Dropout {
    fn check(&self) -> Result<(), NnError> {
        if self.width == 0 {
            return Err(NnError::TooSmall { what: "the width of dropout", found: 0, least: 1 });
        }
        if !(0.0..1.0).contains(&self.rate) {
            return Err(NnError::OutOfRange { what: "the rate of dropout", found: self.rate, range: "[0, 1)" });
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

    fn tape_len(&self, _rows: usize) -> usize {
        0
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], _tape: &mut [R]) {
        self.apply(pass, x, y);
    }

    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        _x: &[R],
        _tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        _theta_bar: &mut [R],
    ) -> R {
        self.apply(pass, y_bar, x_bar);
        R::zero()
    }
}
