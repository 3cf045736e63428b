//! Why a solve was refused or stopped early: numbers, and what to do.

use core::fmt;

use vecfield_traits::Real;

/// Why a solve could not begin, or stopped early.
///
/// Times and steps are in double precision whatever the solve's number was. [`named`](SolveError::named) says the same with
/// the caller's names of the components.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SolveError {
    /// The field is not a finite number, and no smaller step avoids that.
    NotFinite {
        /// The first component that is not finite.
        component: usize,
        /// The state is still good here.
        t: f64,
        /// The smallest step tried; zero where the field fails at `t` itself.
        step: f64,
        /// The stage of that step, from 0, whose rate is the first that is not finite, where the method has stages.
        stage: Option<usize>,
    },
    /// The step had to become smaller than `t` can resolve.
    StepTooSmall {
        /// The component with the largest error.
        component: usize,
        /// The state is still good here.
        t: f64,
        /// The step that would have come next.
        step: f64,
    },
    /// A step of the fixed size asked for cannot be taken.
    StepFailed {
        /// The component that spoils it.
        component: usize,
        /// The state is still good here.
        t: f64,
        /// The size asked for.
        step: f64,
        /// The stage, from 0, whose rate is the first that is not finite, if one is.
        stage: Option<usize>,
    },
    /// The bound on the number of steps was reached.
    TooManySteps {
        /// How far the solve came.
        t: f64,
        /// The step it was taking.
        step: f64,
        /// The bound, accepted and rejected steps together.
        limit: u64,
    },
    /// Stability, not accuracy, keeps the steps of an explicit method so small that they would be too many.
    Stiff {
        /// How far the solve came.
        t: f64,
        /// The step it is held to.
        step: f64,
        /// How fast the mode decays that holds it: `|λ|` of the dominant eigenvalue of the Jacobian.
        rate: f64,
        /// How many such steps lead to the end.
        ahead: f64,
        /// The bound on the number of steps.
        limit: u64,
    },
    /// Events with jumps follow each other without bound.
    Chattering {
        /// The event, by its index among the guards.
        event: usize,
        /// Where they accumulate.
        t: f64,
        /// How many happened in the last interval of time.
        count: u64,
        /// The length of that interval.
        within: f64,
    },
    /// A guard is not a finite number.
    GuardNotFinite {
        /// The event, by its index.
        event: usize,
        /// Where.
        t: f64,
    },
    /// A method without an error estimate was asked to choose its own steps.
    StepRequired {
        /// The method.
        method: &'static str,
    },
    /// The method needs more of the field than it offers.
    NotOffered {
        /// The method.
        method: &'static str,
        /// What it needs.
        needs: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// The relative tolerance is finer than the numbers are.
    BeyondPrecision {
        /// What was asked for.
        rtol: f64,
        /// The finest there is.
        attainable: f64,
    },
    /// No method has this name.
    UnknownMethod {
        /// What was asked for.
        name: String,
        /// The method whose name is nearest.
        nearest: &'static str,
    },
    /// What is to be gone on from is no checkpoint of this solve.
    BadCheckpoint {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A slice does not have the field's dimension.
    Dimension {
        /// Which slice.
        what: &'static str,
        /// How many numbers it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A tolerance or a step cannot be used.
    BadOption {
        /// Which option.
        option: &'static str,
        /// Its value.
        value: f64,
        /// What it has to be.
        expected: &'static str,
    },
    /// Times that are not finite, not in the direction of the solve, or outside it.
    BadTime {
        /// What the time is: an end, a save time.
        what: &'static str,
        /// Its value.
        t: f64,
        /// What it has to be.
        expected: &'static str,
    },
    /// The transient towards a steady state does not come to rest.
    NotSteady {
        /// Steps of the transient.
        steps: u64,
        /// The largest rate at its end.
        residual: f64,
        /// The component it belongs to.
        component: usize,
    },
    /// The algebraic equations do not determine the algebraic components: the index is above one.
    HighIndex {
        /// Components that are not determined.
        components: Vec<usize>,
        /// Where.
        t: f64,
    },
    /// No values near the given ones obey the algebraic equations.
    Inconsistent {
        /// The component that would have to move most, by its tolerance.
        component: usize,
        /// Where.
        t: f64,
        /// The correction the last iteration made to it.
        correction: f64,
    },
    /// An initial value is not a finite number.
    BadInitial {
        /// The component.
        component: usize,
    },
}

impl SolveError {
    /// The rate of a component is not finite where a solve begins.
    pub(crate) fn undefined<R: Real>(component: usize, t: R) -> SolveError {
        SolveError::NotFinite { component, t: t.to_f64(), step: 0.0, stage: None }
    }

    /// The message, with components called by their names.
    pub fn named<'a>(&'a self, names: &'a [String]) -> impl fmt::Display + 'a {
        Named { error: self, names }
    }

    /// The component concerned, where there is one.
    pub fn component(&self) -> Option<usize> {
        match *self {
            SolveError::NotFinite { component, .. }
            | SolveError::StepTooSmall { component, .. }
            | SolveError::StepFailed { component, .. }
            | SolveError::Inconsistent { component, .. }
            | SolveError::NotSteady { component, .. }
            | SolveError::BadInitial { component } => Some(component),
            _ => None,
        }
    }

    /// The time up to which the solution is good, where the solve had begun.
    pub fn time(&self) -> Option<f64> {
        match *self {
            SolveError::NotFinite { t, .. }
            | SolveError::StepTooSmall { t, .. }
            | SolveError::StepFailed { t, .. }
            | SolveError::TooManySteps { t, .. }
            | SolveError::Stiff { t, .. }
            | SolveError::Chattering { t, .. }
            | SolveError::GuardNotFinite { t, .. } => Some(t),
            _ => None,
        }
    }
}

impl std::error::Error for SolveError {}

impl fmt::Display for SolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Named { error: self, names: &[] }.fmt(f)
    }
}

struct Named<'a> {
    error: &'a SolveError,
    names: &'a [String],
}

/// ` in stage 3`, counted from one, or nothing.
struct InStage(Option<usize>);

impl fmt::Display for InStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |stage| write!(f, " in stage {}", stage + 1))
    }
}

impl Named<'_> {
    fn component(&self, index: usize) -> String {
        self.names.get(index).cloned().unwrap_or_else(|| format!("component {index}"))
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error {
            SolveError::NotFinite { component, t, step, .. } if *step == 0.0 => write!(
                f,
                "the rate of {} is not finite at t = {t}; change the initial values, or the formula where it divides by zero \
                 or leaves the domain of a function",
                self.component(*component)
            ),
            SolveError::NotFinite { component, t, step, stage } => write!(
                f,
                "{} is no longer finite after t = {t}, with steps down to h = {step:e}{}; the solution ends or leaves the \
                 domain of its formula there: stop before that time, or change the formula",
                self.component(*component),
                InStage(*stage)
            ),
            SolveError::StepTooSmall { component, t, step } => write!(
                f,
                "{} cannot be followed beyond t = {t}: the step fell to h = {step:e}; the solution has a singularity there, \
                 or the tolerance is below rounding: stop before that time, or raise rtol and atol",
                self.component(*component)
            ),
            SolveError::StepFailed { component, t, step, stage } => write!(
                f,
                "the step from t = {t} of the fixed size h = {step:e} fails in {}{}: it leaves the domain of the formula, or its \
                 equations have no solution nearby; use a smaller step, or a method that chooses its own",
                self.component(*component),
                InStage(*stage)
            ),
            SolveError::TooManySteps { t, step, limit } => write!(
                f,
                "{limit} steps led only to t = {t} (h = {step:e}); raise max_steps or the tolerances, shorten the interval, \
                 or use a stiff method (radau5) if an explicit one was asked for"
            ),
            SolveError::Stiff { t, step, rate, ahead, limit } => write!(
                f,
                "the equations are stiff at t = {t}: a mode that decays at a rate of {rate:.1e} holds an explicit method to \
                 steps of {step:.1e}, of which {ahead:.1e} more would be needed (at most {limit} are allowed); use a stiff \
                 method (auto, radau5), or raise max_steps"
            ),
            SolveError::Chattering { event, t, count, within } => write!(
                f,
                "event {event} fires without end: {count} times within {within:e} before t = {t}, where the events \
                 accumulate; stop before that time, or give the jump a smallest size"
            ),
            SolveError::GuardNotFinite { event, t } => write!(
                f,
                "the guard of event {event} is not finite at t = {t}; change its formula where it divides by zero or leaves \
                 the domain of a function"
            ),
            SolveError::StepRequired { method } => write!(
                f,
                "method \"{method}\" has no error estimate and needs a fixed step: set step, or choose an adaptive method"
            ),
            SolveError::NotOffered { method, needs, remedy } => {
                write!(f, "method \"{method}\" needs {needs}, which the field does not offer; {remedy}")
            }
            SolveError::BeyondPrecision { rtol, attainable } => write!(
                f,
                "rtol is {rtol:e}, finer than numbers of this precision can tell; use at least {attainable:.1e}, or zero and \
                 atol alone"
            ),
            SolveError::UnknownMethod { name, nearest } => {
                write!(f, "unknown method \"{name}\"; did you mean \"{nearest}\"?")
            }
            SolveError::BadCheckpoint { what } => write!(f, "the checkpoint {what}; begin the solve anew"),
            SolveError::Dimension { what, found, expected } => {
                write!(f, "{what} has {found} numbers where the field needs {expected}")
            }
            SolveError::BadOption { option, value, expected } => {
                write!(f, "{option} is {value:e}; it must be {expected}")
            }
            SolveError::BadTime { what, t, expected } => write!(f, "{what} is {t}; it must be {expected}"),
            SolveError::NotSteady { steps, residual, component } => write!(
                f,
                "the transient has not come to rest after {steps} steps: {} still moves at a rate of {residual:e}; the solution \
                 oscillates or grows without bound, or comes to rest only along with t, which is held: solve in time to see which",
                self.component(*component)
            ),
            SolveError::HighIndex { components, t } => {
                let names: Vec<String> = components.iter().map(|&component| self.component(component)).collect();
                write!(
                    f,
                    "the algebraic equations do not determine {} at t = {t}: their Jacobian is singular, so the index is above \
                     one; differentiate the equations that do not contain it with respect to t until one does, or move to \
                     initial values where they do",
                    if names.is_empty() { "every component".to_owned() } else { names.join(", ") }
                )
            }
            SolveError::Inconsistent { component, t, correction } => write!(
                f,
                "no consistent initial values were found at t = {t}: {} still moved by {correction:e} when the iteration gave \
                 up; give a nearer guess, or check that the algebraic equations have a solution",
                self.component(*component)
            ),
            SolveError::BadInitial { component } => {
                write!(f, "the initial value of {} is not a finite number", self.component(*component))
            }
        }
    }
}
