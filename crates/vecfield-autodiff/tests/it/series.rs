//! Series of solutions: against jets evaluated again and again, closed forms, and where they end.

use proptest::prelude::*;
use vecfield_autodiff::{Jet, Lifted, Series, SeriesMemory, Tape};
use vecfield_laws::allocates_nothing;
use vecfield_traits::{Dynamics, Elementary, Jacobian, VectorField};

const ORDER: usize = 14;
type J = Jet<f64, { ORDER + 1 }>;

/// Coefficients `[order + 1, n]` by evaluating the formula over jets once an order, which shares no code with tapes.
fn by_jets<D: Dynamics>(dynamics: &D, t: f64, y: &[f64], theta: &[f64]) -> Vec<f64> {
    let n = y.len();
    let theta: Vec<J> = theta.iter().map(|&x| J::constant(x)).collect();
    let (mut series, mut rates): (Vec<J>, _) = (y.iter().map(|&y| J::constant(y)).collect(), vec![J::constant(0.0); n]);
    for k in 0..ORDER {
        dynamics.eval(J::variable(t), &series, &theta, &mut rates);
        for (y, rate) in series.iter_mut().zip(&rates) {
            y.coefficients[k + 1] = rate.coefficients[k] / (k + 1) as f64;
        }
    }
    (0..=ORDER).flat_map(|k| series.iter().map(move |y| y.coefficients[k])).collect()
}

fn by_tape<D: Dynamics + Clone>(dynamics: &D, t: f64, y: &[f64], theta: &[f64], order: usize) -> Vec<f64> {
    let field = Lifted::new(dynamics.clone(), theta.to_vec());
    let mut coefficients = vec![f64::NAN; (order + 1) * y.len()];
    assert!(field.taylor(t, y, order, &mut coefficients, &mut field.workspace()));
    coefficients
}

/// One rule of propagation per rate, in variables that move each other.
macro_rules! rules {
    ($($name:ident |$x:ident, $y:ident, $t:ident, $a:ident| $f:expr;)*) => {
        $(#[derive(Clone)]
        struct $name;
        impl Dynamics for $name {
            fn dim(&self) -> usize { 2 }
            fn parameter_count(&self) -> usize { 1 }
            fn eval<S: Elementary>(&self, $t: S, y: &[S], theta: &[S], dy: &mut [S]) {
                let ($x, $y, $a) = (y[0], y[1], theta[0]);
                dy[0] = $f;
                dy[1] = -y[0] + S::constant(0.25) * $t;
            }
        })*
        proptest! {
            #[test]
            fn orders_follow_as_by_jets(x in 0.2..0.8_f64, y in 0.2..0.8_f64, t in -1.0..1.0_f64, a in 0.5..1.5_f64) {
                $(
                    let (tape, jets) = (by_tape(&$name, t, &[x, y], &[a], ORDER), by_jets(&$name, t, &[x, y], &[a]));
                    for (k, (tape, jets)) in tape.chunks(2).zip(jets.chunks(2)).enumerate() {
                        // Coefficients grow as those of 1/(1 - s/r)ᵏ do, with rounding relative to the largest before.
                        let size = jets.iter().fold(1.0_f64, |size, c| size.max(c.abs()));
                        for (tape, jet) in tape.iter().zip(jets) {
                            let name = stringify!($name);
                            prop_assert!((tape - jet).abs() <= 1e-11 * size, "{name}, order {k}: {tape}, not {jet}");
                        }
                    }
                )*
            }
        }
    };
}

rules! {
    Linear |x, y, t, a| a * y - x / a + (S::constant(2.0) * t) - S::one();
    Products |x, y, t, _a| x * y * t + x * x - y.powi(5) + x.powi(3);
    Quotients |x, y, t, a| y / (x + S::one()) + a / (y + t + S::constant(2.0)) - S::one() / (x + a);
    Negatives |x, y, t, a| -(x * -y) + (a - x) - (t + a);
    Roots |x, y, _t, _a| (x * x + y * y).sqrt() + (x + S::one()).sqrt();
    Exponentials |x, y, t, a| (x - y).exp() * (a * t).exp() - (x + y + S::one()).ln();
    Circular |x, y, t, a| x.sin() * y.cos() + x.cos() * (a * t).sin() - y.sin();
    Hyperbolic |x, y, _t, _a| x.sinh() - y.cosh() * x.cosh() + y.sinh();
    Tangents |x, y, t, _a| x.tan() - y.tanh() + (t * x).tanh();
    Inverses |x, y, _t, _a| x.asin() - y.acos() * x.atan() + (S::constant(0.3) * y).asin();
    Powers |x, y, _t, a| x.powf(a) + y.powf(S::constant(-1.5)) + x.powi(-3) + y.powf(S::constant(3.0)) + x.powi(0);
    Kepler |x, y, _t, _a| S::one() / (x * x + y * y).powf(S::constant(1.5)) - x / (x * x + y * y + x).powf(S::constant(0.5));
    Exponents |x, y, t, a| x.powf(y) - a.powf(x + t) + y.powf(x * a);
    Conditions |x, y, t, a| x.greater(y) * y + (x * y).where_positive(y - S::constant(0.5)) - a.where_positive(x - y) + (t * x).where_positive(a - S::one()) + x.ln().where_positive(-x) + t.greater(a);
    Branches |x, y, t, a| (x - (S::constant(4.0) * a)).abs() + x.min(S::constant(9.0) * y) - y.max(x - S::one()) + (x + a).sign() * y.max(S::constant(0.01) * t);
}

proptest! {
    /// `y' = y (1 - y)`: the logistic function, whose series is summed at `s` and compared.
    #[test]
    fn the_logistic_curve_is_followed(y in 0.1..0.9_f64, s in -0.5..0.5_f64) {
        let tape = Tape::record(&[0.0, y], 1, |x, dy| dy[0] = x[1] * (Elementary::exp(x[0] - x[0]) - x[1]));
        let (series, mut memory) = (Series::new(&tape), SeriesMemory::new());
        let mut coefficients = [0.0; 31];
        series.expand(&mut memory, &[0.0, y], 30, &mut coefficients);
        let sum = coefficients.iter().rev().fold(0.0, |sum, c| sum * s + c);
        let expected = 1.0 / (1.0 + (1.0 / y - 1.0) * (-s).exp());
        prop_assert!((sum - expected).abs() < 1e-14, "{sum} against {expected}");
    }

    /// Coefficients of a lower order are the first of those of a higher one, bit for bit.
    #[test]
    fn a_higher_order_extends_a_lower(x in 0.2..0.8_f64, y in 0.2..0.8_f64, order in 0..30_usize, more in 0..12_usize) {
        let (low, high) = (by_tape(&Kepler, 0.3, &[x, y], &[1.0], order), by_tape(&Kepler, 0.3, &[x, y], &[1.0], order + more));
        prop_assert_eq!(&low[..], &high[..low.len()]);
    }

    /// In `f32` as in `f64`, to its precision.
    #[test]
    fn single_precision(x in 0.2..0.8_f64, y in 0.2..0.8_f64) {
        let field = Lifted::new(Kepler, vec![1.0_f32]);
        let mut coefficients = [0.0_f32; 18];
        field.taylor(0.0, &[x as f32, y as f32], 8, &mut coefficients, &mut field.workspace());
        let double = by_tape(&Kepler, 0.0, &[f64::from(x as f32), f64::from(y as f32)], &[1.0], 8);
        for (k, (c, expected)) in coefficients.chunks(2).zip(double.chunks(2)).enumerate() {
            let size = double[..2 * k + 2].iter().fold(1.0_f64, |size, c| size.max(c.abs()));
            prop_assert!(c.iter().zip(expected).all(|(c, e)| (f64::from(*c) - e).abs() < 3e-4 * size));
        }
    }
}

/// `x' = v`, `v' = -g(x)`, with a `g` that has a kink or a jump at `x = 0.5`.
#[derive(Clone)]
struct Kinked(u8);

impl Dynamics for Kinked {
    fn dim(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], _theta: &[S], dy: &mut [S]) {
        let u = y[0] - S::constant(0.5);
        dy[0] = y[1];
        dy[1] = match self.0 {
            0 => u.abs(),
            1 => -u.sign(),
            2 => y[0].min(S::constant(0.5)),
            3 => S::constant(0.5).greater(y[0]),
            4 => y[0].where_positive(u),
            _ => S::constant(0.5).max(y[0]),
        };
    }
}

#[test]
fn a_series_ends_at_its_first_change_of_branch() {
    for which in 0..6 {
        let field = Lifted::new(Kinked(which), vec![]);
        let (mut work, mut c) = (field.workspace(), vec![0.0; 2 * 16]);
        let at = |c: &[f64], s: f64| (0..16).rev().fold(0.0, |sum, k| sum * s + c[2 * k]);
        for (x, v, h) in [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (0.0, -1.0, -1.0), (0.3, 0.21, 5.0)] {
            field.taylor(0.0, &[x, v], 15, &mut c, &mut work);
            let end = field.smooth_within(h, &work);
            assert!(end.abs() < h.abs() && end * h > 0.0, "{which} from {x}: {end}");
            let (here, near) = (at(&c, end) - 0.5, at(&c, 0.999 * end) - 0.5);
            // Where the series is a little short of the place, the next one starts from there.
            assert!(here.abs() < 1e-10 && near * (x - 0.5) > 0.0, "{which} from {x}: {here}, {near}");
        }
        // Away from it, or not that far.
        field.taylor(0.0, &[1.0, 1.0], 15, &mut c, &mut work);
        assert_eq!(field.smooth_within(0.2, &work), 0.2);
        field.taylor(0.0, &[0.0, 1.0], 15, &mut c, &mut work);
        assert_eq!(field.smooth_within(0.1, &work), 0.1);
        // On it and leaving; on it at rest.
        field.taylor(0.0, &[0.5, 1.0], 15, &mut c, &mut work);
        assert_eq!(field.smooth_within(0.1, &work), 0.0);
    }
}

#[test]
fn smooth_formulas_have_no_end() {
    let field = Lifted::new(Kepler, vec![1.0]);
    let (mut work, mut c) = (field.workspace(), vec![0.0; 2 * 16]);
    field.taylor(0.0, &[0.5, 0.5], 15, &mut c, &mut work);
    assert_eq!(field.smooth_within(1e9, &work), 1e9);
}

#[test]
fn expanding_again_allocates_nothing() {
    let field = Lifted::new(Kepler, vec![1.0]);
    let (mut work, mut c) = (field.workspace(), vec![0.0; 2 * 31]);
    field.taylor(0.0, &[0.5, 0.5], 30, &mut c, &mut work);
    let counted = allocates_nothing(|| {
        for i in 0..10 {
            field.taylor(0.0, &[0.5 + f64::from(i), 0.5], 30, &mut c, &mut work);
            field.taylor(0.0, &[0.5, 0.5 + f64::from(i)], 9, &mut c[..20], &mut work);
        }
    });
    assert_eq!(counted, Ok(()));
}
