//! What is built into the program may be given on under terms that ask for no more than a notice.

use super::Finding;
use crate::workspace::Licence;

/// Terms that ask for a notice at most.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

pub(super) fn check(licences: &[Licence]) -> Vec<Finding> {
    let is_refused = |package: &&Licence| !is_allowed(&package.terms);
    let finding = |package: &Licence| {
        let terms = if package.terms.is_empty() { "no terms" } else { &package.terms };
        Finding::new(
            "Cargo.lock",
            format!(
                "{} comes under {terms}, which xtask/src/tidy/licences.rs does not allow; take another crate",
                package.name
            ),
        )
    };
    licences.iter().filter(is_refused).map(finding).collect()
}

/// Reads an SPDX expression: one way through every `OR`, all parts of every `AND`. Old manifests write `/` for `OR`.
fn is_allowed(terms: &str) -> bool {
    let terms = terms.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = terms.split_whitespace().peekable();
    any_of(&mut words) && words.peek().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words<'_>) -> bool {
    let mut allowed = all_of(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all_of(words);
    }
    allowed
}

fn all_of(words: &mut Words<'_>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut Words<'_>) -> bool {
    match words.next() {
        Some("(") => any_of(words) && words.next() == Some(")"),
        Some(name) => {
            let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
            let name = exception.map_or(name.to_owned(), |exception| format!("{name} WITH {exception}"));
            ALLOWED.contains(&&name[..])
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read() {
        for allowed in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR X",
        ] {
            assert!(is_allowed(allowed), "{allowed}");
        }
        for refused in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR X) AND LGPL-2.1",
            "(MIT",
            "OR MIT",
            "Apache-2.0 WITH other",
            "MIT MIT",
        ] {
            assert!(!is_allowed(refused), "{refused}");
        }
        let package = |terms: &str| Licence { name: "a 1.0".into(), terms: terms.into() };
        assert_eq!(check(&[package("MIT"), package("AGPL-3.0"), package("")]).len(), 2);
    }
}
