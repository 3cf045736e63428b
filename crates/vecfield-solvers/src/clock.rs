//! Where a solve is, and how large its steps are.

use vecfield_traits::{Elementary, Real, Scalar, VectorField};

use crate::outlook;
use crate::stepper::{Culprit, Evaluator, Stepper};
use crate::{Options, SolveError};

/// Of a solve from `t` to `t1`: the end of the part before the next of these discontinuities (ascending), and where it goes on
/// after that, if it does. The one lies just before the discontinuity and the other just after it: the field belongs to either
/// side there.
pub(crate) fn part<R: Real>(discontinuities: &[R], (t, t1): (R, R)) -> (R, Option<R>) {
    let forward = t1 >= t;
    let sides = |at: &R| {
        let ulp = Elementary::max(at.abs(), R::MIN_POSITIVE / R::EPSILON) * R::EPSILON;
        if forward { (*at - ulp, *at + ulp) } else { (*at + ulp, *at - ulp) }
    };
    // Nothing is left of a part that ends where it begins, nor of a solve that ends at the discontinuity.
    let between = |(before, after): &(R, R)| {
        if forward { *before > t && *after < t1 } else { *before < t && *after > t1 }
    };
    let (behind, ahead) = discontinuities.split_at(discontinuities.partition_point(|at| *at < t));
    let around =
        if forward { ahead.iter().map(sides).find(between) } else { behind.iter().rev().map(sides).find(between) };
    around.map_or((t1, None), |(before, after)| (before, Some(after)))
}

/// Where a solve is, and how large its next step may be. A copy, with one of the stepper, goes on where they were made,
/// bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock<R> {
    pub(crate) t: R,
    /// The end of the solve, or of its part before a declared discontinuity.
    pub(crate) t1: R,
    pub(crate) resume: Option<R>,
    /// Proposed step, with sign.
    pub(crate) h: R,
    pub(crate) longest: R,
    pub(crate) fixed: Option<Grid<R>>,
}

/// Times of fixed steps, `origin + index·h`: not accumulated, so that rounding does not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grid<R> {
    pub(crate) origin: R,
    pub(crate) h: R,
    pub(crate) index: f64,
}

/// An accepted step.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg<R> {
    /// Where it begins.
    pub start: R,
    /// Where it ends.
    pub end: R,
    /// Its size, `end - start` up to rounding.
    pub h: R,
    /// The factor to the next step.
    pub(crate) factor: R,
}

impl<R: Real> Clock<R> {
    /// The clock of a solve from `t0` to `t1`, or of its part before the next declared discontinuity, after the stepper's
    /// [`start`](Stepper::start).
    pub fn new<F, K>(
        stepper: &mut K,
        field: &mut Evaluator<'_, F, K::Scalar>,
        (t0, t1): (R, R),
        options: &Options<R>,
    ) -> Clock<R>
    where
        K: Stepper<F>,
        K::Scalar: Scalar<Real = R>,
        F: VectorField<K::Scalar>,
    {
        let (t1, resume) = part(&options.discontinuities, (t0, t1));
        let first = options.given_step().unwrap_or_else(|| stepper.first_step(field, t0, t1 - t0));
        Clock { resume, ..Clock::set((t0, t1), first, options) }
    }

    /// A clock that runs from `t0` to `t1` with a first step of this size.
    pub(crate) fn set((t0, t1): (R, R), first: R, options: &Options<R>) -> Clock<R> {
        let span = t1 - t0;
        let signed = |h: R| if span < R::zero() { -h } else { h };
        let longest = options.max_step.map_or(span.abs(), |longest| Elementary::min(longest, span.abs()));
        let fixed = options.step.map(|h| Grid { origin: t0, h: signed(h), index: 0.0 });
        let mut clock = Clock { t: t0, t1, resume: None, h: signed(first), longest, fixed };
        clock.limit();
        clock
    }

    /// A clock that stands at `t`, where another is yet to be made.
    pub(crate) fn at(t: R) -> Clock<R> {
        Clock { t, t1: t, resume: None, h: R::zero(), longest: R::zero(), fixed: None }
    }

    /// The time reached.
    pub fn t(&self) -> R {
        self.t
    }

    /// Where the solve goes on, with a new start and a new clock, when this one is [`done`](Clock::done) before a declared
    /// discontinuity; `None` if that is the end of the solve.
    pub fn resume(&self) -> Option<R> {
        self.resume
    }

    /// Is the end reached?
    pub fn done(&self) -> bool {
        self.t == self.t1
    }

    /// Tries steps until one is accepted; the stepper has then yet to [`commit`](Stepper::commit) it, and the clock to
    /// [`accept`](Clock::accept) it.
    ///
    /// # Errors
    ///
    /// No step is small enough, or there were too many.
    pub fn advance<F, K>(
        &mut self,
        stepper: &mut K,
        field: &mut Evaluator<'_, F, K::Scalar>,
        max_steps: u64,
    ) -> Result<Leg<R>, SolveError>
    where
        K: Stepper<F>,
        K::Scalar: Scalar<Real = R>,
        F: VectorField<K::Scalar>,
    {
        loop {
            let tried = field.stats.steps + field.stats.rejected;
            if outlook::due(tried, max_steps) {
                outlook::check(field, self, stepper.y(), || stepper.stability(), max_steps)?;
            }
            let (end, h) = self.trial();
            let attempt = stepper.attempt(field, self.t, h);
            if attempt.accepted {
                field.stats.steps += 1;
                return Ok(Leg { start: self.t, end, h, factor: attempt.factor });
            }
            field.stats.rejected += 1;
            self.reject(h, attempt.factor);
            self.check(stepper, false)?;
        }
    }

    /// The end of the next trial step, and its size.
    pub(crate) fn trial(&self) -> (R, R) {
        let left = self.t1 - self.t;
        if let Some(grid) = &self.fixed {
            let next = grid.origin + grid.h * R::from_f64(grid.index + 1.0);
            // A last step that is longer by rounding only is not followed by one of the size of rounding.
            let last = (self.t1 - next).abs() <= grid.h.abs() * R::from_f64(1e-9);
            let beyond = (next - self.t1) * grid.h > R::zero();
            return if last || beyond { (self.t1, left) } else { (next, next - self.t) };
        }
        // The last step is stretched by up to a percent, rather than followed by a tiny one.
        if left.abs() <= self.h.abs() * R::from_f64(1.01) { (self.t1, left) } else { (self.t + self.h, self.h) }
    }

    /// Goes to the end of a step.
    pub fn accept(&mut self, leg: &Leg<R>) {
        // A last step cut short to hit the end says nothing of a smaller step being needed.
        self.t = leg.end;
        self.h = leg.h * leg.factor;
        if let Some(grid) = &mut self.fixed {
            grid.index += 1.0;
            self.h = grid.h;
        }
        self.limit();
    }

    /// Stays, with another step to try.
    pub(crate) fn reject(&mut self, h: R, factor: R) {
        if self.fixed.is_none() {
            self.h = h * factor;
        }
    }

    /// Keeps the step to the longest allowed.
    fn limit(&mut self) {
        if self.fixed.is_none() && self.h.abs() > self.longest {
            self.h = if self.h < R::zero() { -self.longest } else { self.longest };
        }
    }

    /// Says why no further step can be taken, if so. Fixed steps are never repeated with a smaller one.
    pub(crate) fn check<F, K>(&self, stepper: &K, accepted: bool) -> Result<(), SolveError>
    where
        K: Stepper<F>,
        F: VectorField<K::Scalar>,
    {
        if self.stuck(accepted) { Err(self.failure(stepper.culprit())) } else { Ok(()) }
    }

    /// Can no further step be taken?
    pub(crate) fn stuck(&self, accepted: bool) -> bool {
        if self.fixed.is_some() {
            return !accepted;
        }
        let resolution = R::from_f64(4.0) * R::EPSILON * self.t.abs();
        let smallest = Elementary::max(resolution, R::MIN_POSITIVE / R::EPSILON);
        !self.done() && (self.h.is_nan() || self.h.abs() < smallest)
    }

    /// Why not, after a trial that this component spoilt.
    pub(crate) fn failure(&self, culprit: Culprit) -> SolveError {
        culprit.failure(self.t.to_f64(), self.h.to_f64(), self.fixed.is_some())
    }
}
