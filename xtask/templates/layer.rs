//! NAME.

use serde::{Deserialize, Serialize};
use vecfield_kernels::LayerMath;

use crate::error::NnError;
use crate::layer::{Layer, Pass};
use crate::tensor::{Role, Tensor};

/// `y_i = θ_i x_i`, until the formula is yours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TYPE {
    /// Numbers in a row.
    pub width: usize,
}

impl TYPE {
    /// Of rows of `width` numbers.
    pub fn new(width: usize) -> TYPE {
        TYPE { width }
    }
}

impl Layer for TYPE {
    fn check(&self) -> Result<(), NnError> {
        match self.width {
            0 => Err(NnError::TooSmall { what: "the width of NAME", found: 0, least: 1 }),
            _ => Ok(()),
        }
    }

    fn inputs(&self) -> usize {
        self.width
    }

    fn outputs(&self) -> usize {
        self.width
    }

    fn tensors(&self) -> Vec<Tensor> {
        vec![Tensor::new("scale", &[self.width], Role::Scale)]
    }

    fn parameter_count(&self) -> usize {
        self.width
    }

    fn tape_len(&self, _rows: usize) -> usize {
        0
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], _tape: &mut [R]) {
        for (x, y) in x.chunks_exact(self.width).zip(y.chunks_exact_mut(self.width)) {
            (0..self.width).for_each(|i| y[i] = pass.theta[i] * x[i]);
        }
    }

    fn pull_back<R: LayerMath>(
        &self,
        pass: Pass<'_, R>,
        x: &[R],
        _tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        theta_bar: &mut [R],
    ) -> R {
        let rows = x.chunks_exact(self.width).zip(y_bar.chunks_exact(self.width)).zip(x_bar.chunks_exact_mut(self.width));
        for ((x, y_bar), x_bar) in rows {
            for i in 0..self.width {
                x_bar[i] = pass.theta[i] * y_bar[i];
                theta_bar[i] += x[i] * y_bar[i];
            }
        }
        R::zero()
    }
}
