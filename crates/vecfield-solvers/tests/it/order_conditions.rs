//! The order conditions of every explicit table: of its steps, its error estimate and its dense output; and what estimates see
//! of jumps.

use vecfield_solvers::tableau::{ALL, ErrorEstimate, Tableau};

use crate::trees::{Forest, ROUNDING, Target, Weights};

/// The full matrix of a tableau, the field at the end and the interpolant's rows included.
fn matrix(tableau: &Tableau) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = tableau.a.iter().map(|row| row.to_vec()).collect();
    if tableau.end_slot() == tableau.stages() {
        rows.push(tableau.b.to_vec());
    }
    rows.extend(tableau.interpolant.a.iter().map(|row| row.to_vec()));
    rows
}

#[test]
fn weights_meet_the_order_conditions_and_no_more() {
    let forest = Forest::plain(10);
    for tableau in ALL {
        let conditions = forest.runge_kutta(&matrix(tableau));
        conditions.assert_order(tableau.name, &Weights::of(tableau.b), Target::Step, tableau.order);
    }
}

#[test]
fn error_estimates_have_the_order_they_say() {
    let forest = Forest::plain(9);
    for tableau in ALL {
        let conditions = forest.runge_kutta(&matrix(tableau));
        let check = |e: &[f64], order| conditions.assert_order(tableau.name, &Weights::of(e), Target::Nothing, order);
        match tableau.error {
            ErrorEstimate::Fixed => {}
            ErrorEstimate::Embedded { weights, order } => check(weights, order),
            ErrorEstimate::Pair { higher, lower, orders } => {
                check(higher, orders[0]);
                check(lower, orders[1]);
            }
        }
    }
}

#[test]
fn dense_output_meets_its_order_conditions() {
    let forest = Forest::plain(9);
    for tableau in ALL {
        let conditions = forest.runge_kutta(&matrix(tableau));
        for theta in [0.1_f64, 0.35, 0.5, 0.8, 1.0] {
            let weights = Weights::dense(tableau.interpolant.weights, theta);
            for nodes in 1..=tableau.interpolant.order {
                let defect = conditions.defect(&weights, Target::Dense(theta), nodes);
                assert!(defect < ROUNDING, "{} at {theta}: trees of {nodes} nodes, off by {defect:e}", tableau.name);
            }
        }
    }
}

/// What a table says of the error of a step, from the rates at its stages.
fn estimate(tableau: &Tableau, rates: &[f64]) -> f64 {
    let sum = |weights: &[f64]| weights.iter().zip(rates).map(|(w, k)| w * k).sum::<f64>();
    match tableau.error {
        ErrorEstimate::Fixed => f64::NAN,
        ErrorEstimate::Embedded { weights, .. } => sum(weights).abs(),
        ErrorEstimate::Pair { higher, lower, .. } => sum(higher).powi(2) / sum(higher).hypot(0.1 * sum(lower)),
    }
}

/// By how much an estimate may fall short of the error that a jump makes. Dormand and Prince's, of which there is no other of order
/// four, needs as much in time, Verner's of order eight in space.
const SHORT: f64 = 200.0;

/// A field of time alone that jumps by one at `θ`: the step errs by `Σ_{c_i ≥ θ} b_i - (1 - θ)`, and the estimate must say so.
#[test]
fn no_estimate_is_blind_to_a_jump_in_time() {
    for tableau in ALL.iter().filter(|tableau| tableau.adaptive()) {
        for at in (1..1000).map(|k| f64::from(k) / 1000.0) {
            let rates: Vec<f64> = tableau.c.iter().map(|&c| f64::from(u8::from(c >= at))).collect();
            let error = (tableau.b.iter().zip(&rates).map(|(b, k)| b * k).sum::<f64>() - (1.0 - at)).abs();
            let said = estimate(tableau, &rates);
            assert!(error <= SHORT * said, "{}: a jump at {at} errs by {error:e}, said to be {said:e}", tableau.name);
        }
    }
}

/// A step of `x″ = -sign x` from `x > 0` to `x < 0`: stages meet the jump in the order of their states, not of their times.
#[test]
fn no_estimate_is_blind_to_a_jump_in_space() {
    for tableau in ALL.iter().filter(|tableau| tableau.adaptive()) {
        for (at, speed) in
            (1..100).flat_map(|k| (-8..6).map(move |p| (f64::from(k) / 100.0, 10_f64.powf(f64::from(p) / 4.0))))
        {
            // It arrives with that speed at the time `at`, and does not come back within the step.
            let (left, v) = (1.0 - at, at - speed);
            let (x, end) = (-v * at + at * at / 2.0, -speed * left + left * left / 2.0);
            if x <= 0.0 || end >= 0.0 {
                continue;
            }
            let mut rates: Vec<[f64; 2]> = vec![];
            let moved = |weights: &[f64], rates: &[[f64; 2]]| {
                weights.iter().zip(rates).fold([x, v], |[x, v], (a, k)| [x + a * k[0], v + a * k[1]])
            };
            for row in tableau.a {
                let stage = moved(row, &rates);
                rates.push([stage[1], -stage[0].signum()]);
            }
            let new = moved(tableau.b, &rates);
            let error = (new[0] - end).hypot(new[1] - (left - speed));
            let [first, second] = [0, 1].map(|i| estimate(tableau, &rates.iter().map(|k| k[i]).collect::<Vec<_>>()));
            let said = first.hypot(second);
            assert!(
                error <= SHORT * said,
                "{}: {at}, {speed}: an error of {error:e}, said to be {said:e}",
                tableau.name
            );
        }
    }
}
