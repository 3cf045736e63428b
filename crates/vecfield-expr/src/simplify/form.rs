//! [`Sum`] and [`Product`]: the two shapes a node can have on its way up.

use crate::graph::ExprId;

/// What a node is held as.
#[derive(Debug, Clone)]
pub(super) enum Form {
    Sum(Sum),
    Product(Product),
    /// Written as nodes: a name, a function, or a large form that several nodes read.
    Done(ExprId),
}

/// A number as the sum of two doubles: what was added up is rounded once, when it is written, so that terms which cancel
/// do not take smaller ones with them (Knuth's two-sum; `c*x + x - c*x` is `x` for every `c`).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Number {
    head: f64,
    tail: f64,
}

/// `constant + Σ coefficient·factor`; a factor may occur several times until the sum is written.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum {
    pub(super) constant: Number,
    pub(super) terms: Vec<Term>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub(super) factor: ExprId,
    pub(super) coefficient: Number,
}

/// `coefficient Π bⁿ / (divisor Π bⁿ)`, every exponent positive; a base may occur several times until it is written.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) coefficient: f64,
    pub(super) above: Vec<(ExprId, u32)>,
    pub(super) divisor: f64,
    pub(super) below: Vec<(ExprId, u32)>,
}

impl Form {
    /// How much there is to copy.
    pub(super) fn size(&self) -> usize {
        match self {
            Form::Sum(sum) => sum.terms.len(),
            Form::Product(product) => product.above.len() + product.below.len(),
            Form::Done(_) => 0,
        }
    }
}

impl Number {
    pub(super) fn new(value: f64) -> Number {
        Number { head: value, tail: 0.0 }
    }

    /// The nearest double.
    pub(super) fn value(self) -> f64 {
        self.head + self.tail
    }

    /// The sum; `None` where it overflows.
    pub(super) fn plus(self, other: Number) -> Option<Number> {
        let (head, lost) = two_sum(self.head, other.head);
        let (head, tail) = two_sum(head, lost + self.tail + other.tail);
        (head.is_finite() && tail.is_finite()).then_some(Number { head, tail })
    }

    /// Multiplied by a double; `None` where it overflows or vanishes.
    fn scaled(self, by: f64) -> Option<Number> {
        Some(Number { head: safe_product(self.head, by)?, tail: self.tail * by })
    }
}

impl Term {
    pub(super) fn new(factor: ExprId, coefficient: f64) -> Term {
        Term { factor, coefficient: Number::new(coefficient) }
    }
}

impl Sum {
    pub(super) fn number(constant: f64) -> Sum {
        Sum { constant: Number::new(constant), terms: Vec::new() }
    }

    pub(super) fn term(factor: ExprId, coefficient: f64) -> Sum {
        Sum { constant: Number::default(), terms: vec![Term::new(factor, coefficient)] }
    }

    /// The number it is, if it has no terms.
    pub(super) fn as_number(&self) -> Option<f64> {
        self.terms.is_empty().then_some(self.constant.value())
    }

    /// How many summands it has.
    pub(super) fn len(&self) -> usize {
        self.terms.len() + usize::from(self.constant.value() != 0.0)
    }

    /// Multiplied by a number; `None` where a coefficient would overflow or vanish.
    pub(super) fn scaled(&self, by: f64) -> Option<Sum> {
        let constant = self.constant.scaled(by)?;
        let terms = self.terms.iter().map(|term| Some(Term { coefficient: term.coefficient.scaled(by)?, ..*term }));
        Some(Sum { constant, terms: terms.collect::<Option<_>>()? })
    }
}

impl Product {
    pub(super) fn number(coefficient: f64) -> Product {
        Product { coefficient, above: Vec::new(), divisor: 1.0, below: Vec::new() }
    }

    pub(super) fn base(base: ExprId) -> Product {
        Product { above: vec![(base, 1)], ..Product::number(1.0) }
    }

    /// Has it no factor but its numbers?
    pub(super) fn is_number(&self) -> bool {
        self.above.is_empty() && self.below.is_empty()
    }
}

/// `a + b` rounded, and what the rounding lost.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

/// `a*b` unless it overflows, or vanishes where neither factor is zero.
pub(super) fn safe_product(a: f64, b: f64) -> Option<f64> {
    let product = a * b;
    let lost = !product.is_finite() || (product.abs() < f64::MIN_POSITIVE && a != 0.0 && b != 0.0);
    (!lost).then_some(product)
}

/// `a/b` where it can be written in a few digits, so that `x/4` may become `0.25*x` but `x/3` stays.
pub(super) fn short_quotient(a: f64, b: f64) -> Option<f64> {
    let quotient = a / b;
    let sound = quotient.is_finite() && quotient.abs() >= f64::MIN_POSITIVE && quotient * b == a;
    let digits = format!("{quotient:e}").split('e').next().map_or(0, |mantissa| mantissa.len());
    (a == 0.0 && b != 0.0 || sound && digits <= 8).then_some(quotient)
}
