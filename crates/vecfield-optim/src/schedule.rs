//! Rates as functions of the step.

use serde::{Deserialize, Serialize};

/// A factor to the rate at each step, counted from zero.
///
/// ```
/// use vecfield_optim::Schedule;
///
/// let schedule = Schedule::Cosine { steps: 100, end: 0.0 }.after_warm_up(10);
/// assert_eq!([0, 4, 9].map(|k| schedule.factor(k)), [0.1, 0.5, 1.0]);
/// assert!((schedule.factor(60) - 0.5).abs() < 1e-15);
/// assert_eq!(schedule.factor(1000), 0.0);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// Always one.
    #[default]
    Constant,
    /// From one down to `end` along half a cosine over so many steps, and `end` from there on (Loshchilov & Hutter 2017,
    /// eq. (5)).
    Cosine {
        /// How many steps.
        steps: u64,
        /// The last factor.
        end: f64,
    },
    /// From one to `end` along a line.
    Linear {
        /// How many steps.
        steps: u64,
        /// The last factor.
        end: f64,
    },
    /// `factorᵏ`.
    Exponential {
        /// From each step to the next.
        factor: f64,
    },
    /// Multiplied by `factor` after every so many steps.
    Stairs {
        /// How many steps.
        every: u64,
        /// By which factor.
        factor: f64,
    },
    /// In equal steps up to one, then another schedule from its beginning.
    WarmUp {
        /// How many steps.
        steps: u64,
        /// What comes then.
        then: Box<Schedule>,
    },
}

impl Schedule {
    /// The factor at a step.
    pub fn factor(&self, step: u64) -> f64 {
        let part = |steps: u64| if step >= steps { 1.0 } else { step as f64 / steps as f64 };
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine { steps, end } => match part(*steps) {
                1.0 => *end,
                part => end + (1.0 - end) * 0.5 * (1.0 + (core::f64::consts::PI * part).cos()),
            },
            Schedule::Linear { steps, end } => 1.0 + (end - 1.0) * part(*steps),
            Schedule::Exponential { factor } => factor.powf(step as f64),
            Schedule::Stairs { every, factor } => factor.powf((step / (*every).max(1)) as f64),
            Schedule::WarmUp { steps, then } => {
                if step < *steps {
                    (step + 1) as f64 / *steps as f64
                } else {
                    then.factor(step - steps)
                }
            }
        }
    }

    /// This schedule after so many steps of warming up.
    pub fn after_warm_up(self, steps: u64) -> Schedule {
        Schedule::WarmUp { steps, then: Box::new(self) }
    }
}
