//! How one tree becomes another: the changes that genetic programming knows (Koza 1992; Cranmer 2023, section 2), and functions of groups
//! of variables.

use vecfield_expr::Binary;

use super::tree::{Token, Tree};
use super::vary::Limits;
use crate::features::Features;
use crate::random::Stream;

/// Something small: a variable, a number, or a cheap expression.
pub(super) fn small(limits: &Limits<'_>, features: &Features, random: &mut Stream) -> Tree {
    match random.uniform() {
        u if u < 0.5 => Tree::leaf(Token::Variable(random.below(limits.variables) as u32)),
        u if u < 0.65 || limits.order.is_empty() => Tree::leaf(Token::Number(number(random))),
        _ => {
            let cheap = limits.order.len().min(400);
            Tree::of_feature(features, limits.order[random.early(cheap)])
        }
    }
}

/// A whole number that stays, or one to be fitted.
fn number(random: &mut Stream) -> f64 {
    match random.chance(0.5) {
        true => 1.0 + random.below(2) as f64,
        false => 2.0 * random.normal(),
    }
}

/// One of the changes that genetic programming knows (Koza 1992; Cranmer 2023, section 2).
pub(super) fn mutate_tree(tree: &mut Tree, limits: &Limits<'_>, features: &Features, random: &mut Stream) {
    let at = random.below(tree.size());
    let place = tree.subtree(at);
    match random.uniform() {
        u if u < 0.22 => point(tree, at, limits, random),
        u if u < 0.34 => number_changed(tree, limits, random),
        // Insert: the subtree as an operand of something new.
        u if u < 0.56 => {
            let part = tree.part(place.clone());
            let wrapped = match (random.pick(limits.operators.unary()), random.pick(limits.operators.binary())) {
                (Some(op), binary) if binary.is_none() || random.chance(0.35) => Tree::unary(op, &part),
                (_, Some(op)) => {
                    let new = if op == Binary::Pow {
                        Tree::leaf(Token::Number([2.0, 0.5, 3.0, -1.0][random.early(4)]))
                    } else {
                        small(limits, features, random)
                    };
                    let flipped = op != Binary::Pow && random.chance(0.5);
                    if flipped { Tree::binary(op, &new, &part) } else { Tree::binary(op, &part, &new) }
                }
                _ => part,
            };
            *tree = tree.replaced(place, &wrapped);
        }
        // Delete: an operation gives way to one of its operands.
        u if u < 0.70 => {
            let operands = tree.operands(at);
            if !operands.is_empty() {
                let kept = tree.part(operands[random.below(operands.len())].clone());
                *tree = tree.replaced(place, &kept);
            }
        }
        // Hoist: a subtree becomes the whole.
        u if u < 0.75 => *tree = tree.part(place),
        u if u < 0.80 => rotate(tree, at),
        // Swap the operands.
        u if u < 0.84 => {
            if let [a, b] = &tree.operands(at)[..] {
                let swapped = [tree.part(b.clone()), tree.part(a.clone())];
                if let Token::Binary(op) = tree.tokens()[at] {
                    *tree = tree.replaced(place, &Tree::binary(op, &swapped[0], &swapped[1]));
                }
            }
        }
        _ => {
            let new = small(limits, features, random);
            *tree = tree.replaced(place, &new);
        }
    }
}

/// Another node of as many operands.
fn point(tree: &mut Tree, at: usize, limits: &Limits<'_>, random: &mut Stream) {
    let token = match tree.tokens()[at] {
        Token::Variable(_) => Some(Token::Variable(random.below(limits.variables) as u32)),
        Token::Number(_) => Some(Token::Number(number(random))),
        Token::Unary(_) => random.pick(limits.operators.unary()).map(Token::Unary),
        Token::Binary(_) => random.pick(limits.operators.binary()).map(Token::Binary),
    };
    if let Some(token) = token {
        tree.set(at, token);
    }
}

/// A number shaken, or a new one before a variable.
fn number_changed(tree: &mut Tree, limits: &Limits<'_>, random: &mut Stream) {
    let is = |wanted: fn(&Token) -> bool| {
        let all = tree.tokens().iter().enumerate();
        all.filter(|(_, token)| wanted(token)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let numbers = is(|token| matches!(token, Token::Number(_)));
    let variables = is(|token| matches!(token, Token::Variable(_)));
    let op = if random.chance(0.6) { Binary::Mul } else { Binary::Add };
    match (random.pick(&numbers), random.pick(&variables).filter(|_| limits.operators.has(op))) {
        (Some(at), _) if random.chance(0.5) => {
            let Token::Number(value) = tree.tokens()[at] else { return };
            let shaken = value * (1.0 + 0.5 * random.normal()) + 0.1 * random.normal();
            tree.set(at, Token::Number(shaken));
        }
        (_, Some(at)) => {
            let new = Tree::leaf(Token::Number(1.5 * random.normal()));
            let opened = Tree::binary(op, &new, &tree.part(at..at + 1));
            *tree = tree.replaced(at..at + 1, &opened);
        }
        _ => {}
    }
}

/// `(a ∘ b) · c` becomes `a ∘ (b · c)`.
fn rotate(tree: &mut Tree, at: usize) {
    let Token::Binary(outer) = tree.tokens()[at] else { return };
    let [first, c] = &tree.operands(at)[..] else { return };
    let Token::Binary(inner) = tree.tokens()[first.end - 1] else { return };
    if let [a, b] = &tree.operands(first.end - 1)[..] {
        let right = Tree::binary(outer, &tree.part(b.clone()), &tree.part(c.clone()));
        let rotated = Tree::binary(inner, &tree.part(a.clone()), &right);
        *tree = tree.replaced(tree.subtree(at), &rotated);
    }
}

/// A function of a number times a product of powers of some variables, alone or beside one: laws of nature apply functions to groups
/// without units, which few changes of a node at a time find.
pub(super) fn function_of_group(limits: &Limits<'_>, random: &mut Stream) -> Option<Tree> {
    let op = random.pick(limits.operators.unary())?;
    let group = group(limits, random)?;
    let scale = Tree::leaf(Token::Number((0.8 * random.normal()).exp()));
    let argument = if random.chance(0.5) { Tree::binary(Binary::Mul, &scale, &group) } else { group };
    let function = Tree::unary(op, &argument);
    let one = Tree::leaf(Token::Number(1.0));
    Some(match random.uniform() {
        u if u < 0.15 && limits.operators.has(Binary::Sub) => Tree::binary(Binary::Sub, &function, &one),
        u if u < 0.30 && limits.operators.has(Binary::Add) => Tree::binary(Binary::Add, &function, &one),
        _ => function,
    })
}

/// A product of powers of some variables, mostly the first above or below the line.
fn group(limits: &Limits<'_>, random: &mut Stream) -> Option<Tree> {
    if !limits.operators.has(Binary::Mul) {
        return None;
    }
    let (mut above, mut below): (Option<Tree>, Option<Tree>) = (None, None);
    let share = (3.5 / limits.variables as f64).min(0.65);
    for v in (0..limits.variables as u32).filter(|_| random.chance(share)).collect::<Vec<_>>() {
        let variable = Tree::leaf(Token::Variable(v));
        let factor = match random.chance(0.12) {
            true => Tree::binary(Binary::Pow, &variable, &Tree::leaf(Token::Number(2.0))),
            false => variable,
        };
        let side = if limits.operators.has(Binary::Div) && random.chance(0.5) { &mut below } else { &mut above };
        *side = Some(side.as_ref().map_or(factor.clone(), |product| Tree::binary(Binary::Mul, product, &factor)));
    }
    match (above, below) {
        (Some(above), Some(below)) => Some(Tree::binary(Binary::Div, &above, &below)),
        (Some(above), None) => Some(above),
        // The reciprocal of a group says what it says, but for a few functions.
        (None, below) => below,
    }
}
