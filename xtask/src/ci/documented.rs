//! Every command that a document shows in a block of its own runs, in the order of its page.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use xshell::{Shell, cmd};

use crate::tidy::commands_in;
use crate::workspace::Workspace;

/// What a page's commands find beside them, as in a clone.
const BESIDE: [&str; 2] = ["data", "examples"];

/// Runs the commands of each page in a folder of its own. One that has been shown before to the letter is not run again: what it
/// left then is copied.
pub(super) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let program = workspace.root.join("target/release/vecfield");
    let sh = workspace.shell()?;
    let pages = workspace.root.join("target/ci/pages");
    sh.remove_path(&pages)?;
    // Of each command a copy of what it left, which the next one of its page may change.
    let mut ran: HashMap<Vec<String>, PathBuf> = HashMap::new();
    let mut broken = Vec::new();
    let files = workspace.files()?;
    for page in files.iter().filter(|file| file.path.ends_with(".md") && !file.path.starts_with("crates/")) {
        let folder = pages.join(page.path.replace('/', "-"));
        for command in commands_in(page).into_iter().filter(|command| command.is_whole && command.is_vecfield()) {
            prepare(&sh, workspace, &folder)?;
            let left = command.written_folder().map(|left| folder.join(left));
            if let Some(kept) = ran.get(&command.words) {
                if let Some(left) = &left {
                    copy(&sh, kept, left)?;
                }
                continue;
            }
            let _here = sh.push_dir(&folder);
            let arguments = &command.words[1..];
            let output = cmd!(sh, "{program} {arguments...}").quiet().ignore_status().output()?;
            if !output.status.success() {
                let why = String::from_utf8_lossy(&output.stderr);
                broken.push(format!("{}: {}: {}", command.place, command.words.join(" "), why.trim()));
            }
            let kept = pages.join(format!("left-{}", ran.len()));
            if let Some(left) = left.filter(|left| left.exists()) {
                copy(&sh, &left, &kept)?;
            }
            ran.insert(command.words, kept);
        }
    }
    if !broken.is_empty() {
        bail!("documented commands that fail:\n{}", broken.join("\n"));
    }
    println!("{} different commands ran", ran.len());
    Ok(())
}

/// The folder `from` in place of `to`, where there is one to copy.
fn copy(sh: &Shell, from: &Path, to: &Path) -> anyhow::Result<()> {
    if from.exists() {
        sh.remove_path(to)?;
        cmd!(sh, "cp -r {from} {to}").quiet().run()?;
    }
    Ok(())
}

fn prepare(sh: &Shell, workspace: &Workspace, folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        sh.create_dir(folder)?;
        for name in BESIDE {
            symlink(&workspace.root.join(name), &folder.join(name))?;
        }
    }
    Ok(())
}

fn symlink(to: &Path, at: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    std::os::unix::fs::symlink(to, at).with_context(|| format!("cannot link {}", at.display()))?;
    #[cfg(not(unix))]
    bail!("{} cannot be linked to {} on this system", at.display(), to.display());
    #[cfg(unix)]
    Ok(())
}
