//! Formulas written out: the walk that every notation shares, and the notations.
//!
//! A notation says in which pieces a node is written and how tightly each binds; the walk puts parentheses where an
//! argument binds too loosely and turns `a + -b` into `a - b`. Pieces wait on a stack, so deep formulas need no recursion.
//! Shared sub-expressions are written wherever they occur; after [`MAX_NODES`] nodes the rest is written as `...`, which
//! does not parse, because sharing can make a text exponentially longer than its graph.

mod latex;
mod letters;
mod mathml;
mod number;
mod rust;
mod text;

pub use text::TextStyle;

use crate::graph::{ExprId, Graph, Node, Reachable};
use crate::op::{Binary, Unary};

/// How many nodes are written before the rest is cut.
pub const MAX_NODES: usize = 4_000_000;

/// How tightly a piece of notation binds, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Comparison,
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

/// The pieces of a node, and how they bind together.
pub(crate) type Layout = (Level, Vec<Piece>);

/// A way to write formulas.
pub(crate) trait Notation {
    /// The opening and the closing parenthesis.
    const PARENTHESES: [&'static str; 2] = ["(", ")"];

    /// The minus before a negated term.
    const MINUS: &'static str = "-";

    /// What joins the terms of a sum, and of a difference.
    const JOINS: [&'static str; 2] = [" + ", " - "];

    /// A number that shows no minus sign.
    fn number(&self, value: f64) -> (Level, String);

    /// A name.
    fn symbol(&self, name: &str) -> String;

    /// What stands between two factors, the second of which is `right`.
    fn times(&self, view: &View<'_>, right: ExprId) -> &'static str;

    /// `a/b`, without the minus in front of `a` if `flip`.
    fn quotient(&self, view: &View<'_>, a: ExprId, b: ExprId, flip: bool) -> Layout;

    /// `base^exponent`.
    fn power(&self, view: &View<'_>, base: ExprId, exponent: ExprId) -> Layout;

    /// A function of one argument.
    fn call(&self, view: &View<'_>, function: Unary, x: ExprId) -> Layout;

    /// A function of two arguments.
    fn call2(&self, view: &View<'_>, function: Binary, a: ExprId, b: ExprId) -> Layout;

    /// 1 where it holds, else 0.
    fn comparison(&self, comparison: Comparison) -> Layout;

    /// What is chosen where a condition is positive, else 0.
    fn condition(&self, view: &View<'_>, condition: ExprId, chosen: ExprId) -> Layout;

    /// One of two, where the notation has a way to say so: the second where the first, a comparison, does not hold.
    fn choice(&self, _view: &View<'_>, _parts: [ExprId; 3]) -> Option<Layout> {
        None
    }
}

/// `left > right`, or `left < right`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison {
    left: ExprId,
    right: ExprId,
    less: bool,
}

impl Comparison {
    /// Both sides about one of the signs `>` and `<`.
    pub(crate) fn pieces(self, [greater, less]: [&'static str; 2]) -> [Piece; 3] {
        let [left, right] = [self.left, self.right].map(|id| Piece::argument(id, Level::Sum));
        [left, Piece::Text(if self.less { less } else { greater }), right]
    }
}

/// The signs of comparisons where they stand as they are.
pub(crate) const COMPARISONS: [&str; 2] = [" > ", " < "];

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

    /// Is the exponent a number, which needs no parentheses up there even with a sign?
    pub(crate) fn is_number(&self, id: ExprId) -> bool {
        match self.graph.node(id) {
            Node::Unary(Unary::Neg, x) => self.graph.constant_value(x).is_some(),
            node => matches!(node, Node::Constant(_)),
        }
    }

    /// Does the notation of a factor begin with a digit, so that it would run into a number before it?
    pub(crate) fn begins_with_digit(&self, mut id: ExprId) -> bool {
        loop {
            match self.graph.node(id) {
                Node::Constant(value) => return value != core::f64::consts::PI,
                Node::Binary(Binary::Mul | Binary::Pow, a, _) => id = a,
                _ => return false,
            }
        }
    }

    /// As it is read, if it is a comparison: `x < 2`, with the number behind.
    pub(crate) fn comparison(&self, id: ExprId) -> Option<Comparison> {
        let Node::Binary(Binary::Greater, a, b) = self.graph.node(id) else { return None };
        let less = self.is_number(a) && !self.is_number(b);
        let [left, right] = if less { [b, a] } else { [a, b] };
        Some(Comparison { left, right, less })
    }

    pub(crate) fn is_negative(&self, id: ExprId) -> bool {
        self.negative[self.order.position(id)]
    }
}

/// Writes `id` in a notation.
pub(crate) fn write<N: Notation>(graph: &Graph, id: ExprId, notation: &N) -> String {
    let view = View::new(graph, id);
    let mut out = String::new();
    let mut stack = vec![Piece::argument(id, Level::Comparison)];
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
fn layout<N: Notation>(view: &View<'_>, id: ExprId, need: Level, flip: bool, notation: &N) -> Layout {
    match view.graph.node(id) {
        Node::Constant(value) => {
            let signed = if flip { -value } else { value };
            let (level, text) = notation.number(signed.abs());
            if signed.is_sign_negative() && !signed.is_nan() {
                (Level::Product, vec![Piece::Text(N::MINUS), Piece::Owned(text)])
            } else {
                (level, vec![Piece::Owned(text)])
            }
        }
        Node::Symbol(symbol) => (Level::Atom, vec![Piece::Owned(notation.symbol(view.graph.name(symbol)))]),
        Node::Unary(Unary::Neg, x) if flip || view.is_negative(x) => {
            // Two signs cancel: hand the same demand on to the argument.
            (Level::Atom, vec![Piece::Argument { id: x, need, flip: !flip }])
        }
        Node::Unary(Unary::Neg, x) => (Level::Product, vec![Piece::Text(N::MINUS), Piece::argument(x, Level::Product)]),
        Node::Unary(function, x) => notation.call(view, function, x),
        Node::Binary(Binary::Add, ..)
            if let Some(written) = view.graph.as_choice(id).and_then(|parts| notation.choice(view, parts)) =>
        {
            written
        }
        Node::Binary(op @ (Binary::Add | Binary::Sub), a, b) => {
            let flip = view.is_negative(b);
            let [plus, minus] = N::JOINS;
            let join = if (op == Binary::Sub) == flip { plus } else { minus };
            let right = Piece::Argument { id: b, need: Level::Product, flip };
            (Level::Sum, vec![Piece::argument(a, Level::Sum), Piece::Text(join), right])
        }
        Node::Binary(Binary::Mul, a, b) => {
            // A product of products is written flat: regrouping only moves a rounding. Sums keep their grouping, where
            // it can decide whether large terms cancel before small ones are lost.
            let flat = matches!(view.graph.node(b), Node::Binary(Binary::Mul, ..)) && !view.is_negative(b);
            let left = Piece::Argument { id: a, need: Level::Product, flip };
            let right = Piece::argument(b, if flat { Level::Product } else { Level::Power });
            (Level::Product, vec![left, Piece::Text(notation.times(view, b)), right])
        }
        Node::Binary(Binary::Div, a, b) => notation.quotient(view, a, b, flip),
        Node::Binary(Binary::Pow, a, b) => notation.power(view, a, b),
        Node::Binary(function @ (Binary::Min | Binary::Max), a, b) => notation.call2(view, function, a, b),
        Node::Binary(Binary::Greater, ..) => {
            notation.comparison(view.comparison(id).expect("a node that compares is a comparison"))
        }
        Node::Binary(Binary::Cond, a, b) => notation.condition(view, a, b),
    }
}
