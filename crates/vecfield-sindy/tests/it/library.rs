//! Libraries: what is in them, what they are called, what is refused.

use proptest::prelude::*;
use vecfield_sindy::{Family, Library, SindyError};

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
