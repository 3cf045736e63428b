//! The numbers inside a feature, which a fit may change as it may the coefficient before it: `0.3` in `x/(0.3 + x)`.

use vecfield_expr::{Binary, ExprId, Graph, Node};

/// The feature with every number inside it replaced by what `replacement` makes of it. Whole exponents are no numbers but part of
/// the form, and so is what stands above a fraction: the coefficient is that already, as it is the feature `1`.
pub(crate) fn replaced(
    graph: &mut Graph,
    feature: ExprId,
    replacement: &mut dyn FnMut(&mut Graph, f64) -> ExprId,
) -> ExprId {
    if graph.constant_value(feature).is_some() { feature } else { replaced_below(graph, feature, replacement) }
}

fn replaced_below(
    graph: &mut Graph,
    formula: ExprId,
    replacement: &mut dyn FnMut(&mut Graph, f64) -> ExprId,
) -> ExprId {
    if let Some(value) = graph.constant_value(formula) {
        return replacement(graph, value);
    }
    match graph.node(formula) {
        Node::Unary(op, x) => {
            let x = replaced_below(graph, x, replacement);
            graph.unary(op, x)
        }
        Node::Binary(op, a, b) => {
            let [keep_a, keep_b] = kept(graph, op, [a, b]);
            let a = if keep_a { a } else { replaced_below(graph, a, replacement) };
            let b = if keep_b { b } else { replaced_below(graph, b, replacement) };
            graph.binary(op, a, b)
        }
        Node::Constant(_) | Node::Symbol(_) => formula,
    }
}

/// Which arguments of an operation are part of the form as they stand.
fn kept(graph: &Graph, op: Binary, [a, b]: [ExprId; 2]) -> [bool; 2] {
    let above = op == Binary::Div && graph.constant_value(a).is_some();
    let whole = op == Binary::Pow && graph.constant_value(b).is_some_and(|power| power.fract() == 0.0);
    [above, whole]
}

/// The numbers inside a feature, in the order of [`replaced`].
pub(crate) fn numbers(graph: &Graph, feature: ExprId) -> Vec<f64> {
    let mut found = vec![];
    if graph.constant_value(feature).is_none() {
        numbers_below(graph, feature, &mut found);
    }
    found
}

fn numbers_below(graph: &Graph, formula: ExprId, found: &mut Vec<f64>) {
    found.extend(graph.constant_value(formula));
    match graph.node(formula) {
        Node::Unary(_, x) => numbers_below(graph, x, found),
        Node::Binary(op, a, b) => {
            let kept = kept(graph, op, [a, b]);
            [a, b].into_iter().zip(kept).filter(|(_, kept)| !kept).for_each(|(x, _)| numbers_below(graph, x, found));
        }
        Node::Constant(_) | Node::Symbol(_) => {}
    }
}

/// The derivatives of a feature by each of its [`numbers`].
pub(crate) fn slopes(graph: &mut Graph, feature: ExprId) -> Vec<ExprId> {
    let values = numbers(graph, feature);
    // Names that no state can have: names in formulas begin with a letter or an underscore.
    let names: Vec<String> = (0..values.len()).map(|k| format!("{k}#")).collect();
    let symbols: Vec<ExprId> = names.iter().map(|name| graph.symbol(name)).collect();
    let mut next = symbols.iter();
    let open =
        replaced(graph, feature, &mut |graph, value| next.next().copied().unwrap_or_else(|| graph.constant(value)));
    let values: Vec<ExprId> = values.into_iter().map(|value| graph.constant(value)).collect();
    let closed: Vec<(ExprId, ExprId)> = symbols.into_iter().zip(values).collect();
    let slope = |name: &String| {
        let slope = graph.derivative(open, name);
        let slope = graph.substitute(slope, &closed);
        graph.simplify(slope)
    };
    names.iter().map(slope).collect()
}

/// `formula = scale * form`, where no factor can be taken out of `form` any more, so that its numbers and the scale before it are
/// not two names of one thing.
pub(crate) fn monic(graph: &mut Graph, formula: ExprId) -> (f64, ExprId) {
    use vecfield_expr::Unary::{Abs, Exp, Neg, Sqrt};
    match graph.node(formula) {
        Node::Constant(_) => (graph.constant_value(formula).unwrap_or_default(), graph.constant(1.0)),
        Node::Symbol(_) => (1.0, formula),
        Node::Unary(Neg, x) => {
            let (scale, form) = monic(graph, x);
            (-scale, form)
        }
        Node::Unary(op @ (Abs | Sqrt), x) => {
            let (scale, form) = monic(graph, x);
            if op == Sqrt && scale < 0.0 {
                return (1.0, formula);
            }
            let form = graph.unary(op, form);
            (if op == Abs { scale.abs() } else { scale.sqrt() }, form)
        }
        // A number that is added inside an exponential is a factor of it.
        Node::Unary(Exp, x) => {
            let terms = graph.terms(x);
            let (constants, others): (Vec<_>, Vec<_>) =
                terms.into_iter().partition(|&(_, factor)| graph.constant_value(factor).is_some());
            let inside = graph.linear_combination(others);
            let form = graph.unary(Exp, inside);
            (constants.iter().map(|(c, _)| c).sum::<f64>().exp(), form)
        }
        Node::Unary(..) => (1.0, formula),
        Node::Binary(Binary::Mul, a, b) => {
            let ((scale, a), (other, b)) = (monic(graph, a), monic(graph, b));
            (scale * other, graph.mul(a, b))
        }
        Node::Binary(Binary::Div, a, b) => {
            let ((scale, a), (other, b)) = (monic(graph, a), monic(graph, b));
            (scale / other, graph.div(a, b))
        }
        Node::Binary(Binary::Pow, a, b) => match graph.constant_value(b) {
            Some(power) => {
                let (scale, form) = monic(graph, a);
                if scale < 0.0 && power.fract() != 0.0 {
                    return (1.0, formula);
                }
                (scale.powf(power), graph.pow(form, b))
            }
            None => (1.0, formula),
        },
        Node::Binary(Binary::Add | Binary::Sub, ..) => monic_sum(graph, formula),
        Node::Binary(..) => (1.0, formula),
    }
}

/// A sum is measured by its first term that is not a number.
fn monic_sum(graph: &mut Graph, formula: ExprId) -> (f64, ExprId) {
    let terms: Vec<(f64, ExprId)> = graph
        .terms(formula)
        .into_iter()
        .map(|(coefficient, factor)| {
            // A sum among the terms would be one of them already.
            let (scale, form) = monic(graph, factor);
            (coefficient * scale, form)
        })
        .collect();
    let lead = terms.iter().find(|&&(_, factor)| graph.constant_value(factor).is_none()).map_or(1.0, |&(c, _)| c);
    let form = graph.linear_combination(terms.into_iter().map(|(c, factor)| (c / lead, factor)));
    (lead, form)
}

#[cfg(test)]
mod tests {
    use super::{monic, numbers};
    use vecfield_expr::{Graph, Scope};

    #[test]
    fn what_can_be_taken_out_is_taken_out() {
        for (text, scale, form, inner) in [
            ("3*x", 3.0, "x", vec![]),
            ("2*x/(0.6 + 4*y)", 0.5, "x/(y + 0.15)", vec![0.15]),
            ("4/(2 + 8*x)", 0.5, "1/(x + 0.25)", vec![0.25]),
            ("-sin(2*x)", -1.0, "sin(2*x)", vec![2.0]),
            ("x^3*(5*y)^2", 25.0, "x^3*y^2", vec![]),
            ("sqrt(9*x)", 3.0, "sqrt(x)", vec![]),
            ("2*exp(-3*x)*y", 2.0, "exp(-3*x)*y", vec![-3.0]),
        ] {
            let mut graph = Graph::new();
            let id = graph.parse(text, &Scope::new(["x", "y"]).unwrap()).unwrap();
            let (found, monic) = monic(&mut graph, id);
            let simple = graph.simplify(monic);
            assert!((found - scale).abs() < 1e-12, "{text}: {found}");
            assert_eq!(graph.to_text(simple), form, "{text}");
            assert_eq!(numbers(&graph, simple), inner, "{text}");
            // What is replaced is what is counted, in that order.
            let mut replaced = vec![];
            super::replaced(&mut graph, simple, &mut |graph, value| {
                replaced.push(value);
                graph.constant(value)
            });
            assert_eq!(replaced, inner, "{text}");
        }
    }

    /// The slopes by the numbers inside are those of differences.
    #[test]
    fn slopes_are_differences() {
        for text in ["x/(x + 0.7)", "y*x^2/(x^2 + 1.3)", "exp(-0.4*x)", "sin(1.1*x + 0.2*y)", "y*tanh(0.9*x)"] {
            let mut graph = Graph::new();
            let id = graph.parse(text, &Scope::new(["x", "y"]).unwrap()).unwrap();
            let slopes = super::slopes(&mut graph, id);
            let mut value = |id| {
                let program = vecfield_expr::Program::compile(&graph, &[id], &["x", "y"]).unwrap();
                let mut value = [0.0];
                program.eval(&[0.8, 1.7], &mut value, &mut program.registers());
                value[0]
            };
            let slopes: Vec<f64> = slopes.into_iter().map(&mut value).collect();
            assert_eq!(slopes.len(), numbers(&graph, id).len(), "{text}");
            for (which, slope) in slopes.into_iter().enumerate() {
                let [above, below] = [1e-6, -1e-6].map(|by| {
                    let mut graph = graph.clone();
                    let mut place = 0;
                    let moved = super::replaced(&mut graph, id, &mut |graph, value| {
                        place += 1;
                        graph.constant(if place == which + 1 { value + by } else { value })
                    });
                    let program = vecfield_expr::Program::compile(&graph, &[moved], &["x", "y"]).unwrap();
                    let mut value = [0.0];
                    program.eval(&[0.8, 1.7], &mut value, &mut program.registers());
                    value[0]
                });
                let difference = (above - below) / 2e-6;
                assert!((slope - difference).abs() < 1e-8 * (1.0 + slope.abs()), "{text}: {slope} for {difference}");
            }
        }
    }
}
