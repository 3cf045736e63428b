//! The built book leads nowhere that is not there: every link and every picture of every page, its anchor too.
//!
//! `cargo xtask tidy` checks the sources; only the built pages know the anchors that headings become and what the book
//! leaves out. What a page loads (scripts, styles, pictures) must lie in the book: it is read without a network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::tidy;

/// A page: the places in it that can be linked to, and what it links to or loads.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    anchors: BTreeSet<String>,
    links: BTreeSet<String>,
    loads: BTreeSet<String>,
}

/// Reads every page under `book`, and fails with the list of what is dead.
pub(super) fn check(book: &Path) -> anyhow::Result<()> {
    let files = files_under(book)?;
    let mut pages = BTreeMap::new();
    for path in files.iter().filter(|path| path.extension().is_some_and(|end| end == "html")) {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        pages.insert(relative(book, path), read(&text));
    }
    let names: BTreeSet<String> = files.iter().map(|path| relative(book, path)).collect();
    let dead = dead(&pages, &names);
    if !dead.is_empty() {
        bail!("the built book has dead links:\n{}", dead.join("\n"));
    }
    Ok(())
}

fn dead(pages: &BTreeMap<String, Page>, names: &BTreeSet<String>) -> Vec<String> {
    let mut dead = Vec::new();
    for (name, page) in pages {
        for target in page.loads.iter().filter(|target| is_outside(target)) {
            dead.push(format!("{name}: loads `{target}`, which needs a network"));
        }
        for target in page.links.union(&page.loads).filter(|target| !is_outside(target)) {
            if let Some(why) = broken(name, target, pages, names) {
                dead.push(format!("{name}: `{target}` {why}"));
            }
        }
    }
    dead
}

/// Why `target`, as `from` writes it, leads nowhere.
fn broken(from: &str, target: &str, pages: &BTreeMap<String, Page>, names: &BTreeSet<String>) -> Option<&'static str> {
    let (path, anchor) = target.split_once('#').map_or((target, ""), |(path, anchor)| (path, anchor));
    let path = path.split('?').next().unwrap_or_default();
    let to = if path.is_empty() { from.to_owned() } else { resolve(from, path) };
    if !names.contains(&to) {
        return Some("is not in the book");
    }
    let has_anchor = anchor.is_empty() || pages.get(&to).is_none_or(|page| page.anchors.contains(anchor));
    (!has_anchor).then_some("names no place of that page")
}

/// On another machine.
fn is_outside(target: &str) -> bool {
    target.contains("://") || target.starts_with("//") || target.starts_with("mailto:")
}

/// `target` as seen from the page `from`, as a path from the book's root; a folder stands for its `index.html`.
fn resolve(from: &str, target: &str) -> String {
    let from = if target.starts_with('/') { "" } else { from };
    let index = if target.ends_with('/') { "index.html" } else { "" };
    tidy::resolve(from, &format!("{target}{index}"))
}

fn read(text: &str) -> Page {
    let mut page = Page::default();
    for tag in text.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let element = tag.split_whitespace().next().unwrap_or_default();
        let attribute = |name| attribute(tag, name);
        page.anchors.extend(attribute("id"));
        let is_page = matches!(element, "a" | "area");
        for target in attribute("href").into_iter().filter(|target| !target.starts_with("data:")) {
            if is_page {
                page.links.insert(target)
            } else {
                page.loads.insert(target)
            };
        }
        page.loads.extend(attribute("src").filter(|target| !target.starts_with("data:")));
    }
    page
}

/// The value of `name="value"` in a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&amp;", "&"))
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn files_under(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(page: &str) -> Vec<String> {
        let pages = BTreeMap::from([
            ("a/page.html".to_owned(), read(page)),
            ("other.html".to_owned(), read("<h1 class=\"x\" id=\"top\">Top</h1>")),
        ]);
        let names = ["a/page.html", "other.html", "figure.svg", "a/index.html"].map(String::from).into();
        dead(&pages, &names)
    }

    #[test]
    fn what_is_there_is_found() {
        let page = "<p id=\"here\"><a href=\"#here\"><a href=\"../other.html#top\"><a href=\"https://a.org/b#c\">\
                    <img alt=\"\" src=\"../figure.svg\"><a class=\"c\" href=\"./\"><img src=\"data:image/png;base64,\">";
        assert_eq!(findings(page), Vec::<String>::new());
    }

    #[test]
    fn dead_links_and_anchors_and_loads_from_outside_are_named() {
        let page =
            "<a href=\"gone.html\"><a href=\"../other.html#bottom\"><script src=\"https://a.org/b.js\"></script>";
        assert_eq!(
            findings(page),
            [
                "a/page.html: loads `https://a.org/b.js`, which needs a network",
                "a/page.html: `../other.html#bottom` names no place of that page",
                "a/page.html: `gone.html` is not in the book",
            ]
        );
    }
}
