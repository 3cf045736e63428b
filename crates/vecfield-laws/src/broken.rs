//! What a law says that does not hold.

use core::fmt;

/// A law that does not hold, with the numbers that show it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// Errors fall at another rate than claimed.
    #[error(
        "observed order {observed:.2}, claimed {claimed} to within {within}; the errors at halved steps are {errors:?}: \
         look for a mistyped coefficient, or claim what is so"
    )]
    Order {
        /// The slope between the two finest errors above rounding.
        observed: f64,
        /// What the method says of itself.
        claimed: f64,
        /// How far the two may be apart.
        within: f64,
        /// The errors, coarse steps first.
        errors: Vec<f64>,
    },
    /// No two errors could be compared.
    #[error(
        "no two neighbours of the errors {errors:?} lie between 0.3 and {floor:e}: take other steps, and look at the method if \
         none of them is small"
    )]
    NoSlope {
        /// The errors, coarse steps first.
        errors: Vec<f64>,
        /// Where rounding begins.
        floor: f64,
    },
    /// A component is not what it should be.
    #[error(
        "{quantity} {component} is {found:e} where {expected:e} is right (allowed difference {allowed:e}); \
         look at the formula of that component first"
    )]
    Differs {
        /// What was compared.
        quantity: Quantity,
        /// The first component in which it differs.
        component: usize,
        /// What was found.
        found: f64,
        /// What it should be.
        expected: f64,
        /// The difference that would have been let pass.
        allowed: f64,
    },
    /// A row sees its neighbours.
    #[error(
        "output {column} of row {row} is {together:e} among {rows} rows and {alone:e} alone; a row's sums must have the same \
         order in any company"
    )]
    SeesNeighbours {
        /// The row.
        row: usize,
        /// How many rows there were.
        rows: usize,
        /// Which of its outputs.
        column: usize,
        /// Its value in company.
        together: f64,
        /// Its value alone.
        alone: f64,
    },
    /// A result depends on how many threads worked on it.
    #[error(
        "{threads} threads give {found} where {reference} gave {expected}; cut the work into pieces that do not depend on the \
         number of threads, and reduce them in a fixed order"
    )]
    DependsOnThreads {
        /// How many threads gave another result.
        threads: usize,
        /// How many gave the first.
        reference: usize,
        /// The result of the one.
        found: String,
        /// The result of the other.
        expected: String,
    },
    /// What was printed was not read back.
    #[error(
        "{value} is printed as `{text}`, and that is read as {read}; print what the reader needs to tell the two apart"
    )]
    NotReadBack {
        /// What was printed.
        value: String,
        /// As what.
        text: String,
        /// What came of it.
        read: String,
    },
    /// Something allocates that must not.
    #[error("{count} allocations of {bytes} bytes in all; make the memory before the loop, and warm it up once")]
    Allocates {
        /// How many.
        count: u64,
        /// How much.
        bytes: u64,
    },
}

/// What a law compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantity {
    /// `f(t, y)` as written beside its derivative.
    Value,
    /// `∂f/∂t·t_dot + ∂f/∂y·y_dot`.
    Tangent,
    /// `(∂f/∂y)ᵀ dy_bar`.
    StateCotangent,
    /// `(∂f/∂t)ᵀ dy_bar`.
    TimeCotangent,
    /// `(∂f/∂θ)ᵀ dy_bar`.
    ParameterCotangent,
    /// `⟨Jᵀw, v⟩`, numbered by the directions tried.
    Pairing,
    /// A linear map of a sum.
    Sum,
    /// A map of what a symmetry has moved.
    Moved,
    /// What should be where one began.
    Return,
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Quantity::Value => "value",
            Quantity::Tangent => "tangent",
            Quantity::StateCotangent => "cotangent of state",
            Quantity::TimeCotangent => "cotangent of time",
            Quantity::ParameterCotangent => "cotangent of parameter",
            Quantity::Pairing => "pairing of cotangent and direction",
            Quantity::Sum => "image of a sum, component",
            Quantity::Moved => "image of what was moved, component",
            Quantity::Return => "there and back, component",
        })
    }
}
