//! The README's first command, run as it stands there, and the flags of every command that a document shows.

use anyhow::{Context as _, bail, ensure};
use xshell::cmd;

use super::documented::{Ran, without_folder};
use crate::tidy::{Command, commands_in};
use crate::workspace::Workspace;

/// What `discover --out DIR` promises to write.
const RESULTS: &[&str] = &["equations.toml", "trajectory.csv", "report.html"];

/// Runs the first `discover` of the README, with a fresh folder in place of its `--out`, looks at what came of it, and adds it to `ran`.
pub(super) fn run(workspace: &Workspace, ran: &mut Ran) -> anyhow::Result<()> {
    let program = workspace.root.join("target/release/vecfield");
    let command = documented(workspace)?
        .into_iter()
        .find(|command| {
            command.place.starts_with("README.md") && command.is_whole && command.verb() == Some("discover")
        })
        .context("the README does not show `vecfield discover`")?;
    let out = workspace.root.join("target/ci/main-job");
    let sh = workspace.shell()?;
    sh.remove_path(&out)?;
    sh.create_dir(out.parent().context("a folder under target")?)?;
    let mut arguments = command.words[1..].to_vec();
    let at = arguments.iter().position(|word| word == "--out").context("the README's command has no --out")?;
    arguments[at + 1] = out.to_string_lossy().into_owned();
    let printed = cmd!(sh, "{program} {arguments...}").read()?;
    println!("{printed}");
    for variable in ["hare", "lynx"] {
        ensure!(
            printed.lines().any(|line| line.contains(variable) && line.contains('=')),
            "no equation for {variable} was printed"
        );
    }
    for name in RESULTS {
        ensure!(out.join(name).metadata().is_ok_and(|file| file.len() > 0), "{name} was not written");
    }
    let equations = out.join("equations.toml");
    cmd!(sh, "{program} solve {equations} --json")
        .ignore_stdout()
        .run()
        .context("`vecfield solve` does not run equations.toml")?;
    ran.insert(without_folder(&command.words), out);
    Ok(())
}

/// Asks the program itself: `vecfield VERB --help` must list every flag that a document gives to VERB.
pub(super) fn documented_flags_exist(workspace: &Workspace) -> anyhow::Result<()> {
    let program = workspace.root.join("target/release/vecfield");
    let sh = workspace.shell()?;
    let mut unknown = Vec::new();
    for command in documented(workspace)?.iter().filter(|command| command.is_vecfield()) {
        let Some(verb) = command.verb() else {
            continue;
        };
        let help = cmd!(sh, "{program} {verb} --help").quiet().read()?;
        unknown.extend(flags_missing_in(&help, command).map(|flag| format!("{}: {verb} has no {flag}", command.place)));
    }
    if !unknown.is_empty() {
        bail!("documents name flags that do not exist:\n{}", unknown.join("\n"));
    }
    Ok(())
}

fn flags_missing_in<'a>(help: &'a str, command: &'a Command) -> impl Iterator<Item = &'a str> {
    let flags = command.words[2..]
        .iter()
        .filter(|word| word.starts_with("--"))
        .map(|word| word.split('=').next().unwrap_or(word));
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    flags.filter(move |flag| !help.split(is_end).any(|word| word == *flag))
}

fn documented(workspace: &Workspace) -> anyhow::Result<Vec<Command>> {
    let files = workspace.files()?;
    Ok(files.iter().filter(|file| file.path.ends_with(".md")).flat_map(commands_in).collect())
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_flag_that_the_help_does_not_list_is_found() {
        let help = "Usage: vecfield solve [OPTIONS]\n      --rtol <R>  relative\n      --save=<T>\n";
        let words =
            ["vecfield", "solve", "a.toml", "--rtol", "1e-6", "--save=1", "--atol", "--rt"].map(String::from).to_vec();
        let command = Command { place: "README.md:1".into(), words, is_whole: true };
        assert_eq!(flags_missing_in(help, &command).collect::<Vec<_>>(), ["--atol", "--rt"]);
    }
}
