//! A problem as text, from the few things a result consists of.

use std::fmt::Write;

/// What `equations.toml` says: a problem that [`Problem::parse`](crate::Problem::parse) reads back.
///
/// ```
/// use vecfield_io::{Outline, Problem};
///
/// let outline = Outline {
///     title: "Decay".into(),
///     parameters: vec![("k".into(), 0.5)],
///     variables: vec![("x".into(), 1.0, "-k*x".into())],
///     span: Some((0.0, 4.0)),
///     ..Outline::default()
/// };
/// let problem = Problem::parse("equations.toml", &outline.to_toml())?;
/// assert_eq!(problem.parameters()[0].value, 0.5);
/// # Ok::<(), vecfield_io::ProblemError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// Lines to stand at the head as comments.
    pub comments: Vec<String>,
    /// The title; empty for none.
    pub title: String,
    /// Parameters and their values.
    pub parameters: Vec<(String, f64)>,
    /// Definitions: names and the text of their formulas.
    pub definitions: Vec<(String, String)>,
    /// Variables with their initial value and the text of their equation, in the order of the state.
    pub variables: Vec<(String, f64, String)>,
    /// Start and end.
    pub span: Option<(f64, f64)>,
    /// The times at which the state is wanted; none for the default.
    pub save: Vec<f64>,
    /// Relative tolerance, if not the default.
    pub rtol: Option<f64>,
    /// Absolute tolerance, if not the default.
    pub atol: Option<f64>,
    /// The method, if not the default.
    pub method: Option<String>,
}

impl Outline {
    /// The text of the problem. Numbers read back bit for bit.
    pub fn to_toml(&self) -> String {
        let mut text: String = self.comments.iter().flat_map(|c| c.lines()).map(|line| format!("# {line}\n")).collect();
        if !self.title.is_empty() {
            text += &format!("title = {}\n", quoted(&self.title));
        }
        if !self.parameters.is_empty() {
            table(&mut text, "parameters", self.parameters.iter().map(|(name, v)| (name.as_str(), format!("{v:?}"))));
        }
        if !self.definitions.is_empty() {
            table(&mut text, "definitions", self.definitions.iter().map(|(name, f)| (name.as_str(), quoted(f))));
        }
        table(&mut text, "initial", self.variables.iter().map(|(name, v, _)| (name.as_str(), format!("{v:?}"))));
        table(&mut text, "equations", self.variables.iter().map(|(name, _, f)| (name.as_str(), quoted(f))));
        let mut solve = Vec::new();
        if let Some((start, end)) = self.span {
            solve.push(("t", format!("[{start:?}, {end:?}]")));
        }
        if !self.save.is_empty() {
            let times: Vec<String> = self.save.iter().map(|t| format!("{t:?}")).collect();
            solve.push(("save", format!("[{}]", times.join(", "))));
        }
        solve.extend(self.method.iter().map(|m| ("method", quoted(m))));
        solve.extend(self.rtol.iter().map(|v| ("rtol", format!("{v:?}"))));
        solve.extend(self.atol.iter().map(|v| ("atol", format!("{v:?}"))));
        if !solve.is_empty() {
            table(&mut text, "solve", solve.into_iter());
        }
        text
    }
}

fn table<'a>(text: &mut String, name: &str, entries: impl Iterator<Item = (&'a str, String)>) {
    let gap = if text.is_empty() { "" } else { "\n" };
    *text += &format!("{gap}[{name}]\n");
    for (key, value) in entries {
        *text += &format!("{key} = {value}\n");
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            c if c.is_control() => write!(quoted, "\\u{:04X}", u32::from(c)).expect("a String can be written to"),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
