//! `[solver]`: how the equation is solved and differentiated.

use serde::{Deserialize, Serialize};
use vecfield_adjoint::Budget;
use vecfield_data::Trajectories;
use vecfield_solvers::tableau::Tableau;
use vecfield_solvers::{Method, Options};
use vecfield_traits::Real;

use super::Settings;
use crate::error::SettingError;
use crate::kind::Kind;
use crate::trajectory::Scaling;

/// The table `[solver]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolverSettings {
    /// The method, as `vecfield solve --method list` names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Relative tolerance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtol: Option<f64>,
    /// Absolute tolerance, in units of the normalised variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atol: Option<f64>,
    /// Steps of exactly this size, in the data's time, without error control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// The most steps of one solve, accepted and rejected together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u64>,
    /// The method with which a solve that ran out of steps is tried once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// How the reverse pass gets its states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjoint: Option<AdjointName>,
    /// The most that the record of the solves of a batch may take: `"1GiB"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// How the reverse pass gets its states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AdjointName {
    /// Whichever fits the memory.
    #[default]
    Auto,
    /// Every stage is kept.
    Discrete,
    /// As many states are kept as fit the memory, the others computed again.
    Checkpointed,
    /// By going back over the steps of a reversible method: next to nothing is kept.
    Reversible,
    /// By integrating the adjoint equation backwards: next to nothing is kept, and the gradient is that of the equation, not of
    /// the solve.
    Backsolve,
}

/// An amount of memory: a number with `B`, `KiB`, `MiB` or `GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Memory(pub usize);

const UNITS: [(&str, usize); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl TryFrom<String> for Memory {
    type Error = String;

    fn try_from(text: String) -> Result<Memory, String> {
        let parsed = UNITS.into_iter().find_map(|(unit, bytes)| {
            let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
            (number > 0.0 && number.is_finite()).then_some(Memory((number * bytes as f64) as usize))
        });
        parsed.ok_or_else(|| format!("\"{text}\" is no amount of memory; write \"512MiB\" or \"1GiB\""))
    }
}

impl From<Memory> for String {
    fn from(Memory(bytes): Memory) -> String {
        let (unit, size) = UNITS.into_iter().find(|(_, size)| bytes.is_multiple_of(*size)).unwrap_or(("B", 1));
        format!("{}{unit}", bytes / size)
    }
}

/// How equations are solved, all told.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Solver {
    /// The method.
    pub method: Method,
    /// Relative tolerance.
    pub rtol: f64,
    /// Absolute tolerance.
    pub atol: f64,
    /// Steps of exactly this size.
    pub step: Option<f64>,
    /// The most steps of one solve.
    pub max_steps: u64,
    /// The method with which a solve that ran out of steps is tried once more.
    pub retry: Option<Method>,
    /// How the reverse pass gets its states.
    pub adjoint: AdjointName,
    /// What may be kept for it.
    pub budget: Budget,
}

impl Solver {
    /// As the solver takes it, for a time that runs `pace` times as fast.
    pub fn options<R: Real>(&self, pace: f64) -> Options<R> {
        let mut options = Options::tolerances(R::from_f64(self.rtol), R::from_f64(self.atol));
        options.max_steps = self.max_steps;
        options.step = self.step.map(|step| R::from_f64(step * pace));
        options
    }
}

/// Stochastic steps of the longest series, unless their length is said, and the most there may be.
const STEPS: f64 = 100.0;
const MOST_STEPS: f64 = 1e6;

impl Settings {
    /// How equations are solved, for kinds that take explicit methods alone.
    ///
    /// # Errors
    ///
    /// Another method; as [`solver`](Settings::solver).
    pub(crate) fn explicit(&self) -> Result<(Solver, &'static Tableau), SettingError> {
        let solver = self.solver()?;
        match solver.method {
            Method::Explicit(tableau) => Ok((solver, tableau)),
            method => {
                let (name, kind) = (method.name(), self.model.kind.name());
                let reason =
                    format!("{name} is not explicit, and a {kind} takes explicit methods: tsit5, dp5, bs3, rk4, ..");
                Err(SettingError::Rejected { key: "solver.method", reason })
            }
        }
    }

    /// The length of the steps, in the data's time, of kinds whose steps are Euler's and Maruyama's; `None` unless said.
    ///
    /// # Errors
    ///
    /// Another method, tolerances, anything else that such steps do not have.
    pub(crate) fn stochastic_step(&self) -> Result<Option<f64>, SettingError> {
        let (given, kind) = (&self.solver, self.model.kind);
        if let Some(method) = given.method.as_deref().filter(|&method| method != kind.defaults().method) {
            let steps = kind.defaults().method;
            let reason =
                format!("a {} takes the steps of {steps}, not of \"{method}\"; leave `method` out", kind.name());
            return Err(SettingError::Rejected { key: "solver.method", reason });
        }
        let others = [
            ("solver.rtol", given.rtol.is_some()),
            ("solver.atol", given.atol.is_some()),
            ("solver.max_steps", given.max_steps.is_some()),
            ("solver.retry", given.retry.is_some()),
            ("solver.adjoint", given.adjoint.is_some()),
            ("solver.memory", given.memory.is_some()),
        ];
        if let Some((key, _)) = others.into_iter().find(|(_, given)| *given) {
            let reason = format!("the steps of a {} are of one size; leave it out, or say `step`", kind.name());
            return Err(SettingError::Rejected { key, reason });
        }
        match given.step.filter(|step| !(*step > 0.0 && step.is_finite())) {
            Some(step) => Err(SettingError::range("solver.step", step, "above zero")),
            None => Ok(given.step),
        }
    }

    /// The longest step, in a model's time, for these trajectories.
    ///
    /// # Errors
    ///
    /// As [`stochastic_step`](Settings::stochastic_step), and one that makes too many of a series.
    pub(crate) fn stochastic_step_of(&self, data: &Trajectories, scaling: &Scaling) -> Result<f64, SettingError> {
        let spans = data.runs().iter().map(|run| run.times()[run.len() - 1] - run.times()[0]);
        let span = spans.fold(0.0, f64::max);
        let step = self.stochastic_step()?.unwrap_or(span / STEPS);
        if span > MOST_STEPS * step {
            let reason = format!(
                "steps of {step} make more than a million of a series over {span}; take longer ones (a hundredth of that, unless said)"
            );
            return Err(SettingError::Rejected { key: "solver.step", reason });
        }
        // Where no series has two rows, there is no step.
        Ok(if step > 0.0 { step * scaling.pace } else { 1.0 })
    }

    /// The second method, of kinds that try again.
    fn retry(&self) -> Result<Option<Method>, SettingError> {
        let Some(name) = &self.solver.retry else { return Ok(None) };
        let rejected = |reason| Err(SettingError::Rejected { key: "solver.retry", reason });
        let kind = self.model.kind;
        if !matches!(kind, Kind::NeuralOde | Kind::AugmentedOde | Kind::Ude) {
            return rejected(format!("a {} tries no second method; leave `retry` out", kind.name()));
        }
        match Method::named(name) {
            Ok(method) if method.fixed_step() => {
                rejected(format!("{name} cannot choose its steps; take one that can, as kvaerno5"))
            }
            Ok(method) => Ok(Some(method)),
            Err(error) => rejected(error.to_string()),
        }
    }

    /// How equations are solved.
    ///
    /// # Errors
    ///
    /// A method that there is not, numbers out of their range.
    pub fn solver(&self) -> Result<Solver, SettingError> {
        let (given, defaults) = (&self.solver, self.model.kind.defaults());
        let name = given.method.as_deref().unwrap_or(defaults.method);
        let method = Method::named(name)
            .map_err(|error| SettingError::Rejected { key: "solver.method", reason: error.to_string() })?;
        let solver = Solver {
            method,
            retry: self.retry()?,
            rtol: given.rtol.unwrap_or(defaults.rtol),
            atol: given.atol.unwrap_or(defaults.atol),
            step: given.step,
            max_steps: given.max_steps.unwrap_or(4096),
            adjoint: given.adjoint.unwrap_or_default(),
            budget: match (given.adjoint.unwrap_or_default(), given.memory) {
                (AdjointName::Discrete, _) => Budget::everything(),
                (_, Some(Memory(bytes))) => Budget::bytes(bytes),
                (_, None) => Budget::default(),
            },
        };
        let range = |key, value: f64, fits: bool, range| {
            if fits { Ok(()) } else { Err(SettingError::range(key, value, range)) }
        };
        range("solver.rtol", solver.rtol, (1e-14..1.0).contains(&solver.rtol), "between 1e-14 and 1")?;
        range("solver.atol", solver.atol, solver.atol > 0.0 && solver.atol.is_finite(), "above zero")?;
        let step = solver.step.unwrap_or(1.0);
        range("solver.step", step, step > 0.0 && step.is_finite(), "above zero")?;
        range("solver.max_steps", solver.max_steps as f64, solver.max_steps > 0, "at least 1")?;
        let remedy = match (solver.adjoint, method) {
            (AdjointName::Reversible, Method::Reversible(_)) | (AdjointName::Backsolve, Method::Explicit(_)) => None,
            (AdjointName::Reversible, _) => Some("take a reversible one (`method = \"reversible-tsit5\"`)"),
            (AdjointName::Backsolve, _) => Some("take an explicit one (`method = \"tsit5\"`)"),
            _ => None,
        };
        if let Some(remedy) = remedy {
            let reason = format!("{name} has no such adjoint; {remedy}, or the checkpointed adjoint, which takes any");
            return Err(SettingError::Rejected { key: "solver.adjoint", reason });
        }
        if method.fixed_step() && solver.step.is_none() {
            let reason =
                format!("{name} has no error estimate and takes steps of one size; add `step = ..` to [solver]");
            return Err(SettingError::Rejected { key: "solver.method", reason });
        }
        Ok(solver)
    }
}
