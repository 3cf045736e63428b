//! Links between documents lead somewhere.

use super::Finding;
use crate::workspace::File;

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, target) in links(&file.text) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            let resolved = resolve(&file.path, path);
            let folder = format!("{resolved}/");
            if !files.iter().any(|other| other.path == resolved || other.path.starts_with(&folder)) {
                findings.push(Finding::new(
                    format!("{}:{line}", file.path),
                    format!("the link to `{target}` leads nowhere"),
                ));
            }
        }
    }
    findings
}

/// Targets of `[text](target)` and `src="target"`, outside fenced blocks, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        }
        if is_fenced {
            continue;
        }
        for (open, close) in [("](", ')'), ("src=\"", '"'), ("srcset=\"", '"'), ("href=\"", '"')] {
            let targets = line.match_indices(open).filter_map(|(at, _)| line[at + open.len()..].split_once(close));
            found.extend(targets.map(|(target, _)| (index + 1, target)));
        }
    }
    found
}

/// `target` as seen from the document `from`, as a path from the root.
pub(crate) fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_links_are_found() {
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        let page = "[a](../data/a.csv) [d](../data) [b](b.md#head) [w](https://a.org) [self](#x)\n```\n[c](c.md)\n```\n[dead](gone.md)\n<img src=\"no.svg\">\n";
        let found = check(&[file("docs/a.md", page), file("docs/b.md", ""), file("data/a.csv", "")]);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["docs/a.md:5: the link to `gone.md` leads nowhere", "docs/a.md:6: the link to `no.svg` leads nowhere"]
        );
    }
}
