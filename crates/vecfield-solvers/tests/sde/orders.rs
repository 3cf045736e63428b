//! Strong orders: every method on every kind of noise that it claims to solve, against a much finer solution on the same paths.
//!
//! 200 paths; the seed is fixed. A slope over four halvings has a standard error of about 0.04.

use vecfield_solvers::sde::{ALL, Areas, Brownian, SdeMethod, Simulation, Steps};
use vecfield_traits::{Calculus, DriftDiffusion};

use super::problems::{Equation, Kind};

const PATHS: u64 = 200;

fn ends(equation: &Equation, method: SdeMethod, halvings: i32) -> Vec<f64> {
    let motion = Brownian::new(3, (0.0, 1.0)).unwrap().with_areas(Areas::SpaceTime);
    let steps = Steps::Fixed(0.5_f64.powi(halvings));
    let simulation = Simulation::new(equation, method, motion, (0.0, 1.0), steps).unwrap();
    simulation.solve(&equation.start(), 0..PATHS, &[1.0]).unwrap().y
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    (a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / a.len() as f64).sqrt()
}

/// The slope of the line through `log₂` of errors at `2^-5 .. 2^-9`.
fn observed(equation: &Equation, method: SdeMethod, reference: &[f64]) -> f64 {
    let halvings = [5, 6, 7, 8, 9];
    let errors = halvings.map(|k| distance(&ends(equation, method, k), reference).log2());
    let places = [-2.0, -1.0, 0.0, 1.0, 2.0];
    -places.iter().zip(errors).map(|(x, e)| x * e).sum::<f64>() / 10.0
}

fn orders(kind: Kind, calculus: Calculus, halvings: i32) {
    let equation = Equation { calculus, kind };
    let noise = DriftDiffusion::noise(&equation);
    // The method of the highest order there is, with the finest steps.
    let able = || ALL.iter().filter(|method| method.check(&equation).is_ok());
    let order = |method: &SdeMethod| method.strong_order(noise).unwrap_or(0.0);
    let best = able().max_by(|a, b| order(a).total_cmp(&order(b))).unwrap();
    let reference = ends(&equation, *best, halvings);
    let mut wrong = Vec::new();
    for method in able() {
        let claimed = order(method);
        let order = observed(&equation, *method, &reference);
        if (order - claimed).abs() > 0.15 {
            wrong.push(format!("{}: {order:.2}, claimed {claimed}", method.name()));
        }
    }
    assert!(wrong.is_empty(), "{kind:?} {calculus:?}: {wrong:?}");
}

#[test]
fn additive() {
    orders(Kind::Additive, Calculus::Ito, 12);
}

#[test]
fn scalar() {
    orders(Kind::Scalar, Calculus::Ito, 12);
    orders(Kind::Scalar, Calculus::Stratonovich, 12);
}

#[test]
fn diagonal() {
    orders(Kind::Diagonal, Calculus::Ito, 12);
    orders(Kind::Diagonal, Calculus::Stratonovich, 12);
}

#[test]
fn commutative() {
    orders(Kind::Commutative, Calculus::Ito, 12);
    orders(Kind::Commutative, Calculus::Stratonovich, 12);
}

#[test]
fn general() {
    orders(Kind::General, Calculus::Ito, 14);
    orders(Kind::General, Calculus::Stratonovich, 14);
}

/// `x = sinh(0.7 W + 0.3 t + arsinh x₀)`: the right solution, after both calculi, not only one's own finer one.
#[test]
fn the_solution_is_the_closed_form() {
    let motion = Brownian::new(3, (0.0, 1.0)).unwrap().with_areas(Areas::SpaceTime);
    let mut walker = motion.walker(1, 0, PATHS as usize);
    walker.query(0.0, 1.0).unwrap();
    let exact: Vec<f64> = walker.w().iter().map(|w| (0.7 * w + 0.3 + 0.2_f64.asinh()).sinh()).collect();
    for calculus in [Calculus::Ito, Calculus::Stratonovich] {
        let equation = Equation { calculus, kind: Kind::Scalar };
        for method in ALL.iter().filter(|method| method.check(&equation).is_ok()) {
            let order = method.strong_order(DriftDiffusion::noise(&equation)).unwrap();
            let error = distance(&ends(&equation, *method, 9), &exact);
            assert!(error < 0.5_f64.powf(9.0 * order) * 2.0, "{} {calculus:?}: {error:e}", method.name());
        }
    }
}
