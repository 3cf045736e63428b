//! Tapes: evaluation as the formula's, pullbacks against forward mode.

use proptest::prelude::*;
use vecfield_autodiff::{Dual, Tape, gradient, hvp, vjp};
use vecfield_traits::{Elementary, Scalar};

/// Every operation in one number, defined for arguments between 0 and 1.
fn everything<S: Elementary>(x: &[S]) -> S {
    let (a, b, c) = (x[0], x[1], x[2]);
    let circular = (a * b).sin() + b.cos() * (c * a).tan() - (a * c).asin() + b.acos() / (S::one() + c.atan());
    let growing = a.exp() * (b + S::one()).ln() - c.sinh() * a.cosh() + b.tanh();
    let powers = a.sqrt() + b.powi(3) - c.powi(-2) + a.powf(b) + b.powf(S::constant(2.5)) - a.powi(0);
    let chosen = a.greater(b) * c + (a * b).where_positive(c - a) + b.greater(c).where_positive(a);
    circular + chosen + growing.abs() * powers + a.min(b) - c.max(a) * (b - a).sign() + -c
}

proptest! {
    #[test]
    fn pulling_back_is_the_transpose_of_pushing_forward(x in prop::array::uniform3(0.1..0.9_f64)) {
        let tape = Tape::record(&x, 1, |x, y| y[0] = everything(x));
        let (mut places, mut bars) = (vec![0.0; tape.len()], vec![0.0; tape.len()]);
        tape.eval(&x, &mut places);
        let output = tape.outputs()[0] as usize;
        prop_assert_eq!(places[output], everything(&x));
        bars[output] = 1.0;
        tape.pullback(&places, &mut bars);
        for (reverse, forward) in bars.iter().zip(gradient(everything, &x)) {
            prop_assert!((reverse - forward).abs() < 1e-12 * (1.0 + forward.abs()), "{reverse} against {forward}");
        }
        // Slopes written down at once are those of the tape.
        let at_once = vjp(|x, y| y[0] = everything(x), &x, &[1.0]);
        for (at_once, reverse) in at_once.iter().zip(&bars) {
            prop_assert!((at_once - reverse).abs() < 1e-14 * (1.0 + reverse.abs()), "{at_once} against {reverse}");
        }
    }

    /// A tape recorded at one point holds at another, as long as no branch changes.
    #[test]
    fn a_tape_holds_elsewhere(x in prop::array::uniform3(0.1..0.9_f64)) {
        fn smooth<S: Elementary>(x: &[S]) -> S {
            (x[0] * x[1]).exp() / (S::one() + x[2] * x[2]).sqrt()
        }
        let tape = Tape::record(&[0.5; 3], 1, |x, y| y[0] = smooth(x));
        let mut places = vec![0.0; tape.len()];
        tape.eval(&x, &mut places);
        prop_assert_eq!(places[tape.outputs()[0] as usize], smooth(&x));
    }

    /// The Hessian is symmetric, and its products are derivatives of the gradient.
    #[test]
    fn hessian_vector_products(x in prop::array::uniform3(0.1..0.9_f64), v in prop::array::uniform3(-1.0..1.0_f64)) {
        prop_assume!((x[0] - x[1]).abs() > 1e-3 && (x[0] - x[2]).abs() > 1e-3);
        let product = hvp(|x, y| y[0] = everything(x), &x, &v);
        let moved = |eps: f64| gradient(everything, &[0, 1, 2].map(|i| x[i] + eps * v[i]));
        for ((product, above), below) in product.iter().zip(moved(1e-5)).zip(moved(-1e-5)) {
            let expected = (above - below) / 2e-5;
            prop_assert!((product - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{product} against {expected}");
        }
    }

    #[test]
    fn vector_jacobian_products(x in prop::array::uniform3(0.1..0.9_f64), w in prop::array::uniform2(-1.0..1.0_f64)) {
        let pulled = vjp(|x, y| (y[0], y[1]) = (x[0] * x[1], x[1] / x[2]), &x, &w);
        let expected = [w[0] * x[1], w[0] * x[0] + w[1] / x[2], -w[1] * x[1] / (x[2] * x[2])];
        prop_assert!(pulled.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-13 * (1.0 + b.abs())));
    }
}

#[test]
fn recordings_nest() {
    let outer = Tape::record(&[2.0], 1, |x, y| {
        let inner = gradient_by_tape(x[0].value());
        y[0] = x[0] * Scalar::lift(inner);
    });
    let mut places = vec![0.0; outer.len()];
    outer.eval(&[2.0], &mut places);
    assert_eq!(places[outer.outputs()[0] as usize], 2.0 * 12.0);
}

/// A function inside a function takes the outer one's variables for constants.
#[test]
fn pullbacks_nest() {
    let outer = vjp(
        |x, y| {
            let held = x[0];
            let inner = vjp(|z, y| y[0] = z[0] * z[0] * Scalar::lift(held.value()), &[3.0], &[1.0])[0];
            y[0] = held * held * Scalar::lift(inner);
        },
        &[2.0],
        &[1.0],
    );
    assert_eq!(outer, [4.0 * 12.0]);
}

/// What is written by a function that panics is taken off.
#[test]
fn a_panic_leaves_no_graph_behind() {
    let caught =
        std::panic::catch_unwind(|| vjp(|x, _| assert!((x[0] * x[0]).value() < 0.0, "on purpose"), &[2.0], &[1.0]));
    assert!(caught.is_err());
    assert_eq!(vjp(|x, y| y[0] = x[0] * x[0], &[3.0], &[1.0]), [6.0]);
}

/// `d x³ / dx`.
fn gradient_by_tape(x: f64) -> f64 {
    vjp(|x, y| y[0] = x[0].powi(3), &[x], &[1.0])[0]
}

#[test]
fn constants_are_outputs_too() {
    let tape = Tape::record(&[1.0_f64], 2, |x, y| (y[0], y[1]) = (x[0], Scalar::constant(7.0)));
    let mut places = vec![Dual::<f64, 1>::constant(0.0); tape.len()];
    tape.eval(&[Dual::variable(3.0, 0)], &mut places);
    assert_eq!(tape.outputs().iter().map(|&o| places[o as usize].value).collect::<Vec<_>>(), [3.0, 7.0]);
}

#[test]
#[should_panic(expected = "a variable lives while its tape is recorded")]
fn a_variable_does_not_outlive_its_recording() {
    let mut kept = None;
    Tape::record(&[1.0_f64], 1, |x, y| {
        kept = Some(x[0]);
        y[0] = x[0];
    });
    let _ = kept.map(|x| x * x);
}
