//! Why rows make no path.

/// What is wrong with rows that were to make a path.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// No row at all.
    #[error("a path needs two rows or more, and there is none; leave the series out")]
    Empty,
    /// One row: a point.
    #[error("a path needs two rows or more, and there is one, at t = {t}; measure the series again, or leave it out")]
    OnePoint {
        /// Its time.
        t: f64,
    },
    /// Times must increase.
    #[error(
        "time does not increase at row {row}, counted from 0 (t = {t} after {before}); sort the rows and merge those of one time"
    )]
    TimeOrder {
        /// The row, from zero.
        row: usize,
        /// Its time.
        t: f64,
        /// The time before it.
        before: f64,
    },
    /// A time that is no number.
    #[error("the time of row {row}, counted from 0, is {t}; leave the row out")]
    Time {
        /// The row, from zero.
        row: usize,
        /// Its time.
        t: f64,
    },
    /// A value that no path goes through.
    #[error("channel {channel} of row {row}, both counted from 0, is {value}; {remedy}")]
    NotFinite {
        /// The row, from zero.
        row: usize,
        /// The channel, from zero.
        channel: usize,
        /// The value.
        value: f64,
        /// What to do.
        remedy: &'static str,
    },
    /// The values do not fill the rows.
    #[error("{values} values do not make {rows} rows of {channels} channels; give a value, or NaN, for each")]
    Shape {
        /// How many were given.
        values: usize,
        /// Rows there should be.
        rows: usize,
        /// Channels there should be.
        channels: usize,
    },
    /// A row more, of a path that later rows change.
    #[error("{name} interpolation looks at later rows, so a path cannot be continued; take {causal}, or build it anew")]
    NotCausal {
        /// The interpolation.
        name: &'static str,
        /// Those that can.
        causal: &'static str,
    },
    /// Corners along the time axis need it.
    #[error("a rectilinear path moves along time and values in turn, so time must be one of its channels; add it")]
    TimeChannel,
    /// A depth or a number of channels that has no terms, or too many.
    #[error(
        "signatures of {channels} channels to depth {depth} have {terms} terms where between 1 and {limit} are possible; \
         lower the depth, or take fewer channels"
    )]
    Terms {
        /// Channels.
        channels: usize,
        /// Depth.
        depth: usize,
        /// Terms of that; the most that can be counted where there are more.
        terms: usize,
        /// The most that are allowed.
        limit: usize,
    },
}
