//! Formulas as the text that [`Graph::parse`] reads.

use super::number::decimal;
use super::{COMPARISONS, Comparison, Layout, Level, Notation, Piece, View, write};
use crate::graph::{ExprId, Graph};
use crate::op::{Binary, CHOICE, Unary};

/// How numbers are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextStyle {
    /// Significant digits; `None` writes the shortest digits that are read back as the same number.
    pub digits: Option<usize>,
}

impl TextStyle {
    /// At most this many significant digits: for people, who then do not get the same number back.
    pub fn digits(digits: usize) -> TextStyle {
        TextStyle { digits: Some(digits) }
    }
}

impl Graph {
    /// The formula as text that [`parse`](Graph::parse) reads back to the same value (products may be regrouped, so to
    /// rounding). With `**` for `^` it is also Python.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope, TextStyle};
    ///
    /// let mut graph = Graph::new();
    /// let (hare, lynx) = (graph.symbol("hare"), graph.symbol("lynx"));
    /// let eaten = graph.mul(hare, lynx);
    /// let rate = graph.linear_combination([(0.547123, hare), (-0.0281, eaten)]);
    /// assert_eq!(graph.to_text(rate), "0.547123*hare - 0.0281*hare*lynx");
    /// assert_eq!(graph.to_text_styled(rate, TextStyle::digits(3)), "0.547*hare - 0.0281*hare*lynx");
    /// ```
    pub fn to_text(&self, id: ExprId) -> String {
        self.to_text_styled(id, TextStyle::default())
    }

    /// The formula as text, with numbers in a style.
    pub fn to_text_styled(&self, id: ExprId, style: TextStyle) -> String {
        write(self, id, &Text { style })
    }
}

struct Text {
    style: TextStyle,
}

impl Notation for Text {
    fn number(&self, value: f64) -> (Level, String) {
        let text = if value.is_nan() {
            "(0/0)".to_owned()
        } else if value.is_infinite() {
            "(1/0)".to_owned()
        } else if value == core::f64::consts::PI {
            "pi".to_owned()
        } else {
            decimal(value, self.style.digits)
        };
        (Level::Atom, text)
    }

    fn symbol(&self, name: &str) -> String {
        name.to_owned()
    }

    fn times(&self, _view: &View<'_>, _right: ExprId) -> &'static str {
        "*"
    }

    fn quotient(&self, _view: &View<'_>, a: ExprId, b: ExprId, flip: bool) -> Layout {
        let numerator = Piece::Argument { id: a, need: Level::Product, flip };
        (Level::Product, vec![numerator, Piece::Text("/"), Piece::argument(b, Level::Power)])
    }

    fn power(&self, view: &View<'_>, base: ExprId, exponent: ExprId) -> Layout {
        let need = if view.is_number(exponent) { Level::Sum } else { Level::Power };
        (Level::Power, vec![Piece::argument(base, Level::Atom), Piece::Text("^"), Piece::argument(exponent, need)])
    }

    fn call(&self, _view: &View<'_>, function: Unary, x: ExprId) -> Layout {
        called(function.name(), &[x])
    }

    fn call2(&self, _view: &View<'_>, function: Binary, a: ExprId, b: ExprId) -> Layout {
        called(function.name(), &[a, b])
    }

    fn comparison(&self, comparison: Comparison) -> Layout {
        (Level::Comparison, comparison.pieces(COMPARISONS).into())
    }

    fn condition(&self, _view: &View<'_>, condition: ExprId, chosen: ExprId) -> Layout {
        called(Binary::Cond.name(), &[condition, chosen])
    }

    fn choice(&self, _view: &View<'_>, parts: [ExprId; 3]) -> Option<Layout> {
        Some(called(CHOICE, &parts))
    }
}

/// A function's name and its arguments.
fn called(name: &'static str, arguments: &[ExprId]) -> Layout {
    let mut pieces = vec![Piece::Text(name), Piece::Text("(")];
    for (i, &id) in arguments.iter().enumerate() {
        pieces.extend((i > 0).then_some(Piece::Text(", ")));
        pieces.push(Piece::argument(id, Level::Comparison));
    }
    pieces.push(Piece::Text(")"));
    (Level::Atom, pieces)
}
