//! Products of features: `x` times `x*sin(y)` is `x^2*sin(y)`, with one key however it is made.

use crate::SindyError;
use crate::library::{Feature, MOST_FEATURES};
use vecfield_expr::{Binary, ExprId, Graph, Node};

/// One feature of each of `groups`, multiplied, in the order of the first group, then of the second, ..
///
/// # Errors
///
/// [`SindyError::TooManyFeatures`].
pub(crate) fn products(
    graph: &mut Graph,
    names: &[String],
    groups: &[Vec<Feature>],
) -> Result<Vec<Feature>, SindyError> {
    let count = groups.iter().fold(1_usize, |count, group| count.saturating_mul(group.len()));
    if count > MOST_FEATURES {
        return Err(SindyError::TooManyFeatures { features: count, most: MOST_FEATURES });
    }
    let mut tuples: Vec<Vec<ExprId>> = vec![vec![]];
    for group in groups {
        let longer = |tuple: Vec<ExprId>| {
            group.iter().map(move |feature| tuple.iter().copied().chain([feature.formula()]).collect::<Vec<_>>())
        };
        tuples = tuples.into_iter().flat_map(longer).collect();
    }
    Ok(tuples.iter().map(|factors| product(graph, names, factors)).collect())
}

/// Variables first, in their order, then what is no variable, in the order it comes.
fn product(graph: &mut Graph, names: &[String], formulas: &[ExprId]) -> Feature {
    let mut powers: Vec<(ExprId, i32)> = names.iter().map(|name| (graph.symbol(name), 0)).collect();
    formulas.iter().for_each(|&formula| collect(graph, formula, &mut powers));
    powers.retain(|power| power.1 > 0);
    let key: Vec<String> = powers.iter().map(|&(base, power)| text(graph, base, power)).collect();
    let factors: Vec<ExprId> =
        powers.into_iter().map(|(base, power)| if power == 1 { base } else { graph.powi(base, power) }).collect();
    let key = if key.is_empty() { "1".to_string() } else { key.join("*") };
    Feature::new(key, graph.product(factors))
}

/// Adds the factors of a formula to `powers`, whole powers taken apart.
fn collect(graph: &Graph, formula: ExprId, powers: &mut Vec<(ExprId, i32)>) {
    let mut open = vec![formula];
    while let Some(id) = open.pop() {
        let (base, power) = match graph.node(id) {
            Node::Binary(Binary::Mul, a, b) => {
                open.extend([b, a]);
                continue;
            }
            Node::Constant(1.0) => continue,
            Node::Binary(Binary::Pow, base, exponent) => match graph.constant_value(exponent) {
                Some(n) if n.fract() == 0.0 && (1.0..=1000.0).contains(&n) => (base, n as i32),
                _ => (id, 1),
            },
            _ => (id, 1),
        };
        match powers.iter_mut().find(|known| known.0 == base) {
            Some(known) => known.1 += power,
            None => powers.push((base, power)),
        }
    }
}

fn text(graph: &Graph, base: ExprId, power: i32) -> String {
    let base = match graph.node(base) {
        Node::Binary(Binary::Min | Binary::Max | Binary::Cond, ..) | Node::Symbol(_) | Node::Constant(_) => {
            graph.to_text(base)
        }
        Node::Unary(op, _) if op != vecfield_expr::Unary::Neg => graph.to_text(base),
        _ => format!("({})", graph.to_text(base)),
    };
    if power == 1 { base } else { format!("{base}^{power}") }
}
