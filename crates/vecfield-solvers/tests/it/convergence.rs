//! Observed orders of convergence, of steps and of dense output.

use vecfield_solvers::tableau::{ALL, Tableau};
use vecfield_solvers::{Options, Save, field, solve_explicit};

/// A rotation whose speed varies: `y(t)` is `(cos φ, sin φ)` with `φ = t + sin(t)/2`.
fn rotation() -> impl vecfield_solvers::VectorField<f64, Workspace = ()> {
    field(2, |t: f64, y: &[f64], dy: &mut [f64]| {
        let speed = 1.0 + 0.5 * t.cos();
        dy[0] = -speed * y[1];
        dy[1] = speed * y[0];
    })
}

fn exact(t: f64) -> [f64; 2] {
    let angle = t + 0.5 * t.sin();
    [angle.cos(), angle.sin()]
}

/// Largest errors at the end and inside the steps, with steps of `h`.
fn errors(tableau: &'static Tableau, h: f64) -> (f64, f64) {
    let mut times: Vec<f64> = (0..97).map(|i| 2.0 * f64::from(i) / 97.0).collect();
    times.push(2.0);
    let options = Options::fixed(h);
    let solution = solve_explicit(&rotation(), (0.0, 2.0), &[1.0, 0.0], tableau, &options, Save::At(&times)).unwrap();
    let error = |row: usize| {
        let (y, exact) = (solution.state(row), exact(times[row]));
        (y[0] - exact[0]).hypot(y[1] - exact[1])
    };
    (error(97), (0..98).map(error).fold(0.0, f64::max))
}

/// The slope over the last halving whose errors are above rounding.
fn observed(name: &str, error: impl Fn(f64) -> f64) -> f64 {
    let errors: Vec<f64> = (0..=8).map(|k| error(2.0 / f64::from(1 << k))).collect();
    let mut slopes =
        errors.windows(2).filter(|pair| pair[0] < 0.3 && pair[1] > 1e-11).map(|pair| (pair[0] / pair[1]).log2());
    slopes.next_back().unwrap_or_else(|| panic!("{name}: no errors to compare in {errors:?}"))
}

#[test]
fn every_method_converges_at_its_order() {
    for tableau in ALL {
        let order = observed(tableau.name, |h| errors(tableau, h).0);
        assert!(order > f64::from(tableau.order) - 0.3, "{}: observed order {order:.2}", tableau.name);
    }
}

#[test]
fn every_dense_output_converges_at_its_order() {
    for tableau in ALL {
        let order = observed(tableau.name, |h| errors(tableau, h).1);
        // Errors inside a step are one order above the interpolant's, up to the order of the steps they start from.
        let claimed = tableau.order.min(tableau.interpolant.order + 1);
        assert!(order > f64::from(claimed) - 0.35, "{}: observed order {order:.2}", tableau.name);
    }
}

#[test]
fn smaller_tolerances_give_smaller_errors() {
    for tableau in ALL.iter().filter(|tableau| tableau.adaptive()) {
        let mut before = f64::INFINITY;
        for exponent in if tableau.order < 3 { 2..6 } else { 3..11 } {
            let rtol = 10.0_f64.powi(-exponent);
            let options = Options::tolerances(rtol, rtol);
            let solution = solve_explicit(&rotation(), (0.0, 10.0), &[1.0, 0.0], tableau, &options, Save::End).unwrap();
            let (y, exact) = (solution.last(), exact(10.0));
            let error = (y[0] - exact[0]).hypot(y[1] - exact[1]);
            assert!(error < 100.0 * rtol, "{}: {error:e} at {rtol:e}", tableau.name);
            assert!(error < 2.0 * before, "{}: {error:e} after {before:e}", tableau.name);
            before = error;
        }
    }
}
