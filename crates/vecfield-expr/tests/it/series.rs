//! Tapes of programs, and series of systems, against plain evaluation and evaluation over jets, to rounding.

use proptest::prelude::*;
use vecfield_autodiff::{Jet, Series, SeriesMemory};
use vecfield_expr::{ExprField, Graph, Program, Registers, SymbolicField};
use vecfield_traits::{Jacobian, ParametricField, Scalar, VectorField};

use crate::rounded::Rounded;
use crate::tree::{NAMES, point, tree};

const ORDER: usize = 3;
type J = Jet<Rounded, { ORDER + 1 }>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// A program taken apart gives what the tree gives.
    #[test]
    fn a_tape_is_its_program(tree in tree(), point in point()) {
        let mut graph = Graph::new();
        let id = tree.build(&mut graph);
        let tape = Program::compile(&graph, &[id], &NAMES).unwrap().tape();
        let mut places = vec![0.0; tape.len()];
        tape.eval(&point, &mut places);
        let wanted = tree.rounded(&point.map(Rounded::exact));
        let got = Rounded::exact(places[tape.outputs()[0] as usize]);
        prop_assert!(wanted.agrees(got), "tree {wanted:?}, tape {got:?}");
    }

    /// The series of a system of any formulas is that of evaluating it over jets, once an order.
    #[test]
    fn series_are_those_by_jets(trees in prop::collection::vec(tree(), 3), point in point()) {
        let mut graph = Graph::new();
        let ids: Vec<_> = trees.iter().map(|tree| tree.build(&mut graph)).collect();
        let field = ExprField::new(&graph, &ids, &NAMES, &[] as &[&str]).unwrap();
        let mut y: Vec<J> = point.iter().map(|&y| J::constant(Rounded::exact(y))).collect();
        let (mut rates, mut registers) = (vec![J::zero(); 3], Registers::new());
        for k in 0..ORDER {
            ParametricField::<J>::eval(&field, J::zero(), &y, &[], &mut rates, &mut registers);
            for (y, rate) in y.iter_mut().zip(&rates) {
                y.coefficients[k + 1] = rate.coefficients[k].scale(1.0 / (k + 1) as f64);
            }
        }
        let (series, mut memory) = (Series::new(&field.program().tape()), SeriesMemory::new());
        let mut found = [0.0; 3 * (ORDER + 1)];
        series.expand(&mut memory, &[0.0, point[0], point[1], point[2]], ORDER, &mut found);
        for (k, row) in found.chunks(3).enumerate() {
            for (i, &got) in row.iter().enumerate() {
                // Where a quantity formally moves, stands still in fact, and has an infinite slope, a series may not know.
                if got.is_nan() {
                    continue;
                }
                let wanted = y[i].coefficients[k];
                prop_assert!(wanted.agrees(Rounded::exact(got)), "order {k} of {i}: jets {wanted:?}, series {got:e}");
            }
        }
    }
}

#[test]
fn a_field_offers_its_series() {
    // x' = a y + t, y' = -x: at (1, 0) and t = 0.5 with a = 2.
    let mut graph = Graph::new();
    let scope = vecfield_expr::Scope::new(["t", "x", "y", "a"]).unwrap();
    let rates = ["a*y + t", "-x"].map(|text| graph.parse(text, &scope).unwrap());
    let family = SymbolicField::new(&mut graph, &rates, &["x", "y"], &["a"]).unwrap();
    let field = family.at(vec![2.0]);
    let (mut work, mut c) = (field.workspace(), [0.0; 8]);
    assert!(field.taylor(0.5, &[1.0, 0.0], 3, &mut c, &mut work));
    // x'' = -2x + 1, x''' = -2x'.
    assert_eq!(c, [1.0, 0.0, 0.5, -1.0, -0.5, -0.25, -1.0 / 6.0, 1.0 / 6.0]);
    assert_eq!(field.smooth_within(1e6, &work), 1e6);
}
