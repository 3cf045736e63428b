//! Formulas as LaTeX.

use super::letters::{greek, stem_and_index};
use super::number::scientific;
use super::{COMPARISONS, Comparison, Layout, Level, Notation, Piece, TextStyle, View, write};
use crate::graph::{ExprId, Graph, Node};
use crate::op::{Binary, Unary};

impl Graph {
    /// The formula as LaTeX for math mode (`\frac`, `\left(`, and otherwise nothing beyond plain LaTeX).
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let id = graph.parse("alpha*x_1/(1 + x2)^2 - 0.5*hare", &Scope::new(["alpha", "x_1", "x2", "hare"])?)?;
    /// assert_eq!(graph.to_latex(id), r"\frac{\alpha \, x_{1}}{\left(1 + x_{2}\right)^{2}} - 0.5 \, \mathrm{hare}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_latex(&self, id: ExprId) -> String {
        self.to_latex_styled(id, TextStyle::default())
    }

    /// The formula as LaTeX, with numbers in a style.
    pub fn to_latex_styled(&self, id: ExprId, style: TextStyle) -> String {
        write(self, id, &Latex { style })
    }
}

struct Latex {
    style: TextStyle,
}

impl Notation for Latex {
    const PARENTHESES: [&'static str; 2] = [r"\left(", r"\right)"];

    fn number(&self, value: f64) -> (Level, String) {
        if value.is_nan() {
            return (Level::Atom, r"\mathrm{NaN}".to_owned());
        }
        if value.is_infinite() {
            return (Level::Atom, r"\infty".to_owned());
        }
        if value == core::f64::consts::PI {
            return (Level::Atom, r"\pi".to_owned());
        }
        match scientific(value, self.style.digits) {
            (mantissa, None) => (Level::Atom, mantissa),
            (mantissa, Some(exponent)) => (Level::Product, format!(r"{mantissa} \cdot 10^{{{exponent}}}")),
        }
    }

    fn symbol(&self, name: &str) -> String {
        match stem_and_index(name) {
            (stem, Some(index)) => format!("{}_{{{}}}", letters(stem), letters(index)),
            (stem, None) => letters(stem),
        }
    }

    fn times(&self, view: &View<'_>, right: ExprId) -> &'static str {
        if view.begins_with_digit(right) { r" \cdot " } else { r" \, " }
    }

    fn quotient(&self, view: &View<'_>, a: ExprId, b: ExprId, flip: bool) -> Layout {
        // The minus of a negative numerator stands before the whole fraction.
        let sign = view.is_negative(a) && !flip;
        let numerator = Piece::Argument { id: a, need: Level::Sum, flip: flip || sign };
        let mut pieces = if sign { vec![Piece::Text(Self::MINUS)] } else { Vec::new() };
        pieces.extend([
            Piece::Text(r"\frac{"),
            numerator,
            Piece::Text("}{"),
            Piece::argument(b, Level::Sum),
            Piece::Text("}"),
        ]);
        (if sign { Level::Product } else { Level::Power }, pieces)
    }

    fn power(&self, view: &View<'_>, base: ExprId, exponent: ExprId) -> Layout {
        let up = [Piece::Text("^{"), Piece::argument(exponent, Level::Sum), Piece::Text("}")];
        match (view.graph.constant_value(exponent), view.graph.node(base)) {
            (Some(0.5), _) => self.call(view, Unary::Sqrt, base),
            // sin²(x); a negative exponent would read as the inverse function.
            (Some(n), Node::Unary(function, x)) if n > 0.0 && n.fract() == 0.0 && is_set_upright(function) => {
                let [open, close] = Self::PARENTHESES;
                let mut pieces = vec![Piece::Text(command(function))];
                pieces.extend(up);
                pieces.extend([Piece::Text(open), Piece::argument(x, Level::Sum), Piece::Text(close)]);
                (Level::Power, pieces)
            }
            _ => {
                let mut pieces = vec![Piece::argument(base, Level::Atom)];
                pieces.extend(up);
                (Level::Power, pieces)
            }
        }
    }

    fn call(&self, _view: &View<'_>, function: Unary, x: ExprId) -> Layout {
        let [open, close] = Self::PARENTHESES;
        let (level, before, after) = match function {
            Unary::Sqrt => (Level::Atom, r"\sqrt{", "}"),
            Unary::Abs => (Level::Atom, r"\left|", r"\right|"),
            Unary::Exp => (Level::Power, "e^{", "}"),
            _ => {
                let pieces = [Piece::Text(open), Piece::argument(x, Level::Sum), Piece::Text(close)];
                return (Level::Power, [Piece::Text(command(function))].into_iter().chain(pieces).collect());
            }
        };
        (level, vec![Piece::Text(before), Piece::argument(x, Level::Sum), Piece::Text(after)])
    }

    fn call2(&self, _view: &View<'_>, function: Binary, a: ExprId, b: ExprId) -> Layout {
        let [open, close] = Self::PARENTHESES;
        let name = if function == Binary::Min { r"\min" } else { r"\max" };
        let [a, b] = [a, b].map(|id| Piece::argument(id, Level::Sum));
        (Level::Power, vec![Piece::Text(name), Piece::Text(open), a, Piece::Text(", "), b, Piece::Text(close)])
    }

    /// Iverson's bracket.
    fn comparison(&self, comparison: Comparison) -> Layout {
        let [left, sign, right] = comparison.pieces(COMPARISONS);
        (Level::Atom, vec![Piece::Text(r"\left["), left, sign, right, Piece::Text(r"\right]")])
    }

    /// A product with a bracket, which is strongly zero.
    fn condition(&self, view: &View<'_>, condition: ExprId, chosen: ExprId) -> Layout {
        let mut pieces = match view.comparison(condition).is_some() {
            true => vec![Piece::argument(condition, Level::Atom)],
            false => vec![Piece::Text(r"\left["), Piece::argument(condition, Level::Sum), Piece::Text(r" > 0\right]")],
        };
        pieces.extend([Piece::Text(self.times(view, chosen)), Piece::argument(chosen, Level::Power)]);
        (Level::Product, pieces)
    }
}

/// Is it written as a name before parentheses?
fn is_set_upright(function: Unary) -> bool {
    !matches!(function, Unary::Neg | Unary::Sqrt | Unary::Abs | Unary::Exp)
}

fn command(function: Unary) -> &'static str {
    match function {
        Unary::Neg => "-",
        Unary::Abs => r"\operatorname{abs}",
        Unary::Sign => r"\operatorname{sign}",
        Unary::Sqrt => r"\operatorname{sqrt}",
        Unary::Exp => r"\exp",
        Unary::Log => r"\log",
        Unary::Sin => r"\sin",
        Unary::Cos => r"\cos",
        Unary::Tan => r"\tan",
        Unary::Asin => r"\arcsin",
        Unary::Acos => r"\arccos",
        Unary::Atan => r"\arctan",
        Unary::Sinh => r"\sinh",
        Unary::Cosh => r"\cosh",
        Unary::Tanh => r"\tanh",
    }
}

/// One letter in italics, Greek by its command, digits plain, anything longer upright.
fn letters(text: &str) -> String {
    if greek(text).is_some() {
        return format!(r"\{text}");
    }
    if text.chars().all(|c| c.is_ascii_digit()) || (text.len() == 1 && text != "_") {
        return text.to_owned();
    }
    let escaped: String = text.chars().flat_map(|c| [(c == '_').then_some('\\'), Some(c)]).flatten().collect();
    format!(r"\mathrm{{{escaped}}}")
}
