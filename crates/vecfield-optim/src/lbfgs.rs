//! L-BFGS with a line search for the strong Wolfe conditions (Nocedal & Wright 2006, Algorithms 7.4, 7.5, 3.5 and 3.6).

use core::ops::ControlFlow;

use vecfield_kernels::{axpy, dot};

use crate::problem::Infeasible;

/// A function of several numbers: writes its gradient and returns its value.
pub type Objective<'a> = dyn FnMut(&[f64], &mut [f64]) -> Result<f64, Infeasible> + 'a;

/// Constants of [`Lbfgs`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LbfgsOptions {
    /// Pairs of steps and differences remembered.
    pub memory: usize,
    /// Iterations at most.
    pub iterations: usize,
    /// Stop where the largest slope is below this.
    pub gradient: f64,
    /// Stop where the value falls by less than this part of itself.
    pub value: f64,
}

impl Default for LbfgsOptions {
    fn default() -> LbfgsOptions {
        LbfgsOptions { memory: 10, iterations: 1000, gradient: 1e-8, value: 1e-14 }
    }
}

/// Why a descent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The slopes are small.
    Gradient,
    /// The value hardly falls any more.
    Value,
    /// No point along the direction is better by more than rounding.
    LineSearch,
    /// The iterations ran out.
    Iterations,
    /// The caller said so.
    Stopped,
    /// The start has no finite value.
    InfeasibleStart,
}

/// How a descent went.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LbfgsSummary {
    /// Why it ended.
    pub ended: Ended,
    /// The value there.
    pub value: f64,
    /// The largest slope there.
    pub gradient: f64,
    /// Iterations.
    pub iterations: usize,
    /// Evaluations of value and gradient.
    pub evaluations: usize,
}

/// Minimises a smooth function by its gradient. Made once and used again, it does not allocate.
///
/// ```
/// use vecfield_optim::{Ended, Lbfgs, LbfgsOptions};
///
/// // Rosenbrock's valley.
/// let mut valley = |x: &[f64], gradient: &mut [f64]| {
///     let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
///     gradient.copy_from_slice(&[-2.0 * a - 400.0 * x[0] * b, 200.0 * b]);
///     Ok(a * a + 100.0 * b * b)
/// };
/// let mut x = [-1.2, 1.0];
/// let summary = Lbfgs::new(2, LbfgsOptions::default()).minimize(&mut x, &mut valley);
/// assert_eq!(summary.ended, Ended::Gradient);
/// assert!((x[0] - 1.0).abs() < 1e-7 && (x[1] - 1.0).abs() < 1e-7);
/// ```
#[derive(Debug, Clone)]
pub struct Lbfgs {
    options: LbfgsOptions,
    /// `s` and `y` of the last steps, `[memory, n]` each, and `1 / sᵀy`.
    steps: Vec<f64>,
    changes: Vec<f64>,
    inverse: Vec<f64>,
    /// Where the newest pair stands; older ones before it, around the ring.
    newest: usize,
    weights: Vec<f64>,
    gradient: Vec<f64>,
    direction: Vec<f64>,
    trial: Vec<f64>,
    trial_gradient: Vec<f64>,
}

/// A point along the direction.
#[derive(Clone, Copy)]
struct Point {
    at: f64,
    value: f64,
    slope: f64,
}

/// Sufficient decrease and curvature (Nocedal & Wright, section 3.1).
const C1: f64 = 1e-4;
const C2: f64 = 0.9;
/// Evaluations of one line search at most.
const TRIALS: usize = 40;

impl Lbfgs {
    /// For functions of `n` numbers.
    pub fn new(n: usize, options: LbfgsOptions) -> Lbfgs {
        let memory = options.memory.max(1);
        Lbfgs {
            options: LbfgsOptions { memory, ..options },
            steps: vec![0.0; memory * n],
            changes: vec![0.0; memory * n],
            inverse: vec![0.0; memory],
            newest: 0,
            weights: vec![0.0; memory],
            gradient: vec![0.0; n],
            direction: vec![0.0; n],
            trial: vec![0.0; n],
            trial_gradient: vec![0.0; n],
        }
    }

    /// Moves `x` to a minimum of `f`, which writes its gradient and returns its value; where it says [`Infeasible`], or
    /// what it gives is not finite, a shorter step is tried.
    ///
    /// # Panics
    ///
    /// If `x` has another length than this was made for.
    pub fn minimize(&mut self, x: &mut [f64], f: &mut Objective<'_>) -> LbfgsSummary {
        self.minimize_watched(x, f, &mut |_| ControlFlow::Continue(()))
    }

    /// [`minimize`](Lbfgs::minimize), telling `progress` how it stands after every iteration; it may end the descent.
    ///
    /// # Panics
    ///
    /// As [`minimize`](Lbfgs::minimize).
    pub fn minimize_watched(
        &mut self,
        x: &mut [f64],
        f: &mut Objective<'_>,
        progress: &mut dyn FnMut(&LbfgsSummary) -> ControlFlow<()>,
    ) -> LbfgsSummary {
        assert_eq!(x.len(), self.gradient.len(), "as many numbers as this was made for");
        let mut summary = LbfgsSummary {
            ended: Ended::InfeasibleStart,
            value: f64::INFINITY,
            gradient: f64::INFINITY,
            iterations: 0,
            evaluations: 1,
        };
        summary.value = finite(f(x, &mut self.gradient), &self.gradient);
        if !summary.value.is_finite() {
            return summary;
        }
        let mut kept = 0;
        loop {
            summary.gradient = largest(&self.gradient);
            if summary.gradient <= self.options.gradient {
                return LbfgsSummary { ended: Ended::Gradient, ..summary };
            }
            if summary.iterations == self.options.iterations {
                return LbfgsSummary { ended: Ended::Iterations, ..summary };
            }
            self.aim(kept);
            let before = Point { at: 0.0, value: summary.value, slope: dot(&self.direction, &self.gradient) };
            // The first step has no curvature to go by.
            let first = if kept == 0 { (1.0 / summary.gradient).min(1.0) } else { 1.0 };
            let found = self.search(x, before, first, f, &mut summary.evaluations);
            let Some(point) = found else {
                // Old curvature may be what misleads: once more along the gradient itself.
                if kept > 0 {
                    kept = 0;
                    continue;
                }
                return LbfgsSummary { ended: Ended::LineSearch, ..summary };
            };
            kept = self.accept(x, kept);
            summary.iterations += 1;
            let fall = summary.value - point.value;
            summary.value = point.value;
            if progress(&LbfgsSummary { gradient: largest(&self.gradient), ..summary }).is_break() {
                return LbfgsSummary { ended: Ended::Stopped, gradient: largest(&self.gradient), ..summary };
            }
            if fall <= self.options.value * summary.value.abs() {
                return LbfgsSummary { ended: Ended::Value, gradient: largest(&self.gradient), ..summary };
            }
        }
    }

    /// `direction ← -H g` by the two loops over the pairs kept (Algorithm 7.4).
    fn aim(&mut self, kept: usize) {
        let (n, memory) = (self.gradient.len(), self.options.memory);
        self.direction.copy_from_slice(&self.gradient);
        let newest = self.newest;
        let slot = |age: usize| (newest + memory - age) % memory;
        let pair = |slot: usize| slot * n..(slot + 1) * n;
        for age in 0..kept {
            let slot = slot(age);
            let weight = self.inverse[slot] * dot(&self.steps[pair(slot)], &self.direction);
            self.weights[slot] = weight;
            axpy(-weight, &self.changes[pair(slot)], &mut self.direction);
        }
        if kept > 0 {
            let change = &self.changes[pair(newest)];
            let scale = 1.0 / (self.inverse[newest] * dot(change, change));
            self.direction.iter_mut().for_each(|d| *d *= scale);
        }
        for age in (0..kept).rev() {
            let slot = slot(age);
            let weight = self.inverse[slot] * dot(&self.changes[pair(slot)], &self.direction);
            axpy(self.weights[slot] - weight, &self.steps[pair(slot)], &mut self.direction);
        }
        self.direction.iter_mut().for_each(|d| *d = -*d);
    }

    /// Finds a point along the direction where the strong Wolfe conditions hold (Algorithm 3.5), or failing that one with
    /// sufficient decrease, and leaves it and its gradient in `trial` and `trial_gradient`.
    fn search(
        &mut self,
        x: &[f64],
        start: Point,
        first: f64,
        f: &mut Objective<'_>,
        evaluations: &mut usize,
    ) -> Option<Point> {
        if start.slope.is_nan() || start.slope >= 0.0 {
            return None;
        }
        let good = |point: Point| point.value <= start.value + C1 * point.at * start.slope;
        let flat = |point: Point| point.slope.abs() <= -C2 * start.slope;
        let (mut low, mut at) = (start, first);
        let mut high: Option<Point> = None;
        for _ in 0..TRIALS {
            let point = self.probe(x, at, f);
            *evaluations += 1;
            if !good(point) || (point.value >= low.value && low.at > 0.0) {
                high = Some(point);
            } else if flat(point) {
                return Some(point);
            } else {
                // The far end lies where the value rises again.
                if point.slope * (high.map_or(f64::INFINITY, |high| high.at) - low.at) >= 0.0 {
                    high = Some(low);
                }
                low = point;
            }
            at = match high {
                None => 2.0 * point.at,
                Some(high) => between(low, high),
            };
            if !at.is_finite() || (at - low.at).abs() <= f64::EPSILON * low.at.abs() {
                break;
            }
        }
        // Rounding hides what is left: take the best with sufficient decrease.
        (low.at > 0.0).then(|| {
            *evaluations += 1;
            self.probe(x, low.at, f)
        })
    }

    /// The function at `x + at · direction`, which is left in `trial`.
    fn probe(&mut self, x: &[f64], at: f64, f: &mut Objective<'_>) -> Point {
        self.trial.copy_from_slice(x);
        axpy(at, &self.direction, &mut self.trial);
        let value = finite(f(&self.trial, &mut self.trial_gradient), &self.trial_gradient);
        let slope = if value.is_finite() { dot(&self.direction, &self.trial_gradient) } else { f64::NAN };
        Point { at, value, slope }
    }

    /// Moves to the point found; says how many pairs are kept now.
    fn accept(&mut self, x: &mut [f64], kept: usize) -> usize {
        let (n, memory) = (x.len(), self.options.memory);
        let slot = if kept == 0 { 0 } else { (self.newest + 1) % memory };
        let (step, change) = (&mut self.steps[slot * n..][..n], &mut self.changes[slot * n..][..n]);
        for i in 0..n {
            step[i] = self.trial[i] - x[i];
            change[i] = self.trial_gradient[i] - self.gradient[i];
        }
        let curvature = dot(step, change);
        let enough = curvature > f64::EPSILON * dot(change, change);
        x.copy_from_slice(&self.trial);
        self.gradient.copy_from_slice(&self.trial_gradient);
        if !enough {
            // A pair without curvature would make the matrix indefinite. Its place is free again if it was the oldest.
            return kept.min(memory - 1);
        }
        self.inverse[slot] = 1.0 / curvature;
        self.newest = slot;
        (kept + 1).min(memory)
    }
}

/// Where the cubic through two points and their slopes is least (Nocedal & Wright, eq. (3.59)), kept away from both; the
/// middle where there is none.
fn between(a: Point, b: Point) -> f64 {
    let width = b.at - a.at;
    let middle = a.at + 0.5 * width;
    if !b.value.is_finite() {
        return a.at + 0.1 * width;
    }
    let d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.at - b.at);
    let root = (d1 * d1 - a.slope * b.slope).sqrt() * width.signum();
    let at = b.at - width * (b.slope + root - d1) / (b.slope - a.slope + 2.0 * root);
    let part = (at - a.at) / width;
    if (0.1..=0.9).contains(&part) { at } else { middle }
}

/// The value, infinite where it or its gradient is no number.
fn finite(value: Result<f64, Infeasible>, gradient: &[f64]) -> f64 {
    match value {
        Ok(value) if value.is_finite() && gradient.iter().all(|g| g.is_finite()) => value,
        _ => f64::INFINITY,
    }
}

fn largest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |largest, g| g.abs().max(largest))
}
