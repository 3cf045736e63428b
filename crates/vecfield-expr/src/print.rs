//! Formulas written out: the walk that every notation shares, and the notations.
//!
//! A notation says in which pieces a node is written and how tightly each binds; the walk puts parentheses where an
//! argument binds too loosely and turns `a + -b` into `a - b`. Pieces wait on a stack, so deep formulas need no recursion.
//! Shared sub-expressions are written wherever they occur; after [`MAX_NODES`] nodes the rest is written as `...`, which
//! does not parse, because sharing can make a text exponentially longer than its graph.

mod number;
mod text;

pub use text::TextStyle;

use crate::graph::{ExprId, Graph, Node, Reachable};
use crate::op::{Binary, Unary};

/// How many nodes are written before the rest is cut.
pub const MAX_NODES: usize = 4_000_000;

/// How tightly a piece of notation binds, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Sum,
    Product,
    Power,
    Atom,
}

/// A part of a node's notation.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(&'static str),
    Owned(String),
    /// An argument, in parentheses if it binds looser than `need`; `flip` leaves out its leading minus.
    Argument {
        id: ExprId,
        need: Level,
        flip: bool,
    },
}

impl Piece {
    pub(crate) fn argument(id: ExprId, need: Level) -> Piece {
        Piece::Argument { id, need, flip: false }
    }
}

/// A way to write formulas.
pub(crate) trait Notation {
    /// The opening and the closing parenthesis.
    const PARENTHESES: [&'static str; 2] = ["(", ")"];

    /// Writes a number that shows no minus sign, and says how it binds.
    fn number(&self, value: f64) -> (String, Level);

    /// Writes a name.
    fn symbol(&self, name: &str) -> String;

    /// The minus before a negated term.
    fn minus(&self) -> &'static str {
        "-"
    }

    /// What joins two terms, for a sum or a difference.
    fn join(&self, op: Binary) -> &'static str {
        if op == Binary::Sub { " - " } else { " + " }
    }

    /// The pieces of a product.
    fn product(&self, view: &View<'_>, a: Piece, b: Piece, ids: (ExprId, ExprId)) -> Vec<Piece>;

    /// The pieces of a quotient and how they bind.
    fn quotient(&self, a: ExprId, b: ExprId, flip: bool) -> Vec<Piece>;

    /// How a quotient binds.
    fn quotient_level(&self) -> Level {
        Level::Product
    }

    /// The pieces of a power.
    fn power(&self, view: &View<'_>, base: ExprId, exponent: ExprId) -> Vec<Piece>;

    /// How a power binds.
    fn power_level(&self) -> Level {
        Level::Power
    }

    /// The pieces of a function of one argument.
    fn call(&self, function: Unary, x: ExprId) -> Vec<Piece>;

    /// The pieces of a function of two arguments.
    fn call2(&self, function: Binary, a: ExprId, b: ExprId) -> Vec<Piece>;
}

/// The formula that is being written.
pub(crate) struct View<'a> {
    pub(crate) graph: &'a Graph,
    order: Reachable,
    /// Does a node's notation begin with a minus sign?
    negative: Vec<bool>,
}

impl<'a> View<'a> {
    fn new(graph: &'a Graph, id: ExprId) -> View<'a> {
        let order = graph.reachable(&[id]);
        let mut negative: Vec<bool> = Vec::with_capacity(order.len());
        for &id in order.ids() {
            negative.push(match graph.node(id) {
                Node::Constant(value) => value.is_sign_negative() && !value.is_nan(),
                Node::Unary(Unary::Neg, x) => !negative[order.position(x)],
                Node::Binary(Binary::Mul | Binary::Div, a, _) => negative[order.position(a)],
                _ => false,
            });
        }
        View { graph, order, negative }
    }

    pub(crate) fn is_negative(&self, id: ExprId) -> bool {
        self.negative[self.order.position(id)]
    }
}

/// Writes `id` in a notation.
pub(crate) fn write<N: Notation>(graph: &Graph, id: ExprId, notation: &N) -> String {
    let view = View::new(graph, id);
    let mut out = String::new();
    let mut stack = vec![Piece::argument(id, Level::Sum)];
    let mut budget = MAX_NODES;
    while let Some(piece) = stack.pop() {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Owned(text) => out.push_str(&text),
            Piece::Argument { .. } if budget == 0 => out.push_str("..."),
            Piece::Argument { id, need, flip } => {
                budget -= 1;
                let (level, pieces) = layout(&view, id, need, flip, notation);
                let [open, close] = N::PARENTHESES;
                let enclosed = level < need;
                if enclosed {
                    stack.push(Piece::Text(close));
                }
                stack.extend(pieces.into_iter().rev());
                if enclosed {
                    stack.push(Piece::Text(open));
                }
            }
        }
    }
    out
}

/// How a node binds and the pieces it is written in.
fn layout<N: Notation>(view: &View<'_>, id: ExprId, need: Level, flip: bool, notation: &N) -> (Level, Vec<Piece>) {
    match view.graph.node(id) {
        Node::Constant(value) => {
            let signed = if flip { -value } else { value };
            let (text, level) = notation.number(signed.abs());
            if signed.is_sign_negative() && !signed.is_nan() {
                (Level::Product, vec![Piece::Text(notation.minus()), Piece::Owned(text)])
            } else {
                (level, vec![Piece::Owned(text)])
            }
        }
        Node::Symbol(symbol) => (Level::Atom, vec![Piece::Owned(notation.symbol(view.graph.name(symbol)))]),
        Node::Unary(Unary::Neg, x) if flip || view.is_negative(x) => {
            // Two signs cancel: hand the same demand on to the argument.
            (Level::Atom, vec![Piece::Argument { id: x, need, flip: !flip }])
        }
        Node::Unary(Unary::Neg, x) => {
            (Level::Product, vec![Piece::Text(notation.minus()), Piece::argument(x, Level::Product)])
        }
        Node::Unary(function, x) => (Level::Atom, notation.call(function, x)),
        Node::Binary(op @ (Binary::Add | Binary::Sub), a, b) => {
            let flipped = view.is_negative(b);
            let shown = if (op == Binary::Sub) == flipped { Binary::Add } else { Binary::Sub };
            let right = Piece::Argument { id: b, need: Level::Product, flip: flipped };
            (Level::Sum, vec![Piece::argument(a, Level::Sum), Piece::Text(notation.join(shown)), right])
        }
        Node::Binary(Binary::Mul, a, b) => {
            // A product of products is written flat: regrouping only moves a rounding. Sums keep their grouping, where
            // it can decide whether large terms cancel before small ones are lost.
            let flat = matches!(view.graph.node(b), Node::Binary(Binary::Mul, ..)) && !view.is_negative(b);
            let left = Piece::Argument { id: a, need: Level::Product, flip };
            let right = Piece::argument(b, if flat { Level::Product } else { Level::Power });
            (Level::Product, notation.product(view, left, right, (a, b)))
        }
        Node::Binary(Binary::Div, a, b) => (notation.quotient_level(), notation.quotient(a, b, flip)),
        Node::Binary(Binary::Pow, a, b) => (notation.power_level(), notation.power(view, a, b)),
        Node::Binary(function @ (Binary::Min | Binary::Max), a, b) => (Level::Atom, notation.call2(function, a, b)),
    }
}
