
/// `exp(-k x)` of every variable, `k` up to `most`, until the terms are yours.
fn FUNCTION(graph: &mut Graph, names: &[String], most: usize, features: &mut Vec<Feature>) {
    use vecfield_expr::Unary;
    for name in names {
        let symbol = graph.symbol(name);
        for k in 1..=most {
            let factor = graph.constant(-(k as f64));
            let argument = graph.mul(factor, symbol);
            let formula = graph.unary(Unary::Exp, argument);
            features.push(Feature { key: graph.to_text(formula), formula });
        }
    }
}
