//! The documents: generated pages, API pages with warnings denied, the book.

mod dead_links;
mod formulas;
mod pages;
mod readme;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use xshell::cmd;

use crate::workspace::{Crate, Workspace};

pub(crate) use formulas::{preprocess, typeset};

/// Built once into `target/tools`. No default features: no server, no file watcher, a quarter of the compile time.
const MDBOOK: &str = "0.5.4";

/// Brings the generated pages up to date (or fails where they are not, under `check`), then builds everything.
pub(crate) fn run(workspace: &Workspace, check: bool) -> anyhow::Result<()> {
    generated(workspace, check)?;
    api(workspace)?;
    book(workspace)
}

/// Writes the pages that are made from the crates, or refuses those that are out of date.
pub(crate) fn generated(workspace: &Workspace, check: bool) -> anyhow::Result<()> {
    let files = workspace.files()?;
    let mut pages = vec![
        ("docs/src/crates.md".to_owned(), pages::crate_map(&workspace.crates)),
        ("docs/src/invariants.md".to_owned(), pages::invariants(&workspace.crates, &files)),
        ("docs/src/laws.md".to_owned(), pages::laws(&files)?),
    ];
    pages.extend(workspace.crates.iter().filter_map(|member| readme::of(member, &files)));
    for (name, page) in pages {
        let path = workspace.root.join(&name);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == page) {
            continue;
        }
        if check {
            bail!("{name} is out of date; run `cargo xtask docs` and commit what it writes");
        }
        std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {name}");
    }
    Ok(())
}

/// The pages of the API under `target/doc`, and beside them each crate's items as JSON, for [`crate::api`].
pub(crate) fn api(workspace: &Workspace) -> anyhow::Result<()> {
    let sh = workspace.shell()?;
    let twice = workspace.root.join("target/tools/rustdoc");
    sh.write_file(&twice, RUSTDOC_TWICE)?;
    cmd!(sh, "chmod +x {twice}").quiet().run()?;
    sh.set_var("RUSTDOCFLAGS", "-D warnings");
    sh.set_var("RUSTDOC", &twice);
    let described = |member: &Crate| {
        let name = member.name.replace('-', "_");
        !member.is_library || workspace.root.join(format!("target/doc/{name}.json")).exists()
    };
    cmd!(sh, "cargo doc --quiet --workspace --no-deps").run()?;
    if !workspace.crates.iter().all(described) {
        // Pages made without their JSON count as made.
        cmd!(sh, "cargo clean --quiet --doc").run()?;
        cmd!(sh, "cargo doc --quiet --workspace --no-deps").run()?;
    }
    Ok(())
}

/// In place of `rustdoc`: the pages, and the items as JSON, which a released compiler writes where it is told to be its
/// developers'.
const RUSTDOC_TWICE: &str = "#!/bin/sh
rustdoc \"$@\" && RUSTC_BOOTSTRAP=1 exec rustdoc \"$@\" -Z unstable-options --output-format json
";

pub(crate) fn book(workspace: &Workspace) -> anyhow::Result<()> {
    let mdbook = mdbook(workspace)?;
    let sh = workspace.shell()?;
    let book = workspace.root.join("target/book");
    cmd!(sh, "{mdbook} build docs --dest-dir {book}").run()?;
    dead_links::check(&book)?;
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
