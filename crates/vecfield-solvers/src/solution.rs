//! What a solve leaves behind, and which of it is kept.

use vecfield_traits::{Real, Scalar};

use crate::SolveError;
use crate::checkpoint::Checkpoint;
use crate::event::Occurrence;
use crate::integrate::Ending;
use crate::observe::{Flow, Observer, Segment};
use crate::stepper::{Stats, first_not_finite};

/// The states of a solve at the times kept, and the work it took.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Solution<S: Scalar> {
    /// The times kept.
    pub t: Vec<S::Real>,
    /// The states at those times, `[t.len(), n]`.
    pub y: Vec<S>,
    /// `n`, the number of components.
    pub dim: usize,
    /// The work done.
    pub stats: Stats,
    /// How it ended.
    pub ending: Ending,
    /// The events that happened, in order.
    pub events: Vec<Occurrence<S>>,
    /// Where the solve can go on, if an observer stopped it.
    pub checkpoint: Option<Box<Checkpoint<S>>>,
}

impl<S: Scalar> Solution<S> {
    /// Nothing kept, no work done: what is left of a solve that did not begin.
    pub fn empty(dim: usize) -> Solution<S> {
        let (stats, ending) = (Stats::default(), Ending::Reached);
        Solution { t: Vec::new(), y: Vec::new(), dim, stats, ending, events: Vec::new(), checkpoint: None }
    }

    /// The state at the `row`-th time kept.
    ///
    /// # Panics
    ///
    /// If there are no more than `row` times.
    pub fn state(&self, row: usize) -> &[S] {
        &self.y[row * self.dim..][..self.dim]
    }

    /// The last state kept; empty if none is.
    pub fn last(&self) -> &[S] {
        &self.y[self.y.len().saturating_sub(self.dim)..]
    }
}

/// A solve that stopped early: why, and what was found before.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct Interrupted<S: Scalar> {
    /// Why.
    #[source]
    pub error: SolveError,
    /// The states up to there; the last one kept is the last good step.
    pub partial: Box<Solution<S>>,
}

impl<S: Scalar> From<Interrupted<S>> for SolveError {
    fn from(interrupted: Interrupted<S>) -> SolveError {
        interrupted.error
    }
}

/// Which states of a solve are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Save<'a, R> {
    /// The last alone.
    End,
    /// The initial one and every step's.
    Steps,
    /// Those at these times, in the direction of the solve, by dense output: the steps are the same as without.
    At(&'a [R]),
}

impl<R: Real> Save<'_, R> {
    /// Says what is wrong with the save times of a solve from `t0` to `t1`.
    pub(crate) fn validate(&self, (t0, t1): (R, R)) -> Result<(), SolveError> {
        let Save::At(times) = self else { return Ok(()) };
        let mut before = t0;
        for &t in *times {
            let (ahead, inside) = if t1 < t0 { (t <= before, t >= t1) } else { (t >= before, t <= t1) };
            if !ahead {
                return bad_time("a save time", t, "not before the one before it, nor before the beginning");
            }
            if !inside {
                return bad_time("a save time", t, "within the interval of the solve");
            }
            before = t;
        }
        Ok(())
    }
}

pub(crate) fn bad_time<R: Real>(what: &'static str, t: R, expected: &'static str) -> Result<(), SolveError> {
    Err(SolveError::BadTime { what, t: t.to_f64(), expected })
}

/// Keeps states as they pass.
pub(crate) struct Recorder<'a, S: Scalar> {
    save: Save<'a, S::Real>,
    next: usize,
    /// Was the beginning seen before?
    resumed: bool,
    pub(crate) t: Vec<S::Real>,
    pub(crate) y: Vec<S>,
    /// Dense output that is not finite, though both ends of its step are.
    pub(crate) broken: Option<SolveError>,
    /// The end of the last step, kept or not.
    latest: (S::Real, Vec<S>),
}

impl<'a, S: Scalar> Recorder<'a, S> {
    pub(crate) fn new(save: Save<'a, S::Real>, t0: S::Real, y0: &[S]) -> Recorder<'a, S> {
        Recorder {
            save,
            next: 0,
            resumed: false,
            t: Vec::new(),
            y: Vec::new(),
            broken: None,
            latest: (t0, y0.to_vec()),
        }
    }

    /// Takes everything up to `t` as kept before.
    pub(crate) fn skip_to(&mut self, t: S::Real, backwards: bool) {
        self.resumed = true;
        if let Save::At(times) = self.save {
            self.next = times.partition_point(|time| if backwards { *time >= t } else { *time <= t });
        }
    }

    /// Keeps the end of the last step, unless it is kept already.
    pub(crate) fn finish(&mut self) {
        if self.t.last() != Some(&self.latest.0) {
            self.keep_latest();
        }
    }

    /// Have all save times passed?
    pub(crate) fn complete(&self) -> bool {
        matches!(self.save, Save::At(times) if self.next == times.len())
    }

    fn keep_latest(&mut self) {
        self.t.push(self.latest.0);
        self.y.extend_from_slice(&self.latest.1);
    }
}

impl<S: Scalar> Observer<S> for Recorder<'_, S> {
    fn begin(&mut self, t: S::Real, y: &[S]) {
        self.latest.1.copy_from_slice(y);
        match self.save {
            _ if self.resumed => {}
            Save::End => {}
            Save::Steps => self.keep_latest(),
            Save::At(times) => {
                while times.get(self.next) == Some(&t) {
                    self.keep_latest();
                    self.next += 1;
                }
            }
        }
    }

    fn step(&mut self, segment: &mut dyn Segment<S>) -> Flow {
        self.latest.0 = segment.t1();
        self.latest.1.copy_from_slice(segment.y1());
        match self.save {
            Save::End => {}
            Save::Steps => self.keep_latest(),
            Save::At(times) => {
                while let Some(&t) = times.get(self.next).filter(|t| covers(segment, **t)) {
                    let at = self.y.len();
                    self.y.resize(at + self.latest.1.len(), S::zero());
                    segment.at(t, &mut self.y[at..]);
                    if let Some(component) = first_not_finite(&self.y[at..]) {
                        self.y.truncate(at);
                        self.broken = Some(broken(component, segment));
                        return Flow::Stop;
                    }
                    self.t.push(t);
                    self.next += 1;
                }
            }
        }
        Flow::Continue
    }
}

/// Writes states at given times into the caller's memory.
pub(crate) struct Sampler<'a, S: Scalar> {
    times: &'a [S::Real],
    out: &'a mut [S],
    next: usize,
    /// Dense output that is not finite, though both ends of its step are.
    pub(crate) broken: Option<SolveError>,
}

impl<'a, S: Scalar> Sampler<'a, S> {
    pub(crate) fn new(times: &'a [S::Real], out: &'a mut [S]) -> Sampler<'a, S> {
        Sampler { times, out, next: 0, broken: None }
    }
}

impl<S: Scalar> Observer<S> for Sampler<'_, S> {
    fn begin(&mut self, t: S::Real, y: &[S]) {
        while self.times.get(self.next) == Some(&t) {
            self.out[self.next * y.len()..][..y.len()].copy_from_slice(y);
            self.next += 1;
        }
    }

    fn step(&mut self, segment: &mut dyn Segment<S>) -> Flow {
        let n = segment.y1().len();
        while let Some(&t) = self.times.get(self.next).filter(|t| covers(segment, **t)) {
            let row = &mut self.out[self.next * n..][..n];
            segment.at(t, row);
            if let Some(component) = first_not_finite(row) {
                self.broken = Some(broken(component, segment));
                return Flow::Stop;
            }
            self.next += 1;
        }
        Flow::Continue
    }
}

/// The field is not finite at a stage that dense output alone evaluates.
fn broken<S: Scalar>(component: usize, segment: &dyn Segment<S>) -> SolveError {
    let (t, step) = (segment.t0().to_f64(), (segment.t1() - segment.t0()).to_f64());
    SolveError::NotFinite { component, t, step, stage: None }
}

/// Is `t`, which is not before the segment, inside it?
fn covers<S: Scalar>(segment: &dyn Segment<S>, t: S::Real) -> bool {
    if segment.t1() < segment.t0() { t >= segment.t1() } else { t <= segment.t1() }
}
