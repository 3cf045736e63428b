//! `cargo test --workspace`, watched: its lines are passed on as they come, its summaries are added up.

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::laws;
use crate::workspace::Workspace;

/// Tests over all binaries, unit, integration and documentation tests alike.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    passed: u64,
    failed: u64,
    /// Cargo itself came to a bad end: a test that failed, or a test binary that did not compile.
    is_broken: bool,
}

impl Count {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; ...`; any other line changes nothing.
    fn add_line(&mut self, line: &str) {
        let Some(summary) = line.trim_start().strip_prefix("test result: ") else {
            return;
        };
        for entry in summary.split([';', '.']) {
            match entry.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse::<u64>().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse::<u64>().unwrap_or(0),
                _ => {}
            }
        }
    }

    pub(super) fn into_result(self) -> anyhow::Result<()> {
        if self.failed > 0 {
            bail!("{} tests failed", self.failed);
        }
        if self.is_broken {
            bail!("`cargo test` failed before its tests could be counted; see above");
        }
        Ok(())
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

pub(super) fn run(workspace: &Workspace) -> anyhow::Result<Count> {
    let mut child = Command::new("cargo")
        .args(["test", "--workspace", "--no-fail-fast"])
        // Property tests draw the same cases in every run: a red run can be repeated, a green one does not depend on luck.
        .env("PROPTEST_RNG_SEED", laws::SEED.to_string())
        .current_dir(&workspace.root)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let output = child.stdout.take().context("the output of cargo was asked for")?;
    let mut count = Count::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        count.add_line(&line);
    }
    count.is_broken = !child.wait()?.success();
    Ok(count)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn summaries_are_added_up() {
        let mut count = Count::default();
        count.add_line("running 3 tests");
        count.add_line("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        count.add_line(
            "test result: FAILED. 12 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.5s",
        );
        count.add_line("test passed ... ok");
        assert_eq!(count.to_string(), "15 passed, 2 failed");
        assert!(count.into_result().is_err());
        assert!(Count { passed: 1, failed: 0, is_broken: true }.into_result().is_err());
        assert!(Count { passed: 1, ..Count::default() }.into_result().is_ok());
    }
}
