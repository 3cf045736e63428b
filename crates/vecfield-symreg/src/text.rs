//! Words of a checkpoint.

/// A number by its bits.
pub(crate) fn bits(x: f64) -> String {
    format!("{:016x}", x.to_bits())
}

/// The next word as a number by its bits.
pub(crate) fn real<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<f64> {
    u64::from_str_radix(words.next()?, 16).ok().map(f64::from_bits)
}

/// The next word as a whole number.
pub(crate) fn number<'a, N: std::str::FromStr>(words: &mut impl Iterator<Item = &'a str>) -> Option<N> {
    words.next()?.parse().ok()
}
