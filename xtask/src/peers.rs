//! The same work done by other libraries, side by side in one run: only ratios taken that way count.
//!
//! The Rust peers are built by the package in `peers/`. The Python scripts lie beside the repository, in `../shared/peers`,
//! and in `peers/`; their environment is the folder that `PEERS_VENV` names, or one that is made under `target/` with SciPy
//! alone. Peers that are not there are left out.

mod beside;
mod ode;
mod symbolic;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use crate::workspace::Workspace;
use beside::COMPARISONS;

pub(crate) fn run(workspace: &Workspace, what: Option<&str>) -> anyhow::Result<()> {
    let sh = workspace.shell()?;
    let scripts = workspace.root.join("../shared/peers");
    let python = environment(&sh, workspace)?;
    let known: Vec<&str> = COMPARISONS.iter().map(|comparison| comparison.name).chain([ODE, SYMBOLIC]).collect();
    if let Some(other) = what.filter(|what| !known.contains(what)) {
        bail!("there is no comparison {other:?}; there are {}", known.join(", "));
    }
    for comparison in COMPARISONS.iter().filter(|comparison| what.is_none_or(|what| what == comparison.name)) {
        if !scripts.is_dir() {
            println!("peers: there is no ../shared/peers beside this repository, so {} was left out", comparison.name);
            continue;
        }
        beside::run(&sh, workspace, &python, &scripts, comparison)?;
    }
    if what.is_none_or(|what| what == ODE) {
        ode::run(&sh, workspace, &python, &scripts)?;
    }
    if what.is_none_or(|what| what == SYMBOLIC) {
        symbolic::run(&sh, workspace, &python)?;
    }
    Ok(())
}

/// Work against precision.
const ODE: &str = "ode";
/// Formulas for a column.
const SYMBOLIC: &str = "symbolic";

/// The Python of the peers' environment; where none is named, one with SciPy is made.
fn environment(sh: &Shell, workspace: &Workspace) -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("PEERS_VENV") {
        return Ok(Path::new(&folder).join("bin/python"));
    }
    let folder = workspace.root.join("target/peers");
    let python = folder.join("bin/python");
    if !python.exists() {
        cmd!(sh, "python3 -m venv {folder}")
            .run()
            .context("cannot make a Python environment; set PEERS_VENV to one")?;
        cmd!(sh, "{python} -m pip install --quiet scipy").run().context("cannot install SciPy; set PEERS_VENV")?;
    }
    Ok(python)
}
