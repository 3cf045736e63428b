//! Is what a formula explains more than its rounding? Every operation is done a rounding error off (Vignes 1993), and the errors that are left are
//! compared: where a formula is one only because `log(y/y)` is not quite zero, they differ.

use vecfield_expr::{Binary, ExprId, Graph, Node};

use crate::candidate::Rows;
use crate::random::Stream;

/// By how much of itself the sum of squares may change.
const KEPT: f64 = 1e-7;
/// What may change in any case, as a share of the target's: ten digits are exact enough.
const DIGITS: f64 = 1e-20;

/// Does a formula without open numbers keep its weighted sum of squared errors whichever way its operations are rounded?
/// * `error`: that sum; `whole`: the sum of squares of the target's deviations.
pub(super) fn outlasts_rounding(graph: &Graph, formula: ExprId, rows: &Rows, error: f64, whole: f64) -> bool {
    let values = rounded_elsewhere(graph, formula, rows);
    let again = rows.squares(&values);
    (again - error).abs() <= KEPT * error + DIGITS * whole
}

/// Its value at every row, each operation's result one number up or down by chance.
fn rounded_elsewhere(graph: &Graph, formula: ExprId, rows: &Rows) -> Vec<f64> {
    let order = graph.reachable(&[formula]);
    let mut values: Vec<Vec<f64>> = Vec::with_capacity(order.len());
    for &id in order.ids() {
        let mut random = Stream::new(0, values.len() as u64);
        // Zero is no rounded number: it is the difference of two that are one, or what does not hold.
        let mut disturbed = |x: f64| match random.chance(0.5) {
            _ if x == 0.0 => x,
            true => x.next_up(),
            false => x.next_down(),
        };
        let of = |x: ExprId| &values[order.position(x)];
        let column = match graph.node(id) {
            Node::Constant(value) => vec![value; rows.y.len()],
            Node::Symbol(symbol) => {
                let place = rows.names.iter().position(|name| name == graph.name(symbol));
                rows.columns[place.expect("a formula without open numbers has the table's variables")].clone()
            }
            Node::Unary(op, x) => of(x).iter().map(|&x| disturbed(op.apply(x))).collect(),
            // A comparison has no rounding.
            Node::Binary(op @ Binary::Greater, a, b) => {
                of(a).iter().zip(of(b)).map(|(&a, &b)| op.apply(a, b)).collect()
            }
            Node::Binary(op, a, b) => of(a).iter().zip(of(b)).map(|(&a, &b)| disturbed(op.apply(a, b))).collect(),
        };
        values.push(column);
    }
    values.swap_remove(order.position(formula))
}

#[cfg(test)]
mod tests {
    use super::outlasts_rounding;
    use crate::candidate::{Candidate, Rows};
    use proptest::prelude::*;
    use vecfield_expr::{Graph, Scope};

    fn outlasts(text: &str, y: impl Fn(f64) -> f64) -> bool {
        let x: Vec<f64> = (1..40).map(|k| 0.1 * f64::from(k)).collect();
        let y: Vec<f64> = x.iter().map(|&x| y(x)).collect();
        let scale = vec![1.0; x.len()];
        let rows = Rows::plain(vec!["x".into()], vec![x], y, scale);
        let mut graph = Graph::new();
        let formula = graph.parse(text, &Scope::new(["x"]).unwrap()).unwrap();
        let error = Candidate { formula, constants: Vec::new() }.error(&mut graph, &rows);
        outlasts_rounding(&graph, formula, &rows, error, 100.0)
    }

    proptest! {
        #[test]
        fn formulas_are_told_from_their_rounding(a in 0.5..3.0_f64, noise in 0.01..0.1_f64) {
            let y = |x: f64| a * x.exp() + noise * (31.0 * x).sin();
            let formula = format!("{a}*exp(x)");
            prop_assert!(outlasts(&formula, y));
            prop_assert!(outlasts(&formula, |x| a * x.exp()));
            // Most of its digits cancel, and enough are left.
            let cancelling = format!("(1e4 + {formula}) - 1e4");
            prop_assert!(outlasts(&cancelling, y));
            let from_rounding = format!("{formula} + 1e14*log(exp(x)/exp(x))");
            prop_assert!(!outlasts(&from_rounding, y));
            let from_cancelling = format!("{formula} + 1e14*((x + 1/3) - 1/3 - x)");
            prop_assert!(!outlasts(&from_cancelling, y));
        }
    }
}
