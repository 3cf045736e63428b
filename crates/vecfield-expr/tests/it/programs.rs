//! A program gives what the tree gives, whatever shares, fuses or folds.

use proptest::prelude::*;
use vecfield_expr::{Column, CompileError, ExprField, Graph, Program, Registers, RowRegisters, Scope, Unary};
use vecfield_kernels::VectorMath;
use vecfield_traits::{Elementary, ParametricField};

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
                    let (wanted, got) = (tree.rounded(&point.map(Rounded::exact)), Rounded::exact(got));
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

/// Numbers that arithmetic has trouble with among ordinary ones.
fn awkward<R: VectorMath>(i: usize, shift: usize) -> R {
    let specials = [R::NAN, R::INFINITY, -R::INFINITY, R::zero(), -R::zero(), R::MAX, R::one()];
    if i % 9 == shift {
        specials[(i / 9) % specials.len()]
    } else {
        R::from_f64(((i * 37 + shift) % 101) as f64 * 0.07 - 3.0)
    }
}

/// Every operation at every number of rows up to some chunks and around blocks: a row is what it is alone, bit for bit, and
/// what no function of the kernels is in, is what a point gives; NaN among the arguments is NaN in the row.
fn every_operation_at_every_length<R: VectorMath + Elementary>() {
    let texts = [
        "x + y",
        "x - y",
        "x*y",
        "x/y",
        "min(x, y)",
        "max(x, y)",
        "x > y",
        "cond(x, y)",
        "cond(x > y, z_1)",
        "x^y",
        "x + y + z_1",
        "x*y*z_1",
        "x*y + z_1",
        "x*y - z_1",
        "z_1 - x*y",
        "(x + y)*z_1",
        "(x - y)*z_1",
        "x*y + z_1*2.5",
        "x*y - z_1*x",
        "x^2",
        "x^3",
        "1/x",
        "x^5",
        "x^-4",
        "x^2.5",
        "x^-1.5",
        "-x",
        "abs(x)",
        "sign(x)",
        "sqrt(x)",
        "exp(x)",
        "log(x)",
        "sin(x)",
        "cos(x)",
        "tan(x)",
        "asin(x)",
        "acos(x)",
        "atan(x)",
        "sinh(x)",
        "cosh(x)",
        "tanh(x)",
        "x",
        "1.5",
    ];
    let mut graph = Graph::new();
    let ids: Vec<_> = texts.iter().map(|text| graph.parse(text, &scope()).unwrap()).collect();
    let program = Program::compile(&graph, &ids, &NAMES).unwrap();
    let (mut registers, most) = (program.row_registers::<R>(), 1200);
    let columns: [Vec<R>; 3] = core::array::from_fn(|k| (0..most).map(|i| awkward(i, k)).collect());
    let alone: Vec<Vec<R>> = (0..most)
        .map(|row| {
            let mut values = vec![R::zero(); ids.len()];
            let mut outputs: Vec<&mut [R]> = values.chunks_mut(1).collect();
            program.eval_rows(&columns.each_ref().map(|column| &column[row..row + 1]), &mut outputs, &mut registers);
            let mut point = vec![R::zero(); ids.len()];
            program.eval(&columns.each_ref().map(|column| column[row]), &mut point, &mut Registers::new());
            for (k, (&row, &point)) in values.iter().zip(&point).enumerate() {
                let (row, point) = (row.to_f64(), point.to_f64());
                let plain = !texts[k].contains('(')
                    || ["min", "max", "cond", "abs", "sign", "sqrt", "asin", "acos", "atan", "(x "]
                        .iter()
                        .any(|name| texts[k].starts_with(name));
                assert!(!plain || same(row, point), "{}: {row} and {point}", texts[k]);
                assert_eq!(row.is_nan(), point.is_nan(), "{}", texts[k]);
            }
            values
        })
        .collect();
    for rows in (0..=70).chain([255, 256, 257, 300, 511, 512, 513, 529, 1000, 1200]) {
        let mut values = vec![vec![R::zero(); rows]; ids.len()];
        let mut outputs: Vec<&mut [R]> = values.iter_mut().map(Vec::as_mut_slice).collect();
        program.eval_rows(&columns.each_ref().map(|column| &column[most - rows..]), &mut outputs, &mut registers);
        for (k, column) in values.iter().enumerate() {
            for (row, &got) in column.iter().enumerate() {
                let wanted = alone[most - rows + row][k];
                assert!(identical(got, wanted), "{} in row {row} of {rows}: {got:?}, alone {wanted:?}", texts[k]);
            }
        }
    }
}

fn identical<R: VectorMath>(a: R, b: R) -> bool {
    let (a, b) = (a.to_f64(), b.to_f64());
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn every_operation_over_rows() {
    every_operation_at_every_length::<f64>();
    every_operation_at_every_length::<f32>();
}

proptest! {
    /// An input that is the same at every row may be given as one number; bit for bit.
    #[test]
    fn one_number_is_a_column_of_it(
        trees in prop::collection::vec(tree(), 1..4),
        points in prop::collection::vec(point(), 1..600),
        held in prop::array::uniform3(prop::bool::ANY),
    ) {
        let mut graph = Graph::new();
        let ids: Vec<_> = trees.iter().map(|tree| tree.build(&mut graph)).collect();
        let program = Program::compile(&graph, &ids, &NAMES).unwrap();
        let columns: [Vec<f64>; 3] = core::array::from_fn(|k| {
            points.iter().map(|point| if held[k] { points[0][k] } else { point[k] }).collect()
        });
        let mixed: Vec<Column<'_, f64>> = (columns.iter().zip(held))
            .map(|(column, held)| if held { Column::Same(column[0]) } else { Column::Rows(column) })
            .collect();
        let (mut wanted, mut got) = (vec![vec![0.0; points.len()]; ids.len()], vec![vec![0.0; points.len()]; ids.len()]);
        let mut registers = program.row_registers();
        let mut slices: Vec<&mut [f64]> = wanted.iter_mut().map(Vec::as_mut_slice).collect();
        program.eval_rows(&columns.each_ref().map(Vec::as_slice), &mut slices, &mut registers);
        let mut slices: Vec<&mut [f64]> = got.iter_mut().map(Vec::as_mut_slice).collect();
        program.eval_columns(&mixed, &mut slices, &mut registers);
        for (wanted, got) in wanted.iter().flatten().zip(got.iter().flatten()) {
            prop_assert!(identical(*wanted, *got), "column {wanted}, number {got}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    /// The value and the slopes of one sweep back are the value and the derivatives, as far as rounding lets one say.
    #[test]
    fn slopes_of_one_sweep_are_the_derivatives(tree in tree(), points in prop::collection::vec(point(), 1..4)) {
        let mut graph = Graph::new();
        let id = tree.build(&mut graph);
        let swept = Program::compile_with_slopes(&mut graph, id, &NAMES, &NAMES).unwrap();
        let one_by_one: Vec<_> = core::iter::once(id).chain(NAMES.map(|name| graph.derivative(id, name))).collect();
        let one_by_one = Program::compile(&graph, &one_by_one, &NAMES).unwrap();
        for point in points {
            let point = point.map(Rounded::exact);
            let (mut wanted, mut got) = ([Rounded::exact(0.0); 4], [Rounded::exact(0.0); 4]);
            one_by_one.eval(&point, &mut wanted, &mut one_by_one.registers());
            swept.eval(&point, &mut got, &mut swept.registers());
            prop_assert!(same(wanted[0].value, got[0].value));
            for (wanted, got) in wanted.iter().zip(&got) {
                prop_assert!(wanted.agrees(*got) || got.agrees(*wanted), "derivative {wanted:?}, swept {got:?} at {point:?}");
            }
        }
    }
}

/// A result that is several outputs, or an output and part of another, is each of them over rows.
#[test]
fn outputs_may_share_a_result() {
    let mut graph = Graph::new();
    let ids = ["x*y", "x*y", "x*y + 1", "x", "x", "2.5", "x*y"].map(|text| graph.parse(text, &scope()).unwrap());
    let twice = Program::compile(&graph, &[ids[0], ids[1]], &NAMES).unwrap();
    let all = Program::compile(&graph, &ids, &NAMES).unwrap();
    for rows in [3, 40, 600] {
        let x: Vec<f64> = (0..rows).map(f64::from).collect();
        let mut values = vec![vec![0.0; rows as usize]; 7];
        let columns = [&x[..], &x, &x];
        let [a, b, c, d, e, f, g] = &mut values[..] else { unreachable!("seven outputs") };
        twice.eval_rows(&columns, &mut [a, b], &mut RowRegisters::new());
        assert!((0..rows as usize).all(|row| a[row] == x[row] * x[row] && a[row] == b[row]));
        a.fill(0.0);
        b.fill(0.0);
        all.eval_rows(&columns, &mut [a, b, c, d, e, f, g], &mut RowRegisters::new());
        for (row, x) in x.iter().enumerate() {
            let wanted = [x * x, x * x, x * x + 1.0, *x, *x, 2.5, x * x];
            assert_eq!([a[row], b[row], c[row], d[row], e[row], f[row], g[row]], wanted);
        }
    }
}

/// Memory goes from one program over rows to another, larger or smaller.
#[test]
fn row_registers_fit_any_program() {
    let mut graph = Graph::new();
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let mut registers = RowRegisters::new();
    for (text, wanted) in
        [("x + 1.5", 3.5), ("2.5*x*y + 7 + exp(z_1)", 18.0), ("x + 1.5", 3.5), ("x - 0.5", 1.5), ("x + 1.5", 3.5)]
    {
        let id = graph.parse(text, &scope()).unwrap();
        let program = Program::compile(&graph, &[id], &NAMES).unwrap();
        let mut values = vec![0.0; 40];
        program.eval_rows(&[&x, &x, &vec![0.0; 40]], &mut [&mut values], &mut registers);
        assert_eq!(values[2], wanted, "{text}");
    }
}

/// Few rows are worked on in memory of their own, which programs need more of that differ in the number of their outputs alone.
#[test]
fn row_registers_fit_programs_of_more_outputs() {
    let mut graph = Graph::new();
    let id = graph.parse("x + 1.5", &scope()).unwrap();
    let [one, three] = [1, 3].map(|count| Program::compile(&graph, &vec![id; count], &NAMES).unwrap());
    let (rows, mut registers) = ([2.0; 3], RowRegisters::new());
    let columns = [&rows[..]; 3];
    let mut values = [[0.0; 3]; 3];
    for _ in 0..2 {
        one.eval_rows(&columns, &mut [&mut values[0]], &mut registers);
        assert_eq!(values[0], [3.5; 3]);
        let mut outputs = values.each_mut().map(|column| &mut column[..]);
        three.eval_rows(&columns, &mut outputs, &mut registers);
        assert_eq!(values, [[3.5; 3]; 3]);
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
