//! What `vecfield pinn` prints and writes.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use vecfield_io::{OutputDir, number_text, read_table};
use vecfield_pinn::{Found, PinnError, Problem};

use super::{HISTORY, SOLUTION, aside};
use crate::failure::Failure;
use crate::layout::{duration, table};

/// The points where the solution is wanted.
pub(super) struct Asked {
    columns: Vec<String>,
    rows: Vec<Vec<f64>>,
    /// Coordinate by coordinate, as the problem counts them.
    pub(super) points: Vec<Vec<f64>>,
}

impl Asked {
    pub(super) fn read(path: &Path, problem: &Problem) -> Result<Self, Failure> {
        let read = read_table(path)?;
        let (columns, rows) = (read.columns().to_vec(), read.rows().map(<[f64]>::to_vec).collect::<Vec<_>>());
        let points = problem.points(&columns, &rows);
        let points = points.map_err(|e: PinnError| Failure::Argument(format!("{}: {e}", path.display())))?;
        Ok(Self { columns, rows, points })
    }
}

/// A solution with how it was found.
pub(super) struct Outcome<'a> {
    pub(super) problem: &'a Problem,
    pub(super) found: &'a Found,
    pub(super) asked: Option<Asked>,
    pub(super) history: Vec<(usize, f64, f64)>,
    pub(super) seconds: f64,
}

impl Outcome<'_> {
    fn values(&self) -> Vec<(String, Vec<f64>)> {
        let Some(asked) = &self.asked else { return vec![] };
        self.problem.unknowns().iter().cloned().zip(self.found.values(&asked.points)).collect()
    }

    pub(super) fn to_json(&self) -> Value {
        let found = self.found;
        let values: Map<String, Value> = self.values().into_iter().map(|(name, v)| (name, json!(v))).collect();
        let constant = |c: &vecfield_pinn::Constant| (c.name.clone(), json!({"value": c.value, "stderr": c.stderr}));
        let parameters: Map<String, Value> = found.constants.iter().map(constant).collect();
        json!({
            "loss": found.loss,
            "values": values,
            "points": self.asked.as_ref().map_or(0, |asked| asked.rows.len()),
            "parameters": parameters,
            "coefficients": found.parameters,
            "residual_rms": found.residual_rms,
            "error_estimate": found.error_estimate,
            "verdict": found.verdict.name(),
            "missing": found.missing,
            "warnings": self.problem.warnings(),
            "method": found.method,
            "iterations": found.iterations,
            "seconds": self.seconds,
            "cut": found.cut,
            "history": self.history,
        })
    }

    pub(super) fn write(&self, folder: &OutputDir) -> Result<(), Failure> {
        folder.write(HISTORY, |out| {
            writeln!(out, "iteration,seconds,loss")?;
            self.history.iter().try_for_each(|(i, s, loss)| writeln!(out, "{i},{s},{}", number_text(*loss)))
        })?;
        if let Some(standing) = &self.found.standing {
            aside::write(folder, standing)?;
        }
        let Some(asked) = &self.asked else { return Ok(()) };
        let values = self.values();
        folder.write(SOLUTION, |out| {
            let names = asked.columns.iter().chain(values.iter().map(|(name, _)| name));
            writeln!(out, "{}", names.cloned().collect::<Vec<_>>().join(","))?;
            for (i, row) in asked.rows.iter().enumerate() {
                let cells = row.iter().copied().chain(values.iter().map(|(_, v)| v[i]));
                writeln!(out, "{}", cells.map(number_text).collect::<Vec<_>>().join(","))?;
            }
            Ok(())
        })?;
        Ok(())
    }

    pub(super) fn for_people(&self) -> String {
        let found = self.found;
        let mut text = String::new();
        let rows: Vec<Vec<String>> = (found.constants.iter())
            .map(|c| {
                let stderr = c.stderr.map_or("unknown".to_string(), |s| format!("{s:.3e}"));
                vec![c.name.clone(), format!("{:.8}", c.value), stderr]
            })
            .collect();
        if !rows.is_empty() {
            text += &table(&["constant", "value", "standard error"], &rows, &[0]);
        }
        let cut = if found.cut { ", broken off" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}: relative error about {:.1e} (estimated), residual {:.1e} (root mean square)\n\
             {}, {} coefficients, {} iterations; {}{cut}",
            found.verdict.name(),
            found.error_estimate,
            found.residual_rms,
            found.method,
            found.parameters,
            found.iterations,
            duration(self.seconds),
        );
        found.missing.iter().for_each(|missing| text += &format!("missing: {missing}\n"));
        text
    }
}
