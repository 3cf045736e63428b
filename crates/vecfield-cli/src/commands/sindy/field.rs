//! Fields on a grid: `vecfield sindy --pde`.

use std::time::Instant;

use serde_json::{Map, Value, json};
use vecfield_data::Trajectories;
use vecfield_plot::with_error;
use vecfield_sindy::pde::{Fields, Grid, PdeModel};

use super::{Arguments, INCLUDED, finite};
use crate::context::Context;
use crate::failure::Failure;
use crate::layout::{duration, table};

/// Finds the partial differential equations of the fields in `data`.
pub(super) fn run(arguments: &Arguments, data: &Trajectories, context: &Context) -> Result<(), Failure> {
    let wrong = |e: vecfield_sindy::SindyError| arguments.failure(&e);
    let text = arguments.grid.as_deref().unwrap_or_default();
    let grid = Grid::parse(text, arguments.periodic).map_err(|e| Failure::Argument(format!("--grid: {e}")))?;
    let task = arguments.field_task()?;
    let fields = Fields::from_columns(data, grid).map_err(wrong)?;
    let clock = Instant::now();
    let model = context.on_threads(|| task.fit(&fields))?.map_err(wrong)?;
    let found = Found { model: &model, seconds: clock.elapsed().as_secs_f64() };
    context.result(&found.to_json(), |_| found.for_people())
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
        text + &format!("{}\n", duration(self.seconds))
    }
}
