//! Quotients whose numbers have a common factor, which no fit can tell: written with the one that leaves the fewest numbers.

use vecfield_expr::{Binary, ExprId, Graph, Node};

use crate::front::numbers;

/// A share of the largest number of a sum that is a trace of rounding.
const TRACE: f64 = 1e-13;

/// The quotient with its numerator and its denominator divided by the same number, if it is one and that makes it shorter.
pub(super) fn reduced(graph: &mut Graph, formula: ExprId) -> Option<ExprId> {
    let Node::Binary(Binary::Div, above, below) = graph.node(formula) else { return None };
    let (above, below) = (without_traces(graph.terms(above)), without_traces(graph.terms(below)));
    let mut best: Option<(usize, usize, ExprId)> = None;
    for &(common, _) in &below {
        let mut scaled = |terms: &[(f64, ExprId)]| {
            let terms: Vec<(f64, ExprId)> = terms.iter().map(|&(c, factor)| (settled(c / common), factor)).collect();
            graph.linear_combination(terms)
        };
        let (above, below) = (scaled(&above), scaled(&below));
        let quotient = graph.div(above, below);
        let quotient = graph.simplify(quotient);
        let (count, nodes) = (numbers(graph, quotient), graph.complexity(quotient));
        if best.is_none_or(|(least, fewest, _)| (count, nodes) < (least, fewest)) {
            best = Some((count, nodes, quotient));
        }
    }
    let (count, nodes, quotient) = best?;
    let shorter = (count, nodes) < (numbers(graph, formula), graph.complexity(formula));
    shorter.then_some(quotient)
}

fn without_traces(mut terms: Vec<(f64, ExprId)>) -> Vec<(f64, ExprId)> {
    let largest = terms.iter().fold(0.0_f64, |most, (c, _)| most.max(c.abs()));
    terms.retain(|(c, _)| c.abs() > TRACE * largest);
    terms
}

/// A ratio that rounding alone keeps from being whole.
fn settled(ratio: f64) -> f64 {
    if (ratio - ratio.round()).abs() <= 1e-13 * ratio.abs() { ratio.round() } else { ratio }
}
