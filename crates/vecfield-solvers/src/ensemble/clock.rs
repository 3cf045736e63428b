//! Where each lane is in time and how large its next step may be: the clock of [`integrate`](crate::integrate), once a lane.

use vecfield_kernels::Lanes;

use super::LANES;
use super::stepper::{Attempts, Trial};
use crate::Options;
use crate::clock::{Clock, Grid};

/// The clocks of all lanes.
#[derive(Debug)]
pub(super) struct Clocks {
    t: [f64; LANES],
    t1: [f64; LANES],
    /// Proposed steps, with sign.
    h: [f64; LANES],
    longest: [f64; LANES],
    /// Ends of the trial steps, and their sizes.
    next: [f64; LANES],
    step: [f64; LANES],
    fixed: Option<Grids>,
}

/// Times of fixed steps, `origin + index·h`.
#[derive(Debug)]
struct Grids {
    origin: [f64; LANES],
    h: [f64; LANES],
    index: [f64; LANES],
}

impl Clocks {
    /// All lanes at rest: a step of zero at time zero.
    pub(super) fn new(options: &Options<f64>) -> Clocks {
        let zero = [0.0; LANES];
        let fixed = options.step.map(|_| Grids { origin: zero, h: zero, index: zero });
        Clocks { t: zero, t1: zero, h: zero, longest: zero, next: zero, step: zero, fixed }
    }

    /// Sets a lane to run from `t0` to `t1`, with a first step of this size.
    pub(super) fn set(&mut self, lane: usize, (t0, t1): (f64, f64), first: f64, options: &Options<f64>) {
        let span = t1 - t0;
        let signed = |h: f64| if span < 0.0 { -h } else { h };
        (self.t[lane], self.t1[lane]) = (t0, t1);
        self.longest[lane] = options.max_step.map_or(span.abs(), |longest| longest.min(span.abs()));
        match &mut self.fixed {
            Some(grid) => (grid.origin[lane], grid.h[lane], grid.index[lane]) = (t0, signed(first), 0.0),
            None => self.h[lane] = limited(signed(first), self.longest[lane]),
        }
    }

    /// Takes a lane out of service: it steps on the spot.
    pub(super) fn rest(&mut self, lane: usize) {
        (self.t[lane], self.t1[lane], self.h[lane]) = (0.0, 0.0, 0.0);
        if let Some(grid) = &mut self.fixed {
            (grid.origin[lane], grid.h[lane], grid.index[lane]) = (0.0, 0.0, 0.0);
        }
    }

    /// The trial steps that are next.
    #[inline(always)]
    pub(super) fn trial(&mut self) -> Trial {
        match &self.fixed {
            None => {
                for i in 0..LANES {
                    let left = self.t1[i] - self.t[i];
                    // The last step is stretched by up to a percent, rather than followed by a tiny one.
                    let last = left.abs() <= self.h[i].abs() * 1.01;
                    self.next[i] = if last { self.t1[i] } else { self.t[i] + self.h[i] };
                    self.step[i] = if last { left } else { self.h[i] };
                }
            }
            Some(grid) => {
                for i in 0..LANES {
                    let next = grid.origin[i] + grid.h[i] * (grid.index[i] + 1.0);
                    let last = (self.t1[i] - next).abs() <= grid.h[i].abs() * 1e-9;
                    let beyond = (next - self.t1[i]) * grid.h[i] > 0.0;
                    self.next[i] = if last || beyond { self.t1[i] } else { next };
                    self.step[i] = self.next[i] - self.t[i];
                }
            }
        }
        Trial { t: Lanes(self.t), h: Lanes(self.step) }
    }

    /// Moves on where the step was accepted, shrinks it where not, and says which lanes can go no further: at their end, or
    /// stuck.
    #[inline(always)]
    pub(super) fn advance(&mut self, attempts: &Attempts) -> [bool; LANES] {
        let mut over = [false; LANES];
        match &mut self.fixed {
            None => {
                for i in 0..LANES {
                    let (accepted, h) = (attempts.accepted[i], self.step[i] * attempts.factor.0[i]);
                    self.t[i] = if accepted { self.next[i] } else { self.t[i] };
                    self.h[i] = if accepted { limited(h, self.longest[i]) } else { h };
                    let stuck = self.h[i].is_nan() | (self.h[i].abs() < resolution(self.t[i]));
                    over[i] = (self.t[i] == self.t1[i]) | stuck;
                }
            }
            Some(grid) => {
                for i in 0..LANES {
                    let accepted = attempts.accepted[i];
                    self.t[i] = if accepted { self.next[i] } else { self.t[i] };
                    grid.index[i] = if accepted { grid.index[i] + 1.0 } else { grid.index[i] };
                    over[i] = (self.t[i] == self.t1[i]) | !accepted;
                }
            }
        }
        over
    }

    /// Is the lane at its end?
    pub(super) fn done(&self, lane: usize) -> bool {
        self.t[lane] == self.t1[lane]
    }

    /// The time a lane is at.
    pub(super) fn t(&self, lane: usize) -> f64 {
        self.t[lane]
    }

    /// The step a lane would take next, with sign.
    pub(super) fn h(&self, lane: usize) -> f64 {
        self.fixed.as_ref().map_or(self.h[lane], |grid| grid.h[lane])
    }

    /// Does it take steps of a given size only?
    pub(super) fn fixed(&self) -> bool {
        self.fixed.is_some()
    }

    /// The clock of one lane, to go on with alone, and at `resume` after its end.
    pub(super) fn clock(&self, lane: usize, resume: Option<f64>) -> Clock<f64> {
        let one = |grid: &Grids| Grid { origin: grid.origin[lane], h: grid.h[lane], index: grid.index[lane] };
        let fixed = self.fixed.as_ref().map(one);
        Clock { t: self.t[lane], t1: self.t1[lane], resume, h: self.h(lane), longest: self.longest[lane], fixed }
    }

    /// The ends of the trial steps.
    pub(super) fn next(&self) -> &[f64; LANES] {
        &self.next
    }
}

#[inline(always)]
fn limited(h: f64, longest: f64) -> f64 {
    let limit = if h < 0.0 { -longest } else { longest };
    if h.abs() > longest { limit } else { h }
}

/// The smallest step that `t` can resolve.
#[inline(always)]
fn resolution(t: f64) -> f64 {
    let resolution = 4.0 * f64::EPSILON * t.abs();
    let smallest = f64::MIN_POSITIVE / f64::EPSILON;
    if resolution > smallest { resolution } else { smallest }
}
