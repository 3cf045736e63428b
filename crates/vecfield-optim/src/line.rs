//! A line search for the strong Wolfe conditions (Nocedal & Wright 2006, Algorithms 3.5 and 3.6).

use vecfield_kernels::{axpy, dot};

use crate::problem::Infeasible;

/// A function of several numbers: writes its gradient and returns its value.
pub type Objective<'a> = dyn FnMut(&[f64], &mut [f64]) -> Result<f64, Infeasible> + 'a;

/// A point along the direction.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    pub(crate) at: f64,
    pub(crate) value: f64,
    pub(crate) slope: f64,
}

/// Sufficient decrease and curvature (Nocedal & Wright, section 3.1).
const C1: f64 = 1e-4;
const C2: f64 = 0.9;
/// Evaluations of one line search at most.
const TRIALS: usize = 40;

/// Where a line search has been last.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) x: Vec<f64>,
    pub(crate) gradient: Vec<f64>,
}

impl Line {
    pub(crate) fn new(n: usize) -> Line {
        Line { x: vec![0.0; n], gradient: vec![0.0; n] }
    }

    /// Finds a point along the direction where the strong Wolfe conditions hold (Algorithm 3.5), or failing that one with
    /// sufficient decrease; it is the last point visited.
    pub(crate) fn search(
        &mut self,
        x: &[f64],
        direction: &[f64],
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
            let point = self.probe(x, direction, at, f);
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
            self.probe(x, direction, low.at, f)
        })
    }

    /// The function at `x + at · direction`.
    fn probe(&mut self, x: &[f64], direction: &[f64], at: f64, f: &mut Objective<'_>) -> Point {
        self.x.copy_from_slice(x);
        axpy(at, direction, &mut self.x);
        let value = finite(f(&self.x, &mut self.gradient), &self.gradient);
        let slope = if value.is_finite() { dot(direction, &self.gradient) } else { f64::NAN };
        Point { at, value, slope }
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
pub(crate) fn finite(value: Result<f64, Infeasible>, gradient: &[f64]) -> f64 {
    match value {
        Ok(value) if value.is_finite() && gradient.iter().all(|g| g.is_finite()) => value,
        _ => f64::INFINITY,
    }
}

pub(crate) fn largest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |largest, g| g.abs().max(largest))
}
