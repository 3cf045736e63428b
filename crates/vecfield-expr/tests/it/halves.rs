//! Equations that fall into positions and momenta are known to, and each half is the whole's.

use proptest::prelude::*;
use vecfield_expr::{Graph, Scope, SymbolicField};
use vecfield_traits::{Half, VectorField};

/// The positions of equations over `names`, with the parameter `k` and time; `None` if they do not separate.
fn positions(names: &[&str], equations: &[&str]) -> Option<Vec<usize>> {
    let family = family(names, equations);
    let field = family.at(vec![1.5]);
    VectorField::<f64>::partition(&field).map(|partition| partition.positions().to_vec())
}

fn family(names: &[&str], equations: &[&str]) -> SymbolicField {
    let mut graph = Graph::new();
    let scope = Scope::new(["t", "k"].iter().chain(names).copied()).unwrap();
    let equations: Vec<_> = equations.iter().map(|text| graph.parse(text, &scope).unwrap()).collect();
    SymbolicField::new(&mut graph, &equations, names, &["k"]).unwrap()
}

#[test]
fn separable_equations_are_found() {
    assert_eq!(positions(&["x", "v"], &["v", "-k*x"]), Some(vec![0]));
    assert_eq!(positions(&["v", "x"], &["-k*sin(x) + cos(t)", "v"]), Some(vec![1]), "dx/dt = v makes x a position");
    assert_eq!(positions(&["q", "p"], &["sinh(p)", "-q^3"]), Some(vec![0]), "the first where nothing tells them apart");
    let pair = ["vx", "vy", "-x*y", "-y - x^2"];
    assert_eq!(positions(&["x", "y", "vx", "vy"], &pair), Some(vec![0, 1]));
    let mixed = ["v", "-x - w", "y", "w - x"];
    assert_eq!(positions(&["x", "v", "w", "y"], &mixed), Some(vec![0, 2]), "a ring of four");
}

#[test]
fn equations_that_do_not_separate_are_not() {
    assert_eq!(positions(&["x"], &["-x"]), None);
    assert_eq!(positions(&["x", "v"], &["v", "-x - 0.1*v"]), None, "friction");
    assert_eq!(positions(&["x", "y", "z"], &["y", "z", "x"]), None, "a ring of three");
    assert_eq!(positions(&["x", "v"], &["v", "-x + sign(v)"]), None, "a dependence whose slope is zero");
}

#[test]
fn what_never_changes_belongs_to_neither_half() {
    assert_eq!(positions(&["x", "v", "mode"], &["v*mode", "-x*mode", "0"]), Some(vec![0, 2]));
}

proptest! {
    #[test]
    fn each_half_is_that_of_the_whole(t in -2.0..2.0_f64, y in prop::array::uniform4(-2.0..2.0_f64)) {
        let names = ["x", "px", "y", "py"];
        let family = family(&names, &["px*(1 + py^2)", "-x*y + sin(t)", "py*(1 + px^2)*k", "-exp(-x^2) - y"]);
        let field = family.at(vec![0.7]);
        let mut work = field.workspace();
        let mut whole = [0.0; 4];
        field.eval(t, &y, &mut whole, &mut work);
        for (half, places) in [(Half::Positions, [0, 2]), (Half::Momenta, [1, 3])] {
            let mut rates = [f64::NAN; 4];
            field.eval_half(half, t, &y, &mut rates, &mut work);
            prop_assert_eq!(places.map(|i| rates[i].to_bits()), places.map(|i| whole[i].to_bits()));
        }
    }
}
