//! `vecfield predict DIR INPUT`: ask a model that was trained.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};
use vecfield_io::write_table;
use vecfield_nde::{NdeError, Prediction, Request, RowsOf, kind_of, load};

use super::input::Asked;
use super::train::{MODEL, read_model};
use crate::context::Context;
use crate::failure::Failure;

const EXAMPLES: &str = "Examples:
  vecfield predict trained questions.csv > answers.csv

The answer is CSV with a row for each row of INPUT. Of trajectories give the first rows and, with empty cells, the times asked
for: the cells are filled in.

Try it:
  vecfield examples neural-ode
  vecfield train neural-ode/neural-ode.toml neural-ode/lynx-hare.csv --out neural-ode-trained
  vecfield predict neural-ode-trained neural-ode/lynx-hare.csv";

/// Arguments of `vecfield predict`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The folder that `vecfield train --out` wrote
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What is asked
    #[arg(value_name = "INPUT")]
    input: Option<PathBuf>,
    /// Draw so many samples, of models that do
    #[arg(long, value_name = "N")]
    samples: Option<usize>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<(), Failure> {
    let checkpoint = read_model(&arguments.folder)?;
    let model_file = arguments.folder.join(MODEL);
    let broken = |e: &NdeError| Failure::Argument(format!("{}: {e}", model_file.display()));
    let kind = kind_of(&checkpoint).map_err(|e| broken(&e))?;
    let model = load(&checkpoint).map_err(|e| broken(&e))?;
    let asked = arguments.input.as_deref().map(|path| Asked::read(path, kind)).transpose()?;
    let data = asked.as_ref().map(Asked::data);
    let request = Request { samples: arguments.samples, seed: context.seed };
    let answer = context.on_threads(|| model.predict(data.as_ref(), &request))?;
    let answer = answer.map_err(|e| match (&e, &arguments.input) {
        (NdeError::Forecast { .. }, _) => Failure::Computation(e.to_string()),
        (_, Some(path)) => Failure::Argument(format!("{}: {e}", path.display())),
        (_, None) => Failure::Argument(e.to_string()),
    })?;
    let (columns, values) = placed(answer, asked.as_ref());
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let (row, column) = (at / columns.len() + 1, &columns[at % columns.len()]);
        return Err(Failure::Computation(format!(
            "row {row} of the answer, column `{column}`: the model's value is not finite; train it further, or ask for less"
        )));
    }
    if context.json {
        return context.result(&to_json(&columns, &values), |_| String::new());
    }
    let (names, mut text): (Vec<&str>, _) = (columns.iter().map(String::as_str).collect(), Vec::new());
    write_table(&mut text, &names, &values).map_err(|e| Failure::Output(e.to_string()))?;
    context.print(&String::from_utf8_lossy(&text))
}

/// The answer with a row for each of the input's, in its order, and what tells the rows apart in front.
fn placed(answer: Prediction, asked: Option<&Asked>) -> (Vec<String>, Vec<f64>) {
    let Prediction { of, columns, values } = answer;
    let width = columns.len();
    let Some(Asked::Series(series)) = asked else { return (columns, values) };
    let numbered = !series.numbers.is_empty();
    let named = |front: &[&str]| front.iter().map(|&name| name.into()).chain(columns.iter().cloned()).collect();
    match of {
        RowsOf::Times => {
            let runs = series.data.runs();
            let begins: Vec<usize> =
                runs.iter().scan(0, |at, run| Some(std::mem::replace(at, *at + run.len()))).collect();
            let row = |&(run, row): &(usize, usize)| {
                let number = numbered.then(|| series.numbers[run] as f64);
                let own = &values[(begins[run] + row) * width..][..width];
                number.into_iter().chain([runs[run].times()[row]]).chain(own.iter().copied()).collect::<Vec<_>>()
            };
            let front: &[&str] = if numbered { &["trajectory", "t"] } else { &["t"] };
            (named(front), series.places.iter().flat_map(row).collect())
        }
        RowsOf::Trajectories if numbered => {
            let rows = series.numbers.iter().zip(values.chunks_exact(width));
            let rows = rows.flat_map(|(&number, own)| [number as f64].into_iter().chain(own.iter().copied()));
            (named(&["trajectory"]), rows.collect())
        }
        _ => (columns, values),
    }
}

fn to_json(columns: &[String], values: &[f64]) -> Value {
    let rows: Vec<&[f64]> = values.chunks_exact(columns.len()).collect();
    let object: Map<_, _> =
        [("columns".to_string(), json!(columns)), ("rows".to_string(), json!(rows))].into_iter().collect();
    Value::Object(object)
}
