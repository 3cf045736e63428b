//! Everything that must hold before a change lands, step by step, with the time each step took.
//!
//! All steps run, also after one has failed: whoever mends the change wants the whole list. The tests come last, so that
//! the run ends on their count.

mod documented;
mod main_job;
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use documented::Ran;
use xshell::cmd;

use crate::workspace::Workspace;
use crate::{api, docs, features, fuzz, tidy};

/// A step that was run.
struct Row {
    name: &'static str,
    took: Duration,
    /// The processors' time of what the step started, where the system tells it: the same on a busy machine.
    worked: Option<Duration>,
    error: Option<String>,
}

/// The steps in the order of their run, and their outcome.
#[derive(Default)]
struct Ledger<'a> {
    /// The one step to run, where it is one.
    only: Option<&'a str>,
    rows: Vec<Row>,
}

impl Ledger<'_> {
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> anyhow::Result<()>) {
        if self.only.is_some_and(|only| only != name) {
            return;
        }
        println!("\n=== {name}");
        let (start, before) = (Instant::now(), processor_time());
        let error = work().err().map(|error| format!("{error:#}"));
        if let Some(error) = &error {
            println!("{name}: {error}");
        }
        let worked = processor_time().zip(before).map(|(after, before)| after.saturating_sub(before));
        let row = Row { name, took: start.elapsed(), worked, error };
        println!("{row}");
        self.rows.push(row);
    }

    fn print(&self) {
        println!("\n{:<12} {:>8} {:>10}  outcome", "step", "seconds", "processor");
        for row in &self.rows {
            println!("{row}");
        }
        let took = self.rows.iter().map(|row| row.took).sum();
        let worked = self.rows.iter().map(|row| row.worked).sum();
        println!("{}", times("in all", took, worked));
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", times(self.name, self.took, self.worked))?;
        match &self.error {
            None => write!(f, "ok"),
            Some(error) => write!(f, "FAILED: {}", error.lines().next().unwrap_or_default()),
        }
    }
}

/// A name, the seconds that passed and those of the processors.
fn times(name: &str, took: Duration, worked: Option<Duration>) -> String {
    let worked = worked.map_or("-".into(), |worked| format!("{:.1}", worked.as_secs_f64()));
    format!("{name:<12} {:>8.1} {worked:>10}", took.as_secs_f64())
}

/// The processors' time of the processes that this one has started and waited for: fields 16 and 17 of `/proc/self/stat`, in
/// the hundredths of a second of every Linux.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    let ticks: u64 =
        behind_name.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(10 * ticks))
}

/// Runs every step, or `only` one. The last line is the tests' count; the exit status is 1 if any step failed.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>) -> anyhow::Result<()> {
    let sh = workspace.shell()?;
    let mut ledger = Ledger { only, ..Ledger::default() };
    ledger.step("format", || Ok(cmd!(sh, "cargo fmt --all --check").run()?));
    ledger.step("tidy", || tidy::run(workspace));
    ledger.step("clippy", || Ok(cmd!(sh, "cargo clippy --quiet --workspace --all-targets -- -D warnings").run()?));
    ledger.step("features", || features::alone(workspace));
    ledger.step("pages", || docs::generated(workspace, true));
    ledger.step("packages", || packages(workspace));
    ledger.step("api", || api::run(workspace, false));
    ledger.step("book", || docs::book(workspace));
    if workspace.find("vecfield-cli").is_some() {
        ledger.step("release", || Ok(cmd!(sh, "cargo build --quiet --release -p vecfield-cli").run()?));
        ledger.step("commands", || main_job::documented_flags_exist(workspace));
        // Nothing is run twice.
        let mut ran = Ran::new();
        ledger.step("main job", || main_job::run(workspace, &mut ran));
        ledger.step("documented", || documented::run(workspace, &mut ran));
        ledger.step("gallery", || gallery(workspace, &ran));
    }
    ledger.step("fuzz", || fuzz::run(workspace, None, fuzz::RUNS));
    ledger.step("examples", || examples(workspace));
    let mut count = tests::Count::default();
    ledger.step("tests", || {
        count = tests::run(workspace)?;
        count.into_result()
    });
    if ledger.rows.is_empty() {
        bail!("there is no step {:?}; a whole run prints their names", only.unwrap_or_default());
    }
    ledger.print();
    if ledger.rows.iter().any(|row| row.name == "tests") {
        println!("{count}");
    }
    let is_green = ledger.rows.iter().all(|row| row.error.is_none());
    std::process::exit(if is_green { 0 } else { 1 });
}

/// Every crate becomes a package that lacks nothing, after those that it depends on; the tests' judges are no part of any.
fn packages(workspace: &Workspace) -> anyhow::Result<()> {
    let sh = workspace.shell()?;
    cmd!(sh, "cargo package --quiet --workspace --exclude xtask --no-verify --allow-dirty --offline")
        .ignore_stderr()
        .run()
        .context("`cargo package --workspace --exclude xtask --no-verify` says what is missing")
}

/// Every example that the program carries is written, and run by the command that it is shown with, unless that was run before on the same files.
fn gallery(workspace: &Workspace, ran: &Ran) -> anyhow::Result<()> {
    let sh = workspace.shell()?;
    let program = workspace.root.join("target/release/vecfield");
    let folder = workspace.root.join("target/ci/gallery");
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    sh.change_dir(&folder);
    // The program carries the files of the repository, under their own names.
    let in_place = |words: &[String]| -> Vec<String> {
        let words = documented::without_folder(words);
        words.iter().map(|word| word.rsplit('/').next().unwrap_or(word).to_owned()).collect()
    };
    let ran: BTreeSet<Vec<String>> = ran.keys().map(|words| in_place(words)).collect();
    let listed: serde_json::Value = serde_json::from_str(&cmd!(sh, "{program} examples --json").quiet().read()?)?;
    for example in listed["examples"].as_array().context("`vecfield examples --json` lists no examples")? {
        let name = example["name"].as_str().context("an example has no name")?;
        let written = cmd!(sh, "{program} examples {name} --json").quiet().read()?;
        let written: serde_json::Value = serde_json::from_str(&written)?;
        let words = tidy::words(written["command"].as_str().context("an example has no command")?);
        if !ran.contains(&in_place(&words)) {
            let arguments = &words[1..];
            cmd!(sh, "{program} {arguments...}").run()?;
        }
    }
    Ok(())
}

/// Every `examples/*.rs` of every crate runs to its end. They are built together and as the tests are, so that no library is compiled for them alone.
fn examples(workspace: &Workspace) -> anyhow::Result<()> {
    let sh = workspace.shell()?;
    let built = cmd!(sh, "cargo build --quiet --workspace --examples --message-format json").read()?;
    let mut programs: BTreeMap<String, String> = BTreeMap::new();
    for line in built.lines() {
        let artifact: serde_json::Value = serde_json::from_str(line)?;
        let (name, kind) = (&artifact["target"]["name"], &artifact["target"]["kind"][0]);
        if let (Some(name), Some("example"), Some(program)) =
            (name.as_str(), kind.as_str(), artifact["executable"].as_str())
            && programs.insert(name.to_owned(), program.to_owned()).is_some()
        {
            bail!("there are two examples `{name}`, and one program takes the place of the other; rename one");
        }
    }
    for example in workspace.crates.iter().flat_map(|member| &member.examples) {
        let program = programs.get(example).with_context(|| format!("the example `{example}` was not built"))?;
        cmd!(sh, "{program}").run()?;
    }
    Ok(())
}
