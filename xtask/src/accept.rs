//! The promises to users, tested from outside: scripts that know the program only through its command line and files.
//!
//! They lie beside the repository, in `../shared/accept`, so that whoever changes the program does not change its judge
//! in the same breath. Without them there is nothing to run, and this says so. Promises to contributors come first: the walk-throughs
//! of CONTRIBUTING, and crates that compile with any of their features.

use anyhow::bail;
use xshell::cmd;

use crate::features;
use crate::scaffold;
use crate::workspace::Workspace;

/// The scripts that today's program is meant to pass, each with its arguments.
const SCRIPTS: &[(&str, &[&str])] = &[
    ("errors.py", &[]),
    ("ode.py", &[]),
    ("discover.py", &["--section", "real"]),
    ("sindy.py", &["--section", "oracle"]),
    ("sindy.py", &["--section", "sets"]),
];

pub(crate) fn run(workspace: &Workspace, only: Option<&str>) -> anyhow::Result<()> {
    match only {
        Some("walk") => return scaffold::walk::run(workspace),
        Some("features") => return features::together(workspace),
        Some(_) => {}
        None => {
            scaffold::walk::run(workspace)?;
            features::together(workspace)?;
        }
    }
    let folder = workspace.root.join("../shared/accept");
    if !folder.is_dir() {
        println!("accept: there is no ../shared/accept beside this repository, so nothing was run");
        return Ok(());
    }
    let sh = workspace.shell()?;
    cmd!(sh, "cargo build --quiet --release -p vecfield-cli").run()?;
    let wanted = SCRIPTS.iter().filter(|(name, _)| only.is_none_or(|only| name.contains(only)));
    let mut failed = Vec::new();
    let mut count = 0;
    for &(name, arguments) in wanted {
        let script = folder.join(name);
        count += 1;
        if cmd!(sh, "python3 {script} {arguments...}").env("PYTHONDONTWRITEBYTECODE", "1").run().is_err() {
            failed.push(name);
        }
    }
    match (count, failed.is_empty()) {
        (0, _) => bail!(
            "no script's name contains that; there are: walk, features, {}",
            SCRIPTS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        ),
        (_, false) => bail!("not accepted: {}", failed.join(", ")),
        _ => Ok(()),
    }
}
