//! A program gives what the tree gives, whatever shares, fuses or folds.

use proptest::prelude::*;
use vecfield_expr::{CompileError, ExprField, Graph, Program, Registers, RowRegisters, Scope, Unary};
use vecfield_traits::ParametricField;

use crate::rounded::Rounded;
use crate::tree::{NAMES, Tree, point, same, scope, tree};

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    /// Many rows are each of them alone: bit for bit, save for the functions that the kernels work out in their own way.
    #[test]
    fn rows_are_points(trees in prop::collection::vec(tree(), 1..4), points in prop::collection::vec(point(), 1..600)) {
        let mut graph = Graph::new();
        let ids: Vec<_> = trees.iter().map(|tree| tree.build(&mut graph)).collect();
        let program = Program::compile(&graph, &ids, &NAMES).unwrap();
        let columns: [Vec<f64>; 3] = core::array::from_fn(|k| points.iter().map(|point| point[k]).collect());
        let mut outputs = vec![vec![0.0; points.len()]; ids.len()];
        let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        let mut registers = program.row_registers();
        program.eval_rows(&columns.each_ref().map(Vec::as_slice), &mut slices, &mut registers);
        for (tree, output) in trees.iter().zip(&outputs) {
            for (point, &got) in points.iter().zip(output) {
                if uses_kernels(tree) {
                    let (wanted, got) = (tree.value(&point.map(Rounded::exact)), Rounded::exact(got));
                    prop_assert!(wanted.agrees(got), "point {wanted:?}, row {got:?} at {point:?}");
                } else {
                    let wanted = tree.value(point);
                    prop_assert!(same(wanted, got), "point {wanted}, row {got} at {point:?}");
                }
            }
        }
        // The same rows from another place on, and so in other blocks.
        let skipped = points.len() / 3;
        let mut shifted = vec![vec![0.0; points.len() - skipped]; ids.len()];
        let mut slices: Vec<&mut [f64]> = shifted.iter_mut().map(Vec::as_mut_slice).collect();
        program.eval_rows(&columns.each_ref().map(|column| &column[skipped..]), &mut slices, &mut registers);
        for (output, shifted) in outputs.iter().zip(&shifted) {
            prop_assert!(output[skipped..].iter().zip(shifted).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())));
        }
    }
}

/// Is there a function whose last bits may differ between a point and a row?
fn uses_kernels(tree: &Tree) -> bool {
    match tree {
        Tree::Constant(_) | Tree::Symbol(_) => false,
        Tree::Unary(op, x) => {
            let plain = [Unary::Neg, Unary::Abs, Unary::Sign, Unary::Sqrt, Unary::Asin, Unary::Acos, Unary::Atan];
            !plain.contains(op) || uses_kernels(x)
        }
        Tree::Binary(_, a, b) => uses_kernels(a) || uses_kernels(b),
    }
}

/// Single precision takes the same way.
#[test]
fn rows_in_single_precision() {
    let mut graph = Graph::new();
    let id = graph.parse("x^5*y - z_1/3 + x^-2", &scope()).unwrap();
    let program = Program::compile(&graph, &[id], &NAMES).unwrap();
    let columns: [Vec<f32>; 3] = core::array::from_fn(|k| (1..700).map(|i| (i * (k + 1)) as f32 * 0.01).collect());
    let mut values = vec![0.0_f32; 699];
    program.eval_rows(&columns.each_ref().map(Vec::as_slice), &mut [&mut values], &mut RowRegisters::new());
    for (i, &got) in values.iter().enumerate() {
        let mut wanted = [0.0_f32];
        program.eval(&columns.each_ref().map(|column| column[i]), &mut wanted, &mut Registers::new());
        assert_eq!(got.to_bits(), wanted[0].to_bits());
    }
}

/// No rows, no inputs and no outputs are all legal.
#[test]
fn rows_at_the_edges() {
    let mut graph = Graph::new();
    let two = graph.parse("1 + 1", &scope()).unwrap();
    let constant = Program::compile(&graph, &[two], &[""; 0]).unwrap();
    let mut values = [0.0; 300];
    constant.eval_rows(&[], &mut [&mut values], &mut RowRegisters::new());
    assert_eq!(values, [2.0; 300]);
    constant.eval_rows::<f64>(&[], &mut [&mut []], &mut RowRegisters::new());
    let nothing = Program::compile(&graph, &[], &["x"]).unwrap();
    nothing.eval_rows(&[&[1.0]], &mut [], &mut RowRegisters::new());
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
