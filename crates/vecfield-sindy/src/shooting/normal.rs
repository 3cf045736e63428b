//! The least-squares problem of all windows.

use crate::constraint::Flat;
use crate::regression::mirror;
use core::sync::atomic::{AtomicBool, Ordering};
use rayon::prelude::*;

use super::chain::Chain;
use super::gram::{Normal, Part};
use super::integrate::{Columns, Model, Scratch, Windows, integrate};
use vecfield_linalg::{Cholesky, LinalgError, dot};
use vecfield_optim::{Infeasible, NormalEquations};

/// Coefficients and initial states as one least-squares problem: `x = (θ, start of window 0, start of window 1, ..)`.
pub(crate) struct Shooting<'a> {
    pub(crate) model: Model<'a>,
    /// Where coefficients must stay: they move along it.
    flat: Option<Flat>,
    windows: &'a Windows<'a>,
    /// One over the noise, and over what the end of a window may be off the next one's start, per variable.
    weights: Vec<f64>,
    tie_weights: Vec<f64>,
    /// One for each group of windows: a group is worked on by one thread, and groups do not depend on the number of threads.
    workers: Vec<Worker>,
    /// At the last point that was linearised at.
    normal: Normal,
}

/// Groups of windows.
const GROUPS: usize = 8;

/// Memory for one window at a time.
struct Worker {
    scratch: Scratch,
    states: Vec<f64>,
    sensitivities: Vec<f64>,
    /// Weighted rows, `[rows, count]`, and residuals: of the measured cells, then of the tie to the next window.
    rows: Vec<f64>,
    residuals: Vec<f64>,
}

impl Worker {
    fn new() -> Self {
        let empty = Vec::new;
        Self { scratch: Scratch::new(), states: empty(), sensitivities: empty(), rows: empty(), residuals: empty() }
    }
}

/// The likelihood linearised for many coefficients: `-2 log L = const + δᵀ M δ - 2 gᵀ δ` for a change `δ`, initial states at their best.
pub(crate) struct Linearised {
    pub(crate) m: Vec<f64>,
    pub(crate) g: Vec<f64>,
    chain: Chain,
}

impl Linearised {
    /// Moves the initial states `starts` (`[windows, d]`) to where they are best when the coefficients change by `change`.
    pub(crate) fn move_starts(&self, change: &[f64], starts: &mut [f64]) {
        let mut steps = vec![0.0; starts.len()];
        self.chain.starts(change, &mut steps);
        vecfield_linalg::axpy(1.0, &steps, starts);
    }
}

impl<'a> Shooting<'a> {
    pub(crate) fn new(model: Model<'a>, windows: &'a Windows<'a>, sigma: &[f64]) -> Self {
        let over = |share: f64| sigma.iter().map(|s| 1.0 / (share * s)).collect();
        Self {
            model,
            flat: None,
            windows,
            weights: over(1.0),
            tie_weights: over(windows.cut.tie.unwrap_or(f64::INFINITY)),
            workers: (0..GROUPS.min(windows.windows.len())).map(|_| Worker::new()).collect(),
            normal: Normal::default(),
        }
    }

    /// The same with coefficients that only move along a flat.
    pub(crate) fn within(self, flat: Option<Flat>) -> Self {
        Self { flat, ..self }
    }

    /// Takes the coefficients out of `x`, for a pass over the windows.
    fn load(&mut self, x: &[f64]) {
        let free = self.model.free;
        self.model.coefficients[..free].copy_from_slice(&x[..free]);
        self.workers.iter_mut().for_each(|worker| worker.scratch.begin());
    }

    /// Windows in a group.
    fn group(&self) -> usize {
        self.windows.windows.len().div_ceil(GROUPS).max(1)
    }

    /// Integrates every window and gives it to `then` with what its group keeps in `kept`.
    fn pass<K: Send>(
        &mut self,
        x: &[f64],
        columns: Option<Columns>,
        kept: &mut [K],
        then: impl Fn(usize, &Worker, &mut K) -> Result<(), Infeasible> + Sync,
    ) -> Result<(), Infeasible> {
        let group = self.group();
        let count = self.windows.windows.len();
        let (mut workers, failed) = (core::mem::take(&mut self.workers), AtomicBool::new(false));
        let this = &*self;
        let done = workers.par_iter_mut().zip(kept.par_iter_mut()).enumerate().try_for_each(|(at, (worker, kept))| {
            for w in at * group..count.min((at + 1) * group) {
                // Another group's failure is everyone's.
                if failed.load(Ordering::Relaxed) {
                    return Err(Infeasible);
                }
                let window = this.window(worker, x, w, columns).and_then(|()| then(w, worker, kept));
                if window.is_err() {
                    failed.store(true, Ordering::Relaxed);
                    return window;
                }
            }
            Ok(())
        });
        let apart = !Scratch::agree(workers.iter().map(|worker| &worker.scratch));
        self.workers = workers;
        if apart { Err(Infeasible) } else { done }
    }

    fn start<'x>(&self, x: &'x [f64], w: usize) -> &'x [f64] {
        let (d, free) = (self.model.dim(), self.model.free);
        &x[free + w * d..free + (w + 1) * d]
    }

    /// Integrates window `w`; leaves weighted rows and residuals `(y - model)/σ` of its measured cells, and, where the next is tied to it, of
    /// its end: `(next start - end)/(tie σ)`.
    fn window(&self, worker: &mut Worker, x: &[f64], w: usize, columns: Option<Columns>) -> Result<(), Infeasible> {
        let d = self.model.dim();
        let window = self.windows.windows[w];
        let count = columns.map_or(0, |columns| columns.count(&self.model) + d);
        let Worker { scratch, states, sensitivities, rows, residuals } = worker;
        let samples = window.len + usize::from(window.tied);
        states.resize(samples * d, 0.0);
        sensitivities.resize(samples * d * count, 0.0);
        let start = self.start(x, w);
        integrate(&self.model, self.windows, w, start, columns, scratch, states, sensitivities)
            .map_err(|_| Infeasible)?;
        let run = &self.windows.data.runs()[window.run];
        rows.clear();
        residuals.clear();
        for k in 0..samples {
            let (target, weights) = if k < window.len {
                (run.row(window.first + k), &self.weights)
            } else {
                (self.start(x, w + 1), &self.tie_weights)
            };
            for (i, (&target, &weight)) in target.iter().zip(weights).enumerate() {
                if target.is_nan() {
                    continue;
                }
                residuals.push((target - states[k * d + i]) * weight);
                let row = &sensitivities[(k * d + i) * count..(k * d + i + 1) * count];
                rows.extend(row.iter().map(|s| s * weight));
            }
        }
        Ok(())
    }

    /// The model's states at every sample, `[samples, d]` run after run (NaN where no window is), and per variable `Σ r²` of the measured
    /// cells and of the ties, these over the share of the noise that they have; unweighted.
    pub(crate) fn trajectory(&mut self, x: &[f64]) -> Result<(Vec<Vec<f64>>, Vec<f64>), Infeasible> {
        self.load(x);
        let (d, data) = (self.model.dim(), self.windows.data);
        let mut found: Vec<Vec<(Vec<f64>, Vec<f64>)>> = vec![Vec::new(); self.workers.len()];
        let (windows, weights) = (self.windows, self.weights.clone());
        self.pass(x, None, &mut found, |w, worker, found| {
            let mut squares = vec![0.0; d];
            let window = windows.windows[w];
            let run = &data.runs()[window.run];
            let measured = (0..window.len).flat_map(|k| run.row(window.first + k).iter().enumerate());
            let observed = measured.filter(|(_, y)| !y.is_nan()).map(|(i, _)| i).chain(0..d);
            for (i, r) in observed.zip(&worker.residuals) {
                squares[i] += (r / weights[i]).powi(2);
            }
            found.push((worker.states[..window.len * d].to_vec(), squares));
            Ok(())
        })?;
        let mut paths: Vec<Vec<f64>> = data.runs().iter().map(|run| vec![f64::NAN; run.len() * d]).collect();
        let mut squares = vec![0.0; d];
        for (window, (states, of_window)) in self.windows.windows.iter().zip(found.iter().flatten()) {
            paths[window.run][window.first * d..(window.first + window.len) * d].copy_from_slice(states);
            vecfield_linalg::axpy(1.0, of_window, &mut squares);
        }
        Ok((paths, squares))
    }

    /// The normal equations at `x` for `columns`.
    fn assemble(&mut self, x: &[f64], columns: Columns) -> Result<Normal, Infeasible> {
        self.load(x);
        let (d, free) = (self.model.dim(), columns.count(&self.model));
        let mut parts: Vec<Part> = self.workers.iter().map(|_| Part::new(free, d)).collect();
        let windows = self.windows;
        self.pass(x, Some(columns), &mut parts, |w, worker, part| {
            part.add(&worker.rows, &worker.residuals, windows.windows[w].tied);
            Ok(())
        })?;
        Ok(Normal::sum(free, parts, &self.tie_weights))
    }

    /// Linearises at `x` for `columns`, the initial states eliminated.
    pub(crate) fn linearised(&mut self, x: &[f64], columns: Columns) -> Result<Linearised, Infeasible> {
        let Normal { mut m, mut g, borders, .. } = self.assemble(x, columns)?;
        let chain = Chain::eliminate(&borders, None, &mut m, &mut g).map_err(|_| Infeasible)?;
        mirror(&mut m, g.len());
        Ok(Linearised { m, g, chain })
    }
}

impl NormalEquations for Shooting<'_> {
    fn parameter_count(&self) -> usize {
        self.model.free + self.windows.windows.len() * self.model.dim()
    }

    fn cost(&mut self, x: &[f64]) -> Result<f64, Infeasible> {
        self.load(x);
        let mut sums = vec![0.0; self.workers.len()];
        self.pass(x, None, &mut sums, |_, worker, sum| {
            *sum += dot(&worker.residuals, &worker.residuals);
            Ok(())
        })?;
        Ok(0.5 * sums.iter().sum::<f64>())
    }

    fn linearize(&mut self, x: &[f64], gradient: &mut [f64], diagonal: &mut [f64]) -> Result<f64, Infeasible> {
        self.normal = self.assemble(x, Columns::Free)?;
        let (d, free, normal) = (self.model.dim(), self.model.free, &self.normal);
        // Residuals are data minus model: the gradient has the other sign.
        for i in 0..free {
            gradient[i] = -normal.g[i];
            diagonal[i] = normal.m[i * free + i];
        }
        for (w, border) in normal.borders.iter().enumerate() {
            for i in 0..d {
                gradient[free + w * d + i] = -border.gradient[i];
                diagonal[free + w * d + i] = border.coupling[(free + i) * d + i];
            }
        }
        if let Some(flat) = &self.flat {
            let along = flat.expand(&flat.project(&gradient[..free]));
            gradient[..free].copy_from_slice(&along);
        }
        Ok(0.5 * normal.squares)
    }

    fn solve(
        &mut self,
        damping: &[f64],
        gradient: &[f64],
        _free: &[bool],
        step: &mut [f64],
    ) -> Result<(), LinalgError> {
        // No bounds are set, so every parameter is free.
        let free = self.model.free;
        let mut matrix = self.normal.m.clone();
        let (head, tail) = step.split_at_mut(free);
        for i in 0..free {
            matrix[i * free + i] += damping[i];
            head[i] = -gradient[i];
        }
        let chain = Chain::eliminate(&self.normal.borders, Some(&damping[free..]), &mut matrix, head)?;
        if let Some(flat) = &self.flat {
            mirror(&mut matrix, free);
            let mut cholesky = Cholesky::new(flat.free);
            cholesky.factorize(&flat.reduce(&matrix))?;
            let mut along = flat.project(head);
            cholesky.solve(&mut along);
            head.copy_from_slice(&flat.expand(&along));
        } else {
            let mut cholesky = Cholesky::new(free);
            cholesky.factorize(&matrix)?;
            cholesky.solve(head);
        }
        chain.starts(head, tail);
        Ok(())
    }

    fn curvature(&self, step: &[f64]) -> f64 {
        let (d, free) = (self.model.dim(), self.model.free);
        let (head, tail) = step.split_at(free);
        let mut sum = 0.0;
        for (i, row) in self.normal.m.chunks_exact(free.max(1)).enumerate() {
            sum += head[i] * (2.0 * dot(&row[..i], &head[..i]) + row[i] * head[i]);
        }
        for (w, border) in self.normal.borders.iter().enumerate() {
            let (start, ahead) = tail[w * d..].split_at(d);
            sum += border.curvature(head, start, ahead.get(..d).unwrap_or_default());
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cut, Term};
    use super::*;
    use crate::Library;
    use vecfield_data::{Trajectories, Trajectory};

    fn data() -> (Vec<String>, Trajectories) {
        let names = vec!["x".to_string(), "y".to_string()];
        let times: Vec<f64> = (0..13).map(|k| 0.1 * f64::from(k) + 0.01 * f64::from(k % 3)).collect();
        let values = times.iter().enumerate().flat_map(|(k, t)| [t.cos(), if k == 4 { f64::NAN } else { -t.sin() }]);
        let run = Trajectory::new(times.clone(), values.collect(), vec![]).unwrap();
        (names.clone(), Trajectories::new(names, vec![], vec![run.clone(), run]).unwrap())
    }

    /// x' = y / (1 + x²/5), y' = -x + known 3xy/10.
    fn model(library: &Library) -> Model<'_> {
        let mut terms: Vec<Term> = [(0, 2), (1, 1), (0, 3), (1, 4)].map(Term::of_sum).to_vec();
        terms[2].part = super::super::Part::Denominator;
        Model::new(library, 2, terms, vec![1.0, -1.0, 0.2, 0.3], 3)
    }

    /// The gradient is the derivative of the cost, and a damped step minimises the damped model: `(JᵀJ + D) s = -g`.
    #[test]
    fn normal_equations_belong_to_the_cost() {
        let (names, data) = data();
        let library = Library::polynomial(&names, 2).unwrap();
        for tie in [None, Some(0.5), Some(1e-3)] {
            belong_to_the_cost(&library, &Windows::new(&data, Cut { len: 5, level: 2, slopes: 2, tie }));
        }
    }

    fn belong_to_the_cost(library: &Library, windows: &Windows) {
        let mut problem = Shooting::new(model(library), windows, &[0.1, 0.2]);
        let n = problem.parameter_count();
        let x: Vec<f64> = (0..n).map(|i| 0.8 + 0.1 * (i as f64).sin()).collect();
        let (mut gradient, mut diagonal) = (vec![0.0; n], vec![0.0; n]);
        let cost = problem.linearize(&x, &mut gradient, &mut diagonal).unwrap();
        assert!((cost - problem.cost(&x).unwrap()).abs() < 1e-12 * cost);
        for i in 0..n {
            let mut at = |h: f64| {
                let mut moved = x.clone();
                moved[i] += h;
                problem.cost(&moved).unwrap()
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - gradient[i]).abs() < 1e-6 * (1.0 + slope.abs()), "{i}: {slope} {}", gradient[i]);
        }
        let damping: Vec<f64> = diagonal.iter().map(|d| 0.01 * d).collect();
        let mut step = vec![0.0; n];
        problem.solve(&damping, &gradient, &vec![true; n], &mut step).unwrap();
        let damped = |problem: &Shooting, step: &[f64]| {
            let squares: f64 = step.iter().zip(&damping).map(|(s, d)| s * s * d).sum();
            dot(step, &gradient) + 0.5 * (problem.curvature(step) + squares)
        };
        let least = damped(&problem, &step);
        for i in 0..n {
            // A quadratic is stationary where both sides rise alike.
            let side = |h: f64| {
                let mut moved = step.clone();
                moved[i] += h;
                damped(&problem, &moved)
            };
            let (forth, back) = (side(1e-2) - least, side(-1e-2) - least);
            assert!(forth > 0.0 && (forth - back).abs() < 1e-6 * (forth + back), "{i}: {forth:e} {back:e}");
        }
    }

    /// Windows that are tied closely have the likelihood of one path: of a run that is one window.
    #[test]
    fn tied_windows_are_one() {
        let (names, data) = data();
        let library = Library::polynomial(&names, 2).unwrap();
        let linearised = |cut: Cut, x: &[f64]| {
            let windows = Windows::new(&data, cut);
            let mut problem = Shooting::new(model(&library), &windows, &[0.1, 0.2]);
            let (path, _) = problem.trajectory(x).unwrap();
            (problem.linearised(x, Columns::All { features: 6, denominators: true }).unwrap(), path)
        };
        let coefficients = [1.0, -1.0, 0.2];
        let start = [1.0, 0.1];
        let whole = Cut { len: 13, level: 4, slopes: 4, tie: None };
        let (one, path) = linearised(whole, &[&coefficients[..], &start, &start].concat());
        let tied = Cut { len: 4, tie: Some(1e-5), ..whole };
        let windows = Windows::new(&data, tied).windows;
        assert_eq!(windows.len(), 6);
        let starts = windows.iter().flat_map(|window| &path[window.run][2 * window.first..2 * window.first + 2]);
        let (many, _) = linearised(tied, &coefficients.iter().chain(starts).copied().collect::<Vec<f64>>());
        let size = |values: &[f64]| dot(values, values).sqrt();
        let apart = |a: &[f64], b: &[f64]| size(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>()) / size(a);
        assert!(apart(&one.m, &many.m) < 1e-5, "{:e}", apart(&one.m, &many.m));
        assert!(apart(&one.g, &many.g) < 1e-5, "{:e}", apart(&one.g, &many.g));
        // States answer as along one path: the first ones alike.
        let change: Vec<f64> = (0..24).map(|k| 0.01 * f64::from(k)).collect();
        let (mut by_one, mut by_many) = ([0.0; 4], [0.0; 12]);
        one.move_starts(&change, &mut by_one);
        many.move_starts(&change, &mut by_many);
        assert!(apart(&by_one[..2], &by_many[..2]) < 1e-4, "{by_one:?} {by_many:?}");
    }
}
