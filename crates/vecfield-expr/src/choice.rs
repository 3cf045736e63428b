//! Comparisons, conditions, and the choice of one of two that is a sum of both.

use crate::graph::{ExprId, Graph, Node};
use crate::op::Binary;

impl Graph {
    /// 1 where `a > b`, else 0.
    pub fn greater(&mut self, a: ExprId, b: ExprId) -> ExprId {
        self.folded(Binary::Greater, a, b)
    }

    /// `a` where `condition > 0`, else 0; worked out where the condition is a number.
    pub fn cond(&mut self, condition: ExprId, a: ExprId) -> ExprId {
        match self.constant_value(condition) {
            Some(value) if value > 0.0 => a,
            Some(value) if value <= 0.0 => self.constant(0.0),
            _ => self.intern(Node::Binary(Binary::Cond, condition, a)),
        }
    }

    /// `a` where `condition > 0`, `b` where it is not: `cond(condition, a) + cond(1 - condition, b)` for a comparison, which is 1 or 0.
    /// Any other condition is compared with zero first.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let id = graph.parse("if(x > 2, x, 1/x)", &Scope::new(["x"])?)?;
    /// assert_eq!(graph.to_text(id), "if(x > 2, x, 1/x)");
    /// let slope = graph.derivative(id, "x");
    /// assert_eq!(graph.to_text(slope), "if(x > 2, 1, -1/x^2)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn choice(&mut self, condition: ExprId, a: ExprId, b: ExprId) -> ExprId {
        let holds = match self.node(condition) {
            Node::Binary(Binary::Greater, ..) => condition,
            _ => {
                let zero = self.constant(0.0);
                self.intern(Node::Binary(Binary::Greater, condition, zero))
            }
        };
        let one = self.constant(1.0);
        let fails = self.intern(Node::Binary(Binary::Sub, one, holds));
        let (a, b) = (Node::Binary(Binary::Cond, holds, a), Node::Binary(Binary::Cond, fails, b));
        let (a, b) = (self.intern(a), self.intern(b));
        self.intern(Node::Binary(Binary::Add, a, b))
    }

    /// The condition and both sides, where an expression is a [choice](Graph::choice).
    pub fn as_choice(&self, id: ExprId) -> Option<[ExprId; 3]> {
        let Node::Binary(Binary::Add, a, b) = self.node(id) else { return None };
        self.in_order(a, b).or_else(|| self.in_order(b, a))
    }

    fn in_order(&self, a: ExprId, b: ExprId) -> Option<[ExprId; 3]> {
        let (Node::Binary(Binary::Cond, holds, yes), Node::Binary(Binary::Cond, fails, no)) =
            (self.node(a), self.node(b))
        else {
            return None;
        };
        let compares = matches!(self.node(holds), Node::Binary(Binary::Greater, ..));
        match self.node(fails) {
            Node::Binary(Binary::Sub, one, other) if other == holds && self.constant_value(one) == Some(1.0) => {
                compares.then_some([holds, yes, no])
            }
            _ => None,
        }
    }
}
