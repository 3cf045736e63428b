//! [`SdeError`].

use vecfield_brownian::BrownianError;

/// Why a stochastic equation cannot be solved as asked, or a path stopped early.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SdeError {
    /// No method has this name.
    #[error("there is no stochastic method `{name}`; did you mean `{nearest}`?")]
    UnknownMethod {
        /// What was asked for.
        name: String,
        /// The method whose name is nearest.
        nearest: &'static str,
    },
    /// The method is of the other calculus.
    #[error(
        "`{method}` solves {method_calculus} equations, and this one is meant after {equation_calculus}; use `{instead}`, or \
         change the drift by the correction between the two"
    )]
    WrongCalculus {
        /// The method.
        method: &'static str,
        /// What it solves.
        method_calculus: &'static str,
        /// What the equation is.
        equation_calculus: &'static str,
        /// A method that solves it.
        instead: &'static str,
    },
    /// The method converges to nothing for this noise, or has no formula for it.
    #[error("`{method}` is for {needs}, and this equation has {has}; use `{instead}`")]
    WrongNoise {
        /// The method.
        method: &'static str,
        /// What it is for.
        needs: &'static str,
        /// What the equation has.
        has: &'static str,
        /// A method that solves it.
        instead: &'static str,
    },
    /// The field does not offer what the method needs.
    #[error("`{method}` needs {needs}, which this field does not offer; use `{instead}`")]
    NotOffered {
        /// The method.
        method: &'static str,
        /// What it needs.
        needs: &'static str,
        /// A method that does without.
        instead: &'static str,
    },
    /// The motion knows less of an interval than the method asks.
    #[error(
        "`{method}` asks for space-time areas, and the motion has increments alone; make it `with_areas(method.areas())`"
    )]
    NoAreas {
        /// The method.
        method: &'static str,
    },
    /// The motion itself refuses.
    #[error(transparent)]
    Brownian(#[from] BrownianError),
    /// Not an interval, or backwards.
    #[error(
        "a stochastic equation runs forwards between two finite times, but is asked to go from {start} to {end}; swap them"
    )]
    Span {
        /// The start.
        start: f64,
        /// The end.
        end: f64,
    },
    /// A step, tolerance or save time that cannot be used.
    #[error("{what} is {value}; it has to be {expected}")]
    BadValue {
        /// What it is.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it has to be.
        expected: &'static str,
    },
    /// More steps than any run takes.
    #[error("steps of {step:e} from {start} to {end} are more than {most}; take longer ones")]
    TooManySteps {
        /// The step.
        step: f64,
        /// The start.
        start: f64,
        /// The end.
        end: f64,
        /// The largest number.
        most: u64,
    },
    /// A slice does not have the right length.
    #[error("{what} has {found} numbers where {expected} are needed: one a component, or one a component and path")]
    Dimension {
        /// Which slice.
        what: &'static str,
        /// How many numbers it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A state stopped being a number.
    #[error(
        "component {component} of path {path} is no longer finite after the step from t = {t} (h = {step:e}); take shorter \
         steps, a drift-implicit method, or keep roots and logarithms where they are defined, as sqrt(max(x, 0)) does"
    )]
    NotFinite {
        /// The path.
        path: u64,
        /// The first bad component.
        component: usize,
        /// Where the failed step began.
        t: f64,
        /// Its size.
        step: f64,
    },
    /// The step had to become smaller than the motion resolves.
    #[error(
        "path {path} needs steps below {step:e} at t = {t}, finer than the motion resolves; loosen the tolerances, or raise \
         the motion's depth"
    )]
    StepTooSmall {
        /// The path.
        path: u64,
        /// Where.
        t: f64,
        /// The step that would have come next.
        step: f64,
    },
    /// The caller's observer said stop.
    #[error("stopped before the end")]
    Stopped,
}
