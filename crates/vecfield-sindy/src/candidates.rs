//! Which features may be in which equation.

use crate::{Family, Library, SindyError};
use vecfield_expr::Scope;

/// Libraries of equations: one for all, or for the equations of some variables one of their own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidates {
    /// Of every equation that has none of its own.
    pub shared: Vec<Family>,
    /// Variables, and what their equations may have instead.
    pub own: Vec<(String, Vec<Family>)>,
}

impl From<Vec<Family>> for Candidates {
    fn from(shared: Vec<Family>) -> Self {
        Self { shared, own: Vec::new() }
    }
}

impl Candidates {
    /// Reads `polynomial:3,fourier:2`, or with libraries of single equations `x: polynomial:1; y: polynomial:2,custom:sin(x)`: parts between
    /// semicolons, each a list of [`Family`] with the variable of the equation before it, or without one for the equations not named.
    ///
    /// # Errors
    ///
    /// [`SindyError::LibrarySyntax`] with the part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, SindyError> {
        let (mut candidates, mut shared) = (Self::default(), false);
        let wrong = |part: &str, problem: String| SindyError::LibrarySyntax { text: part.to_string(), problem };
        for part in split(text, ';')? {
            let headed = part.split_once(':').filter(|(head, rest)| is_variable(head.trim(), rest));
            let Some((variable, list)) = headed else {
                if shared {
                    return Err(wrong(part, "a library without a variable stands before it already".into()));
                }
                shared = true;
                candidates.shared = Family::parse_list(part)?;
                continue;
            };
            let variable = variable.trim().to_string();
            if candidates.own.iter().any(|own| own.0 == variable) {
                return Err(wrong(part, format!("`{variable}` has a library already; join them with a comma")));
            }
            candidates.own.push((variable, Family::parse_list(list)?));
        }
        Ok(candidates)
    }

    /// The families of the equation of `variable`.
    fn families(&self, variable: &str) -> &[Family] {
        self.own.iter().find(|own| own.0 == variable).map_or(&self.shared, |own| &own.1)
    }

    /// The names of constants inside formulas: what is neither a variable nor an input nor `t`, in the order they come.
    ///
    /// # Errors
    ///
    /// [`SindyError::LibrarySyntax`] for a formula that cannot be read, or a name that looks like a slip for a variable's.
    pub fn constants(&self, variables: &[String], inputs: &[String]) -> Result<Vec<String>, SindyError> {
        let known: Vec<String> = variables.iter().chain(inputs).cloned().collect();
        let wrong = |problem: String| SindyError::LibrarySyntax { text: known.join(","), problem };
        let mut scope = Scope::new(known.iter().cloned()).map_err(|error| wrong(error.to_string()))?;
        scope.insert("t").map_err(|error| wrong(error.to_string()))?;
        let mut found = Vec::new();
        let families = self.shared.iter().chain(self.own.iter().flat_map(|own| &own.1));
        families.into_iter().try_for_each(|family| family.constants(&known, &mut scope, &mut found))?;
        Ok(found)
    }

    /// The features of all equations together, and which each may have, `[variables, features]`.
    ///
    /// # Errors
    ///
    /// As [`Library::new`]; [`SindyError::UnknownVariable`] for a library of no equation, [`SindyError::NoCandidates`] for an equation of no
    /// library.
    pub(crate) fn library(
        &self,
        variables: &[String],
        inputs: &[String],
        constants: &[(String, f64)],
    ) -> Result<(Library, Vec<bool>), SindyError> {
        let all: Vec<Family> =
            self.shared.iter().chain(self.own.iter().flat_map(|own| &own.1)).cloned().collect::<Vec<_>>();
        let library = Library::with_constants(&all, variables, inputs, constants)?;
        self.own.iter().try_for_each(|(variable, _)| library.equation(variable).map(|_| ()))?;
        let mut allowed = vec![self.own.is_empty(); variables.len() * library.len()];
        for (i, variable) in variables.iter().enumerate() {
            let families = self.families(variable);
            if families.is_empty() {
                return Err(SindyError::NoCandidates { variable: variable.clone() });
            }
            if self.own.is_empty() {
                continue;
            }
            let own = Library::with_constants(families, variables, inputs, constants)?;
            let places = own.features().iter().filter_map(|feature| library.position(feature.key()));
            places.for_each(|k| allowed[i * library.len() + k] = true);
        }
        Ok((library, allowed))
    }
}

/// Is it the name of an equation, with a list of families behind it? The first of these has a colon, what follows a family has none.
fn is_variable(head: &str, rest: &str) -> bool {
    let name = !head.is_empty() && head.chars().all(|c| c == '_' || c.is_alphanumeric());
    name && rest.split([',', '*']).next().is_some_and(|first| first.contains(':'))
}

/// Reads `a: one; b: two`.
pub(crate) fn pairs(text: &str) -> Option<Vec<(&str, &str)>> {
    let pairs: Option<Vec<(&str, &str)>> = text.split(';').map(|part| part.split_once(':')).collect();
    let pairs: Vec<(&str, &str)> = pairs?.into_iter().map(|(a, b)| (a.trim(), b.trim())).collect();
    pairs.iter().all(|(a, b)| !a.is_empty() && !b.is_empty()).then_some(pairs)
}

/// Cuts at a sign outside quotes and parentheses, and takes the quotes off.
pub(crate) fn split(text: &str, sign: char) -> Result<Vec<&str>, SindyError> {
    let wrong = |problem: String| SindyError::LibrarySyntax { text: text.to_string(), problem };
    let (mut parts, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0_usize, false);
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if character == sign && depth == 0 && !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if quoted {
        return Err(wrong("a quote is not closed".into()));
    }
    parts.push(&text[start..]);
    let parts: Vec<&str> = parts.into_iter().map(str::trim).collect();
    if parts.iter().any(|part| part.trim_matches('"').trim().is_empty()) {
        return Err(wrong(format!("a part between `{sign}` is empty")));
    }
    Ok(parts)
}
