//! Texts that are too long, too deep or only strange: an answer or an error, in bounded time, on a small stack.

use proptest::prelude::*;
use vecfield_expr::{Graph, MAX_DEPTH, MAX_TEXT, ParseErrorKind, Program};

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
