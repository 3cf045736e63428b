//! Simplified, expanded and differentiated formulas have the values they must have.

use proptest::prelude::*;
use vecfield_autodiff::Dual;
use vecfield_expr::{Binary, ExprId, Graph, Program, Scope, Unary};
use vecfield_traits::{Elementary, Scalar};

use crate::rounded::Rounded;
use crate::tree::{NAMES, Tree, point, scope, tree};

fn value<S: Elementary>(graph: &Graph, id: ExprId, point: [S; 3]) -> S {
    let program = Program::compile(graph, &[id], &NAMES).unwrap();
    let mut value = [S::zero()];
    program.eval(&point, &mut value, &mut program.registers());
    value[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    /// Simplifying and expanding change no value beyond rounding.
    #[test]
    fn values_stay(tree in tree(), points in prop::collection::vec(point(), 3)) {
        let mut graph = Graph::new();
        let id = tree.build(&mut graph);
        let (simple, expanded) = (graph.simplify(id), graph.expand(id));
        for point in points {
            let wanted = tree.rounded(&point.map(Rounded::exact));
            // A coefficient of the simplified formula may be rounded, and 1 is not even written.
            let point = point.map(Rounded::lift);
            for (what, id) in [("simplified", simple), ("expanded", expanded)] {
                let got = value(&graph, id, point);
                prop_assert!(
                    wanted.agrees(got),
                    "{} {what} {}: {wanted:?} became {got:?} at {point:?}",
                    graph.to_text(tree.build(&mut graph.clone())),
                    graph.to_text(id),
                );
            }
        }
    }

    /// The symbolic slope is the tangent of duals; at a corner, where a slope is a matter of taste, the two may differ.
    #[test]
    fn slopes_are_tangents(tree in tree(), point in point(), i in 0..NAMES.len()) {
        let mut graph = Graph::new();
        let id = tree.build(&mut graph);
        let slope = graph.derivative(id, NAMES[i]);
        let simple = graph.simplify(slope);
        let point = point.map(Rounded::exact);
        let duals: [Dual<Rounded, 1>; 3] = core::array::from_fn(|k| {
            if k == i { Dual::variable(point[k], 0) } else { Dual::constant(point[k]) }
        });
        let whole = tree.value(&duals);
        let tangent = whole.tangent[0];
        let got = value(&graph, slope, point);
        let text = graph.to_text(id);
        let corner = has_branches(&tree) && point.iter().any(|x| x.value.fract() == 0.0 || x.value.fract() == 0.5);
        if corner || ![whole.value, tangent, got].iter().all(|x| x.value.is_finite()) {
            return Ok(());
        }
        prop_assert!(tangent.agrees(got), "{text}, slope {}: {tangent:?}, got {got:?}", graph.to_text(slope));
        let got = value(&graph, simple, point.map(|x| Rounded::lift(x.value)));
        prop_assert!(tangent.agrees(got), "{text}, simple slope {}: {tangent:?}, got {got:?}", graph.to_text(simple));
    }

    /// The terms add up to the formula, and no two of them are alike.
    #[test]
    fn terms_add_up(tree in tree(), point in point()) {
        let mut graph = Graph::new();
        let id = tree.build(&mut graph);
        let expanded = graph.expand(id);
        let terms = graph.terms(expanded);
        let sum = graph.linear_combination(terms.iter().copied());
        prop_assert!(tree.rounded(&point.map(Rounded::exact)).agrees(value(&graph, sum, point.map(Rounded::lift))));
        let mut factors: Vec<_> = terms.iter().map(|&(_, factor)| factor).collect();
        factors.sort_unstable();
        factors.dedup();
        prop_assert_eq!(factors.len(), terms.len());
    }
}

/// Does the slope jump anywhere?
fn has_branches(tree: &Tree) -> bool {
    match tree {
        Tree::Constant(_) | Tree::Symbol(_) => false,
        Tree::Unary(op, x) => matches!(op, Unary::Abs | Unary::Sign) || has_branches(x),
        Tree::Binary(op, a, b) => {
            let branches = matches!(op, Binary::Min | Binary::Max | Binary::Greater | Binary::Cond);
            branches || has_branches(a) || has_branches(b)
        }
    }
}

fn check(cases: &[(&str, &str)], change: impl Fn(&mut Graph, ExprId) -> ExprId) {
    let scope = Scope::new(["x", "y", "z", "a", "b", "hare", "lynx"]).unwrap();
    for &(text, wanted) in cases {
        let mut graph = Graph::new();
        let id = graph.parse(text, &scope).unwrap();
        let changed = change(&mut graph, id);
        assert_eq!(graph.to_text(changed), wanted, "{text}");
    }
}

#[test]
fn simplified_as_by_hand() {
    let cases = [
        ("x + x", "2*x"),
        ("2*x + 3*x - 5*x", "0"),
        ("0.25*x + 0.5*x - 0.75*x", "0"),
        ("x + (1e30*x - 1e30*x)", "x"),
        ("x*y - y*x", "0"),
        ("sin(x + y) - sin(y + x)", "0"),
        ("x*x*x^2", "x^4"),
        ("x^2/x", "x^2/x"),
        ("x/x", "x/x"),
        ("exp(x)*y/exp(x)", "y"),
        ("log(x) - log(x)", "0*log(x)"),
        ("0*x", "0"),
        ("0*log(x)", "0*log(x)"),
        ("sqrt(x)^2", "sqrt(x)^2"),
        ("sqrt(x)*sqrt(x)", "sqrt(x)^2"),
        ("(x^2)^3", "x^6"),
        ("(2*x)^3", "8*x^3"),
        ("(2*x)^-2", "0.25/x^2"),
        ("x/4", "0.25*x"),
        ("x/3", "x/3"),
        ("x/3 + x/3", "2*x/3"),
        ("3 - (x + y)", "3 - x - y"),
        ("-(x - y)", "y - x"),
        ("z + 2*(x + y)", "z + 2*x + 2*y"),
        ("2*(x + y)", "2*(x + y)"),
        ("x*(2*(y - 3*(-z)))", "2*x*(y + 3*z)"),
        ("x*(-2)*y/z", "-2*x*y/z"),
        ("1/x/x", "1/x^2"),
        ("cos(-x) + sin(-x)", "cos(x) - sin(x)"),
        ("sin(0) + cos(0)*x", "x"),
        ("x^0 + x^1", "x + 1"),
        ("1/0 + x", "1/0 + x"),
        ("x/0", "x/0"),
        ("min(x, x) + max(2, 3)", "x + 3"),
        ("a*hare - hare*b*lynx", "a*hare - hare*b*lynx"),
        ("x*(a - z) - y", "x*(a - z) - y"),
        ("x*y - a*z", "x*y - a*z"),
        ("x + x > 2 - 1", "2*x > 1"),
        ("2 > 1", "1"),
        ("x > x", "0"),
        ("log(x) > log(x)", "log(x) > log(x)"),
        ("cond(2, x) + cond(-2, log(y))", "x"),
        ("cond(x > 1, 1)", "x > 1"),
        ("cond(x, 3/3)", "x > 0"),
        ("cond(x, y - y)", "0"),
        ("cond(log(x), 0)", "cond(log(x), 0)"),
        ("cond(x, y) - cond(x, y)", "0"),
        ("cond(x, y + y)*3", "3*cond(x, 2*y)"),
        ("if(x > 2, y + y, z)", "if(x > 2, 2*y, z)"),
    ];
    check(&cases, Graph::simplify);
}

#[test]
fn expanded_as_by_hand() {
    let cases = [
        ("(x + y)^2", "x^2 + 2*x*y + y^2"),
        ("(x + 1)*(x - 1)", "x^2 - 1"),
        ("(x + 2)*(x - 3)*y", "x^2*y - 6*y - x*y"),
        ("2*(x + y)/4", "0.5*x + 0.5*y"),
        ("(x + y)/z", "x/z + y/z"),
        ("(x + y)^3*0", "0"),
        ("sin((x + 1)*2)", "sin(2*x + 2)"),
    ];
    check(&cases, Graph::expand);
}

#[test]
fn derivatives_as_by_hand() {
    let cases = [
        ("x^3", "3*x^2"),
        ("1/x", "-1/x^2"),
        ("exp(2*x)", "2*exp(2*x)"),
        ("x^y", "y*x^(y - 1)"),
        ("y^x", "y^x*log(y)"),
        ("sqrt(x)", "0.5/sqrt(x)"),
        ("abs(x)", "sign(x)"),
        ("tanh(x)", "1 - tanh(x)^2"),
        ("y*sin(y)", "0"),
        ("x^0.5", "0.5*x^-0.5"),
        ("3*(x > y)", "0"),
        ("cond(x - 2, (x - 2)^2)", "cond(x - 2, 2*(x - 2))"),
        ("if(x > 2, x^2, y*x)", "if(x > 2, 2*x, y)"),
        ("a*x/(b + x)", "a/(x + b) - a*x/(x + b)^2"),
    ];
    check(&cases, |graph, id| {
        let slope = graph.derivative(id, "x");
        graph.simplify(slope)
    });
}

/// At a tie neither branch wins.
#[test]
fn ties_take_the_mean_slope() {
    let mut graph = Graph::new();
    let id = graph.parse("max(0, x) + min(x, 2*x)", &scope()).unwrap();
    let slope = graph.derivative(id, "x");
    for (x, wanted) in [(-1.0, 2.0), (0.0, 0.5 + 1.5), (1.0, 2.0)] {
        assert_eq!(value(&graph, slope, [x, 0.0, 0.0]), wanted, "at {x}");
    }
}

/// Where a condition does not hold, neither a value nor a slope of what it guards comes through, not one that is NaN either.
#[test]
fn what_is_not_chosen_does_not_matter() {
    let mut graph = Graph::new();
    let texts = ["cond(x, sqrt(x))", "if(x > 0, x*log(x), y*x)", "cond(x, 1 + 3*cond(y, sqrt(x)/log(x)))"];
    for text in texts {
        let id = graph.parse(text, &scope()).unwrap();
        let slope = graph.derivative(id, "x");
        let one = graph.constant(1.0);
        let swept = graph.pullback(&[(id, one)], &["x"])[0].unwrap();
        let simple = graph.simplify(swept);
        for x in [-1.0, 0.0] {
            let wanted = if text.contains("y*x") { [2.0 * x, 2.0] } else { [0.0, 0.0] };
            let got = [id, slope, swept, simple].map(|id| value(&graph, id, [x, 2.0, 0.0]));
            assert_eq!(got, [wanted[0], wanted[1], wanted[1], wanted[1]], "{text} at {x}");
            let dual = value(&graph, id, [Dual::<f64, 1>::variable(x, 0), Dual::constant(2.0), Dual::constant(0.0)]);
            assert_eq!((dual.value, dual.tangent), (wanted[0], [wanted[1]]), "{text} at {x}");
        }
        // What decides is another matter.
        assert!(value(&graph, id, [f64::NAN, 2.0, 0.0]).is_nan());
    }
}

#[test]
fn substitution_is_simultaneous() {
    let mut graph = Graph::new();
    let scope = scope();
    let id = graph.parse("x + 2*y", &scope).unwrap();
    let (x, y) = (graph.symbol("x"), graph.symbol("y"));
    let swapped = graph.substitute(id, &[(x, y), (y, x)]);
    assert_eq!(graph.to_text(swapped), "y + 2*x");
    let names: Vec<&str> = graph.symbols(swapped).into_iter().map(|symbol| graph.name(symbol)).collect();
    assert_eq!(names, ["x", "y"]);
}
