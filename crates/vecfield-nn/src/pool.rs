//! Pools: the mean or the largest number under each window.

use serde::{Deserialize, Serialize};
use vecfield_kernels::LayerMath;

use crate::error::NnError;
use crate::layer::{Layer, Pass};
use crate::tensor::Tensor;
use crate::window::Window;

/// The mean or the largest number of every channel under each window; padding counts as zeros in a mean, and not at all in a
/// maximum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// The image and the windows.
    pub window: Window,
    /// What is taken.
    pub take: Take,
}

/// What a [`Pool`] takes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// The mean.
    Mean,
    /// The largest number; the first of several.
    Largest,
}

impl Pool {
    /// The mean of each window.
    pub fn mean(window: Window) -> Pool {
        Pool { window, take: Take::Mean }
    }

    /// The largest number in each window.
    pub fn largest(window: Window) -> Pool {
        Pool { window, take: Take::Largest }
    }

    /// The mean of each channel.
    pub fn global(channels: usize, size: [usize; 2]) -> Pool {
        Pool::mean(Window::new(channels, size, size))
    }

    fn image(&self) -> usize {
        self.window.height * self.window.width
    }

    fn weight<R: LayerMath>(&self) -> R {
        R::one() / R::from_f64(self.window.area() as f64)
    }
}

impl Layer for Pool {
    fn check(&self) -> Result<(), NnError> {
        self.window.check()?;
        for axis in 0..2 {
            // A window of padding alone would have no largest number.
            let (what, found, least) =
                ("the kernel of a pool", self.window.kernel[axis], self.window.padding[axis] + 1);
            if found < least {
                return Err(NnError::TooSmall { what, found, least });
            }
        }
        Ok(())
    }

    fn inputs(&self) -> usize {
        self.window.len()
    }

    fn outputs(&self) -> usize {
        self.window.channels * self.window.count()
    }

    fn tensors(&self) -> Vec<Tensor> {
        Vec::new()
    }

    fn parameter_count(&self) -> usize {
        0
    }

    fn tape_len(&self, rows: usize) -> usize {
        // The largest number of each window, to be found again.
        if self.take == Take::Largest { rows * self.outputs() } else { 0 }
    }

    fn record<R: LayerMath>(&self, _pass: Pass<'_, R>, x: &[R], y: &mut [R], tape: &mut [R]) {
        let weight = self.weight::<R>();
        for (channel, y) in x.chunks_exact(self.image()).zip(y.chunks_exact_mut(self.window.count())) {
            y.fill(if self.take == Take::Mean { R::zero() } else { -R::INFINITY });
            self.window.visit(|_, place, pixel| {
                let Some(pixel) = pixel else { return };
                match self.take {
                    Take::Mean => y[place] += weight * channel[pixel],
                    // NaN stays.
                    Take::Largest if channel[pixel] > y[place] || channel[pixel].is_nan() => y[place] = channel[pixel],
                    Take::Largest => {}
                }
            });
        }
        if self.take == Take::Largest {
            tape.copy_from_slice(y);
        }
    }

    fn pull_back<R: LayerMath>(
        &self,
        _pass: Pass<'_, R>,
        x: &[R],
        tape: &mut [R],
        y_bar: &mut [R],
        x_bar: &mut [R],
        _theta_bar: &mut [R],
    ) -> R {
        let weight = self.weight::<R>();
        x_bar.fill(R::zero());
        let count = self.window.count();
        let channels = x.chunks_exact(self.image()).zip(x_bar.chunks_exact_mut(self.image()));
        for (i, ((channel, x_bar), y_bar)) in channels.zip(y_bar.chunks_exact_mut(count)).enumerate() {
            self.window.visit(|_, place, pixel| {
                let Some(pixel) = pixel else { return };
                match self.take {
                    Take::Mean => x_bar[pixel] += weight * y_bar[place],
                    Take::Largest if channel[pixel] == tape[i * count + place] => {
                        x_bar[pixel] += y_bar[place];
                        y_bar[place] = R::zero(); // the first has it all
                    }
                    Take::Largest => {}
                }
            });
        }
        R::zero()
    }
}
