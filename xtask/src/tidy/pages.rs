//! Pages of the book can be set, and their Rust compiles.

use super::Finding;
use crate::docs::typeset;
use crate::workspace::File;

const PAGES: &str = "docs/src/";
/// Names every page with Rust in it, so that documentation tests compile and run what it shows.
const TESTED: &str = "crates/vecfield/src/book.rs";

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let tested = files.iter().find(|file| file.path == TESTED).map_or("", |file| file.text.as_str());
    let mut findings = Vec::new();
    for page in files.iter().filter(|file| file.path.starts_with(PAGES) && file.path.ends_with(".md")) {
        if let Err(error) = typeset(&page.text) {
            findings.push(Finding::new(format!("{}:{}", page.path, error.line), error.what));
        }
        for (index, line) in page.text.lines().enumerate() {
            let place = || format!("{}:{}", page.path, index + 1);
            let Some(rust) = line.trim_start().strip_prefix("```rust") else {
                continue;
            };
            if rust.contains("ignore") {
                findings.push(Finding::new(
                    place(),
                    "Rust that nobody compiles; hide with `# ` what a reader need not see",
                ));
            } else if !tested.contains(&format!("/{}\"", page.path)) {
                findings.push(Finding::new(
                    place(),
                    format!("{TESTED} does not name this page; add a line, so that its Rust is tested"),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(page: &str) -> Vec<String> {
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        let tested = file(TESTED, "#[doc = include_str!(\"../../../docs/src/a.md\")]\nmod a {}\n");
        let files = [file("docs/src/a.md", page), file("docs/src/b.md", page), tested];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn formulas_that_do_not_parse_are_found() {
        assert_eq!(findings("a\n$x^2$ `$`\n").len(), 0);
        let found = findings("a\n$\\oops$\n");
        assert!(found.len() == 2 && found[0].starts_with("docs/src/a.md:2: `\\oops`: "), "{found:?}");
    }

    #[test]
    fn rust_of_the_book_is_tested() {
        let found = findings("a\n```rust\nf();\n```\n");
        assert!(found.len() == 1 && found[0].starts_with("docs/src/b.md:2: "), "{found:?}");
        assert_eq!(findings("```rust,ignore\nf();\n```\n").len(), 2);
    }
}
