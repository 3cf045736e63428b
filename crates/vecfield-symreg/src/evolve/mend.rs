//! Numbers that make units agree: what is put together by chance adds metres to seconds, and a number before one of them may be in metres a
//! second.

use vecfield_expr::Binary;

use super::sum::Sum;
use super::tree::{Token, Tree};
use crate::operators::Operators;
use crate::random::Stream;
use crate::units::{Dimension, Dimensions};

/// The sum with numbers before operands that do not agree; `None` where numbers have no units or cannot be put there.
pub(super) fn mended(sum: &Sum, units: &Dimensions, operators: &Operators, random: &mut Stream) -> Option<Sum> {
    if !(units.numbers_are_any() && operators.has(Binary::Mul)) {
        return None;
    }
    let mut sum = sum.clone();
    for tree in sum.trees_mut() {
        *tree = mended_tree(tree, units, random)?;
    }
    Some(sum)
}

fn mended_tree(tree: &Tree, units: &Dimensions, random: &mut Stream) -> Option<Tree> {
    let mut operands: Vec<(Tree, Dimension)> = Vec::new();
    let mut number_before = |tree: &Tree| {
        let number = Token::Number((0.8 * random.normal()).exp());
        (Tree::binary(Binary::Mul, &Tree::leaf(number), tree), None)
    };
    for (at, &token) in tree.tokens().iter().enumerate() {
        let made = match token {
            Token::Variable(v) => (Tree::leaf(token), units.variable(v)),
            Token::Number(value) => (Tree::leaf(token), units.number(value)),
            Token::Unary(op) => {
                let mut x = operands.pop()?;
                if units.unary(op, x.1).is_err() {
                    x = number_before(&x.0);
                }
                (Tree::unary(op, &x.0), units.unary(op, x.1).ok()?)
            }
            Token::Binary(op) => {
                let (mut b, mut a) = (operands.pop()?, operands.pop()?);
                let number = tree.number_at(at - 1);
                if units.binary(op, a.1, b.1, number).is_err() {
                    b = number_before(&b.0);
                }
                // A power of one quantity by another takes two.
                if units.binary(op, a.1, b.1, number).is_err() {
                    a = number_before(&a.0);
                }
                (Tree::binary(op, &a.0, &b.0), units.binary(op, a.1, b.1, number).ok()?)
            }
        };
        operands.push(made);
    }
    operands.pop().map(|whole| whole.0)
}
