//! Extrapolation: order column by column, dense output as accurate as the steps, order control.

use proptest::prelude::*;
use vecfield_autodiff::Dual;
use vecfield_laws::{order_is_at_least, problems::Turning};
use vecfield_solvers::tableau::DOP853;
use vecfield_solvers::{Integrator, Options, Save, field};
use vecfield_traits::{Elementary, Scalar};

/// The largest errors at the ends of fixed steps and inside, with the column that the relative tolerance asks for.
fn fixed(rtol: f64, h: f64) -> (f64, f64) {
    let times: Vec<f64> = (0..=63).map(|i| 4.0 * f64::from(i) / 63.0).collect();
    let options = Options { rtol, ..Options::fixed(h) };
    let mut integrator = Integrator::extrapolation(2, &options).unwrap();
    let solution = integrator.solve(&Turning, (0.0, 4.0), &[1.0, 0.0], Save::At(&times)).unwrap();
    let inside = (0..times.len()).map(|row| Turning::error(times[row], solution.state(row))).fold(0.0, f64::max);
    (Turning::error(4.0, solution.last()), inside)
}

#[test]
fn every_column_adds_two_to_the_order_of_steps_and_dense_output() {
    // 0.6·digits + 1.5 is the column of the first step.
    for (rtol, order) in [(1e-1, 4.0), (1e-3, 6.0), (2e-5, 8.0), (1e-6, 10.0)] {
        let (steps, inside): (Vec<f64>, Vec<f64>) = [1.0, 0.5, 0.25].map(|h| fixed(rtol, h)).into_iter().unzip();
        order_is_at_least(order, 0.7, &steps[1..], 1e-15).unwrap_or_else(|broken| panic!("steps: {broken}"));
        order_is_at_least(order, 0.7, &inside[1..], 1e-14).unwrap_or_else(|broken| panic!("dense output: {broken}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// At the ends and inside the steps the error follows the tolerance.
    #[test]
    fn errors_follow_the_tolerance(digits in 3..12_i32, end in 5.0..30.0_f64) {
        let rtol = 10.0_f64.powi(-digits);
        let times: Vec<f64> = (0..=200).map(|i| Elementary::min(end * f64::from(i) / 200.0, end)).collect();
        let mut integrator = Integrator::extrapolation(2, &Options::tolerances(rtol, rtol)).unwrap();
        let solution = integrator.solve(&Turning, (0.0, end), &[1.0, 0.0], Save::At(&times)).unwrap();
        for (row, &t) in times.iter().enumerate() {
            let error = Turning::error(t, solution.state(row));
            // Some thirty steps, each of which may be wrong by the tolerance.
            prop_assert!(error < 100.0 * rtol, "{error:e} at {t}, tolerance {rtol:e}");
        }
    }

    #[test]
    fn duals_take_the_same_steps(digits in 3..12_i32) {
        let options = Options::tolerances(10.0_f64.powi(-digits), 1e-12);
        let (mut plain, mut dual) = ([0.0_f64; 4], [Dual::<f64, 2>::constant(0.0); 4]);
        let floats = Integrator::extrapolation(2, &options).unwrap()
            .sample(&Turning, 0.0, &[1.0, 0.0], &[0.7, 5.0], &mut plain).unwrap();
        let start = [Dual::variable(1.0, 0), Dual::variable(0.0, 1)];
        let duals = Integrator::extrapolation(2, &options).unwrap()
            .sample(&Turning, 0.0, &start, &[0.7, 5.0], &mut dual).unwrap();
        prop_assert_eq!(floats, duals);
        prop_assert!(plain.iter().zip(&dual).all(|(x, d)| x.to_bits() == d.value().to_bits()));
    }
}

/// Kepler's problem with eccentricity 0.5, over five periods.
fn kepler(integrate: impl Fn(&Options<f64>) -> (Vec<f64>, u64, u64), rtol: f64) -> (f64, u64, u64) {
    let (y, steps, evaluations) = integrate(&Options::tolerances(rtol, rtol));
    let start = [0.5, 0.0, 0.0, 3.0_f64.sqrt()];
    (y.iter().zip(&start).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max), steps, evaluations)
}

#[test]
fn tight_tolerances_are_met_by_high_orders_at_a_fair_price() {
    let orbit = field(4, |_t, y: &[f64], dy: &mut [f64]| {
        let cube = (y[0] * y[0] + y[1] * y[1]).powf(1.5);
        (dy[0], dy[1], dy[2], dy[3]) = (y[2], y[3], -y[0] / cube, -y[1] / cube);
    });
    let (start, end) = ([0.5, 0.0, 0.0, 3.0_f64.sqrt()], 10.0 * std::f64::consts::PI);
    let gbs = |options: &Options<f64>| {
        let solution =
            Integrator::extrapolation(4, options).unwrap().solve(&orbit, (0.0, end), &start, Save::End).unwrap();
        (solution.last().to_vec(), solution.stats.steps, solution.stats.rhs_evals)
    };
    let dop853 = |options: &Options<f64>| {
        let solution =
            Integrator::explicit(&DOP853, 4, options).unwrap().solve(&orbit, (0.0, end), &start, Save::End).unwrap();
        (solution.last().to_vec(), solution.stats.steps, solution.stats.rhs_evals)
    };
    let (ours, theirs) = (kepler(gbs, 1e-12), kepler(dop853, 1e-12));
    assert!(ours.0 < 3e-8, "{ours:?}");
    assert!(ours.2 < 2 * theirs.2, "{ours:?}, dop853 {theirs:?}");
    let loose = kepler(gbs, 1e-4);
    assert!(ours.2 / ours.1 > loose.2 / loose.1, "orders rise: {ours:?}, {loose:?}");
    assert!(ours.1 < 4 * loose.1, "and steps shrink little: {ours:?}, {loose:?}");
}

#[test]
fn single_precision_is_enough_for_loose_tolerances() {
    let mut integrator = Integrator::extrapolation(2, &Options::tolerances(1e-4_f32, 1e-5)).unwrap();
    let mut y = [0.0_f32; 2];
    integrator.sample(&Turning, 0.0, &[1.0, 0.0], &[3.0], &mut y).unwrap();
    assert!(Turning::error(3.0, &y.map(f64::from)) < 1e-3, "{y:?}");
}
