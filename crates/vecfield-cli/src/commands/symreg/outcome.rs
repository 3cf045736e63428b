//! What a search has found, for people and for programs.

use serde_json::{Value, json};
use vecfield_expr::TextStyle;
use vecfield_plot::with_error;
use vecfield_symreg::{Found, Number, Search, Table, Verdict};

use super::template::Form;
use crate::layout::{duration, number as number_text, table};

/// A search with what it was made for.
pub(super) struct Outcome<'a> {
    pub(super) search: &'a Search,
    pub(super) seconds: f64,
    pub(super) target: &'a str,
    pub(super) rows: &'a Table,
    /// What errors cost, if not their squares.
    pub(super) loss: Option<&'a str>,
    /// The form that was given, if one was.
    pub(super) form: Option<Form<'a>>,
}

/// Digits of numbers in the table; the chosen formula below has all.
pub(super) const DIGITS: usize = 5;

impl Outcome<'_> {
    /// What the loss of a formula is, in words.
    pub(super) fn cost(&self) -> String {
        self.loss.map_or_else(|| "mean squared error".into(), |loss| format!("mean of {loss}"))
    }

    pub(super) fn to_json(&self) -> Value {
        let entry = |found: &Found| {
            let mut entry = entry(found, &self.search.latex(found));
            if let Some(verdict) = self.search.shape(found) {
                entry["shape"] = json!(verdict.to_string());
            }
            if let Some(form) = &self.form {
                form.add_to(&mut entry, found);
            }
            entry
        };
        let mut result = json!({
            "target": self.target,
            "front": self.search.front().iter().map(entry).collect::<Vec<_>>(),
            "best": entry(self.search.best()),
            "numbers": self.search.numbers(self.search.best()).iter().map(number_to_json).collect::<Vec<_>>(),
            "evaluations": self.search.evaluations(),
            "cut": self.search.cut(),
            "seconds": self.seconds,
        });
        if let Some(form) = &self.form {
            result["template"] = json!(form.text);
        }
        result
    }

    pub(super) fn for_people(&self) -> String {
        let best = self.search.best();
        let row = |found: &Found| {
            let undecided = self.search.shape(found) == Some(Verdict::Undecided);
            let chosen = format!("{}{}", if found == best { "*" } else { "" }, if undecided { "?" } else { "" });
            let numbers = [found.complexity.to_string(), format!("{:.3e}", found.loss), format!("{:.6}", found.r2)];
            let (graph, formula) = self.search.formula(found);
            let text = graph.to_text_styled(formula, TextStyle::digits(DIGITS));
            [&numbers[..], &[text, chosen]].concat()
        };
        let rows: Vec<Vec<String>> = self.search.front().iter().map(row).collect();
        let front = table(&["nodes", "loss", "R2", "formula", ""], &rows, &[3, 4]);
        let numbers: Vec<String> = match &self.form {
            // Each stands beside its function.
            Some(_) => Vec::new(),
            None => self.search.numbers(best).iter().map(with_its_error).collect(),
        };
        let form = self.form.as_ref().map_or_else(String::new, |form| format!("\n{}", form.lines(best)));
        let numbers = if numbers.is_empty() { String::new() } else { format!("numbers: {}\n", numbers.join(", ")) };
        let undecided = rows.iter().any(|row| row[4].contains('?'));
        let undecided =
            if undecided { "?: the shape holds at every point that was tried, and is not proved\n" } else { "" };
        let cut = if self.search.cut() { ", broken off" } else { "" };
        let (count, seconds) = (self.search.evaluations(), duration(self.seconds));
        format!(
            "{front}{undecided}\n{} = {}\n{form}{numbers}{count} expressions and sums compared; {seconds}{cut}\n",
            self.target, best.expression
        )
    }
}

/// A formula of a search, whether or not it is on its front.
pub(super) fn entry(found: &Found, latex: &str) -> Value {
    json!({
        "complexity": found.complexity,
        "loss": found.loss,
        "r2": found.r2,
        "expression": found.expression,
        "latex": latex,
    })
}

pub(super) fn number_to_json(number: &Number) -> Value {
    json!({ "value": number.value, "stderr": if number.stderr.is_finite() { json!(number.stderr) } else { Value::Null } })
}

pub(super) fn with_its_error(number: &Number) -> String {
    if !(number.stderr.is_finite() && number.stderr > 1e-12 * number.value.abs()) {
        return number_text(number.value);
    }
    let (value, error) = with_error(number.value, number.stderr);
    format!("{value} ± {error}")
}
