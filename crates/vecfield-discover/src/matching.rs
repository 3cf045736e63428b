//! Blind starts: constants from integral matching along a smoothed path, with no derivative taken.
//!
//! Along the path `x(t)` that a smoother lays through the data, `dy/dt = Σ θₖ φₖ(y)` says
//! `y(t) = c + Σ θₖ ∫ φₖ(x) dt` with one constant `c` per run. Linear least squares gives the `θ` of any support from one
//! Gram matrix of all features (Brunton et al. 2016 need derivatives here; integrals average the noise instead of
//! amplifying it).

use crate::model::Support;
use vecfield_data::{DataError, Trajectories};
use vecfield_linalg::Cholesky;
use vecfield_sindy::smooth::{Criterion, Order, SmoothingSpline};
use vecfield_sindy::{Library, SindyError};

/// In which scale the smoother works, and how stiff its spline is against the automatic choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smoothing {
    /// Smooth logarithms, which keeps a positive path positive.
    pub logarithms: bool,
    /// Factor on the automatically chosen penalty: below 1 the path follows the data more closely.
    pub stiffness: f64,
}

/// Integrals of all features along a smoothed path, as normal equations for every equation at once.
#[derive(Debug, Clone)]
pub struct Matching {
    dim: usize,
    /// Path at every row of every run (`[rows, dim]`).
    states: Vec<f64>,
    /// First row of each run in `states`.
    offsets: Vec<usize>,
    features: usize,
    /// `[features, features]`: integrals, centred run by run.
    gram: Vec<f64>,
    /// `[dim, features]`.
    pulls: Vec<f64>,
    /// `[dim]`: centred sums of squares of the path.
    totals: Vec<f64>,
}

/// Nodes and weights of Gauss–Legendre quadrature on `[-1, 1]`, exact to degree nine.
const GAUSS: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.906_179_845_938_664, 0.236_926_885_056_189_1),
];

impl Matching {
    /// Smooths `data` and integrates every feature along the path.
    ///
    /// # Errors
    ///
    /// [`MatchingError`] when a variable has too few values to smooth.
    pub fn new(data: &Trajectories, library: &Library, smoothing: Smoothing) -> Result<Self, MatchingError> {
        let (dim, width) = (data.dim(), library.len());
        let mut registers = library.registers::<f64>();
        let mut matching = Self {
            dim,
            states: Vec::with_capacity(data.row_count() * dim),
            offsets: vec![],
            features: width,
            gram: vec![0.0; width * width],
            pulls: vec![0.0; dim * width],
            totals: vec![0.0; dim],
        };
        let paths = paths(data, smoothing)?;
        for (run, path) in data.runs().iter().zip(&paths) {
            matching.offsets.push(matching.states.len());
            let (mut state, mut values) = (vec![0.0; dim], vec![0.0; width]);
            let mut arguments = vec![0.0; library.arguments().len()];
            let mut integrals = vec![0.0; run.len() * width];
            for row in 0..run.len() {
                path.at(run.times()[row], &mut state);
                matching.states.extend(&state);
                if row == 0 {
                    continue;
                }
                let (before, now) = (run.times()[row - 1], run.times()[row]);
                let (middle, half) = (0.5 * (before + now), 0.5 * (now - before));
                let (done, rest) = integrals.split_at_mut(row * width);
                rest[..width].copy_from_slice(&done[(row - 1) * width..]);
                for (node, weight) in GAUSS {
                    let t = middle + half * node;
                    path.at(t, &mut arguments[..dim]);
                    arguments[dim] = t;
                    library.eval(&arguments, &mut values, &mut registers);
                    for (sum, value) in rest[..width].iter_mut().zip(&values) {
                        *sum += half * weight * value;
                    }
                }
            }
            matching.accumulate(&integrals, run.len());
        }
        Ok(matching)
    }

    /// Adds one run's normal equations, its mean removed (which is what the run's free constant does).
    fn accumulate(&mut self, integrals: &[f64], rows: usize) {
        let (dim, width) = (self.dim, self.features);
        let states = &self.states[self.states.len() - rows * dim..];
        let mean = |flat: &[f64], columns: usize, j: usize| {
            (0..rows).map(|r| flat[r * columns + j]).sum::<f64>() / rows as f64
        };
        let feature_means: Vec<f64> = (0..width).map(|k| mean(integrals, width, k)).collect();
        let state_means: Vec<f64> = (0..dim).map(|i| mean(states, dim, i)).collect();
        for r in 0..rows {
            let centred = |k: usize| integrals[r * width + k] - feature_means[k];
            for k in 0..width {
                let value = centred(k);
                for q in 0..width {
                    self.gram[k * width + q] += value * centred(q);
                }
                for i in 0..dim {
                    self.pulls[i * width + k] += value * (states[r * dim + i] - state_means[i]);
                }
            }
            for i in 0..dim {
                self.totals[i] += (states[r * dim + i] - state_means[i]).powi(2);
            }
        }
    }

    /// The path at a row of a run.
    pub fn state(&self, run: usize, row: usize) -> &[f64] {
        &self.states[self.offsets[run] + row * self.dim..][..self.dim]
    }

    /// Least-squares constants of the terms `set` in equation `equation`, and what they leave of the path's sum of squares
    /// (as a fraction). `None` when the integrals are collinear.
    pub fn solve(&self, equation: usize, set: &[usize]) -> Option<(Vec<f64>, f64)> {
        let (n, width) = (set.len(), self.features);
        let total = self.totals[equation];
        if n == 0 {
            return Some((vec![], 1.0));
        }
        // Unit diagonal: features differ by orders of magnitude, and only then is the pivot threshold meaningful.
        let scale: Vec<f64> = set.iter().map(|&k| self.gram[k * width + k].sqrt()).collect();
        if scale.iter().any(|s| !(*s > 0.0 && s.is_finite())) {
            return None;
        }
        let mut a = vec![0.0; n * n];
        for (i, &k) in set.iter().enumerate() {
            for (j, &q) in set.iter().enumerate() {
                a[i * n + j] = self.gram[k * width + q] / (scale[i] * scale[j]);
            }
            a[i * n + i] += 1e-11;
        }
        let mut theta: Vec<f64> = set.iter().zip(&scale).map(|(&k, s)| self.pulls[equation * width + k] / s).collect();
        let pull = theta.clone();
        let mut factor = Cholesky::new(n);
        factor.factorize(&a).ok()?;
        factor.solve(&mut theta);
        let explained: f64 = theta.iter().zip(&pull).map(|(t, g)| t * g).sum();
        for (t, s) in theta.iter_mut().zip(&scale) {
            *t /= s;
        }
        let left = if total > 0.0 { (1.0 - explained / total).max(0.0) } else { 0.0 };
        Some((theta, left))
    }

    /// Starting constants of every term of `support`, equation by equation.
    pub fn start(&self, support: &Support) -> Option<Vec<f64>> {
        let mut theta = Vec::with_capacity(support.terms());
        for (equation, set) in support.equations.iter().enumerate() {
            theta.extend(self.solve(equation, set)?.0);
        }
        theta.iter().all(|t| t.is_finite()).then_some(theta)
    }
}

/// The smoothed path of one run.
struct Path {
    splines: Vec<SmoothingSpline>,
    logarithms: bool,
}

/// The path of every run; runs share each variable's noise level and stiffness.
fn paths(data: &Trajectories, smoothing: Smoothing) -> Result<Vec<Path>, MatchingError> {
    let mut paths: Vec<Path> =
        data.runs().iter().map(|_| Path { splines: vec![], logarithms: smoothing.logarithms }).collect();
    for variable in 0..data.dim() {
        let columns: Vec<(Vec<f64>, Vec<f64>)> = data
            .runs()
            .iter()
            .map(|run| run.observed(variable).map(|(t, v)| (t, if smoothing.logarithms { v.ln() } else { v })).unzip())
            .collect();
        let columns: Vec<(&[f64], &[f64])> = columns.iter().map(|(t, v)| (&t[..], &v[..])).collect();
        let mut splines = SmoothingSpline::fit_runs(&columns, Order::Cubic, Criterion::Reml)?;
        if smoothing.stiffness != 1.0 {
            let penalty = Criterion::Fixed(smoothing.stiffness * splines[0].lambda());
            splines = SmoothingSpline::fit_runs(&columns, Order::Cubic, penalty)?;
        }
        for (path, spline) in paths.iter_mut().zip(splines) {
            path.splines.push(spline);
        }
    }
    Ok(paths)
}

impl Path {
    fn at(&self, t: f64, out: &mut [f64]) {
        for (out, spline) in out.iter_mut().zip(&self.splines) {
            let value = spline.value(t);
            *out = if self.logarithms { value.exp() } else { value };
        }
    }
}

/// Why data could not be matched.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MatchingError {
    /// A variable could not be smoothed.
    #[error(transparent)]
    Smooth(#[from] SindyError),
    /// The data set is not one.
    #[error(transparent)]
    Data(#[from] DataError),
}
