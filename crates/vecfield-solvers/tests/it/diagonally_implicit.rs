//! The tables of diagonally implicit methods: order conditions, stability, stiff accuracy.

use vecfield_linalg::Complex;
use vecfield_solvers::dirk::tableau::{ALL, DirkError, DirkTableau, PAIRS, TRAPEZOID};

use crate::trees::{Forest, ROUNDING, Target, Weights};

fn matrix(tableau: &DirkTableau) -> Vec<Vec<f64>> {
    tableau.a.iter().map(|row| row.to_vec()).collect()
}

fn end(tableau: &DirkTableau) -> &'static [f64] {
    tableau.a[tableau.stages() - 1]
}

#[test]
fn weights_meet_the_order_conditions_and_no_more() {
    let forest = Forest::plain(6);
    for tableau in ALL {
        let conditions = forest.runge_kutta(&matrix(tableau));
        conditions.assert_order(tableau.name, &Weights::of(end(tableau)), Target::Step, tableau.order);
        if let DirkError::Embedded { weights, order } = tableau.error {
            conditions.assert_order(tableau.name, &Weights::of(weights), Target::Nothing, order);
        }
    }
}

#[test]
fn dense_output_meets_its_order_conditions() {
    let forest = Forest::plain(5);
    for tableau in ALL {
        let conditions = forest.runge_kutta(&matrix(tableau));
        for theta in [0.1_f64, 0.35, 0.5, 0.8, 1.0] {
            let weights = Weights::dense(tableau.interpolant, theta);
            for nodes in 1..=tableau.dense_order {
                let defect = conditions.defect(&weights, Target::Dense(theta), nodes);
                assert!(defect < ROUNDING, "{} at {theta}: trees of {nodes} nodes, off by {defect:e}", tableau.name);
            }
        }
    }
}

/// `R(z)`: the last stage for `y' = λy`.
fn stability_function(tableau: &DirkTableau, z: Complex<f64>) -> Complex<f64> {
    let one = Complex::new(1.0, 0.0);
    let mut stages: Vec<Complex<f64>> = Vec::new();
    for row in tableau.a {
        let known =
            row.iter().zip(&stages).fold(Complex::new(0.0, 0.0), |sum, (a, y)| sum + Complex::new(*a, 0.0) * *y);
        let diagonal = Complex::new(row[row.len() - 1], 0.0);
        stages.push((one + z * known) / (one - z * diagonal));
    }
    stages[stages.len() - 1]
}

#[test]
fn every_method_is_a_stable_and_all_but_the_trapezoid_l_stable() {
    let size = |z: Complex<f64>| z.re.hypot(z.im);
    for tableau in ALL {
        // On the imaginary axis: elsewhere in the left half-plane the maximum principle holds, the pole being at 1/γ.
        for power in -3..=6 {
            for digit in 1..100 {
                let y = f64::from(digit) * 0.1 * 10.0_f64.powi(power);
                let growth = size(stability_function(tableau, Complex::new(0.0, y)));
                assert!(growth <= 1.0 + 1e-12, "{}: {growth} at {y}i", tableau.name);
            }
        }
        let far = size(stability_function(tableau, Complex::new(-1e9, 0.0)));
        if tableau.name == TRAPEZOID.name {
            assert!((far - 1.0).abs() < 1e-6);
        } else {
            assert!(far < 1e-6, "{}: {far} far to the left", tableau.name);
        }
        let near = stability_function(tableau, Complex::new(-1e-3, 0.0)).re;
        assert!((near - (-1e-3_f64).exp()).abs() < 1e-6, "{}", tableau.name);
    }
}

/// The stages that a stiff component sees are at the ends exactly, and each is of order two in the step: the second
/// simplifying assumption, which keeps the order from falling below two on Prothero and Robinson's problem.
#[test]
fn stages_are_of_order_two_and_the_last_one_is_the_end() {
    for tableau in ALL.iter().filter(|tableau| tableau.order >= 2) {
        for (row, c) in tableau.a.iter().zip(tableau.c) {
            let sum: f64 = row.iter().zip(tableau.c).map(|(a, c)| a * c).sum();
            assert!((sum - c * c / 2.0).abs() < 1e-14, "{}", tableau.name);
        }
        let last = tableau.interpolant.iter().map(|row| row.iter().sum::<f64>());
        for (weight, b) in last.zip(end(tableau)) {
            assert!((weight - b).abs() < 1e-14, "{}", tableau.name);
        }
    }
}

/// The conditions of trees with two kinds of nodes (Kennedy–Carpenter 2003, section 2.1), for steps, estimate, dense output.
#[test]
fn pairs_meet_the_order_conditions_that_couple_them() {
    let forest = Forest::coloured(6, 2);
    for tableau in PAIRS {
        let explicit: Vec<Vec<f64>> = tableau.explicit.expect("a pair").iter().map(|row| row.to_vec()).collect();
        let conditions = forest.additive(&[&matrix(tableau), &explicit]);
        let both = |b: &[f64]| Weights::additive(&[b, b]);
        conditions.assert_order(tableau.name, &both(end(tableau)), Target::Step, tableau.order);
        if let DirkError::Embedded { weights, order } = tableau.error {
            conditions.assert_order(tableau.name, &both(weights), Target::Nothing, order);
        }
        for theta in [0.1_f64, 0.35, 0.5, 0.8, 1.0] {
            let polynomial = |row: &&[f64]| row.iter().rev().fold(0.0, |sum, w| (sum + w) * theta);
            let weights: Vec<f64> = tableau.interpolant.iter().map(polynomial).collect();
            for nodes in 1..=tableau.dense_order {
                let defect = conditions.defect(&both(&weights), Target::Dense(theta), nodes);
                assert!(defect < 10.0 * ROUNDING, "{} at {theta}: {nodes} nodes, off by {defect:e}", tableau.name);
            }
        }
    }
}
