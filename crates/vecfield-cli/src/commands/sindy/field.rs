//! Fields on a grid: `vecfield sindy --pde`.

use std::path::Path;
use std::time::Instant;

use serde_json::{Map, Value, json};
use vecfield_data::Trajectories;
use vecfield_io::read_table;
use vecfield_plot::with_error;
use vecfield_sindy::Progress;
use vecfield_sindy::pde::{Axes, Axis, Fields, MOST_AXES, PdeModel};

use super::Arguments;
use super::outcome::{INCLUDED, cut_short, finite};
use crate::context::Context;
use crate::failure::Failure;
use crate::layout::{duration, table};
use crate::watch::Watch;

/// Finds the partial differential equations of the fields in `data`.
pub(super) fn run(arguments: &Arguments, data: &Trajectories, context: &Context) -> Result<(), Failure> {
    let wrong = |e: vecfield_sindy::SindyError| arguments.failure(&e);
    let fields = Fields::from_columns(data, axes(arguments)?).map_err(wrong)?;
    let task = arguments.field_task(fields.dimension())?;
    let (watch, clock) = (Watch::new(context, arguments.seconds)?, Instant::now());
    let goes_on = |progress: Progress| watch.goes_on(progress.stage, progress.share);
    let model = context.on_threads(|| task.fit_watched(&fields, &goes_on))?.map_err(wrong)?;
    drop(watch);
    let found = Found { model: &model, seconds: clock.elapsed().as_secs_f64() };
    context.result(&found.to_json(), |_| found.for_people())
}

/// The grid: `FIRST:STEP` for each coordinate, or a table of points with a column for each.
fn axes(arguments: &Arguments) -> Result<Axes, Failure> {
    let text = arguments.grid.as_deref().unwrap_or_default();
    if !text.ends_with(".csv") {
        return Axes::parse(text, arguments.periodic).map_err(|e| Failure::Argument(format!("--grid: {e}")));
    }
    let refused = |what: String| Failure::Argument(format!("--grid {text}: {what}"));
    if arguments.periodic {
        return Err(refused("points from a table are an interval; leave out --periodic, or write FIRST:STEP".into()));
    }
    let table = read_table(Path::new(text))?;
    if table.columns().len() > MOST_AXES {
        return Err(refused(format!(
            "there are {} columns; give one for each of up to {MOST_AXES} coordinates",
            table.columns().len()
        )));
    }
    let points = |(column, name): (usize, &String)| {
        let values: Vec<f64> = table.rows().map(|row| row[column]).collect();
        let count = values.iter().take_while(|v| !v.is_nan()).count();
        match values[count..].iter().position(|v| !v.is_nan()) {
            Some(gap) => {
                Err(refused(format!("column `{name}` has a point behind an empty cell, in line {}", count + gap + 2)))
            }
            None => Ok(Axis::Points(values[..count].to_vec())),
        }
    };
    table.columns().iter().enumerate().map(points).collect::<Result<_, _>>().map(Axes)
}

struct Found<'a> {
    model: &'a PdeModel,
    seconds: f64,
}

impl Found<'_> {
    fn to_json(&self) -> Value {
        let model = self.model;
        let names = model.names();
        let each = |value: &dyn Fn(usize) -> Value| -> Map<String, Value> {
            names.iter().cloned().enumerate().map(|(i, name)| (name, value(i))).collect()
        };
        let equations = model.equations(None);
        let terms =
            |i: usize, pick: fn((&str, f64, f64)) -> (String, Value)| Value::Object(model.terms(i).map(pick).collect());
        let inclusion = |i: usize| -> Value {
            let shares = model.inclusion(i).iter().zip(model.library()).filter(|(share, _)| **share > INCLUDED);
            Value::Object(shares.map(|(share, term)| (term.key().to_string(), json!(share))).collect())
        };
        let r2 = (0..names.len()).map(|i| model.r2(i)).sum::<f64>() / names.len() as f64;
        json!({
            "variables": names,
            "equations": each(&|i| json!(equations[i])),
            "coefficients": each(&|i| terms(i, |(key, value, _)| (key.to_string(), json!(value)))),
            "stderr": each(&|i| terms(i, |(key, _, e)| (key.to_string(), finite(e)))),
            "inclusion": each(&inclusion),
            "noise": each(&|i| finite(model.noise()[i])),
            "score": { "derivative_r2": finite(r2), "trajectory_r2": null },
            "test_function": each(&|i| json!({ "points": model.test_function(i)[0], "times": model.test_function(i)[1] })),
            "library": model.library().iter().map(|term| term.key()).collect::<Vec<_>>(),
            "cut": model.is_cut(),
            "seconds": self.seconds,
        })
    }

    fn for_people(&self) -> String {
        let model = self.model;
        let equations = model.equations(Some(4));
        let lines = model.names().iter().zip(equations).map(|(name, equation)| format!("  d{name}/dt = {equation}\n"));
        let mut text: String = lines.collect();
        let rows: Vec<Vec<String>> = (0..model.names().len())
            .flat_map(|i| model.terms(i).map(move |term| (i, term)))
            .map(|(i, (key, value, error))| {
                let (value, error) = with_error(value, error);
                vec![format!("d{}/dt", model.names()[i]), key.to_string(), value, error]
            })
            .collect();
        text += &format!("\n{}\n", table(&["equation", "term", "coefficient", "std. error"], &rows, &[0, 1]));
        for (i, name) in model.names().iter().enumerate() {
            let [points, times] = model.test_function(i);
            text += &format!(
                "{name}: R2 of the weak form {:.4}, noise {:.2e}, test functions {} points by {} times\n",
                model.r2(i),
                model.noise()[i],
                2 * points + 1,
                2 * times + 1
            );
        }
        text + &format!("{}\n", duration(self.seconds)) + &cut_short(model.is_cut())
    }
}
