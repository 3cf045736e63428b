//! The README of each crate, which is its front page: what `docs.rs` shows and what a registry shows are one text.

use super::pages::without_links;
use crate::tidy::documentation;
use crate::workspace::{Crate, File};

/// The path of the crate's README and what it says; nothing for a crate that is not published.
pub(super) fn of(member: &Crate, files: &[File]) -> Option<(String, String)> {
    if !member.folder.starts_with("crates/") {
        return None;
    }
    let front_page = files.iter().find(|file| file.path == member.front_page)?;
    let page = format!(
        "<!-- Written by `cargo xtask docs` from {}. -->\n\n# {}\n\n{}\n\nA part of vecfield. MIT or Apache 2.0, at your choice.\n",
        member.front_page.strip_prefix(&format!("{}/", member.folder)).unwrap_or(&member.front_page),
        member.name,
        markdown(&documentation(&front_page.text)).trim_end()
    );
    Some((format!("{}/README.md", member.folder), page))
}

/// The comment as a page of its own: examples are marked as Rust and lose the lines that only their compiler needs; links to items
/// are their names.
fn markdown(documentation: &str) -> String {
    let mut page = String::new();
    let mut parts = documentation.split("```");
    page += &without_links(parts.next().unwrap_or_default());
    // Fenced and plain parts take turns from here.
    let mut is_code = true;
    for part in parts {
        page += "```";
        page += &if is_code { code(part) } else { without_links(part) };
        is_code = !is_code;
    }
    page
}

fn code(block: &str) -> String {
    let (info, body) = block.split_once('\n').unwrap_or((block, ""));
    let info = if info.trim().is_empty() { "rust" } else { info };
    let is_shown = |line: &&str| info != "rust" || !(line.trim_start().starts_with("# ") || line.trim() == "#");
    let lines: String = body.lines().filter(is_shown).map(|line| format!("{line}\n")).collect();
    format!("{info}\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_page_is_a_page_anywhere() {
        let text = "//! One [`Thing`] of [many](crate::many).\n//!\n//! ```\n//! use a::Thing;\n//!\n//! # use std::f64;\n//! let x = [1];\n//! ```\n//!\n//! \
                    ```text\n//! # kept\n//! ```\n//!\n//! | a | [`b`] |\n\nmod a;\n";
        let front_page = "crates/a/src/lib.rs".to_owned();
        let file = File { path: front_page.clone(), text: text.into() };
        let member = Crate { name: "a".into(), folder: "crates/a".into(), front_page, ..Crate::default() };
        let (path, page) = of(&member, &[file]).unwrap();
        assert_eq!(path, "crates/a/README.md");
        let body = "One `Thing` of many.\n\n```rust\nuse a::Thing;\n\nlet x = [1];\n```\n\n```text\n# kept\n```\n\n| a | `b` |\n";
        assert!(page.contains(body), "{page}");
        assert_eq!(of(&Crate { folder: "xtask".into(), ..member }, &[]), None);
    }
}
