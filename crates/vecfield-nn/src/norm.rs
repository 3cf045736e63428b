//! Normalisation of groups of channels, and of a whole row.

use serde::{Deserialize, Serialize};
use vecfield_kernels::{LayerMath, dot, sum};

use crate::error::NnError;
use crate::layer::{Layer, Pass};
use crate::tensor::{Role, Tensor};

/// `y = γ (x - mean) / √(variance + ε) + β`, mean and variance over each group of channels of a row, `γ` and `β` by channel
/// (Wu & He 2018); with one group and channels of one number, layer normalisation (Ba, Kiros & Hinton 2016).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Norm {
    /// Channels of a row.
    pub channels: usize,
    /// Numbers in a channel.
    #[serde(default = "one")]
    pub positions: usize,
    /// Groups of channels.
    #[serde(default = "one")]
    pub groups: usize,
    /// `ε`.
    #[serde(default = "small")]
    pub epsilon: f64,
}

fn one() -> usize {
    1
}

fn small() -> f64 {
    1e-5
}

impl Norm {
    /// Over rows of `width` numbers, each with its own scale and shift.
    pub fn layer(width: usize) -> Norm {
        Norm { channels: width, positions: 1, groups: 1, epsilon: small() }
    }

    /// Over groups of channels of `positions` numbers.
    pub fn group(channels: usize, positions: usize, groups: usize) -> Norm {
        Norm { channels, positions, groups, epsilon: small() }
    }

    /// Numbers in a group.
    fn size(&self) -> usize {
        self.channels / self.groups * self.positions
    }
}

impl Layer for Norm {
    fn check(&self) -> Result<(), NnError> {
        if self.groups == 0 || !self.channels.is_multiple_of(self.groups) {
            let (found, whole) = (self.groups, self.channels);
            return Err(NnError::Indivisible { what: "channels of a normalisation", found, whole });
        }
        if self.size() == 0 {
            return Err(NnError::TooSmall { what: "a group of a normalisation", found: 0, least: 1 });
        }
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return Err(NnError::OutOfRange {
                what: "epsilon of a normalisation",
                found: self.epsilon,
                range: "(0, inf)",
            });
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        self.channels * self.positions
    }

    fn outputs(&self) -> usize {
        self.inputs()
    }

    fn tensors(&self) -> Vec<Tensor> {
        vec![Tensor::new("scale", &[self.channels], Role::Scale), Tensor::new("shift", &[self.channels], Role::Shift)]
    }

    fn parameter_count(&self) -> usize {
        2 * self.channels
    }

    fn tape_len(&self, rows: usize) -> usize {
        rows * (self.inputs() + self.groups)
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let (normal, inverse) = tape.split_at_mut(pass.rows * self.inputs());
        let (size, count) = (self.size(), R::from_f64(self.size() as f64));
        let groups = x.chunks_exact(size).zip(normal.chunks_exact_mut(size)).zip(inverse.iter_mut());
        for ((x, normal), inverse) in groups {
            let mean = sum(x) / count;
            normal.iter_mut().zip(x).for_each(|(normal, &x)| *normal = x - mean);
            let variance = dot(normal, normal) / count;
            *inverse = R::one() / (variance + R::from_f64(self.epsilon)).sqrt();
            normal.iter_mut().for_each(|normal| *normal *= *inverse);
        }
        let (scale, shift) = pass.theta.split_at(self.channels);
        for (i, (y, normal)) in y.chunks_exact_mut(self.positions).zip(normal.chunks_exact(self.positions)).enumerate()
        {
            let channel = i % self.channels;
            y.iter_mut().zip(normal).for_each(|(y, &normal)| *y = scale[channel] * normal + shift[channel]);
        }
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
        let (normal, inverse) = tape.split_at(pass.rows * self.inputs());
        let (size, count) = (self.size(), R::from_f64(self.size() as f64));
        let (scale_bar, shift_bar) = theta_bar.split_at_mut(self.channels);
        let channels = y_bar.chunks_exact_mut(self.positions).zip(normal.chunks_exact(self.positions));
        for (i, (y_bar, normal)) in channels.enumerate() {
            let channel = i % self.channels;
            scale_bar[channel] += dot(y_bar, normal);
            shift_bar[channel] += sum(y_bar);
            y_bar.iter_mut().for_each(|bar| *bar *= pass.theta[channel]);
        }
        let groups = y_bar.chunks_exact(size).zip(normal.chunks_exact(size)).zip(x_bar.chunks_exact_mut(size));
        for (((y_bar, normal), x_bar), &inverse) in groups.zip(inverse) {
            let (mean, along) = (sum(y_bar) / count, dot(y_bar, normal) / count);
            for ((x_bar, &y_bar), &normal) in x_bar.iter_mut().zip(y_bar).zip(normal) {
                *x_bar = inverse * (y_bar - mean - normal * along);
            }
        }
        R::zero()
    }
}
