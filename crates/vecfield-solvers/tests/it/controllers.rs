//! Step-size controllers: each keeps the error where the tolerance is, and the smooth ones are smooth.

use vecfield_solvers::tableau::{DOP853, TSIT5, Tableau, VERNER_9};
use vecfield_solvers::{Filter, Options, Save, Solution, field, solve_explicit};

const FILTERS: [(&str, Filter); 5] = [
    ("I", Filter::INTEGRAL),
    ("quick", Filter::QUICK),
    ("PI", Filter::PI),
    ("PID", Filter::PID),
    ("H211b", Filter::H211B),
];

/// Van der Pol's oscillator with `μ = 3`: fast and slow by turns.
fn run(controller: Filter, tableau: &'static Tableau, rtol: f64) -> Solution<f64> {
    let oscillator =
        field(2, |_t, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], 3.0 * (1.0 - y[0] * y[0]) * y[1] - y[0]));
    let options = Options { controller, ..Options::tolerances(rtol, rtol) };
    solve_explicit(&oscillator, (0.0, 20.0), &[2.0, 0.0], tableau, &options, Save::Steps).unwrap()
}

#[test]
fn every_controller_keeps_the_tolerance() {
    let exact = run(Filter::PI, &VERNER_9, 1e-13);
    for (name, filter) in FILTERS {
        for tableau in [&TSIT5, &DOP853] {
            let solution = run(filter, tableau, 1e-7);
            let error = (solution.last()[0] - exact.last()[0]).abs();
            assert!(error < 1e-4, "{name} {}: {error:e}", tableau.name);
            let stats = solution.stats;
            assert!(stats.rejected * 2 < stats.steps, "{name} {}: {stats:?}", tableau.name);
        }
    }
}

/// The root mean square of the changes of the step, in octaves.
fn roughness(solution: &Solution<f64>) -> f64 {
    let steps: Vec<f64> = solution.t.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // The first steps find their size, and the last one is cut to hit the end.
    let changes = steps[5..steps.len() - 1].windows(2).map(|pair| (pair[1] / pair[0]).log2().powi(2));
    (changes.sum::<f64>() / (steps.len() - 7) as f64).sqrt()
}

#[test]
fn filters_make_steps_smoother_than_the_elementary_controller() {
    for tableau in [&TSIT5, &DOP853] {
        let elementary = roughness(&run(Filter::INTEGRAL, tableau, 1e-7));
        for (name, filter) in [("PID", Filter::PID), ("H211b", Filter::H211B)] {
            let filtered = roughness(&run(filter, tableau, 1e-7));
            assert!(filtered < 0.9 * elementary, "{name} {}: {filtered} against {elementary}", tableau.name);
        }
    }
}

/// Where stability limits the step, the elementary controller leaves the region time and again; those that damp stay inside.
#[test]
fn few_steps_are_rejected_at_the_edge_of_stability() {
    let decay = field(1, |t: f64, y: &[f64], dy: &mut [f64]| dy[0] = -200.0 * (y[0] - t.sin()));
    for tableau in [&TSIT5, &DOP853] {
        let rejected = |controller| {
            let options = Options { controller, ..Options::tolerances(1e-4, 1e-4) };
            let stats = solve_explicit(&decay, (0.0, 40.0), &[1.0], tableau, &options, Save::Steps).unwrap().stats;
            stats.rejected as f64 / stats.steps as f64
        };
        for (name, filter) in [("quick", Filter::QUICK), ("PI", Filter::PI)] {
            let share = rejected(filter);
            assert!(share < 0.08, "{name} {}: {share}", tableau.name);
        }
    }
}
