//! Windows that move over an image: what convolutions and pools share.

use serde::{Deserialize, Serialize};

use crate::error::NnError;

/// Images of `channels × height × width` numbers, seen through windows of `kernel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Channels of the image.
    pub channels: usize,
    /// Rows of the image; one for a signal in time.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// How far the windows are apart, down and across.
    #[serde(default = "ones")]
    pub stride: [usize; 2],
    /// Zeros around the image, above and below, left and right.
    #[serde(default)]
    pub padding: [usize; 2],
}

fn ones() -> [usize; 2] {
    [1, 1]
}

impl Window {
    /// Windows one apart, without padding.
    pub fn new(channels: usize, [height, width]: [usize; 2], kernel: [usize; 2]) -> Window {
        Window { channels, height, width, kernel, stride: ones(), padding: [0, 0] }
    }

    /// Over a signal of `length` numbers in each channel.
    pub fn along(channels: usize, length: usize, kernel: usize) -> Window {
        Window::new(channels, [1, length], [1, kernel])
    }

    /// Windows `stride` apart.
    pub fn stride(self, stride: [usize; 2]) -> Window {
        Window { stride, ..self }
    }

    /// With `padding` zeros on each side.
    pub fn padding(self, padding: [usize; 2]) -> Window {
        Window { padding, ..self }
    }

    /// Numbers in an image.
    pub fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Windows down and across.
    pub fn places(&self) -> [usize; 2] {
        let along =
            |size: usize, axis: usize| (size + 2 * self.padding[axis] - self.kernel[axis]) / self.stride[axis] + 1;
        [along(self.height, 0), along(self.width, 1)]
    }

    /// How many windows there are.
    pub(crate) fn count(&self) -> usize {
        let [down, across] = self.places();
        down * across
    }

    /// Numbers of one channel in a window.
    pub(crate) fn area(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    pub(crate) fn check(&self) -> Result<(), NnError> {
        for axis in 0..2 {
            let size = [self.height, self.width][axis] + 2 * self.padding[axis];
            for (what, found, least) in [
                ("the kernel of a window", self.kernel[axis], 1),
                ("the stride of a window", self.stride[axis], 1),
                ("the padded image of a window", size, self.kernel[axis]),
            ] {
                if found < least {
                    return Err(NnError::TooSmall { what, found, least });
                }
            }
        }
        Ok(())
    }

    /// The places that a number of a channel has under the windows: calls `each(tap, span)` for every row of windows and every
    /// tap, in their order.
    #[inline(always)]
    pub(crate) fn spans(&self, mut each: impl FnMut(usize, Span)) {
        let [down, across] = self.places();
        for tap in 0..self.area() {
            let (i, j) = (tap / self.kernel[1], tap % self.kernel[1]);
            let (first, end) = inside(across, self.stride[1], j, self.padding[1], self.width);
            for row in 0..down {
                let at = row * self.stride[0] + i;
                let within = at >= self.padding[0] && at < self.height + self.padding[0] && first < end;
                let (first, end) = if within { (first, end) } else { (0, 0) };
                let pixel = if within {
                    (at - self.padding[0]) * self.width + first * self.stride[1] + j - self.padding[1]
                } else {
                    0
                };
                let start = row * across;
                each(tap, Span { start, across, first, end, pixel, stride: self.stride[1] });
            }
        }
    }

    /// Calls `each(tap, place, pixel)` for every number of a channel in every window, `None` for a padded zero.
    #[inline(always)]
    pub(crate) fn visit(&self, mut each: impl FnMut(usize, usize, Option<usize>)) {
        self.spans(|tap, span| {
            for column in 0..span.across {
                let within = (span.first..span.end).contains(&column);
                let pixel = within.then(|| span.pixel + (column - span.first) * span.stride);
                each(tap, span.start + column, pixel);
            }
        });
    }
}

/// One tap of a row of windows: the places `start .. start + across`, of which those from `first` to before `end` lie on the
/// image, the first of them at `pixel`; the others see padding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) across: usize,
    pub(crate) first: usize,
    pub(crate) end: usize,
    pub(crate) pixel: usize,
    pub(crate) stride: usize,
}

/// The windows, of `count` so many apart, whose number `tap` lies on an image of `size` within its padding.
fn inside(count: usize, stride: usize, tap: usize, padding: usize, size: usize) -> (usize, usize) {
    let first = padding.saturating_sub(tap).div_ceil(stride);
    let end = (size + padding).saturating_sub(tap).div_ceil(stride);
    (first.min(count), end.min(count))
}
