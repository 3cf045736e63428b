//! `vecfield man`: the manual, made from the same descriptions as `--help`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man;
use vecfield_io::{OutputDir, Overwrite};

use crate::context::Context;
use crate::failure::Failure;

/// Arguments of `vecfield man`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  vecfield man --out ~/.local/share/man/man1      all pages, for `man vecfield-solve`

Try it:
  vecfield man solve")]
pub(crate) struct Arguments {
    /// The page of this command, rather than that of the program
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,
    /// Write all pages to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the pages there
    #[arg(long, requires = "out")]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let mut program = crate::Arguments::command();
    program.build();
    let pages = pages(&program);
    let Some(folder) = &arguments.out else {
        let wanted = arguments.command.as_ref().map_or("vecfield".into(), |command| format!("vecfield-{command}"));
        let page = pages.iter().find(|page| page.get_display_name() == Some(&wanted)).ok_or_else(|| {
            let name = arguments.command.as_deref().unwrap_or_default();
            Failure::Argument(format!("there is no command \"{name}\"; `vecfield --help` lists them"))
        })?;
        return context.print(&rendered(page)?);
    };
    let files: Vec<String> =
        pages.iter().map(|page| format!("{}.1", page.get_display_name().unwrap_or_default())).collect();
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let overwrite = if arguments.force { Overwrite::Allowed } else { Overwrite::Never };
    let folder = OutputDir::create(folder, &names, overwrite)?;
    for (name, page) in names.iter().zip(&pages) {
        let text = rendered(page)?;
        folder.write(name, |to| to.write_all(text.as_bytes()))?;
    }
    Ok(())
}

/// The program and its commands, each by the name of its page.
fn pages(program: &clap::Command) -> Vec<clap::Command> {
    let page = |command: &clap::Command| {
        let name = format!("vecfield-{}", command.get_name());
        command.clone().display_name(name)
    };
    let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
    std::iter::once(program.clone().display_name("vecfield")).chain(commands.map(page)).collect()
}

fn rendered(page: &clap::Command) -> Result<String, Failure> {
    let mut text = Vec::new();
    let date = ""; // pages that are made again are the same
    Man::new(page.clone()).date(date).render(&mut text).map_err(|e| Failure::Output(e.to_string()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
