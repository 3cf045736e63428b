//! Symbolic derivatives, by the chain rule over the graph: one pass, linear in its size thanks to sharing.

use crate::graph::{ExprId, Graph, Node};
use crate::op::{Binary, Unary};

impl Graph {
    /// `∂id/∂name`, exact. It has the value of the derivative wherever `id` has one, but is not
    /// [simplified](Graph::simplify).
    ///
    /// At corners: `abs` has slope `sign`, so 0 at 0; `sign` has slope 0; where `min` or `max` tie the slope is the mean
    /// of both. The slope of `min` and `max` is a weighted sum of both arguments' slopes, so it needs both to be finite. A
    /// comparison has slope 0, and a condition that of what it chooses, where it does: jumps have no slope.
    ///
    /// ```
    /// use vecfield_expr::{Graph, Scope};
    ///
    /// let mut graph = Graph::new();
    /// let id = graph.parse("x*sin(x)", &Scope::new(["x"])?)?;
    /// let slope = graph.derivative(id, "x");
    /// assert_eq!(graph.to_text(slope), "sin(x) + x*cos(x)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn derivative(&mut self, id: ExprId, name: &str) -> ExprId {
        let order = self.reachable(&[id]);
        let symbol = self.find_symbol(name);
        // None is a slope that is zero because nothing there depends on the name.
        let mut slopes: Vec<Option<ExprId>> = Vec::with_capacity(order.len());
        for &id in order.ids() {
            let slope = match self.node(id) {
                Node::Constant(_) => None,
                Node::Symbol(s) => (Some(s) == symbol).then(|| self.constant(1.0)),
                Node::Unary(op, x) => {
                    slopes[order.position(x)].and_then(|slope| self.unary_slope(op, id, x).times(self, slope))
                }
                Node::Binary(op, a, b) => {
                    self.binary_slope(op, id, (a, slopes[order.position(a)]), (b, slopes[order.position(b)]))
                }
            };
            slopes.push(slope);
        }
        slopes[order.position(id)].unwrap_or_else(|| self.constant(0.0))
    }

    /// `f'(x)` where `id = f(x)`.
    pub(crate) fn unary_slope(&mut self, op: Unary, id: ExprId, x: ExprId) -> Slope {
        let one = self.constant(1.0);
        match op {
            Unary::Neg => Slope::Over { negative: true, divisor: one },
            Unary::Abs => Slope::Factor(self.unary(Unary::Sign, x)),
            Unary::Sign => Slope::Zero,
            Unary::Sqrt => {
                let two = self.constant(2.0);
                Slope::Over { negative: false, divisor: self.mul(two, id) }
            }
            Unary::Exp => Slope::Factor(id),
            Unary::Log => Slope::Over { negative: false, divisor: x },
            Unary::Sin => Slope::Factor(self.unary(Unary::Cos, x)),
            Unary::Cos => {
                let sine = self.unary(Unary::Sin, x);
                Slope::Factor(self.neg(sine))
            }
            Unary::Tan => {
                let square = self.powi(id, 2);
                Slope::Factor(self.add(one, square))
            }
            Unary::Asin | Unary::Acos => {
                let square = self.powi(x, 2);
                let rest = self.sub(one, square);
                Slope::Over { negative: op == Unary::Acos, divisor: self.unary(Unary::Sqrt, rest) }
            }
            Unary::Atan => {
                let square = self.powi(x, 2);
                Slope::Over { negative: false, divisor: self.add(one, square) }
            }
            Unary::Sinh => Slope::Factor(self.unary(Unary::Cosh, x)),
            Unary::Cosh => Slope::Factor(self.unary(Unary::Sinh, x)),
            Unary::Tanh => {
                let square = self.powi(id, 2);
                Slope::Factor(self.sub(one, square))
            }
        }
    }

    /// The slope of `id = a op b` from those of its arguments.
    fn binary_slope(
        &mut self,
        op: Binary,
        id: ExprId,
        (a, slope_a): (ExprId, Option<ExprId>),
        (b, slope_b): (ExprId, Option<ExprId>),
    ) -> Option<ExprId> {
        if slope_a.is_none() && slope_b.is_none() {
            return None;
        }
        match op {
            Binary::Add => self.sum_of(slope_a, slope_b),
            Binary::Sub => self.difference_of(slope_a, slope_b),
            Binary::Mul => {
                let left = slope_a.map(|slope| self.mul(slope, b));
                let right = slope_b.map(|slope| self.mul(a, slope));
                self.sum_of(left, right)
            }
            Binary::Div => {
                let left = slope_a.map(|slope| self.div(slope, b));
                let right = slope_b.map(|slope| {
                    let (numerator, square) = (self.mul(a, slope), self.powi(b, 2));
                    self.div(numerator, square)
                });
                self.difference_of(left, right)
            }
            Binary::Pow => {
                let by_base = slope_a.and_then(|slope| self.power_slope(a, b, slope));
                let by_exponent = slope_b.map(|slope| {
                    let logarithm = self.unary(Unary::Log, a);
                    let factor = self.mul(id, logarithm);
                    self.mul(factor, slope)
                });
                self.sum_of(by_base, by_exponent)
            }
            Binary::Min | Binary::Max if slope_a == slope_b => slope_a,
            Binary::Min => Some(self.choice_slope(b, a, slope_a, slope_b)),
            Binary::Max => Some(self.choice_slope(a, b, slope_a, slope_b)),
            Binary::Greater => None,
            Binary::Cond => slope_b.map(|slope| self.cond(a, slope)),
        }
    }

    /// `b a^(b-1) a'`.
    pub(crate) fn power_slope(&mut self, a: ExprId, b: ExprId, slope: ExprId) -> Option<ExprId> {
        if self.constant_value(b) == Some(0.0) {
            return None;
        }
        let one = self.constant(1.0);
        let less = self.sub(b, one);
        let power = self.pow(a, less);
        let factor = self.mul(b, power);
        Some(self.mul(factor, slope))
    }

    /// `(a' (1 + s) + b' (1 - s))/2` with `s = sign(larger - smaller)`, which is 1 where `a` is chosen.
    pub(crate) fn choice_slope(
        &mut self,
        more: ExprId,
        less: ExprId,
        slope_a: Option<ExprId>,
        slope_b: Option<ExprId>,
    ) -> ExprId {
        let difference = self.sub(more, less);
        let side = self.unary(Unary::Sign, difference);
        let (one, half) = (self.constant(1.0), self.constant(0.5));
        let left = slope_a.map(|slope| {
            let weight = self.add(one, side);
            self.mul(weight, slope)
        });
        let right = slope_b.map(|slope| {
            let weight = self.sub(one, side);
            self.mul(weight, slope)
        });
        let sum = self.sum_of(left, right).unwrap_or_else(|| self.constant(0.0));
        self.mul(half, sum)
    }

    pub(crate) fn sum_of(&mut self, a: Option<ExprId>, b: Option<ExprId>) -> Option<ExprId> {
        match (a, b) {
            (Some(a), Some(b)) => Some(self.add(a, b)),
            (a, b) => a.or(b),
        }
    }

    fn difference_of(&mut self, a: Option<ExprId>, b: Option<ExprId>) -> Option<ExprId> {
        match (a, b) {
            (Some(a), Some(b)) => Some(self.sub(a, b)),
            (None, Some(b)) => Some(self.neg(b)),
            (a, None) => a,
        }
    }
}

/// What a function multiplies the slope of its argument by.
pub(crate) enum Slope {
    Zero,
    Factor(ExprId),
    /// One over `divisor`, or minus that.
    Over {
        negative: bool,
        divisor: ExprId,
    },
}

impl Slope {
    pub(crate) fn times(self, graph: &mut Graph, slope: ExprId) -> Option<ExprId> {
        match self {
            Slope::Zero => None,
            Slope::Factor(factor) => Some(graph.mul(factor, slope)),
            Slope::Over { negative, divisor } => {
                let quotient = graph.div(slope, divisor);
                Some(if negative { graph.neg(quotient) } else { quotient })
            }
        }
    }
}
