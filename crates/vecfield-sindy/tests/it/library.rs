//! Libraries: what is in them, what they are called, what is refused.

use proptest::prelude::*;
use vecfield_sindy::{Candidates, Family, Library, SindyError};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

fn keys(library: &Library) -> Vec<&str> {
    library.features().iter().map(|feature| feature.key()).collect()
}

#[test]
fn monomials_are_in_graded_order() {
    let library = Library::polynomial(&names(&["x", "y"]), 3).unwrap();
    assert_eq!(keys(&library), ["1", "x", "y", "x^2", "x*y", "y^2", "x^3", "x^2*y", "x*y^2", "y^3"]);
    assert_eq!(library.position("x^2*y"), Some(7));
}

#[test]
fn families_join_and_share() {
    let families = Family::parse_list("polynomial:1, fourier:2,\"custom:exp(-x)\",custom:min(x, t),custom:x").unwrap();
    let library = Library::new(&families, &names(&["x"]), &names(&["u"])).unwrap();
    assert_eq!(
        keys(&library),
        [
            "1",
            "x",
            "u",
            "sin(x)",
            "cos(x)",
            "sin(2*x)",
            "cos(2*x)",
            "sin(u)",
            "cos(u)",
            "sin(2*u)",
            "cos(2*u)",
            "exp(-x)",
            "min(x, t)"
        ]
    );
    let mut values = vec![0.0; library.len()];
    library.eval(&[0.5, 2.0, 0.25], &mut values, &mut library.registers());
    assert_eq!(values[5], 1.0_f64.sin());
    assert_eq!(values[11], (-0.5_f64).exp());
    assert_eq!(values[12], 0.25);
}

#[test]
fn products_have_one_key_however_they_are_made() {
    let of = |text: &str| {
        let families = Family::parse_list(text).unwrap();
        Library::new(&families, &names(&["x", "y"]), &[]).unwrap()
    };
    let tensor = of("polynomial:1*fourier:1");
    assert_eq!(
        keys(&tensor)[..8],
        ["sin(x)", "cos(x)", "sin(y)", "cos(y)", "x*sin(x)", "x*cos(x)", "x*sin(y)", "x*cos(y)"]
    );
    assert_eq!(keys(&of("polynomial:1 * polynomial:1")), ["1", "x", "y", "x^2", "x*y", "y^2"]);
    assert_eq!(keys(&of("custom:y*x*polynomial:1")), ["x*y", "x^2*y", "x*y^2"]);
    assert_eq!(keys(&of("custom:x+1*custom:sin(x)*custom:sin(x)")), ["(x + 1)*sin(x)^2"]);
    let point = [0.7, -1.3, 0.0];
    let mut values = vec![0.0; tensor.len()];
    tensor.eval(&point, &mut values, &mut tensor.registers());
    let (one, two) = (of("polynomial:1"), of("fourier:1"));
    let (mut a, mut b) = (vec![0.0; one.len()], vec![0.0; two.len()]);
    one.eval(&point, &mut a, &mut one.registers());
    two.eval(&point, &mut b, &mut two.registers());
    let outer: Vec<f64> = a.iter().flat_map(|a| b.iter().map(move |b| a * b)).collect();
    assert!(values.iter().zip(&outer).all(|(v, o)| (v - o).abs() < 1e-15));
    let wide = Library::new(&Family::parse_list("polynomial:30*polynomial:30").unwrap(), &names(&["x", "y"]), &[]);
    assert!(matches!(wide, Err(SindyError::TooManyFeatures { .. })));
}

#[test]
fn libraries_of_single_equations_are_read() {
    let one = Candidates::parse("polynomial:1,custom:exp(-x)").unwrap();
    assert_eq!((one.shared.len(), one.own.len()), (2, 0));
    let several = Candidates::parse("x: polynomial:2, fourier:1; polynomial:1 ; y:custom:x*y").unwrap();
    assert_eq!(several.shared, [Family::Polynomial(1)]);
    assert_eq!(several.own[0], ("x".to_string(), vec![Family::Polynomial(2), Family::Fourier(1)]));
    assert_eq!(several.own[1], ("y".to_string(), vec![Family::Custom("x*y".into())]));
    for (text, part) in [
        ("x: polynomial:2; x: fourier:1", "already"),
        ("polynomial:2; fourier:1", "already"),
        ("x: polynomial:2;", "empty"),
        ("x: polinomial:2", "did you mean `polynomial`"),
        ("polinomial:2,fourier:1", "did you mean `polynomial`"),
    ] {
        let message = Candidates::parse(text).unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn bad_libraries_say_what_is_wrong() {
    for (text, part) in [
        ("polynomial", "whole number"),
        ("polynomial:x", "whole number"),
        ("polynomial:3,", "empty"),
        ("polinomial:3", "did you mean `polynomial`"),
        ("fourier:0", "outside"),
        ("custom:", "formula must follow"),
        ("\"custom:x", "quote"),
    ] {
        let message = Family::parse_list(text).unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
    let unknown = Library::new(&[Family::Custom("exp(z)".into())], &names(&["x"]), &[]).unwrap_err();
    assert!(unknown.to_string().contains("unknown name"), "{unknown}");
    let many = Library::polynomial(&names(&["a", "b", "c", "d", "e", "f", "g", "h"]), 9);
    assert!(matches!(many, Err(SindyError::TooManyFeatures { .. })));
}

proptest! {
    /// The value of a monomial is the product its key says.
    #[test]
    fn keys_say_what_is_computed(point in prop::array::uniform3(-2.0..2.0_f64), degree in 0..6_usize) {
        let variables = names(&["x", "y", "z"]);
        let library = Library::polynomial(&variables, degree).unwrap();
        let mut values = vec![0.0; library.len()];
        library.eval(&[point[0], point[1], point[2], 0.0], &mut values, &mut library.registers());
        for (feature, value) in library.features().iter().zip(&values) {
            let product: f64 = feature.key().split('*').map(|factor| {
                let (name, power) = factor.split_once('^').unwrap_or((factor, "1"));
                let base = variables.iter().position(|v| v == name).map_or(1.0, |i| point[i]);
                base.powi(power.parse().unwrap())
            }).product();
            prop_assert!((product - value).abs() <= 1e-13 * product.abs(), "{}", feature.key());
        }
    }
}
