//! Terms of partial differential equations: a monomial of the fields times a derivative.

use super::grid::{AXIS_NAMES, MOST_AXES};
use vecfield_expr::{ExprId, Graph};

/// Orders of a derivative along each coordinate.
pub(super) type Orders = [usize; MOST_AXES];

/// A candidate: `u^a v^b ..` times, where there is one, `(∂ᵏ u)^power`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PdeTerm {
    key: String,
    /// Exponents of the fields.
    pub(super) exponents: Vec<usize>,
    pub(super) derivative: Option<Derivative>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Derivative {
    pub(super) field: usize,
    pub(super) orders: Orders,
    pub(super) power: usize,
}

/// How a term stands in the weak form.
pub(super) enum Weak {
    /// The derivative of `factor` times the monomial: it goes to the test function, with the sign of its order in `factor`.
    Conservative { orders: Orders, factor: f64, exponents: Vec<usize> },
    /// Its values, from the smoothed field.
    Direct,
}

impl PdeTerm {
    fn new(names: &[String], exponents: Vec<usize>, derivative: Option<Derivative>) -> Self {
        let power = |name: &str, k: usize| if k == 1 { name.to_string() } else { format!("{name}^{k}") };
        let monomial = names.iter().zip(&exponents).filter(|(_, k)| **k > 0).map(|(name, &k)| power(name, k));
        let derived = derivative.map(|d| power(&symbol(&names[d.field], d.orders), d.power));
        let factors: Vec<String> = monomial.chain(derived).collect();
        let key = if factors.is_empty() { "1".to_string() } else { factors.join("*") };
        Self { key, exponents, derivative }
    }

    /// Its name in results: `u*u_x`, `u_xx`.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn formula(&self, names: &[String], graph: &mut Graph) -> ExprId {
        let mut factors = Vec::new();
        let mut push = |graph: &mut Graph, name: &str, k: usize| {
            let symbol = graph.symbol(name);
            factors.push(if k == 1 { symbol } else { graph.powi(symbol, k as i32) });
        };
        for (name, &k) in names.iter().zip(&self.exponents).filter(|(_, k)| **k > 0) {
            push(graph, name, k);
        }
        if let Some(d) = self.derivative {
            push(graph, &symbol(&names[d.field], d.orders), d.power);
        }
        graph.product(factors)
    }

    /// Field, derivative and power of every factor.
    pub(super) fn smooth_powers(&self) -> Vec<(usize, Orders, usize)> {
        let plain = self.exponents.iter().enumerate().filter(|(_, k)| **k > 0).map(|(f, &k)| (f, Orders::default(), k));
        plain.chain(self.derivative.map(|d| (d.field, d.orders, d.power))).collect()
    }

    /// What the smoothed fields must give for it.
    pub(super) fn smooth_factors(&self) -> Vec<(usize, Orders)> {
        match self.weak() {
            Weak::Direct => self.smooth_powers().into_iter().map(|(field, orders, _)| (field, orders)).collect(),
            Weak::Conservative { .. } => Vec::new(),
        }
    }

    pub(super) fn weak(&self) -> Weak {
        let Some(Derivative { field, orders, power }) = self.derivative else {
            let exponents = self.exponents.clone();
            return Weak::Conservative { orders: Orders::default(), factor: 1.0, exponents };
        };
        let order: usize = orders.iter().sum();
        let alone = self.exponents.iter().enumerate().all(|(f, &k)| f == field || k == 0);
        let of_itself = self.exponents[field];
        if power == 1 && alone && (of_itself == 0 || order == 1) {
            let mut exponents = self.exponents.clone();
            exponents[field] += 1;
            let sign = if order.is_multiple_of(2) { 1.0 } else { -1.0 };
            return Weak::Conservative { orders, factor: sign / (of_itself + 1) as f64, exponents };
        }
        Weak::Direct
    }
}

fn symbol(name: &str, orders: Orders) -> String {
    let along = |(axis, order): (&&str, usize)| axis.repeat(order);
    format!("{name}_{}", AXIS_NAMES.iter().zip(orders).map(along).collect::<String>())
}

/// The derivatives of total order `order` along `axes` coordinates: `xx`, `xy`, `yy`.
fn derivatives(axes: usize, order: usize) -> Vec<Orders> {
    let mut all: Vec<Orders> = monomials(axes, order)
        .into_iter()
        .filter(|orders| orders.iter().sum::<usize>() == order)
        .map(|orders| core::array::from_fn(|a| orders.get(a).copied().unwrap_or(0)))
        .collect();
    all.sort_by(|a, b| b.cmp(a));
    all
}

/// Monomials up to `degree`; with a derivative up to `order` along `axes` coordinates as one factor of the degree; squares of first derivatives.
pub(super) fn library(names: &[String], axes: usize, degree: usize, order: usize) -> Vec<PdeTerm> {
    let monomials = monomials(names.len(), degree);
    let mut terms: Vec<PdeTerm> = monomials.iter().map(|m| PdeTerm::new(names, m.clone(), None)).collect();
    let lower: Vec<&Vec<usize>> = monomials.iter().filter(|m| m.iter().sum::<usize>() < degree).collect();
    for orders in (1..=order).flat_map(|order| derivatives(axes, order)) {
        for field in 0..names.len() {
            let derivative = Some(Derivative { field, orders, power: 1 });
            terms.extend(lower.iter().map(|m| PdeTerm::new(names, (*m).clone(), derivative)));
        }
    }
    if degree >= 2 && order >= 1 {
        for orders in derivatives(axes, 1) {
            let square = |field| Some(Derivative { field, orders, power: 2 });
            terms.extend((0..names.len()).map(|field| PdeTerm::new(names, vec![0; names.len()], square(field))));
        }
    }
    terms
}

/// Exponents of total degree up to `degree`, by rising degree.
fn monomials(fields: usize, degree: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![vec![]];
    for _ in 0..fields {
        all = all
            .into_iter()
            .flat_map(|head| {
                let left = degree - head.iter().sum::<usize>();
                (0..=left).map(move |k| head.iter().copied().chain([k]).collect())
            })
            .collect();
    }
    all.sort_by_key(|m: &Vec<usize>| m.iter().sum::<usize>());
    all
}
