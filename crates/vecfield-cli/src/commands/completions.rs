//! `vecfield completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::context::Context;
use crate::failure::Failure;

/// Arguments of `vecfield completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  vecfield completions bash > ~/.local/share/bash-completion/completions/vecfield

Try it:
  vecfield completions bash")]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "vecfield", &mut script);
    context.print(&String::from_utf8_lossy(&script))
}
