//! Texts that are too long, too deep or only strange: an answer or an error, in bounded time, on a small stack.

use proptest::prelude::*;
use vecfield_expr::{Graph, MAX_DEPTH, MAX_TEXT, ParseErrorKind, Program, Unary};

use crate::tree::{NAMES, scope};

#[test]
fn deep_nesting_is_an_error() {
    let deep = |open: &str, close: &str| open.repeat(200_000) + "x" + &close.repeat(200_000);
    for text in [deep("(", ")"), deep("sin(", ")"), deep("2^", ""), deep("min(1,", ")"), deep("(-", ")"), deep("(", "")]
    {
        let error = Graph::new().parse(&text, &scope()).unwrap_err();
        assert_eq!(error.kind(), &ParseErrorKind::TooDeep { limit: MAX_DEPTH });
        assert!(error.to_string().contains(&MAX_DEPTH.to_string()), "{error}");
        assert!(error.render(&text).len() < 500);
    }
    let legal = "(".repeat(MAX_DEPTH) + "x" + &")".repeat(MAX_DEPTH);
    assert!(Graph::new().parse(&legal, &scope()).is_ok());
    assert!(Graph::new().parse(&("-".repeat(200_001) + "x"), &scope()).is_ok());
}

#[test]
fn long_texts_are_read_up_to_the_limit() {
    let error = Graph::new().parse(&" ".repeat(MAX_TEXT + 1), &scope()).unwrap_err();
    assert_eq!(error.kind(), &ParseErrorKind::TooLong { bytes: MAX_TEXT + 1, limit: MAX_TEXT });
}

/// A sum of 100,000 terms goes through everything.
#[test]
fn long_sums_work() {
    let mut graph = Graph::new();
    let text = (0..100_000).map(|i| format!("{i}.5*x^{}", i % 7)).collect::<Vec<_>>().join(" - ");
    let id = graph.parse(&text, &scope()).unwrap();
    assert_eq!(graph.complexity(id), 6 * 100_000 - 1);
    let program = Program::compile(&graph, &[id], &NAMES).unwrap();
    let mut value = [0.0];
    program.eval(&[0.9, 0.0, 0.0], &mut value, &mut program.registers());
    let wanted = (1..100_000).fold(0.5, |sum, i| sum - (f64::from(i) + 0.5) * 0.9_f64.powi(i % 7));
    assert_eq!(value[0], wanted);
    let printed = graph.to_text(id);
    let back = graph.parse(&printed, &scope()).unwrap();
    assert_eq!(back, id);
    let slope = graph.derivative(id, "x");
    let simple = graph.simplify(slope);
    // Six powers of x, each once: the constant, x, .., x^5.
    assert_eq!(graph.terms(simple).len(), 6);
    let expanded = graph.expand(id);
    assert_eq!(graph.terms(expanded).len(), 7);
}

/// Depth that only code can build, and lengths on the other side of an operator.
#[test]
fn deep_graphs_work() {
    let mut graph = Graph::new();
    let (mut nested, mut right, mut product) = (graph.symbol("x"), graph.symbol("y"), graph.symbol("x"));
    for i in 0..50_000 {
        nested = graph.unary(Unary::Sin, nested);
        let term = graph.constant(f64::from(i % 10));
        right = graph.sub(term, right);
        let y = graph.symbol(["x", "y", "z_1"][i as usize % 3]);
        product = graph.mul(y, product);
    }
    for id in [nested, right, product] {
        let slope = graph.derivative(id, "x");
        let simple = graph.simplify(slope);
        let program = Program::compile(&graph, &[simple, id], &NAMES).unwrap();
        program.eval(&[0.5, 0.9, 1.0], &mut [0.0; 2], &mut program.registers());
        assert!(!graph.to_text(id).is_empty());
    }
}

/// Shared towers do not unfold in what works on graphs.
#[test]
fn shared_towers_stay_small() {
    let mut graph = Graph::new();
    let (x, y) = (graph.symbol("x"), graph.symbol("y"));
    let (mut sum, mut product, mut mixed) = (x, x, x);
    for i in 0..100 {
        sum = graph.add(sum, sum);
        product = graph.mul(product, product);
        let other = if i % 2 == 0 { graph.add(mixed, y) } else { graph.mul(mixed, y) };
        mixed = graph.mul(mixed, other);
    }
    for id in [sum, product, mixed] {
        let slope = graph.derivative(id, "x");
        for id in [id, slope] {
            let (simple, expanded) = (graph.simplify(id), graph.expand(id));
            assert!(graph.reachable(&[simple]).len() < 10_000);
            assert!(graph.reachable(&[expanded]).len() < 200_000);
        }
    }
}

/// A graph whose text would fill the universe is cut, visibly.
#[test]
fn shared_towers_are_cut() {
    let mut graph = Graph::new();
    let mut id = graph.symbol("x");
    for _ in 0..200 {
        id = graph.mul(id, id);
    }
    assert_eq!(graph.complexity(id), usize::MAX);
    assert!(graph.to_text(id).contains("..."));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    /// Any text is a formula or an error whose picture can be drawn.
    #[test]
    fn no_text_panics(text in any::<String>()) {
        if let Err(error) = Graph::new().parse(&text, &scope()) {
            prop_assert!(error.render(&text).contains('^'));
            prop_assert!(error.span().end <= text.len());
            prop_assert!(!error.render("another text, with é").is_empty());
        }
    }

    /// Texts made of what formulas are made of; what is read can be printed, read again and run.
    #[test]
    fn no_tokens_panic(tokens in prop::collection::vec(prop::sample::select(vec![
        "x", "y", "z_1", "sin", "min", "log", "pi", "(", "(", ")", ")", ",", "+", "-", "*", "/", "^", "1", ".5", "2e", "1e5", "1e999",
        "3.", "..", " ", "\n", "w", "·", "=", "**",
    ]), 0..24)) {
        let text = tokens.concat();
        let mut graph = Graph::new();
        match graph.parse(&text, &scope()) {
            Err(error) => prop_assert!(!error.render(&text).is_empty()),
            Ok(id) => {
                let printed = graph.to_text(id);
                prop_assert!(graph.parse(&printed, &scope()).is_ok(), "{text} printed as {printed}");
                let program = Program::compile(&graph, &[id], &NAMES).unwrap();
                program.eval(&[0.5, 1.0, 2.0], &mut [0.0], &mut program.registers());
            }
        }
    }
}
