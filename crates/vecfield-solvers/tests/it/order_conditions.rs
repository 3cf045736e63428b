//! The order conditions of every explicit table: of its steps, its error estimate and its dense output.

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
            ErrorEstimate::Pair { fifth, third } => {
                check(fifth, 5);
                check(third, 3);
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
