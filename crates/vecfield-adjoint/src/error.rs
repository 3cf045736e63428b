//! Why a gradient could not be had, or a fit not be made.

use vecfield_linalg::LinalgError;
use vecfield_optim::OptimError;
use vecfield_solvers::SolveError;

/// Why a gradient could not be had, or a fit not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdjointError {
    /// The equations cannot be integrated from the start that was given.
    #[error(
        "the equations cannot be integrated from the starting constants; start nearer to the data, or use shorter windows"
    )]
    Start,
    /// A point that was accepted could not be evaluated again.
    #[error("the equations could no longer be integrated at the fitted constants; tighten the solver's tolerance")]
    Lost,
    /// A constant that is moved by factors does not start above zero.
    #[error(
        "parameter {parameter} starts at {value} and is moved by factors; start it above zero, or move it linearly"
    )]
    NotPositive {
        /// Which parameter.
        parameter: usize,
        /// Its value.
        value: f64,
    },
    /// A prediction that no residual can be taken from.
    #[error(
        "column {column} is predicted to be {predicted} at t = {t}, from which no residual can be taken (a logarithm of nothing \
         positive?); start elsewhere, or take residuals of values"
    )]
    NoResidual {
        /// The column.
        column: usize,
        /// When.
        t: f64,
        /// The prediction.
        predicted: f64,
    },
    /// A checkpoint that does not fit.
    #[error("the checkpoint is that of another fit; go on with the problem, data and options it was made with")]
    Checkpoint,
    /// No window length was given.
    #[error("a fit needs at least one window length; give `usize::MAX` for whole runs")]
    NoWindows,
    /// More unknowns than measurements.
    #[error(
        "{observed} measurements cannot determine {unknowns} constants and initial states; hold some, or measure more"
    )]
    TooFewObservations {
        /// Number of measured cells.
        observed: usize,
        /// Number of unknowns.
        unknowns: usize,
    },
    /// The solver's method has no pass back.
    #[error(
        "the method has no discrete adjoint; use one that has (any but taylor and gbs: auto, verner9, radau5, bdf, adams, gauss4, ..)"
    )]
    NoPassBack,
    /// The solver's method carries no tangents forward.
    #[error(
        "the method carries no sensitivities forward; use any explicit Runge-Kutta method, radau5 or auto, or the discrete \
         adjoint"
    )]
    NoPushForward,
    /// The problem cannot be integrated backwards.
    #[error(
        "backsolve takes explicit methods and problems without events; use the discrete adjoint, which takes these, or \
         an explicit method such as dop853"
    )]
    NotBackwards,
    /// Algebraic equations on a way back that is a solve of its own.
    #[error(
        "neither backsolve nor a reversible method takes algebraic equations or a mass matrix; use the discrete or the \
         checkpointed adjoint"
    )]
    Massive,
    /// A method that cannot go back over its steps.
    #[error(
        "{method} cannot go back over its steps; use a reversible method (reversible-tsit5, reversible-dop853), or the \
         checkpointed adjoint, which takes any"
    )]
    NotReversible {
        /// The method.
        method: &'static str,
    },
    /// A stiff problem forgets what a reversible method would have to find again.
    #[error(
        "the equations are stiff: what they forget within a step cannot be found by going back; use the checkpointed adjoint"
    )]
    Stiff,
    /// The way back over the steps did not lead to where they began.
    #[error(
        "the way back arrives at t = {t} {distance:.1e} tolerances off: rounding grew on the way; use the checkpointed adjoint, \
         or let the steps be chosen by a tolerance"
    )]
    NotReversed {
        /// Where the states are known.
        t: f64,
        /// How far off, in units of the tolerance.
        distance: f64,
    },
    /// The pass back of the method needs second derivatives of the field.
    #[error(
        "the discrete adjoint of {method} needs second derivatives, which the field does not offer (`Vjp::vjp_along`); \
         offer them, or use radau5"
    )]
    NoSecondDerivatives {
        /// The method.
        method: &'static str,
    },
    /// The method cannot put a solve aside, so nothing can be computed again.
    #[error(
        "the record of this solve does not fit into {bytes} bytes, and its method cannot be taken up in between; allow more \
         memory, or use another method"
    )]
    NoCheckpoints {
        /// The budget.
        bytes: usize,
    },
    /// Not even a single step fits.
    #[error("a budget of {bytes} bytes is less than one step needs; allow at least {needed}")]
    BudgetTooSmall {
        /// The budget.
        bytes: usize,
        /// What it must be at least.
        needed: usize,
    },
    /// The linear system of a step's stages has no solution.
    #[error(
        "the stages of the step from t = {t} (h = {step:e}) are singular, so the gradient through it does not exist; take \
         smaller steps (a smaller tolerance) there"
    )]
    SingularStage {
        /// Where the step begins.
        t: f64,
        /// Its size.
        step: f64,
    },
    /// A cotangent stopped being a number.
    #[error(
        "the cotangent of {} {index} is not finite at the step from t = {t}: the field has no finite derivative there (a square \
         root, logarithm or power at 0?), or the gradient overflows; change the formula near that point, or shorten the interval",
        if *.parameter { "parameter" } else { "component" }
    )]
    NotFinite {
        /// Is it a parameter's, or a state component's?
        parameter: bool,
        /// Which.
        index: usize,
        /// Where the step begins.
        t: f64,
    },
    /// A state of rest among others, which nothing tells apart.
    #[error(
        "the state of rest is one of a family of {directions} dimensions, which no conserved linear quantity tells apart, so it \
         has no slope; fix what is free, or differentiate the solve over a long interval"
    )]
    Undecided {
        /// The dimension of the family.
        directions: usize,
    },
    /// A guard touches zero without crossing it.
    #[error(
        "event {event} at t = {t} only grazes its zero: its time has no derivative there; move the event, or ask for the \
         gradient on one side of it"
    )]
    Grazing {
        /// The event, by its index.
        event: usize,
        /// When.
        t: f64,
    },
    /// A slice of cotangents does not fit the solve.
    #[error("{what} has {found} numbers where the solve has {expected}")]
    Dimension {
        /// Which slice.
        what: &'static str,
        /// How many numbers it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// The pass back was cut short by its caller.
    #[error("stopped before the gradient was complete")]
    Stopped,
    /// Integration failed.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The minimiser refused.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// Something is not determined by the data.
    #[error("the data do not determine all constants and initial states ({0}); hold some of them, or measure more")]
    Undetermined(#[from] LinalgError),
}
