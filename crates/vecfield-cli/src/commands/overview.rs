//! `vecfield` alone: the questions a user comes with, and a command that answers each.

use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::layout::table;

/// Under `vecfield --help`.
pub(crate) const EXAMPLES: &str =
    "`vecfield COMMAND --help` has examples for each command, `vecfield` alone the questions that they answer.

Try it:
  vecfield examples lotka-volterra
  vecfield solve lotka-volterra/lotka-volterra.toml";

/// The six questions of the project, each with a command; those of the program are of the gallery, so that they run.
const QUESTIONS: [(&str, &str); 6] = [
    ("What does this equation do?", "vecfield solve lotka-volterra.toml"),
    ("Which constants make it fit my data, and how surely?", "vecfield fit lynx-hare.toml lynx-hare.csv"),
    ("Which equation made my data?", "vecfield discover lynx-hare.csv"),
    ("I don't know the equation: learn its right-hand side", "vecfield train neural-ode.toml lynx-hare.csv"),
    ("I know the equation: the network is the solution", "vecfield pinn burgers.toml"),
    ("I write Rust, and want the parts", "cargo add vecfield"),
];

#[derive(Serialize)]
struct Overview {
    questions: Vec<Question>,
}

#[derive(Serialize)]
struct Question {
    question: &'static str,
    command: &'static str,
}

pub(crate) fn run(context: &Context) -> Result<(), Failure> {
    let questions = QUESTIONS.map(|(question, command)| Question { question, command }).into();
    context.result(&Overview { questions }, Overview::to_text)
}

impl Overview {
    fn to_text(&self) -> String {
        let row = |asked: &Question| vec![asked.question.to_owned(), asked.command.to_owned()];
        let rows: Vec<Vec<String>> = self.questions.iter().map(row).collect();
        let map = table(&["your question", "a command that answers it"], &rows, &[0, 1]);
        format!(
            "{map}\nThe files are in the gallery: `vecfield examples` lists it, `vecfield examples NAME` writes one.\n\
             `vecfield --help` lists every command; `vecfield COMMAND --help` ends on an example to type.\n"
        )
    }
}
