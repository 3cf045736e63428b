//! How fast the hot paths are on this machine: the measuring examples of the crates, run one after the other.
//!
//! Each prints its own figures with their conditions. Timings never decide a test; this is for looking.

use xshell::cmd;

use crate::workspace::Workspace;

/// What is measured, and the example that measures it.
const MEASURED: &[(&str, &str, &str)] = &[
    ("elementary functions over slices", "vecfield-kernels", "throughput"),
    ("formulas at a point and over rows", "vecfield-expr", "speed"),
    ("Jacobians of formulas, symbolic and by duals", "vecfield-expr", "jacobians"),
    ("the Lorenz system, method by method", "vecfield-solvers", "lorenz"),
    ("explicit steps, by hand and generic, small and large", "vecfield-solvers", "explicit_speed"),
];

pub(crate) fn run(workspace: &Workspace, only: Option<&str>) -> anyhow::Result<()> {
    let sh = workspace.shell()?;
    let wanted: Vec<_> = MEASURED
        .iter()
        .filter(|(_, krate, example)| only.is_none_or(|o| krate.contains(o) || example.contains(o)))
        .collect();
    if wanted.is_empty() {
        let names: Vec<&str> = MEASURED.iter().map(|(_, _, example)| *example).collect();
        anyhow::bail!("no measurement's name contains that; there are: {}", names.join(", "));
    }
    for (what, krate, example) in wanted {
        println!("\n== {what} ({krate}, {example})");
        cmd!(sh, "cargo run --quiet --release -p {krate} --example {example}").quiet().run()?;
    }
    Ok(())
}
