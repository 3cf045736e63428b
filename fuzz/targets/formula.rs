//! A formula as text: what is parsed prints, what is printed parses, and its printing settles at the second time.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vecfield_expr::{Graph, Program, Scope};

const NAMES: [&str; 4] = ["x", "y", "a", "t"];

fuzz_target!(|text: &str| {
    let scope = Scope::new(NAMES).expect("four plain names");
    let mut graph = Graph::new();
    let Ok(formula) = graph.parse(text, &scope) else { return };
    let read_back = |graph: &mut Graph, id| {
        let text = graph.to_text(id);
        graph.parse(&text, &scope).unwrap_or_else(|error| panic!("what is printed does not parse: {}", error.render(&text)))
    };
    let once = read_back(&mut graph, formula);
    let twice = read_back(&mut graph, once);
    assert_eq!(graph.to_text(once), graph.to_text(twice), "the printing of {text:?} does not settle");

    let simple = graph.simplify(formula);
    let slope = graph.derivative(simple, "x");
    let program = Program::compile(&graph, &[formula, simple, slope], &NAMES).expect("all names are bound");
    program.eval(&[0.7, -1.3, 2.5, 0.1], &mut [0.0; 3], &mut program.registers());
    (graph.to_latex(simple), graph.to_mathml(simple), graph.to_rust(simple));
});
