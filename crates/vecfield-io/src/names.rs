//! Names in messages: the known one that was meant, and one that would do.

use vecfield_expr::{check_name, nearest_name};

/// ` (did you mean `x`?)`, or nothing when no known name is near.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest_name(wrong, known).map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

/// A name near `name` that formulas can use.
pub(crate) fn usable_name(name: &str) -> String {
    let kept: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let kept = kept.trim_matches('_');
    match kept {
        "" => "x".into(),
        kept if check_name(kept).is_ok() && kept != "t" => kept.into(),
        kept => format!("x_{kept}"),
    }
}
