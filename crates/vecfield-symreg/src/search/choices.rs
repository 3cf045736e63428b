//! Sums of what holds on either side of a comparison, as one choice: `if(x > 2, 3*x, 5)` for `cond(x > 2, 3*x) + cond(x < 2, 5)`.

use vecfield_expr::{Binary, ExprId, Graph, Node};

/// The sides of a sum about one comparison.
struct Sides {
    /// The two that are compared: the first is greater on the first side.
    pair: [ExprId; 2],
    above: Vec<(f64, ExprId)>,
    below: Vec<(f64, ExprId)>,
    /// What holds on both.
    rest: Vec<(f64, ExprId)>,
}

/// A sum as a choice, where that is shorter; where the two that are compared are equal it may have another value.
pub(super) fn chosen(graph: &mut Graph, formula: ExprId) -> Option<ExprId> {
    let Sides { pair: [a, b], above, below, rest } = sides(graph, formula)?;
    let condition = graph.greater(a, b);
    let mut sum = |terms: Vec<(f64, ExprId)>| {
        let sum = graph.linear_combination(terms);
        graph.simplify(sum)
    };
    let both = [&above, &below].map(|side| sum([&rest[..], side].concat()));
    let apart = [above, below].map(&mut sum);
    let rest = sum(rest);
    let rest = chosen(graph, rest).unwrap_or(rest);
    let beside = graph.choice(condition, apart[0], apart[1]);
    let written = [graph.choice(condition, both[0], both[1]), graph.add(rest, beside)];
    let shortest = written.into_iter().min_by_key(|&id| graph.complexity(id))?;
    (graph.complexity(shortest) < graph.complexity(formula)).then_some(shortest)
}

fn sides(graph: &mut Graph, formula: ExprId) -> Option<Sides> {
    let terms = graph.terms(formula);
    let (pair, _) = terms.iter().find_map(|&(_, factor)| held(graph, factor))?;
    let mut sides = Sides { pair, above: Vec::new(), below: Vec::new(), rest: Vec::new() };
    for (number, factor) in terms {
        match held(graph, factor) {
            Some((found, what)) if found == pair => sides.above.push((number, what)),
            Some(([b, a], what)) if [a, b] == pair => sides.below.push((number, what)),
            _ => sides.rest.push((number, factor)),
        }
    }
    Some(sides)
}

/// What is compared, and what is there where the first is greater.
fn held(graph: &mut Graph, factor: ExprId) -> Option<([ExprId; 2], ExprId)> {
    match graph.node(factor) {
        Node::Binary(Binary::Greater, a, b) => Some(([a, b], graph.constant(1.0))),
        Node::Binary(Binary::Cond, condition, what) => match graph.node(condition) {
            Node::Binary(Binary::Greater, a, b) => Some(([a, b], what)),
            _ => None,
        },
        Node::Binary(Binary::Mul, a, b) => match (held(graph, a), held(graph, b)) {
            (Some((pair, what)), _) => Some((pair, graph.mul(what, b))),
            (None, Some((pair, what))) => Some((pair, graph.mul(a, what))),
            (None, None) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::chosen;
    use vecfield_expr::{Graph, Scope};

    #[test]
    fn sides_are_gathered_where_that_is_shorter() {
        let scope = Scope::new(["x", "y"]).unwrap();
        for (text, expected) in [
            ("3*cond(x > 2, x) + 5*(x < 2)", Some("if(x > 2, 3*x, 5)")),
            ("y + cond(x > 2, sin(x)) + cond(x < 2, cos(x))", Some("y + if(x > 2, sin(x), cos(x))")),
            ("1 + 2*y - (x > 2) - 2*cond(x > 2, y) + 3*cond(x > 2, x)", Some("if(x > 2, 3*x, 2*y + 1)")),
            ("5 - 0.5*x*(x > 2) + cond(x > 2, 3.5*x - y - 5)", Some("if(x > 2, 3*x - y, 5)")),
            ("y + 3*cond(x > 2, x - 2)", None),
            ("2*(x > y)", None),
            ("x + y", None),
        ] {
            let mut graph = Graph::new();
            let formula = graph.parse(text, &scope).unwrap();
            let simple = graph.simplify(formula);
            let found = chosen(&mut graph, simple).map(|id| graph.to_text(id));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
