//! A run put aside in a file, to go on from there.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use vecfield_solvers::{Checkpoint, Stats};

use crate::problem::{Problem, Save};
use crate::run::{Occurrence, Run, Solver};

/// A run that was cut short, with what it takes to go on: [`Solver::resume_watched`] then ends as if it had never stopped,
/// bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Paused {
    fingerprint: u64,
    pub(crate) times: Vec<f64>,
    /// Row by row, variables alone.
    pub(crate) values: Vec<f64>,
    pub(crate) occurrences: Vec<Occurrence>,
    pub(crate) checkpoint: Checkpoint<f64>,
}

/// Why a file cannot be gone on from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PausedError {
    /// The system does not give it.
    #[error("{}: cannot read: {reason}; --resume wants the folder of a run that was interrupted", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// Something else.
    #[error("{}: this is no run put aside by this version of vecfield; begin anew without --resume", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Cut short, or changed.
    #[error("{}: the file is damaged, its checksum does not agree; begin anew without --resume", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A run of something else.
    #[error(
        "{}: this is a run of another problem, or with other settings; give those it was begun with, or begin anew without \
         --resume",
        path.display()
    )]
    OtherProblem {
        /// The file.
        path: PathBuf,
    },
}

/// The first word of a file, with the version of the format.
const MAGIC: u64 = u64::from_be_bytes(*b"vf-run\0\x01");

impl Paused {
    /// What of `run`, which was cut short, it takes to go on; `None` where the method cannot.
    pub fn new(problem: &Problem, solver: &Solver, run: &Run) -> Option<Paused> {
        let checkpoint = run.checkpoint()?.clone();
        let (mut times, mut values) = (run.times().to_vec(), run.values().to_vec());
        // Where it stopped is kept as well, and may not have been asked for.
        if times.last().is_some_and(|last| !solver.save().contains(last)) {
            times.pop();
            values.truncate(times.len() * problem.variables().len());
        }
        let occurrences = run.occurrences().to_vec();
        Some(Paused { fingerprint: fingerprint(problem), times, values, occurrences, checkpoint })
    }

    /// How far the run has come.
    pub fn t(&self) -> f64 {
        self.checkpoint.t()
    }

    /// The work so far.
    pub fn stats(&self) -> Stats {
        self.checkpoint.stats()
    }

    /// Writes it: words of eight bytes, the last one a checksum.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut words = vec![MAGIC, self.fingerprint];
        let mut list = |numbers: &[f64]| {
            words.push(numbers.len() as u64);
            words.extend(numbers.iter().map(|x| x.to_bits()));
        };
        list(&self.times);
        list(&self.values);
        words.push(self.occurrences.len() as u64);
        for Occurrence { event, t, values } in &self.occurrences {
            words.extend([*event as u64, t.to_bits(), values.len() as u64]);
            words.extend(values.iter().map(|x| x.to_bits()));
        }
        words.extend(self.checkpoint.to_words());
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(hash(&bytes).to_le_bytes());
        to.write_all(&bytes)
    }

    /// Reads what [`write`](Self::write) wrote for the same problem with the same settings.
    ///
    /// # Errors
    ///
    /// [`PausedError`].
    pub fn read(path: &Path, problem: &Problem) -> Result<Paused, PausedError> {
        let bytes =
            std::fs::read(path).map_err(|e| PausedError::Unreadable { path: path.into(), reason: e.to_string() })?;
        let foreign = || PausedError::Foreign { path: path.into() };
        let damaged = || PausedError::Damaged { path: path.into() };
        let (words, rest) = bytes.as_chunks::<8>();
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        if words.first() != Some(&MAGIC) {
            return Err(foreign());
        }
        let [words @ .., checksum] = &words[..] else { return Err(damaged()) };
        if !rest.is_empty() || hash(&bytes[..bytes.len() - 8]) != *checksum {
            return Err(damaged());
        }
        let mut words = Words(&words[1..]);
        if words.word().ok_or_else(damaged)? != fingerprint(problem) {
            return Err(PausedError::OtherProblem { path: path.into() });
        }
        words.paused(fingerprint(problem)).ok_or_else(damaged)
    }
}

/// Words yet to be read.
struct Words<'a>(&'a [u64]);

impl Words<'_> {
    fn word(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn numbers(&mut self) -> Option<Vec<f64>> {
        let length = self.word()?;
        (0..length).map(|_| self.word().map(f64::from_bits)).collect()
    }

    fn occurrence(&mut self) -> Option<Occurrence> {
        let (event, t) = (self.word()? as usize, f64::from_bits(self.word()?));
        Some(Occurrence { event, t, values: self.numbers()? })
    }

    fn paused(mut self, fingerprint: u64) -> Option<Paused> {
        let (times, values) = (self.numbers()?, self.numbers()?);
        let count = self.word()?;
        let occurrences = (0..count).map(|_| self.occurrence()).collect::<Option<Vec<_>>>()?;
        let checkpoint = Checkpoint::from_words(self.0).ok()?;
        Some(Paused { fingerprint, times, values, occurrences, checkpoint })
    }
}

/// A number that differs, in all likelihood, between problems whose solutions may differ in any bit.
fn fingerprint(problem: &Problem) -> u64 {
    let (graph, settings) = (problem.graph(), problem.settings());
    let bits = |x: f64| format!("{:x} ", x.to_bits());
    let all = |numbers: &[f64]| numbers.iter().map(|x| bits(*x)).collect::<String>() + ";";
    let mut text = String::new();
    for parameter in problem.parameters() {
        text += &(parameter.name.clone() + " " + &bits(parameter.value));
    }
    for variable in problem.variables() {
        let stiff = variable.stiff.map(|stiff| graph.to_text(stiff));
        let (initial, rate) = (graph.to_text(variable.initial), graph.to_text(variable.rate));
        text += &format!("{} {initial} {rate} {} {stiff:?};", variable.name, variable.algebraic);
    }
    for discrete in problem.discrete() {
        text += &(discrete.name.clone() + " " + &bits(discrete.value));
    }
    for event in problem.events() {
        let jump = event.jump.iter().map(|(name, value)| format!("{name} {}", graph.to_text(*value)));
        let jump = jump.collect::<Vec<_>>().join(",");
        text += &format!("{} {:?} {jump} {:?};", graph.to_text(event.guard), event.direction, event.stop_after);
    }
    let span = settings.span().map_or_else(String::new, |(start, end)| all(&[start, end]));
    let save = match settings.save() {
        Save::At(times) => all(times),
        Save::Count(count) => count.to_string(),
    };
    let method = settings.method().map_or("auto", |method| method.name());
    let steps = [settings.step(), settings.max_step()].map(|step| step.map(f64::to_bits));
    text += &format!("{span}{save}{method}{}{}{steps:?}", all(&[settings.rtol()]), all(settings.atol()));
    text += &format!("{:?}{:?}{}", settings.norm(), settings.linear(), all(settings.discontinuities()));
    hash(text.as_bytes())
}

/// Fowler, Noll and Vo's hash 1a: the same in every version of every program.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
