//! [`Refinement`]: a whole domain solved at once, again and again with more features where the last ones still count.

use crate::PinnError;
use crate::features::Features;
use crate::mesh::{Field, Mesh};
use crate::newton::{Limits, Outcome, newton};
use crate::posed::missing;
use crate::problem::Problem;
use crate::solve::Watcher;
use crate::staircase::Staircase;
use crate::system::{Begin, System};

/// The most columns of one dense block.
const MOST_COLUMNS: usize = 2400;
/// The most polynomials of a coordinate before it is cut into elements.
const BEFORE_CUTTING: usize = 30;
/// The most elements.
const MOST_ELEMENTS: usize = 256;

/// The state of a refinement.
pub(crate) struct Refinement<'p> {
    problem: &'p Problem,
    pub(crate) degrees: Vec<usize>,
    pub(crate) chain: usize,
    pub(crate) breaks: Vec<f64>,
    pub(crate) best: Option<Outcome>,
    /// What the equations and conditions leave open.
    pub(crate) missing: Option<Vec<String>>,
    /// How well measurements are met, where there are some.
    pub(crate) fit: Option<Fit>,
}

/// A solution against its measurements.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    /// Generalised cross-validation: the mean square that a measurement left out would be missed by (Golub, Heath, Wahba 1979).
    pub(crate) score: f64,
    /// The standard errors of the constants.
    pub(crate) stderr: Vec<f64>,
    /// The standard error of the solution, relative to its size at the measurements.
    pub(crate) uncertainty: f64,
}

/// The weight of a measurement: small, so that the equations hold beside them.
const DATA: f64 = 1e-3;

impl<'p> Refinement<'p> {
    pub(crate) fn new(problem: &'p Problem) -> Self {
        let dims = problem.low.len();
        let start = match dims {
            1 => 12,
            2 => 10,
            3 => 8,
            _ => 4,
        };
        let mut refinement = Self {
            problem,
            degrees: vec![start; dims],
            chain: 0,
            breaks: vec![problem.low[0], problem.high[0]],
            best: None,
            missing: None,
            fit: None,
        };
        // Many unknowns and dimensions: begin with what is quickly solved.
        while refinement.columns() > 600 && refinement.degrees[0] > 3 {
            refinement.degrees.iter_mut().for_each(|p| *p -= 1);
        }
        refinement
    }

    fn columns(&self) -> usize {
        Features::new(&self.degrees, self.problem.fraction).count() * self.problem.language.unknowns.len()
    }

    /// Solves with the features there are now.
    ///
    /// # Errors
    ///
    /// [`PinnError::NoTime`] when broken off before the first step.
    pub(crate) fn solve(&mut self, watcher: &mut Watcher<'_>) -> Result<bool, PinnError> {
        let features = Features::new(&self.degrees, self.problem.fraction);
        let (low, high) = (self.problem.low.clone(), self.problem.high.clone());
        let mesh = Mesh::new(low, high, self.chain, self.breaks.clone(), features);
        let unknowns = self.problem.language.unknowns.len();
        let (guess, constants) = match &self.best {
            Some(best) if !self.problem.is_linear() => {
                let field =
                    Field::fit(&mesh, unknowns, |u, points| best.field.jet(&self.problem.language.value(u), points));
                (field, best.constants.clone())
            }
            _ => (Field::zero(&mesh, unknowns), self.problem.initial.clone()),
        };
        // Features around a shape are more than determined: their coefficients never settle to the last digit.
        let tolerance = if self.problem.shape.is_some() { 1e-8 } else { 1e-12 };
        let limits = Limits { iterations: if self.best.is_none() { 40 } else { 12 }, tolerance };
        let (mut field, mut constants) = (guess, constants);
        if self.best.is_none() && !self.problem.data.is_empty() {
            // First near the measurements, whatever the equations say, then nearer and nearer to the equations.
            for weight in [10.0, 1.0, 0.1, 0.01] {
                let mut system = System::new(self.problem, &mesh, Begin::Conditions, weight);
                let coarse = Limits { iterations: 12, tolerance: 1e-4 };
                let outcome = newton(&mut system, field, constants, coarse, &mut || watcher.go_on());
                watcher.count(outcome.iterations, outcome.residual, system.work())?;
                (field, constants) = (outcome.field, outcome.constants);
            }
        }
        let mut system = System::new(self.problem, &mesh, Begin::Conditions, DATA);
        let outcome = newton(&mut system, field, constants, limits, &mut || watcher.go_on());
        watcher.count(outcome.iterations, outcome.residual, system.work())?;
        let converged = outcome.converged;
        if let Some(staircase) = outcome.staircase.as_ref().filter(|_| converged) {
            if self.missing.is_none() && self.problem.data.is_empty() {
                self.missing = Some(missing(&system, staircase));
            }
            if !self.problem.data.is_empty() {
                self.judge(&system, &outcome, staircase);
            }
        }
        if outcome.residual.is_finite() && (converged || self.best.is_none()) {
            self.best = Some(outcome);
        }
        Ok(converged)
    }

    fn judge(&mut self, system: &System<'_>, outcome: &Outcome, staircase: &Staircase) {
        let (squares, count) = system.misfit(&outcome.field);
        let count = count as f64;
        let free = system.leverage(&outcome.field, &outcome.constants, staircase).min(0.95 * count);
        let variance = squares / (count - free);
        let score = squares / count / (1.0 - free / count).powi(2);
        // Rows weigh DATA, so that their variance is DATA² of the measurements'.
        let stderr = staircase.border_variance().iter().map(|v| DATA * (v * variance).sqrt()).collect();
        let size = system.data_size() / count;
        let uncertainty = (free / count * variance / size.max(1e-300)).sqrt();
        self.fit = Some(Fit { score, stderr, uncertainty });
    }

    /// Adds features where the last ones are still felt; false when there is no room, or no need.
    pub(crate) fn grow(&mut self) -> bool {
        let Some(best) = &self.best else { return self.grow_everywhere() };
        let tails = best.field.tails(&best.field.scales());
        let worst = |i: usize| tails.iter().map(|tail| tail[i]).fold(0.0, f64::max);
        let largest = (0..self.degrees.len()).map(worst).fold(0.0, f64::max);
        let wanted: Vec<bool> = (0..self.degrees.len())
            .map(|i| worst(i) > 1e-15 && (worst(i) > 0.02 * largest || worst(i) > 1e-9))
            .collect();
        if !wanted.contains(&true) {
            return self.grow_everywhere();
        }
        let before = (self.degrees.clone(), self.breaks.clone(), self.chain);
        for i in 0..self.degrees.len() {
            if !wanted[i] {
                continue;
            }
            let cut = self.breaks.len() > 2;
            if cut && i == self.chain {
                self.halve(&tails, 0.02 * worst(i));
            } else if self.degrees[i] > self.before_cutting() && !cut && self.can_cut() {
                self.cut(i);
            } else {
                self.degrees[i] += if self.degrees.len() > 3 { 1 } else { 2 + self.degrees[i] / 5 };
            }
        }
        if self.columns() > MOST_COLUMNS && self.breaks.len() == 2 && self.can_cut() {
            self.degrees = before.0.clone();
            let most = (0..self.degrees.len()).max_by_key(|&i| self.degrees[i]).unwrap_or(0);
            self.cut(most);
        }
        if self.columns() > MOST_COLUMNS || self.breaks.len() > MOST_ELEMENTS + 1 {
            (self.degrees, self.breaks, self.chain) = before;
            return false;
        }
        true
    }

    fn before_cutting(&self) -> usize {
        if self.degrees.len() == 1 { 48 } else { BEFORE_CUTTING }
    }

    fn can_cut(&self) -> bool {
        !self.problem.is_nonlocal() && self.problem.shape.is_none() && self.degrees.len() <= 3
    }

    fn grow_everywhere(&mut self) -> bool {
        let before = self.degrees.clone();
        let more = |p: &mut usize| *p += if before.len() > 3 { 1 } else { 2 + *p / 5 };
        self.degrees.iter_mut().for_each(more);
        if self.columns() > MOST_COLUMNS {
            self.degrees = before;
            return false;
        }
        true
    }

    /// From one element of many polynomials to a few elements of fewer.
    fn cut(&mut self, i: usize) {
        let count = if self.problem.periodic[i] { 3 } else { 2 };
        let (a, b) = (self.problem.low[i], self.problem.high[i]);
        self.chain = i;
        self.breaks = (0..=count).map(|k| a + (b - a) * k as f64 / count as f64).collect();
        self.degrees[i] = self.degrees[i] * 2 / 3;
    }

    fn halve(&mut self, tails: &[Vec<f64>], limit: f64) {
        let mut breaks = vec![self.breaks[0]];
        for (pair, tail) in self.breaks.windows(2).zip(tails) {
            if tail[self.chain] > limit {
                breaks.push(0.5 * (pair[0] + pair[1]));
            }
            breaks.push(pair[1]);
        }
        self.breaks = breaks;
    }
}
