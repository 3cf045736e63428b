//! `vecfield` alone: the questions a user comes with, and the command that answers each.

use crate::context::Context;
use crate::failure::Failure;
use crate::layout::table;

/// Under `vecfield --help`.
pub(crate) const EXAMPLES: &str = "Examples:
  vecfield solve lotka-volterra.toml
  vecfield solve lotka-volterra.toml --set alpha=0.6 --t 0,50 --json
  vecfield solve --method list

`vecfield COMMAND --help` has an example for each command.";

/// The six questions of the project. Only those whose command exists in this program are shown.
const QUESTIONS: [(&str, &[&str]); 6] = [
    ("What does this equation do?", &["solve"]),
    ("Which constants make it fit my data, and how surely?", &["fit"]),
    ("Which equation made my data?", &["discover", "sindy", "symreg"]),
    ("I don't know the equation: learn its right-hand side", &["train", "predict"]),
    ("I know the equation: the network is the solution", &["pinn"]),
    ("How fast is it here?", &["bench"]),
];

pub(crate) fn run(context: &Context, program: &clap::Command) -> Result<(), Failure> {
    let exists = |name: &&&str| program.find_subcommand(name).is_some();
    let row = |(question, commands): &(&str, &[&str])| {
        let commands: Vec<&str> = commands.iter().filter(exists).copied().collect();
        (!commands.is_empty()).then(|| vec![question.to_string(), format!("vecfield {}", commands.join(" | "))])
    };
    let rows: Vec<Vec<String>> = QUESTIONS.iter().filter_map(row).collect();
    let map = table(&["your question", "its command"], &rows, &[0, 1]);
    context.print(&format!(
        "{map}\n`vecfield --help` lists every command, `vecfield COMMAND --help` has an example for each.\n"
    ))
}
