//! Pages of the book that are made from the crates themselves, and so cannot disagree with them.

use anyhow::Context as _;

use crate::tidy::{INVARIANT, LAYERS};
use crate::workspace::{Crate, File};

/// The house: rows from the top down, every crate with its purpose and what it stands on.
pub(super) fn crate_map(crates: &[Crate]) -> String {
    let mut page = String::from(
        "# The crates\n\n\
         *Written by `cargo xtask docs` from the manifests and from the table of layers that `cargo xtask tidy` checks.*\n\n\
         A crate depends only on crates of lower rows.\n\n\
         | row | crate | what it is for | stands on |\n|---|---|---|---|\n",
    );
    for (row, member) in from_the_top(crates) {
        let below: Vec<&str> = member.edges.iter().filter(|edge| !edge.is_dev).map(|edge| short(&edge.to)).collect();
        page += &format!("| {row} | `{}` | {} | {} |\n", member.name, member.description, below.join(", "));
    }
    page
}

/// What each crate promises about its inside, from the comments that say so.
pub(super) fn invariants(crates: &[Crate], files: &[File]) -> String {
    let mut page = String::from(
        "# Invariants, crate by crate\n\n\
         *Written by `cargo xtask docs` from the head of each module.* Those of the whole house are on the\n\
         [architecture page](architecture.md).\n",
    );
    for (_, member) in from_the_top(crates) {
        page += &format!("\n## {}\n", member.name);
        let source = format!("{}/src/", member.folder);
        for file in files.iter().filter(|file| file.path.starts_with(&source)) {
            for invariant in
                paragraphs(&file.text).filter_map(|paragraph| paragraph.strip_prefix(INVARIANT).map(without_links))
            {
                let place = file.path.strip_prefix(&source).unwrap_or(&file.path);
                let place = if file.path == member.front_page { String::new() } else { format!("*{place}*: ") };
                page += &format!("\n- {place}{}\n", invariant.trim());
            }
        }
    }
    page
}

/// Where the laws' own tests keep their mutants.
const MUTANTS: &str = "crates/vecfield-laws/tests/it/mutants.rs";

/// The laws anyone can run, with the mistakes that each is shown to reject.
pub(super) fn laws(files: &[File]) -> anyhow::Result<String> {
    let source = files.iter().find(|file| file.path == MUTANTS).context("the mutants of vecfield-laws are gone")?;
    let mut page = String::from(
        "# Laws anyone can run\n\n\
         *Written by `cargo xtask docs` from the mutants in `vecfield-laws`, which its tests run.*\n\n\
         What holds of every method, layer, field or format stands in `vecfield-laws` as functions that take yours: a law says what is\n\
         broken, by how much, and where to look. They are the tests of this project's own crates, and know nothing of them.\n\n\
         ```sh\ncargo xtask laws                              # every property test, crate by crate\n\
         cargo xtask laws solvers --cases 10000 --seed 1\n```\n\n\
         runs the property tests with as many cases as you like, and prints the smallest case that breaks one and how to run it again.\n\n\
         A law that never fails proves nothing. Each is run on a toy that is right, and on the same toy with a mistake in it:\n\n\
         | law | rejects |\n|---|---|\n",
    );
    for (law, mistake) in literals(&source.text, "law:").zip(literals(&source.text, "mistake:")) {
        page += &format!("| `{law}` | {mistake} |\n");
    }
    Ok(page)
}

/// The string literals after `key`, which may stand on the next line.
fn literals<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    let starts = text.match_indices(key).map(move |(at, _)| text[at + key.len()..].trim_start());
    starts.filter_map(|rest| rest.strip_prefix('"')?.split('"').next())
}

fn from_the_top(crates: &[Crate]) -> impl Iterator<Item = (usize, &Crate)> {
    let rows = LAYERS.iter().enumerate().rev();
    let names = rows.flat_map(|(row, names)| names.iter().map(move |name| (row, *name)));
    names.filter_map(|(row, name)| crates.iter().find(|member| member.name == name).map(|member| (row, member)))
}

fn short(name: &str) -> &str {
    name.strip_prefix("vecfield-").unwrap_or(name)
}

/// The paragraphs of the `//!` comment at the head of a file, each as one line.
fn paragraphs(text: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let paragraphs: Vec<String> = lines.split(|line| line.is_empty()).map(|lines| lines.join(" ")).collect();
    paragraphs.into_iter()
}

/// ``[`X`]`` and `[x](path)` as plain text: in the book those targets do not exist.
pub(super) fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((label, after)) = after.split_once(']') else {
            break;
        };
        let target = after.strip_prefix('(').and_then(|link| link.split_once(')'));
        let is_link = target.is_some() || (label.starts_with('`') && label.ends_with('`'));
        plain += before;
        plain += &if is_link { label.to_owned() } else { format!("[{label}]") };
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Edge;

    fn member(name: &str, to: &str, is_dev: bool) -> Crate {
        Crate {
            name: name.into(),
            description: format!("about {name}"),
            folder: format!("crates/{name}"),
            front_page: format!("crates/{name}/src/lib.rs"),
            edges: vec![Edge { to: to.into(), is_dev }],
            ..Crate::default()
        }
    }

    #[test]
    fn the_map_has_a_line_for_each_crate_from_the_top_down() {
        let crates =
            [member("vecfield-data", "vecfield-traits", true), member("vecfield-expr", "vecfield-traits", false)];
        let map = crate_map(&crates);
        let rows: Vec<&str> = map.lines().skip_while(|line| !line.starts_with("|---")).skip(1).collect();
        assert_eq!(
            rows,
            [
                "| 2 | `vecfield-expr` | about vecfield-expr | traits |",
                "| 1 | `vecfield-data` | about vecfield-data |  |"
            ]
        );
    }

    #[test]
    fn mutants_are_taken_from_the_tests_of_the_laws() {
        let text = "struct M {\n    law: &'static str,\n}\n[M { law: \"is_a\", mistake: \"a, not b\" }, M {\n    law: \"is_b\",\n    \
                    mistake:\n        \"b\",\n}]";
        let page = laws(&[File { path: MUTANTS.into(), text: text.into() }]).unwrap();
        assert!(page.ends_with("|---|---|\n| `is_a` | a, not b |\n| `is_b` | b |\n"), "{page}");
        assert!(laws(&[]).is_err());
    }

    #[test]
    fn invariants_are_taken_from_the_heads_of_modules() {
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        let front = format!(
            "//! A.\n//!\n//! {INVARIANT} never [`sleeps`]\n//! on [a bed](crate::Bed), not in [0, 1].\n//!\n//! B.\n"
        );
        let inner = format!("//! {INVARIANT} is small.\nfn f() {{}}\n//! {INVARIANT} is too late.\n");
        let files = [file("crates/vecfield-data/src/lib.rs", &front), file("crates/vecfield-data/src/a/b.rs", &inner)];
        let page = invariants(&[member("vecfield-data", "", false)], &files);
        let found: Vec<&str> = page.lines().filter(|line| line.starts_with("- ")).collect();
        assert_eq!(found, ["- never `sleeps` on a bed, not in [0, 1].", "- *a/b.rs*: is small."]);
    }
}
