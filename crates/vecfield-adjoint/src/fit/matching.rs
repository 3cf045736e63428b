//! Constants from the increments of the data, without integrating anything.
//!
//! Along a path `ŷ(t)` through the measurements, `ŷ(t) - ŷ(t₀) = ∫ f(s, ŷ(s); θ) ds` up to their errors: residuals that need only
//! evaluations of the field, and are linear in a constant that the field is linear in (Himmelblau, Jones & Bischoff 1967; Dattner &
//! Klaassen 2015). However wrong the first guess, nothing runs away.
//!
//! Path and time are interpolated over the number of the row, monotonically (Fritsch & Carlson 1980): rows on a logarithmic axis
//! of time are then as good as evenly spaced ones.

use vecfield_autodiff::{Dual, LANES};
use vecfield_data::Trajectories;
use vecfield_optim::{Infeasible, LeastSquares, LevenbergMarquardt, Options};
use vecfield_traits::{ParametricField, Scalar};

use super::options::{FitOptions, Observed, Scale};
use super::unknowns::Unknowns;
use super::{Start, Window};
use crate::{AdjointError, Differentiable};

/// The constants of every run that match the increments of the data; `None` where a state has no column, and where no start gives
/// finite rates.
///
/// # Errors
///
/// A positive constant that does not start above zero; bounds that leave nothing.
pub(super) fn matched<F: Differentiable>(
    family: &F,
    data: &Trajectories,
    options: &FitOptions,
    thetas: &[f64],
    start: &Start<'_>,
) -> Result<Option<Vec<f64>>, AdjointError> {
    /// Alternations of constants and of the size of what each equation leaves.
    const ROUNDS: usize = 4;
    let dim = ParametricField::<f64>::dim(family);
    let has_column = |state| options.observed.iter().any(|o| matches!(o, Observed::State(i) if *i == state));
    if options.free.is_empty() || !(0..dim).all(has_column) {
        return Ok(None);
    }
    let unknowns = Unknowns::new(options, data.runs().len(), thetas, dim);
    let mut x = unknowns.constants_of(thetas)?;
    let (lower, upper) = unknowns.limits(&x, &[], options);
    let mut minimizer = LevenbergMarquardt::new(Options { iterations: 60, cost_tolerance: 1e-6, ..Options::default() })
        .bounded(&lower, &upper)?;
    let mut problem = Matching::new(family, data, options, &unknowns, start, &x);
    for _ in 0..ROUNDS {
        if minimizer.minimize(&mut problem, &mut x).is_err() {
            return Ok(None);
        }
        problem.reweigh(&x);
    }
    Ok(Some(unknowns.thetas(&x)))
}

/// A node of the quadrature between two rows.
struct Node {
    t: f64,
    weight: f64,
}

/// Windows within which increments are taken: the longer, the less noise, the more of the path's own error.
const LENGTH: usize = 12;

struct Matching<'a, F> {
    family: &'a F,
    options: &'a FitOptions,
    unknowns: &'a Unknowns,
    dim: usize,
    windows: Vec<Window>,
    /// Per window, three for every gap between rows.
    nodes: Vec<Vec<Node>>,
    /// The path at the nodes and at the rows of each window, `[nodes, dim]`, `[rows, dim]`.
    inside: Vec<Vec<f64>>,
    at_rows: Vec<Vec<f64>>,
    /// What each equation leaves, typically.
    scale: Vec<f64>,
    /// Where the unknowns were before.
    first: Vec<f64>,
    rows: usize,
}

/// How far a positive constant goes from its first guess where the increments do not say, as a standard deviation of its logarithm:
/// a factor of twenty. One that went to zero would have no influence to come back by.
const RIDGE: f64 = 3.0;

/// Gauss–Legendre on the unit interval, three nodes.
const GAUSS: [(f64, f64); 3] =
    [(0.112_701_665_379_258_31, 5.0 / 18.0), (0.5, 8.0 / 18.0), (0.887_298_334_620_741_7, 5.0 / 18.0)];

impl<'a, F: Differentiable> Matching<'a, F> {
    fn new(
        family: &'a F,
        data: &'a Trajectories,
        options: &'a FitOptions,
        unknowns: &'a Unknowns,
        start: &Start<'_>,
        x: &[f64],
    ) -> Self {
        let dim = ParametricField::<f64>::dim(family);
        let paths: Vec<Vec<f64>> = data
            .runs()
            .iter()
            .enumerate()
            .map(|(run, measured)| {
                let mut path = vec![0.0; measured.len() * dim];
                for (row, state) in path.chunks_exact_mut(dim).enumerate() {
                    (start.state)(run, row, state);
                }
                path
            })
            .collect();
        let windows = Window::cut(data, LENGTH);
        let mut this = Self {
            family,
            options,
            unknowns,
            dim,
            nodes: vec![],
            inside: vec![],
            at_rows: vec![],
            scale: spreads(&paths, dim),
            rows: windows.iter().map(|w| w.rows.len()).sum::<usize>() * dim,
            first: x.to_vec(),
            windows,
        };
        for window in &this.windows {
            let (times, path) = (data.runs()[window.run].times(), &paths[window.run]);
            let (mut nodes, mut inside) = (vec![], vec![]);
            let curves: Vec<Vec<f64>> = (0..dim).map(|i| path.iter().skip(i).step_by(dim).copied().collect()).collect();
            let (clock, slopes) = (slopes(times), curves.iter().map(|c| slopes(c)).collect::<Vec<_>>());
            for row in window.rows.start..window.rows.end - 1 {
                for (c, w) in GAUSS {
                    let (t, rate) = hermite(times, &clock, row, c);
                    nodes.push(Node { t, weight: w * rate });
                    inside.extend((0..dim).map(|i| hermite(&curves[i], &slopes[i], row, c).0));
                }
            }
            this.nodes.push(nodes);
            this.inside.push(inside);
            this.at_rows.push(path[window.rows.start * dim..window.rows.end * dim].to_vec());
        }
        this
    }

    /// Sets the scale of every equation to what it leaves.
    fn reweigh(&mut self, x: &[f64]) {
        let mut r = vec![0.0; self.residual_count()];
        if self.residuals(x, &mut r).is_err() {
            return;
        }
        let count = (self.rows / self.dim).max(1) as f64;
        for i in 0..self.dim {
            let sum: f64 = r[..self.rows].iter().skip(i).step_by(self.dim).map(|r| r * r).sum();
            // Not below a millionth: an equation that holds by itself is not the only one that counts.
            self.scale[i] *= (sum / count).sqrt().clamp(1e-6, 1e6);
        }
    }

    fn priors(&self) -> impl Iterator<Item = (usize, &super::Prior)> {
        let of = |prior: &'a super::Prior| {
            let slots = self.unknowns.slots.iter().enumerate();
            slots.filter(move |(_, slot)| slot.parameter == prior.parameter).map(move |(index, _)| (index, prior))
        };
        self.options.priors.iter().flat_map(of)
    }

    /// Unknowns that are kept near their first guess.
    fn ridges(&self) -> impl Iterator<Item = usize> {
        (0..self.first.len()).filter(|&index| self.unknowns.slots[index].scale == Scale::Log)
    }

    /// Shows, for every window, the states at its rows less the integral of the rates, and the derivatives of that by
    /// `LANES` of the unknowns from `lane` on; centred, since where the window starts is not known either.
    fn windows(
        &self,
        x: &[f64],
        lane: usize,
        mut show: impl FnMut(usize, &[Dual<f64, LANES>]),
    ) -> Result<(), Infeasible> {
        let dim = self.dim;
        let mut work = ParametricField::<Dual<f64, LANES>>::workspace(self.family);
        let mut plain = vec![0.0; self.unknowns.parameters()];
        let (mut y, mut dy) = (vec![Dual::lift(0.0); dim], vec![Dual::lift(0.0); dim]);
        let mut at = 0;
        for (k, window) in self.windows.iter().enumerate() {
            self.unknowns.theta_into(x, window.run, &mut plain);
            let mut theta: Vec<Dual<f64, LANES>> = plain.iter().map(|&value| Dual::lift(value)).collect();
            for (index, slot) in self.unknowns.slots.iter().enumerate() {
                let own = slot.run.is_none_or(|run| run == window.run);
                if let Some(i) = index.checked_sub(lane).filter(|&i| i < LANES && own) {
                    theta[slot.parameter].tangent[i] = slot.slope(plain[slot.parameter]);
                }
            }
            let rows = window.rows.len();
            let mut left: Vec<Dual<f64, LANES>> = self.at_rows[k].iter().map(|&y| Dual::lift(y)).collect();
            for (q, node) in self.nodes[k].iter().enumerate() {
                for (y, &value) in y.iter_mut().zip(&self.inside[k][q * dim..]) {
                    *y = Dual::lift(value);
                }
                self.family.eval(Dual::lift(node.t), &y, &theta, &mut dy, &mut work);
                // The integral up to every later row has this part.
                for row in q / GAUSS.len() + 1..rows {
                    for (left, rate) in left[row * dim..].iter_mut().zip(&dy) {
                        *left -= rate.scale(node.weight);
                    }
                }
            }
            for i in 0..dim {
                let sum = left.iter().skip(i).step_by(dim).fold(Dual::lift(0.0), |sum, &v| sum + v);
                let mean = sum.scale(1.0 / rows as f64);
                for left in left.iter_mut().skip(i).step_by(dim) {
                    *left = (*left - mean).scale(1.0 / self.scale[i]);
                }
            }
            if !left.iter().all(Scalar::is_finite) {
                return Err(Infeasible);
            }
            show(at, &left);
            at += rows * dim;
        }
        Ok(())
    }
}

impl<F: Differentiable> LeastSquares for Matching<'_, F> {
    fn parameter_count(&self) -> usize {
        self.unknowns.constants()
    }

    fn residual_count(&self) -> usize {
        self.rows + self.priors().count() + self.ridges().count()
    }

    fn residuals(&mut self, x: &[f64], r: &mut [f64]) -> Result<(), Infeasible> {
        self.windows(x, usize::MAX, |at, left| {
            for (r, left) in r[at..].iter_mut().zip(left) {
                *r = left.value;
            }
        })?;
        let mut rest = r[self.rows..].iter_mut();
        for (r, (index, prior)) in rest.by_ref().zip(self.priors()) {
            *r = prior.belief.residual(self.unknowns.slots[index].value(x[index])).0;
        }
        for (r, index) in rest.zip(self.ridges()) {
            *r = (x[index] - self.first[index]) / RIDGE;
        }
        Ok(())
    }

    fn jacobian(&mut self, x: &[f64], r: &mut [f64], jacobian: &mut [f64]) -> Result<(), Infeasible> {
        self.residuals(x, r)?;
        let n = x.len();
        jacobian.fill(0.0);
        for lane in (0..n).step_by(LANES) {
            let width = LANES.min(n - lane);
            self.windows(x, lane, |at, left| {
                for (row, left) in jacobian[at * n..].chunks_exact_mut(n).zip(left) {
                    row[lane..lane + width].copy_from_slice(&left.tangent[..width]);
                }
            })?;
        }
        let mut rest = jacobian[self.rows * n..].chunks_exact_mut(n);
        for (row, (index, prior)) in rest.by_ref().zip(self.priors()) {
            let slot = &self.unknowns.slots[index];
            let value = slot.value(x[index]);
            row[index] = -prior.belief.residual(value).1 * slot.slope(value);
        }
        for (row, index) in rest.zip(self.ridges()) {
            row[index] = 1.0 / RIDGE;
        }
        Ok(())
    }
}

/// The standard deviation of every state along the paths, or one where it never changes.
fn spreads(paths: &[Vec<f64>], dim: usize) -> Vec<f64> {
    let of = |i: usize| {
        let values: Vec<f64> = paths.iter().flat_map(|path| path.iter().skip(i).step_by(dim).copied()).collect();
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
        if spread > 0.0 { spread } else { 1.0 }
    };
    (0..dim).map(of).collect()
}

/// Slopes of the monotone cubic through evenly spaced values (Fritsch & Butland 1984: harmonic means, zero at extrema).
fn slopes(values: &[f64]) -> Vec<f64> {
    let n = values.len();
    let secant = |k: usize| values[k + 1] - values[k];
    (0..n)
        .map(|k| match k {
            _ if n < 2 => 0.0,
            0 => secant(0),
            _ if k + 1 == n => secant(n - 2),
            _ => {
                let (a, b) = (secant(k - 1), secant(k));
                if a * b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 }
            }
        })
        .collect()
}

/// The cubic at the fraction `c` of the gap behind row `row`, and its slope.
fn hermite(values: &[f64], slopes: &[f64], row: usize, c: f64) -> (f64, f64) {
    let (a, b, p, q) = (values[row], values[row + 1], slopes[row], slopes[row + 1]);
    let (rise, d) = (b - a, 1.0 - c);
    let value = a * d * d * (1.0 + 2.0 * c) + b * c * c * (3.0 - 2.0 * c) + c * d * (d * p - c * q);
    let slope = 6.0 * c * d * rise + d * (1.0 - 3.0 * c) * p + c * (3.0 * c - 2.0) * q;
    (value, slope)
}
