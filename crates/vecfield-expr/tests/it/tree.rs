//! Random formulas as plain trees, evaluated by plain recursion: the meaning that everything else is held to.

use proptest::prelude::*;
use vecfield_expr::{Binary, ExprId, Graph, Node, Scope, Unary, power};
use vecfield_traits::Elementary;

use crate::rounded::Rounded;

/// The names that random formulas use.
pub(crate) const NAMES: [&str; 3] = ["x", "y", "z_1"];

/// A formula without sharing.
#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Constant(f64),
    Symbol(usize),
    Unary(Unary, Box<Tree>),
    Binary(Binary, Box<Tree>, Box<Tree>),
}

impl Tree {
    /// The same formula in a graph, node by node.
    pub(crate) fn build(&self, graph: &mut Graph) -> ExprId {
        let node = match self {
            Tree::Constant(value) => Node::Constant(*value),
            Tree::Symbol(i) => return graph.symbol(NAMES[*i]),
            Tree::Unary(op, x) => Node::Unary(*op, x.build(graph)),
            Tree::Binary(op, a, b) => Node::Binary(*op, a.build(graph), b.build(graph)),
        };
        graph.intern(node)
    }

    /// The value at a point.
    pub(crate) fn value<S: Elementary>(&self, point: &[S]) -> S {
        self.value_by(point, &|base, number, _| power(base, number))
    }

    /// The value at a point and what rounding makes of it, that of exponents included: `2.5e21 - 1 - 2.5e21` is anything.
    pub(crate) fn rounded(&self, point: &[Rounded]) -> Rounded {
        let powers = |base: Rounded, number, exponent: Rounded| match exponent.is_known() {
            true => power(base, number),
            false => base.powf(exponent),
        };
        self.value_by(point, &powers)
    }

    /// The value at a point, given what a base to the power of a number is: of its value, and of what it is as a formula.
    fn value_by<S: Elementary>(&self, point: &[S], powers: &dyn Fn(S, f64, S) -> S) -> S {
        let of = |tree: &Tree| tree.value_by(point, powers);
        match self {
            Tree::Constant(value) => S::constant(*value),
            Tree::Symbol(i) => point[*i],
            Tree::Unary(op, x) => op.apply(of(x)),
            Tree::Binary(op, a, b) => match (op, b.number()) {
                (Binary::Pow, Some(number)) => powers(of(a), number, of(b)),
                _ => op.apply(of(a), of(b)),
            },
        }
    }

    /// The number a formula without names is.
    fn number(&self) -> Option<f64> {
        match self {
            Tree::Constant(value) => Some(*value),
            Tree::Symbol(_) => None,
            Tree::Unary(op, x) => Some(op.apply(x.number()?)),
            Tree::Binary(Binary::Pow, a, b) => Some(power(a.number()?, b.number()?)),
            Tree::Binary(op, a, b) => Some(op.apply(a.number()?, b.number()?)),
        }
    }
}

pub(crate) fn scope() -> Scope {
    Scope::new(NAMES).unwrap()
}

/// A point; the numbers formulas have trouble with are drawn often.
pub(crate) fn point() -> impl Strategy<Value = [f64; 3]> {
    prop::array::uniform3(prop_oneof![4 => -3.0..3.0_f64, 1 => prop::sample::select(vec![0.0, 1.0, -1.0, 2.0, 0.5])])
}

pub(crate) fn tree() -> impl Strategy<Value = Tree> {
    let constant = prop_oneof![
        3 => (-4..5_i32).prop_map(f64::from),
        2 => prop::sample::select(vec![0.5, -0.5, 1.5, -2.5, 1e-7, 2.5e21, core::f64::consts::PI]),
        3 => -10.0..10.0_f64,
    ];
    let leaf = prop_oneof![2 => constant.prop_map(Tree::Constant), 3 => (0..NAMES.len()).prop_map(Tree::Symbol)];
    leaf.prop_recursive(6, 40, 2, |inner| {
        let arithmetic = prop::sample::select(vec![Binary::Add, Binary::Sub, Binary::Mul, Binary::Mul, Binary::Div]);
        let exponent = prop::sample::select(vec![2.0, 3.0, -1.0, -2.0, 0.5, 1.5, -0.5, 4.0, 0.0, 1.0, 0.3])
            .prop_map(|value| Box::new(Tree::Constant(value)));
        let rare = prop::sample::select(vec![
            Binary::Pow,
            Binary::Min,
            Binary::Max,
            Binary::Greater,
            Binary::Cond,
            Binary::Cond,
        ]);
        let function = prop::sample::select([&[Unary::Neg; 4][..], &Unary::FUNCTIONS].concat());
        let boxed = inner.prop_map(Box::new);
        prop_oneof![
            8 => (arithmetic, boxed.clone(), boxed.clone()).prop_map(|(op, a, b)| Tree::Binary(op, a, b)),
            2 => (boxed.clone(), exponent).prop_map(|(a, b)| Tree::Binary(Binary::Pow, a, b)),
            2 => (rare, boxed.clone(), boxed.clone()).prop_map(|(op, a, b)| Tree::Binary(op, a, b)),
            4 => (function, boxed).prop_map(|(op, x)| Tree::Unary(op, x)),
        ]
    })
}

/// Are two values the same, NaN counting as one value?
pub(crate) fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}
