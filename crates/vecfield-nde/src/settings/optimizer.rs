//! `[optimizer]`: how the parameters descend.

use serde::{Deserialize, Serialize};
use vecfield_optim::{Rule, Schedule};

use super::Settings;
use crate::error::SettingError;
use crate::kind::Kind;
use crate::trainer::Keep;

/// The table `[optimizer]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerSettings {
    /// The rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<RuleName>,
    /// The rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Samples of a step; 0 for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// How many steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// How many times every sample is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// Stretches of the training, one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases: Option<Vec<PhaseSettings>>,
    /// Where forecasts shorter than the trajectories begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<Starts>,
    /// How the rate goes over each phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleName>,
    /// Steps over which the rate rises at the very beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<u64>,
    /// The longest gradient; longer ones are cut. 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// How strongly weights are drawn to zero beside the rule's step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// The decay of the average of the parameters that is kept in their place; 0 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema: Option<f64>,
    /// Which of the parameters on the way are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
    /// Of the rules that have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// `β₁`, `β₂` of the rules that have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub betas: Option<[f64; 2]>,
}

/// A rule of descent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RuleName {
    /// Plain, or with momentum.
    Sgd,
    /// Nesterov's momentum.
    Nesterov,
    /// Adam.
    Adam,
    /// Adam with weight decay, 0.01 unless said.
    Adamw,
    /// AdaBelief.
    Adabelief,
    /// RMSprop.
    Rmsprop,
    /// Lion.
    Lion,
    /// Muon.
    Muon,
}

/// How the rate goes over a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ScheduleName {
    /// It stays.
    #[default]
    Constant,
    /// Down to zero along half a cosine.
    Cosine,
    /// Down to zero along a line.
    Linear,
    /// Down to a hundredth, by the same factor at every step.
    Exponential,
}

/// Where the forecasts of a phase begin whose horizon is less than whole trajectories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Starts {
    /// At the first row.
    #[default]
    First,
    /// At a row drawn anew in every step, so that short forecasts see all of a trajectory.
    Anywhere,
}

/// A stretch of the training, as a file gives it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseSettings {
    /// How many steps.
    pub steps: u64,
    /// Which part of each trajectory is looked at, from its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon: Option<f64>,
    /// The rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
}

/// A stretch of the training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// How many steps.
    pub steps: u64,
    /// Which part of each trajectory is looked at.
    pub horizon: f64,
    /// The rate.
    pub learning_rate: f64,
}

/// How a training goes, all told.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The rule.
    pub rule: Rule,
    /// The phases, one after the other.
    pub phases: Vec<Phase>,
    /// Where short forecasts begin.
    pub starts: Starts,
    /// How the rate goes over each phase.
    pub schedule: ScheduleName,
    /// Steps over which the rate rises.
    pub warm_up: u64,
    /// Samples of a step.
    pub batch: usize,
    /// The longest gradient.
    pub clip: Option<f64>,
    /// How strongly weights are drawn to zero.
    pub decay: f64,
    /// The decay of the average of the parameters.
    pub ema: Option<f64>,
}

impl Plan {
    /// Steps of all phases.
    pub fn steps(&self) -> u64 {
        self.phases.iter().map(|phase| phase.steps).sum()
    }

    /// The phase of a step, its number, and the rate then.
    pub fn at(&self, step: u64) -> (usize, Phase, f64) {
        let mut begun = 0;
        for (number, phase) in self.phases.iter().enumerate() {
            if step < begun + phase.steps || number + 1 == self.phases.len() {
                let factor = self.schedule.over(phase.steps).factor(step - begun);
                let rise = if self.warm_up > step { (step + 1) as f64 / self.warm_up as f64 } else { 1.0 };
                return (number, *phase, phase.learning_rate * factor * rise);
            }
            begun += phase.steps;
        }
        (0, Phase { steps: 0, horizon: 1.0, learning_rate: 0.0 }, 0.0)
    }
}

impl ScheduleName {
    fn over(self, steps: u64) -> Schedule {
        match self {
            ScheduleName::Constant => Schedule::Constant,
            ScheduleName::Cosine => Schedule::Cosine { steps, end: 0.0 },
            ScheduleName::Linear => Schedule::Linear { steps, end: 0.0 },
            ScheduleName::Exponential => Schedule::Exponential { factor: 0.01_f64.powf(1.0 / steps.max(1) as f64) },
        }
    }
}

/// Nobody waits for more; a typing error does.
const MOST_STEPS: u64 = 1_000_000_000;

impl OptimizerSettings {
    pub(super) fn check(&self, kind: Kind) -> Result<(), SettingError> {
        let inside = |key, value: Option<f64>, fits: fn(f64) -> bool, range| match value.filter(|value| !fits(*value)) {
            Some(value) => Err(SettingError::range(key, value, range)),
            None => Ok(()),
        };
        let rate = |v: f64| v > 0.0 && v.is_finite();
        inside("optimizer.learning_rate", self.learning_rate, rate, "above zero")?;
        inside("optimizer.clip", self.clip, |v| v >= 0.0, "at least zero")?;
        inside("optimizer.weight_decay", self.weight_decay, |v| v >= 0.0 && v.is_finite(), "at least zero")?;
        let share = |v: f64| (0.0..1.0).contains(&v);
        inside("optimizer.ema", self.ema, share, "from 0 up to below 1")?;
        inside("optimizer.momentum", self.momentum, share, "from 0 up to below 1")?;
        let [first, second] = self.betas.map_or([None; 2], |betas| betas.map(Some));
        inside("optimizer.betas", first, share, "from 0 up to below 1")?;
        inside("optimizer.betas", second, share, "from 0 up to below 1")?;
        inside("optimizer.epochs", self.epochs, |v| v > 0.0 && v <= 1e6, "above 0, at most 1000000")?;
        let steps = |v: f64| (1.0..=MOST_STEPS as f64).contains(&v);
        inside("optimizer.steps", self.steps.map(|v| v as f64), steps, "between 1 and 1000000000")?;
        let lengths =
            [("steps", self.steps.is_some()), ("epochs", self.epochs.is_some()), ("phases", self.phases.is_some())];
        let given: Vec<&str> = lengths.into_iter().filter_map(|(key, given)| given.then_some(key)).collect();
        if let [first, second, ..] = given[..] {
            let reason = format!("`{first}` and `{second}` both say how long the training is; keep one of them");
            let key = if second == "epochs" { "optimizer.epochs" } else { "optimizer.phases" };
            return Err(SettingError::Rejected { key, reason });
        }
        for phase in self.phases.as_deref().unwrap_or_default() {
            inside("optimizer.phases", Some(phase.steps as f64), steps, "(steps) between 1 and 1000000000")?;
            inside("optimizer.phases", phase.horizon, |v| v > 0.0 && v <= 1.0, "(horizon) above 0, at most 1")?;
            inside("optimizer.phases", phase.learning_rate, rate, "(learning_rate) above zero")?;
        }
        if self.phases.as_ref().is_some_and(Vec::is_empty) {
            let reason = "a training has at least one phase; add one, or leave the key out".into();
            return Err(SettingError::Rejected { key: "optimizer.phases", reason });
        }
        self.rule(kind).map(|_| ())
    }

    /// The rule with its constants.
    fn rule(&self, kind: Kind) -> Result<Rule, SettingError> {
        let name = self.name.unwrap_or(kind.defaults().rule);
        let rule = match (name, self.momentum, self.betas) {
            (RuleName::Sgd, momentum, None) => Rule::Sgd { momentum: momentum.unwrap_or(0.0) },
            (RuleName::Nesterov, momentum, None) => Rule::Nesterov { momentum: momentum.unwrap_or(0.9) },
            (RuleName::Muon, momentum, None) => Rule::Muon { momentum: momentum.unwrap_or(0.95) },
            (RuleName::Adam | RuleName::Adamw, None, betas) => {
                Rule::Adam { betas: betas.unwrap_or([0.9, 0.999]), epsilon: 1e-8 }
            }
            (RuleName::Adabelief, None, betas) => {
                Rule::AdaBelief { betas: betas.unwrap_or([0.9, 0.999]), epsilon: 1e-16 }
            }
            (RuleName::Lion, None, betas) => Rule::Lion { betas: betas.unwrap_or([0.9, 0.99]) },
            (RuleName::Rmsprop, None, None) => Rule::RMS_PROP,
            (_, Some(_), _) => {
                let reason = "this rule has no momentum; it belongs to sgd, nesterov and muon".into();
                return Err(SettingError::Rejected { key: "optimizer.momentum", reason });
            }
            (_, None, _) => {
                let reason = "this rule has no betas; they belong to adam, adamw, adabelief and lion".into();
                return Err(SettingError::Rejected { key: "optimizer.betas", reason });
            }
        };
        Ok(rule)
    }
}

impl Settings {
    /// Which of the parameters on the way are kept.
    pub fn keep(&self) -> Keep {
        self.optimizer.keep.unwrap_or(self.model.kind.defaults().keep)
    }

    /// How the training of so many samples goes.
    ///
    /// # Errors
    ///
    /// Constants that the rule does not have.
    pub fn plan(&self, samples: usize) -> Result<Plan, SettingError> {
        let (given, defaults) = (&self.optimizer, self.model.kind.defaults());
        let batch = match given.batch.unwrap_or(defaults.batch) {
            0 => samples,
            batch => batch.min(samples),
        };
        let rate = given.learning_rate.unwrap_or(defaults.learning_rate);
        let whole = |steps| vec![PhaseSettings { steps, horizon: None, learning_rate: None }];
        let phases = match (&given.phases, given.steps, given.epochs) {
            (Some(phases), ..) => phases.clone(),
            (None, Some(steps), _) => whole(steps),
            (None, None, Some(epochs)) => whole((epochs * samples as f64 / batch as f64).ceil() as u64),
            (None, None, None) => (defaults.phases)(samples, batch),
        };
        let phase = |phase: &PhaseSettings| Phase {
            steps: phase.steps,
            horizon: phase.horizon.unwrap_or(1.0),
            learning_rate: phase.learning_rate.unwrap_or(rate),
        };
        let decay = if given.name == Some(RuleName::Adamw) { 0.01 } else { 0.0 };
        Ok(Plan {
            rule: given.rule(self.model.kind)?,
            phases: phases.iter().map(phase).collect(),
            starts: given.starts.unwrap_or_default(),
            schedule: given.schedule.unwrap_or(defaults.schedule),
            warm_up: given.warm_up.unwrap_or(0),
            batch,
            clip: Some(given.clip.unwrap_or(defaults.clip)).filter(|clip| *clip > 0.0),
            decay: given.weight_decay.unwrap_or(decay),
            ema: Some(given.ema.unwrap_or(defaults.ema)).filter(|ema| *ema > 0.0),
        })
    }
}
