//! The property tests of a crate or of all, with as many cases as one likes, and what they found in a form to be read.
//!
//! A law that takes fewer cases than proptest's 256 because each is dear keeps its share: more cases are more rounds, each with a
//! seed of its own.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::workspace::{Crate, File, Workspace};

/// What `cargo xtask ci` draws its cases by; a run without `--seed` repeats it.
pub(crate) const SEED: u64 = 20_130_127;
/// How many cases proptest draws unless a law says otherwise.
const ROUND: u32 = 256;

/// What one crate's laws came to.
struct Row {
    name: String,
    laws: usize,
    rounds: u32,
    took: Duration,
    broken: Vec<Broken>,
}

/// A law that does not hold.
#[derive(Debug, PartialEq, Eq)]
struct Broken {
    law: String,
    /// What the law said.
    why: String,
    /// The shrunk case.
    case: String,
}

pub(crate) fn run(workspace: &Workspace, only: Option<&str>, cases: u32, seed: u64) -> anyhow::Result<()> {
    let files = workspace.files()?;
    let wanted: Vec<&Crate> =
        workspace.crates.iter().filter(|member| only.is_none_or(|name| is_named(member, name))).collect();
    if wanted.is_empty() {
        bail!("there is no crate {}; the map in docs/src/crates.md has their names", only.unwrap_or_default());
    }
    let mut rows = Vec::new();
    for member in wanted {
        let laws = laws_of(member, &files);
        if !laws.is_empty() {
            println!("{}: {} laws", member.name, laws.len());
            rows.push(check(workspace, member, &laws, cases, seed)?);
        }
    }
    print(&rows, seed);
    match rows.iter().map(|row| row.broken.len()).sum::<usize>() {
        0 => Ok(()),
        broken => bail!("{broken} laws are broken"),
    }
}

fn is_named(member: &Crate, name: &str) -> bool {
    member.name == name || member.name.strip_prefix("vecfield-") == Some(name)
}

/// Runs rounds of the crate's laws until enough cases are drawn, or some are broken.
fn check(workspace: &Workspace, member: &Crate, laws: &[String], cases: u32, seed: u64) -> anyhow::Result<Row> {
    let start = Instant::now();
    let (per_round, all) = (cases.min(ROUND), cases.div_ceil(ROUND).max(1));
    let (mut rounds, mut broken) = (0, Vec::new());
    while rounds < all && broken.is_empty() {
        let output = Command::new("cargo")
            .args(["test", "--quiet", "--package", &member.name, "--tests", "--no-fail-fast", "--"])
            .args(laws)
            .env("PROPTEST_CASES", per_round.to_string())
            .env("PROPTEST_RNG_SEED", seed.wrapping_add(u64::from(rounds)).to_string())
            .env("RUST_BACKTRACE", "0")
            .current_dir(&workspace.root)
            .output()
            .context("cannot start cargo")?;
        rounds += 1;
        broken = broken_in(&String::from_utf8_lossy(&output.stdout));
        if !output.status.success() && broken.is_empty() {
            bail!("the tests of {} did not run to their end:\n{}", member.name, words_of(&output));
        }
    }
    Ok(Row { name: member.name.clone(), laws: laws.len(), rounds, took: start.elapsed(), broken })
}

fn print(rows: &[Row], seed: u64) {
    println!("\n{:<20} {:>5} {:>7} {:>8}  outcome", "crate", "laws", "rounds", "seconds");
    for Row { name, laws, rounds, took, broken } in rows {
        let outcome = if broken.is_empty() { "all hold".into() } else { format!("{} broken", broken.len()) };
        println!("{name:<20} {laws:>5} {rounds:>7} {:>8.1}  {outcome}", took.as_secs_f64());
    }
    for row in rows {
        for Broken { law, why, case } in &row.broken {
            // The seed of the round that broke it: every one before it found nothing.
            let seed = seed.wrapping_add(u64::from(row.rounds - 1));
            println!("\n{}: {law} is broken\n  {}\n  smallest case found:", row.name, why.replace('\n', "\n  "));
            println!("    {}", case.replace('\n', "\n    "));
            println!("  again: PROPTEST_RNG_SEED={seed} cargo test --package {} --tests {law}", row.name);
        }
    }
}

/// The names of a crate's property tests: tests that take arguments.
fn laws_of(member: &Crate, files: &[File]) -> Vec<String> {
    let folder = format!("{}/", member.folder);
    let sources = files.iter().filter(|file| file.path.starts_with(&folder) && file.path.ends_with(".rs"));
    let mut laws: Vec<String> = sources.flat_map(|file| properties(&file.text)).collect();
    laws.sort_unstable();
    laws.dedup();
    laws
}

fn properties(text: &str) -> Vec<String> {
    let (mut names, mut is_test) = (Vec::new(), false);
    for line in text.lines().map(str::trim) {
        match line.strip_prefix("fn ").and_then(|rest| rest.split_once('(')) {
            Some((name, arguments)) if is_test && !arguments.starts_with(')') => names.push(name.to_owned()),
            _ => {}
        }
        // Other attributes and comments may stand between.
        is_test = line == "#[test]" || (is_test && (line.starts_with("#[") || line.starts_with("//")));
    }
    names
}

/// The laws that `cargo test` says are broken, from what proptest prints of each.
fn broken_in(printed: &str) -> Vec<Broken> {
    let parts = printed.split("\n---- ").skip(1);
    parts
        .filter_map(|part| {
            let (law, rest) = part.split_once(" stdout ----")?;
            let rest = rest.split("\n\nfailures:").next().unwrap_or(rest);
            let (why, case) = match rest.split_once("minimal failing input:") {
                Some((why, case)) => (why, case.split("\n\tsuccesses:").next().unwrap_or(case)),
                None => (rest, "(none: it is no property, or its arguments could not be drawn)"),
            };
            let why = why.split_once("Test failed: ").map_or(why, |(_, why)| why);
            let trim = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned();
            Some(Broken { law: law.trim().into(), why: trim(why), case: trim(case) })
        })
        .collect()
}

fn words_of(output: &Output) -> String {
    let all = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    let lines: Vec<&str> = all.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laws_are_tests_with_arguments() {
        let text = "#[test]\nfn plain() {}\nproptest! {\n    /// A.\n    #[test]\n    fn one(x in 0..3) {}\n    #[test]\n    #[ignore]\n    \
                    fn two(\n        x in 0..3,\n    ) {}\n    fn helper(x: u8) {}\n}\n";
        assert_eq!(properties(text), ["one", "two"]);
    }

    #[test]
    fn what_proptest_prints_is_read() {
        let printed = "running 2 tests\n\nfailures:\n\n---- laws::a stdout ----\n\nthread 'laws::a' (12) panicked at x.rs:1:1:\nTest failed: \
                       observed order 1.9, claimed 3.\nminimal failing input: h = 0.5,\n    seed = 0\n\tsuccesses: 3\n\tlocal rejects: 0\n\n\nfailures:\n    \
                       laws::a\n\ntest result: FAILED.";
        let expected = Broken {
            law: "laws::a".into(),
            why: "observed order 1.9, claimed 3.".into(),
            case: "h = 0.5,\n    seed = 0".into(),
        };
        assert_eq!(broken_in(printed), [expected]);
        assert_eq!(broken_in("test result: ok. 3 passed"), []);
    }
}
