//! Level by level: each solves the problem finer, and what two differ by tells the error.

use super::found::{Constant, Found, Pieces, Solution, Verdict};
use super::{ROUNDING, Settings, Watcher, difference};
use crate::PinnError;
use crate::formula::{At, Columns};
use crate::march::{Level, march};
use crate::problem::Problem;
use crate::refine::Refinement;

/// The levels of a problem until now.
pub(super) struct Run<'r> {
    problem: &'r Problem,
    settings: &'r Settings,
    watcher: Watcher<'r>,
    probes: Columns,
    /// By how much each level differs from the one before.
    levels: Vec<f64>,
    best: Option<Finest>,
    constants: Vec<Constant>,
    /// What noise in the measurements leaves open.
    uncertainty: Option<f64>,
    /// By how much a finer solution differs that was not finished, where there is one.
    partial: Option<f64>,
}

/// The finest level so far.
struct Finest {
    pieces: Pieces,
    values: Columns,
    residual: f64,
    missing: Vec<String>,
}

impl<'r> Run<'r> {
    pub(super) fn new(problem: &'r Problem, settings: &'r Settings, watcher: Watcher<'r>, probes: Columns) -> Self {
        Run {
            problem,
            settings,
            watcher,
            probes,
            levels: vec![],
            best: None,
            constants: vec![],
            uncertainty: None,
            partial: None,
        }
    }

    pub(super) fn by_windows(&mut self, direction: (usize, bool)) -> Result<(), PinnError> {
        for level in 0..self.settings.levels.min(6) {
            self.watcher.level = level + 1;
            self.watcher.share = 0.0;
            let tolerance = [1e-4, 1e-5, 1e-7, 1e-9, 1e-11, 1e-13][level];
            let single = self.problem.low.len() == 1;
            let degrees = (0..self.problem.low.len())
                .map(|i| match (i == direction.0, single, self.problem.low.len() > 2) {
                    (_, true, _) => 14 + 2 * level,
                    (true, _, false) => 7 + 2 * level,
                    (false, _, false) => 10 + 2 * level,
                    // Two dimensions of space: what is not needed is costly.
                    (true, _, true) => 7 + level,
                    (false, _, true) => 8 + level,
                })
                .collect();
            let level = Level { tolerance, degrees, first: if level == 0 { 0.1 } else { 0.05 } };
            match march(self.problem, direction, &level, &mut self.watcher) {
                Ok((pieces, missing)) => {
                    let residual = self.watcher.residual;
                    self.accept(pieces, residual, missing);
                }
                Err(error) if self.best.is_none() => return Err(error),
                Err(_) => {
                    self.compare_partial(direction);
                    break;
                }
            }
            if self.done() {
                break;
            }
        }
        Ok(())
    }

    /// What an unfinished finer march says of the error of the finest that was finished.
    fn compare_partial(&mut self, (coordinate, upwards): (usize, bool)) {
        let windows = core::mem::take(&mut self.watcher.partial);
        let (Some(best), Some(last)) = (&self.best, windows.last()) else { return };
        let mesh = &last.mesh;
        let reached = if upwards { mesh.high[coordinate] } else { mesh.low[coordinate] };
        let covered: Vec<usize> = (0..self.probes[0].len())
            .filter(|&row| {
                if upwards { self.probes[coordinate][row] <= reached } else { self.probes[coordinate][row] >= reached }
            })
            .collect();
        if covered.len() < 10 {
            return;
        }
        let points: Columns =
            self.probes.iter().map(|column| covered.iter().map(|&row| column[row]).collect()).collect();
        let finer = Pieces { march: Some((coordinate, upwards)), windows };
        let at = |pieces: &Pieces| (0..best.values.len()).map(|u| pieces.values(u, &points)).collect::<Columns>();
        self.partial = Some(difference(&at(&best.pieces), &at(&finer)));
    }

    pub(super) fn at_once(&mut self) -> Result<(), PinnError> {
        let mut refinement = Refinement::new(self.problem);
        let (mut score, mut before, mut stale) = (f64::INFINITY, f64::INFINITY, 0);
        for level in 0..self.settings.levels {
            self.watcher.level = level + 1;
            match refinement.solve(&mut self.watcher) {
                Ok(true) => self.keep(&refinement, &mut score),
                Ok(false) => {}
                Err(error) if self.best.is_none() => return Err(error),
                Err(_) => break,
            }
            // With measurements: on until finer features do nothing but follow their noise.
            stale = if refinement.fit.is_some() && score >= 0.99 * before { stale + 1 } else { 0 };
            before = score;
            let noise = refinement.fit.as_ref().is_some_and(|fit| fit.score > 1.05 * score);
            if noise || stale >= 2 || (self.done() && self.problem.data.is_empty()) || !refinement.grow() {
                break;
            }
        }
        if self.best.is_none() {
            let remedy = "start from other values of unknown constants, or approach the hard case through easier ones";
            let (residual, iterations) = (self.watcher.residual, self.watcher.iterations);
            return Err(PinnError::Diverged { residual, iterations, remedy: remedy.into() });
        }
        Ok(())
    }

    /// Takes over a level that is better than the best so far.
    fn keep(&mut self, refinement: &Refinement<'_>, score: &mut f64) {
        let Some(best) = &refinement.best else { return };
        // Cut into elements a smooth solution may be worse resolved than before, for once.
        if self.best.as_ref().is_some_and(|kept| best.residual > 10.0 * kept.residual && refinement.fit.is_none()) {
            return;
        }
        if let Some(fit) = &refinement.fit {
            if fit.score >= *score {
                // Finer features that follow the noise are not taken, but say by how much the first may be wrong.
                if let (Some(kept), []) = (&self.best, &self.levels[..]) {
                    let finer = self.values(&Pieces { march: None, windows: vec![best.field.clone()] });
                    self.levels.push(difference(&kept.values, &finer));
                }
                return;
            }
            *score = fit.score;
            self.uncertainty = Some(fit.uncertainty);
        }
        let names = self.problem.language.constants.iter().enumerate();
        let stderr = |i: usize| refinement.fit.as_ref().and_then(|fit| fit.stderr.get(i).copied());
        self.constants = names
            .map(|(i, name)| Constant { name: name.clone(), value: best.constants[i], stderr: stderr(i) })
            .collect();
        let pieces = Pieces { march: None, windows: vec![best.field.clone()] };
        self.accept(pieces, best.residual, refinement.missing.clone().unwrap_or_default());
    }

    /// The unknowns where levels are compared.
    fn values(&self, pieces: &Pieces) -> Columns {
        let unknowns = self.problem.language.unknowns.len();
        (0..unknowns).map(|unknown| pieces.values(unknown, &self.probes)).collect()
    }

    fn accept(&mut self, pieces: Pieces, residual: f64, missing: Vec<String>) {
        let values = self.values(&pieces);
        if let Some(best) = &self.best {
            self.levels.push(difference(&best.values, &values));
        }
        self.best = Some(Finest { pieces, values, residual, missing });
    }

    /// Is the estimate good enough, or do differences no longer shrink?
    fn done(&self) -> bool {
        let stuck = match self.levels[..] {
            [.., a, b, c] => c < 1e-9 && c > 0.3 * b && b > 0.3 * a,
            _ => false,
        };
        // Features around a shape reach no more.
        let goal = if self.problem.shape.is_some() { self.settings.goal.max(1e-9) } else { self.settings.goal };
        self.estimate() < goal || stuck || self.watcher.work > self.settings.work
    }

    fn estimate(&self) -> f64 {
        let estimate = match self.levels[..] {
            // Early windows know little of late errors: three times what they show.
            _ if self.partial.is_some() => 3.0 * self.partial.unwrap_or(1.0),
            [] => 1.0,
            [last] => last,
            // A box around a shape has features to spare: what damping them costs is the same at every level.
            [.., last] if self.problem.shape.is_some() => 3.0 * last + 1e-10,
            [.., before, last] => {
                let rate = (last / before.max(1e-300)).clamp(0.02, 0.9);
                last * rate / (1.0 - rate)
            }
        };
        estimate.max(ROUNDING).max(self.uncertainty.unwrap_or(0.0))
    }

    pub(super) fn found(self) -> Result<Found, PinnError> {
        let estimate = self.estimate();
        let Some(best) = self.best else { return Err(PinnError::NoTime) };
        // What noise leaves open is no lack of convergence.
        let settled = self.uncertainty.is_some_and(|uncertainty| uncertainty >= estimate) && !self.watcher.cut;
        let verdict = match (best.missing.is_empty(), estimate <= 1e-3 || settled) {
            (false, _) => Verdict::IllPosed,
            (true, true) => Verdict::Converged,
            (true, false) => Verdict::Budget,
        };
        let residual_rms = residual_rms(self.problem, &best.pieces, &self.constants, &self.probes);
        let method = best.pieces.method(self.problem.language.groups.iter().any(|group| group.radial.is_some()));
        let parameters = best.pieces.windows.iter().map(|field| field.coefficients.len()).sum();
        Ok(Found {
            unknowns: self.problem.language.unknowns.len(),
            solution: Solution::Features(best.pieces),
            loss: best.residual * best.residual,
            residual_rms,
            error_estimate: estimate,
            verdict,
            missing: best.missing,
            iterations: self.watcher.iterations,
            parameters,
            method,
            constants: self.constants,
            cut: self.watcher.cut,
            standing: None,
        })
    }
}

/// Of the equations at fresh points.
fn residual_rms(problem: &Problem, pieces: &Pieces, constants: &[Constant], probes: &Columns) -> f64 {
    let constants: Vec<f64> = constants.iter().map(|c| c.value).collect();
    let (mut sum, mut count) = (0.0, 0);
    for equation in &problem.equations {
        let jets: Columns = equation.jets.iter().map(|jet| pieces.jet(jet, probes)).collect();
        let integrals: Columns = (equation.integrals.iter())
            .map(|i| crate::integrals::evaluate(i, probes, &constants, &pieces.windows[0]).values)
            .collect();
        let at =
            At { coordinates: probes, normals: &vec![], constants: &constants, jets: &jets, integrals: &integrals };
        for r in equation.eval(at).residual {
            sum += r * r;
            count += 1;
        }
    }
    (sum / f64::from(count.max(1))).sqrt()
}
