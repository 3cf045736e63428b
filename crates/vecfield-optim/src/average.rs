//! The average of the parameters along a training.

use serde::{Deserialize, Serialize};
use vecfield_traits::Real;

/// An exponential moving average of parameters, `m ← β m + (1 - β) θ`, divided by `1 - βᵏ` when it is read.
///
/// ```
/// use vecfield_optim::Average;
///
/// let mut average = Average::new(0.9, 1);
/// (0..5).for_each(|_| average.update(&[2.0]));
/// let mut mean = [0.0_f64];
/// average.read(&mut mean);
/// assert!((mean[0] - 2.0).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Average<R> {
    /// `β`.
    pub decay: f64,
    /// How many parameters went in.
    pub steps: u64,
    /// `m`.
    pub sums: Vec<R>,
}

impl<R: Real> Average<R> {
    /// Of `n` parameters.
    pub fn new(decay: f64, n: usize) -> Average<R> {
        Average { decay, steps: 0, sums: vec![R::zero(); n] }
    }

    /// Takes in the parameters after a step.
    pub fn update(&mut self, theta: &[R]) {
        self.steps += 1;
        let (kept, new) = (R::from_f64(self.decay), R::from_f64(1.0 - self.decay));
        for (sum, &theta) in self.sums.iter_mut().zip(theta) {
            *sum = kept * *sum + new * theta;
        }
    }

    /// Writes the average into `theta`; without a step there is none, and `theta` stays.
    pub fn read(&self, theta: &mut [R]) {
        if self.steps == 0 {
            return;
        }
        let filled = 1.0 - self.decay.powi(self.steps.min(i32::MAX as u64) as i32);
        for (theta, &sum) in theta.iter_mut().zip(&self.sums) {
            *theta = sum / R::from_f64(filled);
        }
    }
}
