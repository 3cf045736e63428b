//! [`Scope`]: which names a text may use, and which it probably meant.

use std::collections::BTreeSet;

use crate::op::reserved_names;

/// The names that a text may use besides `pi` and the functions.
///
/// ```
/// use vecfield_expr::Scope;
///
/// let scope = Scope::new(["hare", "lynx"])?;
/// assert_eq!(scope.nearest("hares"), Some("hare"));
/// # Ok::<(), vecfield_expr::NameError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    names: BTreeSet<String>,
}

impl Scope {
    /// A scope of these names; a name given twice counts once.
    ///
    /// # Errors
    ///
    /// [`NameError`] for a name that no text could use.
    pub fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Result<Scope, NameError> {
        let mut scope = Scope::default();
        for name in names {
            scope.insert(name)?;
        }
        Ok(scope)
    }

    /// Allows one more name; says whether it is new.
    ///
    /// # Errors
    ///
    /// [`NameError`] for a name that no text could use.
    pub fn insert(&mut self, name: impl Into<String>) -> Result<bool, NameError> {
        let name = name.into();
        check_name(&name)?;
        Ok(self.names.insert(name))
    }

    /// May a text use `name`?
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The allowed name that is most like `name`, if any is like it.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest_name(name, self.names())
    }
}

/// Why a name cannot stand in a formula.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Something else than letters, digits and underscores.
    #[error(
        "{name:?} is not a name that a formula can use; a name is letters, digits and `_`, and begins with no digit"
    )]
    Malformed {
        /// The name.
        name: String,
    },
    /// A function or a constant of the language.
    #[error("{name:?} already means something in every formula; choose another name")]
    Reserved {
        /// The name.
        name: String,
    },
}

/// Can a formula use `name` for a quantity of its own: `[A-Za-z_][A-Za-z0-9_]*`, and not `pi` or a function?
///
/// # Errors
///
/// [`NameError`] says why not.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let shape = |c: char| c == '_' || c.is_ascii_alphanumeric();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(shape) {
        return Err(NameError::Malformed { name: name.to_owned() });
    }
    if reserved_names().any(|reserved| reserved == name) {
        return Err(NameError::Reserved { name: name.to_owned() });
    }
    Ok(())
}

/// The candidate that `name` most likely is a slip for: the nearest by edits (swapped neighbours count once), if it differs
/// in no more than a third of its letters; the first among equals.
pub fn nearest_name<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    let allowed = (name.chars().count() / 3).max(1);
    let distance = |candidate: &str| strsim::osa_distance(&folded, &candidate.to_lowercase());
    // The distance is at least the difference of the lengths, which is far cheaper to work out.
    let plausible = |candidate: &&str| candidate.len().abs_diff(name.len()) <= 4 * allowed;
    let ranked = candidates.into_iter().filter(plausible).map(|candidate| (distance(candidate), candidate));
    let (edits, nearest) = ranked.min_by_key(|&(edits, _)| edits)?;
    // One letter for another says nothing about names of one letter.
    let sure = edits == 0 || (edits <= allowed && edits < name.chars().count());
    sure.then_some(nearest)
}
