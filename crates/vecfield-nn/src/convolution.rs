//! Convolutions in one and two dimensions, as products of matrices over the unfolded image.

use serde::{Deserialize, Serialize};
use vecfield_kernels::{Activation, LayerMath, Matrix, Start};

use crate::described::activation_name;
use crate::elementwise::activate_recorded;
use crate::error::NnError;
use crate::layer::{Layer, Pass};
use crate::rows::scale_and_sum;
use crate::tensor::{Role, Tensor};
use crate::window::Window;

/// `y = σ(w ∗ x + b)` over images of `channels × height × width` numbers, row by row (as learned, without flipping `w`).
///
/// With `groups`, the channels fall into so many groups that do not see each other. Sums run over channels, then the window,
/// upwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convolution {
    /// The image and the windows.
    pub window: Window,
    /// Channels of the result.
    pub outputs: usize,
    /// Groups of channels; one unless said.
    #[serde(default = "one")]
    pub groups: usize,
    /// `σ`; the identity unless said.
    #[serde(default, with = "activation_name")]
    pub activation: Activation,
}

fn one() -> usize {
    1
}

impl Convolution {
    /// To `outputs` channels.
    pub fn new(window: Window, outputs: usize) -> Convolution {
        Convolution { window, outputs, groups: 1, activation: Activation::Identity }
    }

    /// With the channels in so many groups.
    pub fn groups(self, groups: usize) -> Convolution {
        Convolution { groups, ..self }
    }

    /// With an activation.
    pub fn activated(self, activation: Activation) -> Convolution {
        Convolution { activation, ..self }
    }

    /// Channels of a group in the image, numbers under its window, channels of a group in the result.
    fn group(&self) -> (usize, usize, usize) {
        let channels = self.window.channels / self.groups;
        (channels, channels * self.window.area(), self.outputs / self.groups)
    }

    fn unfolded_len(&self) -> usize {
        self.group().1 * self.window.count()
    }

    /// `[channels of a group × window, places]` from the channels of one group.
    fn unfold<R: LayerMath>(&self, channels: &[R], unfolded: &mut [R]) {
        let (image, block) = (self.window.height * self.window.width, self.window.area() * self.window.count());
        let count = self.window.count();
        for (channel, block) in channels.chunks_exact(image).zip(unfolded.chunks_exact_mut(block)) {
            self.window.spans(|tap, span| {
                let row = &mut block[tap * count + span.start..][..span.across];
                row[..span.first].fill(R::zero());
                row[span.end..].fill(R::zero());
                let seen = &mut row[span.first..span.end];
                if span.stride == 1 {
                    seen.copy_from_slice(&channel[span.pixel..span.pixel + seen.len()]);
                } else {
                    let pixels = channel[span.pixel..].iter().step_by(span.stride);
                    seen.iter_mut().zip(pixels).for_each(|(to, &from)| *to = from);
                }
            });
        }
    }

    /// The transpose of [`unfold`](Convolution::unfold): adds to the channels.
    fn fold<R: LayerMath>(&self, unfolded: &[R], channels: &mut [R]) {
        let (image, block) = (self.window.height * self.window.width, self.window.area() * self.window.count());
        let count = self.window.count();
        for (channel, block) in channels.chunks_exact_mut(image).zip(unfolded.chunks_exact(block)) {
            self.window.spans(|tap, span| {
                let seen = &block[tap * count + span.start..][span.first..span.end];
                let pixels = channel[span.pixel..].iter_mut().step_by(span.stride);
                pixels.zip(seen).for_each(|(to, &from)| *to += from);
            });
        }
    }
}

impl Layer for Convolution {
    fn check(&self) -> Result<(), NnError> {
        self.window.check()?;
        let sizes = [("channels of a convolution", self.window.channels), ("outputs of a convolution", self.outputs)];
        for (what, whole) in sizes {
            if self.groups == 0 || !whole.is_multiple_of(self.groups) {
                return Err(NnError::Indivisible { what, found: self.groups, whole });
            }
            if whole == 0 {
                return Err(NnError::TooSmall { what, found: 0, least: 1 });
            }
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        self.window.len()
    }

    fn outputs(&self) -> usize {
        self.outputs * self.window.count()
    }

    fn tensors(&self) -> Vec<Tensor> {
        let (channels, fan_in, each) = self.group();
        let [high, wide] = self.window.kernel;
        let role = Role::Weight { fan_in, fan_out: each * self.window.area() };
        vec![
            Tensor::new("weight", &[self.outputs, channels, high, wide], role),
            Tensor::new("bias", &[self.outputs], Role::Bias { fan_in }),
        ]
    }

    fn parameter_count(&self) -> usize {
        self.outputs * (self.group().1 + 1)
    }

    fn tape_len(&self, rows: usize) -> usize {
        let slopes = if self.activation == Activation::Identity { 0 } else { rows * self.outputs() };
        slopes + 2 * self.unfolded_len()
    }

    fn record<R: LayerMath>(&self, pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let (channels, k, each) = self.group();
        let (count, image) = (self.window.count(), self.window.height * self.window.width);
        let (slopes, spare) = tape.split_at_mut(tape.len() - 2 * self.unfolded_len());
        let unfolded = &mut spare[..k * count];
        let (w, b) = pass.theta.split_at(self.outputs * k);
        for (x, y) in x.chunks_exact(self.inputs()).zip(y.chunks_exact_mut(self.outputs * count)) {
            for (channel, &b) in y.chunks_exact_mut(count).zip(b) {
                channel.fill(b);
            }
            for group in 0..self.groups {
                self.unfold(&x[group * channels * image..][..channels * image], unfolded);
                let (w, y) = (&w[group * each * k..][..each * k], &mut y[group * each * count..][..each * count]);
                R::multiply((each, count, k), Matrix::rows(w, k), unfolded, Start::Sum, y);
            }
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
        let (channels, k, each) = self.group();
        let (count, image) = (self.window.count(), self.window.height * self.window.width);
        let (slopes, spare) = tape.split_at_mut(tape.len() - 2 * self.unfolded_len());
        let (unfolded, bars) = spare.split_at_mut(k * count);
        let w = &pass.theta[..self.outputs * k];
        let (w_bar, b_bar) = theta_bar.split_at_mut(self.outputs * k);
        scale_and_sum(y_bar, slopes, &mut [], 1);
        x_bar.fill(R::zero());
        let images = x.chunks_exact(self.inputs()).zip(x_bar.chunks_exact_mut(self.inputs()));
        for ((x, x_bar), y_bar) in images.zip(y_bar.chunks_exact(self.outputs * count)) {
            for (b_bar, channel) in b_bar.iter_mut().zip(y_bar.chunks_exact(count)) {
                *b_bar += vecfield_kernels::sum(channel);
            }
            for group in 0..self.groups {
                let (place, image) = (group * channels * image, channels * image);
                self.unfold(&x[place..][..image], unfolded);
                let y_bar = &y_bar[group * each * count..][..each * count];
                let w_at = group * each * k..(group + 1) * each * k;
                R::inner((each, k, count), y_bar, unfolded, Start::Sum, &mut w_bar[w_at.clone()]);
                R::multiply((k, count, each), Matrix::columns(&w[w_at], k), y_bar, Start::Zero, bars);
                self.fold(bars, &mut x_bar[place..][..image]);
            }
        }
        R::zero()
    }
}
