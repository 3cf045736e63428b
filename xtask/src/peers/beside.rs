//! `vecfield bench` beside the peers' scripts: the same cases in one run, seconds and ratios.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// Cases that are timed together.
pub(super) struct Comparison {
    pub(super) name: &'static str,
    script: &'static str,
    /// What the names of its cases begin with.
    cases: &'static [&'static str],
}

pub(super) const COMPARISONS: &[Comparison] = &[
    Comparison { name: "lorenz", script: "bench_lorenz.py", cases: &["lorenz_"] },
    Comparison { name: "sde", script: "bench_sde.py", cases: &["sde_"] },
    Comparison { name: "training", script: "bench_ode_train.py", cases: &["node_train", "spiral"] },
    Comparison { name: "networks", script: "bench_pinn.py", cases: &["pinn_"] },
    Comparison { name: "regression", script: "bench_sindy.py", cases: &["sindy_"] },
];

/// A line of either: who, and how many seconds; for one trajectory where there are many.
struct Measured {
    peer: String,
    seconds: f64,
}

/// Prints for each case what everybody took, and how many times the fastest of ours that is.
pub(super) fn run(
    sh: &Shell,
    workspace: &Workspace,
    python: &Path,
    scripts: &Path,
    comparison: &Comparison,
) -> anyhow::Result<()> {
    cmd!(sh, "cargo build --quiet --release -p vecfield-cli").run()?;
    let program = workspace.root.join("target/release/vecfield");
    let cases = comparison.cases;
    let ours = cmd!(sh, "{program} bench {cases...} --quiet").read()?;
    let script = scripts.join(comparison.script);
    // A peer that this environment does not hold prints an error in place of a time, and is left out.
    let theirs = cmd!(sh, "{python} {script}").ignore_status().ignore_stderr().read().unwrap_or_default();
    let (ours, theirs) = (by_case(&ours), by_case(&theirs));
    for (case, lines) in &ours {
        let fastest = lines.iter().map(|line| line.seconds).fold(f64::INFINITY, f64::min);
        println!("\n{case}");
        for line in lines.iter().chain(theirs.get(case).into_iter().flatten()) {
            println!("  {:<28} {:>12.6} s {:>9.1} x", line.peer, line.seconds, line.seconds / fastest);
        }
    }
    ours.first_key_value().map(|_| ()).context("`vecfield bench` printed no time")
}

fn by_case(lines: &str) -> BTreeMap<String, Vec<Measured>> {
    let mut cases: BTreeMap<String, Vec<Measured>> = BTreeMap::new();
    for line in lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let text = |key: &str| line[key].as_str().map(String::from);
        let seconds = line["work"]["seconds_per_trajectory"].as_f64().or_else(|| line["seconds"].as_f64());
        if let (Some(case), Some(peer), Some(seconds)) = (text("case"), text("peer"), seconds) {
            cases.entry(case).or_default().push(Measured { peer, seconds });
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::by_case;

    #[test]
    fn lines_are_gathered_by_their_case() {
        let lines = "{\"case\":\"a\",\"peer\":\"p\",\"seconds\":2.0,\"work\":{\"seconds_per_trajectory\":0.5}}\nnoise\n\
                     {\"case\":\"a\",\"peer\":\"q\",\"error\":\"missing\"}\n{\"case\":\"a\",\"peer\":\"r\",\"seconds\":1.0,\"work\":{}}";
        let cases = by_case(lines);
        let found: Vec<(&str, f64)> = cases["a"].iter().map(|line| (line.peer.as_str(), line.seconds)).collect();
        assert_eq!(found, [("p", 0.5), ("r", 1.0)]);
    }
}
