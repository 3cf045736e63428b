//! Events: zeros of guard functions along the solution, located on the dense output by a [`Watch`].
//!
//! A jump changes the state (and, if the caller likes, the field); integration begins anew there, with a new first step.

mod dip;
mod watch;

use vecfield_traits::{Real, Scalar};

use crate::SolveError;

pub(crate) use self::watch::{Verdict, Watch};

/// Which zero crossings of a guard count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From below zero to above, in the direction of the solve.
    Rising,
    /// From above zero to below.
    Falling,
    /// Both.
    Any,
}

/// What happens where a guard `g(t, y)` crosses zero.
///
/// A guard that is zero where the solve begins, or right after a jump, does not fire there.
///
/// ```
/// use vecfield_solvers::{Event, Integrator, Options, Save, field, tableau::DOP853};
///
/// // A ball dropped from 5 m under 10 m/s² lands after 1 s and bounces at half its speed.
/// let mut ball = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -10.0));
/// let mut events = [Event::falling(|_, _, y: &[f64]| y[0]).jump(|_, _, y| y[1] *= -0.5).stop_after(2)];
/// let mut integrator = Integrator::explicit(&DOP853, 2, &Options::default())?;
/// let run = integrator.solve_with_events(&mut ball, (0.0, 9.0), &[5.0, 0.0], Save::End, &mut events)?;
/// assert!((run.events[0].t - 1.0).abs() < 1e-9);
/// assert!((run.events[1].t - 2.0).abs() < 1e-9);
/// # Ok::<(), vecfield_solvers::SolveError>(())
/// ```
pub struct Event<'a, S: Scalar, F> {
    guard: Guard<'a, S, F>,
    direction: Direction,
    jump: Option<Jump<'a, S, F>>,
    stop_after: Option<u64>,
    occurrences: u64,
}

type Guard<'a, S, F> = Box<dyn FnMut(&F, <S as Scalar>::Real, &[S]) -> <S as Scalar>::Real + 'a>;
type Jump<'a, S, F> = Box<dyn FnMut(&mut F, <S as Scalar>::Real, &mut [S]) + 'a>;

impl<'a, S: Scalar, F> Event<'a, S, F> {
    /// An event at the zeros of `guard(field, t, y)` that are crossed in the given direction.
    pub fn new(direction: Direction, guard: impl FnMut(&F, S::Real, &[S]) -> S::Real + 'a) -> Self {
        Event { guard: Box::new(guard), direction, jump: None, stop_after: None, occurrences: 0 }
    }

    /// An event where `guard` becomes positive.
    pub fn rising(guard: impl FnMut(&F, S::Real, &[S]) -> S::Real + 'a) -> Self {
        Event::new(Direction::Rising, guard)
    }

    /// An event where `guard` becomes negative.
    pub fn falling(guard: impl FnMut(&F, S::Real, &[S]) -> S::Real + 'a) -> Self {
        Event::new(Direction::Falling, guard)
    }

    /// An event at every zero crossing of `guard`.
    pub fn any(guard: impl FnMut(&F, S::Real, &[S]) -> S::Real + 'a) -> Self {
        Event::new(Direction::Any, guard)
    }

    /// Changes the state there, in place, and the field too if it has values that only events change.
    pub fn jump(self, jump: impl FnMut(&mut F, S::Real, &mut [S]) + 'a) -> Self {
        Event { jump: Some(Box::new(jump)), ..self }
    }

    /// Ends the solve at its `count`-th occurrence, before the jump.
    pub fn stop_after(self, count: u64) -> Self {
        Event { stop_after: Some(count), ..self }
    }

    fn value(&mut self, field: &F, index: usize, t: S::Real, y: &[S]) -> Result<S::Real, SolveError> {
        let value = (self.guard)(field, t, y);
        if value.is_finite() { Ok(value) } else { Err(SolveError::GuardNotFinite { event: index, t: t.to_f64() }) }
    }

    fn stops(&self) -> bool {
        self.stop_after.is_some_and(|count| self.occurrences >= count)
    }
}

impl<S: Scalar, F> core::fmt::Debug for Event<'_, S, F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Event")
            .field("direction", &self.direction)
            .field("jumps", &self.jump.is_some())
            .field("stop_after", &self.stop_after)
            .field("occurrences", &self.occurrences)
            .finish_non_exhaustive()
    }
}

/// An event that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrence<S: Scalar> {
    /// Which event, by its index.
    pub event: usize,
    /// When.
    pub t: S::Real,
    /// The state there, before any jump.
    pub y: Vec<S>,
}
