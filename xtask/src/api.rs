//! The public items of every library crate, kept as text in `api/`, so that a change of them is seen in review.
//!
//! The compiler's documentation tool writes them as JSON beside the pages of the API, behind a switch that only its
//! developers promise to keep. A compiler whose JSON has another format than the one read here compares nothing, and says so.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, bail};
use public_api::Builder;

use crate::docs;
use crate::workspace::{Crate, Workspace};

/// Compares the public items with those kept, or keeps those of today, under `keep`.
pub(crate) fn run(workspace: &Workspace, keep: bool) -> anyhow::Result<()> {
    docs::api(workspace)?;
    let libraries =
        || workspace.crates.iter().filter(|member| member.is_library && member.folder.starts_with("crates/"));
    let mut differences = Vec::new();
    for member in libraries() {
        let Some(today) = items(&workspace.root.join("target/doc"), member)? else {
            println!("api: this compiler describes items in another format, so nothing was compared");
            return Ok(());
        };
        let path = workspace.root.join("api").join(format!("{}.txt", member.name));
        if keep {
            std::fs::create_dir_all(path.parent().context("a folder of the tree")?)?;
            std::fs::write(&path, today)?;
        } else {
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            differences.extend(difference(&kept, &today).into_iter().map(|line| format!("{}: {line}", member.name)));
        }
    }
    if !differences.is_empty() {
        let remedy = "run `cargo xtask api --keep`, and say in the changelog what users have to change";
        bail!("public items differ from those kept in api/; {remedy}:\n{}", differences.join("\n"));
    }
    Ok(())
}

/// A line for each public item; nothing where the description cannot be read.
fn items(folder: &Path, member: &Crate) -> anyhow::Result<Option<String>> {
    let path = folder.join(format!("{}.json", member.name.replace('-', "_")));
    let builder = Builder::from_rustdoc_json(&path);
    let plain = builder.omit_blanket_impls(true).omit_auto_trait_impls(true).omit_auto_derived_impls(true);
    match plain.build() {
        Ok(api) => Ok(Some(api.items().map(|item| format!("{item}\n")).collect())),
        Err(public_api::Error::SerdeJsonError(_)) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// What was taken away, then what came.
fn difference(kept: &str, today: &str) -> Vec<String> {
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (kept.lines().collect(), today.lines().collect());
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    gone.chain(new.difference(&old).map(|line| format!("+ {line}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn what_went_and_what_came_is_named() {
        assert_eq!(
            difference("pub fn a()\npub fn b()\n", "pub fn b()\npub fn c()\n"),
            ["- pub fn a()", "+ pub fn c()"]
        );
        assert!(difference("pub fn a()\n", "pub fn a()\n").is_empty());
    }
}
