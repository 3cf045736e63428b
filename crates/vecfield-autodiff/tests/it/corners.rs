//! Where slopes are infinite, undefined, or the product of nothing and infinity.

use vecfield_autodiff::{Dual, derivative};
use vecfield_traits::{Elementary, Scalar};

type D2 = Dual<f64, 2>;
type Nested = Dual<Dual<f64, 1>, 1>;

/// Moves in direction 0 only.
fn moving(x: f64) -> D2 {
    Dual::variable(x, 0)
}

#[test]
fn infinite_slopes_leave_still_directions_alone() {
    assert_eq!(moving(0.0).sqrt().tangent, [f64::INFINITY, 0.0]);
    assert_eq!(moving(0.0).ln().tangent, [f64::INFINITY, 0.0]);
    assert_eq!(moving(1.0).asin().tangent, [f64::INFINITY, 0.0]);
    assert_eq!(moving(-1.0).acos().tangent, [f64::NEG_INFINITY, 0.0]);
    assert_eq!(moving(0.0).powf(Dual::constant(0.5)).tangent, [f64::INFINITY, 0.0]);
    assert_eq!(moving(0.0).powi(-1).tangent, [f64::NEG_INFINITY, 0.0]);
}

#[test]
fn powers_of_zero() {
    for x in [0.0, -0.0] {
        let zero = moving(x);
        assert_eq!((zero.powi(0).value, zero.powi(0).tangent), (1.0, [0.0; 2]));
        assert_eq!((zero.powi(1).value, zero.powi(1).tangent), (0.0, [1.0, 0.0]));
        assert_eq!((zero.powi(2).value, zero.powi(2).tangent), (0.0, [0.0; 2]));
        for (e, value, slope) in [(0.0, 1.0, 0.0), (1.0, 0.0, 1.0), (2.0, 0.0, 0.0), (2.5, 0.0, 0.0)] {
            let power = zero.powf(Dual::constant(e));
            assert_eq!((power.value, power.tangent), (value, [slope, 0.0]), "{x}^{e}");
        }
    }
    // The exponent moves: the limit of x^e ln x at 0 is 0.
    let power = moving(0.0).powf(Dual::variable(2.0, 1));
    assert_eq!(power.tangent, [0.0, 0.0]);
}

#[test]
fn powers_of_negative_numbers() {
    let power = moving(-2.0).powf(Dual::constant(3.0));
    assert_eq!((power.value, power.tangent), (-8.0, [12.0, 0.0]));
    // A moving exponent has no derivative there, and only that direction says so.
    let power = moving(-2.0).powf(Dual::variable(3.0, 1));
    assert_eq!((power.value, power.tangent[0]), (-8.0, 12.0));
    assert!(power.tangent[1].is_nan());
    assert!(moving(-2.0).powf(Dual::constant(0.5)).value.is_nan());
}

#[test]
fn extreme_integer_powers() {
    assert_eq!(derivative(|x| x.powi(i32::MIN), 1.0_f64), (1.0, f64::from(i32::MIN)));
    assert_eq!(derivative(|x| x.powi(i32::MAX), 1.0_f64), (1.0, f64::from(i32::MAX)));
    assert_eq!(derivative(|x| x.powi(i32::MIN), 2.0_f64), (0.0, -0.0));
}

#[test]
fn second_derivatives_of_powers_at_zero() {
    let at = |x| Dual::variable(Dual::variable(x, 0), 0);
    let square: Nested = at(0.0).powf(Scalar::constant(2.0));
    assert_eq!(square.tangent[0].tangent, [2.0]);
    let square: Nested = at(0.0).powi(2);
    assert_eq!(square.tangent[0].tangent, [2.0]);
    let line: Nested = at(0.0).powi(1);
    assert_eq!(line.tangent[0].tangent, [0.0]);
}

#[test]
fn a_nested_tangent_that_moves_is_not_still() {
    // √(ε₁ε₂) at 0: the first-order tangent is 0, the second-order one is not, and must not be dropped.
    let x: Nested = Dual::new(Dual::constant(0.0), [Dual::new(0.0, [1.0])]);
    assert!(!x.sqrt().tangent[0].tangent[0].is_finite());
}

#[test]
fn branches() {
    assert_eq!(moving(0.0).abs().tangent, [0.0; 2]);
    assert_eq!(moving(-3.0).abs().tangent, [-1.0, 0.0]);
    assert_eq!(moving(-3.0).sign().value, -1.0);
    assert_eq!(moving(0.0).max(Dual::constant(0.0)).tangent, [0.0; 2]);
    // What is not chosen has no say, were it no number.
    let (root, left_out) = (moving(-1.0).sqrt(), moving(-1.0).sqrt().where_positive(moving(0.0)));
    assert!(root.value.is_nan() && left_out.value == 0.0 && left_out.tangent == [0.0; 2]);
    assert!(moving(1.0).where_positive(moving(f64::NAN)).value.is_nan());
    for (a, b) in [(f64::NAN, 1.0), (1.0, f64::NAN)] {
        assert!(moving(a).min(moving(b)).value.is_nan());
        assert!(moving(a).max(moving(b)).value.is_nan());
        assert!(moving(a).greater(moving(b)).value.is_nan());
    }
}

#[test]
fn finiteness_looks_at_every_part() {
    assert!(moving(1.0).is_finite());
    assert!(!moving(0.0).sqrt().is_finite());
    assert_eq!(moving(0.0).sqrt().value(), 0.0);
}
