//! [`Simplifier`]: what each operation does to the forms of its arguments.

use std::collections::HashMap;

use super::form::{Form, Product, Sum, Term, safe_product, short_quotient};
use crate::graph::{ExprId, Graph, Node, Reachable};
use crate::op::{Binary, Unary, power};

/// Forms that several nodes read are copied up to this many parts, and written as nodes beyond.
pub(super) const SHARED: usize = 32;

/// Exponents merge up to this size.
pub(super) const LARGEST_EXPONENT: u32 = 1 << 20;

pub(super) struct Simplifier<'a> {
    pub(super) graph: &'a mut Graph,
    /// Multiply out products of sums, to so many terms.
    expand: Option<usize>,
    /// The forms of what was written as nodes, so that it can take part in sums and products again.
    pub(super) sums: HashMap<ExprId, Sum>,
    pub(super) products: HashMap<ExprId, Product>,
    pub(super) total: HashMap<ExprId, bool>,
}

impl<'a> Simplifier<'a> {
    pub(super) fn new(graph: &'a mut Graph, expand: Option<usize>) -> Simplifier<'a> {
        let (sums, products, total) = (HashMap::new(), HashMap::new(), HashMap::new());
        Simplifier { graph, expand, sums, products, total }
    }

    /// The form of `id`.
    pub(super) fn run(&mut self, id: ExprId) -> Form {
        let order = self.graph.reachable(&[id]);
        let mut readers = vec![0_u32; order.len()];
        for &id in order.ids() {
            self.graph.arguments(id).for_each(|x| readers[order.position(x)] += 1);
        }
        readers[order.position(id)] += 1;
        let mut forms = Forms { order, readers, forms: Vec::new() };
        for at in 0..forms.order.len() {
            let form = match self.graph.node(forms.order.ids()[at]) {
                Node::Constant(value) if value.is_finite() => Form::Sum(Sum::number(value)),
                Node::Constant(_) | Node::Symbol(_) => Form::Done(forms.order.ids()[at]),
                Node::Unary(op, x) => {
                    let x = forms.take(self, x);
                    self.unary(op, x)
                }
                Node::Binary(op, a, b) => {
                    let a = forms.take(self, a);
                    let b = forms.take(self, b);
                    self.binary(op, a, b)
                }
            };
            forms.forms.push(form);
        }
        forms.take(self, id)
    }

    fn unary(&mut self, op: Unary, x: Form) -> Form {
        if op == Unary::Neg {
            return self.scale(x, -1.0);
        }
        let x = self.finish(x);
        let (x, sign) = match (op, self.without_minus(x)) {
            (Unary::Cos | Unary::Cosh | Unary::Abs, Some(positive)) => (positive, 1.0),
            (
                Unary::Sin | Unary::Tan | Unary::Asin | Unary::Atan | Unary::Sinh | Unary::Tanh | Unary::Sign,
                Some(positive),
            ) => (positive, -1.0),
            _ => (x, 1.0),
        };
        let value = self.graph.unary(op, x);
        let form = self.reopened(value);
        if sign < 0.0 { self.scale(form, sign) } else { form }
    }

    fn binary(&mut self, op: Binary, a: Form, b: Form) -> Form {
        match op {
            Binary::Add => {
                let (a, b) = (self.sum_from(a), self.sum_from(b));
                Form::Sum(self.add(a, b))
            }
            Binary::Sub => {
                let b = self.scale(b, -1.0);
                let (a, b) = (self.sum_from(a), self.sum_from(b));
                Form::Sum(self.add(a, b))
            }
            Binary::Mul => self.multiply(a, b),
            Binary::Div => self.divide(a, b),
            Binary::Pow => self.raise(a, b),
            Binary::Min | Binary::Max => {
                let (a, b) = (self.finish(a), self.finish(b));
                let value = self.graph.binary(op, a, b);
                self.reopened(value)
            }
            Binary::Greater => {
                let (a, b) = (self.finish(a), self.finish(b));
                if a == b && self.is_total(a) {
                    return Form::Sum(Sum::number(0.0));
                }
                let value = self.graph.greater(a, b);
                self.reopened(value)
            }
            Binary::Cond => {
                let (condition, chosen) = (self.finish(a), self.finish(b));
                let value = self.condition(condition, chosen);
                self.reopened(value)
            }
        }
    }

    /// `cond(condition, chosen)`, which is a comparison itself where it chooses 1.
    fn condition(&mut self, condition: ExprId, chosen: ExprId) -> ExprId {
        let compares = matches!(self.graph.node(condition), Node::Binary(Binary::Greater, ..));
        match self.graph.constant_value(chosen) {
            Some(0.0) if self.is_total(condition) => chosen,
            Some(1.0) if compares => condition,
            Some(1.0) => {
                let zero = self.graph.constant(0.0);
                self.graph.greater(condition, zero)
            }
            _ => self.graph.cond(condition, chosen),
        }
    }

    pub(super) fn add(&mut self, mut a: Sum, mut b: Sum) -> Sum {
        // The smaller goes into the larger, so that a long chain is linear on either side; writing sorts anyway.
        if a.terms.len() < b.terms.len() {
            core::mem::swap(&mut a, &mut b);
        }
        a.terms.append(&mut b.terms);
        match a.constant.plus(b.constant) {
            Some(constant) => a.constant = constant,
            None => {
                let number = self.graph.constant(b.constant.value());
                a.terms.push(Term::new(number, 1.0));
            }
        }
        a
    }

    pub(super) fn scale(&mut self, form: Form, by: f64) -> Form {
        let form = match form {
            // A larger factor would drown what the terms' cancelling leaves; a sign need not wait for that.
            Form::Sum(sum) if by.abs() != 1.0 => Form::Sum(self.collect(sum)),
            form => form,
        };
        if let Form::Sum(sum) = &form
            && let Some(scaled) = sum.scaled(by)
        {
            return Form::Sum(scaled);
        }
        let product = self.product_from(form);
        Form::Product(self.times(product, Product::number(by)))
    }

    fn multiply(&mut self, a: Form, b: Form) -> Form {
        for (number, other) in [(&a, &b), (&b, &a)] {
            if let Form::Sum(sum) = number
                && let Some(value) = sum.as_number()
                && (value.abs() == 1.0 || self.expand.is_some())
            {
                return self.scale(other.clone(), value);
            }
        }
        if let Some(limit) = self.expand {
            let (a, b) = (self.collected(a), self.collected(b));
            if a.len() * b.len() <= limit {
                return Form::Sum(self.distribute(&a, &b));
            }
            return self.multiply_products(Form::Sum(a), Form::Sum(b));
        }
        self.multiply_products(a, b)
    }

    fn multiply_products(&mut self, a: Form, b: Form) -> Form {
        let (a, b) = (self.product_from(a), self.product_from(b));
        Form::Product(self.times(a, b))
    }

    /// Every summand of `a` times every one of `b`, both collected.
    fn distribute(&mut self, a: &Sum, b: &Sum) -> Sum {
        let products = |sum: &Sum, this: &mut Self| -> Vec<Product> {
            let constant = sum.constant.value();
            let constant = (constant != 0.0 || sum.terms.is_empty()).then(|| Product::number(constant));
            let terms: Vec<Product> =
                sum.terms.iter().map(|term| this.product_of(term.factor, term.coefficient.value())).collect();
            terms.into_iter().chain(constant).collect()
        };
        let (left, right) = (products(a, self), products(b, self));
        let mut sum = Sum::default();
        for p in &left {
            for q in &right {
                let product = self.times(p.clone(), q.clone());
                let summand = self.sum_from(Form::Product(product));
                sum = self.add(sum, summand);
            }
        }
        self.collect(sum)
    }

    fn divide(&mut self, a: Form, b: Form) -> Form {
        let divisor = self.product_from(b);
        if divisor.coefficient == 0.0 {
            let inverse = self.keep_zero_divisor(divisor);
            return self.multiply(a, Form::Product(inverse));
        }
        let Product { coefficient, above, divisor, below } = divisor;
        let inverse = Product { coefficient: divisor, above: below, divisor: coefficient, below: above };
        let inverse = normalised(inverse);
        match self.expand {
            Some(_) => self.multiply(a, Form::Product(inverse)),
            None => self.multiply_products(a, Form::Product(inverse)),
        }
    }

    /// One over something that is zero: it stays a division by it.
    fn keep_zero_divisor(&mut self, divisor: Product) -> Product {
        let zero = self.write_product(divisor);
        Product { below: vec![(zero, 1)], ..Product::number(1.0) }
    }

    fn raise(&mut self, a: Form, b: Form) -> Form {
        let exponent = self.finish(b);
        let Some(value) = self.graph.constant_value(exponent) else {
            let base = self.finish(a);
            let power = self.graph.pow(base, exponent);
            return self.reopened(power);
        };
        let integral = value.fract() == 0.0 && value.abs() <= f64::from(LARGEST_EXPONENT);
        if !integral {
            let base = self.finish(a);
            let power = self.graph.pow(base, exponent);
            return self.reopened(power);
        }
        let n = value.abs() as u32;
        if n == 0 {
            // x^0 is 1 for every x, NaN too.
            return Form::Sum(Sum::number(1.0));
        }
        if let (Some(limit), true) = (self.expand, value > 0.0) {
            let sum = self.collected(a);
            return match self.expanded_power(&sum, n, limit) {
                Some(power) => Form::Sum(power),
                None => self.raise_product(Form::Sum(sum), n, false),
            };
        }
        self.raise_product(a, n, value < 0.0)
    }

    fn expanded_power(&mut self, sum: &Sum, n: u32, limit: usize) -> Option<Sum> {
        if sum.len() <= 1 {
            return None;
        }
        let mut power = sum.clone();
        for _ in 1..n {
            if power.len() * sum.len() > limit {
                return None;
            }
            power = self.distribute(&power, sum);
        }
        Some(power)
    }

    fn raise_product(&mut self, a: Form, n: u32, inverse: bool) -> Form {
        let product = self.product_from(a);
        let fits = product.above.iter().chain(&product.below).all(|&(_, m)| m.saturating_mul(n) <= LARGEST_EXPONENT);
        let numbers = [product.coefficient, product.divisor].map(|c| (c, power(c, f64::from(n))));
        let sound = numbers.iter().all(|&(c, p)| p.is_finite() && (p.abs() >= f64::MIN_POSITIVE || c == 0.0));
        if !(fits && sound) || product.coefficient == 0.0 {
            let base = self.finish(Form::Product(product));
            if self.graph.constant_value(base).is_some() && !inverse {
                let power = self.graph.powi(base, n as i32);
                return self.reopened(power);
            }
            let above = vec![(base, n)];
            return Form::Product(if inverse {
                Product { below: above, ..Product::number(1.0) }
            } else {
                Product { above, ..Product::number(1.0) }
            });
        }
        let times = |list: Vec<(ExprId, u32)>| list.into_iter().map(|(base, m)| (base, m * n)).collect();
        let (above, below) = (times(product.above), times(product.below));
        let [(_, coefficient), (_, divisor)] = numbers;
        Form::Product(if inverse {
            normalised(Product { coefficient: divisor, above: below, divisor: coefficient, below: above })
        } else {
            Product { coefficient, above, divisor, below }
        })
    }

    pub(super) fn times(&mut self, mut a: Product, mut b: Product) -> Product {
        if a.above.len() + a.below.len() < b.above.len() + b.below.len() {
            core::mem::swap(&mut a, &mut b);
        }
        a.above.append(&mut b.above);
        a.below.append(&mut b.below);
        match safe_product(a.coefficient, b.coefficient) {
            Some(coefficient) => a.coefficient = coefficient,
            None => a.above.push((self.graph.constant(b.coefficient), 1)),
        }
        match safe_product(a.divisor, b.divisor) {
            Some(divisor) => a.divisor = divisor,
            None => a.below.push((self.graph.constant(b.divisor), 1)),
        }
        normalised(a)
    }
}

/// The forms made so far, each handed on to the nodes that read it.
struct Forms {
    order: Reachable,
    readers: Vec<u32>,
    forms: Vec<Form>,
}

impl Forms {
    /// The form of `id` for one of its readers: the last gets the form itself, others a copy.
    fn take(&mut self, simplifier: &mut Simplifier<'_>, id: ExprId) -> Form {
        let at = self.order.position(id);
        self.readers[at] -= 1;
        if self.readers[at] > 0 && self.forms[at].size() <= SHARED {
            return self.forms[at].clone();
        }
        let form = core::mem::replace(&mut self.forms[at], Form::Done(id));
        if self.readers[at] == 0 {
            return form;
        }
        let done = simplifier.finish(form);
        self.forms[at] = Form::Done(done);
        Form::Done(done)
    }
}

/// The numbers of a product as one, where that needs few digits.
fn normalised(mut product: Product) -> Product {
    if product.divisor != 1.0
        && let Some(quotient) = short_quotient(product.coefficient, product.divisor)
    {
        product.coefficient = quotient;
        product.divisor = 1.0;
    }
    product
}
