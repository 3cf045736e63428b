//! Work against precision: ours, the Rust peers, SciPy and diffrax on the same problems in one run.

use std::path::Path;

use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// Stiff problems of `bench_stiff.py`, and the solvers of it that are timed.
const STIFF: &[&str] = &["rober_1e5", "rober_1e11", "hires", "orego", "pollu", "vdpol_1e3", "bruss_200"];
const STIFF_PEERS: &[&str] = &["scipy_BDF", "scipy_Radau", "scipy_LSODA", "diffrax_Kvaerno5", "diffrax_Kvaerno3"];

/// Prints ratios at equal error, and keeps the table and the diagrams in the book.
pub(super) fn run(sh: &Shell, workspace: &Workspace, python: &Path, scripts: &Path) -> anyhow::Result<()> {
    let folder = workspace.root.join("peers");
    let target = workspace.root.join("target/peers-build");
    let _env = sh.push_env("CARGO_TARGET_DIR", &target);
    cmd!(sh, "cargo build --quiet --release --manifest-path {folder}/Cargo.toml").run()?;
    let program = target.join("release/vecfield-peers");
    let mut points = cmd!(sh, "{program} ode").read()?;
    let references = cmd!(sh, "{program} references").read()?;
    for peer in ["scipy", "diffrax"] {
        add(&mut points, cmd!(sh, "{python} {folder}/nonstiff.py {peer}").stdin(&references));
    }
    if scripts.is_dir() {
        for case in STIFF {
            for peer in STIFF_PEERS {
                add(&mut points, cmd!(sh, "{python} {scripts}/bench_stiff.py --case {case} --peer {peer}"));
            }
        }
    } else {
        println!(
            "peers: there is no ../shared/peers beside this repository, so its scripts for stiff problems were not run"
        );
    }
    let measured = target.join("ode.jsonl");
    std::fs::write(&measured, points)?;
    let book = workspace.root.join("docs/src/measured");
    cmd!(sh, "{program} report {measured} {book}").run()?;
    Ok(())
}

/// Adds what a peer printed; one that is not installed, or that fails at a tolerance, ends with what it had.
fn add(points: &mut String, command: xshell::Cmd<'_>) {
    let printed = command.ignore_status().ignore_stderr().read().unwrap_or_default();
    points.push('\n');
    points.push_str(&printed);
}
