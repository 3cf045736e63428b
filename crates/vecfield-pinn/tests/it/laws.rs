use proptest::prelude::*;
use rayon::ThreadPoolBuilder;

use crate::{points, solved, solved_to};

/// Whatever the features can hold is found to rounding: `u = (a + b x)(c + d t) + e x²` with the source that makes it a
/// solution of the heat equation, by its values at the beginning and at both ends.
fn heat(a: f64, b: f64, c: f64, d: f64, e: f64) -> (String, impl Fn(f64, f64) -> f64) {
    let u = format!("({a:?} + {b:?}*x)*({c:?} + {d:?}*t) + {e:?}*x^2");
    let text = format!(
        "[domain]\nx = [-1, 2]\nt = [0, 1.5]\nunknowns = [\"u\"]\n\
         [equations]\nheat = \"u_t - 0.7*u_xx - ({a:?} + {b:?}*x)*{d:?} + 1.4*{e:?}\"\n\
         [[condition]]\non = \"t = 0\"\nu = \"{u}\"\n[[condition]]\non = \"x = -1\"\nu = \"{u}\"\n\
         [[condition]]\non = \"x = 2\"\nu = \"{u}\"\n"
    );
    (text, move |x: f64, t: f64| (a + b * x) * (c + d * t) + e * x * x)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn polynomials_are_reproduced(
        a in -2.0..2.0_f64, b in -2.0..2.0_f64, c in 0.5..2.0_f64, d in -2.0..2.0_f64, e in -2.0..2.0_f64,
    ) {
        let (text, u) = heat(a, b, c, d, e);
        let (_, found) = solved(&text);
        let at = points(&[[0.0, 1.5], [-1.0, 2.0]], 40);
        let values = found.values(&at);
        for (value, (t, x)) in values[0].iter().zip(at[0].iter().zip(&at[1])) {
            // Windows hand rounding on: 1e-11 of values of order ten.
            prop_assert!((value - u(*x, *t)).abs() < 1e-10, "{value} for {}", u(*x, *t));
        }
    }

    /// `y' = -λ y`: the textbook's first network, and the estimate of its error is no promise that is not kept.
    #[test]
    fn decay(lambda in 0.1..20.0_f64, y0 in 0.1..5.0_f64) {
        let (_, found) = solved(&format!(
            "[domain]\nt = [0, 2]\nunknowns = [\"y\"]\n[equations]\ndecay = \"y_t + {lambda:?}*y\"\n\
             [[condition]]\non = \"t = 0\"\ny = {y0:?}\n"
        ));
        let at = points(&[[0.0, 2.0]], 50);
        let values = found.values(&at);
        let (mut top, mut bottom) = (0.0, 0.0);
        for (value, t) in values[0].iter().zip(&at[0]) {
            let exact = y0 * (-lambda * t).exp();
            (top, bottom) = (top + (value - exact).powi(2), bottom + exact * exact);
        }
        let error = f64::sqrt(top / bottom);
        prop_assert!(error < 1e-11 && error <= 10.0 * found.error_estimate, "{error:e} {}", found.error_estimate);
    }
}

#[test]
fn threads_change_nothing() {
    let text = "[domain]\nx = [-1, 1]\nt = [0, 0.3]\nunknowns = [\"u\"]\n[equations]\nb = \"u_t + u*u_x - 0.05*u_xx\"\n\
                [[condition]]\non = \"t = 0\"\nu = \"-sin(pi*x)\"\n[[condition]]\non = \"boundary\"\nu = 0\n";
    let on = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| solved_to(text, 2).1.values(&points(&[[0.0, 0.3], [-1.0, 1.0]], 60)))
    };
    let bits = |values: Vec<Vec<f64>>| values.concat().into_iter().map(f64::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(on(1)), bits(on(2)));
}

/// A rotation of the plane changes nothing: the problem on a disk, once by its symmetry and once in the plane.
#[test]
fn symmetry_and_the_plane_agree() {
    let (_, round) = solved(
        "[domain]\nx = {dims = 2, ball = 1}\nunknowns = [\"u\"]\n[equations]\np = \"laplacian(u) + u^2 + 4\"\n\
         [[condition]]\non = \"boundary\"\nu = 0\n",
    );
    let (_, plane) = solved_to(
        "[domain]\nx = [-1, 1]\ny = [-1, 1]\ngeometry = \"disk(0,0, 1)\"\nunknowns = [\"u\"]\n\
         [equations]\np = \"laplacian(u) + u^2 + 4\"\n[[condition]]\non = \"boundary\"\nu = 0\n",
        5,
    );
    let at = points(&[[-0.7, 0.7], [-0.7, 0.7]], 30);
    let square = vec![at[0].iter().zip(&at[1]).map(|(x, y)| x * x + y * y).collect::<Vec<f64>>()];
    for (a, b) in round.values(&square)[0].iter().zip(&plane.values(&at)[0]) {
        // The features of a box that is larger than its disk are damped a little: 1e-8.
        assert!((a - b).abs() < 1e-7, "{a} {b}");
    }
}

/// A normal derivative on a curved boundary: `u = x² - y² + x` on a disk of radius 2.
#[test]
fn a_normal_derivative_on_a_rim() {
    let (_, found) = solved(
        "[domain]\nx = [-2, 2]\ny = [-2, 2]\ngeometry = \"disk(0,0, 2)\"\nunknowns = [\"u\"]\n\
         [equations]\np = \"laplacian(u)\"\n[[condition]]\non = \"boundary\"\nu_n = \"(2*x^2 - 2*y^2 + x)/2 - u + x^2 - y^2 + x\"\n",
    );
    let at = points(&[[-1.4, 1.4], [-1.4, 1.4]], 30);
    for (value, (x, y)) in found.values(&at)[0].iter().zip(at[0].iter().zip(&at[1])) {
        assert!((value - (x * x - y * y + x)).abs() < 1e-9, "{value}");
    }
}

/// A value elsewhere: `y'(x) = y(x/2)` has the solution `Σ 2^(-n(n-1)/2) xⁿ/n!`.
#[test]
fn a_pantograph() {
    let (_, found) = solved(
        "[domain]\nx = [0, 1]\nunknowns = [\"y\"]\n[equations]\np = \"y_x - y(x/2)\"\n[[condition]]\non = \"x = 0\"\ny = 1\n",
    );
    let (mut sum, mut term) = (0.0, 1.0);
    for n in 0..20 {
        sum += term;
        term *= 0.5_f64.powi(n) / f64::from(n + 1);
    }
    assert!((found.values(&[vec![1.0]])[0][0] - sum).abs() < 1e-12);
}
