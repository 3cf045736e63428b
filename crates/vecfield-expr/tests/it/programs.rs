//! A program gives what the tree gives, whatever shares, fuses or folds.

use proptest::prelude::*;
use vecfield_expr::{CompileError, ExprField, Graph, Program, Registers, Scope};
use vecfield_traits::ParametricField;

use crate::tree::{NAMES, point, same, scope, tree};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// Bit for bit: a fused instruction rounds where its parts would.
    #[test]
    fn program_is_the_tree(trees in prop::collection::vec(tree(), 1..4), points in prop::collection::vec(point(), 1..4)) {
        let mut graph = Graph::new();
        let ids: Vec<_> = trees.iter().map(|tree| tree.build(&mut graph)).collect();
        let program = Program::compile(&graph, &ids, &NAMES).unwrap();
        let (mut outputs, mut registers) = (vec![0.0; ids.len()], program.registers());
        for point in points {
            program.eval(&point, &mut outputs, &mut registers);
            for (tree, &got) in trees.iter().zip(&outputs) {
                let wanted = tree.value(&point);
                prop_assert!(same(wanted, got), "tree {wanted}, program {got} at {point:?}");
            }
        }
    }
}

/// Memory that served one program serves another.
#[test]
fn registers_fit_any_program() {
    let mut graph = Graph::new();
    let scope = scope();
    let mut registers = Registers::new();
    for (text, wanted) in [("x + 1.5", 3.5), ("2.5*x*y + 7", 22.0), ("x + 1.5", 3.5)] {
        let id = graph.parse(text, &scope).unwrap();
        let program = Program::compile(&graph, &[id], &NAMES).unwrap();
        let mut value = [0.0];
        program.eval(&[2.0, 3.0, 0.0], &mut value, &mut registers);
        assert_eq!(value[0], wanted, "{text}");
    }
}

/// The instructions that formulas of this kind are meant to become.
#[test]
fn common_pairs_are_fused() {
    let mut graph = Graph::new();
    let scope = Scope::new(["x", "y", "z", "sigma", "rho", "beta"]).unwrap();
    let texts = ["sigma*(y - x)", "x*(rho - z) - y", "x*y - beta*z"];
    let equations: Vec<_> = texts.iter().map(|text| graph.parse(text, &scope).unwrap()).collect();
    let lorenz = ExprField::new(&graph, &equations, &["x", "y", "z"], &["sigma", "rho", "beta"]).unwrap();
    assert_eq!(lorenz.program().instruction_count(), 4);
}

/// A program of more places than a byte can name runs the same.
#[test]
fn large_programs_run() {
    let mut graph = Graph::new();
    let names: Vec<String> = (0..400).map(|i| format!("x{i}")).collect();
    let terms: Vec<_> = names.iter().map(|name| graph.symbol(name)).collect();
    let sum = graph.sum(terms);
    let program = Program::compile(&graph, &[sum], &names).unwrap();
    let inputs: Vec<f64> = (0..400).map(f64::from).collect();
    let mut value = [0.0];
    program.eval(&inputs, &mut value, &mut program.registers());
    assert_eq!(value[0], 399.0 * 200.0);
}

#[test]
fn what_is_missing_is_named() {
    let mut graph = Graph::new();
    let id = graph.parse("x*y", &scope()).unwrap();
    let unbound = Program::compile(&graph, &[id], &["x"]).unwrap_err();
    assert_eq!(unbound, CompileError::Unbound { name: "y".to_owned() });
    let twice = Program::compile(&graph, &[id], &["x", "x"]).unwrap_err();
    assert_eq!(twice, CompileError::Duplicate { name: "x".to_owned() });
    let count = ExprField::new(&graph, &[id], &["x", "y"], &[""; 0]).unwrap_err();
    assert_eq!(count, CompileError::Count { equations: 1, states: 2 });
}

/// Time is an input unless a state is called `t`.
#[test]
fn time_is_an_input() {
    let mut graph = Graph::new();
    let scope = Scope::new(["t", "x"]).unwrap();
    let id = graph.parse("t*x", &scope).unwrap();
    let mut rate = [0.0];
    let field = ExprField::new(&graph, &[id], &["x"], &[""; 0]).unwrap();
    field.eval(3.0, &[2.0], &[], &mut rate, &mut Registers::new());
    assert_eq!(rate[0], 6.0);
    let hidden = ExprField::new(&graph, &[id], &["t"], &["x"]).unwrap();
    hidden.eval(3.0, &[5.0], &[7.0], &mut rate, &mut Registers::new());
    assert_eq!(rate[0], 35.0);
}
