//! Formulas as Rust, over `f64`.

use core::f64::consts::PI;

use super::number::decimal;
use super::{COMPARISONS, Comparison, Layout, Level, Notation, Piece, View, write};
use crate::graph::{ExprId, Graph};
use crate::op::{Binary, Unary};

impl Graph {
    /// The formula as a Rust expression over `f64` variables of its names (raw identifiers where they are keywords).
    ///
    /// It gives what a [`Program`](crate::Program) gives up to rounding, with one difference: `f64::min`, `f64::max` and
    /// comparisons pass over a NaN, which formulas keep.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let id = graph.parse("-2*sin(x + y)^2/x^0.5", &Scope::new(["x", "y"])?)?;
    /// assert_eq!(graph.to_rust(id), "-2.0*(x + y).sin().powi(2)/x.sqrt()");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_rust(&self, id: ExprId) -> String {
        write(self, id, &Rust)
    }
}

struct Rust;

impl Notation for Rust {
    fn number(&self, value: f64) -> (Level, String) {
        (Level::Atom, literal(value))
    }

    fn symbol(&self, name: &str) -> String {
        // `self`, `Self`, `super` and `crate` cannot be raw; a trailing underscore keeps them apart.
        match name {
            "self" | "Self" | "super" | "crate" | "_" => format!("{name}_"),
            _ if KEYWORDS.contains(&name) => format!("r#{name}"),
            _ => name.to_owned(),
        }
    }

    fn times(&self, _view: &View<'_>, _right: ExprId) -> &'static str {
        "*"
    }

    fn quotient(&self, _view: &View<'_>, a: ExprId, b: ExprId, flip: bool) -> Layout {
        let numerator = Piece::Argument { id: a, need: Level::Product, flip };
        (Level::Product, vec![numerator, Piece::Text("/"), Piece::argument(b, Level::Power)])
    }

    fn power(&self, view: &View<'_>, base: ExprId, exponent: ExprId) -> Layout {
        match view.graph.constant_value(exponent) {
            Some(0.5) => self.call(view, Unary::Sqrt, base),
            Some(n) if n.fract() == 0.0 && n.abs() <= f64::from(i32::MAX) => {
                let method = Piece::Owned(format!(".powi({})", n as i32));
                (Level::Atom, vec![receiver(view, base), method])
            }
            _ => {
                let exponent = Piece::argument(exponent, Level::Sum);
                (Level::Atom, vec![receiver(view, base), Piece::Text(".powf("), exponent, Piece::Text(")")])
            }
        }
    }

    fn call(&self, view: &View<'_>, function: Unary, x: ExprId) -> Layout {
        let method = match function {
            // f64::signum is 1 at 0; this is 0 there, and NaN at NaN.
            Unary::Sign => {
                let before = Piece::Text("({ let x: f64 = ");
                let after = Piece::Text("; if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x * 0.0_f64 } })");
                return (Level::Atom, vec![before, Piece::argument(x, Level::Sum), after]);
            }
            Unary::Log => ".ln()",
            Unary::Neg => ".neg()",
            Unary::Abs => ".abs()",
            Unary::Sqrt => ".sqrt()",
            Unary::Exp => ".exp()",
            Unary::Sin => ".sin()",
            Unary::Cos => ".cos()",
            Unary::Tan => ".tan()",
            Unary::Asin => ".asin()",
            Unary::Acos => ".acos()",
            Unary::Atan => ".atan()",
            Unary::Sinh => ".sinh()",
            Unary::Cosh => ".cosh()",
            Unary::Tanh => ".tanh()",
        };
        (Level::Atom, vec![receiver(view, x), Piece::Text(method)])
    }

    fn comparison(&self, comparison: Comparison) -> Layout {
        let [left, sign, right] = comparison.pieces(COMPARISONS);
        (Level::Atom, vec![Piece::Text("f64::from("), left, sign, right, Piece::Text(")")])
    }

    fn condition(&self, view: &View<'_>, condition: ExprId, chosen: ExprId) -> Layout {
        let mut pieces = vec![Piece::Text("(if ")];
        match view.comparison(condition) {
            Some(comparison) => pieces.extend(comparison.pieces(COMPARISONS)),
            None => pieces.extend([Piece::argument(condition, Level::Sum), Piece::Text(" > 0.0")]),
        }
        pieces.extend([Piece::Text(" { "), Piece::argument(chosen, Level::Sum), Piece::Text(" } else { 0.0 })")]);
        (Level::Atom, pieces)
    }

    fn call2(&self, view: &View<'_>, function: Binary, a: ExprId, b: ExprId) -> Layout {
        let method = if function == Binary::Min { ".min(" } else { ".max(" };
        (Level::Atom, vec![receiver(view, a), Piece::Text(method), Piece::argument(b, Level::Sum), Piece::Text(")")])
    }
}

/// What a method is called on; a number needs its type there.
fn receiver(view: &View<'_>, id: ExprId) -> Piece {
    match view.graph.constant_value(id) {
        Some(value) if value.is_finite() && value.abs() != PI => {
            let text = literal(value.abs()) + "_f64";
            Piece::Owned(if value.is_sign_negative() { format!("(-{text})") } else { text })
        }
        _ => Piece::argument(id, Level::Atom),
    }
}

fn literal(value: f64) -> String {
    if value.is_nan() {
        "f64::NAN".to_owned()
    } else if value.is_infinite() {
        "f64::INFINITY".to_owned()
    } else if value == PI {
        "core::f64::consts::PI".to_owned()
    } else {
        let digits = decimal(value, None);
        if digits.contains(['.', 'e']) { digits } else { digits + ".0" }
    }
}

const KEYWORDS: [&str; 46] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where",
];
