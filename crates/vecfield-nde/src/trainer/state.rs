//! A training put aside and taken up again.

use serde::{Deserialize, Serialize};
use vecfield_nn::{Checkpoint, Random};

use super::{Best, Done, Trainer, Window};
use crate::error::NdeError;
use crate::model::{Model, Number};

/// All of a trainer's state that is no block of numbers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    seed: u64,
    samples: usize,
    order: Random,
    place: usize,
    descent_steps: u64,
    average_steps: Option<u64>,
    best: Option<(usize, f64)>,
    done: Done,
    window: Window,
}

const NOTE: &str = "training";

impl<R: Number, M: Model<R>> Trainer<M, R> {
    /// Puts in all that the training goes on from.
    ///
    /// # Errors
    ///
    /// What cannot be written.
    pub fn save(&self, checkpoint: &mut Checkpoint) -> Result<(), NdeError> {
        let (order, place) = self.batches.state();
        let state = State {
            seed: self.seed,
            samples: self.model.samples(),
            order,
            place,
            descent_steps: self.descent.steps(),
            average_steps: self.average.as_ref().map(|average| average.steps),
            best: self.best.as_ref().map(|best| (best.phase, best.loss)),
            done: self.done.clone(),
            window: self.current,
        };
        checkpoint.note(NOTE, &state)?;
        let mut put = |name: &str, numbers: &[R]| checkpoint.put(&format!("{NOTE}.{name}"), &[numbers.len()], numbers);
        put("theta", &self.theta);
        put("before", &self.before);
        for (name, numbers) in self.descent.memory() {
            put(name, numbers);
        }
        if let Some(average) = &self.average {
            put("average", &average.sums);
        }
        if let Some(best) = &self.best {
            put("best", &best.theta);
        }
        Ok(())
    }

    /// The seed that a training was begun with.
    ///
    /// # Errors
    ///
    /// A checkpoint without a training.
    pub fn seed_of(checkpoint: &Checkpoint) -> Result<u64, NdeError> {
        Ok(checkpoint.noted::<State>(NOTE)?.seed)
    }

    /// Goes on from what [`save`](Trainer::save) put in.
    ///
    /// # Errors
    ///
    /// [`NdeError::OtherTraining`] where it was that of other data or of another model.
    pub fn resume(&mut self, checkpoint: &Checkpoint) -> Result<(), NdeError> {
        let state: State = checkpoint.noted(NOTE)?;
        let get = |name: &str| checkpoint.get::<R>(&format!("{NOTE}.{name}"));
        let theta = get("theta")?;
        let differs = |what: &str| Err(NdeError::OtherTraining { what: what.into() });
        if state.samples != self.model.samples() {
            return differs("the number of samples");
        }
        if theta.len() != self.theta.len() {
            return differs("the network");
        }
        self.before = get("before")?;
        self.descent.resume(state.descent_steps, [&get("first")?, &get("second")?])?;
        if let (Some(average), Some(steps)) = (&mut self.average, state.average_steps) {
            average.steps = steps;
            average.sums = get("average")?;
        }
        self.best = match state.best {
            Some((phase, loss)) => Some(Best { phase, loss, theta: get("best")? }),
            None => None,
        };
        self.theta = theta;
        self.model.set_parameters(&self.theta);
        self.batches.resume((state.order, state.place));
        self.seed = state.seed;
        self.done = state.done;
        self.current = state.window;
        Ok(())
    }
}
