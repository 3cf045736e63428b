//! Equations between a target and features in which every unknown number is linear, and the formulas they give when solved for the
//! target.
//!
//! A product of powers is linear in logarithms, a root is linear when squared, a quotient when multiplied out: many laws that are
//! no sums are found by the linear algebra of sums.

use vecfield_expr::{Binary, ExprId, Graph, Unary};

use crate::operators::Operators;

/// How the target enters the equation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Relation {
    /// `y = Σ c f`
    Direct,
    /// `y² = Σ c f`
    Square,
    /// `1/y = Σ c f`
    Reciprocal,
    /// `1/y² = Σ c f`
    ReciprocalSquare,
    /// `ln |y| = Σ c f`
    Logarithm,
    /// `e^y = Σ c f`
    Exponential,
    /// `ln |y| = Σ c ln |f|`: a product of powers.
    Product,
    /// `y = Σ c f + y Σ d h`: a quotient of sums.
    Quotient,
}

impl Relation {
    pub(crate) const ALL: [Relation; 8] = [
        Relation::Direct,
        Relation::Product,
        Relation::Quotient,
        Relation::Square,
        Relation::Reciprocal,
        Relation::Logarithm,
        Relation::ReciprocalSquare,
        Relation::Exponential,
    ];

    /// Its place in [`ALL`](Relation::ALL).
    pub(crate) fn place(self) -> usize {
        Relation::ALL.iter().position(|&relation| relation == self).unwrap_or_default()
    }

    pub(crate) fn at(place: usize) -> Option<Relation> {
        Relation::ALL.get(place).copied()
    }

    /// May a formula be made of what solving it takes?
    pub(crate) fn allowed(self, operators: &Operators) -> bool {
        let (binary, unary) = (|op| operators.has(op), |op| operators.unary().contains(&op));
        match self {
            Relation::Direct => true,
            Relation::Product => binary(Binary::Pow) && binary(Binary::Mul),
            Relation::Quotient | Relation::Reciprocal => binary(Binary::Div),
            Relation::Square => unary(Unary::Sqrt),
            Relation::ReciprocalSquare => binary(Binary::Div) && unary(Unary::Sqrt),
            Relation::Logarithm => unary(Unary::Exp),
            Relation::Exponential => unary(Unary::Log),
        }
    }

    /// What is to be spanned, if the relation can hold for these values.
    pub(crate) fn target(self, y: &[f64]) -> Option<Vec<f64>> {
        let one_sign = y.iter().all(|&y| y > 0.0) || y.iter().all(|&y| y < 0.0);
        let of: fn(f64) -> f64 = match self {
            Relation::Direct | Relation::Quotient => |y| y,
            Relation::Square if one_sign => |y| y * y,
            Relation::Reciprocal if one_sign => |y| 1.0 / y,
            Relation::ReciprocalSquare if one_sign => |y| 1.0 / (y * y),
            Relation::Logarithm | Relation::Product if one_sign => |y| y.abs().ln(),
            Relation::Exponential if y.iter().all(|y| y.abs() < 20.0) => f64::exp,
            _ => return None,
        };
        Some(y.iter().map(|&y| of(y)).collect())
    }

    /// Operations that solving for the target adds.
    pub(crate) fn cost(self) -> usize {
        match self {
            Relation::Direct | Relation::Product => 0,
            Relation::Square | Relation::Logarithm | Relation::Exponential => 1,
            Relation::Reciprocal | Relation::Quotient => 2,
            Relation::ReciprocalSquare => 3,
        }
    }

    /// The formula, given `Σ c f` of the relation (its logarithm's exponential for [`Relation::Product`]) and the sign of the target.
    pub(crate) fn solved(self, graph: &mut Graph, sum: ExprId, negative: bool) -> ExprId {
        let one = graph.constant(1.0);
        let size = match self {
            Relation::Direct | Relation::Quotient | Relation::Product => return sum,
            Relation::Reciprocal => return graph.div(one, sum),
            Relation::Exponential => return graph.unary(Unary::Log, sum),
            Relation::Square => graph.unary(Unary::Sqrt, sum),
            Relation::ReciprocalSquare => {
                let root = graph.unary(Unary::Sqrt, sum);
                graph.binary(Binary::Div, one, root)
            }
            Relation::Logarithm => graph.unary(Unary::Exp, sum),
        };
        if negative { graph.neg(size) } else { size }
    }
}
