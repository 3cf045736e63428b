//! [`Graph`]: formulas as a graph in which every distinct sub-expression exists once.
//!
//! Nodes are appended after their arguments, so the order of ids is a topological order: whatever is worked out over a
//! formula is one pass over its ids, with no recursion, however long or deep the formula is.

use std::collections::{BinaryHeap, HashMap};

use crate::op::{Binary, Unary, power};

/// An expression in a [`Graph`]. Equal ids are equal expressions; an id means nothing in another graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub(crate) u32);

/// What an [`ExprId`] stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node {
    /// A number.
    Constant(f64),
    /// A named quantity.
    Symbol(SymbolId),
    /// An operation on one expression.
    Unary(Unary, ExprId),
    /// An operation on two expressions.
    Binary(Binary, ExprId, ExprId),
}

/// A name in a [`Graph`]; [`Graph::name`] spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SymbolId(u32);

/// An arena of expressions with shared sub-expressions.
///
/// ```
/// use vecfield_expr::Graph;
///
/// let mut graph = Graph::new();
/// let (x, y) = (graph.symbol("x"), graph.symbol("y"));
/// let product = graph.mul(x, y);
/// assert_eq!(graph.mul(x, y), product); // the same expression is the same id
/// ```
#[derive(Debug, Clone, Default)]
pub struct Graph {
    nodes: Vec<Key>,
    ids: HashMap<Key, ExprId>,
    names: Vec<String>,
    symbols: HashMap<String, SymbolId>,
}

/// A node with a number by its bits, so that it can be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Constant(u64),
    Symbol(SymbolId),
    Unary(Unary, ExprId),
    Binary(Binary, ExprId, ExprId),
}

impl Graph {
    /// A graph with nothing in it.
    pub fn new() -> Graph {
        Graph::default()
    }

    /// The number of distinct expressions in the graph.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Is there no expression yet?
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What `id` stands for.
    ///
    /// # Panics
    ///
    /// Here and in every method: if `id` was made by another graph and lies beyond the end of this one.
    pub fn node(&self, id: ExprId) -> Node {
        match self.nodes[id.0 as usize] {
            Key::Constant(bits) => Node::Constant(f64::from_bits(bits)),
            Key::Symbol(symbol) => Node::Symbol(symbol),
            Key::Unary(op, x) => Node::Unary(op, x),
            Key::Binary(op, a, b) => Node::Binary(op, a, b),
        }
    }

    /// The name of a symbol.
    pub fn name(&self, symbol: SymbolId) -> &str {
        &self.names[symbol.0 as usize]
    }

    /// The number `id` is, if it is a number.
    pub fn constant_value(&self, id: ExprId) -> Option<f64> {
        match self.node(id) {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The expression that is exactly this node; the constructors below also apply identities such as `x + 0 = x`.
    pub fn intern(&mut self, node: Node) -> ExprId {
        let key = match node {
            Node::Constant(value) => Key::Constant(value.to_bits()),
            Node::Symbol(symbol) => Key::Symbol(symbol),
            Node::Unary(op, x) => Key::Unary(op, x),
            Node::Binary(op, a, b) => Key::Binary(op, a, b),
        };
        let next = u32::try_from(self.nodes.len()).expect("memory ends before four thousand million nodes");
        let id = *self.ids.entry(key).or_insert(ExprId(next));
        if id.0 == next {
            self.nodes.push(key);
        }
        id
    }

    /// The number `value`.
    pub fn constant(&mut self, value: f64) -> ExprId {
        self.intern(Node::Constant(value))
    }

    /// The quantity called `name`. Any text is taken here; only a [valid name](crate::check_name) can be parsed back.
    pub fn symbol(&mut self, name: &str) -> ExprId {
        let symbol = match self.symbols.get(name) {
            Some(&symbol) => symbol,
            None => {
                let symbol = SymbolId(self.names.len() as u32);
                self.names.push(name.to_owned());
                self.symbols.insert(name.to_owned(), symbol);
                symbol
            }
        };
        self.intern(Node::Symbol(symbol))
    }

    /// The symbol called `name`, if any expression ever used it.
    pub fn find_symbol(&self, name: &str) -> Option<SymbolId> {
        self.symbols.get(name).copied()
    }

    /// `-x`.
    pub fn neg(&mut self, x: ExprId) -> ExprId {
        match self.node(x) {
            Node::Constant(value) => self.constant(-value),
            Node::Unary(Unary::Neg, inner) => inner,
            _ => self.intern(Node::Unary(Unary::Neg, x)),
        }
    }

    /// `a + b`, with `x + 0 = x` and sums of numbers worked out.
    pub fn add(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match (self.constant_value(a), self.constant_value(b)) {
            (Some(0.0), _) => b,
            (_, Some(0.0)) => a,
            _ => self.folded(Binary::Add, a, b),
        }
    }

    /// `a - b`, with `x - 0 = x` and differences of numbers worked out.
    pub fn sub(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match (self.constant_value(a), self.constant_value(b)) {
            (Some(0.0), _) => self.neg(b),
            (_, Some(0.0)) => a,
            _ => self.folded(Binary::Sub, a, b),
        }
    }

    /// `a*b`, with `1*x = x`, `-1*x = -x` and products of numbers worked out. `0*x` stays: `x` may be undefined.
    pub fn mul(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match (self.constant_value(a), self.constant_value(b)) {
            (Some(1.0), _) => b,
            (_, Some(1.0)) => a,
            (Some(-1.0), _) => self.neg(b),
            (_, Some(-1.0)) => self.neg(a),
            _ => self.folded(Binary::Mul, a, b),
        }
    }

    /// `a/b`, with `x/1 = x` and finite quotients of numbers worked out.
    pub fn div(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match self.constant_value(b) {
            Some(1.0) => a,
            Some(-1.0) => self.neg(a),
            _ => self.folded(Binary::Div, a, b),
        }
    }

    /// `a^b`, with `x^1 = x`, `x^0 = 1` and finite powers of numbers worked out.
    pub fn pow(&mut self, a: ExprId, b: ExprId) -> ExprId {
        match self.constant_value(b) {
            Some(1.0) => a,
            Some(0.0) => self.constant(1.0),
            _ => self.folded(Binary::Pow, a, b),
        }
    }

    /// `x^n`.
    pub fn powi(&mut self, x: ExprId, n: i32) -> ExprId {
        let exponent = self.constant(f64::from(n));
        self.pow(x, exponent)
    }

    /// The smaller of two.
    pub fn min(&mut self, a: ExprId, b: ExprId) -> ExprId {
        if a == b { a } else { self.folded(Binary::Min, a, b) }
    }

    /// The larger of two.
    pub fn max(&mut self, a: ExprId, b: ExprId) -> ExprId {
        if a == b { a } else { self.folded(Binary::Max, a, b) }
    }

    /// `op(x)`, worked out where `x` is a number and the value finite.
    pub fn unary(&mut self, op: Unary, x: ExprId) -> ExprId {
        if op == Unary::Neg {
            return self.neg(x);
        }
        match self.constant_value(x).map(|value| op.apply(value)) {
            Some(value) if value.is_finite() => self.constant(value),
            _ => self.intern(Node::Unary(op, x)),
        }
    }

    /// `a op b`, by the constructor of that operation.
    pub fn binary(&mut self, op: Binary, a: ExprId, b: ExprId) -> ExprId {
        match op {
            Binary::Add => self.add(a, b),
            Binary::Sub => self.sub(a, b),
            Binary::Mul => self.mul(a, b),
            Binary::Div => self.div(a, b),
            Binary::Pow => self.pow(a, b),
            Binary::Min => self.min(a, b),
            Binary::Max => self.max(a, b),
            Binary::Greater => self.greater(a, b),
            Binary::Cond => self.cond(a, b),
        }
    }

    /// The sum of `terms` from left to right; 0 if there is none.
    pub fn sum(&mut self, terms: impl IntoIterator<Item = ExprId>) -> ExprId {
        let mut terms = terms.into_iter();
        let Some(first) = terms.next() else { return self.constant(0.0) };
        terms.fold(first, |sum, term| self.add(sum, term))
    }

    /// The product of `factors` from left to right; 1 if there is none.
    pub fn product(&mut self, factors: impl IntoIterator<Item = ExprId>) -> ExprId {
        let mut factors = factors.into_iter();
        let Some(first) = factors.next() else { return self.constant(1.0) };
        factors.fold(first, |product, factor| self.mul(product, factor))
    }

    /// `Σ coefficient·expression`, written so that it prints well: no factor 1, `1` for a constant term.
    pub fn linear_combination(&mut self, terms: impl IntoIterator<Item = (f64, ExprId)>) -> ExprId {
        let terms: Vec<ExprId> = terms
            .into_iter()
            .map(|(coefficient, term)| {
                let coefficient = self.constant(coefficient);
                self.mul(coefficient, term)
            })
            .collect();
        self.sum(terms)
    }

    /// The arguments of `id`, in order.
    pub fn arguments(&self, id: ExprId) -> impl Iterator<Item = ExprId> + use<> {
        let (first, second) = match self.node(id) {
            Node::Constant(_) | Node::Symbol(_) => (None, None),
            Node::Unary(_, x) => (Some(x), None),
            Node::Binary(_, a, b) => (Some(a), Some(b)),
        };
        first.into_iter().chain(second)
    }

    /// Every expression that `roots` are made of, themselves included: each once, arguments before what uses them.
    pub fn reachable(&self, roots: &[ExprId]) -> Reachable {
        // Ids leave the heap in falling order and every argument is below its user, so copies of an id are neighbours.
        let mut heap: BinaryHeap<ExprId> = roots.iter().copied().collect();
        let mut ids = Vec::new();
        while let Some(id) = heap.pop() {
            if ids.last() != Some(&id) {
                ids.push(id);
                heap.extend(self.arguments(id));
            }
        }
        ids.reverse();
        Reachable { ids }
    }

    /// The names `id` depends on, in the order in which the graph met them.
    pub fn symbols(&self, id: ExprId) -> Vec<SymbolId> {
        let mut symbols: Vec<SymbolId> = (self.reachable(&[id]).ids.iter())
            .filter_map(|&id| match self.node(id) {
                Node::Symbol(symbol) => Some(symbol),
                _ => None,
            })
            .collect();
        symbols.sort_unstable();
        symbols
    }

    /// The number of nodes of `id` written out as a tree, without sharing, `if` being one; saturates.
    pub fn complexity(&self, id: ExprId) -> usize {
        let order = self.reachable(&[id]);
        let mut sizes: Vec<usize> = Vec::with_capacity(order.len());
        for &id in order.ids() {
            let of = |size: usize, x: ExprId| size.saturating_add(sizes[order.position(x)]);
            sizes.push(match self.as_choice(id) {
                Some(parts) => parts.into_iter().fold(1, of),
                None => self.arguments(id).fold(1, of),
            });
        }
        sizes[order.position(id)]
    }

    /// `id` with each expression on the left of `replacements` replaced by the one on its right, all at once.
    pub fn substitute(&mut self, id: ExprId, replacements: &[(ExprId, ExprId)]) -> ExprId {
        let replacements: HashMap<ExprId, ExprId> = replacements.iter().copied().collect();
        let order = self.reachable(&[id]);
        let mut images: Vec<ExprId> = Vec::with_capacity(order.len());
        for &id in order.ids() {
            let image = match (replacements.get(&id), self.node(id)) {
                (Some(&replacement), _) => replacement,
                (None, Node::Constant(_) | Node::Symbol(_)) => id,
                (None, Node::Unary(op, x)) => {
                    let image = images[order.position(x)];
                    if image == x { id } else { self.unary(op, image) }
                }
                (None, Node::Binary(op, a, b)) => {
                    let (image_a, image_b) = (images[order.position(a)], images[order.position(b)]);
                    if (image_a, image_b) == (a, b) { id } else { self.binary(op, image_a, image_b) }
                }
            };
            images.push(image);
        }
        images[order.position(id)]
    }

    /// The node itself, or the number it is if both arguments are numbers and the value is finite.
    pub(crate) fn folded(&mut self, op: Binary, a: ExprId, b: ExprId) -> ExprId {
        if let (Some(x), Some(y)) = (self.constant_value(a), self.constant_value(b)) {
            let value = if op == Binary::Pow { power(x, y) } else { op.apply(x, y) };
            if value.is_finite() {
                return self.constant(value);
            }
        }
        self.intern(Node::Binary(op, a, b))
    }
}

/// The expressions some roots are made of, arguments before what uses them; made by [`Graph::reachable`].
#[derive(Debug, Clone)]
pub struct Reachable {
    ids: Vec<ExprId>,
}

impl Reachable {
    /// The ids, rising.
    pub fn ids(&self) -> &[ExprId] {
        &self.ids
    }

    /// How many there are: the size of the formula with sharing.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Where `id` stands in [`ids`](Reachable::ids).
    ///
    /// # Panics
    ///
    /// If it is not among them.
    pub fn position(&self, id: ExprId) -> usize {
        self.ids.binary_search(&id).expect("an argument of a reachable expression is reachable")
    }
}
