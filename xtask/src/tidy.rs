//! Rules that the compiler does not check. Each is a function from the tree to its findings, with a test that breaks it.

mod commands;
mod front_page;
mod layers;
mod lengths;
mod licences;
mod links;
mod machine;
mod pages;
mod rust;
mod words;

use std::fmt;

use anyhow::bail;

use crate::workspace::{File, Workspace};
pub(crate) use commands::{Command, commands_in, words};
pub(crate) use front_page::{INVARIANT, documentation};
pub(crate) use layers::LAYERS;
pub(crate) use links::resolve;

/// Something that breaks a rule: where, what, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    place: String,
    what: String,
    /// Reported, but no reason to refuse the change.
    is_advice: bool,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), is_advice: false }
    }

    fn advice(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { is_advice: true, ..Self::new(place, what) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Prints every finding; fails if one of them is more than advice.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let files = workspace.files()?;
    let mut findings = check(workspace, &files);
    findings.extend(licences::check(&workspace.licences()?));
    let (advice, broken): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| finding.is_advice);
    for finding in &advice {
        println!("note  {finding}");
    }
    for finding in &broken {
        println!("error {finding}");
    }
    println!(
        "tidy: {} files, {} crates, {} notes, {} errors",
        files.len(),
        workspace.crates.len(),
        advice.len(),
        broken.len()
    );
    if !broken.is_empty() {
        bail!("{} rules are broken", broken.len());
    }
    Ok(())
}

fn check(workspace: &Workspace, files: &[File]) -> Vec<Finding> {
    let sources: Vec<rust::Source> =
        files.iter().filter(|file| file.path.ends_with(".rs")).map(rust::Source::new).collect();
    let mut findings = layers::check(&workspace.crates);
    findings.extend(layers::holes(&workspace.crates));
    findings.extend(front_page::check(&workspace.crates, files));
    findings.extend(sources.iter().flat_map(words::check));
    findings.extend(sources.iter().flat_map(lengths::check));
    findings.extend(machine::check(files));
    findings.extend(links::check(files));
    findings.extend(commands::check(files));
    findings.extend(pages::check(files));
    findings
}
