//! Units of variables and target: which formulas agree with them.

mod dimensions;

use std::collections::BTreeSet;

use vecfield_expr::{ExprId, Graph, Unit, UnitError};

use crate::error::SymregError;
use crate::list::{pair, parts};
use crate::table::Table;
pub(crate) use dimensions::{Dimension, Dimensions, Disagrees};

/// What variables and target are measured in. No formula of a front adds metres to seconds or takes the sine of metres, and all give the target's
/// unit; the search does not look at others (Buckingham 1914; for constants with units Cranmer 2023).
///
/// ```
/// use vecfield_symreg::{Symreg, Table, Units};
///
/// // The fall from a height: t = sqrt(2 h / g).
/// let h: Vec<f64> = (1..30).map(|i| 0.7 * f64::from(i)).collect();
/// let g: Vec<f64> = (1..30).map(|i| 3.0 + f64::from(i * i % 11)).collect();
/// let t = h.iter().zip(&g).map(|(h, g)| (2.0 * h / g).sqrt()).collect();
/// let table = Table::new(vec!["h".into(), "g".into()], vec![h, g], t)?;
/// let units = Units::parse("h: m; g: m/s^2; t: s", "t", &table)?.with_pure_numbers();
/// let search = Symreg { units: Some(units), ..Symreg::default() }.search(&table, &mut |_| true);
/// assert!(search.best().r2 > 1.0 - 1e-12, "{}", search.best().expression);
/// assert!(search.front().iter().all(|found| !found.expression.contains("h + g")));
/// # Ok::<(), vecfield_symreg::SymregError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    /// Of each of the table's variables; `None` for one that may be in anything.
    variables: Vec<Option<Unit>>,
    target: Option<Unit>,
    numbers: Numbers,
}

/// What a number in a formula may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbers {
    /// In whatever makes the formula agree, as the constants of nature are.
    #[default]
    Any,
    /// In nothing: only variables carry units.
    Pure,
}

/// Names that units may be made of: those of the SI and one more.
pub(crate) const MOST_NAMES: usize = 8;

impl Units {
    /// Reads `x: m; t: s; y: m/s` for the variables of `table` and its target, whose name is `target`. Those not named may be in anything, as numbers
    /// may.
    ///
    /// # Errors
    ///
    /// [`SymregError::UnitSyntax`], and as [`new`](Units::new).
    pub fn parse(text: &str, target: &str, table: &Table) -> Result<Units, SymregError> {
        let wrong = |text: &str, problem: String| SymregError::UnitSyntax { text: text.trim().into(), problem };
        let of = parts(text).map(|part| {
            let (name, unit) = pair(part)
                .ok_or_else(|| wrong(part, "it is no name with a unit behind a colon, such as `x: m/s`".into()))?;
            let unit = Unit::parse(unit).map_err(|e| wrong(part, e.to_string()))?;
            Ok((name.to_string(), unit))
        });
        let of = of.collect::<Result<Vec<_>, SymregError>>()?;
        if of.is_empty() {
            return Err(wrong(text, "it names none; give a list such as `x: m; t: s; y: m/s`".into()));
        }
        Units::new(of, target, table)
    }

    /// The same from units that have been read.
    ///
    /// # Errors
    ///
    /// [`SymregError::UnknownColumn`] for a name that is neither a variable nor the target, [`SymregError::UnitTwice`], and
    /// [`SymregError::TooManyUnits`] where units are made of more than eight names.
    pub fn new(of: Vec<(String, Unit)>, target: &str, table: &Table) -> Result<Units, SymregError> {
        let names: BTreeSet<&str> = of.iter().flat_map(|(_, unit)| unit.powers()).map(|power| power.0).collect();
        if names.len() > MOST_NAMES {
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            return Err(SymregError::TooManyUnits { names, most: MOST_NAMES });
        }
        let mut units = Units { variables: vec![None; table.names.len()], target: None, numbers: Numbers::Any };
        for (name, unit) in of {
            let place = match table.names.iter().position(|known| *known == name) {
                Some(place) => &mut units.variables[place],
                None if name == target => &mut units.target,
                None => {
                    let columns = [&table.names[..], &[target.to_string()]].concat();
                    return Err(SymregError::unknown_column(&name, &columns));
                }
            };
            if place.replace(unit).is_some() {
                return Err(SymregError::UnitTwice { name });
            }
        }
        Ok(units)
    }

    /// The same with numbers that are pure ones.
    #[must_use]
    pub fn with_pure_numbers(self) -> Units {
        Units { numbers: Numbers::Pure, ..self }
    }

    /// Of each variable of the table; `None` for one that may be in anything.
    pub fn variables(&self) -> &[Option<Unit>] {
        &self.variables
    }

    /// Of the target.
    pub fn target(&self) -> Option<&Unit> {
        self.target.as_ref()
    }

    /// What numbers may be in.
    pub fn numbers(&self) -> Numbers {
        self.numbers
    }

    /// The unit of a formula over `names`, the table's variables; `None` where it may be any.
    ///
    /// # Errors
    ///
    /// Where its operations do not agree, the first one from the leaves up.
    pub fn of_formula(&self, graph: &Graph, formula: ExprId, names: &[String]) -> Result<Option<Unit>, UnitError> {
        let unit = |name: &str| {
            let place = names.iter().position(|known| known == name);
            place.and_then(|place| self.variables.get(place).cloned().flatten())
        };
        let numbers = match self.numbers {
            Numbers::Any => None,
            Numbers::Pure => Some(Unit::NONE),
        };
        graph.unit(formula, unit, numbers)
    }

    /// Do the operations of a formula agree, and does it give the target's unit?
    pub(crate) fn agree(&self, graph: &Graph, formula: ExprId, names: &[String]) -> bool {
        match (self.of_formula(graph, formula, names), &self.target) {
            (Err(_), _) => false,
            (Ok(Some(unit)), Some(target)) => unit == *target,
            (Ok(_), _) => true,
        }
    }
}
