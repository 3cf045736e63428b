//! The documents: API pages with warnings denied, the generated crate map, the book.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use xshell::cmd;

use crate::tidy::LAYERS;
use crate::workspace::{Crate, Workspace};

/// Generated; everything else under `docs/src` is written by hand.
const CRATE_MAP: &str = "docs/src/crates.md";
/// Built once into `target/tools`. No default features: no server, no file watcher, a quarter of the compile time.
const MDBOOK: &str = "0.5.4";

/// Brings the crate map up to date (or fails where it is not, under `check`), then builds everything.
pub(crate) fn run(workspace: &Workspace, check: bool) -> anyhow::Result<()> {
    crate_map(workspace, check)?;
    api(workspace)?;
    book(workspace)
}

pub(crate) fn crate_map(workspace: &Workspace, check: bool) -> anyhow::Result<()> {
    let path = workspace.root.join(CRATE_MAP);
    let map = render_map(&workspace.crates);
    if std::fs::read_to_string(&path).is_ok_and(|old| old == map) {
        return Ok(());
    }
    if check {
        bail!("{CRATE_MAP} is out of date; run `cargo xtask docs` and commit what it writes");
    }
    std::fs::write(&path, map).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {CRATE_MAP}");
    Ok(())
}

pub(crate) fn api(workspace: &Workspace) -> anyhow::Result<()> {
    let sh = workspace.shell()?;
    sh.set_var("RUSTDOCFLAGS", "-D warnings");
    cmd!(sh, "cargo doc --quiet --workspace --no-deps").run()?;
    Ok(())
}

pub(crate) fn book(workspace: &Workspace) -> anyhow::Result<()> {
    let mdbook = mdbook(workspace)?;
    let sh = workspace.shell()?;
    let book = workspace.root.join("target/book");
    cmd!(sh, "{mdbook} build docs --dest-dir {book}").run()?;
    println!("the book is at target/book/index.html");
    Ok(())
}

/// The book builder, compiled on first use.
fn mdbook(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let tools = workspace.root.join("target/tools");
    let program = tools.join("bin/mdbook");
    let sh = workspace.shell()?;
    let is_current = program.exists() && cmd!(sh, "{program} --version").quiet().read()?.ends_with(MDBOOK);
    if !is_current {
        // Unoptimised: it compiles in half a minute, and this book builds in a second.
        cmd!(
            sh,
            "cargo install mdbook --quiet --version {MDBOOK} --locked --no-default-features --debug --root {tools}"
        )
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .run()?;
    }
    Ok(program)
}

/// The house as a page: rows from the top down, every crate with its purpose and what it stands on.
fn render_map(crates: &[Crate]) -> String {
    let mut page = String::from(
        "# The crates\n\n\
         *This page is written by `cargo xtask docs` from the manifests and from the table of layers that `cargo xtask tidy` checks.*\n\n\
         A crate depends only on crates of lower rows.\n\n\
         | row | crate | what it is for | stands on |\n|---|---|---|---|\n",
    );
    for (row, names) in LAYERS.iter().enumerate().rev() {
        for member in names.iter().filter_map(|name| crates.iter().find(|member| member.name == *name)) {
            let below: Vec<&str> =
                member.edges.iter().filter(|edge| !edge.is_dev).map(|edge| short(&edge.to)).collect();
            page += &format!("| {row} | `{}` | {} | {} |\n", member.name, member.description, below.join(", "));
        }
    }
    page
}

fn short(name: &str) -> &str {
    name.strip_prefix("vecfield-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Edge;

    #[test]
    fn the_map_has_a_line_for_each_crate_from_the_top_down() {
        let member = |name: &str, to: &str, is_dev| Crate {
            name: name.into(),
            description: format!("about {name}"),
            edges: vec![Edge { to: to.into(), is_dev }],
            ..Crate::default()
        };
        let crates =
            [member("vecfield-data", "vecfield-traits", true), member("vecfield-expr", "vecfield-traits", false)];
        let map = render_map(&crates);
        let rows: Vec<&str> = map.lines().skip_while(|line| !line.starts_with("|---")).skip(1).collect();
        assert_eq!(
            rows,
            [
                "| 2 | `vecfield-expr` | about vecfield-expr | traits |",
                "| 1 | `vecfield-data` | about vecfield-data |  |"
            ]
        );
    }
}
