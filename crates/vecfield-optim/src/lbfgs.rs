//! L-BFGS (Nocedal & Wright 2006, Algorithms 7.4 and 7.5).

use core::ops::ControlFlow;

use vecfield_kernels::{axpy, dot};

use crate::line::{Line, Objective, Point, finite, largest};

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
    line: Line,
}

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
            line: Line::new(n),
        }
    }

    /// Moves `x` to a minimum of `f`, which writes its gradient and returns its value; where it says [`Infeasible`](crate::Infeasible), or
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
            let found = self.line.search(x, &self.direction, before, first, f, &mut summary.evaluations);
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

    /// Moves to the point found; says how many pairs are kept now.
    fn accept(&mut self, x: &mut [f64], kept: usize) -> usize {
        let (n, memory) = (x.len(), self.options.memory);
        let slot = if kept == 0 { 0 } else { (self.newest + 1) % memory };
        let (step, change) = (&mut self.steps[slot * n..][..n], &mut self.changes[slot * n..][..n]);
        for i in 0..n {
            step[i] = self.line.x[i] - x[i];
            change[i] = self.line.gradient[i] - self.gradient[i];
        }
        let curvature = dot(step, change);
        let enough = curvature > f64::EPSILON * dot(change, change);
        x.copy_from_slice(&self.line.x);
        self.gradient.copy_from_slice(&self.line.gradient);
        if !enough {
            // A pair without curvature would make the matrix indefinite. Its place is free again if it was the oldest.
            return kept.min(memory - 1);
        }
        self.inverse[slot] = 1.0 / curvature;
        self.newest = slot;
        (kept + 1).min(memory)
    }
}
