//! Units as exponents, as the search compares them at every node; the rules are those of [`Graph::unit`](vecfield_expr::Graph::unit).

use vecfield_expr::{Binary, Unary, Unit};

use super::{MOST_NAMES, Numbers, Units};
use crate::evolve::{Sum, Token, Tree};
use crate::relation::Relation;
use crate::weighted::Intercept;

/// The exponents of the names that units are made of.
type Exponents = [f64; MOST_NAMES];

/// A unit; `None` where it may be any.
pub(crate) type Dimension = Option<Exponents>;

/// Operands that no operation of the kind can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disagrees;

const PURE: Exponents = [0.0; MOST_NAMES];
/// Exponents that differ by less are one.
const ALIKE: f64 = 1e-9;

/// The units of a search.
#[derive(Debug, Clone)]
pub(crate) struct Dimensions {
    variables: Vec<Dimension>,
    target: Dimension,
    numbers: Dimension,
}

impl Dimensions {
    pub(crate) fn of(units: &Units) -> Dimensions {
        let mut names: Vec<String> = Vec::new();
        let mut exponents = |unit: &Unit| {
            let mut exponents = PURE;
            for (name, exponent) in unit.powers() {
                let place = names.iter().position(|known| known == name).unwrap_or_else(|| {
                    names.push(name.to_string());
                    names.len() - 1
                });
                exponents[place] = exponent;
            }
            exponents
        };
        let variables = units.variables.iter().map(|unit| unit.as_ref().map(&mut exponents)).collect();
        let target = units.target.as_ref().map(exponents);
        let numbers = match units.numbers {
            Numbers::Any => None,
            Numbers::Pure => Some(PURE),
        };
        Dimensions { variables, target, numbers }
    }

    /// May numbers be in anything?
    pub(crate) fn numbers_are_any(&self) -> bool {
        self.numbers.is_none()
    }

    pub(crate) fn variable(&self, v: u32) -> Dimension {
        self.variables.get(v as usize).copied().flatten()
    }

    pub(crate) fn number(&self, value: f64) -> Dimension {
        // Zero metres are zero seconds.
        if value == 0.0 { None } else { self.numbers }
    }

    /// May a formula under this relation have the target's unit?
    pub(crate) fn allow(&self, relation: Relation) -> bool {
        match relation {
            // A number before the exponential brings its unit, and none is before the logarithm.
            Relation::Logarithm => self.numbers_are_any() || is_pure(self.target),
            Relation::Exponential => is_pure(self.target),
            _ => true,
        }
    }

    /// The number beside the terms of this relation: one that is pure is in no sum of lengths.
    pub(crate) fn intercept(&self, relation: Relation) -> Intercept {
        let free = self.numbers_are_any() || is_pure(self.summed(relation));
        if free { Intercept::Free } else { Intercept::Zero }
    }

    /// Is a number before the exponential needed, for its unit?
    pub(crate) fn need_scale(&self, relation: Relation) -> bool {
        relation == Relation::Logarithm && !is_pure(self.target)
    }

    /// The unit of the sum that a relation makes.
    fn summed(&self, relation: Relation) -> Dimension {
        match relation {
            Relation::Direct | Relation::Quotient => self.target,
            Relation::Square => to_the(self.target, 2.0),
            Relation::Reciprocal => to_the(self.target, -1.0),
            Relation::ReciprocalSquare => to_the(self.target, -2.0),
            Relation::Logarithm | Relation::Exponential => Some(PURE),
            Relation::Product => None,
        }
    }

    /// May something of this unit be a term under a relation, with a number before it?
    pub(crate) fn allow_term(&self, relation: Relation, term: Dimension) -> bool {
        self.numbers_are_any() || alike(term, self.summed(relation))
    }

    /// May it be a term of the denominator, beside the one?
    pub(crate) fn allow_below(&self, term: Dimension) -> bool {
        self.numbers_are_any() || is_pure(term)
    }

    /// May it be a term of this sum? Beside a factor terms are pure, as the number among them is.
    pub(crate) fn allow_beside(&self, sum: &Sum, term: Dimension) -> bool {
        match &sum.factor {
            Some(_) => self.numbers_are_any() || is_pure(term),
            None => self.allow_term(sum.relation, term),
        }
    }

    /// Do the trees of a sum agree, in themselves and with each other?
    pub(crate) fn allow_sum(&self, sum: &Sum, stack: &mut Vec<Dimension>) -> bool {
        let mut of = |tree: &Tree| self.of_tree(tree, stack);
        sum.factor.as_ref().is_none_or(|tree| of(tree).is_ok_and(|unit| self.allow_term(sum.relation, unit)))
            && sum.terms.iter().all(|tree| of(tree).is_ok_and(|unit| self.allow_beside(sum, unit)))
            && sum.denominator.iter().all(|tree| of(tree).is_ok_and(|unit| self.allow_below(unit)))
    }

    pub(crate) fn of_tree(&self, tree: &Tree, stack: &mut Vec<Dimension>) -> Result<Dimension, Disagrees> {
        let made = |at: usize, token, operands: &[Dimension]| match token {
            Token::Variable(v) => Some(self.variable(v)),
            Token::Number(value) => Some(self.number(value)),
            Token::Unary(op) => self.unary(op, operands[0]).ok(),
            Token::Binary(op) => self.binary(op, operands[0], operands[1], tree.number_at(at - 1)).ok(),
        };
        tree.fold(stack, made).ok_or(Disagrees)
    }

    pub(crate) fn unary(&self, op: Unary, x: Dimension) -> Result<Dimension, Disagrees> {
        match op {
            Unary::Neg | Unary::Abs => Ok(x),
            Unary::Sqrt => Ok(to_the(x, 0.5)),
            Unary::Sign => Ok(Some(PURE)),
            _ if is_pure(x) => Ok(Some(PURE)),
            _ => Err(Disagrees),
        }
    }

    /// * `number`: the second operand, where it is a number.
    pub(crate) fn binary(
        &self,
        op: Binary,
        a: Dimension,
        b: Dimension,
        number: Option<f64>,
    ) -> Result<Dimension, Disagrees> {
        match (op, number) {
            (Binary::Mul, _) => Ok(times(a, b, 1.0)),
            (Binary::Div, _) => Ok(times(a, b, -1.0)),
            (Binary::Pow, Some(value)) => Ok(to_the(a, value)),
            (Binary::Pow, None) if is_pure(a) && is_pure(b) => Ok(Some(PURE)),
            (Binary::Add | Binary::Sub | Binary::Min | Binary::Max, _) if alike(a, b) => Ok(a.or(b)),
            (Binary::Greater, _) if alike(a, b) => Ok(Some(PURE)),
            (Binary::Cond, _) => Ok(b),
            _ => Err(Disagrees),
        }
    }
}

fn times(a: Dimension, b: Dimension, sign: f64) -> Dimension {
    let (mut a, b) = (a?, b?);
    a.iter_mut().zip(b).for_each(|(a, b)| *a += sign * b);
    Some(a)
}

fn to_the(a: Dimension, exponent: f64) -> Dimension {
    a.map(|a| a.map(|a| a * exponent))
}

/// Are two units one, or can they be?
fn alike(a: Dimension, b: Dimension) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| (a - b).abs() < ALIKE),
        _ => true,
    }
}

pub(crate) fn is_pure(a: Dimension) -> bool {
    alike(a, Some(PURE))
}
