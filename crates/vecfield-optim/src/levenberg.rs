//! Levenberg–Marquardt: `(JᵀJ + λ D²) s = -Jᵀr`, with `D` the largest column lengths seen (Moré 1978) and `λ` from the gain ratio
//! (Nielsen 1999; Madsen–Nielsen–Tingleff 2004, algorithm 3.16). Bounds by an active set and projection.

use crate::dense::{Dense, Workspace};
use crate::{Infeasible, LeastSquares, Loss, NormalEquations, OptimError};
use core::ops::ControlFlow;

/// When to stop, and how residuals count.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Stop when no column of the Jacobian makes an angle with the residuals whose cosine is larger. Unit-free.
    pub gradient_tolerance: f64,
    /// Stop when a step changes the parameters by less than this fraction, each in units of its own sensitivity.
    pub step_tolerance: f64,
    /// Stop when a step changes the cost, in prediction and in fact, by less than this fraction.
    pub cost_tolerance: f64,
    /// Stop as soon as the cost is not above this.
    pub target: f64,
    /// The most trial steps.
    pub iterations: usize,
    /// The first `λ`: small trusts the start.
    pub damping: f64,
    /// How a residual counts.
    pub loss: Loss,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gradient_tolerance: 1e-10,
            step_tolerance: 1e-10,
            cost_tolerance: 1e-12,
            target: 0.0,
            iterations: 100,
            damping: 1e-3,
            loss: Loss::Squared,
        }
    }
}

/// Why a minimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The gradient vanishes over the parameters that are not held at a bound.
    Gradient,
    /// Steps have become negligible.
    Step,
    /// The cost no longer changes.
    Cost,
    /// The cost has reached [`Options::target`].
    Target,
    /// [`Options::iterations`] is used up.
    Budget,
    /// However short the step, the cost does not fall: the Jacobian is wrong, or the model is not smooth here.
    NoProgress,
    /// The Jacobian cannot be evaluated at the best point.
    Infeasible,
    /// The observer said so.
    Cancelled,
}

impl Stop {
    /// Is the point a minimum, as far as the tolerances can tell?
    pub fn converged(self) -> bool {
        matches!(self, Stop::Gradient | Stop::Step | Stop::Cost | Stop::Target)
    }
}

/// What a minimisation did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Why it ended.
    pub stop: Stop,
    /// `½ Σ ρ(r²)` at the result.
    pub cost: f64,
    /// Trial steps.
    pub iterations: usize,
    /// Evaluations of the residuals alone.
    pub evaluations: usize,
    /// Evaluations of the Jacobian.
    pub jacobians: usize,
    /// By how much the first step from the last linearisation was to lower the cost: with [`Stop::NoProgress`], how far from a
    /// minimum the result can be.
    pub promised: f64,
}

/// A look at a run, before each trial step.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The best point so far.
    pub x: &'a [f64],
    /// Its cost.
    pub cost: f64,
    /// Trial steps so far.
    pub iteration: usize,
    /// The damping `λ` of the next.
    pub damping: f64,
    /// What a rejection multiplies it by.
    pub growth: f64,
    /// `D²`.
    pub scale: &'a [f64],
}

impl Progress<'_> {
    /// All that a run needs to go on from here, with the point.
    pub fn standing(&self) -> Standing {
        let Progress { iteration, damping, growth, scale, .. } = *self;
        Standing { iteration, damping, growth, scale: scale.to_vec() }
    }
}

/// Where a run stands between two trial steps. Together with the point it goes on as if it had never stopped, bit for bit
/// ([`LevenbergMarquardt::resume_structured`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Trial steps so far.
    pub iteration: usize,
    /// The damping `λ` of the next.
    pub damping: f64,
    /// What a rejection multiplies it by.
    pub growth: f64,
    /// `D²`, the largest squared column lengths seen.
    pub scale: Vec<f64>,
}

const SMALLEST_GAIN: f64 = 1e-4; // Moré 1978, section 3
const LARGEST_DAMPING: f64 = 1e20;
const SMALLEST_DAMPING: f64 = 1e-14; // of the squared column lengths: below it, rounding is the larger damping

/// A minimiser with its buffers; use one again for problems of the same size and it allocates nothing.
#[derive(Debug, Clone)]
pub struct LevenbergMarquardt {
    options: Options,
    lower: Vec<f64>,
    upper: Vec<f64>,
    dense: Workspace,
    trial: Vec<f64>,
    gradient: Vec<f64>,
    diagonal: Vec<f64>,
    /// `D²`.
    scale: Vec<f64>,
    damping: Vec<f64>,
    step: Vec<f64>,
    free: Vec<bool>,
}

impl LevenbergMarquardt {
    /// A minimiser without bounds.
    pub fn new(options: Options) -> Self {
        let empty = Vec::new;
        Self {
            options,
            lower: empty(),
            upper: empty(),
            dense: Workspace::new(),
            trial: empty(),
            gradient: empty(),
            diagonal: empty(),
            scale: empty(),
            damping: empty(),
            step: empty(),
            free: Vec::new(),
        }
    }

    /// The same with `lower ≤ x ≤ upper` (one value per parameter; infinities leave a side open).
    ///
    /// # Errors
    ///
    /// [`OptimError::EmptyBox`] when a bound is NaN or a lower bound lies above its upper.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn bounded(mut self, lower: &[f64], upper: &[f64]) -> Result<Self, OptimError> {
        assert_eq!(lower.len(), upper.len(), "one lower and one upper bound per parameter");
        for (parameter, (&lower, &upper)) in lower.iter().zip(upper).enumerate() {
            if lower.is_nan() || upper.is_nan() || lower > upper {
                return Err(OptimError::EmptyBox { parameter, lower, upper });
            }
        }
        self.lower = lower.to_vec();
        self.upper = upper.to_vec();
        Ok(self)
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The options, to be changed between runs.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// After a run: which parameters are not held at a bound.
    pub fn free(&self) -> &[bool] {
        &self.free
    }

    /// Moves `x` to a minimum of `problem`. A start outside the bounds is first moved to the nearest point inside.
    ///
    /// # Errors
    ///
    /// [`OptimError::InfeasibleStart`], [`OptimError::StartLength`]. A run that ends early is no error: see [`Summary::stop`].
    pub fn minimize<P: LeastSquares>(&mut self, problem: &mut P, x: &mut [f64]) -> Result<Summary, OptimError> {
        self.minimize_observed(problem, x, |_| ControlFlow::Continue(()))
    }

    /// As [`minimize`](Self::minimize); `observer` sees every iteration and may break off, which leaves the best point in `x`.
    ///
    /// # Errors
    ///
    /// As [`minimize`](Self::minimize).
    pub fn minimize_observed<P: LeastSquares>(
        &mut self,
        problem: &mut P,
        x: &mut [f64],
        observer: impl FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Summary, OptimError> {
        let mut work = core::mem::replace(&mut self.dense, Workspace::new());
        work.resize(problem.parameter_count(), problem.residual_count());
        let loss = self.options.loss;
        let result = self.minimize_structured(&mut Dense { problem, loss, work: &mut work }, x, observer);
        self.dense = work;
        result
    }

    /// As [`minimize_observed`](Self::minimize_observed) for a problem that solves its own normal equations;
    /// [`Options::loss`] is then the problem's business.
    ///
    /// # Errors
    ///
    /// As [`minimize`](Self::minimize).
    pub fn minimize_structured<P: NormalEquations>(
        &mut self,
        problem: &mut P,
        x: &mut [f64],
        observer: impl FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Summary, OptimError> {
        let fresh = Standing {
            iteration: 0,
            damping: self.options.damping.clamp(SMALLEST_DAMPING, LARGEST_DAMPING),
            growth: 2.0,
            scale: vec![0.0; problem.parameter_count()],
        };
        self.resume_structured(problem, x, &fresh, observer)
    }

    /// Goes on with a run of [`minimize_structured`](Self::minimize_structured) that its observer broke off at the point `x`, from
    /// where it stood there. The counts of the summary are those of the whole run, but for evaluations and Jacobians.
    ///
    /// # Errors
    ///
    /// As [`minimize`](Self::minimize).
    pub fn resume_structured<P: NormalEquations>(
        &mut self,
        problem: &mut P,
        x: &mut [f64],
        standing: &Standing,
        mut observer: impl FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Summary, OptimError> {
        self.start(problem.parameter_count(), x)?;
        if standing.scale.len() != x.len() {
            return Err(OptimError::StartLength { found: standing.scale.len(), expected: x.len() });
        }
        self.scale.copy_from_slice(&standing.scale);
        let Options { gradient_tolerance, step_tolerance, cost_tolerance, target, iterations, .. } = self.options;
        let cost = problem.linearize(x, &mut self.gradient, &mut self.diagonal);
        let cost = cost.ok().filter(|cost| cost.is_finite()).ok_or(OptimError::InfeasibleStart)?;
        let mut summary = Summary {
            stop: Stop::Budget,
            cost,
            iterations: standing.iteration,
            evaluations: 0,
            jacobians: 1,
            promised: 0.0,
        };
        let (mut lambda, mut growth) = (standing.damping, standing.growth);
        loop {
            self.rescale();
            self.hold(x);
            if summary.cost <= target {
                return Ok(Summary { stop: Stop::Target, ..summary });
            }
            if self.slope(summary.cost) <= gradient_tolerance {
                return Ok(Summary { stop: Stop::Gradient, ..summary });
            }
            // Shorten the step until the cost falls.
            let mut first = true;
            loop {
                if summary.iterations == iterations {
                    return Ok(Summary { stop: Stop::Budget, ..summary });
                }
                let Summary { cost, iterations: iteration, .. } = summary;
                let progress = Progress { x, cost, iteration, damping: lambda, growth, scale: &self.scale };
                if observer(progress).is_break() {
                    return Ok(Summary { stop: Stop::Cancelled, ..summary });
                }
                summary.iterations += 1;
                let predicted = self.propose(problem, x, lambda);
                if core::mem::take(&mut first) {
                    summary.promised = predicted.unwrap_or(f64::INFINITY);
                }
                let (length, size) = self.lengths(x);
                let short = predicted.is_some() && length <= step_tolerance * size;
                if let Some(predicted) = predicted.filter(|&predicted| predicted > 0.0) {
                    summary.evaluations += 1;
                    let trial = problem.cost(&self.trial).unwrap_or(f64::INFINITY);
                    let actual = if trial.is_finite() { summary.cost - trial } else { f64::NEG_INFINITY };
                    let negligible = cost_tolerance * summary.cost;
                    let settled = predicted <= negligible && actual.abs() <= negligible;
                    let gain = actual / predicted;
                    let accepted = actual > 0.0 && gain > SMALLEST_GAIN;
                    if accepted {
                        x.copy_from_slice(&self.trial);
                        summary.cost = trial;
                    }
                    if settled {
                        return Ok(Summary { stop: Stop::Cost, ..summary });
                    }
                    if accepted && !short {
                        lambda *= (1.0 - (2.0 * gain - 1.0).powi(3)).max(1.0 / 3.0);
                        (lambda, growth) = (lambda.max(SMALLEST_DAMPING), 2.0);
                        break;
                    }
                }
                if short {
                    // A step that only the damping made short is no minimum.
                    let stop = if lambda <= 1.0 { Stop::Step } else { Stop::NoProgress };
                    return Ok(Summary { stop, ..summary });
                }
                lambda *= growth;
                growth *= 2.0;
                if lambda > LARGEST_DAMPING {
                    return Ok(Summary { stop: Stop::NoProgress, ..summary });
                }
            }
            summary.jacobians += 1;
            match problem.linearize(x, &mut self.gradient, &mut self.diagonal) {
                Ok(cost) if cost.is_finite() => summary.cost = cost,
                Ok(_) | Err(Infeasible) => return Ok(Summary { stop: Stop::Infeasible, ..summary }),
            }
        }
    }

    fn start(&mut self, n: usize, x: &mut [f64]) -> Result<(), OptimError> {
        if x.len() != n || !(self.lower.is_empty() || self.lower.len() == n) {
            let found = if x.len() == n { self.lower.len() } else { x.len() };
            return Err(OptimError::StartLength { found, expected: n });
        }
        for ((x, &lower), &upper) in x.iter_mut().zip(&self.lower).zip(&self.upper) {
            *x = x.clamp(lower, upper);
        }
        for buffer in [&mut self.trial, &mut self.gradient, &mut self.diagonal, &mut self.damping, &mut self.step] {
            buffer.resize(n, 0.0);
        }
        self.scale.clear();
        self.scale.resize(n, 0.0);
        self.free.clear();
        self.free.resize(n, true);
        Ok(())
    }

    /// `D²`: the largest squared column lengths so far, so that a parameter that loses its influence for a while is not sent away.
    fn rescale(&mut self) {
        for (scale, &diagonal) in self.scale.iter_mut().zip(&self.diagonal) {
            *scale = scale.max(diagonal);
        }
    }

    /// Marks the parameters that sit on a bound with the cost falling outwards.
    fn hold(&mut self, x: &[f64]) {
        self.free.fill(true);
        for i in 0..self.lower.len() {
            let out = (x[i] <= self.lower[i] && self.gradient[i] >= 0.0)
                || (x[i] >= self.upper[i] && self.gradient[i] <= 0.0);
            self.free[i] = !out;
        }
    }

    /// The largest cosine between a free column of the Jacobian and the residuals.
    fn slope(&self, cost: f64) -> f64 {
        let length = (2.0 * cost).sqrt();
        let cosines = (0..self.gradient.len()).filter(|&i| self.free[i] && self.gradient[i] != 0.0);
        cosines.map(|i| self.gradient[i].abs() / (self.diagonal[i].sqrt() * length)).fold(0.0, f64::max)
    }

    /// Writes the damped step inside the bounds and the trial point; returns the decrease the linear model predicts, `None` when the
    /// equations cannot be solved.
    fn propose<P: NormalEquations>(&mut self, problem: &mut P, x: &[f64], lambda: f64) -> Option<f64> {
        for (damping, &scale) in self.damping.iter_mut().zip(&self.scale) {
            *damping = lambda * if scale > 0.0 { scale } else { 1.0 };
        }
        self.hold(x);
        loop {
            problem.solve(&self.damping, &self.gradient, &self.free, &mut self.step).ok()?;
            // A parameter on its bound that the coupled step pushes outwards is held too, and the rest solved again.
            let mut held = false;
            for i in 0..self.lower.len() {
                let outwards =
                    (x[i] <= self.lower[i] && self.step[i] < 0.0) || (x[i] >= self.upper[i] && self.step[i] > 0.0);
                if self.free[i] && outwards {
                    self.free[i] = false;
                    held = true;
                }
            }
            if !held {
                break;
            }
        }
        for i in 0..x.len() {
            self.trial[i] = x[i] + self.step[i];
            if let (Some(&lower), Some(&upper)) = (self.lower.get(i), self.upper.get(i)) {
                self.trial[i] = self.trial[i].clamp(lower, upper);
                self.step[i] = self.trial[i] - x[i];
            }
        }
        let along: f64 = self.step.iter().zip(&self.gradient).map(|(s, g)| s * g).sum();
        let predicted = -along - 0.5 * problem.curvature(&self.step);
        predicted.is_finite().then_some(predicted)
    }

    /// `(‖D s‖, ‖D x‖)`.
    fn lengths(&self, x: &[f64]) -> (f64, f64) {
        let weighted = |v: &[f64]| v.iter().zip(&self.scale).map(|(v, scale)| v * v * scale).sum::<f64>().sqrt();
        (weighted(&self.step), weighted(x))
    }
}
