//! What the report pages of several commands have in common.

use std::path::Path;

use vecfield_expr::{ExprId, Graph, TextStyle};
use vecfield_plot::{Equation, MathMl};

/// Numbers of so many digits are enough to read; the text beside them has all.
pub(super) const DIGITS: usize = 4;

/// Rates typeset, by the variables that they are the rates of.
pub(super) fn equations<'a>(graph: &mut Graph, rates: impl IntoIterator<Item = (&'a String, ExprId)>) -> Vec<Equation> {
    let style = TextStyle::digits(DIGITS);
    let equation = |(name, formula): (&String, ExprId)| {
        let variable = graph.symbol(name);
        let symbol = typeset(&graph.to_mathml(variable), name);
        let text = graph.to_text_styled(formula, style);
        let right = typeset(&graph.to_mathml_styled(formula, style), &text);
        Equation::new(name, symbol, right, text)
    };
    rates.into_iter().map(equation).collect()
}

/// Markup of the formula printer, which is well-formed; were it ever not, the text would stand in its place.
pub(super) fn typeset(markup: &str, text: &str) -> MathMl {
    MathMl::new(markup).unwrap_or_else(|_| MathMl::name(text))
}

/// A file's name, without its folder.
pub(super) fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// A file's name without its ending, as words.
pub(super) fn title(file: &Path) -> String {
    file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().replace(['-', '_'], " ")
}
