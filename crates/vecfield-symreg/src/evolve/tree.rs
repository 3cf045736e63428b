//! Expressions that can be recombined: operations after their operands, in one list, so that every subtree is a range of it.

use std::ops::Range;

use vecfield_expr::{Binary, ExprId, Graph, Unary, power};
use vecfield_kernels::VectorMath;

use crate::candidate::open;
use crate::features::{Features, Shape};

/// A node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Token {
    Variable(u32),
    Number(f64),
    Unary(Unary),
    Binary(Binary),
}

impl Token {
    pub(crate) fn arity(self) -> usize {
        match self {
            Token::Variable(_) | Token::Number(_) => 0,
            Token::Unary(_) => 1,
            Token::Binary(_) => 2,
        }
    }
}

/// An expression, operands before operations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    tokens: Vec<Token>,
}

impl Tree {
    pub(crate) fn leaf(token: Token) -> Tree {
        debug_assert_eq!(token.arity(), 0, "a leaf has no operands");
        Tree { tokens: vec![token] }
    }

    /// Tokens of one expression, operands before operations.
    pub(super) fn of_tokens(tokens: Vec<Token>) -> Tree {
        Tree { tokens }
    }

    /// What is enumerated there, written out.
    pub(crate) fn of_feature(features: &Features, i: u32) -> Tree {
        fn write(features: &Features, i: u32, tokens: &mut Vec<Token>) {
            let token = match features.shape(i) {
                Shape::Variable(v) => Token::Variable(v),
                Shape::Constant(value) => Token::Number(value),
                Shape::Unary(op, x) => {
                    write(features, x, tokens);
                    Token::Unary(op)
                }
                Shape::Binary(op, a, b) => {
                    write(features, a, tokens);
                    write(features, b, tokens);
                    Token::Binary(op)
                }
            };
            tokens.push(token);
        }
        let mut tokens = Vec::new();
        write(features, i, &mut tokens);
        Tree { tokens }
    }

    pub(crate) fn unary(op: Unary, x: &Tree) -> Tree {
        Tree { tokens: [&x.tokens[..], &[Token::Unary(op)]].concat() }
    }

    pub(crate) fn binary(op: Binary, a: &Tree, b: &Tree) -> Tree {
        Tree { tokens: [&a.tokens[..], &b.tokens, &[Token::Binary(op)]].concat() }
    }

    /// Its terms, where it is a sum or a difference.
    pub(crate) fn terms(&self) -> Vec<Tree> {
        let (mut open, mut terms) = (vec![self.clone()], Vec::new());
        while let Some(tree) = open.pop() {
            let root = tree.size() - 1;
            if matches!(tree.tokens[root], Token::Binary(Binary::Add | Binary::Sub)) {
                open.extend(tree.operands(root).into_iter().rev().map(|range| tree.part(range)));
            } else if tree.size() > 1 || !matches!(tree.tokens[root], Token::Number(_)) {
                // A number alone is solved for.
                terms.push(tree);
            }
        }
        terms
    }

    pub(crate) fn size(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The same tree with another operation of as many operands at a place.
    pub(crate) fn set(&mut self, at: usize, token: Token) {
        debug_assert_eq!(self.tokens[at].arity(), token.arity(), "the operands stay");
        self.tokens[at] = token;
    }

    /// Where the subtree is whose last token is at `end`.
    pub(crate) fn subtree(&self, end: usize) -> Range<usize> {
        let (mut start, mut missing) = (end, 1);
        loop {
            missing = missing - 1 + self.tokens[start].arity();
            if missing == 0 {
                return start..end + 1;
            }
            start -= 1;
        }
    }

    /// The operands of the operation at `end`, as ranges, the first first.
    pub(crate) fn operands(&self, end: usize) -> Vec<Range<usize>> {
        match self.tokens[end].arity() {
            0 => vec![],
            1 => vec![self.subtree(end - 1)],
            _ => {
                let second = self.subtree(end - 1);
                vec![self.subtree(second.start - 1), second]
            }
        }
    }

    pub(crate) fn part(&self, range: Range<usize>) -> Tree {
        Tree { tokens: self.tokens[range].to_vec() }
    }

    /// With another subtree in the place of one.
    pub(crate) fn replaced(&self, range: Range<usize>, by: &Tree) -> Tree {
        Tree { tokens: [&self.tokens[..range.start], &by.tokens, &self.tokens[range.end..]].concat() }
    }

    /// The number at a place, if one is there.
    pub(crate) fn number_at(&self, at: usize) -> Option<f64> {
        match self.tokens.get(at) {
            Some(&Token::Number(value)) => Some(value),
            _ => None,
        }
    }

    /// Is the number at this place an exponent?
    fn is_exponent(&self, at: usize) -> bool {
        self.tokens.get(at + 1) == Some(&Token::Binary(Binary::Pow))
    }

    /// Numbers to be fitted: those that are no exponents and not whole.
    pub(crate) fn is_open(&self, at: usize) -> bool {
        matches!(self.tokens[at], Token::Number(value) if value.fract() != 0.0) && !self.is_exponent(at)
    }

    /// What the whole comes to, from what each place, its token and its operands make; `None` as soon as one of them makes nothing.
    /// * `stack`: memory.
    pub(crate) fn fold<T>(
        &self,
        stack: &mut Vec<T>,
        mut made: impl FnMut(usize, Token, &[T]) -> Option<T>,
    ) -> Option<T> {
        stack.clear();
        for (at, &token) in self.tokens.iter().enumerate() {
            let first = stack.len().checked_sub(token.arity())?;
            let value = made(at, token, &stack[first..])?;
            stack.truncate(first);
            stack.push(value);
        }
        stack.pop()
    }

    /// Are comparisons conditions, and nothing else, and all conditions comparisons?
    pub(crate) fn compares_well(&self) -> bool {
        let is_comparison = |token: Token| token == Token::Binary(Binary::Greater);
        let made = |_, token, operands: &[bool]| match token {
            Token::Binary(Binary::Cond) => (operands[0] && !operands[1]).then_some(false),
            Token::Binary(Binary::Greater) | Token::Unary(_) => {
                operands.iter().all(|compares| !compares).then_some(is_comparison(token))
            }
            _ => Some(false),
        };
        self.fold(&mut Vec::new(), made).is_some()
    }

    /// How many functions are applied to each other at the most.
    pub(crate) fn nesting(&self) -> usize {
        let depth = |_, token: Token, operands: &[usize]| {
            let below = operands.iter().copied().max().unwrap_or(0);
            Some(below + usize::from(token.arity() == 1))
        };
        self.fold(&mut Vec::new(), depth).unwrap_or(0)
    }

    /// The formula over symbols of these names; its open numbers become [`open`] symbols after those in `constants`.
    pub(crate) fn formula(&self, graph: &mut Graph, names: &[String], constants: &mut Vec<f64>) -> ExprId {
        // Where pieces meet is one number, wherever it is written.
        let compares = self.tokens.contains(&Token::Binary(Binary::Greater));
        let made = |at, token, operands: &[ExprId]| {
            Some(match token {
                Token::Variable(v) => graph.symbol(&names[v as usize]),
                Token::Number(value) if self.is_open(at) => {
                    let known = constants.iter().position(|known| compares && *known == value);
                    let place = known.unwrap_or_else(|| {
                        constants.push(value);
                        constants.len() - 1
                    });
                    graph.symbol(&open(place))
                }
                Token::Number(value) => graph.constant(value),
                Token::Unary(op) => graph.unary(op, operands[0]),
                Token::Binary(op) => graph.binary(op, operands[0], operands[1]),
            })
        };
        self.fold(&mut Vec::new(), made).expect("operands come before their operation")
    }

    /// Writes the values at the rows of `columns`; false where one of them is no number or too large to be of use.
    /// * `largest`: values beyond this are of no use.
    pub(crate) fn values_into(&self, columns: &[&[f64]], largest: f64, stack: &mut Stack, out: &mut [f64]) -> bool {
        let mut depth = 0;
        for (at, &token) in self.tokens.iter().enumerate() {
            match token {
                Token::Variable(v) => {
                    stack.at(depth, out.len()).copy_from_slice(columns[v as usize]);
                    depth += 1;
                }
                Token::Number(value) => {
                    stack.at(depth, out.len()).fill(value);
                    depth += 1;
                }
                Token::Unary(op) => unary(op, stack.at(depth - 1, out.len())),
                Token::Binary(op) => {
                    depth -= 1;
                    let exponent = self.number_at(at - 1).filter(|_| op == Binary::Pow);
                    let (a, b) = stack.pair(depth);
                    match exponent {
                        Some(n) if n.fract() == 0.0 && n.abs() < 100.0 => {
                            a.iter_mut().for_each(|x| *x = x.powi(n as i32));
                        }
                        Some(n) => a.iter_mut().for_each(|x| *x = power(*x, n)),
                        None => binary(op, a, b),
                    }
                }
            }
        }
        out.copy_from_slice(stack.at(0, out.len()));
        out.iter().all(|x| x.abs() < largest)
    }
}

/// Memory for the values of operands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stack {
    columns: Vec<Vec<f64>>,
}

impl Stack {
    fn at(&mut self, depth: usize, rows: usize) -> &mut [f64] {
        while self.columns.len() <= depth {
            self.columns.push(vec![0.0; rows]);
        }
        &mut self.columns[depth]
    }

    /// The operand below and that at `depth`.
    fn pair(&mut self, depth: usize) -> (&mut [f64], &[f64]) {
        let (below, above) = self.columns.split_at_mut(depth);
        (&mut below[depth - 1], &above[0])
    }
}

fn unary(op: Unary, x: &mut [f64]) {
    match op.kernel() {
        Some(kernel) => f64::map_in_place(kernel, x),
        None => x.iter_mut().for_each(|x| *x = op.apply(*x)),
    }
}

fn binary(op: Binary, a: &mut [f64], b: &[f64]) {
    let pairs = a.iter_mut().zip(b);
    match op {
        Binary::Add => pairs.for_each(|(a, b)| *a += b),
        Binary::Sub => pairs.for_each(|(a, b)| *a -= b),
        Binary::Mul => pairs.for_each(|(a, b)| *a *= b),
        Binary::Div => pairs.for_each(|(a, b)| *a /= b),
        _ => pairs.for_each(|(a, &b)| *a = op.apply(*a, b)),
    }
}
