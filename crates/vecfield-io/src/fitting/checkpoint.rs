//! Checkpoints of fits as text: TOML whose numbers read back bit for bit.

use std::fmt::Write;

use toml::Table;
use toml::Value;
use vecfield_adjoint::{Checkpoint, Finished};
use vecfield_optim::Standing;

/// Why a text is no checkpoint.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It is no TOML.
    #[error("it is not a checkpoint: {reason}")]
    Toml {
        /// What the parser says.
        reason: String,
    },
    /// Something is missing, or of another kind.
    #[error("it is not a checkpoint of this version: `{key}` is missing or is no {kind}")]
    Key {
        /// The key.
        key: &'static str,
        /// What it should be.
        kind: &'static str,
    },
}

/// The text of a checkpoint.
pub fn checkpoint_to_text(checkpoint: &Checkpoint) -> String {
    let mut text = String::from("# A fit that was broken off; `vecfield fit --resume` goes on with it.\n");
    let Checkpoint { stage, round, thetas, x, sigma, iterations, standing, before } = checkpoint;
    let mut line = |key: &str, value: String| writeln!(text, "{key} = {value}").expect("a String can be written to");
    line("stage", stage.to_string());
    line("round", round.to_string());
    line("iterations", iterations.to_string());
    line("thetas", list(thetas));
    line("x", list(x));
    line("sigma", list(sigma));
    if let Some(Standing { iteration, damping, growth, scale }) = standing {
        line("\n[standing]\niteration", iteration.to_string());
        line("damping", format!("{damping:?}"));
        line("growth", format!("{growth:?}"));
        line("scale", list(scale));
    }
    if let Some(Finished { stage, thetas, x, sigma, iterations, converged }) = before {
        line("\n[before]\nstage", stage.to_string());
        line("iterations", iterations.to_string());
        line("converged", converged.to_string());
        line("thetas", list(thetas));
        line("x", list(x));
        line("sigma", list(sigma));
    }
    text
}

/// The checkpoint of a text.
///
/// # Errors
///
/// [`CheckpointError`].
pub fn checkpoint_from_text(text: &str) -> Result<Checkpoint, CheckpointError> {
    let root: Table =
        text.parse().map_err(|e: toml::de::Error| CheckpointError::Toml { reason: e.message().replace('\n', ", ") })?;
    let standing = match root.get("standing") {
        None => None,
        Some(section) => {
            let section = table(section, "standing")?;
            Some(Standing {
                iteration: count(section, "iteration")?,
                damping: number(section, "damping")?,
                growth: number(section, "growth")?,
                scale: numbers(section, "scale")?,
            })
        }
    };
    let before = match root.get("before") {
        None => None,
        Some(section) => {
            let section = table(section, "before")?;
            let converged = section.get("converged").and_then(Value::as_bool);
            Some(Finished {
                stage: count(section, "stage")?,
                thetas: numbers(section, "thetas")?,
                x: numbers(section, "x")?,
                sigma: numbers(section, "sigma")?,
                iterations: count(section, "iterations")?,
                converged: converged.ok_or(CheckpointError::Key { key: "converged", kind: "true or false" })?,
            })
        }
    };
    Ok(Checkpoint {
        stage: count(&root, "stage")?,
        round: count(&root, "round")?,
        thetas: numbers(&root, "thetas")?,
        x: numbers(&root, "x")?,
        sigma: numbers(&root, "sigma")?,
        iterations: count(&root, "iterations")?,
        standing,
        before,
    })
}

fn list(numbers: &[f64]) -> String {
    let items: Vec<String> = numbers.iter().map(|v| format!("{v:?}")).collect();
    format!("[{}]", items.join(", "))
}

fn table<'a>(value: &'a Value, key: &'static str) -> Result<&'a Table, CheckpointError> {
    value.as_table().ok_or(CheckpointError::Key { key, kind: "table" })
}

fn count(table: &Table, key: &'static str) -> Result<usize, CheckpointError> {
    let value = table.get(key).and_then(Value::as_integer).and_then(|i| usize::try_from(i).ok());
    value.ok_or(CheckpointError::Key { key, kind: "whole number" })
}

fn number(table: &Table, key: &'static str) -> Result<f64, CheckpointError> {
    table.get(key).and_then(Value::as_float).ok_or(CheckpointError::Key { key, kind: "number" })
}

fn numbers(table: &Table, key: &'static str) -> Result<Vec<f64>, CheckpointError> {
    let items = table.get(key).and_then(Value::as_array);
    let items = items.map(|items| items.iter().map(Value::as_float).collect::<Option<Vec<f64>>>());
    items.flatten().ok_or(CheckpointError::Key { key, kind: "list of numbers" })
}
