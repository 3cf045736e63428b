//! Forms turned into one another, and written as nodes: here like terms meet, and here is decided what may vanish.

use super::form::{Form, Product, Sum, Term};
use super::rules::{LARGEST_EXPONENT, SHARED, Simplifier};
use crate::graph::{ExprId, Node};
use crate::op::{Binary, Unary};

impl Simplifier<'_> {
    /// Any form as a sum; a number times a sum is multiplied out here, where its terms may meet others.
    pub(super) fn sum_from(&mut self, form: Form) -> Sum {
        match form {
            Form::Sum(sum) => sum,
            Form::Done(id) => self.sum_of(id),
            Form::Product(product) => {
                if let ([(base, 1)], [], 1.0) = (&product.above[..], &product.below[..], product.divisor)
                    && let Some(scaled) = self.sums.get(base).and_then(|sum| sum.scaled(product.coefficient))
                {
                    return scaled;
                }
                let Product { coefficient, .. } = product;
                let rest = Product { coefficient: 1.0, ..product };
                if rest.is_number() {
                    let quotient = coefficient / rest.divisor;
                    return if quotient.is_finite() {
                        Sum::number(quotient)
                    } else {
                        Sum::term(self.write_product(Product { coefficient, ..rest }), 1.0)
                    };
                }
                if coefficient == 0.0 && self.vanishes(&rest) {
                    return Sum::number(0.0);
                }
                Sum::term(self.write_product(rest), coefficient)
            }
        }
    }

    fn sum_of(&self, id: ExprId) -> Sum {
        match (self.graph.constant_value(id), self.sums.get(&id)) {
            (Some(value), _) if value.is_finite() => Sum::number(value),
            (_, Some(sum)) => sum.clone(),
            _ => Sum::term(id, 1.0),
        }
    }

    /// Any form as a product.
    pub(super) fn product_from(&mut self, form: Form) -> Product {
        match form {
            Form::Product(product) => product,
            Form::Done(id) => self.product_of(id, 1.0),
            Form::Sum(sum) => {
                let sum = self.collect(sum);
                match (sum.constant.value(), &sum.terms[..]) {
                    (constant, []) => Product::number(constant),
                    (0.0, &[Term { factor, coefficient }]) => self.product_of(factor, coefficient.value()),
                    _ => {
                        let id = self.write_sum(sum);
                        self.product_of(id, 1.0)
                    }
                }
            }
        }
    }

    /// `coefficient·id` as a product.
    pub(super) fn product_of(&mut self, id: ExprId, coefficient: f64) -> Product {
        let product = match (self.graph.constant_value(id), self.products.get(&id)) {
            (Some(value), _) if value.is_finite() => Product::number(value),
            (_, Some(product)) => product.clone(),
            _ => Product::base(id),
        };
        if coefficient == 1.0 { product } else { self.times(product, Product::number(coefficient)) }
    }

    /// A form as nodes.
    pub(super) fn finish(&mut self, form: Form) -> ExprId {
        match form {
            Form::Done(id) => id,
            Form::Sum(sum) => {
                let sum = self.collect(sum);
                self.write_sum(sum)
            }
            Form::Product(product) => {
                // A product may turn out to be a number, or a number times a sum.
                let vanishes = product.coefficient == 0.0 && self.vanishes(&product);
                if vanishes { self.graph.constant(0.0) } else { self.write_product(product) }
            }
        }
    }

    /// A form as a sum with like terms collected, in the order in which it is written.
    pub(super) fn collected(&mut self, form: Form) -> Sum {
        let sum = self.sum_from(form);
        self.collect(sum)
    }

    pub(super) fn collect(&mut self, sum: Sum) -> Sum {
        let Sum { constant, mut terms } = sum;
        terms.sort_by_key(|term| term.factor);
        let mut kept: Vec<Term> = Vec::with_capacity(terms.len());
        for term in terms {
            let merged = kept.last().filter(|last| last.factor == term.factor);
            match merged.and_then(|last| last.coefficient.plus(term.coefficient)) {
                Some(coefficient) => kept.last_mut().expect("it was just merged with").coefficient = coefficient,
                None => kept.push(term),
            }
        }
        kept.retain(|term| term.coefficient.value() != 0.0 || !self.is_total(term.factor));
        // A sum begins with a positive term if it has one: x - y, not -y + x.
        if kept.first().is_some_and(|first| first.coefficient.value() < 0.0)
            && let Some(positive) = kept.iter().position(|term| term.coefficient.value() > 0.0)
        {
            kept[..=positive].rotate_right(1);
        }
        Sum { constant, terms: kept }
    }

    /// A collected sum as nodes.
    fn write_sum(&mut self, sum: Sum) -> ExprId {
        let Sum { constant, terms } = &sum;
        let constant = constant.value();
        if terms.is_empty() {
            return self.graph.constant(constant);
        }
        let leads = constant > 0.0 && terms[0].coefficient.value() < 0.0;
        let mut total = leads.then(|| self.graph.constant(constant));
        for &Term { factor, coefficient } in terms {
            let coefficient = coefficient.value();
            total = Some(match total {
                None => self.scaled(coefficient, factor),
                Some(total) if coefficient < 0.0 => {
                    let term = self.scaled(-coefficient, factor);
                    self.graph.sub(total, term)
                }
                Some(total) => {
                    let term = self.scaled(coefficient, factor);
                    self.graph.add(total, term)
                }
            });
        }
        let mut id = total.expect("there is a first term");
        if !leads && constant != 0.0 {
            let number = self.graph.constant(constant.abs());
            id = if constant < 0.0 { self.graph.sub(id, number) } else { self.graph.add(id, number) };
        }
        if sum.len() > 1 && sum.terms.len() <= SHARED {
            self.sums.insert(id, sum);
        }
        id
    }

    /// `coefficient·factor`, the number in the numerator.
    fn scaled(&mut self, coefficient: f64, factor: ExprId) -> ExprId {
        let number = self.graph.constant(coefficient);
        match self.graph.node(factor) {
            Node::Binary(Binary::Div, a, b) => {
                let numerator = self.graph.mul(number, a);
                self.graph.div(numerator, b)
            }
            // 0*x must stay, x may be undefined; the constructor keeps it.
            _ => self.graph.mul(number, factor),
        }
    }

    pub(super) fn write_product(&mut self, product: Product) -> ExprId {
        let Product { coefficient, above, divisor, below } = product;
        let (mut above, mut below) = (merged(above), merged(below));
        self.cancel(&mut above, &mut below);
        let product = Product { coefficient, above, divisor, below };
        let numerator = self.write_powers(&product.above);
        let denominator = self.write_powers(&product.below);
        let number = (divisor != 1.0).then(|| self.graph.constant(divisor));
        let denominator = match (number, denominator) {
            (Some(number), Some(powers)) => Some(self.graph.mul(number, powers)),
            (number, powers) => number.or(powers),
        };
        let numerator = match numerator {
            Some(powers) => {
                let number = self.graph.constant(coefficient);
                self.graph.mul(number, powers)
            }
            None => self.graph.constant(coefficient),
        };
        let id = match denominator {
            Some(denominator) => self.graph.div(numerator, denominator),
            None => numerator,
        };
        let factors = product.above.len() + product.below.len();
        let is_its_base = product.above == [(id, 1)];
        if factors <= SHARED && !is_its_base {
            self.products.insert(id, product);
        }
        id
    }

    /// Takes out factors that stand above and below and are never zero.
    fn cancel(&mut self, above: &mut Vec<(ExprId, u32)>, below: &mut Vec<(ExprId, u32)>) {
        if above.is_empty() || below.is_empty() {
            return;
        }
        for (base, n) in above.iter_mut() {
            let nonzero = matches!(self.graph.node(*base), Node::Unary(Unary::Exp | Unary::Cosh, _));
            if nonzero
                && self.is_total(*base)
                && let Ok(at) = below.binary_search_by_key(base, |&(base, _)| base)
            {
                let common = (*n).min(below[at].1);
                *n -= common;
                below[at].1 -= common;
            }
        }
        above.retain(|&(_, n)| n > 0);
        below.retain(|&(_, n)| n > 0);
    }

    fn write_powers(&mut self, powers: &[(ExprId, u32)]) -> Option<ExprId> {
        let mut product = None;
        for &(base, n) in powers {
            let power = self.graph.powi(base, n as i32);
            product = Some(match product {
                None => power,
                Some(product) => self.graph.mul(product, power),
            });
        }
        product
    }

    /// Is zero times this zero for every argument?
    fn vanishes(&mut self, product: &Product) -> bool {
        product.below.is_empty() && product.divisor != 0.0 && product.above.iter().all(|&(base, _)| self.is_total(base))
    }

    /// Is `id` a number for every real value of its names, overflow apart?
    pub(super) fn is_total(&mut self, id: ExprId) -> bool {
        if let Some(&total) = self.total.get(&id) {
            return total;
        }
        let mut waiting = vec![id];
        while let Some(&id) = waiting.last() {
            let unknown: Vec<ExprId> = self.graph.arguments(id).filter(|x| !self.total.contains_key(x)).collect();
            if !unknown.is_empty() {
                waiting.extend(unknown);
                continue;
            }
            let arguments = self.graph.arguments(id).all(|x| self.total[&x]);
            let own = match self.graph.node(id) {
                Node::Constant(value) => value.is_finite(),
                Node::Symbol(_) => true,
                Node::Unary(op, _) => op.is_total(),
                Node::Binary(Binary::Div, _, b) => self.graph.constant_value(b).is_some_and(|b| b != 0.0),
                Node::Binary(Binary::Pow, _, b) => {
                    self.graph.constant_value(b).is_some_and(|b| b >= 0.0 && b.fract() == 0.0)
                }
                Node::Binary(..) => true,
            };
            self.total.insert(id, arguments && own);
            waiting.pop();
        }
        self.total[&id]
    }

    /// `-id`, if `id` is written with a minus in front.
    pub(super) fn without_minus(&mut self, id: ExprId) -> Option<ExprId> {
        match self.graph.node(id) {
            Node::Unary(Unary::Neg, x) => Some(x),
            Node::Binary(op @ (Binary::Mul | Binary::Div), a, b) => {
                let value = self.graph.constant_value(a).filter(|&value| value < 0.0)?;
                let positive = self.graph.constant(-value);
                Some(self.graph.binary(op, positive, b))
            }
            _ => None,
        }
    }

    /// A node that may have turned out to be a number.
    pub(super) fn reopened(&self, id: ExprId) -> Form {
        match self.graph.constant_value(id) {
            Some(value) if value.is_finite() => Form::Sum(Sum::number(value)),
            _ => Form::Done(id),
        }
    }
}

/// Sorted by base, exponents of one base added up as far as they may grow.
fn merged(mut powers: Vec<(ExprId, u32)>) -> Vec<(ExprId, u32)> {
    powers.sort_by_key(|&(base, _)| base);
    let mut list: Vec<(ExprId, u32)> = Vec::with_capacity(powers.len());
    for (base, n) in powers {
        match list.last_mut() {
            Some((last, m)) if *last == base && m.saturating_add(n) <= LARGEST_EXPONENT => *m += n,
            _ => list.push((base, n)),
        }
    }
    list
}
