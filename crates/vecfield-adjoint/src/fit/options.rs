//! What is fitted, to what, and how.

use core::fmt::Debug;
use std::sync::Arc;

use vecfield_solvers::Method;

use super::noise::{Loss, Noise};

/// A function `h(t, y; θ)` with its gradient: what a column measures, or what a state starts at.
pub trait Quantity: Debug + Send + Sync {
    /// Its value.
    fn value(&self, t: f64, y: &[f64], theta: &[f64]) -> f64;

    /// Its value; adds `∂h/∂y` to `by_state` and `∂h/∂θ` to `by_parameter`.
    fn differentiate(&self, t: f64, y: &[f64], theta: &[f64], by_state: &mut [f64], by_parameter: &mut [f64]) -> f64;
}

/// What a column of the data measures.
#[derive(Debug, Clone)]
pub enum Observed {
    /// A component of the state.
    State(usize),
    /// A quantity computed from the state.
    Quantity(Arc<dyn Quantity>),
}

/// Where a component of the state starts, at the first row of every run.
#[derive(Debug, Clone)]
pub enum Initial {
    /// Anywhere: it is fitted, for each run by itself.
    Free,
    /// Where the start of the fit has it.
    Held,
    /// At a quantity of the parameters (its state is empty), and so wherever those take it.
    Quantity(Arc<dyn Quantity>),
}

/// In which scale a constant is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// By adding: for constants of any sign.
    Linear,
    /// By factors: for positive constants, which may be wrong by decades.
    Log,
}

/// What is known of a constant before the data are seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// Which constant; with one for each run, each of them has this prior.
    pub parameter: usize,
    /// What is known of it.
    pub belief: Belief,
}

/// A distribution of what a constant may be.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Belief {
    /// Normal.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation, above zero.
        deviation: f64,
    },
    /// The logarithm is normal.
    Lognormal {
        /// Its median, above zero.
        median: f64,
        /// The standard deviation of the natural logarithm, above zero.
        deviation: f64,
    },
}

impl Belief {
    /// How many standard deviations below its centre `value` is, and the derivative of `-` that by the value.
    pub(crate) fn residual(self, value: f64) -> (f64, f64) {
        match self {
            Belief::Normal { mean, deviation } => ((mean - value) / deviation, 1.0 / deviation),
            Belief::Lognormal { median, deviation } => ((median / value).ln() / deviation, 1.0 / (value * deviation)),
        }
    }
}

/// How a fit goes about it.
#[derive(Debug, Clone)]
pub struct FitOptions {
    /// What each column of the data measures.
    pub observed: Vec<Observed>,
    /// The scale of residuals.
    pub noise: Noise,
    /// The cost of a residual.
    pub loss: Loss,
    /// Noise level per column, in the noise model's scale: the first guess where it is estimated.
    pub sigma: Vec<f64>,
    /// Is the noise level of each column estimated with the rest (maximum likelihood), or held?
    pub estimate_sigma: bool,
    /// Indices of the constants that are fitted, increasing.
    pub free: Vec<usize>,
    /// Bounds of the free constants, in the same order; empty when there are none.
    pub bounds: Vec<(f64, f64)>,
    /// Scales of the free constants, in the same order; empty when all are linear.
    pub scales: Vec<Scale>,
    /// Those of the free constants that differ from one run to the next.
    pub local: Vec<usize>,
    /// What is known of constants beforehand.
    pub priors: Vec<Prior>,
    /// Where each component of the state starts; empty when all are free.
    pub initial: Vec<Initial>,
    /// Are the constants first matched to the increments of the data, without any integration? Needs a column for every state.
    pub match_first: bool,
    /// Rows from the start of every run that are fitted first, one number after the other, at the noise levels given: what nobody
    /// measures is found over a short stretch, and kept in step as this grows.
    pub horizons: Vec<usize>,
    /// Window lengths in rows, tried one after the other; [`usize::MAX`] makes each run one window.
    pub windows: Vec<usize>,
    /// The method of the solver.
    pub method: Method,
    /// Integration of the residuals.
    pub solver: vecfield_solvers::Options<f64>,
    /// Iterations and tolerances of each stage.
    pub optimizer: vecfield_optim::Options,
}

impl FitOptions {
    /// A plain fit: every one of `dim` states is measured, all `parameters` constants are free, noise levels start at
    /// `sigma` (one per column) and are estimated, constants are first matched to the data's increments, runs are cut in windows of
    /// 20 rows and then taken whole, with squared losses, tight tolerances and a method that suits stiff equations as well.
    pub fn new(dim: usize, parameters: usize, noise: Noise, sigma: Vec<f64>) -> Self {
        Self {
            observed: (0..dim).map(Observed::State).collect(),
            noise,
            loss: Loss::Squared,
            sigma,
            estimate_sigma: true,
            free: (0..parameters).collect(),
            bounds: vec![],
            scales: vec![],
            local: vec![],
            priors: vec![],
            initial: vec![],
            match_first: true,
            horizons: vec![],
            windows: vec![20, usize::MAX],
            method: Method::Auto,
            solver: vecfield_solvers::Options::tolerances(1e-8, 1e-10),
            // A cost known to nine digits is one whose minimum no data can tell from this one.
            optimizer: vecfield_optim::Options { cost_tolerance: 1e-9, ..Default::default() },
        }
    }

    /// The scale of the free constant at this place.
    pub fn scale(&self, place: usize) -> Scale {
        self.scales.get(place).copied().unwrap_or(Scale::Linear)
    }

    /// Where this component of the state starts.
    pub fn initial(&self, state: usize) -> &Initial {
        self.initial.get(state).unwrap_or(&Initial::Free)
    }
}
