//! The series of a formula that is recorded anew at every expansion, since its branches may have changed.

use vecfield_traits::Real;

use super::{Series, SeriesMemory};
use crate::tape::Tape;
use crate::var::Var;

/// A tape, the series made of it, and their memory.
#[derive(Debug, Clone)]
pub(crate) struct RecordedSeries<R> {
    tape: Tape,
    vars: Vec<Var<R>>,
    inputs: Vec<R>,
    /// What was recorded last, made ready.
    ready: Option<(Tape, Series)>,
    memory: SeriesMemory<R>,
}

impl<R: Real> RecordedSeries<R> {
    pub(crate) fn new() -> RecordedSeries<R> {
        let memory = SeriesMemory::new();
        RecordedSeries { tape: Tape::default(), vars: Vec::new(), inputs: Vec::new(), ready: None, memory }
    }

    /// Expands the field whose rates `f(inputs, dy)` writes, at the inputs that `parts` make one after the other: the time,
    /// the state, the parameters.
    pub(crate) fn expand(
        &mut self,
        parts: [&[R]; 3],
        order: usize,
        coefficients: &mut [R],
        f: impl FnOnce(&[Var<R>], &mut [Var<R>]),
    ) {
        self.inputs.clear();
        parts.into_iter().for_each(|part| self.inputs.extend_from_slice(part));
        self.tape.record_over(&self.inputs, parts[1].len(), &mut self.vars, f);
        if self.ready.as_ref().is_none_or(|(tape, _)| *tape != self.tape) {
            self.ready = Some((self.tape.clone(), Series::new(&self.tape)));
        }
        if let Some((_, series)) = &self.ready {
            series.expand(&mut self.memory, &self.inputs, order, coefficients);
        }
    }

    pub(crate) fn smooth_within(&self, h: R) -> R {
        self.ready.as_ref().map_or(h, |(_, series)| series.smooth_within(&self.memory, h))
    }
}
