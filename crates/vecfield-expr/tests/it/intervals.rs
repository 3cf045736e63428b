//! Intervals contain what is in them.

use proptest::prelude::*;
use vecfield_expr::{Binary, Graph, Interval, IntervalProgram, Unary, power};

use crate::tree::{NAMES, Tree, point, tree};

/// A box around a point, and how far another point of it is from one end to the other along each side.
fn boxed() -> impl Strategy<Value = ([Interval; 3], [f64; 3])> {
    let widths = prop::array::uniform3(prop_oneof![2 => 0.0..2.0_f64, 1 => 0.0..1e-6_f64, 1 => Just(0.0)]);
    let inside = prop::array::uniform3(prop_oneof![3 => 0.0..1.0_f64, 1 => Just(0.0), 1 => Just(1.0)]);
    (point(), widths, inside).prop_map(|(low, widths, inside)| {
        let sides: [Interval; 3] = std::array::from_fn(|i| Interval::new(low[i], low[i] + widths[i]));
        (sides, std::array::from_fn(|i| (low[i] + inside[i] * widths[i]).min(sides[i].high())))
    })
}

fn values(tree: &Tree, sides: &[Interval]) -> Interval {
    let mut graph = Graph::new();
    let id = tree.build(&mut graph);
    IntervalProgram::compile(&graph, id, &NAMES).unwrap().eval(sides)
}

/// Is a part of a formula too large for a number, or divided by zero?
fn overflows(tree: &Tree, at: &[f64]) -> bool {
    let below = match tree {
        Tree::Constant(_) | Tree::Symbol(_) => false,
        Tree::Unary(_, x) => overflows(x, at),
        Tree::Binary(_, a, b) => overflows(a, at) || overflows(b, at),
    };
    below || tree.value(at).is_infinite()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The interval of a formula contains its values at the points of the box, and where it is said to have one everywhere it does.
    #[test]
    fn values_of_a_box_are_in_its_interval(tree in tree(), (sides, at) in boxed()) {
        let (values, value) = (values(&tree, &sides), tree.value(&at));
        let overflows = overflows(&tree, &at);
        // One over minus zero is minus infinity to a machine, and nothing else.
        if value.is_finite() && (values.is_defined() || !overflows) {
            prop_assert!(values.contains(value), "{value} at {at:?} is not in {values:?}");
        } else if !overflows {
            prop_assert!(!values.is_defined(), "{value} at {at:?}");
        }
    }

    /// What lies between in a part of the box lies between in the whole.
    #[test]
    fn parts_of_a_box_have_intervals_inside(tree in tree(), (sides, _) in boxed()) {
        let whole = values(&tree, &sides);
        let halves = sides.map(Interval::halves);
        for corner in 0..8_usize {
            let part: [Interval; 3] = std::array::from_fn(|i| halves[i][corner >> i & 1]);
            let part = values(&tree, &part);
            // Other roundings: a wave's extremum is taken for inside where it is near.
            let room = 1e-6 * (1.0 + whole.low().abs().min(whole.high().abs()));
            let inside = part.low() >= whole.low() - room && part.high() <= whole.high() + room;
            prop_assert!(inside || !whole.is_defined() || whole.width() > 1e6, "{part:?} in {whole:?}");
        }
    }

    /// Monotone functions of one variable have intervals as narrow as rounding lets them be.
    #[test]
    fn intervals_are_sharp(low in 0.01..0.4_f64, width in 0.0..0.5_f64, exponent in prop::sample::select(vec![2.0, 3.0, -1.0, -2.0, 0.5, 1.5, 0.3])) {
        let x = Interval::new(low, low + width);
        let sharp = |values: Interval, a: f64, b: f64| {
            let near = |x: f64, y: f64| (x - y).abs() <= 1e-13 * (1.0 + y.abs());
            values.is_defined() && near(values.low(), a.min(b)) && near(values.high(), a.max(b))
        };
        for op in Unary::FUNCTIONS {
            prop_assert!(sharp(x.unary(op), op.apply(low), op.apply(low + width)), "{}", op.name());
        }
        prop_assert!(sharp(x.power(exponent), power(low, exponent), power(low + width, exponent)));
        prop_assert!(sharp(x.binary(Binary::Div, Interval::point(-2.0)), low / -2.0, (low + width) / -2.0));
    }
}

#[test]
fn domains_and_poles_are_seen() {
    let (x, negative) = (Interval::new(-1.0, 2.0), Interval::new(-3.0, -2.0));
    for op in [Unary::Log, Unary::Sqrt, Unary::Asin, Unary::Acos] {
        assert!(!x.unary(op).is_defined() && !negative.unary(op).is_defined(), "{}", op.name());
    }
    assert!(x.unary(Unary::Sqrt).low() == 0.0 && !Interval::new(1.5, 1.6).unary(Unary::Tan).is_defined());
    assert!(!Interval::point(1.0).binary(Binary::Div, x).is_defined());
    assert!(!x.power(0.5).is_defined() && x.power(2.0).is_defined() && !x.power(-2.0).is_defined());
    assert_eq!(Interval::new(1.0, 2.0).unary(Unary::Sin).high(), 1.0);
    assert!(Interval::new(0.0, 7.0).unary(Unary::Cos).low() == -1.0);
}
