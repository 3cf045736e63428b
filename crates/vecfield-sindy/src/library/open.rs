//! Features with constants inside whose values are not known, `exp(-k*x)`: their names, and the slopes of features in them.

use super::{Family, Feature, Library};
use crate::SindyError;
use vecfield_expr::{Graph, ParseErrorKind, Scope, nearest_name};

/// Names of variables shorter than this are not taken for slips of each other.
const LEAST_SLIP: usize = 3;

/// `∂φ/∂c`, a feature behind those that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slope {
    /// The feature `φ`.
    pub(crate) feature: usize,
    /// The constant `c`, by its place.
    pub(crate) constant: usize,
    /// Where it is among the features.
    pub(crate) place: usize,
}

impl Family {
    /// Adds the names in its formulas that are none of `scope` to it and to `found`, in the order they come.
    ///
    /// # Errors
    ///
    /// [`SindyError::LibrarySyntax`] for a formula that cannot be read, or a name that looks like a slip for one of `known`.
    pub(crate) fn constants(
        &self,
        known: &[String],
        scope: &mut Scope,
        found: &mut Vec<String>,
    ) -> Result<(), SindyError> {
        let text = match self {
            Family::Custom(text) => text,
            Family::Product(families) => {
                return families.iter().try_for_each(|family| family.constants(known, scope, found));
            }
            _ => return Ok(()),
        };
        while let Err(error) = Graph::new().parse(text, scope) {
            let wrong = |problem: String| SindyError::LibrarySyntax { text: text.clone(), problem };
            let ParseErrorKind::UnknownName { name, .. } = error.kind() else { return Err(wrong(error.to_string())) };
            // `x0` and `x1` are no slips for `x`.
            let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
            let near = nearest_name(letters, known.iter().map(String::as_str));
            if letters.len() >= LEAST_SLIP && near.is_some() {
                return Err(wrong(error.to_string()));
            }
            scope.insert(name.clone()).map_err(|error| wrong(error.to_string()))?;
            found.push(name.clone());
        }
        Ok(())
    }
}

impl Library {
    /// The names that a feature with the constant `name` inside depends on, constants too.
    pub(crate) fn beside(&self, name: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for &formula in &self.symbolic {
            let own: Vec<&str> =
                self.graph.symbols(formula).into_iter().map(|symbol| self.graph.name(symbol)).collect();
            if own.contains(&name) {
                names.extend(own.iter().map(|name| name.to_string()));
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The library with the slopes of its features in its constants behind them.
    pub(crate) fn with_slopes(mut self) -> Result<(Self, Vec<Slope>), SindyError> {
        let mut slopes = Vec::new();
        let names: Vec<String> = self.constants.iter().map(|constant| constant.0.clone()).collect();
        for (feature, formula) in self.symbolic.clone().into_iter().enumerate() {
            for (constant, name) in names.iter().enumerate() {
                let symbols = self.graph.symbols(formula);
                if !symbols.into_iter().any(|symbol| self.graph.name(symbol) == name) {
                    continue;
                }
                let slope = self.graph.derivative(formula, name);
                let formula = self.numeric(slope);
                slopes.push(Slope { feature, constant, place: self.features.len() });
                let key = format!("the slope of {} in {name}", self.features[feature].key);
                self.features.push(Feature { key, formula });
            }
        }
        self.compile()?;
        Ok((self, slopes))
    }

    /// The library without the features from `first` on that slopes are.
    pub(crate) fn without(mut self, slopes: &[Slope]) -> Result<Self, SindyError> {
        if let (Some(first), Some(last)) = (slopes.first(), slopes.last()) {
            self.features.drain(first.place..=last.place);
            self.compile()?;
        }
        Ok(self)
    }
}
