//! Names as mathematics sets them: Greek letters, and indices from underscores and trailing digits.

/// A name's stem and its index: `x_jup` and `x1` have the indices `jup` and `1`, `hare` has none.
pub(super) fn stem_and_index(name: &str) -> (&str, Option<&str>) {
    if let Some((stem, index)) = name.split_once('_')
        && !stem.is_empty()
        && !index.is_empty()
    {
        return (stem, Some(index));
    }
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.is_empty() || stem.len() == name.len() || stem.ends_with('_') {
        return (name, None);
    }
    (stem, Some(&name[stem.len()..]))
}

/// The Greek letter of a name, if it is one that LaTeX knows by that name.
pub(super) fn greek(name: &str) -> Option<char> {
    GREEK.iter().find(|&&(known, _)| known == name).map(|&(_, letter)| letter)
}

const GREEK: [(&str, char); 33] = [
    ("alpha", 'α'),
    ("beta", 'β'),
    ("gamma", 'γ'),
    ("delta", 'δ'),
    ("epsilon", 'ϵ'),
    ("zeta", 'ζ'),
    ("eta", 'η'),
    ("theta", 'θ'),
    ("iota", 'ι'),
    ("kappa", 'κ'),
    ("lambda", 'λ'),
    ("mu", 'μ'),
    ("nu", 'ν'),
    ("xi", 'ξ'),
    ("rho", 'ρ'),
    ("sigma", 'σ'),
    ("tau", 'τ'),
    ("upsilon", 'υ'),
    ("phi", 'ϕ'),
    ("chi", 'χ'),
    ("psi", 'ψ'),
    ("omega", 'ω'),
    ("Gamma", 'Γ'),
    ("Delta", 'Δ'),
    ("Theta", 'Θ'),
    ("Lambda", 'Λ'),
    ("Xi", 'Ξ'),
    ("Pi", 'Π'),
    ("Sigma", 'Σ'),
    ("Upsilon", 'Υ'),
    ("Phi", 'Φ'),
    ("Psi", 'Ψ'),
    ("Omega", 'Ω'),
];
