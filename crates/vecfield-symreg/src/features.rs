//! Every small expression, once: built from smaller ones level by level, and told apart by its values.

mod formula;
mod pieces;

use std::collections::HashMap;

pub(crate) use formula::Thresholds;
use vecfield_expr::{Binary, Unary};
use vecfield_kernels::VectorMath;

use crate::operators::Operators;
use crate::rules::{Built, Rules};
use crate::units::{Dimension, Dimensions, Disagrees};

/// How a feature is made of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    Variable(u32),
    Constant(f64),
    Unary(Unary, u32),
    Binary(Binary, u32, u32),
}

/// Expressions with their values at a sample of rows; those of one value are kept once, the smallest.
#[derive(Debug, Clone)]
pub(crate) struct Features {
    rows: usize,
    shapes: Vec<Shape>,
    sizes: Vec<u8>,
    /// What each takes to describe: functions more than sums and products.
    costs: Vec<u16>,
    /// `[features, rows]`.
    values: Vec<f64>,
    allowed: Allowed,
    /// Where the variables' are known.
    units: Vec<Dimension>,
    /// Where there are rules.
    built: Vec<Built>,
    range: Range,
    /// By the fingerprints of their values.
    seen: HashMap<u64, u32>,
    limit: usize,
    scratch: Vec<f64>,
}

/// What expressions are kept.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    /// How many functions stand inside each other at the most.
    pub(crate) nesting: usize,
    /// What variables are measured in, where that is known.
    pub(crate) dimensions: Option<Dimensions>,
    pub(crate) rules: Rules,
}

/// What an expression is measured in, and how it is built.
struct Kind {
    unit: Dimension,
    built: Built,
}

/// Values beyond this are of no use, as no rounding error of a sum with them is small; unless the cube of a variable is.
const LARGEST: f64 = 1e9;
/// What varies by less than ten digits of this is rounding of something larger; unless the cube of a variable, times a thousand, is less.
const SMALLEST: f64 = 1e-6;

/// The sizes of values that are of use.
#[derive(Debug, Clone, Copy)]
struct Range {
    smallest: f64,
    largest: f64,
}

impl Range {
    /// Masses of planets are large, and charges of electrons small.
    fn of(columns: &[Vec<f64>]) -> Range {
        let heights = columns.iter().map(|column| column.iter().fold(0.0_f64, |most, x| most.max(x.abs())));
        let (least, most) = heights
            .filter(|height| *height > 0.0)
            .fold((1.0_f64, 1.0_f64), |(least, most), height| (least.min(height), most.max(height)));
        Range { smallest: SMALLEST.min(1e3 * least.powi(3)), largest: LARGEST.max(most.powi(3)) }
    }
}

impl Features {
    /// The variables alone, given their values at the rows; at most `limit` expressions will be kept, and only those that are allowed.
    pub(crate) fn of(columns: &[Vec<f64>], limit: usize, allowed: Allowed) -> Features {
        let rows = columns.first().map_or(0, Vec::len);
        let mut features = Features {
            rows,
            shapes: Vec::new(),
            sizes: Vec::new(),
            costs: Vec::new(),
            values: Vec::new(),
            allowed,
            units: Vec::new(),
            built: Vec::new(),
            range: Range::of(columns),
            seen: HashMap::new(),
            limit,
            scratch: vec![0.0; rows],
        };
        for (i, column) in columns.iter().enumerate() {
            features.scratch.copy_from_slice(column);
            features.keep_leaf(Shape::Variable(i as u32));
        }
        features
    }

    /// Back to the variables alone, with room for another number of expressions.
    pub(crate) fn restart(&mut self, limit: usize) {
        *self = Features::of(&self.columns(), limit, self.allowed.clone());
    }

    /// The same enumeration whatever the units are.
    pub(crate) fn without_units(&self, limit: usize) -> Features {
        Features::of(&self.columns(), limit, Allowed { dimensions: None, ..self.allowed.clone() })
    }

    fn columns(&self) -> Vec<Vec<f64>> {
        let variables = self.shapes.iter().take_while(|shape| matches!(shape, Shape::Variable(_))).count();
        (0..variables as u32).map(|i| self.values(i).to_vec()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.shapes.len()
    }

    pub(crate) fn size(&self, i: u32) -> usize {
        self.sizes[i as usize].into()
    }

    /// What it takes to describe.
    pub(crate) fn cost(&self, i: u32) -> usize {
        self.costs[i as usize].into()
    }

    fn described(&self, shape: Shape) -> u16 {
        let of = |i: u32| self.cost(i);
        let cost = match shape {
            Shape::Variable(_) => 2,
            Shape::Constant(_) => 3,
            Shape::Unary(_, x) => of(x) + FUNCTION,
            Shape::Binary(Binary::Pow, x, n) if !self.varies(n) => of(x) + power_cost(self.values(n)[0]),
            Shape::Binary(Binary::Div, one, x) if !self.varies(one) => of(x) + 2,
            // Where a piece begins is searched, not written.
            Shape::Binary(Binary::Greater, x, t) | Shape::Binary(Binary::Greater, t, x) if !self.varies(t) => of(x) + 3,
            Shape::Binary(Binary::Cond, condition, x) if self.is_way_from(condition, x) => of(condition) + 3,
            Shape::Binary(Binary::Cond, condition, x) => of(condition) + of(x) + 1,
            Shape::Binary(op, a, b) => of(a) + of(b) + binary_cost(op),
        };
        cost.min(u16::MAX.into()) as u16
    }

    pub(crate) fn shape(&self, i: u32) -> Shape {
        self.shapes[i as usize]
    }

    pub(crate) fn values(&self, i: u32) -> &[f64] {
        &self.values[i as usize * self.rows..][..self.rows]
    }

    /// What it is measured in.
    pub(crate) fn unit(&self, i: u32) -> Dimension {
        self.units.get(i as usize).copied().flatten()
    }

    fn unit_of(&self, shape: Shape) -> Result<Dimension, Disagrees> {
        let Some(dimensions) = &self.allowed.dimensions else { return Ok(None) };
        match shape {
            Shape::Variable(v) => Ok(dimensions.variable(v)),
            Shape::Constant(value) => Ok(dimensions.number(value)),
            Shape::Unary(op, x) => dimensions.unary(op, self.unit(x)),
            Shape::Binary(op, a, b) => {
                let number = (!self.varies(b)).then(|| self.values(b)[0]);
                dimensions.binary(op, self.unit(a), self.unit(b), number)
            }
        }
    }

    fn built_of(&self, shape: Shape) -> Option<Built> {
        let rules = &self.allowed.rules;
        if rules.is_empty() {
            return Some(Built::LEAF);
        }
        let of = |i: u32| self.built[i as usize];
        match shape {
            Shape::Variable(_) | Shape::Constant(_) => Some(Built::LEAF),
            Shape::Unary(op, x) => rules.unary(op, of(x)),
            Shape::Binary(op, a, b) => rules.binary(op, of(a), of(b)),
        }
    }

    /// `None` for what is not allowed.
    fn kind_of(&self, shape: Shape) -> Option<Kind> {
        Some(Kind { unit: self.unit_of(shape).ok()?, built: self.built_of(shape)? })
    }

    /// Does it take more than one value?
    pub(crate) fn varies(&self, i: u32) -> bool {
        !matches!(self.shape(i), Shape::Constant(_))
    }

    /// Adds expressions from the cheapest up, to the limit.
    pub(crate) fn enumerate(&mut self, operators: &Operators) {
        for &constant in operators.constants() {
            self.constant(constant);
        }
        let mut begin = 0;
        for cost in 3..=COSTLIEST {
            let mut by_cost: Vec<Vec<u32>> = vec![Vec::new(); cost];
            (0..self.len() as u32).filter(|&i| self.cost(i) < cost).for_each(|i| by_cost[self.cost(i)].push(i));
            let of = |cost: usize| by_cost.get(cost).cloned().unwrap_or_default();
            for x in of(cost - FUNCTION) {
                for &op in operators.unary() {
                    self.unary(op, x);
                }
            }
            for &n in operators.powers() {
                for x in of(cost.saturating_sub(power_cost(n))) {
                    self.power(x, n);
                }
            }
            for &op in operators.binary() {
                let own = binary_cost(op);
                for left in 2..cost.saturating_sub(own + 1) {
                    for (a, b) in pairs(&of(left), &of(cost - own - left)) {
                        self.binary(op, a, b);
                    }
                }
            }
            if self.is_full() || (self.len() == begin && cost > 8) {
                return;
            }
            begin = self.len();
        }
    }

    /// Adds `op(x)`; the place of that, or of what has its values.
    pub(crate) fn unary(&mut self, op: Unary, x: u32) -> Option<u32> {
        // Functions within functions within functions are not what laws are made of, and there are too many of them.
        if self.is_full()
            || !self.varies(x)
            || self.depth_of_functions(x) >= self.allowed.nesting
            || is_undone(op, self.shape(x))
        {
            return None;
        }
        let kind = self.kind_of(Shape::Unary(op, x))?;
        let mut out = std::mem::take(&mut self.scratch);
        out.copy_from_slice(self.values(x));
        apply(op, &mut out);
        self.scratch = out;
        self.keep(Shape::Unary(op, x), kind, self.size(x) + 1)
    }

    fn power(&mut self, x: u32, n: f64) {
        if self.is_full() || !self.varies(x) || matches!(self.shape(x), Shape::Binary(Binary::Pow, ..)) {
            return;
        }
        let exponent = self.constant(n);
        let _ = self.combine(Binary::Pow, x, exponent, self.size(x) + 1);
    }

    /// Adds `op(a, b)`; the place of that, or of what has its values.
    pub(crate) fn binary(&mut self, op: Binary, a: u32, b: u32) -> Option<u32> {
        if self.is_full() || !(self.varies(a) || self.varies(b)) {
            return None;
        }
        if op == Binary::Pow && !self.values(a).iter().all(|&x| x > 0.0) {
            return None;
        }
        // Comparisons are compared with nothing; where there are any, they are the conditions.
        let compares = |i: u32| matches!(self.shape(i), Shape::Binary(Binary::Greater, ..));
        if op == Binary::Greater && (compares(a) || compares(b)) || op == Binary::Cond && (!compares(a) || compares(b))
        {
            return None;
        }
        if matches!(op, Binary::Add | Binary::Mul) && a > b {
            return self.binary(op, b, a);
        }
        self.combine(op, a, b, self.size(a) + self.size(b) + 1)
    }

    fn combine(&mut self, op: Binary, a: u32, b: u32, size: usize) -> Option<u32> {
        let kind = self.kind_of(Shape::Binary(op, a, b))?;
        let mut out = std::mem::take(&mut self.scratch);
        for ((out, &x), &y) in out.iter_mut().zip(self.values(a)).zip(self.values(b)) {
            *out = op.apply(x, y);
        }
        self.scratch = out;
        self.keep(Shape::Binary(op, a, b), kind, size)
    }

    /// The feature that is this number everywhere.
    pub(crate) fn constant(&mut self, value: f64) -> u32 {
        let known = (0..self.len() as u32).find(|&i| self.shape(i) == Shape::Constant(value));
        known.unwrap_or_else(|| {
            self.scratch.fill(value);
            self.keep_leaf(Shape::Constant(value))
        })
    }

    /// Adds the product of two, powers of one thing as such.
    pub(crate) fn product(&mut self, a: u32, b: u32) -> Option<u32> {
        let ((base, n), (other, m)) = (self.as_power(a), self.as_power(b));
        if base != other {
            return self.binary(Binary::Mul, a, b);
        }
        let exponent = self.constant(n + m);
        self.combine(Binary::Pow, base, exponent, self.size(base) + 1)
    }

    /// As a base and a constant exponent.
    fn as_power(&self, i: u32) -> (u32, f64) {
        match self.shape(i) {
            Shape::Binary(Binary::Pow, base, n) if !self.varies(n) => (base, self.values(n)[0]),
            _ => (i, 1.0),
        }
    }

    /// Is it a product of powers?
    pub(crate) fn is_monomial(&self, i: u32) -> bool {
        match self.shape(i) {
            Shape::Variable(_) | Shape::Constant(_) => true,
            Shape::Unary(..) => false,
            Shape::Binary(op, a, b) => {
                let is_product = matches!(op, Binary::Mul | Binary::Div) || (op == Binary::Pow && !self.varies(b));
                is_product && self.is_monomial(a) && self.is_monomial(b)
            }
        }
    }

    /// Makes room for so many more.
    pub(crate) fn allow(&mut self, more: usize) {
        self.limit = self.len() + more;
    }

    fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    /// How many functions are applied to each other.
    pub(crate) fn depth_of_functions(&self, i: u32) -> usize {
        match self.shape(i) {
            Shape::Variable(_) | Shape::Constant(_) => 0,
            Shape::Unary(_, x) => 1 + self.depth_of_functions(x),
            Shape::Binary(_, a, b) => self.depth_of_functions(a).max(self.depth_of_functions(b)),
        }
    }

    /// Keeps a variable or a number whatever its values are, so that variables are the first features and in their order.
    fn keep_leaf(&mut self, shape: Shape) -> u32 {
        let kind = self.kind_of(shape).expect("variables and numbers are always allowed");
        let key = self.key(kind.unit);
        self.add(shape, kind, 1, key)
    }

    /// Keeps what stands in the scratch, if it is finite, new and no constant in disguise.
    fn keep(&mut self, shape: Shape, Kind { unit, built }: Kind, size: usize) -> Option<u32> {
        let values = &self.scratch;
        if !values.iter().all(|x| x.abs() < self.range.largest) {
            return None;
        }
        let spread = values.iter().fold(0.0_f64, |most, x| most.max((x - values[0]).abs()));
        let height = values.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        if spread <= 1e-10 * height.max(self.range.smallest) {
            return None;
        }
        let key = self.key(unit);
        if let Some(&known) = self.seen.get(&key) {
            // The cheaper of two ways to write it; its operands are cheaper still, so none of them is made of it.
            let cost = self.described(shape);
            if cost < self.costs[known as usize] {
                let at = known as usize;
                (self.shapes[at], self.sizes[at], self.costs[at]) = (shape, size.min(255) as u8, cost);
                if let Some(known) = self.built.get_mut(at) {
                    *known = built;
                }
            }
            return Some(known);
        }
        Some(self.add(shape, Kind { unit, built }, size, key))
    }

    /// What tells the scratch from the values of other features: of two that have the same values in different units both are kept.
    fn key(&self, unit: Dimension) -> u64 {
        unit.iter().flatten().fold(fingerprint(&self.scratch), |hash, exponent| mixed(hash, *exponent))
    }

    /// Adds what stands in the scratch.
    fn add(&mut self, shape: Shape, Kind { unit, built }: Kind, size: usize, key: u64) -> u32 {
        let place = self.shapes.len() as u32;
        self.seen.entry(key).or_insert(place);
        self.shapes.push(shape);
        self.sizes.push(size.min(255) as u8);
        self.costs.push(self.described(shape));
        self.values.extend_from_slice(&self.scratch);
        if self.allowed.dimensions.is_some() {
            self.units.push(unit);
        }
        if !self.allowed.rules.is_empty() {
            self.built.push(built);
        }
        place
    }

    /// Values beyond this are of no use.
    pub(crate) fn largest(&self) -> f64 {
        self.range.largest
    }
}

/// `x_i ← op(x_i)`.
fn apply(op: Unary, x: &mut [f64]) {
    match op.kernel() {
        Some(kernel) => f64::map_in_place(kernel, x),
        None => x.iter_mut().for_each(|x| *x = op.apply(*x)),
    }
}

/// What operations add to the cost of their operands; a variable costs two.
const FUNCTION: usize = 3;

fn power_cost(n: f64) -> usize {
    (n.abs() as usize).clamp(2, 9)
}

fn binary_cost(op: Binary) -> usize {
    match op {
        Binary::Mul | Binary::Div => 1,
        Binary::Pow => 4,
        _ => 3,
    }
}

/// A cost that no enumeration reaches before its limit.
const COSTLIEST: usize = 40;

/// Every pair of the two lists.
fn pairs(a: &[u32], b: &[u32]) -> Vec<(u32, u32)> {
    a.iter().flat_map(|&a| b.iter().map(move |&b| (a, b))).collect()
}

/// Is a function applied to its inverse?
fn is_undone(op: Unary, inner: Shape) -> bool {
    matches!(
        (op, inner),
        (Unary::Exp, Shape::Unary(Unary::Log, _))
            | (Unary::Log, Shape::Unary(Unary::Exp, _))
            | (Unary::Abs, Shape::Unary(Unary::Abs | Unary::Sqrt | Unary::Exp, _))
    )
}

/// Of values to ten digits: the same for expressions that differ by rounding alone.
fn fingerprint(values: &[f64]) -> u64 {
    values.iter().fold(0x2545_f491_4f6c_dd1d, |hash, &x| mixed(hash, x))
}

fn mixed(hash: u64, x: f64) -> u64 {
    let bits = (x + 0.0).to_bits().wrapping_add(1 << 17) >> 18; // + 0.0: no two zeros
    let mut z = (hash ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z ^= z >> 29;
    z
}
