//! Formulas as the text that [`Graph::parse`] reads.

use super::number::decimal;
use super::{Level, Notation, Piece, View, write};
use crate::graph::{ExprId, Graph, Node};
use crate::op::{Binary, Unary};

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
    fn number(&self, value: f64) -> (String, Level) {
        let text = if value.is_nan() {
            "(0/0)".to_owned()
        } else if value.is_infinite() {
            "(1/0)".to_owned()
        } else if value == core::f64::consts::PI {
            "pi".to_owned()
        } else {
            decimal(value, self.style.digits)
        };
        (text, Level::Atom)
    }

    fn symbol(&self, name: &str) -> String {
        name.to_owned()
    }

    fn product(&self, _view: &View<'_>, a: Piece, b: Piece, _ids: (ExprId, ExprId)) -> Vec<Piece> {
        vec![a, Piece::Text("*"), b]
    }

    fn quotient(&self, a: ExprId, b: ExprId, flip: bool) -> Vec<Piece> {
        let numerator = Piece::Argument { id: a, need: Level::Product, flip };
        vec![numerator, Piece::Text("/"), Piece::argument(b, Level::Power)]
    }

    fn power(&self, view: &View<'_>, base: ExprId, exponent: ExprId) -> Vec<Piece> {
        // A signed number needs no parentheses up here: x^-2.
        let number = match view.graph.node(exponent) {
            Node::Unary(Unary::Neg, x) => view.graph.constant_value(x).is_some(),
            node => matches!(node, Node::Constant(_)),
        };
        let need = if number { Level::Sum } else { Level::Power };
        vec![Piece::argument(base, Level::Atom), Piece::Text("^"), Piece::argument(exponent, need)]
    }

    fn call(&self, function: Unary, x: ExprId) -> Vec<Piece> {
        vec![Piece::Text(function.name()), Piece::Text("("), Piece::argument(x, Level::Sum), Piece::Text(")")]
    }

    fn call2(&self, function: Binary, a: ExprId, b: ExprId) -> Vec<Piece> {
        let [a, b] = [a, b].map(|id| Piece::argument(id, Level::Sum));
        vec![Piece::Text(function.name()), Piece::Text("("), a, Piece::Text(", "), b, Piece::Text(")")]
    }
}
