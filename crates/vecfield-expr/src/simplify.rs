//! [`simplify`](Graph::simplify), [`expand`](Graph::expand) and [`terms`](Graph::terms): formulas as sums of products.
//!
//! Going up the graph, every node is held as a [`Sum`] `c₀ + Σ cᵢ mᵢ` or a [`Product`] `c Π bⁿ / (d Π bⁿ)` for as long as
//! possible; like terms and like factors meet when a form is written back as nodes. What keeps values and domain:
//!
//! * `x/x`, `x - x` and `0*x` go away only where `x` is a number for every real argument (no division, root, logarithm)
//!   and, for `x/x`, never zero; so `x/x`, `0*log(x)`, `log(x) - log(x)` stay as they are.
//! * Powers merge (`x^2*x^3 = x^5`) where both exponents are integers of one sign. `sqrt(x)^2` stays, it is no `x`.
//! * Numbers are put together unless the result would overflow or vanish.
//!
//! So wherever the original is finite the result is the same up to rounding, provided no intermediate result overflows;
//! and where the original is NaN for a division by zero or a root or logarithm of a negative number, the result is too.

mod form;
mod rules;
mod write;

use crate::graph::{ExprId, Graph};
use form::Sum;
use rules::Simplifier;

/// How many terms [`Graph::expand`] writes for one sum before it leaves a product as it is.
pub const MAX_EXPANDED: usize = 10_000;

impl Graph {
    /// The formula with numbers worked out, like terms and like factors collected: the same value up to rounding.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let id = graph.parse("2*x*y + 3*y*x - y*(1 - 1) + x*x^2/1", &Scope::new(["x", "y"])?)?;
    /// let simple = graph.simplify(id);
    /// assert_eq!(graph.to_text(simple), "5*x*y + x^3");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn simplify(&mut self, id: ExprId) -> ExprId {
        let mut simplifier = Simplifier::new(self, None);
        let form = simplifier.run(id);
        simplifier.finish(form)
    }

    /// [Simplified](Graph::simplify), with products of sums multiplied out (to at most [`MAX_EXPANDED`] terms a sum).
    pub fn expand(&mut self, id: ExprId) -> ExprId {
        let mut simplifier = Simplifier::new(self, Some(MAX_EXPANDED));
        let form = simplifier.run(id);
        simplifier.finish(form)
    }

    /// The simplified formula as `Σ coefficient·factor`, in the order in which it prints; a constant term has the factor 1.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let id = graph.parse("(x + 2)*(x - 3)*y", &Scope::new(["x", "y"])?)?;
    /// let id = graph.expand(id);
    /// let terms: Vec<_> = graph.terms(id).into_iter().map(|(c, factor)| (c, graph.to_text(factor))).collect();
    /// assert_eq!(terms, [(1.0, "x^2*y".to_owned()), (-6.0, "y".to_owned()), (-1.0, "x*y".to_owned())]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn terms(&mut self, id: ExprId) -> Vec<(f64, ExprId)> {
        let mut simplifier = Simplifier::new(self, None);
        let form = simplifier.run(id);
        let Sum { constant, terms } = simplifier.collected(form);
        let mut list: Vec<(f64, ExprId)> =
            terms.into_iter().map(|term| (term.coefficient.value(), term.factor)).collect();
        let constant = constant.value();
        if constant != 0.0 {
            list.push((constant, self.constant(1.0)));
        }
        list
    }
}
