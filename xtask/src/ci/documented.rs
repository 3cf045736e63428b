//! Every command that a document shows in a block of its own runs, in the order of its page.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use xshell::{Shell, cmd};

use crate::tidy::commands_in;
use crate::workspace::Workspace;

/// What a page's commands find beside them, as in a clone.
const BESIDE: [&str; 2] = ["data", "examples"];

/// Commands that were run, without the folder that they wrote, each with that folder or a copy of it.
pub(super) type Ran = HashMap<Vec<String>, PathBuf>;

/// Runs the commands of each page in a folder of its own, and adds them to `ran`. One that is there already, but for the folder that it writes,
/// is not run again: what it left then is copied.
pub(super) fn run(workspace: &Workspace, ran: &mut Ran) -> anyhow::Result<()> {
    let program = workspace.root.join("target/release/vecfield");
    let sh = workspace.shell()?;
    let pages = workspace.root.join("target/ci/pages");
    sh.remove_path(&pages)?;
    let mut broken = Vec::new();
    let files = workspace.files()?;
    for page in files.iter().filter(|file| file.path.ends_with(".md") && !file.path.starts_with("crates/")) {
        let folder = pages.join(page.path.replace('/', "-"));
        for command in commands_in(page).into_iter().filter(|command| command.is_whole && command.is_vecfield()) {
            prepare(&sh, workspace, &folder)?;
            let left = command.written_folder().map(|left| folder.join(left));
            let work = without_folder(&command.words);
            if let Some(kept) = ran.get(&work).filter(|kept| left.is_none() || kept.exists()) {
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
            // A copy, for the next command of the page may change it.
            let kept = pages.join(format!("left-{}", ran.len()));
            if let Some(left) = left.filter(|left| left.exists()) {
                copy(&sh, &left, &kept)?;
            }
            ran.insert(work, kept);
        }
    }
    if !broken.is_empty() {
        bail!("documented commands that fail:\n{}", broken.join("\n"));
    }
    println!("{} different commands ran", ran.len());
    Ok(())
}

/// The words of a command but for the folder that it writes its results to, which changes none of them.
pub(super) fn without_folder(words: &[String]) -> Vec<String> {
    let is_out = |at: usize| words[at] == "--out" || (at > 0 && words[at - 1] == "--out");
    (0..words.len()).filter(|&at| !is_out(at) && words[at] != "--force").map(|at| words[at].clone()).collect()
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

#[cfg(test)]
mod tests {
    use super::without_folder;
    use crate::tidy::words;

    #[test]
    fn a_command_is_the_same_wherever_it_writes() {
        let plain = words("vecfield train a.toml b.csv");
        for other in ["vecfield train a.toml b.csv --out c --force", "vecfield train --out a a.toml b.csv"] {
            assert_eq!(without_folder(&words(other)), plain);
        }
        assert_ne!(without_folder(&words("vecfield train a.toml b.csv --seconds 5 --out c")), plain);
    }
}
