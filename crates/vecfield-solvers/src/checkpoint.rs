//! A solve put aside between two steps.

use vecfield_traits::{Real, Scalar};

use crate::SolveError;
use crate::clock::{Clock, Grid};
use crate::stepper::Stats;

/// A solve between two steps, from where [`Integrator::resume`](crate::Integrator::resume) goes on with the same bits: later,
/// in another integrator of the same method and options, or in another process.
///
/// ```
/// use vecfield_solvers::{Checkpoint, Flow, Integrator, Observer, Options, Save, Segment, field, tableau::TSIT5};
///
/// /// Stops after so many steps.
/// struct After(u32);
/// impl Observer<f64> for After {
///     fn step(&mut self, _segment: &mut dyn Segment<f64>) -> Flow {
///         self.0 -= 1;
///         if self.0 == 0 { Flow::Stop } else { Flow::Continue }
///     }
/// }
///
/// let mut pendulum = field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -y[0].sin()));
/// let mut integrator = Integrator::explicit(&TSIT5, 2, &Options::default())?;
/// let whole = integrator.solve(&pendulum, (0.0, 20.0), &[1.0, 0.0], Save::End)?;
///
/// let half = integrator.run(&mut pendulum, (0.0, 20.0), &[1.0, 0.0], Save::End, &mut [], &mut After(9))?;
/// let words = half.checkpoint.expect("stopped by its observer").to_words(); // to a file, and back
/// let checkpoint = Checkpoint::from_words(&words)?;
/// let rest = integrator.resume(&mut pendulum, &checkpoint, Save::End, &mut [], &mut ())?;
/// assert_eq!((rest.last(), rest.stats), (whole.last(), whole.stats));
/// # Ok::<(), vecfield_solvers::SolveError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint<S: Scalar> {
    /// The interval of the whole solve.
    pub(crate) span: (S::Real, S::Real),
    pub(crate) clock: Clock<S::Real>,
    pub(crate) y: Vec<S>,
    /// What the stepper's [`save`](crate::stepper::Stepper::save) wrote.
    pub(crate) stepper: Vec<S>,
    pub(crate) stats: Stats,
    pub(crate) events: Remembered<S::Real>,
}

/// What is known of the events between two steps.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Remembered<R> {
    pub(crate) guards: Vec<RememberedGuard<R>>,
    pub(crate) last_jump: Option<R>,
    pub(crate) close_jumps: u64,
    /// Events whose jumps are still to be made here.
    pub(crate) due: Vec<usize>,
}

/// What is known of one guard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RememberedGuard<R> {
    pub(crate) side: i8,
    pub(crate) value: R,
    pub(crate) occurrences: u64,
}

/// The first word, which a change of the format changes.
const VERSION: u64 = u64::from_be_bytes(*b"vecfld\0\x01");

impl<S: Scalar> Checkpoint<S> {
    /// Where the solve is.
    pub fn t(&self) -> S::Real {
        self.clock.t
    }

    /// The state there.
    pub fn y(&self) -> &[S] {
        &self.y
    }

    /// The interval of the whole solve.
    pub fn span(&self) -> (S::Real, S::Real) {
        self.span
    }

    /// The work so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}

impl<R: Real> Checkpoint<R> {
    /// All of it as words, to be written somewhere.
    pub fn to_words(&self) -> Vec<u64> {
        let Clock { t, t1, resume, h, longest, fixed } = &self.clock;
        let Stats { steps, rejected, rhs_evals, jacobian_evals, factorizations } = self.stats;
        let mut words = vec![VERSION];
        let number = |x: &R| x.to_f64().to_bits();
        let optional = |x: &Option<R>| [u64::from(x.is_some()), x.as_ref().map_or(0, number)];
        words.extend([&self.span.0, &self.span.1, t, t1, h, longest].map(number));
        words.extend(optional(resume));
        words.push(u64::from(fixed.is_some()));
        words.extend(fixed.iter().flat_map(|Grid { origin, h, index }| [number(origin), number(h), index.to_bits()]));
        words.extend([steps, rejected, rhs_evals, jacobian_evals, factorizations]);
        for numbers in [&self.y, &self.stepper] {
            words.push(numbers.len() as u64);
            words.extend(numbers.iter().map(number));
        }
        let Remembered { guards, last_jump, close_jumps, due } = &self.events;
        words.extend(optional(last_jump));
        words.extend([*close_jumps, guards.len() as u64]);
        for RememberedGuard { side, value, occurrences } in guards {
            words.extend([(*side + 1) as u64, number(value), *occurrences]);
        }
        words.push(due.len() as u64);
        words.extend(due.iter().map(|&event| event as u64));
        words
    }

    /// Back from [`to_words`](Self::to_words).
    ///
    /// # Errors
    ///
    /// [`SolveError::BadCheckpoint`] for words that are none of this version's.
    pub fn from_words(words: &[u64]) -> Result<Checkpoint<R>, SolveError> {
        let mut words = Words { words, at: 0 };
        if words.word()? != VERSION {
            return Err(SolveError::BadCheckpoint { what: "is of another version of this program" });
        }
        let span = (words.number()?, words.number()?);
        let (t, t1, h, longest) = (words.number()?, words.number()?, words.number()?, words.number()?);
        let resume = words.optional()?;
        let fixed = match words.word()? {
            0 => None,
            _ => Some(Grid { origin: words.number()?, h: words.number()?, index: f64::from_bits(words.word()?) }),
        };
        let stats = Stats {
            steps: words.word()?,
            rejected: words.word()?,
            rhs_evals: words.word()?,
            jacobian_evals: words.word()?,
            factorizations: words.word()?,
        };
        let (y, stepper) = (words.list(Words::number)?, words.list(Words::number)?);
        let (last_jump, close_jumps) = (words.optional()?, words.word()?);
        let guards = words.list(|words| {
            let side = match words.word()? {
                0 => -1,
                1 => 0,
                _ => 1,
            };
            Ok(RememberedGuard { side, value: words.number()?, occurrences: words.word()? })
        })?;
        let due = words.list(|words| Ok(words.word()? as usize))?;
        if words.at != words.words.len() || due.iter().any(|&event| event >= guards.len()) {
            return Err(CUT_SHORT);
        }
        let clock = Clock { t, t1, resume, h, longest, fixed };
        let events = Remembered { guards, last_jump, close_jumps, due };
        Ok(Checkpoint { span, clock, y, stepper, stats, events })
    }
}

const CUT_SHORT: SolveError = SolveError::BadCheckpoint { what: "is not whole" };

/// Words yet to be read.
struct Words<'a> {
    words: &'a [u64],
    at: usize,
}

impl Words<'_> {
    fn word(&mut self) -> Result<u64, SolveError> {
        let word = self.words.get(self.at).copied().ok_or(CUT_SHORT)?;
        self.at += 1;
        Ok(word)
    }

    fn number<R: Real>(&mut self) -> Result<R, SolveError> {
        self.word().map(|word| R::from_f64(f64::from_bits(word)))
    }

    fn optional<R: Real>(&mut self) -> Result<Option<R>, SolveError> {
        let (some, number) = (self.word()?, self.number()?);
        Ok((some != 0).then_some(number))
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, SolveError>) -> Result<Vec<T>, SolveError> {
        let length = self.word()?;
        (0..length).map(|_| item(self)).collect()
    }
}
