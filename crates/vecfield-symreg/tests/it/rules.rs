//! Formulas keep to what is said of operations: what they cost, what stands in what, and how large arguments are.

use proptest::prelude::*;
use vecfield_expr::{ExprId, Graph, Node, Scope};
use vecfield_symreg::{Found, Rules, Symreg, SymregError};

use crate::search::{evolving, table};

fn read(found: &Found) -> (Graph, ExprId) {
    let mut graph = Graph::new();
    let formula = graph.parse(&found.expression, &Scope::new(["x", "y"]).unwrap()).unwrap();
    (graph, formula)
}

/// Name and operands of an operation.
fn parts(graph: &Graph, id: ExprId) -> (&'static str, Vec<ExprId>) {
    match graph.node(id) {
        Node::Constant(_) | Node::Symbol(_) => ("", vec![]),
        Node::Unary(op, x) => (op.name(), vec![x]),
        Node::Binary(op, a, b) => (op.name(), vec![a, b]),
    }
}

fn size(graph: &Graph, id: ExprId, price: &dyn Fn(&str) -> usize) -> usize {
    let (name, operands) = parts(graph, id);
    price(name) + operands.iter().map(|&x| size(graph, x, price)).sum::<usize>()
}

/// How many of an operation stand in each other.
fn depth(graph: &Graph, id: ExprId, of: &str) -> usize {
    let (name, operands) = parts(graph, id);
    usize::from(name == of) + operands.iter().map(|&x| depth(graph, x, of)).max().unwrap_or(0)
}

/// The same, at the most, below any `outer`.
fn depth_inside(graph: &Graph, id: ExprId, of: &str, outer: &str) -> usize {
    let (name, operands) = parts(graph, id);
    let here = |&x: &ExprId| if name == outer { depth(graph, x, of) } else { depth_inside(graph, x, of, outer) };
    operands.iter().map(here).max().unwrap_or(0)
}

/// The largest argument of an operation.
fn argument(graph: &Graph, id: ExprId, of: &str, place: usize, price: &dyn Fn(&str) -> usize) -> usize {
    let (name, operands) = parts(graph, id);
    let own = if name == of { size(graph, operands[place], price) } else { 0 };
    operands.iter().map(|&x| argument(graph, x, of, place, price)).fold(own, usize::max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Counted again from what is printed, every formula of a front keeps to every rule, and its complexity is that of the prices.
    #[test]
    fn every_formula_keeps_to_the_rules(a in 0.5..2.0_f64, sine in 2..5_usize, most in 2..6_usize, seed in 0..100_u64) {
        let table = table(0.5, 2.0, |x, y| (a * x).sin().exp() + (x + y * y).ln() / (1.0 + (x * y).sin()));
        let price = move |name: &str| match name {
            "sin" => sine,
            "/" => 2,
            _ => 1,
        };
        let rules = Rules::default()
            .with_complexity(&format!("sin: {sine}; /: 2"))
            .and_then(|rules| rules.with_nested("sin in exp: 0; sin in cos: 0; cos in sin: 0; + in log: 1"))
            .and_then(|rules| rules.with_arguments(&format!("exp: {most}; /: any, {}", most + 2)))
            .unwrap();
        let search = Symreg { rules, ..evolving(6, seed) }.search(&table, &mut |_| true);
        prop_assert!(search.front().len() > 1);
        for found in search.front() {
            let (graph, id) = read(found);
            let inside = |of: &str, outer: &str| depth_inside(&graph, id, of, outer);
            prop_assert_eq!(found.complexity, size(&graph, id, &price), "{}", &found.expression);
            prop_assert_eq!((inside("sin", "exp"), inside("sin", "cos"), inside("cos", "sin")), (0, 0, 0), "{}", &found.expression);
            prop_assert!(inside("+", "log") <= 1, "{}", found.expression);
            prop_assert!(argument(&graph, id, "exp", 0, &price) <= most, "{}", found.expression);
            prop_assert!(argument(&graph, id, "/", 1, &price) <= most + 2, "{}", found.expression);
        }
    }
}

/// What the rules forbid is what would be found without them.
#[test]
fn what_is_forbidden_would_be_found() {
    let table = table(0.5, 2.0, |x, _| (2.0 * x).sin().exp());
    let free = evolving(10, 0);
    let inside = |search: &vecfield_symreg::Search| {
        let (graph, id) = read(search.best());
        depth_inside(&graph, id, "sin", "exp")
    };
    assert_eq!(inside(&free.search(&table, &mut |_| true)), 1);
    let rules = Rules::default().with_nested("sin in exp: 0").unwrap();
    assert_eq!(inside(&Symreg { rules, ..free }.search(&table, &mut |_| true)), 0);
}

#[test]
fn rules_that_are_none_are_refused_with_what_to_give() {
    let none = Rules::default;
    let refused = [
        (none().with_complexity("sin 3"), "no colon"),
        (none().with_complexity("sin: 0"), "one node or more"),
        (none().with_complexity(" ; "), "it names none"),
        (none().with_nested("exp: 1"), "operation in another"),
        (none().with_nested("exp in exp: few"), "operation in another"),
        (none().with_arguments("^: 3"), "`^: any, 1`"),
        (none().with_arguments("exp: 0"), "`exp: 5`"),
    ];
    for (rules, problem) in refused {
        let error = rules.unwrap_err();
        assert!(matches!(error, SymregError::RuleSyntax { .. }) && error.to_string().contains(problem), "{error}");
    }
    let unknown = none().with_complexity("sine: 3").unwrap_err();
    assert!(matches!(unknown, SymregError::UnknownOperator { .. }) && unknown.to_string().contains("sin"), "{unknown}");
}
