//! Formulas for a column: how much of the law ours and Operon have after the same seconds on the same threads.

use std::path::Path;

use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// Prints what each found, and the medians.
pub(super) fn run(sh: &Shell, workspace: &Workspace, python: &Path) -> anyhow::Result<()> {
    if cmd!(sh, "{python} -c 'import pyoperon.sklearn'").quiet().ignore_stderr().run().is_err() {
        println!("peers: pyoperon and scikit-learn are not in the environment, so symbolic was left out");
        return Ok(());
    }
    cmd!(sh, "cargo build --quiet --release -p vecfield-cli").run()?;
    let program = workspace.root.join("target/release/vecfield");
    let script = workspace.root.join("peers/symbolic.py");
    cmd!(sh, "{python} {script} {program}").run()?;
    Ok(())
}
