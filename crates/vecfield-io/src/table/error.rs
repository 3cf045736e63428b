//! What can be wrong with a table, where, and what to do about it.

/// Why a table of measurements is refused. `line` is a line of the file (the header is line 1).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file cannot be opened or read.
    #[error("{file}: cannot read the table: {reason}; check the path")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's reason.
        reason: String,
    },
    /// A format that is not CSV.
    #[error(
        "{file}: tables of type .{extension} are not read by this version; save it as CSV, a header line with the \
         column names and then a line per row"
    )]
    Format {
        /// The file.
        file: String,
        /// Its extension.
        extension: String,
    },
    /// Nothing in the file.
    #[error("{file}: the file is empty; a table needs a header line such as `t,x,y` and then a line per row")]
    Empty {
        /// The file.
        file: String,
    },
    /// A header and nothing else.
    #[error("{file}: there is a header ({columns}) and no rows below it; add a line per time")]
    NoRows {
        /// The file.
        file: String,
        /// The header.
        columns: String,
    },
    /// Bytes that are not text.
    #[error("{file}:{line}: this is not text; a table is CSV in UTF-8, a header line such as `t,x,y` and then numbers")]
    NotText {
        /// The file.
        file: String,
        /// The line with the first byte that is not text.
        line: u64,
    },
    /// A line no table has.
    #[error("{file}:{line}: the line is longer than {limit} bytes; is this a table with one line per row?")]
    LongLine {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The longest line that is read.
        limit: u64,
    },
    /// A quote that is not closed on its line.
    #[error("{file}:{line}: a quote (\") is not closed on this line; remove it, numbers need no quotes")]
    Quote {
        /// The file.
        file: String,
        /// The line.
        line: u64,
    },
    /// Separated by something else than commas.
    #[error("{file}:1: the columns are separated by {separator} (\"{header}\"); separate them by commas")]
    Separator {
        /// The file.
        file: String,
        /// What separates them.
        separator: &'static str,
        /// The header.
        header: String,
    },
    /// The header is a row of numbers.
    #[error("{file}:1: the first line holds numbers ({header}); add a header line with the column names above it")]
    NoHeader {
        /// The file.
        file: String,
        /// The first line.
        header: String,
    },
    /// A column without a name.
    #[error("{file}:1: column {position} has no name; give every column one")]
    UnnamedColumn {
        /// The file.
        file: String,
        /// One-based position.
        position: usize,
    },
    /// Two columns with one name.
    #[error("{file}:1: columns {first} and {second} are both called `{column}`; rename one")]
    DuplicateColumn {
        /// The file.
        file: String,
        /// The name.
        column: String,
        /// One-based position.
        first: usize,
        /// One-based position.
        second: usize,
    },
    /// A name that cannot stand in a formula.
    #[error(
        "{file}:1: the column name \"{column}\" cannot be used in equations; rename it to letters, digits and `_` that \
         begin with a letter and are not a function or constant (such as `{suggestion}`)"
    )]
    ColumnName {
        /// The file.
        file: String,
        /// The name.
        column: String,
        /// A name that would do.
        suggestion: String,
    },
    /// A required column is not there.
    #[error("{file}:1: there is no column `{column}` among {columns}{hint}; {remedy}")]
    MissingColumn {
        /// The file.
        file: String,
        /// The column looked for.
        column: String,
        /// The columns there are.
        columns: String,
        /// The nearest name, as a phrase, or nothing.
        hint: String,
        /// What to do.
        remedy: &'static str,
    },
    /// No column is left for the states.
    #[error("{file}:1: no column is left for the state variables; add at least one beside {columns}")]
    NoVariables {
        /// The file.
        file: String,
        /// The columns there are.
        columns: String,
    },
    /// A row of another length than the header.
    #[error(
        "{file}:{line}: the row has {found} cells where the header has {expected}; leave a missing cell empty (`,,`)"
    )]
    Ragged {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// Cells found.
        found: usize,
        /// Cells expected.
        expected: usize,
    },
    /// A cell that is not a number.
    #[error("{file}:{line}, column `{column}`: \"{text}\" is not a number; leave a missing cell empty or write nan")]
    NotANumber {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        text: String,
    },
    /// An infinite cell.
    #[error("{file}:{line}, column `{column}`: \"{text}\" is not finite; leave a missing cell empty or write nan")]
    Infinite {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        text: String,
    },
    /// A time or an input is missing.
    #[error("{file}:{line}, column `{column}`: the cell is empty; {remedy}")]
    Missing {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A trajectory that is not numbered by an integer.
    #[error("{file}:{line}, column `trajectory`: \"{text}\" is not an integer; number the trajectories 0, 1, 2, ..")]
    TrajectoryNumber {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The cell.
        text: String,
    },
    /// Times must increase within a trajectory.
    #[error("{file}:{line}, column `t`: t = {t} comes after t = {before} (line {line_before}); {remedy}")]
    TimeOrder {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// Its time.
        t: f64,
        /// The time before it.
        before: f64,
        /// The line of the time before it.
        line_before: u64,
        /// What to do.
        remedy: &'static str,
    },
    /// A trajectory too short to learn from.
    #[error("{file}:{line}: {trajectory} ends here with {rows} row(s), fewer than the {required} needed; {remedy}")]
    TooFewRows {
        /// The file.
        file: String,
        /// Its last line.
        line: u64,
        /// Which trajectory.
        trajectory: String,
        /// Its rows.
        rows: usize,
        /// Rows needed.
        required: usize,
        /// What to do.
        remedy: &'static str,
    },
    /// A variable that was never measured.
    #[error("{file}, column `{column}`: no cell holds a number; fill in what was measured or remove the column")]
    NeverMeasured {
        /// The file.
        file: String,
        /// The column.
        column: String,
    },
    /// The rows do not make a data set, for a reason found only when they are put together.
    #[error("{file}: {source}")]
    Data {
        /// The file.
        file: String,
        /// The reason.
        source: vecfield_data::DataError,
    },
}
