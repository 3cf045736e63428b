//! Lists that a user writes: `name: value; name: value`.

/// The parts of a list, without spaces around them and without empty ones.
pub(crate) fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty())
}

/// What stands before and behind the colon of a part.
pub(crate) fn pair(part: &str) -> Option<(&str, &str)> {
    let (name, value) = part.split_once(':')?;
    Some((name.trim(), value.trim()))
}
