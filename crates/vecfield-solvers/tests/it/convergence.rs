//! Observed orders of convergence, of steps and of dense output.

use vecfield_laws::order_is_at_least;
use vecfield_laws::problems::Turning;
use vecfield_solvers::tableau::{ALL, Tableau};
use vecfield_solvers::{Options, Save, solve_explicit};

/// Largest errors at the end and inside the steps, with steps of `h`.
fn errors(tableau: &'static Tableau, h: f64) -> (f64, f64) {
    let mut times: Vec<f64> = (0..97).map(|i| 2.0 * f64::from(i) / 97.0).collect();
    times.push(2.0);
    let options = Options::fixed(h);
    let solution = solve_explicit(&Turning, (0.0, 2.0), &[1.0, 0.0], tableau, &options, Save::At(&times)).unwrap();
    let error = |row: usize| Turning::error(times[row], solution.state(row));
    (error(97), (0..98).map(error).fold(0.0, f64::max))
}

/// The same at steps of 2, 1, 1/2, .. 1/128.
fn halved(tableau: &'static Tableau) -> (Vec<f64>, Vec<f64>) {
    (0..=8).map(|k| errors(tableau, 2.0 / f64::from(1 << k))).unzip()
}

#[test]
fn every_method_converges_at_its_order() {
    for tableau in ALL {
        order_is_at_least(f64::from(tableau.order), 0.3, &halved(tableau).0, 1e-11)
            .unwrap_or_else(|broken| panic!("{}: {broken}", tableau.name));
    }
}

#[test]
fn every_dense_output_converges_at_its_order() {
    for tableau in ALL {
        // Errors inside a step are one order above the interpolant's, up to the order of the steps they start from.
        let claimed = tableau.order.min(tableau.interpolant.order + 1);
        order_is_at_least(f64::from(claimed), 0.35, &halved(tableau).1, 1e-11)
            .unwrap_or_else(|broken| panic!("{}: {broken}", tableau.name));
    }
}

#[test]
fn smaller_tolerances_give_smaller_errors() {
    for tableau in ALL.iter().filter(|tableau| tableau.adaptive()) {
        let mut before = f64::INFINITY;
        for exponent in if tableau.order < 3 { 2..6 } else { 3..11 } {
            let rtol = 10.0_f64.powi(-exponent);
            let options = Options::tolerances(rtol, rtol);
            let solution = solve_explicit(&Turning, (0.0, 10.0), &[1.0, 0.0], tableau, &options, Save::End).unwrap();
            let error = Turning::error(10.0, solution.last());
            assert!(error < 100.0 * rtol, "{}: {error:e} at {rtol:e}", tableau.name);
            assert!(error < 2.0 * before, "{}: {error:e} after {before:e}", tableau.name);
            before = error;
        }
    }
}
