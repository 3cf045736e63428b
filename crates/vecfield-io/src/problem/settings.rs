//! How a problem is to be solved: `[solve]` of its file, or the command line in its place.

use vecfield_solvers::linear::{Krylov, LinearSolver};
use vecfield_solvers::sde::{self, SdeMethod};
use vecfield_solvers::{ErrorNorm, Method};

use crate::names::did_you_mean;

/// The settings of a solve. Every setter checks what it is given, so that the file and the command line obey one law.
#[derive(Debug, Clone)]
pub struct Settings {
    span: Option<(f64, f64)>,
    save: Save,
    method: Option<Method>,
    stochastic: Option<SdeMethod>,
    tolerances_given: bool,
    rtol: f64,
    atol: Vec<f64>,
    norm: ErrorNorm<f64>,
    linear: LinearSolver<f64>,
    step: Option<f64>,
    max_step: Option<f64>,
    discontinuities: Vec<f64>,
    paths: Option<u64>,
}

/// When the state is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Save {
    /// At these times, in the order of the run.
    At(Vec<f64>),
    /// At so many equidistant times, both ends included (the end alone for 1).
    Count(u64),
}

/// Points of a run whose problem does not say when the state is wanted.
const DEFAULT_COUNT: u64 = 101;
/// More saved rows than this are a slip of the pen, and would fill the memory.
const MOST_ROWS: u64 = 10_000_000;

/// Names of linear solvers.
const LINEAR: [&str; 5] = ["auto", "dense", "banded", "sparse", "gmres"];

/// A finer relative tolerance than this is within rounding.
const FINEST_RTOL: f64 = 4.0 * f64::EPSILON;

impl Default for Settings {
    fn default() -> Self {
        Self {
            span: None,
            save: Save::Count(DEFAULT_COUNT),
            method: None,
            stochastic: None,
            tolerances_given: false,
            rtol: 1e-6,
            atol: vec![1e-9],
            norm: ErrorNorm::default(),
            linear: LinearSolver::default(),
            step: None,
            max_step: None,
            discontinuities: Vec::new(),
            paths: None,
        }
    }
}

impl Settings {
    /// Start and end of the run, if given.
    pub fn span(&self) -> Option<(f64, f64)> {
        self.span
    }

    /// When the state is wanted.
    pub fn save(&self) -> &Save {
        &self.save
    }

    /// The method, if given.
    pub fn method(&self) -> Option<Method> {
        self.method
    }

    /// The method for a stochastic equation, if given.
    pub fn stochastic_method(&self) -> Option<SdeMethod> {
        self.stochastic
    }

    /// Were tolerances given, or are they those that every problem begins with?
    pub fn tolerances_given(&self) -> bool {
        self.tolerances_given
    }

    /// Relative tolerance.
    pub fn rtol(&self) -> f64 {
        self.rtol
    }

    /// Absolute tolerance: one, or one per variable.
    pub fn atol(&self) -> &[f64] {
        &self.atol
    }

    /// The norm in which errors are measured.
    pub fn norm(&self) -> &ErrorNorm<f64> {
        &self.norm
    }

    /// How implicit methods solve their linear systems.
    pub fn linear(&self) -> &LinearSolver<f64> {
        &self.linear
    }

    /// The step of a fixed-step run, if given.
    pub fn step(&self) -> Option<f64> {
        self.step
    }

    /// The longest step, if given.
    pub fn max_step(&self) -> Option<f64> {
        self.max_step
    }

    /// Times, ascending, across which no step reaches.
    pub fn discontinuities(&self) -> &[f64] {
        &self.discontinuities
    }

    /// How often every combination of an ensemble is drawn, if given.
    pub fn paths(&self) -> Option<u64> {
        self.paths
    }

    /// Sets how often every combination of an ensemble is drawn.
    ///
    /// # Errors
    ///
    /// [`SettingError::Paths`] for none, or more than would fit.
    pub fn set_paths(&mut self, paths: u64) -> Result<(), SettingError> {
        if !(1..=MOST_ROWS).contains(&paths) {
            return Err(SettingError::Paths { paths, most: MOST_ROWS });
        }
        self.paths = Some(paths);
        Ok(())
    }

    /// Sets start and end of the run; the end may lie before the start.
    ///
    /// # Errors
    ///
    /// [`SettingError::Span`] unless there are two different, finite times.
    pub fn set_span(&mut self, times: &[f64]) -> Result<(), SettingError> {
        match *times {
            [start, end] if start != end && (end - start).is_finite() => self.span = Some((start, end)),
            _ => return Err(SettingError::Span { given: list(times) }),
        }
        Ok(())
    }

    /// Sets the times at which the state is wanted.
    ///
    /// # Errors
    ///
    /// [`SettingError::SaveNone`], [`SettingError::SaveNotFinite`]. Order and range depend on the span, and are checked
    /// by [`save_times`](Settings::save_times).
    pub fn set_save(&mut self, times: Vec<f64>) -> Result<(), SettingError> {
        if times.is_empty() {
            return Err(SettingError::SaveNone);
        }
        if let Some(&time) = times.iter().find(|t| !t.is_finite()) {
            return Err(SettingError::SaveNotFinite { time });
        }
        self.save = Save::At(times);
        Ok(())
    }

    /// Asks for `count` equidistant times.
    ///
    /// # Errors
    ///
    /// [`SettingError::SaveCount`] for none, or more than would fit.
    pub fn set_save_count(&mut self, count: u64) -> Result<(), SettingError> {
        if !(1..=MOST_ROWS).contains(&count) {
            return Err(SettingError::SaveCount { count, most: MOST_ROWS });
        }
        self.save = Save::Count(count);
        Ok(())
    }

    /// Sets the method by its name.
    ///
    /// # Errors
    ///
    /// [`SettingError::Method`] for a name no method has.
    pub fn set_method(&mut self, name: &str) -> Result<(), SettingError> {
        if let Ok(method) = SdeMethod::named(name) {
            (self.method, self.stochastic) = (None, Some(method));
            return Ok(());
        }
        let method = Method::named(name).map_err(|_| {
            let stochastic = sde::ALL.iter().map(|method| method.name());
            let hint = did_you_mean(name, Method::all().map(|method| method.name()).chain(stochastic));
            SettingError::Method { name: name.into(), hint }
        })?;
        (self.method, self.stochastic) = (Some(method), None);
        Ok(())
    }

    /// Sets the relative tolerance.
    ///
    /// # Errors
    ///
    /// [`SettingError::Tolerance`] unless it is finite and not negative, [`SettingError::BeyondPrecision`] where it is finer
    /// than numbers are.
    pub fn set_rtol(&mut self, rtol: f64) -> Result<(), SettingError> {
        let rtol = tolerance("rtol", rtol)?;
        if rtol > 0.0 && rtol < FINEST_RTOL {
            return Err(SettingError::BeyondPrecision { rtol });
        }
        (self.rtol, self.tolerances_given) = (rtol, true);
        Ok(())
    }

    /// Sets the absolute tolerance: one, or one per variable.
    ///
    /// # Errors
    ///
    /// [`SettingError::Tolerance`] unless all are finite and not negative.
    pub fn set_atol(&mut self, atol: Vec<f64>) -> Result<(), SettingError> {
        for &value in &atol {
            tolerance("atol", value)?;
        }
        (self.atol, self.tolerances_given) = (atol, true);
        Ok(())
    }

    /// Sets the norm in which errors are measured: `rms` or `max`.
    ///
    /// # Errors
    ///
    /// [`SettingError::Norm`] for any other name.
    pub fn set_norm(&mut self, name: &str) -> Result<(), SettingError> {
        self.norm = match name {
            "rms" => ErrorNorm::RootMeanSquare,
            "max" => ErrorNorm::Maximum,
            _ => return Err(SettingError::Norm { name: name.into() }),
        };
        Ok(())
    }

    /// Sets how implicit methods solve their linear systems: `auto`, `dense`, `banded`, `sparse` or `gmres`.
    ///
    /// # Errors
    ///
    /// [`SettingError::Linear`] for any other name.
    pub fn set_linear(&mut self, name: &str) -> Result<(), SettingError> {
        self.linear = match name {
            "auto" => LinearSolver::Auto,
            "dense" => LinearSolver::Dense,
            "banded" => LinearSolver::Banded,
            "sparse" => LinearSolver::Sparse,
            "gmres" => LinearSolver::Gmres(Krylov::default()),
            _ => {
                let hint = did_you_mean(name, LINEAR);
                return Err(SettingError::Linear { name: name.into(), hint });
            }
        };
        Ok(())
    }

    /// Sets the step of a fixed-step run.
    ///
    /// # Errors
    ///
    /// [`SettingError::Step`] unless it is finite and positive.
    pub fn set_step(&mut self, step: f64) -> Result<(), SettingError> {
        self.step = Some(positive("step", step)?);
        Ok(())
    }

    /// Sets the longest step.
    ///
    /// # Errors
    ///
    /// [`SettingError::Step`] unless it is finite and positive.
    pub fn set_max_step(&mut self, step: f64) -> Result<(), SettingError> {
        self.max_step = Some(positive("max_step", step)?);
        Ok(())
    }

    /// Sets the times at which the equations jump or have a kink.
    ///
    /// # Errors
    ///
    /// [`SettingError::Discontinuities`] unless they are finite and ascend.
    pub fn set_discontinuities(&mut self, times: Vec<f64>) -> Result<(), SettingError> {
        let wrong = |pair: &[f64]| pair[0] >= pair[1];
        if times.iter().any(|t| !t.is_finite()) || times.windows(2).any(wrong) {
            return Err(SettingError::Discontinuities { given: list(&times) });
        }
        self.discontinuities = times;
        Ok(())
    }

    /// Checks what several settings must agree on, for `variables` state variables.
    ///
    /// # Errors
    ///
    /// [`SettingError::AtolCount`], [`SettingError::ZeroTolerances`], and those of [`save_times`](Settings::save_times).
    pub fn check(&self, variables: usize) -> Result<(), SettingError> {
        if self.atol.len() != 1 && self.atol.len() != variables {
            return Err(SettingError::AtolCount { given: self.atol.len(), variables });
        }
        if self.rtol == 0.0 && self.atol.contains(&0.0) {
            return Err(SettingError::ZeroTolerances);
        }
        if let (Save::At(times), Some((start, end))) = (&self.save, self.span) {
            check_times(times, start, end)?;
        }
        Ok(())
    }

    /// Start and end, and the times at which the state is wanted between them, in the order of the run.
    ///
    /// # Errors
    ///
    /// [`SettingError::NoSpan`] when the problem does not say from when to when; [`SettingError::SaveOutside`],
    /// [`SettingError::SaveOrder`].
    pub fn save_times(&self) -> Result<((f64, f64), Vec<f64>), SettingError> {
        let (start, end) = self.span.ok_or(SettingError::NoSpan)?;
        let times = match &self.save {
            Save::At(times) => {
                check_times(times, start, end)?;
                times.clone()
            }
            Save::Count(1) => vec![end],
            // Each from its number, not from the one before, so that rounding does not accumulate and the end is exact.
            Save::Count(count) => (0..*count)
                .map(|k| if k + 1 == *count { end } else { start + (end - start) * (k as f64 / (*count - 1) as f64) })
                .collect(),
        };
        Ok(((start, end), times))
    }
}

/// A setting that no solve can work with. Names are those of the keys of `[solve]` and of the command line's flags.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// Not an interval.
    #[error("`t` must be two different, finite times, the start and the end (t = [0.0, 10.0]), but is {given}")]
    Span {
        /// The times given.
        given: String,
    },
    /// No interval.
    #[error("the problem does not say from when to when; give `t = [0.0, 10.0]` in [solve], or --t 0,10")]
    NoSpan,
    /// An empty list.
    #[error("`save` has no times; list those at which the state is wanted, or give `save_count = 101`")]
    SaveNone,
    /// Infinite or NaN.
    #[error("`save` has a time that is not finite ({time}); every time is a number between start and end")]
    SaveNotFinite {
        /// The time.
        time: f64,
    },
    /// A time outside the run.
    #[error("`save` has t = {time}, outside the run from {start} to {end}; take it out, or extend `t`")]
    SaveOutside {
        /// The time.
        time: f64,
        /// Start of the run.
        start: f64,
        /// End of the run.
        end: f64,
    },
    /// Times out of order.
    #[error("`save` has t = {time} after {before}; sort its times from {start} to {end}, each once")]
    SaveOrder {
        /// The time.
        time: f64,
        /// The time before it.
        before: f64,
        /// Start of the run.
        start: f64,
        /// End of the run.
        end: f64,
    },
    /// None, or too many.
    #[error("`save_count` must be between 1 and {most}, but is {count}")]
    SaveCount {
        /// The count.
        count: u64,
        /// The largest.
        most: u64,
    },
    /// Both ways to say when.
    #[error("`save` and `save_count` say the same thing; keep one of them")]
    SaveTwice,
    /// A name no method has.
    #[error("there is no method `{name}`{hint}; `vecfield solve --method list` shows all")]
    Method {
        /// The name.
        name: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
    },
    /// Negative or not finite.
    #[error("`{key}` must be a finite number that is not negative, such as 1e-6, but is {value}")]
    Tolerance {
        /// `rtol` or `atol`.
        key: &'static str,
        /// Its value.
        value: f64,
    },
    /// A name no norm has.
    #[error(
        "there is no norm `{name}`; use \"rms\", the root mean square over the components, or \"max\", for every component \
         to keep within its own tolerance"
    )]
    Norm {
        /// The name.
        name: String,
    },
    /// A name no linear solver has.
    #[error("there is no linear solver `{name}`{hint}; use \"auto\", \"dense\", \"banded\", \"sparse\" or \"gmres\"")]
    Linear {
        /// The name.
        name: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
    },
    /// Neither one nor one per variable.
    #[error("`atol` has {given} values for {variables} variables; give one number, or one per variable")]
    AtolCount {
        /// How many are given.
        given: usize,
        /// How many variables there are.
        variables: usize,
    },
    /// Nothing to hold the error to.
    #[error(
        "`rtol` and `atol` cannot both be zero: no step would be small enough; set one of them, such as rtol = 1e-6"
    )]
    ZeroTolerances,
    /// None, or too many.
    #[error("`paths` must be between 1 and {most}, but is {paths}")]
    Paths {
        /// The number.
        paths: u64,
        /// The largest.
        most: u64,
    },
    /// Not a step.
    #[error("`{key}` must be a finite number above zero, but is {step}")]
    Step {
        /// `step` or `max_step`.
        key: &'static str,
        /// Its value.
        step: f64,
    },
    /// Finer than double precision.
    #[error("`rtol` is {rtol:e}, finer than double precision can tell; use 1e-15 or more, or 0 and `atol` alone")]
    BeyondPrecision {
        /// Its value.
        rtol: f64,
    },
    /// Not ascending times.
    #[error("`discontinuities` must be finite times, each above the one before it, but is {given}")]
    Discontinuities {
        /// The times given.
        given: String,
    },
}

impl SettingError {
    /// The key of `[solve]` that the error is about.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Span { .. } | Self::NoSpan => "t",
            Self::SaveNone | Self::SaveNotFinite { .. } | Self::SaveOutside { .. } | Self::SaveOrder { .. } => "save",
            Self::SaveCount { .. } | Self::SaveTwice => "save_count",
            Self::Method { .. } => "method",
            Self::Norm { .. } => "norm",
            Self::Linear { .. } => "linear",
            Self::Tolerance { key, .. } => key,
            Self::AtolCount { .. } => "atol",
            Self::ZeroTolerances | Self::BeyondPrecision { .. } => "rtol",
            Self::Step { key, .. } => key,
            Self::Discontinuities { .. } => "discontinuities",
            Self::Paths { .. } => "paths",
        }
    }
}

fn tolerance(key: &'static str, value: f64) -> Result<f64, SettingError> {
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(SettingError::Tolerance { key, value }) }
}

fn positive(key: &'static str, step: f64) -> Result<f64, SettingError> {
    if step > 0.0 && step.is_finite() { Ok(step) } else { Err(SettingError::Step { key, step }) }
}

fn check_times(times: &[f64], start: f64, end: f64) -> Result<(), SettingError> {
    let (low, high) = (start.min(end), start.max(end));
    if let Some(&time) = times.iter().find(|t| !(low..=high).contains(t)) {
        return Err(SettingError::SaveOutside { time, start, end });
    }
    let wrong = |pair: &&[f64]| if start < end { pair[1] <= pair[0] } else { pair[1] >= pair[0] };
    match times.windows(2).find(wrong) {
        Some(pair) => Err(SettingError::SaveOrder { time: pair[1], before: pair[0], start, end }),
        None => Ok(()),
    }
}

fn list(times: &[f64]) -> String {
    format!("[{}]", times.iter().map(f64::to_string).collect::<Vec<_>>().join(", "))
}
