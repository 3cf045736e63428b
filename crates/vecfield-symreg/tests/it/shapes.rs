//! Formulas of a front have the shapes that were asked for.

use proptest::prelude::*;
use vecfield_expr::{Graph, Scope};
use vecfield_symreg::{Search, Shape, Shapes, Symreg, SymregError, Table, Verdict};

use crate::search::{evolving, table, value};

/// What is to be no less than zero at a point, by plain differences.
fn kept(shape: &Shape, f: &dyn Fn(f64, f64) -> f64, x: f64, y: f64) -> f64 {
    let h = 1e-4;
    match shape {
        Shape::Positive => f(x, y),
        Shape::Increasing(_) => f(x + h, y) - f(x - h, y),
        Shape::Concave(_) => 2.0 * f(x, y) - f(x + h, y) - f(x - h, y),
        Shape::Even(_) => -(f(x, y) - f(-x, y)).abs(),
        Shape::Odd(_) => -(f(x, y) + f(-x, y)).abs(),
        Shape::Symmetric(..) => -(f(x, y) - f(y, x)).abs(),
        other => panic!("{other:?} is not among those drawn"),
    }
}

fn has_shape(search: &Search, shape: &Shape) {
    for found in search.front() {
        let f = |x: f64, y: f64| value(found, x, y);
        for k in 0..200 {
            let (x, y) = (0.51 + 2.48 * f64::from(k % 20) / 19.0, 0.51 + 2.48 * f64::from(k / 20) / 9.0);
            let kept = kept(shape, &f, x, y);
            assert!(kept >= -1e-6, "{shape:?} of {} at {x}, {y}: {kept}", found.expression);
        }
        assert!(search.shape(found).is_some_and(|verdict| verdict != Verdict::Broken));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Whatever the data are, at points on a grid no formula breaks the shape.
    #[test]
    fn formulas_of_a_front_have_their_shape(
        a in -1.0..1.0_f64, noise in 0.0..0.3_f64, seed in 0..100_u64,
        shape in prop::sample::select(vec!["positive", "increasing x", "concave x", "even x", "odd x", "symmetric x y"]),
    ) {
        let table = table(0.5, 3.0, |x, y| a * x * y + x.sin() - 0.5 * a + noise * (31.0 * x * y).sin());
        let shapes = Shapes::parse(shape, &table).unwrap();
        let search = Symreg { shapes: Some(shapes.clone()), ..evolving(3, seed) }.search(&table, &mut |_| true);
        has_shape(&search, &shapes.shapes()[0]);
        prop_assert!(!search.front().is_empty());
    }
}

#[test]
fn verdicts_are_those_of_closed_forms() {
    let table = table(0.5, 3.0, |x, y| x + y);
    for (formula, shape, on, expected) in [
        ("exp(x)/y - 0.5", "positive", "", Verdict::Holds),
        ("x*y - 2", "positive", "", Verdict::Broken),
        ("x*y - 2", "negative", "x: 0..1; y: -1..2", Verdict::Holds),
        ("log(x)", "positive", "x: 1..9", Verdict::Holds),
        ("x^3 - 3*x", "increasing x", "x: 1..4", Verdict::Holds),
        ("x^3 - 3*x", "increasing x", "", Verdict::Broken),
        ("x^3 - 3*x", "decreasing x", "x: -1..1", Verdict::Holds),
        ("sin(x)*y", "concave x", "x: 0..3; y: 0..1", Verdict::Holds),
        ("sqrt(x)", "increasing x", "x: 0..1", Verdict::Holds),
        ("x^4 + y", "convex x", "x: -2..2", Verdict::Holds),
        // A pole in the box is no rise.
        ("-1/(x - 1.2345)", "increasing x", "", Verdict::Undecided),
        ("cos(x)*y + x^2", "even x", "", Verdict::Holds),
        ("tanh(x)*y", "odd x", "", Verdict::Holds),
        ("tanh(x) + y", "odd x", "", Verdict::Broken),
        ("sqrt(x)", "even x", "", Verdict::Broken),
        ("(x + y)^2/(x^2 + 2*x*y + y^2 + 1)", "symmetric x y", "", Verdict::Holds),
        ("x/y", "symmetric x y", "", Verdict::Broken),
        ("log(x/y)", "antisymmetric x y", "", Verdict::Holds),
        ("x - y", "antisymmetric x y; increasing x; decreasing y", "", Verdict::Holds),
    ] {
        let shapes = Shapes::parse(shape, &table).unwrap().over(on, &table).unwrap();
        let mut graph = Graph::new();
        let id = graph.parse(formula, &Scope::new(["x", "y"]).unwrap()).unwrap();
        assert_eq!(shapes.verdict(&mut graph, id, table.names()), expected, "{shape} of {formula} on {on}");
    }
}

/// Rows of one half alone tell a symmetric law of both, and what it is away from the data.
#[test]
fn symmetric_laws_are_found_from_noisy_rows() {
    let table = table(0.5, 3.0, |x, y| 1.3 * x * y + 0.4 * (x + y) + 0.02 * (31.0 * x + 17.0 * y).sin());
    let shapes = Some(Shapes::parse("symmetric x y; increasing x", &table).unwrap());
    let search = Symreg { shapes, ..evolving(10, 0) }.search(&table, &mut |_| true);
    let best = search.best();
    assert!(best.r2 > 0.999, "{}", best.expression);
    assert!((value(best, 0.7, 2.9) - value(best, 2.9, 0.7)).abs() < 1e-9, "{}", best.expression);
    assert_eq!(search.shape(best), Some(Verdict::Holds));
}

/// Where nothing else has the shape, zero has.
#[test]
fn zero_has_every_shape() {
    let table = table(0.5, 3.0, |x, y| -1.0 - x * y);
    let shapes = Some(Shapes::parse("positive", &table).unwrap());
    let search = Symreg { shapes, ..evolving(2, 0) }.search(&table, &mut |_| true);
    assert_eq!(search.front()[0].expression, "0");
}

#[test]
fn shapes_that_cannot_be_read_are_refused() {
    let table: Table = table(0.5, 3.0, |x, y| x * y);
    let refused = |text: &str| Shapes::parse(text, &table).unwrap_err().to_string();
    assert!(refused("increasng x").contains("did you mean `increasing`?"));
    assert!(refused("increasing").contains("`increasing x`") && refused("even x y").contains("takes 1"));
    assert!(refused("increasing z").contains("`z`") && refused(" ").contains("positive"));
    let over = |text: &str| Shapes::parse("positive", &table).unwrap().over(text, &table).unwrap_err();
    assert!(
        matches!(over("x: 1"), SymregError::ShapeSyntax { .. })
            && matches!(over("x: 2..1"), SymregError::ShapeSyntax { .. })
    );
    assert!(matches!(over("z: 0..1"), SymregError::UnknownColumn { .. }));
}
