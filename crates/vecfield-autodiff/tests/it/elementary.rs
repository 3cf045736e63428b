//! Every elementary function: value as over floats, derivative as in the table of integrals, and as by differences.

use proptest::prelude::*;
use vecfield_autodiff::{Dual, derivative};
use vecfield_traits::Elementary;

type D1 = Dual<f64, 1>;
type D2 = Dual<D1, 1>;

/// `a = b` to a few roundings of either.
fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
}

/// Central difference with one Richardson step; relative error near ε^(4/5).
fn difference(f: impl Fn(f64) -> f64, x: f64) -> f64 {
    let central = |h: f64| (f(x + h) - f(x - h)) / (2.0 * h);
    let h = 2.0_f64.powi(-11);
    (4.0 * central(h / 2.0) - central(h)) / 3.0
}

/// One line per function: name, a domain inside which its third derivative is tame, the function and its derivative.
macro_rules! functions {
    ($($name:ident in $domain:expr, |$x:ident| $f:expr, $slope:expr;)*) => {$(
        mod $name {
            use super::*;
            proptest! {
                #[test]
                fn slope_is_the_closed_form(x in $domain, x_dot in prop::array::uniform3(-2.0..2.0_f64)) {
                    let f = |$x: Dual<f64, 3>| $f;
                    let slope = |$x: f64| $slope;
                    let y = f(Dual::new(x, x_dot));
                    for (y_dot, x_dot) in y.tangent.iter().zip(x_dot) {
                        prop_assert!(close(*y_dot, slope(x) * x_dot, 1e-13), "{y_dot} against {}", slope(x) * x_dot);
                    }
                }
                #[test]
                fn slope_is_the_difference(x in $domain) {
                    let (_, slope) = derivative(|$x| $f, x);
                    let expected = difference(|$x: f64| $f, x);
                    prop_assert!(close(slope, expected, 3e-10), "{slope} against {expected}");
                }
                #[test]
                fn values_are_those_of_the_plain_number(x in prop::num::f64::ANY) {
                    let (value, _) = derivative(|$x| $f, x);
                    let plain = (|$x: f64| $f)(x);
                    prop_assert!(value.to_bits() == plain.to_bits() || (value.is_nan() && plain.is_nan()));
                }
                #[test]
                fn nesting_gives_the_second_derivative(x in $domain) {
                    let f = |$x: D2| $f;
                    let second = f(Dual::variable(Dual::variable(x, 0), 0)).tangent[0].tangent[0];
                    let expected = difference(|$x| derivative(|$x| $f, $x).1, x);
                    prop_assert!(close(second, expected, 1e-9), "{second} against {expected}");
                }
            }
        }
    )*};
}

functions! {
    exp in -2.0..2.0_f64, |x| x.exp(), x.exp();
    ln in 0.3..5.0_f64, |x| x.ln(), 1.0 / x;
    sqrt in 0.3..5.0_f64, |x| x.sqrt(), 0.5 / x.sqrt();
    sin in -9.0..9.0_f64, |x| x.sin(), x.cos();
    cos in -9.0..9.0_f64, |x| x.cos(), -x.sin();
    tan in -1.0..1.0_f64, |x| x.tan(), 1.0 / (x.cos() * x.cos());
    asin in -0.7..0.7_f64, |x| x.asin(), 1.0 / (1.0 - x * x).sqrt();
    acos in -0.7..0.7_f64, |x| x.acos(), -1.0 / (1.0 - x * x).sqrt();
    atan in -5.0..5.0_f64, |x| x.atan(), 1.0 / (1.0 + x * x);
    sinh in -2.0..2.0_f64, |x| x.sinh(), x.cosh();
    cosh in -2.0..2.0_f64, |x| x.cosh(), x.sinh();
    tanh in -3.0..3.0_f64, |x| x.tanh(), 1.0 / (x.cosh() * x.cosh());
    abs in -3.0..-0.1_f64, |x| x.abs(), -1.0 + 0.0 * x;
    sign in 0.1..3.0_f64, |x| x.sign(), 0.0 * x;
    square in -3.0..3.0_f64, |x| x.powi(2), 2.0 * x;
    inverse_cube in 0.5..3.0_f64, |x| x.powi(-3), -3.0 / (x * x * x * x);
    neg in -3.0..3.0_f64, |x| -x, -1.0 + 0.0 * x;
    quotient in -0.5..3.0_f64, |x| x / (x * x + x.exp()), (x.exp() - x * x - x * x.exp()) / (x * x + x.exp()).powi(2);
    self_power in 0.5..2.0_f64, |x| x.powf(x), x.powf(x) * (x.ln() + 1.0);
    clipped in 1.1..3.0_f64, |x| Elementary::max(Elementary::min(x, x * x), x.sqrt()), 1.0 + 0.0 * x;
}

proptest! {
    /// A constant exponent of either sign.
    #[test]
    fn constant_power(x in 0.5..3.0_f64, e in -3.0..3.0_f64) {
        let (value, slope) = derivative(|x| x.powf(Dual::constant(e)), x);
        prop_assert_eq!(value, x.powf(e));
        prop_assert!(close(slope, e * x.powf(e - 1.0), 1e-13));
    }

    /// `powi` and `powf` agree wherever both are defined, negative bases included.
    #[test]
    fn integral_powers_agree(x in -3.0..3.0_f64, n in -4..6_i32) {
        prop_assume!(x.abs() > 0.2);
        let by_float = derivative(|x| x.powf(Dual::constant(f64::from(n))), x);
        let by_integer = derivative(|x| x.powi(n), x);
        prop_assert!(close(by_float.0, by_integer.0, 1e-13) && close(by_float.1, by_integer.1, 1e-13));
    }

    /// `(f g)' = f' g + f g'` and `(f ∘ g)' = (f' ∘ g) g'`, for `f = sin`, `g = tanh`.
    #[test]
    fn product_and_chain_rules(x in -3.0..3.0_f64) {
        let (f, g) = (derivative(Dual::sin, x), derivative(Dual::tanh, x));
        let product = derivative(|x: D1| x.sin() * x.tanh(), x).1;
        prop_assert!(close(product, f.1 * g.0 + f.0 * g.1, 1e-15));
        let composed = derivative(|x: D1| x.tanh().sin(), x).1;
        prop_assert!(close(composed, derivative(Dual::sin, g.0).1 * g.1, 1e-15));
    }

    /// A plain number on the right is a constant.
    #[test]
    fn plain_operands_are_constants(x in -3.0..3.0_f64, c in 0.1..3.0_f64) {
        let (x, lifted) = (Dual::<f64, 2>::variable(x, 1), Dual::constant(c));
        for (plain, full) in [(x + c, x + lifted), (x - c, x - lifted), (x * c, x * lifted), (x / c, x / lifted)] {
            prop_assert_eq!(plain.value, full.value);
            prop_assert!(close(plain.tangent[1], full.tangent[1], 1e-15) && plain.tangent[0] == 0.0);
        }
    }

    /// Order and equality look at values alone.
    #[test]
    fn comparisons_are_by_value(x in -3.0..3.0_f64, y in -3.0..3.0_f64) {
        let (a, b) = (Dual::new(x, [1.0, -7.0]), Dual::new(y, [0.0, 3.0]));
        prop_assert_eq!(a.partial_cmp(&b), x.partial_cmp(&y));
        prop_assert_eq!(a == b, x == y);
        prop_assert_eq!(a.min(b).value, x.min(y));
        prop_assert_eq!(a.max(b).tangent, if x > y { a.tangent } else { b.tangent });
        prop_assert_eq!((a.greater(b).value, a.greater(b).tangent), (f64::from(x > y), [0.0; 2]));
        let chosen = a.where_positive(b);
        prop_assert_eq!((chosen.value, chosen.tangent), if y > 0.0 { (x, a.tangent) } else { (0.0, [0.0; 2]) });
    }
}
