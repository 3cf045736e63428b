//! Multiple shooting: the residuals of a family of fields against measured runs, with a free initial state per window.
//!
//! A long run is cut into windows; each is integrated from its own initial state. Short windows make the fit nearly linear
//! (a wrong constant cannot run away), one window is the true likelihood of a noise-free system. Unknowns, in this order:
//! the free constants, then the initial state of every window (Bock 1983; Ramsay & Hooker 2017, ch. 7).

use crate::arrow::Arrow;
use crate::noise::{Loss, Noise};
use crate::sampler::Sampler;
use core::ops::Range;
use vecfield_autodiff::Dual;
use vecfield_data::Trajectories;
use vecfield_linalg::LinalgError;
use vecfield_optim::{Infeasible, NormalEquations};
use vecfield_solvers::{Options, SolveError};
use vecfield_traits::{ParametricField, Scalar};

/// Tangents carried at once by a sensitivity sweep.
pub(crate) const LANES: usize = 8;

/// A family of fields that can be integrated over floats and over duals, which is all a fit needs.
pub trait Differentiable: ParametricField<f64> + ParametricField<Dual<f64, LANES>> {}

impl<F: ParametricField<f64> + ParametricField<Dual<f64, LANES>>> Differentiable for F {}

/// A stretch of one run that is integrated in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Which run.
    pub run: usize,
    /// Which of its rows; the window starts at the first one's time.
    pub rows: Range<usize>,
}

impl Window {
    /// Cuts every run into windows of about `length` rows, none shorter than half of that.
    pub fn cut(data: &Trajectories, length: usize) -> Vec<Window> {
        let mut windows = Vec::new();
        for (run, trajectory) in data.runs().iter().enumerate() {
            let n = trajectory.len();
            let count = ((n as f64 / length.max(1) as f64).round() as usize).max(1);
            windows.extend((0..count).map(|k| Window { run, rows: k * n / count..(k + 1) * n / count }));
        }
        windows
    }
}

/// What the residuals are measured in and against.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// `observed[j]` is the state that column `j` of the data measures.
    pub observed: Vec<usize>,
    /// The scale of residuals.
    pub noise: Noise,
    /// The cost of a residual.
    pub loss: Loss,
    /// Standard deviation of the noise, one per column, in the noise model's scale; the ratios weigh the columns.
    pub sigma: Vec<f64>,
}

/// A multiple-shooting least-squares problem; its buffers are reused by every evaluation.
///
/// The unknowns `x` are the free constants, then the start of every window, `[dim]` each.
pub struct Shooting<'a, F: Differentiable> {
    data: &'a Trajectories,
    measurement: Measurement,
    windows: Vec<Window>,
    free: Vec<usize>,
    dim: usize,
    values: Sampler<'a, F, f64>,
    tangents: Sampler<'a, F, Dual<f64, LANES>>,
    /// Sensitivities of one window's states: `[rows, dim, free + dim]`.
    sensitivity: Vec<f64>,
    /// One row of them, in the noise model's scale.
    scaled: Vec<f64>,
    arrow: Arrow,
    /// Per column: sum of squared residuals (unweighted, without the robust loss) and their number.
    misfit: Vec<(f64, usize)>,
}

impl<'a, F: Differentiable> Shooting<'a, F> {
    /// The residuals of `family` against `data`, cut into `windows`. Constants start at `theta`; those with an index in
    /// `free` (increasing) are unknowns, the others stay.
    ///
    /// # Errors
    ///
    /// [`SolveError`] when the solver's options cannot be used.
    ///
    /// # Panics
    ///
    /// If an index or a length does not fit the family or the data.
    pub fn new(
        family: &'a F,
        data: &'a Trajectories,
        measurement: Measurement,
        windows: Vec<Window>,
        free: Vec<usize>,
        theta: &[f64],
        options: &Options<f64>,
    ) -> Result<Self, SolveError> {
        let dim = ParametricField::<f64>::dim(family);
        assert_eq!(measurement.observed.len(), data.dim(), "one observed state per column");
        assert_eq!(measurement.sigma.len(), data.dim(), "one noise level per column");
        assert!(measurement.observed.iter().all(|&state| state < dim), "observed states are states of the family");
        let longest = windows.iter().map(|w| w.rows.len()).max().unwrap_or(0);
        let lifted = theta.iter().map(|&v| Dual::lift(v)).collect();
        Ok(Self {
            values: Sampler::new(family, theta.to_vec(), longest, options)?,
            tangents: Sampler::new(family, lifted, longest, options)?,
            sensitivity: vec![0.0; longest * dim * (free.len() + dim)],
            scaled: vec![0.0; free.len() + dim],
            arrow: Arrow::new(free.len(), dim, windows.len()),
            misfit: vec![(0.0, 0); data.dim()],
            data,
            measurement,
            windows,
            free,
            dim,
        })
    }

    /// The windows.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// The data.
    pub fn data(&self) -> &'a Trajectories {
        self.data
    }

    /// Number of state components.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The noise levels in use.
    pub fn sigma(&self) -> &[f64] {
        &self.measurement.sigma
    }

    /// Sets the noise levels to the root mean square residuals of the last evaluation, not below `floor` (one per column).
    pub fn reweigh(&mut self, floor: &[f64]) {
        for (column, (sum, count)) in self.misfit.iter().enumerate() {
            if *count > 0 {
                self.measurement.sigma[column] = (sum / *count as f64).sqrt().max(floor[column]);
            }
        }
    }

    /// Per column: the sum of squared residuals of the last evaluation, in the noise model's scale, and their number.
    pub fn misfit(&self) -> &[(f64, usize)] {
        &self.misfit
    }

    /// The information matrix of the free constants, and that of each window's start, at the last linearisation.
    pub(crate) fn arrow(&mut self) -> &mut Arrow {
        &mut self.arrow
    }

    /// Writes the states at the rows of window `k` into `out` (`[rows, dim]`).
    ///
    /// # Errors
    ///
    /// The solver's, when the window cannot be integrated.
    pub fn states_into(&mut self, x: &[f64], k: usize, out: &mut [f64]) -> Result<(), SolveError> {
        self.place(x, k);
        let window = &self.windows[k];
        let times = &self.data.runs()[window.run].times()[window.rows.clone()];
        let states = self.values.run(times)?;
        out.copy_from_slice(states);
        Ok(())
    }

    /// Puts the constants and the start of window `k` in place.
    fn place(&mut self, x: &[f64], k: usize) {
        let p = self.free.len();
        let theta = self.values.field.theta_mut();
        for (&index, &value) in self.free.iter().zip(x) {
            theta[index] = value;
        }
        self.values.start.copy_from_slice(&x[p + k * self.dim..p + (k + 1) * self.dim]);
    }

    /// As [`place`](Self::place), with tangents for the unknowns `lane..lane + LANES` of `[free constants, own start]`.
    fn place_tangents(&mut self, x: &[f64], k: usize, lane: usize) {
        let p = self.free.len();
        let seeded = |value: f64, unknown: usize| match unknown.checked_sub(lane) {
            Some(i) if i < LANES => Dual::variable(value, i),
            _ => Dual::lift(value),
        };
        let theta = self.tangents.field.theta_mut();
        for (i, &index) in self.free.iter().enumerate() {
            theta[index] = seeded(x[i], i);
        }
        for i in 0..self.dim {
            self.tangents.start[i] = seeded(x[p + k * self.dim + i], p + i);
        }
    }

    /// After a [`sweep`](Self::sweep): the derivatives of state component `q` (`row·dim + component`) by the free constants
    /// and the window's own start.
    pub(crate) fn sensitivity(&self, q: usize) -> &[f64] {
        let unknowns = self.free.len() + self.dim;
        &self.sensitivity[q * unknowns..(q + 1) * unknowns]
    }

    /// Integrates window `k` with its sensitivities; `self.tangents.states` then holds the values.
    pub(crate) fn sweep(&mut self, x: &[f64], k: usize) -> Result<(), Infeasible> {
        let unknowns = self.free.len() + self.dim;
        let window = self.windows[k].clone();
        let data = self.data; // outlives the borrow of self
        let times = &data.runs()[window.run].times()[window.rows];
        for lane in (0..unknowns).step_by(LANES) {
            self.place_tangents(x, k, lane);
            let states = self.tangents.run(times).map_err(|_| Infeasible)?;
            let width = LANES.min(unknowns - lane);
            for (state, row) in states.iter().zip(self.sensitivity.chunks_exact_mut(unknowns)) {
                row[lane..lane + width].copy_from_slice(&state.tangent[..width]);
            }
        }
        Ok(())
    }
}

impl<F: Differentiable> NormalEquations for Shooting<'_, F> {
    fn parameter_count(&self) -> usize {
        self.arrow.unknowns()
    }

    fn cost(&mut self, x: &[f64]) -> Result<f64, Infeasible> {
        self.misfit.fill((0.0, 0));
        let mut cost = 0.0;
        for k in 0..self.windows.len() {
            self.place(x, k);
            let window = &self.windows[k];
            let run = &self.data.runs()[window.run];
            let states = self.values.run(&run.times()[window.rows.clone()]).map_err(|_| Infeasible)?;
            for (row, state) in window.rows.clone().zip(states.chunks_exact(self.dim)) {
                for (column, &observed) in run.row(row).iter().enumerate().filter(|(_, v)| !v.is_nan()) {
                    let m = &self.measurement;
                    let (r, _) = m.noise.residual(observed, state[m.observed[column]]);
                    if !r.is_finite() {
                        return Err(Infeasible);
                    }
                    cost += 0.5 * m.loss.of(r / m.sigma[column]).0;
                    self.misfit[column].0 += r * r;
                    self.misfit[column].1 += 1;
                }
            }
        }
        Ok(cost)
    }

    fn linearize(&mut self, x: &[f64], gradient: &mut [f64], diagonal: &mut [f64]) -> Result<f64, Infeasible> {
        self.misfit.fill((0.0, 0));
        self.arrow.clear();
        let (p, unknowns) = (self.free.len(), self.free.len() + self.dim);
        let mut cost = 0.0;
        for k in 0..self.windows.len() {
            self.sweep(x, k)?;
            let window = &self.windows[k];
            let run = &self.data.runs()[window.run];
            for (q, row) in window.rows.clone().enumerate() {
                for (column, &observed) in run.row(row).iter().enumerate().filter(|(_, v)| !v.is_nan()) {
                    let m = &self.measurement;
                    let at = q * self.dim + m.observed[column];
                    let (r, slope) = m.noise.residual(observed, self.tangents.states[at].value);
                    if !r.is_finite() {
                        return Err(Infeasible);
                    }
                    let (rho, weight) = m.loss.of(r / m.sigma[column]);
                    cost += 0.5 * rho;
                    self.misfit[column].0 += r * r;
                    self.misfit[column].1 += 1;
                    for (scaled, s) in self.scaled.iter_mut().zip(&self.sensitivity[at * unknowns..]) {
                        *scaled = slope * s;
                    }
                    let weight = weight / (m.sigma[column] * m.sigma[column]);
                    self.arrow.add(k, &self.scaled[..p], &self.scaled[p..], r, weight);
                }
            }
        }
        for (gradient, pull) in gradient.iter_mut().zip(self.arrow.pull()) {
            *gradient = -pull;
        }
        self.arrow.diagonal_into(diagonal);
        Ok(cost)
    }

    fn solve(&mut self, damping: &[f64], gradient: &[f64], free: &[bool], step: &mut [f64]) -> Result<(), LinalgError> {
        self.arrow.solve(damping, gradient, free, step)
    }

    fn curvature(&self, step: &[f64]) -> f64 {
        self.arrow.curvature(step)
    }
}
