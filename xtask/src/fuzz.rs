//! Fuzzing of every parser and file format, by the targets in `fuzz/`.
//!
//! `cargo fuzz` wants a compiler of the day for its address sanitiser; a tree whose `unsafe` is all in one crate loses
//! little without it, and the counters that guide the search are there in every compiler. So this builds what
//! `cargo fuzz run --sanitizer none` builds, with nothing to install, and runs a bounded number of inputs with a fixed seed.

use std::path::Path;

use anyhow::{Context as _, bail};
use xshell::cmd;

use crate::workspace::Workspace;

/// LLVM's counters of edges and comparisons, as libFuzzer reads them.
const INSTRUMENTED: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Inputs of each target unless said. A run is the same every time: its end is a count, its seed fixed.
pub(crate) const RUNS: u64 = 20_000;

/// Runs `runs` inputs of the target called `only`, or of each.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>, runs: u64) -> anyhow::Result<()> {
    let targets = targets(&workspace.root.join("fuzz/targets"))?;
    let chosen: Vec<&String> = targets.iter().filter(|target| only.is_none_or(|only| only == *target)).collect();
    if chosen.is_empty() {
        bail!("there is no target {}; there are: {}", only.unwrap_or_default(), targets.join(", "));
    }
    let sh = workspace.shell()?;
    let folder = workspace.root.join("target/fuzz");
    // With a target named, build scripts are left without counters, which nothing there would read.
    let about = cmd!(sh, "rustc -vV").quiet().read()?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    let manifest = "fuzz/Cargo.toml";
    cmd!(sh, "cargo build --quiet --release --locked --manifest-path {manifest} --target {host} --target-dir {folder}")
        .env("RUSTFLAGS", INSTRUMENTED)
        .run()?;
    for target in chosen {
        let program = folder.join(host).join("release").join(target);
        let seeds = format!("fuzz/seeds/{target}");
        // What the search finds worth keeping is written to the first folder, and the next run begins there.
        let found = folder.join("found").join(target);
        sh.create_dir(&found)?;
        let crashes = format!("{}/{target}-", folder.display());
        let limits = [
            format!("-runs={runs}"),
            "-seed=1".into(),
            "-max_len=4096".into(),
            "-timeout=20".into(),
            "-rss_limit_mb=2048".into(),
            format!("-artifact_prefix={crashes}"),
        ];
        let log = cmd!(sh, "{program} {found} {seeds} {limits...}").quiet().ignore_status().output()?;
        let told = String::from_utf8_lossy(&log.stderr);
        if !log.status.success() {
            println!("{told}");
            bail!(
                "{target}: an input breaks it; it is in {crashes}*, and belongs into {seeds} once the parser is mended"
            );
        }
        println!("{target:<16} {}", told.lines().rfind(|line| line.starts_with("Done")).unwrap_or("done"));
    }
    Ok(())
}

/// The names of the files in `folder`.
fn targets(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}
