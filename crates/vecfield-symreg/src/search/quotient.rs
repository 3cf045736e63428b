//! Quotients, which can be written in many ways that no fit can tell apart: without quotients below, and with the common factor of their
//! numbers that leaves the fewest.

use vecfield_expr::{Binary, ExprId, Graph, Node};

use crate::front::numbers;

/// A share of the largest number of a sum that is a trace of rounding.
const TRACE: f64 = 1e-13;

/// A quotient in other words, if that makes it no longer: without a quotient below, `x/(x + 1)` for `1/(1/x + 1)`, which has a value
/// wherever the other has one and at zero besides; and with numerator and denominator divided by the same number.
pub(super) fn reduced(graph: &mut Graph, formula: ExprId) -> Option<ExprId> {
    let cleared = cleared(graph, formula).filter(|&cleared| length(graph, cleared) <= length(graph, formula));
    let Node::Binary(Binary::Div, above, below) = graph.node(cleared.unwrap_or(formula)) else { return cleared };
    let (above, below) = (without_traces(graph.terms(above)), without_traces(graph.terms(below)));
    let mut best: Option<((usize, usize), ExprId)> = None;
    for &(common, _) in &below {
        let mut scaled = |terms: &[(f64, ExprId)]| {
            let terms: Vec<(f64, ExprId)> = terms.iter().map(|&(c, factor)| (settled(c / common), factor)).collect();
            graph.linear_combination(terms)
        };
        let (above, below) = (scaled(&above), scaled(&below));
        let quotient = graph.div(above, below);
        let quotient = graph.simplify(quotient);
        let length = length(graph, quotient);
        if best.is_none_or(|(least, _)| length < least) {
            best = Some((length, quotient));
        }
    }
    let shortest = length(graph, cleared.unwrap_or(formula));
    best.filter(|&(length, _)| length < shortest).map(|(_, quotient)| quotient).or(cleared)
}

/// Numerator and denominator times what the first term of the denominator that is a quotient is divided by.
fn cleared(graph: &mut Graph, formula: ExprId) -> Option<ExprId> {
    let Node::Binary(Binary::Div, above, below) = graph.node(formula) else { return None };
    let terms = graph.terms(below);
    let divisor = terms.iter().find_map(|&(_, factor)| match graph.node(factor) {
        Node::Binary(Binary::Div, _, divisor) => Some(divisor),
        _ => None,
    })?;
    let mut times = |(c, factor): (f64, ExprId)| match graph.node(factor) {
        Node::Binary(Binary::Div, above, same) if same == divisor => (c, above),
        _ => (c, graph.mul(factor, divisor)),
    };
    let terms: Vec<(f64, ExprId)> = terms.into_iter().map(&mut times).collect();
    let (above, below) = (graph.mul(above, divisor), graph.linear_combination(terms));
    let quotient = graph.div(above, below);
    Some(graph.simplify(quotient))
}

/// How many numbers there are to write, and how many nodes.
fn length(graph: &Graph, formula: ExprId) -> (usize, usize) {
    (numbers(graph, formula), graph.complexity(formula))
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

#[cfg(test)]
mod tests {
    use super::reduced;
    use vecfield_expr::{Graph, Scope};

    #[test]
    fn quotients_below_are_cleared_and_numbers_divided_out() {
        let scope = Scope::new(["x", "y"]).unwrap();
        for (text, expected) in [
            ("1/(1/x + 1)", Some("x/(x + 1)")),
            ("1/(0.3/x + 1)", Some("x/(x + 0.3)")),
            ("y/(y/x + 1)", Some("y*x/(y + x)")),
            ("3*x/(1.5*x + 3)", Some("2*x/(x + 2)")),
            ("x/(x + 1)", None),
            ("x*y", None),
        ] {
            let mut graph = Graph::new();
            let formula = graph.parse(text, &scope).unwrap();
            let found = reduced(&mut graph, formula).map(|id| graph.to_text(id));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
