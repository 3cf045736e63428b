//! The trainer: batches, phases, steps, what is skipped and what is kept. It knows models through [`Model`] alone.

mod batches;
mod state;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use vecfield_nn::{Random, Role, Tensor};
use vecfield_optim::{Average, Decay, Descent, Group, Rule, clip_norm};

use crate::error::NdeError;
use crate::model::{Cost, Model, Number, Pass, Work, cause};
use crate::parallel::Slots;
use crate::settings::{Phase, Plan};
use batches::Batches;

/// Which of the parameters on the way a training leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Keep {
    /// The last ones.
    Last,
    /// Those of the lowest loss in the last phase.
    Best,
}

/// So many batches in a row may give no gradient.
const PATIENCE: u64 = 50;

/// No more samples are looked at to compare two sets of parameters.
const COMPARED: usize = 1024;

/// No history is longer.
const LONGEST_HISTORY: u64 = 1000;

/// A model on its way to its minimum.
///
/// All that it goes on from is data ([`state`](Trainer::save)), and a training that goes on from it gives the bits of one that
/// was never interrupted.
pub struct Trainer<M: Model<R>, R: Number> {
    model: M,
    plan: Plan,
    keep: Keep,
    seed: u64,
    theta: Vec<R>,
    /// Where the last step began.
    before: Vec<R>,
    gradient: Vec<R>,
    descent: Descent<R>,
    average: Option<Average<R>>,
    batches: Batches,
    slots: Slots<R, M::Memory>,
    best: Option<Best<R>>,
    done: Done,
    current: Window,
}

/// What a training has done so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// Steps, those that were skipped included.
    pub steps: u64,
    /// Batches that gave no gradient.
    pub skipped: u64,
    /// Samples and batches that failed, by cause.
    pub failures: BTreeMap<String, u64>,
    /// The work.
    pub work: Work,
    /// How it went.
    pub history: Vec<Entry>,
    skipped_in_a_row: u64,
}

/// A line of the history: means over the steps since the line before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Steps done.
    pub step: u64,
    /// The phase, from zero.
    pub phase: usize,
    /// What descends.
    pub loss: f64,
    /// The same in the data's units.
    pub shown: f64,
    /// The gradient's norm before it was cut.
    pub gradient_norm: f64,
    /// The rate of the last step.
    pub learning_rate: f64,
    /// Evaluations of the field for each sample.
    pub forward: f64,
    /// Pullbacks for each sample.
    pub backward: f64,
    /// Samples that failed.
    pub failed: u64,
}

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Standing {
    /// Steps done.
    pub step: u64,
    /// Steps of all phases.
    pub steps: u64,
    /// The loss of the last batch in the data's units; NaN where it gave none.
    pub shown: f64,
}

/// Sums over the steps since the last line of the history.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    steps: u64,
    good_steps: u64,
    loss: f64,
    shown: f64,
    gradient_norm: f64,
    samples: u64,
    forward: u64,
    backward: u64,
    failed: u64,
}

/// Parameters that were the best so far.
struct Best<R> {
    phase: usize,
    loss: f64,
    theta: Vec<R>,
}

impl<R: Number, M: Model<R>> Trainer<M, R> {
    /// A training from the model's own parameters.
    ///
    /// # Errors
    ///
    /// [`NdeError::NothingToLearn`] without a sample.
    pub fn new(model: M, plan: Plan, keep: Keep, seed: u64) -> Result<Trainer<M, R>, NdeError> {
        if model.samples() == 0 {
            let what = "the data has no sample to learn from".into();
            return Err(NdeError::NothingToLearn { what, remedy: "give it some" });
        }
        let theta = model.parameters();
        let descent = Descent::grouped(plan.rule, theta.len(), groups(&model.tensors(), &plan))?;
        let average = plan.ema.map(|decay| Average::new(decay, theta.len()));
        let batches = Batches::new(model.samples(), Random::new(seed ^ BATCHES));
        Ok(Trainer {
            gradient: vec![R::zero(); theta.len()],
            before: theta.clone(),
            theta,
            descent,
            average,
            batches,
            slots: Slots::new(),
            best: None,
            done: Done::default(),
            current: Window::default(),
            model,
            plan,
            keep,
            seed,
        })
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// What has been done so far.
    pub fn done(&self) -> &Done {
        &self.done
    }

    /// Trains to the end of the plan, or until `watcher`, which is asked after every step, breaks it off. Returns whether it
    /// did.
    ///
    /// # Errors
    ///
    /// [`NdeError::Diverged`] after too many batches without a gradient.
    pub fn run(&mut self, watcher: &mut dyn FnMut(&Self, Standing) -> ControlFlow<()>) -> Result<bool, NdeError> {
        let steps = self.plan.steps();
        while self.done.steps < steps {
            let shown = self.step()?;
            let standing = Standing { step: self.done.steps, steps, shown };
            if watcher(self, standing).is_break() && self.done.steps < steps {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes one step, or skips it; the loss of its batch in the data's units.
    fn step(&mut self) -> Result<f64, NdeError> {
        let step = self.done.steps;
        let (phase, Phase { horizon, .. }, rate) = self.plan.at(step);
        let draw = Some(Random { seed: self.seed ^ DRAWS, drawn: step }.bits());
        let pass = Pass { step, steps: self.plan.steps(), horizon, starts: self.plan.starts, draw };
        let batch = self.batches.next(self.plan.batch);
        let cost = self.slots.cost(&self.model, batch, &pass, &mut self.gradient);
        let (good, shown) = (cost.good, cost.mean_shown());
        let scale = R::one() / R::from_f64(good.max(1) as f64);
        self.gradient.iter_mut().for_each(|slope| *slope *= scale);
        let norm = clip_norm(&mut self.gradient, R::from_f64(self.plan.clip.unwrap_or(f64::INFINITY))).to_f64();
        self.done.steps += 1;
        self.done.work.add(cost.work);
        let usable = good > 0 && cost.loss.is_finite() && norm.is_finite();
        self.current.take(&cost, usable, norm);
        for (_, error) in &cost.failed {
            *self.done.failures.entry(cause(error).into()).or_default() += 1;
        }
        if usable {
            self.before.copy_from_slice(&self.theta);
            self.descent.step(&mut self.theta, &self.gradient, rate);
            self.model.set_parameters(&self.theta);
            if let Some(average) = &mut self.average {
                average.update(&self.theta);
            }
            self.done.skipped_in_a_row = 0;
        } else {
            self.skip(&cost)?;
        }
        self.close_window(phase, rate);
        Ok(shown)
    }

    /// Goes half the way back that the last step led: to where there was a gradient, if none comes for long.
    fn skip(&mut self, cost: &Cost) -> Result<(), NdeError> {
        self.done.skipped += 1;
        self.done.skipped_in_a_row += 1;
        let half = R::from_f64(0.5);
        self.theta.iter_mut().zip(&self.before).for_each(|(theta, &before)| *theta += half * (before - *theta));
        self.model.set_parameters(&self.theta);
        let cause = match cost.failed.first() {
            Some((_, error)) if cost.good == 0 => error.to_string(),
            _ => {
                *self.done.failures.entry("a batch that is not finite".into()).or_default() += 1;
                "the loss or its gradient is not finite".into()
            }
        };
        match self.done.skipped_in_a_row {
            batches @ PATIENCE.. => Err(NdeError::Diverged { batches, step: self.done.steps, cause }),
            _ => Ok(()),
        }
    }

    /// Writes a line of history where one is due, and keeps the parameters where they are the best of their phase.
    fn close_window(&mut self, phase: usize, learning_rate: f64) {
        let every = self.plan.steps().div_ceil(LONGEST_HISTORY).max(1);
        let epoch = (self.model.samples() as u64).div_ceil(self.plan.batch.max(1) as u64);
        // Losses of single batches are too noisy to be compared.
        let compared = epoch.max(10).div_ceil(every) * every;
        if self.done.steps.is_multiple_of(every) || self.done.steps == self.plan.steps() {
            let window = core::mem::take(&mut self.current);
            self.done.history.push(window.entry(self.done.steps, phase, learning_rate));
        }
        if self.keep == Keep::Best && self.done.steps.is_multiple_of(compared) {
            let lines = (compared / every) as usize;
            let recent = &self.done.history[self.done.history.len().saturating_sub(lines)..];
            let same_phase = recent.iter().all(|entry| entry.phase == phase);
            let loss = recent.iter().map(|entry| entry.loss).sum::<f64>() / recent.len().max(1) as f64;
            let better = self.best.as_ref().is_none_or(|best| best.phase != phase || loss < best.loss);
            if same_phase && loss.is_finite() && better {
                self.best = Some(Best { phase, loss, theta: self.settled() });
            }
        }
    }

    /// The parameters as they would be used: the average of the last ones, where one is kept.
    pub fn settled(&self) -> Vec<R> {
        let mut theta = self.theta.clone();
        if let Some(average) = &self.average {
            average.read(&mut theta);
        }
        theta
    }

    /// The parameters to be used: the last ones, or the best on the way where those cost less.
    pub fn result(&self) -> Vec<R>
    where
        M: Clone,
    {
        let last = self.settled();
        let Some(best) = self.best.as_ref().filter(|best| best.theta != last) else { return last };
        let (_, Phase { horizon, .. }, _) = self.plan.at(self.done.steps.saturating_sub(1));
        let pass = Pass::whole().with_horizon(horizon);
        let n = self.model.samples();
        let samples: Vec<usize> = (0..n).step_by(n.div_ceil(COMPARED)).collect();
        let mut model = self.model.clone();
        let mut mean = |theta: &[R]| {
            model.set_parameters(theta);
            let cost = Slots::new().cost(&model, &samples, &pass, &mut []);
            if cost.failed.is_empty() && cost.loss.is_finite() { cost.mean() } else { f64::INFINITY }
        };
        if mean(&best.theta) < mean(&last) { best.theta.clone() } else { last }
    }
}

/// Streams of random numbers that do not meet.
const BATCHES: u64 = 0x6261_7463_6865_7300;
const DRAWS: u64 = 0x6472_6177_7300_0000;

/// Weights decay, biases and scales do not; matrices are told apart for the rule that asks.
fn groups(tensors: &[Tensor], plan: &Plan) -> Vec<Group> {
    let mut at = 0;
    let group = |tensor: &Tensor| {
        let range = at..at + tensor.len();
        at = range.end;
        let weight = matches!(tensor.role, Role::Weight { .. });
        let decay = if weight && plan.decay > 0.0 { Decay::Decoupled(plan.decay) } else { Decay::None };
        let group = Group::new(range).decay(decay);
        match (plan.rule, &tensor.shape[..]) {
            (Rule::Muon { .. }, &[rows, ref columns @ ..]) if weight => group.matrix(rows, columns.iter().product()),
            _ => group,
        }
    };
    tensors.iter().map(group).collect()
}

impl Window {
    fn take(&mut self, cost: &Cost, usable: bool, norm: f64) {
        self.steps += 1;
        self.samples += (cost.good + cost.failed.len()) as u64;
        self.failed += cost.failed.len() as u64;
        self.forward += cost.work.forward;
        self.backward += cost.work.backward;
        if usable {
            self.good_steps += 1;
            self.loss += cost.mean();
            self.shown += cost.mean_shown();
            self.gradient_norm += norm;
        }
    }

    fn entry(&self, step: u64, phase: usize, learning_rate: f64) -> Entry {
        let good = self.good_steps as f64;
        let each = |sum: u64| sum as f64 / self.samples.max(1) as f64;
        Entry {
            step,
            phase,
            loss: self.loss / good,
            shown: self.shown / good,
            gradient_norm: self.gradient_norm / good,
            learning_rate,
            forward: each(self.forward),
            backward: each(self.backward),
            failed: self.failed,
        }
    }
}
