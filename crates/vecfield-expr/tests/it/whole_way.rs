//! A formula all the way: printed, parsed, simplified, differentiated, compiled and evaluated at points and over rows. It is
//! drawn as often as proptest is told; ten million times with
//! `PROPTEST_CASES=10000000 cargo test --release -p vecfield-expr --test it whole_way`.

use proptest::prelude::*;
use vecfield_expr::{Graph, Program, Registers, RowRegisters};
use vecfield_traits::Scalar;

use crate::rounded::Rounded;
use crate::tree::{NAMES, point, scope, tree};

proptest! {
    /// Every stage has the value of the tree, or of the slope, as far as rounding lets one say; nothing on the way panics.
    #[test]
    fn values_survive_the_whole_way(tree in tree(), point in point(), i in 0..NAMES.len()) {
        let mut graph = Graph::new();
        let id = tree.build(&mut graph);
        let text = graph.to_text(id);

        let mut graph = Graph::new();
        let read = graph.parse(&text, &scope()).unwrap();
        let simple = graph.simplify(read);
        let slope = graph.derivative(simple, NAMES[i]);
        let one = graph.constant(1.0);
        let swept = graph.pullback(&[(simple, one)], &NAMES[i..=i])[0];
        let swept = swept.unwrap_or_else(|| graph.constant(0.0));
        let program = Program::compile(&graph, &[read, simple, slope, swept], &NAMES).unwrap();

        let wanted = tree.rounded(&point.map(Rounded::exact));
        // A coefficient of the simplified formula may be rounded, and 1 is not even written.
        let mut values = [Rounded::exact(0.0); 4];
        program.eval(&point.map(Rounded::lift), &mut values, &mut Registers::new());
        for (stage, value) in ["read", "simplified"].into_iter().zip(values) {
            prop_assert!(wanted.agrees(value), "{text} {stage}: {wanted:?} became {value:?} at {point:?}");
        }
        let [.., slope, swept] = values;
        prop_assert!(slope.agrees(swept) || swept.agrees(slope), "{text}: slope {slope:?}, swept {swept:?} at {point:?}");

        let columns = point.map(|x| [x; 17]);
        let mut rows = [[0.0; 17]; 4];
        let mut outputs = rows.each_mut().map(|column| &mut column[..]);
        program.eval_rows(&columns.each_ref().map(|column| &column[..]), &mut outputs, &mut RowRegisters::new());
        for (value, column) in values.iter().zip(&rows) {
            prop_assert!(column.iter().all(|row| row.to_bits() == column[0].to_bits()), "{text}: {column:?}");
            prop_assert!(value.agrees(Rounded::exact(column[0])), "{text}: {value:?}, over rows {} at {point:?}", column[0]);
        }
    }
}
