//! [`march`]: windows in time, each solved at once and handed over exactly to the next; elements and windows as small as the
//! solution asks for.
//!
//! A window is accepted when its coefficients have fallen below the level's tolerance in every coordinate. Where they have
//! not, elements are halved (in space) or the window is shortened (in time).

use crate::PinnError;
use crate::features::Features;
use crate::formula::Columns;
use crate::mesh::{Field, Mesh};
use crate::newton::{Limits, newton};
use crate::posed::missing;
use crate::problem::{Place, Problem};
use crate::solve::{Pieces, Watcher};
use crate::system::{Begin, System};

/// How fine a march is.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    /// What the last coefficients may be, relative to the largest.
    pub(crate) tolerance: f64,
    /// Polynomials in each coordinate.
    pub(crate) degrees: Vec<usize>,
    /// The first window to try, as a part of the whole time.
    pub(crate) first: f64,
}

/// No window is shorter, as a part of the whole.
const SHORTEST: f64 = 1e-12;
/// No solution has more windows.
const MOST_WINDOWS: usize = 20_000;
/// No element is smaller, as a part of the whole.
const SMALLEST: f64 = 1e-8;
/// No window has more elements.
const MOST_ELEMENTS: usize = 400;
/// The most polynomials in a coordinate that is not cut into elements.
const MOST_DEGREES: usize = 48;

/// Polynomials of a coordinate of space before it is cut into elements, where there are others.
const BEFORE_CUTTING: usize = 18;
/// How often the elements of a window are refined.
const ROUNDS: usize = 30;

struct March<'p> {
    problem: &'p Problem,
    /// The coordinate that is marched in, and whether upwards.
    coordinate: usize,
    upwards: bool,
    level: Level,
    chain: usize,
    windows: Vec<Field>,
    breaks: Vec<f64>,
    /// The last coefficients in time of the window that was last found too long.
    last_tail: f64,
    /// What the first window leaves open.
    missing: Option<Vec<String>>,
}

/// Marches through the whole time.
///
/// # Errors
///
/// [`PinnError::Diverged`] when windows became too short, [`PinnError::NoTime`] when it was broken off.
pub(crate) fn march(
    problem: &Problem,
    (coordinate, upwards): (usize, bool),
    level: &Level,
    watcher: &mut Watcher<'_>,
) -> Result<(Pieces, Vec<String>), PinnError> {
    let space = (0..problem.low.len()).find(|&i| i != coordinate);
    let chain = space.unwrap_or(coordinate);
    let breaks = if space.is_some() {
        let count = if problem.periodic[chain] { 3 } else { 2 };
        let count = if problem.shape.is_some() || problem.low.len() > 2 { 1 } else { count };
        let (a, b) = (problem.low[chain], problem.high[chain]);
        (0..=count).map(|k| a + (b - a) * k as f64 / count as f64).collect()
    } else {
        vec![]
    };
    let mut march = March {
        problem,
        coordinate,
        upwards,
        level: level.clone(),
        chain,
        windows: vec![],
        breaks,
        last_tail: f64::INFINITY,
        missing: None,
    };
    if let Err(error) = march.run(watcher) {
        watcher.partial = march.windows;
        return Err(error);
    }
    Ok((Pieces { march: Some((coordinate, upwards)), windows: march.windows }, march.missing.unwrap_or_default()))
}

/// What became of a window.
enum Window {
    Accepted { field: Field, next: f64 },
    Shorten(f64),
}

impl March<'_> {
    fn run(&mut self, watcher: &mut Watcher<'_>) -> Result<(), PinnError> {
        let (low, high) = (self.problem.low[self.coordinate], self.problem.high[self.coordinate]);
        let whole = high - low;
        let (mut now, end) = if self.upwards { (low, high) } else { (high, low) };
        let mut length = self.level.first * whole;
        while now != end {
            let left = (end - now).abs();
            // No sliver at the end.
            let step = if length > 0.9 * left {
                left
            } else if 2.0 * length > left {
                0.5 * left
            } else {
                length
            };
            let next = if step == left {
                end
            } else if self.upwards {
                now + step
            } else {
                now - step
            };
            match self.window(now, next, watcher)? {
                Window::Accepted { field, next: growth } => {
                    self.windows.push(field);
                    now = next;
                    length = step * growth;
                    watcher.share = (now - if self.upwards { low } else { high }).abs() / whole;
                }
                Window::Shorten(factor) => length = step * factor,
            }
            if length < SHORTEST * whole || self.windows.len() > MOST_WINDOWS {
                let remedy = format!(
                    "after {} windows they are {length:e} long at {} = {now}; does the solution blow up there, \
                     or is a condition missing?",
                    self.windows.len(),
                    self.problem.language.coordinates[self.coordinate]
                );
                return Err(PinnError::Diverged { residual: watcher.residual, iterations: watcher.iterations, remedy });
            }
        }
        Ok(())
    }

    fn mesh(&self, now: f64, next: f64) -> Mesh {
        let (mut low, mut high) = (self.problem.low.clone(), self.problem.high.clone());
        (low[self.coordinate], high[self.coordinate]) = (now.min(next), now.max(next));
        let breaks =
            if self.chain == self.coordinate { vec![now.min(next), now.max(next)] } else { self.breaks.clone() };
        match self.windows.last().filter(|last| last.mesh.features.degrees == self.level.degrees) {
            Some(last) => last.mesh.over(low, high, breaks),
            None => Mesh::new(low, high, self.chain, breaks, Features::new(&self.level.degrees, None)),
        }
    }

    /// The state at `now` for all times of a window: where Newton's method begins.
    fn frozen(&self, mesh: &Mesh, now: f64) -> Field {
        let unknowns = self.problem.language.unknowns.len();
        Field::fit(mesh, unknowns, |unknown, points| {
            let mut points = points.clone();
            points[self.coordinate].fill(now);
            match self.windows.last() {
                Some(before) => before.jet(&self.problem.language.value(unknown), &points),
                None => stated(self.problem, (self.coordinate, now), unknown, &points),
            }
        })
    }

    fn window(&mut self, now: f64, next: f64, watcher: &mut Watcher<'_>) -> Result<Window, PinnError> {
        let tolerance = self.level.tolerance;
        self.refine_to_state(now, next);
        let mut guess: Option<Field> = None;
        for round in 0..ROUNDS {
            let mesh = self.mesh(now, next);
            let start = match &guess {
                None => self.frozen(&mesh, now),
                Some(field) => {
                    Field::fit(&mesh, field.unknowns, |u, points| field.jet(&self.problem.language.value(u), points))
                }
            };
            let begin = self.windows.last().map_or(Begin::Conditions, |f| Begin::After(f, self.coordinate, now));
            let mut system = System::new(self.problem, &mesh, begin, 0.0);
            let limits = Limits { iterations: 12, tolerance: 1e-2 * tolerance };
            let outcome = newton(&mut system, start, vec![], limits, &mut || watcher.go_on());
            watcher.count(outcome.iterations, outcome.residual, system.work())?;
            if !outcome.converged {
                return Ok(Window::Shorten(0.4));
            }
            if self.windows.is_empty() && self.missing.is_none() {
                self.missing = outcome.staircase.as_ref().map(|staircase| missing(&system, staircase));
            }
            let field = outcome.field;
            let scales = self.scales(&field);
            let tails = field.tails(&scales);
            let worst = |i: usize| tails.iter().map(|tail| tail[i]).fold(0.0, f64::max);
            let time = worst(self.coordinate);
            if time > 30.0 * tolerance {
                // A kink where faces meet: no window is short enough before its elements are small enough.
                if time > 0.5 * self.last_tail {
                    let largest = tails.iter().map(|tail| tail[self.chain]).fold(0.0, f64::max);
                    let worst: Vec<Vec<f64>> = (tails.iter())
                        .map(|tail| if tail[self.chain] < 0.1 * largest { vec![0.0; tail.len()] } else { tail.clone() })
                        .collect();
                    self.halve(&worst);
                }
                self.last_tail = time;
                return Ok(Window::Shorten(self.factor(time).clamp(0.2, 0.7)));
            }
            let refined = round + 1 < ROUNDS && (self.halve(&tails) | self.raise(&tails));
            if refined {
                guess = Some(field);
                continue;
            }
            if time > tolerance {
                return Ok(Window::Shorten(self.factor(time).clamp(0.3, 0.8)));
            }
            let next = self.factor(time).clamp(0.5, 1.7);
            self.merge(&tails);
            self.last_tail = f64::INFINITY;
            return Ok(Window::Accepted { field, next });
        }
        Ok(Window::Shorten(0.5))
    }

    /// Coefficients are measured against the largest of the unknown in any window so far.
    fn scales(&self, field: &Field) -> Vec<f64> {
        let mut scales = field.scales();
        for window in self.windows.iter().rev().take(4) {
            scales.iter_mut().zip(window.scales()).for_each(|(a, b)| *a = a.max(b));
        }
        // An unknown that is zero so far is measured against the others.
        let largest = scales.iter().copied().fold(0.0, f64::max);
        scales.iter_mut().for_each(|s| *s = s.max(1e-3 * largest));
        scales
    }

    /// By how much a window could be longer for its last coefficients in time to stay below the tolerance.
    fn factor(&self, tail: f64) -> f64 {
        let p = self.level.degrees[self.coordinate];
        (0.3 * self.level.tolerance / tail.max(1e-300)).powf(1.0 / (p as f64 - 1.5))
    }

    /// Halves elements until they resolve the state at `now`.
    fn refine_to_state(&mut self, now: f64, next: f64) {
        for _ in 0..24 {
            let field = self.frozen(&self.mesh(now, next), now);
            let scales = self.scales(&field);
            let tails = field.tails(&scales);
            if !(self.halve(&tails) | self.raise(&tails)) {
                return;
            }
        }
    }

    /// Is space one element, of as many polynomials as it takes?
    fn is_whole(&self) -> bool {
        let many = self.level.degrees.len() > 2 && self.level.degrees[self.chain] < BEFORE_CUTTING;
        self.chain == self.coordinate || self.problem.shape.is_some() || (self.breaks.len() == 2 && many)
    }

    /// Halves the elements that are too coarse; is there any?
    fn halve(&mut self, tails: &[Vec<f64>]) -> bool {
        if self.is_whole() {
            return false;
        }
        let smallest = SMALLEST * (self.problem.high[self.chain] - self.problem.low[self.chain]);
        let mut breaks = vec![self.breaks[0]];
        let mut halved = false;
        for (pair, tail) in self.breaks.windows(2).zip(tails) {
            let coarse = tail[self.chain] > self.level.tolerance && pair[1] - pair[0] > smallest;
            if coarse && breaks.len() + self.breaks.len() < 2 * MOST_ELEMENTS {
                breaks.push(0.5 * (pair[0] + pair[1]));
                halved = true;
            }
            breaks.push(pair[1]);
        }
        self.breaks = breaks;
        halved
    }

    /// Joins neighbours that are both far finer than needed and came from one element.
    fn merge(&mut self, tails: &[Vec<f64>]) {
        if self.chain == self.coordinate || self.breaks.len() < 4 {
            return;
        }
        let whole = self.problem.high[self.chain] - self.problem.low[self.chain];
        let origin = self.problem.low[self.chain];
        let fine = |e: usize| tails.get(e).is_some_and(|tail| tail[self.chain] < 1e-4 * self.level.tolerance);
        let mut breaks = vec![self.breaks[0]];
        let mut e = 0;
        while e + 1 < self.breaks.len() {
            let size = self.breaks[e + 1] - self.breaks[e];
            let siblings = self.breaks.get(e + 2).is_some_and(|b| {
                let other = b - self.breaks[e + 1];
                let at = (self.breaks[e] - origin) / (2.0 * size);
                (other / size - 1.0).abs() < 1e-9 && (at - at.round()).abs() < 1e-6 && 2.0 * size < 0.51 * whole
            });
            let stride = if siblings && fine(e) && fine(e + 1) { 2 } else { 1 };
            breaks.push(self.breaks[e + stride]);
            e += stride;
        }
        self.breaks = breaks;
    }

    /// More polynomials where a coordinate is not cut into elements; is there any?
    fn raise(&mut self, tails: &[Vec<f64>]) -> bool {
        let mut raised = false;
        for i in 0..self.level.degrees.len() {
            let cut = i == self.chain && !self.is_whole();
            if i == self.coordinate || cut || self.level.degrees[i] >= MOST_DEGREES {
                continue;
            }
            if tails.iter().any(|tail| tail[i] > self.level.tolerance) {
                self.level.degrees[i] += 2 + self.level.degrees[i] / 6;
                raised = true;
            }
        }
        raised
    }
}

/// What the conditions where a coordinate has its first value say of an unknown; 0 where they say nothing.
pub(crate) fn stated(problem: &Problem, begin: (usize, f64), unknown: usize, points: &Columns) -> Vec<f64> {
    let value = problem.language.value(unknown);
    for condition in &problem.conditions {
        let begins = matches!(&condition.place, Place::Fixed(fixed) if fixed[..] == [begin]);
        if begins && condition.formula.jets == [value.clone()] && condition.formula.integrals.is_empty() {
            let slopes = condition.formula.at_zero(points, &[]);
            let solved = |(r, s): (&f64, &f64)| if *s == 0.0 { 0.0 } else { -r / s };
            return slopes.residual.iter().zip(&slopes.by_jet[0]).map(solved).collect();
        }
    }
    vec![0.0; points[0].len()]
}
