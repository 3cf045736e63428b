//! How coordinates enter a network: scaled to `[-1, 1]`, or as waves where they are periodic; with all their jets.

use core::f64::consts::{FRAC_PI_2, TAU};

use super::BLOCK;
use super::jets::{JetPlan, total};
use crate::problem::Problem;

/// The inputs of a network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inputs(Vec<Input>);

#[derive(Debug, Clone, PartialEq)]
enum Input {
    /// `scale · x + shift`
    Scaled { by: usize, scale: f64, shift: f64 },
    /// `sin(frequency · x + phase)`
    Wave { by: usize, frequency: f64, phase: f64 },
}

impl Inputs {
    pub(crate) fn new(problem: &Problem, harmonics: usize) -> Self {
        let mut inputs = Vec::new();
        for by in 0..problem.low.len() {
            let (low, length) = (problem.low[by], problem.high[by] - problem.low[by]);
            if !problem.periodic[by] {
                inputs.push(Input::Scaled { by, scale: 2.0 / length, shift: -2.0 * low / length - 1.0 });
                continue;
            }
            for k in 1..=harmonics {
                let frequency = k as f64 * TAU / length;
                for phase in [0.0, FRAC_PI_2] {
                    inputs.push(Input::Wave { by, frequency, phase: phase - frequency * low });
                }
            }
        }
        Self(inputs)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// `[input, jet, point]` at the points of a block, `[coordinate, point]`.
    pub(crate) fn at(&self, plan: &JetPlan, points: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.len() * plan.len() * BLOCK];
        let rows = out.chunks_exact_mut(plan.len() * BLOCK);
        for (input, jets) in self.0.iter().zip(rows) {
            for (order, row) in plan.orders.iter().zip(jets.chunks_exact_mut(BLOCK)) {
                input.jet(order, points, row);
            }
        }
        out
    }
}

impl Input {
    fn jet(&self, order: &[u8], points: &[f64], row: &mut [f64]) {
        let (Self::Scaled { by, .. } | Self::Wave { by, .. }) = *self;
        let (times, x) = (usize::from(order[by]), &points[by * BLOCK..(by + 1) * BLOCK]);
        if times < total(order) {
            return; // by another coordinate
        }
        match *self {
            Self::Scaled { scale, shift, .. } if times == 0 => {
                row.iter_mut().zip(x).for_each(|(row, x)| *row = scale * x + shift);
            }
            Self::Scaled { scale, .. } if times == 1 => row.fill(scale),
            Self::Scaled { .. } => {}
            Self::Wave { frequency, phase, .. } => {
                let (size, turn) = (frequency.powi(times as i32), phase + times as f64 * FRAC_PI_2);
                row.iter_mut().zip(x).for_each(|(row, x)| *row = size * (frequency * x + turn).sin());
            }
        }
    }
}
