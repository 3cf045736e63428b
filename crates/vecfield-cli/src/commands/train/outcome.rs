//! What a training left, in JSON, in words and on disk.

use serde_json::{Map, Value, json};
use vecfield_io::{OutputDir, write_table};
use vecfield_nde::{Entry, Kind, Metric, Training};

use super::watched::Timing;
use super::{HISTORY, MODEL};
use crate::failure::Failure;
use crate::layout::{duration, number, table};

/// A training with all that is known of it.
pub(super) struct Outcome<'a> {
    pub(super) kind: Kind,
    pub(super) training: &'a Training,
    pub(super) metrics: Vec<Metric>,
    pub(super) constants: Vec<(String, f64)>,
    pub(super) timing: Timing,
    pub(super) folder: Option<&'a OutputDir>,
}

/// The columns of the history.
const COLUMNS: [&str; 9] = [
    "step",
    "phase",
    "loss",
    "loss_in_units",
    "gradient_norm",
    "learning_rate",
    "nfe_forward",
    "nfe_backward",
    "failed",
];

impl Outcome<'_> {
    pub(super) fn write(&self, folder: &OutputDir) -> Result<(), Failure> {
        let bytes = self.training.checkpoint.to_bytes();
        let bytes = bytes.map_err(|e| Failure::Computation(format!("the model cannot be written: {e}")))?;
        folder.write(MODEL, |to| to.write_all(&bytes))?;
        let rows: Vec<f64> = self.training.done.history.iter().flat_map(row).collect();
        folder.write(HISTORY, |to| write_table(to, &COLUMNS, &rows))?;
        Ok(())
    }

    pub(super) fn to_json(&self) -> Value {
        let done = &self.training.done;
        let last = done.history.last();
        let metrics: Map<_, _> = self.metrics.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let mut object = json!({
            "kind": self.kind.name(),
            "parameters": self.training.parameters,
            "steps": done.steps,
            "metrics": metrics,
            "nfe": {
                "forward": last.map_or(0.0, |entry| entry.forward),
                "backward": last.map_or(0.0, |entry| entry.backward),
                "total_forward": done.work.forward,
                "total_backward": done.work.backward,
                "steps": done.work.steps,
                "rejected": done.work.rejected,
                "retried": done.work.retried,
            },
            "skipped": done.skipped,
            "failures": done.failures,
            "seconds": self.timing.seconds,
            "startup_seconds": self.timing.startup,
            "step_seconds": self.timing.step,
            "cut": self.training.cut,
        });
        if !self.constants.is_empty() {
            object["constants"] = self.constants.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        }
        if let Some(loss) = last.map(|entry| entry.loss).filter(|loss| loss.is_finite()) {
            object["loss"] = loss.into();
        }
        if let Some(folder) = self.folder {
            object["checkpoint"] = folder.path().join(MODEL).display().to_string().into();
        }
        object
    }

    pub(super) fn for_people(&self) -> String {
        let (done, timing) = (&self.training.done, self.timing);
        let cut = if self.training.cut { ", stopped before the end" } else { "" };
        let mut text = format!(
            "A {} of {} parameters: {} steps in {} ({} each, the first after {}){cut}\n\n",
            self.kind.name(),
            self.training.parameters,
            done.steps,
            duration(timing.seconds),
            duration(timing.step),
            duration(timing.startup),
        );
        let mut rows: Vec<Vec<String>> =
            self.metrics.iter().map(|(name, value)| vec![name.clone(), number(*value)]).collect();
        if let Some(entry) = done.history.last() {
            for (name, value) in [
                ("loss of the last batches", entry.loss),
                ("evaluations forward, each sample", entry.forward),
                ("pullbacks, each sample", entry.backward),
            ] {
                rows.extend(value.is_finite().then(|| vec![name.to_string(), number(value)]));
            }
        }
        text += table(&["", ""], &rows, &[0]).trim_start_matches('\n');
        if !self.constants.is_empty() {
            let row = |(name, value): &(String, f64)| vec![name.clone(), number(*value)];
            let rows: Vec<Vec<String>> = self.constants.iter().map(row).collect();
            text += "\n";
            text += &table(&["constant", "value"], &rows, &[0]);
        }
        if done.skipped > 0 || !done.failures.is_empty() {
            let causes: Vec<String> = done.failures.iter().map(|(cause, count)| format!("{cause}: {count}")).collect();
            text += &format!(
                "\n{} batches gave no gradient and were skipped; failures: {}\n",
                done.skipped,
                causes.join(", ")
            );
        }
        if let Some(folder) = self.folder {
            text += &format!("\nvecfield predict {} QUESTIONS.csv\n", folder.path().display());
        }
        text
    }
}

fn row(entry: &Entry) -> [f64; COLUMNS.len()] {
    let Entry { step, phase, loss, shown, gradient_norm, learning_rate, forward, backward, failed } = *entry;
    [step as f64, phase as f64, loss, shown, gradient_norm, learning_rate, forward, backward, failed as f64]
}
