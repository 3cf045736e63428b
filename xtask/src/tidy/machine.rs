//! Nothing of the machine that a change was written on stays in the tree.

use super::Finding;
use crate::workspace::File;

/// Folders at the root of a file system that only one machine has.
const FOLDERS: &[&str] = &["work", "root", "home", "Users"];
/// Where `Cargo.lock` may say that packages come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            let place = || format!("{}:{}", file.path, index + 1);
            if let Some(folder) = FOLDERS.iter().find(|folder| names_folder(line, folder)) {
                findings
                    .push(Finding::new(place(), format!("a path of one machine, under /{folder}; make it relative")));
            }
            if is_foreign_source(&file.path, line) {
                findings.push(Finding::new(
                    place(),
                    "packages come from crates.io; keep mirrors in your own Cargo configuration",
                ));
            }
        }
    }
    findings
}

/// Whether an absolute path through `/folder/` begins in the line.
fn names_folder(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    line.match_indices(&path).any(|(at, _)| {
        !line[..at]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '/' | '}'))
    })
}

fn is_foreign_source(path: &str, line: &str) -> bool {
    if path.ends_with("Cargo.lock") {
        line.strip_prefix("source = ").is_some_and(|source| source.trim_matches('"') != REGISTRY)
    } else {
        path.starts_with(".cargo/")
            && ["[source", "[registries", "[registry"].iter().any(|table| line.starts_with(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: String) -> usize {
        check(&[File { path: path.into(), text }]).len()
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        for folder in FOLDERS {
            assert_eq!(count("README.md", format!("run it in /{folder}/me")), 1);
            assert_eq!(count("README.md", format!("(`/{folder}/me`)")), 1);
        }
        assert_eq!(count("README.md", "net/work/, https://a.org/home/, ../work/".into()), 0);
    }

    #[test]
    fn packages_come_from_one_registry() {
        assert_eq!(count("Cargo.lock", format!("source = \"{REGISTRY}\"")), 0);
        assert_eq!(count("Cargo.lock", "source = \"registry+https://mirror.example/index\"".into()), 1);
        assert_eq!(count(".cargo/config.toml", "[source.crates-io]\nreplace-with = \"mirror\"".into()), 1);
        assert_eq!(count(".cargo/config.toml", "[alias]\nxtask = \"run\"".into()), 0);
    }
}
