//! Multiple shooting: the residuals of a family of fields against measured runs, with a free initial state per window.
//!
//! A long run is cut into windows; each is integrated from its own initial state. Short windows make the fit nearly linear
//! (a wrong constant cannot run away), one window is the true likelihood of a noise-free system. Unknowns, in this order:
//! the free constants, then the initial state of every window (Bock 1983; Ramsay & Hooker 2017, ch. 7).

use core::ops::Range;

use vecfield_data::Trajectories;
use vecfield_linalg::LinalgError;
use vecfield_optim::{Infeasible, NormalEquations};
use vecfield_traits::ParametricField;

use super::arrow::Arrow;
use super::engine::{Engine, Leg, Wanted};
use super::options::{FitOptions, Initial, Observed, Scale};
use super::unknowns::{Slot, Unknowns};
use crate::{AdjointError, Differentiable};

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

    /// The first `rows` of every run, or all where it has no more.
    pub fn beginnings(data: &Trajectories, rows: usize) -> Vec<Window> {
        let of = |(run, trajectory): (usize, &vecfield_data::Trajectory)| Window {
            run,
            rows: 0..rows.clamp(1, trajectory.len()),
        };
        data.runs().iter().enumerate().map(of).collect()
    }

    /// Do these windows hold every row?
    pub(crate) fn cover(windows: &[Window], data: &Trajectories) -> bool {
        windows.iter().map(|window| window.rows.len()).sum::<usize>() == data.row_count()
    }
}

/// A factor by which no positive constant moves in one step: beyond it the slopes it was computed from say nothing.
const FARTHEST: f64 = 100.0;

/// A multiple-shooting least-squares problem; its buffers are reused by every evaluation.
///
/// The unknowns `x` are the free constants in their scales (one that differs between runs once for each), then the start of every
/// window, `[dim]` each.
pub struct Shooting<'a, F: Differentiable> {
    data: &'a Trajectories,
    options: &'a FitOptions,
    sigma: Vec<f64>,
    windows: Vec<Window>,
    unknowns: Unknowns,
    dim: usize,
    engine: Engine<'a, F>,
    place: Place,
    /// States of one window.
    states: Vec<f64>,
    /// Their derivatives by the constants of its run and its own start, `[rows, dim, active + dim]`.
    slopes: Vec<f64>,
    needed: Vec<bool>,
    arrow: Arrow,
    /// Per column: sum of squared residuals (unweighted, without the robust loss) and their number.
    misfit: Vec<(f64, usize)>,
    /// The unknown constants at the last linearisation.
    anchor: Vec<f64>,
    /// Why the last evaluation failed.
    trouble: Option<AdjointError>,
}

/// Where the window at hand starts, and which constants move it.
#[derive(Debug, Clone, Default)]
struct Place {
    theta: Vec<f64>,
    start: Vec<f64>,
    /// Unknown constants of the run.
    active: Vec<usize>,
    /// Their parameters.
    parameters: Vec<usize>,
}

/// The prediction of one cell.
struct Cell<'s> {
    column: usize,
    row: usize,
    observed: f64,
    predicted: f64,
    /// Its derivatives by the active constants and the start.
    slopes: &'s [f64],
}

impl<'a, F: Differentiable> Shooting<'a, F> {
    /// The residuals of `family` against `data`, cut into `windows`. Constants start at `thetas`, `[runs, parameters]`.
    ///
    /// # Errors
    ///
    /// Options that the solver cannot use.
    ///
    /// # Panics
    ///
    /// If an index or a length of the options does not fit the family or the data.
    pub fn new(
        family: &'a F,
        data: &'a Trajectories,
        options: &'a FitOptions,
        windows: Vec<Window>,
        thetas: &[f64],
        sigma: Vec<f64>,
    ) -> Result<Self, AdjointError> {
        let dim = ParametricField::<f64>::dim(family);
        assert_eq!(options.observed.len(), data.dim(), "what each column measures");
        assert_eq!(sigma.len(), data.dim(), "one noise level per column");
        let known = |observed: &Observed| !matches!(observed, Observed::State(state) if *state >= dim);
        assert!(options.observed.iter().all(known), "observed states are states of the family");
        let longest = windows.iter().map(|w| w.rows.len()).max().unwrap_or(0);
        let unknowns = Unknowns::new(options, data.runs().len(), thetas, dim);
        let constants = unknowns.constants();
        let mut needed = vec![false; dim];
        for observed in &options.observed {
            match observed {
                Observed::State(state) => needed[*state] = true,
                Observed::Quantity(_) => needed.fill(true),
            }
        }
        Ok(Self {
            engine: Engine::new(family, options.method, &options.solver)?,
            place: Place::default(),
            states: vec![0.0; longest * dim],
            slopes: vec![0.0; longest * dim * (constants + dim)],
            needed: needed.iter().copied().cycle().take(longest * dim).collect(),
            arrow: Arrow::new(constants, dim, windows.len()),
            misfit: vec![(0.0, 0); data.dim()],
            anchor: Vec::new(),
            trouble: None,
            data,
            options,
            sigma,
            windows,
            unknowns,
            dim,
        })
    }

    pub(crate) fn windows(&self) -> &[Window] {
        &self.windows
    }

    pub(crate) fn data(&self) -> &'a Trajectories {
        self.data
    }

    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    pub(crate) fn unknowns(&self) -> &Unknowns {
        &self.unknowns
    }

    /// The noise levels in use.
    pub(crate) fn sigma(&self) -> &[f64] {
        &self.sigma
    }

    /// Why the last evaluation failed.
    pub(crate) fn trouble(&mut self) -> AdjointError {
        self.trouble.take().unwrap_or(AdjointError::Start)
    }

    /// Sets the noise levels to the root mean square residuals of the last evaluation, not below `floor` (one per column).
    pub(crate) fn reweigh(&mut self, floor: &[f64]) {
        for (column, (sum, count)) in self.misfit.iter().enumerate() {
            if *count > 0 {
                self.sigma[column] = (sum / *count as f64).sqrt().max(floor[column]);
            }
        }
    }

    /// Per column: the sum of squared residuals of the last evaluation, in the noise model's scale, and their number.
    pub(crate) fn misfit(&self) -> &[(f64, usize)] {
        &self.misfit
    }

    /// The information matrix of the free constants, and that of each window's start, at the last linearisation.
    pub(crate) fn arrow(&mut self) -> &mut Arrow {
        &mut self.arrow
    }

    /// Writes the states at the rows of window `k` into `out` (`[rows, dim]`).
    pub(crate) fn states_into(&mut self, x: &[f64], k: usize, out: &mut [f64]) -> Result<(), AdjointError> {
        self.go_to(x, k);
        let Place { theta, start, .. } = &self.place;
        let times = self.times(k);
        self.engine.states(Leg { theta, start, times }, out)
    }

    /// Writes what the columns measure at the rows of window `k`, with its states there.
    pub(crate) fn predict(&self, k: usize, states: &[f64], out: &mut [f64]) {
        let (theta, columns) = (&self.place.theta, self.options.observed.len());
        let rows = self.times(k).iter().zip(states.chunks_exact(self.dim));
        for ((&t, state), out) in rows.zip(out.chunks_exact_mut(columns.max(1))) {
            for (out, observed) in out.iter_mut().zip(&self.options.observed) {
                *out = match observed {
                    Observed::State(i) => state[*i],
                    Observed::Quantity(h) => h.value(t, state, theta),
                };
            }
        }
    }

    /// Writes the start of window `k`, quantities of the parameters filled in.
    pub(crate) fn start_into(&mut self, x: &[f64], k: usize, out: &mut [f64]) {
        self.go_to(x, k);
        out.copy_from_slice(&self.place.start);
    }

    fn times(&self, k: usize) -> &'a [f64] {
        let window = &self.windows[k];
        let data = self.data; // outlives the borrow of self
        &data.runs()[window.run].times()[window.rows.clone()]
    }

    /// Puts the constants and the start of window `k` in place.
    fn go_to(&mut self, x: &[f64], k: usize) {
        let (constants, dim, window) = (self.unknowns.constants(), self.dim, &self.windows[k]);
        let Place { theta, start, active, parameters } = &mut self.place;
        theta.resize(self.unknowns.parameters(), 0.0);
        self.unknowns.theta_into(x, window.run, theta);
        start.clear();
        start.extend_from_slice(&x[constants + k * dim..constants + (k + 1) * dim]);
        active.clear();
        parameters.clear();
        for (index, slot) in self.unknowns.slots.iter().enumerate() {
            if slot.run.is_none_or(|run| run == window.run) {
                active.push(index);
                parameters.push(slot.parameter);
            }
        }
        if window.rows.start == 0 {
            let t = self.data.runs()[window.run].times()[0];
            for state in 0..dim {
                if let Initial::Quantity(quantity) = self.options.initial(state) {
                    start[state] = quantity.value(t, &[], theta);
                }
            }
        }
    }

    /// Integrates window `k` with the derivatives of its states by the unknowns that move it.
    pub(crate) fn sweep(&mut self, x: &[f64], k: usize) -> Result<(), AdjointError> {
        self.go_to(x, k);
        let times = self.times(k);
        let Place { theta, start, parameters, active } = &self.place;
        let (n, m) = (times.len() * self.dim, active.len() + self.dim);
        let wanted = Wanted { parameters, components: &self.needed[..n] };
        let slopes = &mut self.slopes[..n * m];
        self.engine.derivatives(Leg { theta, start, times }, wanted, &mut self.states[..n], slopes)?;
        self.follow_starts(k);
        let slots = &self.unknowns.slots;
        let scales: Vec<f64> =
            self.place.active.iter().map(|&k| slots[k].slope(self.place.theta[slots[k].parameter])).collect();
        for row in self.slopes[..n * m].chunks_exact_mut(m) {
            for (slope, scale) in row.iter_mut().zip(&scales) {
                *slope *= scale;
            }
        }
        Ok(())
    }

    /// Starts that are quantities of the parameters move with them.
    fn follow_starts(&mut self, k: usize) {
        let window = &self.windows[k];
        if window.rows.start > 0 {
            return;
        }
        let t = self.data.runs()[window.run].times()[0];
        let Place { theta, parameters, .. } = &self.place;
        let (p, m) = (parameters.len(), parameters.len() + self.dim);
        for state in 0..self.dim {
            let Initial::Quantity(quantity) = self.options.initial(state) else { continue };
            let mut by_parameter = vec![0.0; theta.len()];
            quantity.differentiate(t, &[], theta, &mut [], &mut by_parameter);
            for row in self.slopes[..window.rows.len() * self.dim * m].chunks_exact_mut(m) {
                for (column, &parameter) in parameters.iter().enumerate() {
                    row[column] += row[p + state] * by_parameter[parameter];
                }
                row[p + state] = 0.0; // no unknown of its own
            }
        }
    }

    /// After a [`sweep`](Self::sweep) of window `k`: writes the derivatives of state component `q` (`row·dim + component`) by all
    /// unknowns.
    pub(crate) fn slopes_into(&self, k: usize, q: usize, out: &mut [f64]) {
        let Place { active, .. } = &self.place;
        let (constants, m) = (self.unknowns.constants(), active.len() + self.dim);
        let row = &self.slopes[q * m..(q + 1) * m];
        out.fill(0.0);
        for (&index, &slope) in active.iter().zip(row) {
            out[index] = slope;
        }
        out[constants + k * self.dim..][..self.dim].copy_from_slice(&row[active.len()..]);
    }

    /// After a [`sweep`](Self::sweep) of window `k`: shows every measured cell with the derivatives of its prediction.
    fn cells(
        &mut self,
        k: usize,
        mut show: impl FnMut(&mut Self, Cell<'_>) -> Result<(), AdjointError>,
    ) -> Result<(), AdjointError> {
        let window = self.windows[k].clone();
        let (data, options, dim) = (self.data, self.options, self.dim);
        let run = &data.runs()[window.run];
        let m = self.place.active.len() + dim;
        let (mut slopes, mut by_state) = (vec![0.0; m], vec![0.0; dim]);
        let mut by_parameter = vec![0.0; self.place.theta.len()];
        for (q, row) in window.rows.clone().enumerate() {
            for (column, &observed) in run.row(row).iter().enumerate().filter(|(_, v)| !v.is_nan()) {
                let state = &self.states[q * dim..(q + 1) * dim];
                let predicted = match &options.observed[column] {
                    Observed::State(i) => {
                        slopes.copy_from_slice(&self.slopes[(q * dim + i) * m..][..m]);
                        state[*i]
                    }
                    Observed::Quantity(quantity) => {
                        by_state.fill(0.0);
                        by_parameter.fill(0.0);
                        let Place { theta, active, parameters, .. } = &self.place;
                        let t = run.times()[row];
                        let value = quantity.differentiate(t, state, theta, &mut by_state, &mut by_parameter);
                        slopes.fill(0.0);
                        for (i, by) in by_state.iter().enumerate().filter(|(_, by)| **by != 0.0) {
                            vecfield_linalg::axpy(*by, &self.slopes[(q * dim + i) * m..][..m], &mut slopes);
                        }
                        for (column, (&index, &parameter)) in active.iter().zip(parameters).enumerate() {
                            let slot: &Slot = &self.unknowns.slots[index];
                            slopes[column] += by_parameter[parameter] * slot.slope(theta[parameter]);
                        }
                        value
                    }
                };
                show(self, Cell { column, row, observed, predicted, slopes: &slopes })?;
            }
        }
        Ok(())
    }

    /// What the priors add to the cost, and where it is linearised to the normal equations.
    fn priors(&mut self, x: &[f64], linearise: bool) -> f64 {
        let mut cost = 0.0;
        for prior in &self.options.priors {
            for (index, slot) in self.unknowns.slots.iter().enumerate().filter(|(_, s)| s.parameter == prior.parameter)
            {
                let value = slot.value(x[index]);
                let (r, slope) = prior.belief.residual(value);
                cost += 0.5 * r * r;
                if linearise {
                    self.arrow.add_one(index, slope * slot.slope(value), r);
                }
            }
        }
        cost
    }

    fn weigh(&mut self, column: usize, r: f64) -> f64 {
        self.misfit[column].0 += r * r;
        self.misfit[column].1 += 1;
        0.5 * self.options.loss.of(r / self.sigma[column]).0
    }

    fn cost_of(&mut self, x: &[f64]) -> Result<f64, AdjointError> {
        self.misfit.fill((0.0, 0));
        let mut cost = self.priors(x, false);
        let (data, options, dim) = (self.data, self.options, self.dim);
        for k in 0..self.windows.len() {
            let window = self.windows[k].clone();
            let mut states = core::mem::take(&mut self.states);
            let done = self.states_into(x, k, &mut states[..window.rows.len() * dim]);
            self.states = states;
            done?;
            let run = &data.runs()[window.run];
            for (q, row) in window.rows.enumerate() {
                for (column, &observed) in run.row(row).iter().enumerate().filter(|(_, v)| !v.is_nan()) {
                    let state = &self.states[q * dim..(q + 1) * dim];
                    let predicted = match &options.observed[column] {
                        Observed::State(i) => state[*i],
                        Observed::Quantity(h) => h.value(run.times()[row], state, &self.place.theta),
                    };
                    let (r, _) = options.noise.residual(observed, predicted);
                    if !r.is_finite() {
                        return Err(AdjointError::NoResidual { column, t: run.times()[row], predicted });
                    }
                    cost += self.weigh(column, r);
                }
            }
        }
        Ok(cost)
    }

    fn linearize_at(&mut self, x: &[f64]) -> Result<f64, AdjointError> {
        self.misfit.fill((0.0, 0));
        self.arrow.clear();
        self.anchor.clear();
        self.anchor.extend_from_slice(&x[..self.unknowns.constants()]);
        let mut cost = self.priors(x, true);
        let mut scaled = Vec::new();
        for k in 0..self.windows.len() {
            self.sweep(x, k)?;
            self.cells(k, |this, cell| {
                let Cell { column, row, observed, predicted, slopes } = cell;
                let (r, slope) = this.options.noise.residual(observed, predicted);
                if !r.is_finite() || !slopes.iter().all(|s| s.is_finite()) {
                    let t = this.data.runs()[this.windows[k].run].times()[row];
                    return Err(AdjointError::NoResidual { column, t, predicted });
                }
                cost += this.weigh(column, r);
                scaled.clear();
                scaled.extend(slopes.iter().map(|s| slope * s));
                let sigma = this.sigma[column];
                let weight = this.options.loss.of(r / sigma).1 / (sigma * sigma);
                let (shared, own) = scaled.split_at(this.place.active.len());
                this.arrow.add(k, &this.place.active, shared, own, r, weight);
                Ok(())
            })?;
        }
        Ok(cost)
    }

    /// Rows of the whitened Jacobian by all unknowns, `[cells, unknowns]`: what information there is, cell by cell.
    pub(crate) fn jacobian(&mut self, x: &[f64]) -> Result<Vec<f64>, AdjointError> {
        let mut jacobian = Vec::new();
        let (n, dim) = (x.len(), self.dim);
        for k in 0..self.windows.len() {
            self.sweep(x, k)?;
            self.cells(k, |this, Cell { column, observed, predicted, slopes, .. }| {
                let (r, slope) = this.options.noise.residual(observed, predicted);
                let root = this.options.loss.of(r / this.sigma[column]).1.sqrt() / this.sigma[column];
                let at = jacobian.len();
                jacobian.resize(at + n, 0.0);
                let (shared, own) = slopes.split_at(this.place.active.len());
                for (&index, s) in this.place.active.iter().zip(shared) {
                    jacobian[at + index] = root * slope * s;
                }
                let first = at + this.unknowns.constants() + k * dim;
                for (entry, s) in jacobian[first..first + dim].iter_mut().zip(own) {
                    *entry = root * slope * s;
                }
                Ok(())
            })?;
        }
        for prior in &self.options.priors {
            for (index, slot) in self.unknowns.slots.iter().enumerate().filter(|(_, s)| s.parameter == prior.parameter)
            {
                let value = slot.value(x[index]);
                let at = jacobian.len();
                jacobian.resize(at + n, 0.0);
                jacobian[at + index] = prior.belief.residual(value).1 * slot.slope(value);
            }
        }
        Ok(jacobian)
    }

    /// Is the step from the last linearisation one that its slopes can speak of?
    fn too_far(&self, x: &[f64]) -> bool {
        let moved = self.unknowns.slots.iter().zip(x).zip(&self.anchor);
        let limit = FARTHEST.ln();
        moved.into_iter().any(|((slot, x), anchor)| slot.scale == Scale::Log && (x - anchor).abs() > limit)
    }
}

impl<F: Differentiable> NormalEquations for Shooting<'_, F> {
    fn parameter_count(&self) -> usize {
        self.arrow.unknowns()
    }

    fn cost(&mut self, x: &[f64]) -> Result<f64, Infeasible> {
        if self.too_far(x) {
            return Err(Infeasible);
        }
        self.cost_of(x).map_err(|error| {
            self.trouble = Some(error);
            Infeasible
        })
    }

    fn linearize(&mut self, x: &[f64], gradient: &mut [f64], diagonal: &mut [f64]) -> Result<f64, Infeasible> {
        let cost = self.linearize_at(x).map_err(|error| {
            self.trouble = Some(error);
            Infeasible
        })?;
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
