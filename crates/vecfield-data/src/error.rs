//! Why a data set is refused.

/// What is wrong with a table of measurements.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The values do not fill whole rows.
    #[error("{values} values do not make rows of equal length at {times} times; give one value per variable and time")]
    Shape {
        /// Number of values given.
        values: usize,
        /// Number of times given.
        times: usize,
    },
    /// A run without rows.
    #[error("a trajectory has no rows; leave it out")]
    Empty,
    /// Times must increase.
    #[error(
        "time does not increase at row {row} of a trajectory (t = {t} after {before}); sort the rows, and give each run \
         its own number in a `trajectory` column"
    )]
    TimeOrder {
        /// Zero-based row within the trajectory.
        row: usize,
        /// The time there.
        t: f64,
        /// The time before it.
        before: f64,
    },
    /// Times and inputs must be numbers; values may be NaN (missing) but not infinite.
    #[error("row {row} of a trajectory holds a value that is not finite; leave a missing measurement as NaN")]
    NotFinite {
        /// Zero-based row within the trajectory.
        row: usize,
    },
    /// Trajectories of one data set must have the same variables.
    #[error(
        "trajectory {index} has {found} columns where the data set has {expected}; give every run the same columns"
    )]
    Columns {
        /// Which trajectory.
        index: usize,
        /// Columns it has.
        found: usize,
        /// Columns the data set has.
        expected: usize,
    },
    /// No variable or no trajectory.
    #[error("there is nothing to learn from: the data set has no {what}")]
    Nothing {
        /// What is missing.
        what: &'static str,
    },
    /// There is no such variable.
    #[error("there is no variable at place {place} of {count}; count from 0")]
    Variable {
        /// The place asked for.
        place: usize,
        /// Variables there are.
        count: usize,
    },
    /// Not as many as the rows or columns of a set of samples ask for.
    #[error("{found} {what} where the samples ask for {expected}, or a multiple; give one for each")]
    Samples {
        /// What.
        what: &'static str,
        /// How many were given.
        found: usize,
        /// How many are asked for.
        expected: usize,
    },
}
