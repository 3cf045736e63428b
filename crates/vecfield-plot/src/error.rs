//! Why a figure or a report could not be made.

/// Why a figure or a report could not be made. Values that are not finite are never a reason: they become gaps.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// Two columns that belong together have different lengths.
    #[error(
        "{what}: {found} values where {expected} were expected; give one value for each abscissa (NaN where there is none)"
    )]
    Length {
        /// Which column.
        what: &'static str,
        /// The length of the column it belongs to.
        expected: usize,
        /// Its own length.
        found: usize,
    },
    /// A trajectory, residual or forecast speaks of a variable that the report does not have.
    #[error("{what} holds {found} variables and the report {expected}; give every part of a report the same variables")]
    Variables {
        /// Which part.
        what: &'static str,
        /// How many the report names.
        expected: usize,
        /// How many this part has (or the index it asks for, plus one).
        found: usize,
    },
    /// Markup that is not presentation MathML.
    #[error(
        "at byte {at}: {problem} in a formula's MathML; only presentation MathML without links or scripts is shown"
    )]
    Markup {
        /// Byte offset into the text given.
        at: usize,
        /// What was met there.
        problem: String,
    },
    /// The page's template failed, which is a mistake of this crate.
    #[error("the report's template failed ({reason}); this is a bug in vecfield-plot, please report it")]
    Template {
        /// What the template engine said.
        reason: String,
    },
}
