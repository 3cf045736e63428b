//! Every crate explains itself on its front page: a story, a runnable example, its invariant.

use super::Finding;
use crate::workspace::{Crate, File};

/// How an invariant begins, in the comment at the head of the module that it binds.
pub(crate) const INVARIANT: &str = "**Architecture invariant:**";

pub(super) fn check(crates: &[Crate], files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in crates {
        let Some(file) = files.iter().find(|file| file.path == member.front_page) else {
            findings.push(Finding::new(&member.folder, "has neither a library nor a program"));
            continue;
        };
        let page = documentation(&file.text);
        if !page.contains(INVARIANT) {
            let what =
                format!("the front page has no line `{INVARIANT} ..`; write down what this crate never does, and why");
            findings.push(Finding::new(&file.path, what));
        }
        if member.is_library && !has_runnable_example(&page) {
            findings.push(Finding::new(
                &file.path,
                "the front page has no example that `cargo test` runs; begin with the textbook",
            ));
        }
        for check in named_checks(member, files).filter(|check| !files.iter().any(|file| file.path == *check)) {
            findings.push(Finding::new(
                &member.folder,
                format!("an invariant is said to be checked by {check}, which does not exist"),
            ));
        }
        if member.description.is_empty() {
            findings.push(Finding::new(
                format!("{}/Cargo.toml", member.folder),
                "has no `description`; the crate map prints it",
            ));
        }
    }
    findings
}

/// The `//!` lines at the head of a file, without their marks.
pub(crate) fn documentation(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with("//!") || line.starts_with("#!") || line.is_empty());
    lines
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
        .collect()
}

/// The test files that the crate's invariants name, as paths from the root.
fn named_checks<'a>(member: &'a Crate, files: &'a [File]) -> impl Iterator<Item = String> + 'a {
    let source = format!("{}/src/", member.folder);
    let sources = files.iter().filter(move |file| file.path.starts_with(&source) && file.path.ends_with(".rs"));
    let checks = sources.flat_map(|file| {
        let page = documentation(&file.text);
        let invariants =
            page.split("\n\n").filter(|paragraph| paragraph.starts_with(INVARIANT)).collect::<Vec<_>>().join("\n");
        let spans: Vec<String> = invariants.split('`').skip(1).step_by(2).map(Into::into).collect();
        spans.into_iter().filter(|span| span.starts_with("tests/") && span.ends_with(".rs"))
    });
    checks.map(|path| format!("{}/{path}", member.folder))
}

fn has_runnable_example(page: &str) -> bool {
    let mut is_inside = false;
    page.lines().filter_map(|line| line.trim().strip_prefix("```")).any(|info| {
        is_inside = !is_inside;
        is_inside && info.split(',').all(|word| matches!(word.trim(), "" | "rust" | "should_panic"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(page: &str, is_library: bool) -> Vec<String> {
        let (folder, front_page) = ("crates/a".to_owned(), "crates/a/src/lib.rs".to_owned());
        let member =
            Crate { folder, front_page: front_page.clone(), is_library, description: "A".into(), ..Crate::default() };
        let text = page.lines().map(|line| format!("//! {line}\n")).collect();
        check(&[member], &[File { path: front_page, text }]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_example_must_run() {
        let page = |info: &str| format!("A.\n\n```{info}\nf();\n```\n\n{INVARIANT} none.\n");
        assert_eq!(findings(&page(""), true).len(), 0);
        assert_eq!(findings(&page("rust"), true).len(), 0);
        for info in ["text", "ignore", "no_run", "rust,no_run", "compile_fail"] {
            assert_eq!(findings(&page(info), true).len(), 1, "{info}");
            assert_eq!(findings(&page(info), false).len(), 0, "{info}: the page of a program is not compiled");
        }
    }

    #[test]
    fn the_check_of_an_invariant_must_exist() {
        let page = |check: &str| {
            format!("A.\n\n```\nf();\n```\n\n{INVARIANT} none.\n*Checked by* `{check}` and `cargo test`.\n")
        };
        assert_eq!(findings(&page("the law `x`"), true).len(), 0);
        let found = findings(&page("tests/it/gone.rs"), true);
        assert!(found.len() == 1 && found[0].contains("crates/a/tests/it/gone.rs"), "{found:?}");
    }

    #[test]
    fn the_invariant_must_stand_there() {
        let found = findings("A.\n\n```\nf();\n```\n", true);
        assert!(found.len() == 1 && found[0].contains("Architecture invariant"), "{found:?}");
    }
}
