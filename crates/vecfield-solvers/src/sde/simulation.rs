//! [`Simulation`]: many paths of one equation.

use std::ops::Range;

use vecfield_brownian::{Areas, Brownian, Walker};
use vecfield_traits::DriftDiffusion;

use super::adaptive::Control;
use super::error::SdeError;
use super::grid::Grid;
use super::method::SdeMethod;
use super::products::not_finite;
use super::stepper::{AnySdeStepper, Increment, SdeStepper};

/// Paths side by side: as many as keep a small state in the first-level cache.
pub const GROUP: usize = 256;

/// How long the steps are.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Steps {
    /// Of this length, from the start on; a step ends where a state is wanted, and the next at the next multiple.
    Fixed(f64),
    /// As long as the tolerances allow, for each path on its own. The error of a step is estimated from two halves of it, whose
    /// result is kept. Times at which a step was rejected are met again: what was seen of the motion there made the step short,
    /// and to pass over it would favour some paths over others (Foster, Jelinčič 2023).
    Adaptive {
        /// Relative tolerance.
        rtol: f64,
        /// Absolute tolerance.
        atol: f64,
    },
}

/// A step of a run with [`Steps::Fixed`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FixedStep {
    /// Where it starts.
    pub t: f64,
    /// Where it ends.
    pub end: f64,
    /// The place of its end among the times that are wanted.
    pub saved: Option<usize>,
}

/// Many paths of one equation, made ready.
#[derive(Debug, Clone)]
pub struct Simulation<'a, F> {
    field: &'a F,
    method: SdeMethod,
    motion: Brownian,
    span: (f64, f64),
    steps: Steps,
}

/// States of all paths at the times that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct SdeSolution {
    /// The times.
    pub times: Vec<f64>,
    /// The number of components.
    pub dim: usize,
    /// The number of paths.
    pub paths: usize,
    /// `[times, dim, paths]`.
    pub y: Vec<f64>,
    /// Accepted steps, of all paths together.
    pub steps: u64,
    /// Rejected ones.
    pub rejected: u64,
}

impl SdeSolution {
    /// The states at the time of this number, `[dim, paths]`.
    ///
    /// # Panics
    ///
    /// If there is no such time.
    pub fn at(&self, time: usize) -> &[f64] {
        let size = self.dim * self.paths;
        &self.y[time * size..][..size]
    }
}

/// The states of a group, `[times, dim, paths]`, and its steps.
pub(super) struct GroupSolution {
    first: u64,
    paths: usize,
    pub(super) y: Vec<f64>,
    pub(super) steps: u64,
    pub(super) rejected: u64,
}

impl<'a, F: DriftDiffusion<f64>> Simulation<'a, F> {
    /// `field` over `span` on paths of `motion`, by steps of `method`.
    ///
    /// # Errors
    ///
    /// What [`SdeMethod::check`] refuses; [`SdeError::NoAreas`], [`SdeError::Span`], [`SdeError::BadValue`], and a motion that
    /// does not reach over the span.
    pub fn new(
        field: &'a F,
        method: SdeMethod,
        motion: Brownian,
        span: (f64, f64),
        steps: Steps,
    ) -> Result<Self, SdeError> {
        method.check(field)?;
        let (start, end) = span;
        if !((end - start).is_finite() && start < end) {
            return Err(SdeError::Span { start, end });
        }
        if motion.areas() < method.areas() {
            return Err(SdeError::NoAreas { method: method.name() });
        }
        // Asks whether the motion is there.
        motion.walker(1, 0, 1).query(start, end)?;
        match steps {
            Steps::Fixed(step) => drop(Grid::new(span, step, &[])?),
            Steps::Adaptive { rtol, atol } => {
                for (what, value) in [("the relative tolerance", rtol), ("the absolute tolerance", atol)] {
                    if !(value.is_finite() && value >= 0.0 && rtol + atol > 0.0) {
                        let expected = "finite, not negative, and above zero for one of the two";
                        return Err(SdeError::BadValue { what, value, expected });
                    }
                }
                if !method.adaptive() {
                    let needs = "steps of one length (Steps::Fixed)";
                    let instead = SdeMethod::suited_to(field.calculus(), field.noise()).name();
                    return Err(SdeError::NotOffered { method: method.name(), needs, instead });
                }
            }
        }
        Ok(Simulation { field, method, motion, span, steps })
    }

    /// The method.
    pub fn method(&self) -> SdeMethod {
        self.method
    }

    /// The field.
    pub fn field(&self) -> &'a F {
        self.field
    }

    /// The motion.
    pub fn motion(&self) -> &Brownian {
        &self.motion
    }

    /// The span.
    pub fn span(&self) -> (f64, f64) {
        self.span
    }

    /// The steps that [`solve`](Simulation::solve) takes to keep the states at `times`.
    ///
    /// # Errors
    ///
    /// [`SdeError::NotOffered`] where every path chooses its own, and times outside the span or out of order.
    pub fn fixed_steps(&self, times: &[f64]) -> Result<Vec<FixedStep>, SdeError> {
        self.check_times(times)?;
        let Steps::Fixed(step) = self.steps else {
            let (method, needs) = (self.method.name(), "steps of one length (Steps::Fixed) to go back over");
            return Err(SdeError::NotOffered { method, needs, instead: method });
        };
        let mut steps = Vec::new();
        Grid::new(self.span, step, times)?.walk(|t, end, saved| {
            steps.push(FixedStep { t, end, saved });
            Ok::<(), SdeError>(())
        })?;
        Ok(steps)
    }

    /// Solves the paths of these numbers from `y0`, `[dim]` for all or `[dim, paths]`, and keeps the states at `times`.
    ///
    /// # Errors
    ///
    /// [`SdeError::Dimension`], times outside the span or out of order, and [`SdeError::NotFinite`].
    pub fn solve(&self, y0: &[f64], paths: Range<u64>, times: &[f64]) -> Result<SdeSolution, SdeError> {
        self.check(y0, &paths, times)?;
        let groups = self.groups(&paths).map(|(first, count)| self.group(y0, &paths, first, count, times, &|_| true));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        Ok(self.gather(groups, &paths, times))
    }

    /// The same on the threads of the current pool, with the same bits. `goes_on` is told how many more paths have ended, and
    /// says whether to go on.
    ///
    /// # Errors
    ///
    /// Those of [`solve`](Simulation::solve), of the first path that has one; [`SdeError::Stopped`].
    #[cfg(feature = "parallel")]
    pub fn solve_parallel(
        &self,
        y0: &[f64],
        paths: Range<u64>,
        times: &[f64],
        goes_on: &(dyn Fn(usize) -> bool + Sync),
    ) -> Result<SdeSolution, SdeError>
    where
        F: Sync,
    {
        use rayon::prelude::*;
        self.check(y0, &paths, times)?;
        let groups: Vec<(u64, usize)> = self.groups(&paths).collect();
        let solved = groups.into_par_iter().map(|(first, count)| self.group(y0, &paths, first, count, times, goes_on));
        let solved: Vec<Result<GroupSolution, SdeError>> = solved.collect();
        // In the order of the paths, so that the error does not depend on which thread was first.
        let groups = solved.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(self.gather(groups, &paths, times))
    }

    fn check(&self, y0: &[f64], paths: &Range<u64>, times: &[f64]) -> Result<(), SdeError> {
        let (dim, count) = (self.field.dim(), (paths.end.saturating_sub(paths.start)) as usize);
        if y0.len() != dim && y0.len() != dim * count {
            return Err(SdeError::Dimension { what: "the start", found: y0.len(), expected: dim });
        }
        self.check_times(times)
    }

    fn check_times(&self, times: &[f64]) -> Result<(), SdeError> {
        let (start, end) = self.span;
        let mut before = start;
        for (k, &value) in times.iter().enumerate() {
            if !(value >= before && value <= end) || (k > 0 && value == before) {
                let expected = "inside the span, and after the one before it";
                return Err(SdeError::BadValue { what: "a time to keep", value, expected });
            }
            before = value;
        }
        Ok(())
    }

    /// Groups end at multiples of their size, wherever the first path is.
    fn groups(&self, paths: &Range<u64>) -> impl Iterator<Item = (u64, usize)> + use<F> {
        // Adaptive steps are a path's own.
        let size = if matches!(self.steps, Steps::Fixed(_)) { GROUP as u64 } else { 1 };
        let (mut next, end) = (paths.start, paths.end);
        core::iter::from_fn(move || {
            let first = next;
            next = (first / size * size + size).min(end);
            (first < end).then(|| (first, (next - first) as usize))
        })
    }

    fn gather(&self, groups: Vec<GroupSolution>, paths: &Range<u64>, times: &[f64]) -> SdeSolution {
        let (dim, count) = (self.field.dim(), (paths.end.saturating_sub(paths.start)) as usize);
        let mut y = vec![0.0; times.len() * dim * count];
        let (mut steps, mut rejected) = (0, 0);
        for group in groups {
            let at = (group.first - paths.start) as usize;
            for (row, part) in group.y.chunks_exact(group.paths).enumerate() {
                y[row * count + at..][..group.paths].copy_from_slice(part);
            }
            (steps, rejected) = (steps + group.steps, rejected + group.rejected);
        }
        SdeSolution { times: times.to_vec(), dim, paths: count, y, steps, rejected }
    }

    fn group(
        &self,
        y0: &[f64],
        all: &Range<u64>,
        first: u64,
        paths: usize,
        times: &[f64],
        goes_on: &dyn Fn(usize) -> bool,
    ) -> Result<GroupSolution, SdeError> {
        if !goes_on(0) {
            return Err(SdeError::Stopped);
        }
        let dim = self.field.dim();
        let (count, at) = ((all.end - all.start) as usize, (first - all.start) as usize);
        let mut y = vec![0.0; dim * paths];
        for (i, y) in y.chunks_exact_mut(paths).enumerate() {
            match y0.len() == dim {
                true => y.fill(y0[i]),
                false => y.copy_from_slice(&y0[i * count + at..][..paths]),
            }
        }
        let mut solution = GroupSolution { first, paths, y: Vec::new(), steps: 0, rejected: 0 };
        solution.y.reserve(times.len() * y.len());
        for _ in times.iter().filter(|&&t| t == self.span.0) {
            solution.y.extend_from_slice(&y);
        }
        let mut walk = Walk {
            stepper: AnySdeStepper::new(self.method, self.field, paths),
            walker: self.motion.walker(self.field.noise().columns, first, paths),
            work: self.field.workspace(paths),
            uses_area: self.method.areas() >= Areas::SpaceTime,
            field: self.field,
            first,
        };
        walk.stepper.start(self.field, self.span.0, &y, &mut walk.work);
        match self.steps {
            Steps::Fixed(step) => self.fixed(step, times, &mut walk, &mut y, &mut solution, goes_on)?,
            Steps::Adaptive { rtol, atol } => {
                let order = self.method.strong_order(self.field.noise()).unwrap_or(0.5);
                let mut control = Control { rtol, atol, order, rejected: Vec::new() };
                walk.adapt(self.span, times, &mut control, &mut y, &mut solution, goes_on)?;
            }
        }
        goes_on(paths);
        Ok(solution)
    }

    fn fixed(
        &self,
        step: f64,
        times: &[f64],
        walk: &mut Walk<'_, F>,
        y: &mut [f64],
        solution: &mut GroupSolution,
        goes_on: &dyn Fn(usize) -> bool,
    ) -> Result<(), SdeError> {
        let paths = solution.paths as u64;
        Grid::new(self.span, step, times)?.walk(|t, end, saved| {
            walk.step(t, end, y)?;
            solution.steps += paths;
            if saved.is_some() {
                solution.y.extend_from_slice(y);
            }
            let often = (solution.steps / paths).is_multiple_of(1024);
            if often && !goes_on(0) { Err(SdeError::Stopped) } else { Ok(()) }
        })
    }
}

/// What a group has at hand.
pub(super) struct Walk<'a, F: DriftDiffusion<f64>> {
    field: &'a F,
    stepper: AnySdeStepper,
    walker: Walker,
    work: F::Workspace,
    uses_area: bool,
    first: u64,
}

impl<F: DriftDiffusion<f64>> Walk<'_, F> {
    /// The first path's number.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The length of a leaf of the motion.
    pub(super) fn resolution(&self) -> f64 {
        self.walker.path().resolution()
    }

    /// Takes `y` from `t` to `end`, where it has to be a number.
    pub(super) fn step(&mut self, t: f64, end: f64, y: &mut [f64]) -> Result<(), SdeError> {
        self.step_unchecked(t, end, y)?;
        match not_finite(y, self.walker.paths()) {
            None => Ok(()),
            Some((path, component)) => {
                Err(SdeError::NotFinite { path: self.first + path as u64, component, t, step: end - t })
            }
        }
    }

    /// Takes `y` from `t` to `end`, whatever it becomes.
    pub(super) fn step_unchecked(&mut self, t: f64, end: f64, y: &mut [f64]) -> Result<(), SdeError> {
        self.walker.query(t, end)?;
        let area = if self.uses_area { self.walker.h() } else { &[] };
        let seed = self.walker.path().seed();
        let over = Increment { t, h: end - t, w: self.walker.w(), area, first_path: self.first, seed };
        self.stepper.step(self.field, &over, y, &mut self.work);
        Ok(())
    }
}
