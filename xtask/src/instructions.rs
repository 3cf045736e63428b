//! Instruction counts of the inner loops, which a busy machine does not change: a regression check where timings are noise.
//!
//! The package in `benches/` runs under valgrind by gungraun; `cargo install gungraun-runner --version 0.17.2` and valgrind are
//! needed. The counts kept are those of one compiler on x86-64, and are compared with the same alone.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// Where the counts are kept.
const KEPT: &str = "benches/instructions.txt";

/// A count may grow by so much: a hundredth is the noise of a changed order of functions.
const SLACK: f64 = 1.01;

pub(crate) fn run(workspace: &Workspace, keep: bool) -> anyhow::Result<()> {
    let sh = workspace.shell()?;
    if cmd!(sh, "gungraun-runner --version").ignore_stderr().quiet().read().is_err() {
        bail!(
            "instructions are counted by gungraun under valgrind: install valgrind, and gungraun-runner 0.17.2 by cargo"
        );
    }
    let printed = cmd!(sh, "cargo bench --quiet --manifest-path benches/Cargo.toml --bench inner_loops")
        .ignore_stderr()
        .read()?;
    let counts = counts(&printed);
    if counts.is_empty() {
        bail!("no count was found in what the benches printed:\n{printed}");
    }
    let compiler = compiler(&sh)?;
    let path = workspace.root.join(KEPT);
    if keep {
        return write(&path, &compiler, &counts);
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {KEPT}; make it with --keep"))?;
    let (same, kept) = read(&text, &compiler);
    let mut grown = 0;
    println!("{:<28} {:>12} {:>12} {:>8}", "loop", "instructions", "kept", "ratio");
    for (name, count) in &counts {
        let Some(before) = kept.get(name) else {
            println!("{name:<28} {count:>12}");
            continue;
        };
        let ratio = *count as f64 / *before as f64;
        let worse = ratio > SLACK;
        grown += usize::from(worse);
        println!("{name:<28} {count:>12} {before:>12} {ratio:>8.3}{}", if worse { "  more" } else { "" });
    }
    match (same, grown) {
        (false, _) => println!("the counts kept are another compiler's: keep new ones with --keep"),
        (true, 0) => {}
        (true, grown) => bail!("{grown} loops run more instructions than were kept"),
    }
    Ok(())
}

fn compiler(sh: &Shell) -> anyhow::Result<String> {
    Ok(cmd!(sh, "rustc --version").quiet().read()?)
}

/// The instruction count of each bench, by its id.
fn counts(printed: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut name = String::new();
    for line in printed.lines() {
        if let Some(count) = line.trim().strip_prefix("Instructions:") {
            let digits: String = count.trim().chars().take_while(char::is_ascii_digit).collect();
            if let Ok(count) = digits.parse() {
                counts.insert(core::mem::take(&mut name), count);
            }
        } else if let Some((path, case)) = line.split_once(' ').filter(|(path, _)| path.contains("::")) {
            let function = path.rsplit("::").next().unwrap_or(path);
            name = format!("{function} {}", case.split(':').next().unwrap_or(case));
        }
    }
    counts
}

fn write(path: &Path, compiler: &str, counts: &BTreeMap<String, u64>) -> anyhow::Result<()> {
    let lines = counts.iter().map(|(name, count)| format!("{name} {count}\n"));
    std::fs::write(path, format!("# {compiler}\n{}", lines.collect::<String>()))?;
    println!("kept {} counts in {KEPT}", counts.len());
    Ok(())
}

/// Are the counts this compiler's, and what are they?
fn read(text: &str, compiler: &str) -> (bool, BTreeMap<String, u64>) {
    let same = text.lines().next() == Some(&format!("# {compiler}"));
    let pair =
        |line: &str| line.rsplit_once(' ').and_then(|(name, count)| Some((name.to_owned(), count.parse().ok()?)));
    (same, text.lines().skip(1).filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::{counts, read};

    #[test]
    fn counts_are_read_from_what_is_printed() {
        let printed = "a::b::lorenz tsit5:lorenz(\"tsit5\")\n  Instructions:   12345|N/A  (**)\n  L1 Hits:  3|N/A\na::b::lu of_3:m(3)\n  \
                       Instructions:  7|9 (+3%)\n";
        let found = counts(printed);
        assert_eq!((found["lorenz tsit5"], found["lu of_3"], found.len()), (12345, 7, 2));
    }

    #[test]
    fn counts_of_another_compiler_are_not_compared() {
        let text = "# rustc 1\nlu of_3 7\n";
        assert!(read(text, "rustc 1").0 && !read(text, "rustc 2").0);
        assert_eq!(read(text, "rustc 1").1["lu of_3"], 7);
    }
}
