//! Why a search cannot begin.

use vecfield_expr::{Unary, nearest_name};

/// Why a search cannot begin.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SymregError {
    /// A name that is no operation.
    #[error("there is no operator `{name}`{hint}; there are + - * / ^ min max and {functions}")]
    UnknownOperator {
        /// What was asked for.
        name: String,
        /// The nearest one, as a phrase, or nothing.
        hint: String,
        /// The functions there are.
        functions: String,
    },
    /// A list without one.
    #[error("no operator is given; leave the list out for + - * / ^ sqrt log exp sin cos tanh abs asin")]
    NoOperators,
    /// No column has this name.
    #[error("there is no column `{name}`{hint}; the columns are {columns}")]
    UnknownColumn {
        /// What was asked for.
        name: String,
        /// The nearest one, as a phrase, or nothing.
        hint: String,
        /// The columns there are.
        columns: String,
    },
    /// A name that no formula can hold.
    #[error("the column `{name}` cannot stand in a formula: {reason}; rename it")]
    BadName {
        /// The column.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint that cannot be read, or is of another table.
    #[error("line {line} of the checkpoint is not what a search of this table writes; begin again without it")]
    BadCheckpoint {
        /// The line, from 1.
        line: usize,
    },
    /// Fewer rows than can tell anything.
    #[error("{rows} complete rows are too few to tell formulas apart; give at least {least}")]
    TooFewRows {
        /// Rows without a missing value.
        rows: usize,
        /// The least number.
        least: usize,
    },
    /// A formula to begin with that cannot be read.
    #[error("the guess `{text}` cannot be read: {reason}")]
    BadGuess {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A loss that cannot be read, or that is not least where a formula is right.
    #[error("the loss `{text}` cannot be used: {reason}")]
    BadLoss {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A rule for operations that cannot be read.
    #[error("`{text}`: {problem}")]
    RuleSyntax {
        /// What was given.
        text: String,
        /// What is wrong with it, and what to give.
        problem: String,
    },
    /// A template that cannot be read or has no values.
    #[error("the template `{text}`: {problem}")]
    Template {
        /// What was given.
        text: String,
        /// What is wrong with it, and what to give.
        problem: String,
    },
    /// Something that is not asked of the formulas of a template.
    #[error("{option} cannot be had together with a template; leave one of them out")]
    NotWithTemplate {
        /// What was asked for.
        option: &'static str,
    },
    /// A list of units that cannot be read.
    #[error("`{text}`: {problem}")]
    UnitSyntax {
        /// What was given.
        text: String,
        /// What is wrong with it, and what to give.
        problem: String,
    },
    /// A list of shapes, or a box for them, that cannot be read.
    #[error("`{text}`: {problem}")]
    ShapeSyntax {
        /// What was given.
        text: String,
        /// What is wrong with it, and what to give.
        problem: String,
    },
    /// A column with two units.
    #[error("the unit of `{name}` is given twice; leave one out")]
    UnitTwice {
        /// The column.
        name: String,
    },
    /// Units of more names than the search tells apart.
    #[error("the units are made of {names}, and there may be {most} names; write some of them as products of others")]
    TooManyUnits {
        /// The names.
        names: String,
        /// How many there may be.
        most: usize,
    },
    /// A weight that is no weight.
    #[error("row {row} has the weight {weight}; give zero or more, and more than zero to some rows")]
    BadWeight {
        /// Which row, from one.
        row: usize,
        /// Its weight.
        weight: f64,
    },
    /// Nothing to tell categories apart.
    #[error("all rows are of one category; leave the category out")]
    OneCategory,
    /// A category of too few rows.
    #[error("the category {label} has {rows} complete rows, and each needs {least} at least; leave its rows out")]
    SmallCategory {
        /// Which.
        label: f64,
        /// Its rows without a missing value.
        rows: usize,
        /// The least number.
        least: usize,
    },
    /// Only the target.
    #[error("the target `{name}` is the only column; a formula needs at least one other")]
    NoVariables {
        /// The target.
        name: String,
    },
}

impl SymregError {
    pub(crate) fn unknown_operator(name: &str) -> SymregError {
        let known = || Unary::FUNCTIONS.iter().map(|function| function.name());
        let hint = nearest_name(name, known()).map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        SymregError::UnknownOperator { name: name.into(), hint, functions: known().collect::<Vec<_>>().join(" ") }
    }

    pub(crate) fn unknown_column(name: &str, columns: &[String]) -> SymregError {
        let near = nearest_name(name, columns.iter().map(String::as_str));
        let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        SymregError::UnknownColumn { name: name.into(), hint, columns: columns.join(", ") }
    }
}
