//! Normal equations of all windows, with the initial states eliminated.

use crate::constraint::Flat;
use core::sync::atomic::{AtomicBool, Ordering};
use rayon::prelude::*;

use super::integrate::{Columns, Model, Scratch, Windows, integrate};
use vecfield_linalg::{Cholesky, LinalgError, dot};
use vecfield_optim::{Infeasible, NormalEquations};

/// Coefficients and initial states as one least-squares problem: `x = (θ, start of window 0, start of window 1, ..)`.
pub(crate) struct Shooting<'a> {
    pub(crate) model: Model<'a>,
    /// Where coefficients must stay: they move along it.
    flat: Option<Flat>,
    windows: &'a Windows<'a>,
    /// Noise per variable.
    sigma: Vec<f64>,
    /// One for each group of windows: a group is worked on by one thread, and groups do not depend on the number of threads.
    workers: Vec<Worker>,
    /// `JᵀJ` per window, `[count, count]`, and summed over coefficients.
    blocks: Vec<f64>,
    shared: Vec<f64>,
    count: usize,
}

/// Groups of windows.
const GROUPS: usize = 8;

/// Memory for one window at a time.
struct Worker {
    scratch: Scratch,
    states: Vec<f64>,
    sensitivities: Vec<f64>,
    /// Weighted rows, `[rows, count]`, and residuals.
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
    /// How the best initial states answer, per window `[coefficients + 1, d]`: the last row, less the others times the changes.
    response: Vec<f64>,
}

impl Linearised {
    /// Moves the initial states `starts` (`[windows, d]`) to where they are best when the coefficients change by `change`.
    pub(crate) fn move_starts(&self, change: &[f64], d: usize, starts: &mut [f64]) {
        let count = change.len();
        for (start, response) in starts.chunks_exact_mut(d).zip(self.response.chunks_exact((count + 1) * d)) {
            let (coupled, own) = response.split_at(count * d);
            vecfield_linalg::axpy(1.0, own, start);
            for (row, &delta) in coupled.chunks_exact(d).zip(change).filter(|(_, delta)| **delta != 0.0) {
                vecfield_linalg::axpy(-delta, row, start);
            }
        }
    }
}

impl<'a> Shooting<'a> {
    pub(crate) fn new(model: Model<'a>, windows: &'a Windows<'a>, sigma: &[f64]) -> Self {
        Self {
            model,
            flat: None,
            windows,
            sigma: sigma.to_vec(),
            workers: (0..GROUPS.min(windows.windows.len())).map(|_| Worker::new()).collect(),
            blocks: Vec::new(),
            shared: Vec::new(),
            count: 0,
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

    /// Integrates window `w`; leaves weighted rows and residuals `(y - model)/σ` of its measured cells.
    fn window(&self, worker: &mut Worker, x: &[f64], w: usize, columns: Option<Columns>) -> Result<(), Infeasible> {
        let d = self.model.dim();
        let window = self.windows.windows[w];
        let count = columns.map_or(0, |columns| columns.count(&self.model) + d);
        let Worker { scratch, states, sensitivities, rows, residuals } = worker;
        states.resize(window.len * d, 0.0);
        sensitivities.resize(window.len * d * count, 0.0);
        let start = self.start(x, w);
        integrate(&self.model, self.windows, w, start, columns, scratch, states, sensitivities)
            .map_err(|_| Infeasible)?;
        let run = &self.windows.data.runs()[window.run];
        rows.clear();
        residuals.clear();
        for k in 0..window.len {
            for (i, &measured) in run.row(window.first + k).iter().enumerate() {
                if measured.is_nan() {
                    continue;
                }
                let weight = 1.0 / self.sigma[i];
                residuals.push((measured - states[k * d + i]) * weight);
                let row = &sensitivities[(k * d + i) * count..(k * d + i + 1) * count];
                rows.extend(row.iter().map(|s| s * weight));
            }
        }
        Ok(())
    }

    /// The model's states at every sample, `[samples, d]` run after run (NaN where no window is), and `Σ r²` and the number of cells per
    /// variable, unweighted.
    pub(crate) fn trajectory(&mut self, x: &[f64]) -> Result<(Vec<Vec<f64>>, Vec<f64>), Infeasible> {
        self.load(x);
        let (d, data) = (self.model.dim(), self.windows.data);
        let mut found: Vec<Vec<Vec<f64>>> = vec![Vec::new(); self.workers.len()];
        self.pass(x, None, &mut found, |_, worker, found| {
            found.push(worker.states.clone());
            Ok(())
        })?;
        let mut paths: Vec<Vec<f64>> = data.runs().iter().map(|run| vec![f64::NAN; run.len() * d]).collect();
        let mut squares = vec![0.0; d];
        for (window, states) in self.windows.windows.iter().zip(found.iter().flatten()) {
            paths[window.run][window.first * d..(window.first + window.len) * d].copy_from_slice(states);
            for (k, state) in states.chunks(d).enumerate() {
                let measured = data.runs()[window.run].row(window.first + k);
                for i in 0..d {
                    if !measured[i].is_nan() {
                        squares[i] += (measured[i] - state[i]).powi(2);
                    }
                }
            }
        }
        Ok((paths, squares))
    }

    /// Linearises at `x` for `columns`, the initial states eliminated.
    pub(crate) fn linearised(&mut self, x: &[f64], columns: Columns) -> Result<Linearised, Infeasible> {
        self.load(x);
        let (d, free) = (self.model.dim(), columns.count(&self.model));
        let mut parts: Vec<Part> = self.workers.iter().map(|_| Part::new(free, d)).collect();
        self.pass(x, Some(columns), &mut parts, |_, worker, part| part.add(&worker.rows, &worker.residuals))?;
        let (mut m, mut g, mut response) = (vec![0.0; free * free], vec![0.0; free], Vec::new());
        for part in &parts {
            vecfield_linalg::axpy(1.0, &part.m, &mut m);
            vecfield_linalg::axpy(1.0, &part.g, &mut g);
            response.extend_from_slice(&part.response);
        }
        for i in 0..free {
            for j in 0..i {
                m[j * free + i] = m[i * free + j];
            }
        }
        Ok(Linearised { m, g, response })
    }
}

/// What a group of windows adds to the linearised likelihood.
struct Part {
    block: Vec<f64>,
    eliminated: Eliminated,
    m: Vec<f64>,
    g: Vec<f64>,
    response: Vec<f64>,
}

impl Part {
    fn new(free: usize, d: usize) -> Self {
        let count = free + d;
        Self {
            block: vec![0.0; count * count],
            eliminated: Eliminated::new(free, d),
            m: vec![0.0; free * free],
            g: vec![0.0; free],
            response: Vec::new(),
        }
    }

    fn add(&mut self, rows: &[f64], residuals: &[f64]) -> Result<(), Infeasible> {
        let free = self.g.len();
        let count = free + self.eliminated.d;
        self.block.fill(0.0);
        add_gram(rows, count, &mut self.block);
        let gradient = column_dots(rows, residuals, count);
        self.eliminated.fill(&self.block, &gradient, None).map_err(|_| Infeasible)?;
        self.response.extend_from_slice(&self.eliminated.solution);
        for i in 0..free {
            for j in 0..=i {
                self.m[i * free + j] += self.block[i * count + j] - self.eliminated.correction(i, j);
            }
            self.g[i] += gradient[i] - self.eliminated.gradient_correction(i);
        }
        Ok(())
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
        self.load(x);
        let (d, free) = (self.model.dim(), self.model.free);
        let count = free + d;
        self.count = count;
        let windows = self.windows.windows.len();
        let mut blocks = core::mem::take(&mut self.blocks);
        blocks.clear();
        blocks.resize(windows * count * count, 0.0);
        self.shared.clear();
        self.shared.resize(free * free, 0.0);
        gradient.fill(0.0);
        let group = self.group();
        let mut slopes = vec![0.0; windows * count];
        let mut kept: Vec<(f64, &mut [f64], &mut [f64])> = (blocks.chunks_mut(group * count * count))
            .zip(slopes.chunks_mut(group * count))
            .map(|(blocks, slopes)| (0.0, blocks, slopes))
            .collect();
        let passed = self.pass(x, Some(Columns::Free), &mut kept, |w, worker, (sum, blocks, slopes)| {
            *sum += dot(&worker.residuals, &worker.residuals);
            let at = w % group;
            add_gram(&worker.rows, count, &mut blocks[at * count * count..(at + 1) * count * count]);
            slopes[at * count..(at + 1) * count].copy_from_slice(&column_dots(&worker.rows, &worker.residuals, count));
            Ok(())
        });
        let sum: f64 = kept.iter().map(|kept| kept.0).sum();
        self.blocks = blocks;
        passed?;
        for (w, (block, slopes)) in self.blocks.chunks_exact(count * count).zip(slopes.chunks_exact(count)).enumerate()
        {
            // Residuals are data minus model: the gradient has the other sign.
            for i in 0..free {
                gradient[i] -= slopes[i];
                for j in 0..=i {
                    self.shared[i * free + j] += block[i * count + j];
                }
            }
            for i in 0..d {
                gradient[free + w * d + i] = -slopes[free + i];
                diagonal[free + w * d + i] = block[(free + i) * count + free + i];
            }
        }
        for i in 0..free {
            diagonal[i] = self.shared[i * free + i];
        }
        if let Some(flat) = &self.flat {
            let along = flat.expand(&flat.project(&gradient[..free]));
            gradient[..free].copy_from_slice(&along);
        }
        Ok(0.5 * sum)
    }

    fn solve(
        &mut self,
        damping: &[f64],
        gradient: &[f64],
        _free: &[bool],
        step: &mut [f64],
    ) -> Result<(), LinalgError> {
        // No bounds are set, so every parameter is free.
        let (d, free, count) = (self.model.dim(), self.model.free, self.count);
        let mut matrix = self.shared.clone();
        for i in 0..free {
            matrix[i * free + i] += damping[i];
            step[i] = -gradient[i];
        }
        let windows = self.windows.windows.len();
        let mut eliminated = Eliminated::new(free, d);
        let mut window_gradient = vec![0.0; count];
        let mut kept = Vec::with_capacity(windows * (free + 1) * d);
        for w in 0..windows {
            let block = &self.blocks[w * count * count..(w + 1) * count * count];
            let place = free + w * d;
            for i in 0..d {
                window_gradient[free + i] = -gradient[place + i];
            }
            eliminated.fill(block, &window_gradient, Some(&damping[place..place + d]))?;
            for i in 0..free {
                for j in 0..=i {
                    matrix[i * free + j] -= eliminated.correction(i, j);
                }
                step[i] -= eliminated.gradient_correction(i);
            }
            kept.extend_from_slice(&eliminated.solution);
        }
        let (head, tail) = step.split_at_mut(free);
        if let Some(flat) = &self.flat {
            (0..free).for_each(|i| (0..i).for_each(|j| matrix[j * free + i] = matrix[i * free + j]));
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
        for w in 0..windows {
            // start = D⁻¹ g - D⁻¹ Bᵀ θ
            let solution = &kept[w * (free + 1) * d..(w + 1) * (free + 1) * d];
            for i in 0..d {
                let coupled: f64 = (0..free).map(|q| solution[q * d + i] * head[q]).sum();
                tail[w * d + i] = solution[free * d + i] - coupled;
            }
        }
        Ok(())
    }

    fn curvature(&self, step: &[f64]) -> f64 {
        let (d, free, count) = (self.model.dim(), self.model.free, self.count);
        let mut sum = 0.0;
        for i in 0..free {
            for j in 0..=i {
                let twice = if i == j { 1.0 } else { 2.0 };
                sum += twice * self.shared[i * free + j] * step[i] * step[j];
            }
        }
        for w in 0..self.windows.windows.len() {
            let block = &self.blocks[w * count * count..(w + 1) * count * count];
            let start = &step[free + w * d..free + (w + 1) * d];
            for i in 0..d {
                let row = &block[(free + i) * count..(free + i + 1) * count];
                let coupled = dot(&row[..free], &step[..free]);
                let own: f64 = (0..d).map(|j| block[(free + i.max(j)) * count + free + i.min(j)] * start[j]).sum();
                sum += start[i] * (2.0 * coupled + own);
            }
        }
        sum
    }
}

/// A window's initial state eliminated: `D⁻¹ Bᵀ` and `D⁻¹ g`.
struct Eliminated {
    free: usize,
    d: usize,
    /// `B` by rows `[free, d]`.
    coupling: Vec<f64>,
    /// Row `q`: `D⁻¹ (Bᵀ)_q`, then in row `free`: `D⁻¹ g`; `[free + 1, d]`.
    solution: Vec<f64>,
    matrix: Vec<f64>,
    cholesky: Cholesky<f64>,
}

impl Eliminated {
    fn new(free: usize, d: usize) -> Self {
        let (coupling, solution) = (vec![0.0; free * d], vec![0.0; (free + 1) * d]);
        Self { free, d, coupling, solution, matrix: vec![0.0; d * d], cholesky: Cholesky::new(d) }
    }

    /// From the lower triangle of a window's `JᵀJ` and its gradient, both over `(θ, start)`.
    fn fill(&mut self, block: &[f64], gradient: &[f64], damping: Option<&[f64]>) -> Result<(), LinalgError> {
        let (free, d) = (self.free, self.d);
        let count = free + d;
        for i in 0..d {
            let row = &block[(free + i) * count..(free + i + 1) * count];
            for j in 0..=i {
                self.matrix[i * d + j] = row[free + j];
            }
            // A state no measurement of the window sees stays where it is; each in its own unit.
            let own = row[free + i];
            let held = if own > 0.0 { 1e-12 * own } else { 1.0 };
            self.matrix[i * d + i] += damping.map_or(0.0, |damping| damping[i]) + held;
            for q in 0..free {
                self.coupling[q * d + i] = row[q];
            }
            self.solution[free * d + i] = gradient[free + i];
        }
        self.solution[..free * d].copy_from_slice(&self.coupling);
        self.cholesky.factorize(&self.matrix)?;
        self.solution.chunks_exact_mut(d).for_each(|row| self.cholesky.solve(row));
        Ok(())
    }

    fn correction(&self, i: usize, j: usize) -> f64 {
        let d = self.d;
        dot(&self.coupling[i * d..(i + 1) * d], &self.solution[j * d..(j + 1) * d])
    }

    fn gradient_correction(&self, i: usize) -> f64 {
        let (d, free) = (self.d, self.free);
        dot(&self.coupling[i * d..(i + 1) * d], &self.solution[free * d..])
    }
}

/// Adds `rowsᵀ rows` to the lower triangle of `gram` (`[n, n]`), four rows at a time: the triangle is the larger operand, and is
/// passed over a quarter as often.
fn add_gram(rows: &[f64], n: usize, gram: &mut [f64]) {
    let mut quads = rows.chunks_exact(4 * n);
    for quad in &mut quads {
        let (a, rest) = quad.split_at(n);
        let (b, rest) = rest.split_at(n);
        let (c, d) = rest.split_at(n);
        for i in 0..n {
            let (ai, bi, ci, di) = (a[i], b[i], c[i], d[i]);
            let out = &mut gram[i * n..=i * n + i];
            for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *out += (ai * a + bi * b) + (ci * c + di * d);
            }
        }
    }
    for row in quads.remainder().chunks_exact(n) {
        for i in 0..n {
            vecfield_linalg::axpy(row[i], &row[..=i], &mut gram[i * n..=i * n + i]);
        }
    }
}

/// `rowsᵀ residuals`.
fn column_dots(rows: &[f64], residuals: &[f64], n: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n];
    for (row, &r) in rows.chunks_exact(n.max(1)).zip(residuals) {
        vecfield_linalg::axpy(r, row, &mut sums);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::{Part, Term};
    use super::*;
    use crate::Library;
    use vecfield_data::{Trajectories, Trajectory};

    /// The gradient is the derivative of the cost, and a damped step minimises the damped model: `(JᵀJ + D) s = -g`.
    #[test]
    fn normal_equations_belong_to_the_cost() {
        let names = vec!["x".to_string(), "y".to_string()];
        let times: Vec<f64> = (0..13).map(|k| 0.1 * f64::from(k) + 0.01 * f64::from(k % 3)).collect();
        let values = times.iter().enumerate().flat_map(|(k, t)| [t.cos(), if k == 4 { f64::NAN } else { -t.sin() }]);
        let run = Trajectory::new(times.clone(), values.collect(), vec![]).unwrap();
        let data = Trajectories::new(names.clone(), vec![], vec![run.clone(), run]).unwrap();
        let library = Library::polynomial(&names, 2).unwrap();
        let windows = Windows::new(&data, 5, 2);
        // x' = y / (1 + x²/5), y' = -x + known 3xy/10.
        let mut terms: Vec<Term> = [(0, 2), (1, 1), (0, 3), (1, 4)].map(Term::of_sum).to_vec();
        terms[2].part = Part::Denominator;
        let model = Model::new(&library, 2, terms, vec![1.0, -1.0, 0.2, 0.3], 3);
        let mut problem = Shooting::new(model, &windows, &[0.1, 0.2]);
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
}
