//! Lorenz trajectories from the command line, one and a thousand, beside the peers' scripts.

use std::path::Path;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// The problem of the scripts' Lorenz cases, for `vecfield solve`.
const LORENZ: &str = "[initial]\nx = 1.0\ny = 0.0\nz = 0.0\n[equations]\nx = \"10*(y - x)\"\ny = \"x*(rho - z) - y\"\n\
                      z = \"x*y - 8/3*z\"\n[parameters]\nrho = 28.0\n[solve]\nt = [0.0, T_END]\nsave = [T_END]\nrtol = 1e-8\n\
                      atol = 1e-8\n";

/// What makes them a thousand, each with its own steps.
const ENSEMBLE: &str = "[ensemble]\nrho = { from = 0.0, to = 21.0, count = 1000 }\n";

/// A case of `bench_lorenz.py`.
struct Case {
    name: &'static str,
    end: &'static str,
    /// What its problem file says besides.
    more: &'static str,
    trajectories: u32,
}

const CASES: &[Case] = &[
    Case { name: "lorenz_single", end: "10.0", more: "", trajectories: 1 },
    Case { name: "lorenz_long", end: "100.0", more: "", trajectories: 1 },
    Case { name: "lorenz_ensemble", end: "10.0", more: ENSEMBLE, trajectories: 1000 },
];

/// The peers' solvers.
const PEERS: &[&str] = &["scipy_RK45", "scipy_DOP853", "scipy_LSODA", "diffrax_Tsit5", "diffrax_Dopri8"];

/// Our methods beside them.
const METHODS: &[&str] = &["auto", "tsit5", "dop853"];

/// Runs of ours, of which the median counts; a peer's script repeats by itself.
const REPEAT: usize = 9;

/// Prints seconds a solve, ours and theirs.
pub(super) fn run(sh: &Shell, workspace: &Workspace, python: &Path, scripts: &Path) -> anyhow::Result<()> {
    cmd!(sh, "cargo build --quiet --release -p vecfield-cli").run()?;
    println!("Lorenz, rtol = atol = 1e-8, seconds a trajectory and how many times the fastest of ours that is");
    for case in CASES {
        let ours: Vec<(String, f64)> = METHODS
            .iter()
            .map(|method| Ok((format!("vecfield {method}"), our_seconds(sh, workspace, case, method)?)))
            .collect::<anyhow::Result<_>>()?;
        let fastest = ours.iter().map(|(_, s)| *s).fold(f64::INFINITY, f64::min);
        let peers = PEERS
            .iter()
            .filter_map(|peer| Some((peer.to_string(), peer_seconds(sh, python, scripts, case.name, peer)?)));
        println!("\n{}, to t = {}", case.name, case.end);
        for (name, seconds) in ours.into_iter().chain(peers) {
            println!("  {name:<18} {seconds:>12.6} s {:>9.1} x", seconds / fastest);
        }
    }
    Ok(())
}

/// Median of the solve's own time, for one trajectory.
fn our_seconds(sh: &Shell, workspace: &Workspace, case: &Case, method: &str) -> anyhow::Result<f64> {
    let problem = workspace.root.join("target/lorenz.toml");
    std::fs::write(&problem, LORENZ.replace("T_END", case.end) + case.more)?;
    let program = workspace.root.join("target/release/vecfield");
    let mut seconds = Vec::new();
    for _ in 0..REPEAT {
        let text = cmd!(sh, "{program} solve {problem} --method {method} --json").quiet().read()?;
        seconds.push(number_after(&text, "\"seconds\":").context("`vecfield solve` printed no time")?);
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[REPEAT / 2] / f64::from(case.trajectories))
}

/// What the peer's script says for one trajectory; `None` for a peer that this environment does not hold.
fn peer_seconds(sh: &Shell, python: &Path, scripts: &Path, case: &str, peer: &str) -> Option<f64> {
    let script = scripts.join("bench_lorenz.py");
    let ran = cmd!(sh, "{python} {script} --case {case} --peer {peer}").quiet().ignore_stderr().read();
    number_after(&ran.ok()?, "\"seconds_per_trajectory\":")
}

/// The number that follows `key` in a JSON text.
pub(super) fn number_after(text: &str, key: &str) -> Option<f64> {
    let rest = text[text.find(key)? + key.len()..].trim_start();
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    rest[..end].trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number_after;

    #[test]
    fn numbers_are_read_from_json() {
        assert_eq!(number_after("{\"a\":1, \"seconds\": 0.25, \"b\":2}", "\"seconds\":"), Some(0.25));
        assert_eq!(number_after("{\"seconds\":1e-3}", "\"seconds\":"), Some(1e-3));
        assert_eq!(number_after("{\"error\":\"x\"}", "\"seconds\":"), None);
    }
}
