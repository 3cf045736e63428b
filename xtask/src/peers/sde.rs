//! A thousand paths of a thousand steps of a stochastic equation, beside the peers' scripts.

use std::path::Path;

use anyhow::Context;
use xshell::{Shell, cmd};

use super::lorenz::number_after;
use crate::workspace::Workspace;

/// The cases of `bench_sde.py`.
const CASES: &[&str] = &["sde_gbm_euler", "sde_gbm_heun", "sde_ou_euler", "sde_ou_heun"];

/// The peers whose motion can be asked again, and one that forgets it.
const PEERS: &[&str] = &["diffrax_tree", "torchsde_interval", "diffrax_unsafe"];

/// Prints seconds a run, ours on one thread and theirs.
pub(super) fn run(sh: &Shell, workspace: &Workspace, python: &Path, scripts: &Path) -> anyhow::Result<()> {
    let _here = sh.push_dir(&workspace.root);
    let ours = cmd!(sh, "cargo run --quiet --release -p vecfield-solvers --example sde_speed").read()?;
    println!("a thousand paths of a thousand steps, seconds and how many times ours that is; our leaves are as theirs");
    let script = scripts.join("bench_sde.py");
    for case in CASES {
        let line = ours.lines().find(|line| line.contains(case) && line.contains("\"depth\":11,\"end\":1,"));
        let seconds =
            line.and_then(|line| number_after(line, "\"seconds\":")).context("the example printed no time")?;
        println!("\n{case}\n  {:<18} {seconds:>10.4} s", "vecfield");
        for peer in PEERS {
            let ran = cmd!(sh, "{python} {script} --case {case} --peer {peer}").quiet().ignore_stderr().read();
            // A peer that this environment does not hold is left out.
            if let Some(theirs) = ran.ok().and_then(|text| number_after(&text, "\"seconds\":")) {
                println!("  {peer:<18} {theirs:>10.4} s {:>8.0} x", theirs / seconds);
            }
        }
    }
    Ok(())
}
