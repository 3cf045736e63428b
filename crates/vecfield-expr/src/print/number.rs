//! Numbers in digits.

/// The shortest digits that are read back as `value` (finite, not negative), or those of its rounding to `digits`
/// significant ones: plain where the point is near, else with an exponent.
pub(super) fn decimal(value: f64, digits: Option<usize>) -> String {
    let value = rounded(value, digits);
    if value == 0.0 || (1e-4..1e16).contains(&value) { format!("{value}") } else { format!("{value:e}") }
}

/// The same as mantissa and power of ten, where an exponent is needed.
pub(super) fn scientific(value: f64, digits: Option<usize>) -> (String, Option<String>) {
    let text = decimal(value, digits);
    match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa.to_owned(), Some(exponent.to_owned())),
        None => (text, None),
    }
}

fn rounded(value: f64, digits: Option<usize>) -> f64 {
    // Seventeen significant digits tell all doubles apart.
    match digits {
        Some(digits) if digits < 17 => format!("{value:.*e}", digits.max(1) - 1).parse().unwrap_or(value),
        _ => value,
    }
}
