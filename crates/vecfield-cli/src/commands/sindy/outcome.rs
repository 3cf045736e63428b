//! A fit as JSON and as text.

use serde_json::{Map, Value, json};
use vecfield_plot::with_error;
use vecfield_sindy::{Model, Refinement, Score};

use crate::layout::{duration, number, table};

/// What an equation gives: a rate, or of a map the next value.
pub(super) fn rate(name: &str, map: bool) -> String {
    if map { format!("next {name}") } else { format!("d{name}/dt") }
}

/// Terms less likely than this are not listed.
pub(super) const INCLUDED: f64 = 1e-3;

/// A number, or null where it is none.
pub(super) fn finite(v: f64) -> Value {
    if v.is_finite() { json!(v) } else { Value::Null }
}

/// What is said of a fit that was cut short.
pub(super) const CUT_SHORT: &str = "The fit was cut short: these are the best equations until then.";

/// That, on a line of its own, of one that was.
pub(super) fn cut_short(cut: bool) -> String {
    if cut { format!("{CUT_SHORT}\n") } else { String::new() }
}

/// A score.
fn shares(derivative_r2: f64, trajectory_r2: Option<f64>) -> Value {
    json!({ "derivative_r2": finite(derivative_r2), "trajectory_r2": trajectory_r2.map_or(Value::Null, finite) })
}

/// A model with what it was made from.
pub(super) struct Outcome<'a> {
    pub(super) model: &'a Model,
    pub(super) seconds: f64,
    pub(super) simulated: Option<Vec<f64>>,
    /// The score on other trajectories.
    pub(super) test: Option<Score>,
}

impl Outcome<'_> {
    pub(super) fn to_json(&self) -> Value {
        let model = self.model;
        let names = model.variables();
        let terms = |pick: fn((&str, f64, f64)) -> (String, Value)| -> Map<String, Value> {
            let of_equation = |i: usize| (names[i].clone(), Value::Object(model.terms(i).map(pick).collect()));
            (0..names.len()).map(of_equation).collect()
        };

        let inclusion = |i: usize| -> Map<String, Value> {
            let shares =
                model.inclusion(i).iter().zip(model.library().features()).filter(|(share, _)| **share > INCLUDED);
            shares.map(|(share, feature)| (feature.key().to_string(), json!(share))).collect()
        };
        let library: Vec<&str> = model.library().features()[..model.feature_count()].iter().map(|f| f.key()).collect();
        let mut result = json!({
            "variables": names,
            "equations": names.iter().cloned().zip(model.equations(None).into_iter().map(Value::from)).collect::<Map<_, _>>(),
            "noise": names.iter().cloned().zip(model.noise().iter().map(|v| finite(*v))).collect::<Map<_, _>>(),
            "score": shares(model.derivative_r2(), model.trajectory_r2()),
            "library": library,
            "inclusion": names.iter().cloned().enumerate().map(|(i, name)| (name, Value::Object(inclusion(i)))).collect::<Map<_, _>>(),
            "alternatives": model.runners_up(None).iter().map(|other| json!({
                "equations": names.iter().cloned().zip(other.equations.iter().cloned().map(Value::from)).collect::<Map<_, _>>(),
                "odds": other.odds,
            })).collect::<Vec<_>>(),
            "refined": matches!(model.refinement(), Refinement::Shooting { .. }),
            "cut": model.is_cut(),
            "seconds": self.seconds,
        });
        // A quotient has no coefficients of terms.
        if !model.is_rational() {
            result["coefficients"] = json!(terms(|(key, value, _)| (key.to_string(), json!(value))));
            result["stderr"] = json!(terms(|(key, _, e)| (key.to_string(), finite(e))));
        }
        if let Some(ball) = model.trapping() {
            result["trapping"] =
                json!({ "centre": ball.centre, "eigenvalues": ball.eigenvalues, "radius": ball.radius });
        }
        if !model.constants().is_empty() {
            let constants = model.constants().iter();
            let fitted = constants.map(|c| (c.name.clone(), json!({ "value": c.value, "stderr": finite(c.stderr) })));
            result["constants"] = Value::Object(fitted.collect());
        }
        if let Some(test) = &self.test {
            result["test"] = shares(test.derivative_r2, test.trajectory_r2);
        }
        if let Some(states) = &self.simulated {
            result["simulated"] = states.chunks_exact(names.len()).map(|state| json!(state)).collect();
        }
        result
    }

    pub(super) fn for_people(&self) -> String {
        let model = self.model;
        let names = model.variables();
        let equations = model.equations(Some(4));
        let lines = names
            .iter()
            .zip(equations)
            .map(|(name, equation)| format!("  {} = {equation}\n", rate(name, model.is_map())));
        let mut text: String = lines.collect();
        let rows: Vec<Vec<String>> = (0..names.len())
            .flat_map(|i| model.terms(i).map(move |term| (i, term)))
            .map(|(i, (key, value, error))| {
                let (value, error) = if error.is_finite() && error > 0.0 {
                    with_error(value, error)
                } else {
                    (number(value), String::new())
                };
                vec![rate(&names[i], model.is_map()), key.to_string(), value, error]
            })
            .collect();
        text += &format!("\n{}\n", table(&["equation", "term", "coefficient", "std. error"], &rows, &[0, 1]));
        let shown = |r2: Option<f64>| r2.filter(|v| v.is_finite()).map_or("none".into(), |v| format!("{v:.4}"));
        text += &format!(
            "{} of {} terms; R2 of the rates {}, of the trajectories {}; {}\n",
            model.term_count(),
            model.feature_count() * names.len(),
            shown(Some(model.derivative_r2())),
            shown(self.model.trajectory_r2()),
            duration(self.seconds)
        );
        text += &cut_short(model.is_cut());
        if let Some(test) = &self.test {
            let (rates, paths) = (shown(Some(test.derivative_r2)), shown(test.trajectory_r2));
            text += &format!("on the other trajectories R2 of the rates {rates}, of the trajectories {paths}\n");
        }
        for constant in model.constants() {
            let (value, error) = with_error(constant.value, constant.stderr);
            text += &format!("{} = {value}, std. error {error}\n", constant.name);
        }
        if let Some(ball) = model.trapping() {
            let centre: Vec<String> = ball.centre.iter().map(|v| number(*v)).collect();
            text += &format!("all trajectories end within {} of ({})\n", number(ball.radius), centre.join(", "));
        }
        if let Some(states) = &self.simulated {
            let header: Vec<&str> = names.iter().map(String::as_str).collect();
            let rows: Vec<Vec<String>> =
                states.chunks_exact(names.len()).map(|state| state.iter().map(|v| number(*v)).collect()).collect();
            text += &format!("\nsimulated:\n{}", table(&header, &rows, &[]));
        }
        text
    }
}
