//! Names of variables and parameters: which are allowed, and which known one was meant.

/// The known name nearest to a misspelt one, if any is near enough to be meant.
///
/// ```
/// assert_eq!(vecfield_io::nearest("slove", ["solve", "initial"]), Some("solve"));
/// assert_eq!(vecfield_io::nearest("zzz", ["solve", "initial"]), None);
/// ```
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A misspelling costs one edit (a swap of neighbours counts as one) for about every three letters.
    let allowed = wrong.chars().count().div_ceil(3);
    known
        .into_iter()
        .map(|name| {
            let same = name.eq_ignore_ascii_case(wrong);
            (if same { 0 } else { strsim::osa_distance(wrong, name) }, name)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `; did you mean `x`?`, or nothing when no known name is near.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// Can formulas use this as a name: a letter or `_`, then letters, digits and `_`?
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Names that formulas give a meaning of their own.
pub(crate) const RESERVED: [&str; 18] = [
    "t", "pi", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "sqrt", "abs",
    "sign", "min", "max",
];
