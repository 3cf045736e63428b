//! A lane is the plain number beside others.

use proptest::prelude::*;
use vecfield_kernels::{Function, Lanes, VectorMath};
use vecfield_traits::{Elementary, Scalar};

type Sixteen = Lanes<f64, 16>;
type One = fn(Sixteen) -> Sixteen;
/// A name, the operation over lanes, and over plain numbers.
type Binary = (&'static str, fn(Sixteen, Sixteen) -> Sixteen, fn(f64, f64) -> f64);
type Unary = (&'static str, One, fn(f64) -> f64);

fn same(x: f64, y: f64) -> bool {
    x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan())
}

/// Any bits at all, NaN and subnormals among them.
fn any() -> impl Strategy<Value = Sixteen> {
    let number = prop_oneof![any_bits(), -3.0..3.0_f64, Just(0.0), Just(-0.0)];
    prop::collection::vec(number, 16).prop_map(|x| Lanes(x.try_into().unwrap()))
}

fn any_bits() -> impl Strategy<Value = f64> {
    proptest::num::u64::ANY.prop_map(f64::from_bits)
}

proptest! {
    #[test]
    fn arithmetic_is_that_of_the_plain_number(a in any(), b in any(), n in -9..9_i32) {
        let two: [Binary; 9] = [
            ("+", |a, b| a + b, |a, b| a + b),
            ("-", |a, b| a - b, |a, b| a - b),
            ("*", |a, b| a * b, |a, b| a * b),
            ("/", |a, b| a / b, |a, b| a / b),
            ("min", Elementary::min, Elementary::min),
            ("max", Elementary::max, Elementary::max),
            ("greater", Elementary::greater, Elementary::greater),
            ("where_positive", Elementary::where_positive, Elementary::where_positive),
            ("powf", Elementary::powf, Elementary::powf),
        ];
        for (name, lanes, plain) in two {
            let result = lanes(a, b);
            for i in 0..16 {
                prop_assert!(same(result.0[i], plain(a.0[i], b.0[i])), "{name} {} {}", a.0[i], b.0[i]);
            }
        }
        let one: [Unary; 7] = [
            ("-", |a| -a, |a| -a),
            ("sqrt", Elementary::sqrt, Elementary::sqrt),
            ("abs", Elementary::abs, Elementary::abs),
            ("sign", Elementary::sign, Elementary::sign),
            ("asin", Elementary::asin, Elementary::asin),
            ("acos", Elementary::acos, Elementary::acos),
            ("atan", Elementary::atan, Elementary::atan),
        ];
        for (name, lanes, plain) in one {
            let result = lanes(a);
            for i in 0..16 {
                prop_assert!(same(result.0[i], plain(a.0[i])), "{name} {}", a.0[i]);
            }
        }
        let power = a.powi(n);
        for i in 0..16 {
            prop_assert!(same(power.0[i], Elementary::powi(std::hint::black_box(a.0[i]), std::hint::black_box(n))));
        }
    }

    #[test]
    fn functions_are_the_vectorised_ones(a in any()) {
        let functions: [(Function, One); 8] = [
            (Function::Exp, Elementary::exp),
            (Function::Ln, Elementary::ln),
            (Function::Sin, Elementary::sin),
            (Function::Cos, Elementary::cos),
            (Function::Tan, Elementary::tan),
            (Function::Sinh, Elementary::sinh),
            (Function::Cosh, Elementary::cosh),
            (Function::Tanh, Elementary::tanh),
        ];
        for (function, lanes) in functions {
            let result = lanes(a);
            for i in 0..16 {
                let mut one = [a.0[i]];
                f64::map_in_place(function, &mut one);
                prop_assert!(same(result.0[i], one[0]), "{} {}", function.name(), a.0[i]);
            }
        }
    }
}

#[test]
fn the_value_is_the_common_one() {
    assert_eq!(Lanes([2.0; 4]).value(), 2.0);
    assert!(Lanes([2.0_f64, 2.0, 3.0, 2.0]).value().is_nan());
    assert!(!Scalar::is_finite(&Lanes([1.0, f64::INFINITY])));
    assert_eq!((Lanes([1.0_f32, 2.0]) * Lanes::constant(3.0)).scale(2.0), Lanes([6.0, 12.0]));
}
