//! A fit as one JSON object.

use serde_json::{Map, Value, json};

use super::Outcome;

impl Outcome<'_> {
    pub(super) fn to_json(&self) -> Value {
        let (fit, data, options) = (&self.fit, self.fitting.data(), self.fitting.options());
        let columns = data.variables().iter().zip(self.quality());
        let (mut r2, mut rmse) = (Map::new(), Map::new());
        for (name, (share, residual)) in columns {
            r2.insert(name.clone(), json!(share));
            rmse.insert(name.clone(), json!(residual));
        }
        let mut noise: Map<String, Value> =
            data.variables().iter().cloned().zip(fit.sigma.iter().map(|s| json!(s))).collect();
        noise.insert("model".into(), json!(options.noise.name()));
        let mut starts = self.starts();
        let initial = if starts.len() == 1 { json!(starts.remove(0)) } else { json!(starts) };
        let parameters = self.problem.parameters().iter().enumerate();
        let mut text = json!({
            "parameters": parameters.map(|(k, p)| (p.name.clone(), self.parameter(k))).collect::<Map<_, _>>(),
            "initial": initial,
            "rmse": rmse,
            "r2": r2,
            "iterations": fit.iterations,
            "converged": fit.converged,
            "loss": self.fitting.misfit().name(),
            "noise": noise,
            "deviance": fit.deviance(),
            "correlation": self.correlation(),
            "unidentifiable": self.unidentifiable(),
            "seconds": self.seconds,
        });
        if self.cut {
            text["cut"] = json!(true);
        }
        text
    }

    /// The fitted state at the first row of every run.
    pub(super) fn starts(&self) -> Vec<Map<String, Value>> {
        let data = self.fitting.data();
        let named = |run| {
            let state = self.fit.state(data, run, 0);
            self.fitting.system().variables().iter().cloned().zip(state.iter().map(|v| json!(v))).collect()
        };
        (0..data.runs().len()).map(named).collect()
    }

    fn parameter(&self, parameter: usize) -> Value {
        let places = self.places(parameter);
        let interval = |place: usize| {
            let profile = self.profiles.iter().find(|(index, _)| *index == place);
            profile.map(|(_, p)| json!({ "interval": [p.lower, p.upper], "points": p.points }))
        };
        let mut text =
            json!({ "value": self.fit.theta[parameter], "stderr": places.first().and_then(|&k| self.stderr(k)) });
        if let [place] = places[..] {
            if let Some(Value::Object(profile)) = interval(place) {
                text["interval"] = profile["interval"].clone();
                text["profile"] = profile["points"].clone();
            }
            return text;
        }
        if places.len() > 1 {
            let runs = 0..self.fitting.data().runs().len();
            text["values"] = runs.map(|run| self.fit.theta_of(run)[parameter]).collect();
            text["stderrs"] = places.iter().map(|&k| json!(self.stderr(k))).collect();
            if places.iter().any(|&k| interval(k).is_some()) {
                text["intervals"] = places.iter().map(|&k| interval(k).map(|p| p["interval"].clone())).collect();
            }
        }
        text
    }

    /// The correlation of every pair of fitted constants that have standard errors.
    fn correlation(&self) -> Map<String, Value> {
        let Ok(sure) = &self.uncertainty else { return Map::new() };
        let known: Vec<usize> = (0..self.unknowns.len()).filter(|&k| self.stderr(k).is_some_and(|s| s > 0.0)).collect();
        let row = |&i: &usize| {
            let entries = known.iter().map(|&j| (self.unknowns[j].clone(), json!(sure.correlation(i, j))));
            (self.unknowns[i].clone(), Value::Object(entries.collect()))
        };
        known.iter().map(row).collect()
    }

    fn unidentifiable(&self) -> Vec<Value> {
        let of = |blind| {
            let parts = self.direction(blind).into_iter().map(|(name, part)| (name, json!(part)));
            json!({ "direction": parts.collect::<Map<_, _>>(), "sensitivity": blind.sensitivity })
        };
        self.blind.iter().map(of).collect()
    }
}
