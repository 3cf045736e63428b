//! `parse ∘ print = id` in value, and texts that people would have written.

use proptest::prelude::*;
use vecfield_expr::{Binary, Graph, Scope, TextStyle};
use vecfield_laws::comes_back;

use crate::tree::{Tree, point, same, scope, tree};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// What is printed is read back as the same value; only products are regrouped, a rounding each.
    #[test]
    fn text_is_read_back(tree in tree(), point in point()) {
        let mut graph = Graph::new();
        let id = tree.build(&mut graph);
        let text = graph.to_text(id);
        let back = graph.parse(&text, &scope()).map_err(|error| TestCaseError::fail(error.render(&text)))?;
        // The second time nothing is left to regroup.
        let settled = graph.to_text(back);
        let again = graph.parse(&settled, &scope()).map_err(|error| TestCaseError::fail(error.render(&settled)))?;
        prop_assert_eq!(graph.to_text(again), settled);
        let (wanted, got) = (tree.value(&point), evaluate(&graph, back, &point));
        if !has_nested_products(&tree) {
            prop_assert!(same(wanted, got), "{text}: {wanted} read back as {got}");
        }
    }
}

/// Is there a product whose right factor is a product, which is printed without its parentheses?
fn has_nested_products(tree: &Tree) -> bool {
    match tree {
        Tree::Constant(_) | Tree::Symbol(_) => false,
        Tree::Unary(_, x) => has_nested_products(x),
        Tree::Binary(op, a, b) => {
            let nested = *op == Binary::Mul && matches!(**b, Tree::Binary(Binary::Mul, ..));
            nested || has_nested_products(a) || has_nested_products(b)
        }
    }
}

fn evaluate(graph: &Graph, id: vecfield_expr::ExprId, point: &[f64]) -> f64 {
    let program = vecfield_expr::Program::compile(graph, &[id], &crate::tree::NAMES).unwrap();
    let mut value = [0.0];
    program.eval(point, &mut value, &mut program.registers());
    value[0]
}

/// Each text is already as it is printed.
#[test]
fn texts_stay_as_written() {
    let texts = [
        "0.547*hare - 0.0281*hare*lynx",
        "-x^2",
        "(-x)^2",
        "2^-3",
        "x^y^2",
        "(x^y)^2",
        "-(x + y)",
        "x - (y + 1)",
        "x - (y - 1)",
        "x + (y - 1)",
        "x/(y*2)",
        "x*(y/2)",
        "x*y/2",
        "a*(-3)",
        "-3*a",
        "x^(-y)",
        "x^(y + 1)",
        "(x + 1)^0.5",
        "sin(x + 1)*min(x, -y)",
        "1e-7*x + 2.5e21",
        "2*pi*x",
        "-x*y + x",
        "((x + mu)^2 + y^2)^1.5",
        "x > y + 1",
        "2*x + 3*(x > 1.7)",
        "(x > y)^2 - (x > 1)",
        "-(x > y)",
        "(x > y) > 0",
        "min(x > 1, y > 2)",
        "cond(x > 1, x) + cond(y, 1 - (x > 1))",
        "a*if(x - y > 2, x > 1, x/y)",
        "1 - cond(x > 2, x)",
    ];
    let scope = Scope::new(["hare", "lynx", "x", "y", "a", "mu"]).unwrap();
    let reprinted = |text: &str| {
        let mut graph = Graph::new();
        graph.parse(text, &scope).map(|id| graph.to_text(id))
    };
    for text in texts {
        assert_eq!(comes_back(&text.to_owned(), String::clone, reprinted), Ok(()));
    }
}

#[test]
fn signs_are_gathered() {
    let mut graph = Graph::new();
    let scope = scope();
    for (text, printed) in [
        ("x + -y", "x - y"),
        ("x - -2*y", "x + 2*y"),
        ("x + -2*y/z_1", "x - 2*y/z_1"),
        ("-(-3*x)", "3*x"),
        ("x*(y*z_1)", "x*y*z_1"),
        ("x*(-(y))", "x*(-y)"),
        ("--x", "x"),
        ("x < y", "y > x"),
        ("1 - (2 > x)", "1 - (x < 2)"),
        ("if(x, y, 2)", "if(x > 0, y, 2)"),
        ("cond(1 - (x > 2), y) + cond(x > 2, z_1)", "if(x > 2, z_1, y)"),
    ] {
        let id = graph.parse(text, &scope).unwrap();
        assert_eq!(graph.to_text(id), printed, "{text}");
    }
}

#[test]
fn digits_are_for_people() {
    let mut graph = Graph::new();
    let id = graph.parse("0.123456*x + 1234567*y - 1.0000001*x", &scope()).unwrap();
    assert_eq!(graph.to_text_styled(id, TextStyle::digits(3)), "0.123*x + 1230000*y - 1*x");
}
