//! Formulas as presentation MathML, which browsers typeset without any script.

use super::letters::{greek, stem_and_index};
use super::number::scientific;
use super::{Comparison, Layout, Level, Notation, Piece, TextStyle, View, write};
use crate::graph::{ExprId, Graph, Node};
use crate::op::{Binary, Unary};

impl Graph {
    /// The formula as a `<math>` element for HTML5: no entity but that of `>`, no namespace, no attribute but on spaces.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let id = graph.parse("x/2 - y", &Scope::new(["x", "y"])?)?;
    /// assert_eq!(
    ///     graph.to_mathml(id),
    ///     "<math><mrow><mfrac><mrow><mi>x</mi></mrow><mrow><mn>2</mn></mrow></mfrac><mo>−</mo><mi>y</mi></mrow></math>"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_mathml(&self, id: ExprId) -> String {
        self.to_mathml_styled(id, TextStyle::default())
    }

    /// The formula as MathML, with numbers in a style.
    pub fn to_mathml_styled(&self, id: ExprId, style: TextStyle) -> String {
        format!("<math><mrow>{}</mrow></math>", write(self, id, &MathMl { style }))
    }
}

struct MathMl {
    style: TextStyle,
}

impl Notation for MathMl {
    const PARENTHESES: [&'static str; 2] = ["<mrow><mo>(</mo>", "<mo>)</mo></mrow>"];
    const MINUS: &'static str = "<mo>−</mo>";
    const JOINS: [&'static str; 2] = ["<mo>+</mo>", "<mo>−</mo>"];

    fn number(&self, value: f64) -> (Level, String) {
        if value.is_nan() {
            return (Level::Atom, "<mi>NaN</mi>".to_owned());
        }
        if value.is_infinite() {
            return (Level::Atom, "<mi>∞</mi>".to_owned());
        }
        if value == core::f64::consts::PI {
            return (Level::Atom, "<mi>π</mi>".to_owned());
        }
        match scientific(value, self.style.digits) {
            (mantissa, None) => (Level::Atom, format!("<mn>{mantissa}</mn>")),
            (mantissa, Some(exponent)) => {
                let exponent = match exponent.strip_prefix('-') {
                    Some(size) => format!("<mrow><mo>−</mo><mn>{size}</mn></mrow>"),
                    None => format!("<mn>{exponent}</mn>"),
                };
                (Level::Product, format!("<mn>{mantissa}</mn><mo>⋅</mo><msup><mn>10</mn>{exponent}</msup>"))
            }
        }
    }

    fn symbol(&self, name: &str) -> String {
        match stem_and_index(name) {
            (stem, Some(index)) => format!("<msub>{}{}</msub>", identifier(stem), identifier(index)),
            (stem, None) => identifier(stem),
        }
    }

    fn times(&self, view: &View<'_>, right: ExprId) -> &'static str {
        // U+2062 is the invisible product; the space keeps names of several letters apart.
        if view.begins_with_digit(right) {
            "<mo>⋅</mo>"
        } else {
            "<mo>\u{2062}</mo><mspace width=\"0.17em\"></mspace>"
        }
    }

    fn quotient(&self, view: &View<'_>, a: ExprId, b: ExprId, flip: bool) -> Layout {
        // The minus of a negative numerator stands before the whole fraction.
        let sign = view.is_negative(a) && !flip;
        let numerator = Piece::Argument { id: a, need: Level::Sum, flip: flip || sign };
        let mut pieces = if sign { vec![Piece::Text(Self::MINUS)] } else { Vec::new() };
        pieces.extend([
            Piece::Text("<mfrac><mrow>"),
            numerator,
            Piece::Text("</mrow><mrow>"),
            Piece::argument(b, Level::Sum),
            Piece::Text("</mrow></mfrac>"),
        ]);
        (if sign { Level::Product } else { Level::Power }, pieces)
    }

    fn power(&self, view: &View<'_>, base: ExprId, exponent: ExprId) -> Layout {
        let up = [Piece::Text("</mrow><mrow>"), Piece::argument(exponent, Level::Sum), Piece::Text("</mrow></msup>")];
        let mut pieces = vec![Piece::Text("<msup><mrow>")];
        match (view.graph.constant_value(exponent), view.graph.node(base)) {
            (Some(0.5), _) => return self.call(view, Unary::Sqrt, base),
            // sin²(x); a negative exponent would read as the inverse function.
            (Some(n), Node::Unary(function, x)) if n > 0.0 && n.fract() == 0.0 && is_set_upright(function) => {
                pieces.push(Piece::Text(name(function)));
                pieces.extend(up);
                pieces.extend(enclosed([Piece::argument(x, Level::Sum)]));
            }
            _ => {
                pieces.push(Piece::argument(base, Level::Atom));
                pieces.extend(up);
            }
        }
        (Level::Power, pieces)
    }

    fn call(&self, _view: &View<'_>, function: Unary, x: ExprId) -> Layout {
        let x = Piece::argument(x, Level::Sum);
        let around = |before, after| vec![Piece::Text(before), x.clone(), Piece::Text(after)];
        match function {
            Unary::Sqrt => (Level::Atom, around("<msqrt><mrow>", "</mrow></msqrt>")),
            Unary::Abs => (Level::Atom, around("<mrow><mo>|</mo>", "<mo>|</mo></mrow>")),
            Unary::Exp => (Level::Power, around("<msup><mi>e</mi><mrow>", "</mrow></msup>")),
            _ => (Level::Power, [Piece::Text(name(function))].into_iter().chain(enclosed([x])).collect()),
        }
    }

    /// Iverson's bracket.
    fn comparison(&self, comparison: Comparison) -> Layout {
        let [left, sign, right] = comparison.pieces(["<mo>&gt;</mo>", "<mo>&lt;</mo>"]);
        (Level::Atom, vec![Piece::Text(BRACKET), left, sign, right, Piece::Text("<mo>]</mo></mrow>")])
    }

    /// A product with a bracket, which is strongly zero.
    fn condition(&self, view: &View<'_>, condition: ExprId, chosen: ExprId) -> Layout {
        let mut pieces = match view.comparison(condition).is_some() {
            true => vec![Piece::argument(condition, Level::Atom)],
            false => vec![
                Piece::Text(BRACKET),
                Piece::argument(condition, Level::Sum),
                Piece::Text("<mo>&gt;</mo><mn>0</mn><mo>]</mo></mrow>"),
            ],
        };
        pieces.extend([Piece::Text(self.times(view, chosen)), Piece::argument(chosen, Level::Power)]);
        (Level::Product, pieces)
    }

    fn call2(&self, _view: &View<'_>, function: Binary, a: ExprId, b: ExprId) -> Layout {
        let name = if function == Binary::Min { "<mi>min</mi>" } else { "<mi>max</mi>" };
        let [a, b] = [a, b].map(|id| Piece::argument(id, Level::Sum));
        (Level::Power, [Piece::Text(name)].into_iter().chain(enclosed([a, Piece::Text("<mo>,</mo>"), b])).collect())
    }
}

/// What Iverson's bracket begins with.
const BRACKET: &str = "<mrow><mo>[</mo>";

/// The arguments of a function, after the invisible sign (U+2061) that applies it.
fn enclosed<const N: usize>(pieces: [Piece; N]) -> impl Iterator<Item = Piece> {
    let open = Piece::Text("<mo>\u{2061}</mo><mrow><mo>(</mo>");
    [open].into_iter().chain(pieces).chain([Piece::Text("<mo>)</mo></mrow>")])
}

/// Is it written as a name before parentheses?
fn is_set_upright(function: Unary) -> bool {
    !matches!(function, Unary::Neg | Unary::Sqrt | Unary::Abs | Unary::Exp)
}

fn name(function: Unary) -> &'static str {
    match function {
        Unary::Neg => "<mo>−</mo>",
        Unary::Abs => "<mi>abs</mi>",
        Unary::Sign => "<mi>sign</mi>",
        Unary::Sqrt => "<mi>sqrt</mi>",
        Unary::Exp => "<mi>exp</mi>",
        Unary::Log => "<mi>log</mi>",
        Unary::Sin => "<mi>sin</mi>",
        Unary::Cos => "<mi>cos</mi>",
        Unary::Tan => "<mi>tan</mi>",
        Unary::Asin => "<mi>arcsin</mi>",
        Unary::Acos => "<mi>arccos</mi>",
        Unary::Atan => "<mi>arctan</mi>",
        Unary::Sinh => "<mi>sinh</mi>",
        Unary::Cosh => "<mi>cosh</mi>",
        Unary::Tanh => "<mi>tanh</mi>",
    }
}

/// One letter in italics (which is what `<mi>` does), Greek as the letter, digits as a number, anything longer upright.
fn identifier(text: &str) -> String {
    if text.chars().all(|c| c.is_ascii_digit()) {
        return format!("<mn>{text}</mn>");
    }
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    match greek(text) {
        Some(letter) => format!("<mi>{letter}</mi>"),
        None => format!("<mi>{}</mi>", escaped(text)),
    }
}
