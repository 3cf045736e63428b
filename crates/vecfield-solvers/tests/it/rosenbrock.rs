//! The order conditions of every Rosenbrock table: of its steps, its error estimate and its dense output.

use proptest::prelude::*;
use vecfield_autodiff::Lifted;
use vecfield_solvers::rosenbrock::{ALL, ROS3P, RosenbrockTableau};
use vecfield_solvers::{Dynamics, Method, Options, Save, solve};
use vecfield_traits::Elementary;

use crate::trees::{Forest, Target, Weights};

/// A table in the variables of the order conditions, `k_i = h f(y + Σ α_ij k_j) + h J Σ γ_ij k_j`.
struct Original {
    alpha: Vec<Vec<f64>>,
    beta: Vec<Vec<f64>>,
    gamma: Vec<Vec<f64>>,
}

impl Original {
    /// `Γ⁻¹ = diag(1/γ) - C`, `α = A Γ` (Hairer–Wanner II, IV.7, eqs. (7.21) to (7.25)).
    fn of(tableau: &RosenbrockTableau) -> Original {
        let s = tableau.stages();
        let mut gamma = vec![vec![0.0; s]; s];
        for i in 0..s {
            for j in 0..=i {
                let earlier: f64 = (j..i).map(|m| tableau.c[i][m] * gamma[m][j]).sum();
                gamma[i][j] = tableau.gamma * (earlier + if i == j { 1.0 } else { 0.0 });
            }
        }
        let row = |weights: &[f64]| -> Vec<f64> {
            (0..s).map(|j| weights.iter().zip(&gamma).map(|(weight, gamma)| weight * gamma[j]).sum()).collect()
        };
        let alpha: Vec<Vec<f64>> = tableau.a.iter().map(|a| row(a)).collect();
        let sum = |(alpha, gamma): (&Vec<f64>, &Vec<f64>)| alpha.iter().zip(gamma).map(|(a, g)| a + g).collect();
        let beta = alpha.iter().zip(&gamma).map(sum).collect();
        Original { alpha, beta, gamma }
    }

    /// `m Γ`.
    fn weights(&self, m: &[f64]) -> Vec<f64> {
        (0..m.len()).map(|j| m.iter().zip(&self.gamma).map(|(m, gamma)| m * gamma[j]).sum()).collect()
    }
}

/// What published coefficients of sixteen digits leave after the change of variables.
const ROUNDING: f64 = 1e-12;

/// The largest defect up to `order`, and that of the order after it.
fn defects(tableau: &RosenbrockTableau, m: &[f64], target: Target, order: u32) -> (f64, f64) {
    let (forest, original) = (Forest::plain(order + 1), Original::of(tableau));
    let conditions = forest.rosenbrock(&original.alpha, &original.beta);
    let weights = Weights::of(&original.weights(m));
    let defect = |nodes| conditions.defect(&weights, target, nodes);
    ((1..=order).map(defect).fold(0.0, f64::max), defect(order + 1))
}

#[test]
fn steps_and_error_estimates_meet_their_conditions_and_no_more() {
    for tableau in ALL {
        let name = tableau.name;
        let embedded: Vec<f64> = tableau.weights.iter().zip(tableau.error).map(|(m, e)| m - e).collect();
        let (own, next) = defects(tableau, tableau.weights, Target::Step, tableau.order);
        assert!(own < ROUNDING && next > 1e-6, "{name}: {own:e}, {next:e}");
        let (own, next) = defects(tableau, &embedded, Target::Step, tableau.embedded_order);
        assert!(own < ROUNDING && next > 1e-6, "{name}, embedded: {own:e}, {next:e}");
    }
}

#[test]
fn dense_output_meets_its_conditions() {
    for tableau in ALL {
        for theta in [0.1_f64, 0.35, 0.5, 0.8] {
            // y(θ) = y + θ(y⁺ - y) + θ(1-θ) Σ_r θ^r K_r.
            let inside = |i: usize| tableau.dense.iter().rev().fold(0.0, |sum, row| row[i] + theta * sum);
            let weight = |(i, m): (usize, &f64)| theta * (m + (1.0 - theta) * inside(i));
            let m: Vec<f64> = tableau.weights.iter().enumerate().map(weight).collect();
            let (own, next) = defects(tableau, &m, Target::Dense(theta), tableau.dense_order);
            assert!(own < ROUNDING && next > 1e-6, "{} at {theta}: {own:e}, {next:e}", tableau.name);
        }
    }
}

/// `y' = λ (y - φ) + φ'` with `φ = 1 + t - 2t²`, and `λ` the parameter.
struct Parabola;

impl Dynamics for Parabola {
    fn dim(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn eval<S: Elementary>(&self, t: S, y: &[S], lambda: &[S], dy: &mut [S]) {
        let phi = S::one() + t - t * t * S::constant(2.0);
        dy[0] = lambda[0] * (y[0] - phi) + S::one() - t * S::constant(4.0);
    }
}

proptest! {
    /// Prothero and Robinson's problem: neither the steps nor what lies inside them lose accuracy to stiffness.
    #[test]
    fn ros3p_follows_a_parabola_however_stiff(exponent in -3.0..9.0_f64, theta in 0.0..1.0_f64) {
        let field = Lifted::new(Parabola, vec![-10.0_f64.powf(exponent)]);
        let (h, method) = (0.5, Method::Rosenbrock(&ROS3P));
        let times = [h * theta, h * (1.0 + theta), 2.0 * h];
        let solution = solve(&field, (0.0, 2.0 * h), &[1.0], method, &Options::fixed(h), Save::At(&times)).unwrap();
        for (row, t) in times.iter().enumerate() {
            let (found, exact) = (solution.state(row)[0], 1.0 + t - 2.0 * t * t);
            prop_assert!((found - exact).abs() < 1e-13, "{found}, not {exact} at {t}");
        }
    }
}
