//! Taylor series: against nested duals, closed forms, and the laws of rings and of composition.

use proptest::prelude::*;
use vecfield_autodiff::{Dual, Jet, derivatives, taylor};
use vecfield_traits::{Elementary, Scalar};

type D1 = Dual<f64, 1>;
type D3 = Dual<Dual<D1, 1>, 1>;
type J5 = Jet<f64, 5>;
type J9 = Jet<f64, 9>;

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
}

fn near<const K: usize>(a: Jet<f64, K>, b: Jet<f64, K>, tolerance: f64) -> bool {
    a.coefficients.iter().zip(b.coefficients).all(|(a, b)| close(*a, b, tolerance))
}

/// `f` and its first three derivatives by nested duals.
fn nested(f: impl Fn(D3) -> D3, x: f64) -> [f64; 4] {
    let y = f(Dual::variable(Dual::variable(Dual::variable(x, 0), 0), 0));
    let slope = y.tangent[0];
    let second = slope.tangent[0];
    [y.value(), slope.value(), second.value, second.tangent[0]]
}

/// One line per function: name, a domain well inside its own, the function.
macro_rules! functions {
    ($($name:ident in $domain:expr, |$x:ident| $f:expr;)*) => {$(
        mod $name {
            use super::*;
            proptest! {
                #[test]
                fn derivatives_are_those_of_nested_duals(x in $domain) {
                    let by_jets: [f64; 5] = derivatives(|$x| $f, x);
                    let by_duals = nested(|$x| $f, x);
                    let size = by_duals.iter().fold(1.0_f64, |size, d| size.max(d.abs()));
                    for (jet, dual) in by_jets.iter().zip(by_duals) {
                        prop_assert!((jet - dual).abs() <= 1e-11 * size, "{by_jets:?} against {by_duals:?}");
                    }
                }
                /// `f(x + s)` from the series at `x` is the plain value there.
                #[test]
                fn series_sum_to_the_function(x in $domain, s in -0.02..0.02_f64) {
                    let series = (|$x: Jet<f64, 12>| $f)(Jet::variable(x));
                    let expected = (|$x: f64| $f)(x + s);
                    prop_assert!(close(series.at(s), expected, 1e-12), "{} against {expected}", series.at(s));
                }
                #[test]
                fn values_are_those_of_the_plain_number(x in prop::num::f64::ANY) {
                    let value = (|$x: J5| $f)(Jet::variable(x)).value();
                    let plain = (|$x: f64| $f)(x);
                    prop_assert!(value.to_bits() == plain.to_bits() || (value.is_nan() && plain.is_nan()));
                }
                /// `f(g(s))` with the series of `g`, and `f` along the polynomial `g` point by point.
                #[test]
                fn composes(x in $domain, slope in -1.0..1.0_f64, bend in -1.0..1.0_f64, s in -0.02..0.02_f64) {
                    let mut g = Jet::<f64, 12>::constant(x);
                    (g.coefficients[1], g.coefficients[2]) = (slope, bend);
                    let expected = (|$x: f64| $f)(g.at(s));
                    let found = (|$x: Jet<f64, 12>| $f)(g).at(s);
                    prop_assert!(close(found, expected, 1e-12), "{found} against {expected}");
                }
                /// Derivatives of series and series of derivatives are the same numbers.
                #[test]
                fn duals_and_jets_nest_both_ways(x in $domain) {
                    let inside = (|$x: Dual<J5, 1>| $f)(Dual::variable(Jet::variable(x), 0));
                    let outside = (|$x: Jet<D1, 5>| $f)(Jet::variable(Dual::variable(x, 0)));
                    for k in 0..4 {
                        // The slope along x is that along s.
                        let expected = (k + 1) as f64 * inside.value.coefficients[k + 1];
                        let found = [inside.tangent[0].coefficients[k], outside.coefficients[k].tangent[0]];
                        let size = (expected.abs()).max(1.0) * 10.0_f64.powi(k as i32);
                        prop_assert!(found.iter().all(|x| (x - expected).abs() <= 1e-12 * size), "{k}: {found:?}, {expected}");
                        prop_assert!(close(outside.coefficients[k].value, inside.value.coefficients[k], 1e-12));
                    }
                }
            }
        }
    )*};
}

functions! {
    exp in -3.0..3.0_f64, |x| x.exp();
    ln in 0.3..5.0_f64, |x| x.ln();
    sqrt in 0.3..5.0_f64, |x| x.sqrt();
    sin in -9.0..9.0_f64, |x| x.sin();
    cos in -9.0..9.0_f64, |x| x.cos();
    tan in -1.0..1.0_f64, |x| x.tan();
    asin in -0.6..0.6_f64, |x| x.asin();
    acos in -0.6..0.6_f64, |x| x.acos();
    atan in -5.0..5.0_f64, |x| x.atan();
    sinh in -2.0..2.0_f64, |x| x.sinh();
    cosh in -2.0..2.0_f64, |x| x.cosh();
    tanh in -3.0..3.0_f64, |x| x.tanh();
    abs in -3.0..-0.1_f64, |x| x.abs();
    sign in 0.1..3.0_f64, |x| x.sign();
    neg in -3.0..3.0_f64, |x| -x;
    seventh in -2.0..2.0_f64, |x| x.powi(7);
    inverse_cube in 0.5..3.0_f64, |x| x.powi(-3);
    inverse_cube_of_a_negative in -3.0..-0.5_f64, |x| x.powi(-3);
    half_power in 0.5..3.0_f64, |x| x.powf(Scalar::constant(-1.5));
    whole_power in -2.0..2.0_f64, |x| x.powf(Scalar::constant(3.0));
    self_power in 0.5..2.0_f64, |x| x.powf(x);
    quotient in -0.5..3.0_f64, |x| x / (x * x + x.exp());
    clipped in 1.1..3.0_f64, |x| Elementary::max(Elementary::min(x, x * x), x.sqrt());
}

fn series() -> impl Strategy<Value = J9> {
    prop::array::uniform9(-2.0..2.0_f64).prop_map(Jet::new)
}

proptest! {
    /// A commutative ring, to rounding.
    #[test]
    fn ring(a in series(), b in series(), c in series()) {
        prop_assert!(near(a * b, b * a, 1e-14));
        prop_assert!(near(a * b * c, a * (b * c), 1e-11));
        prop_assert!(near(a * (b + c), a * b + a * c, 1e-12));
        prop_assert_eq!((a + b - b).coefficients.len(), 9);
        prop_assert!(near(a + b - b, a, 1e-14));
        prop_assert!(near(a * J9::one(), a, 0.0));
        prop_assert!(near(a * J9::zero(), J9::zero(), 0.0));
    }

    /// Division undoes multiplication where the divisor is not small.
    #[test]
    fn division(a in series(), mut b in series(), size in 2.0..4.0_f64) {
        b.coefficients[0] = size;
        prop_assert!(near(a * b / b, a, 1e-9));
        prop_assert!(near((a / b) * b, a, 1e-9));
    }

    /// Inverse functions undo each other.
    #[test]
    fn inverses(mut a in series(), x in 0.3..0.9_f64) {
        a.coefficients[0] = x;
        let a = a.scale(0.5);
        prop_assert!(near(a.exp().ln(), a, 1e-10));
        prop_assert!(near(a.sqrt() * a.sqrt(), a, 1e-7));
        prop_assert!(near(a.asin().sin(), a, 1e-9));
        prop_assert!(near(a.tan().atan(), a, 1e-8));
        prop_assert!(near(a.acos() + a.asin(), J9::constant(std::f64::consts::FRAC_PI_2), 1e-9));
        prop_assert!(near(a.sin() * a.sin() + a.cos() * a.cos(), J9::one(), 1e-12));
        prop_assert!(near(a.cosh() * a.cosh() - a.sinh() * a.sinh(), J9::one(), 1e-12));
        prop_assert!(near(a.tanh() * a.cosh(), a.sinh(), 1e-11));
    }

    /// A plain number on the right does not move.
    #[test]
    fn plain_operands_are_constants(a in series(), c in 0.1..3.0_f64) {
        let lifted = J9::constant(c);
        for (plain, full) in [(a + c, a + lifted), (a - c, a - lifted), (a * c, a * lifted), (a / c, a / lifted)] {
            prop_assert!(near(plain, full, 1e-15));
        }
    }

    /// Comparisons look at values alone.
    #[test]
    fn comparisons_are_by_value(a in series(), b in series()) {
        prop_assert_eq!(a.partial_cmp(&b), a.value().partial_cmp(&b.value()));
        prop_assert_eq!(a.min(b).coefficients, if a.value() < b.value() { a.coefficients } else { b.coefficients });
    }
}

#[test]
fn closed_forms() {
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    for (k, c) in taylor::<f64, 15>(|x| x.exp(), 0.0).into_iter().enumerate() {
        assert!(close(c * factorial(k), 1.0, 1e-13));
    }
    for (k, c) in taylor::<f64, 15>(|x| (x + 1.0).ln(), 0.0).into_iter().enumerate().skip(1) {
        assert!(close(c * k as f64, if k % 2 == 1 { 1.0 } else { -1.0 }, 1e-13));
    }
    // √(1 - 4x) generates -2 Catalan(k - 1).
    let catalan = [1.0, 1.0, 2.0, 5.0, 14.0, 42.0, 132.0];
    let root = taylor::<f64, 8>(|x| (-(x * 4.0) + 1.0).sqrt(), 0.0);
    for (c, expected) in root[1..].iter().zip(catalan) {
        assert_eq!(*c, -2.0 * expected);
    }
    // tan x = x + x³/3 + 2x⁵/15 + 17x⁷/315.
    let tangent = taylor::<f64, 8>(|x| x.tan(), 0.0);
    for (c, expected) in tangent.iter().zip([0.0, 1.0, 0.0, 1.0 / 3.0, 0.0, 2.0 / 15.0, 0.0, 17.0 / 315.0]) {
        assert!((c - expected).abs() < 1e-15);
    }
}

#[test]
fn what_does_not_move_has_no_slope_to_lose() {
    let still = J5::constant(0.0);
    let functions: [fn(J5) -> J5; 4] =
        [Elementary::sqrt, Elementary::ln, |x| x.powi(-1), |x| x.powf(Scalar::constant(0.5))];
    for f in functions {
        assert_eq!(f(still).coefficients[1..], [0.0; 4]);
    }
    assert_eq!(J5::one().asin().coefficients[1..], [0.0; 4]);
    assert_eq!(J5::one().acos().coefficients, [0.0; 5]);
}

#[test]
fn powers_of_a_moving_zero() {
    let s = J5::variable(0.0);
    assert_eq!(s.powi(0).coefficients, [1.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(s.powi(3).coefficients, [0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(s.powf(Scalar::constant(2.0)).coefficients, [0.0, 0.0, 1.0, 0.0, 0.0]);
    let rough = s.powf(Scalar::constant(2.5)).coefficients;
    assert_eq!(rough[..3], [0.0; 3]);
    assert!(rough[3].is_nan() && rough[4].is_nan());
    assert_eq!(s.sqrt().coefficients[1], f64::INFINITY);
    assert!(!s.sqrt().is_finite());
}

#[test]
fn a_series_of_one_coefficient_is_a_number() {
    let x = Jet::<f64, 1>::variable(2.0);
    assert_eq!((x * x / x).sqrt().powi(2).coefficients, [2.0_f64.sqrt().powi(2)]);
    assert_eq!(x.at(5.0), 2.0);
}
