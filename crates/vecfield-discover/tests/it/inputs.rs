//! Columns that drive the system from outside: laws with inputs, known between their samples and ahead of the origins.

use crate::data::Scatter;
use vecfield_adjoint::Noise;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_discover::{Discovery, NoiseChoice, Options, Unobserved, Verdict, discover};
use vecfield_solvers::{Options as Solver, Save, field, solve_explicit, tableau::DOP853};

/// A right-hand side at a state and an input.
type Rate = fn(&[f64], f64, &mut [f64]);

/// Where a run starts, and its input as a function of time.
type Setting<'a> = (&'a [f64], fn(f64) -> f64);

/// Runs of `rate` from these states, each under an input of its own as a function of time; `rows` samples `dt` apart of states, with an
/// error of `percent` of one, and of the input.
fn driven(names: &[&str], rate: Rate, runs: &[Setting<'_>], rows: usize, dt: f64, percent: f64) -> Trajectories {
    let mut scatter = Scatter::new(7);
    let times: Vec<f64> = (0..rows).map(|k| dt * k as f64).collect();
    let run = |&(start, input): &Setting<'_>| {
        let law = field(start.len(), |t, y: &[f64], dy: &mut [f64]| rate(y, input(t), dy));
        let span = (0.0, times[rows - 1]);
        let exact = solve_explicit(&law, span, start, &DOP853, &Solver::tolerances(1e-10, 1e-12), Save::At(&times));
        let values = exact.unwrap().y.iter().map(|y| y + 0.01 * percent * scatter.normal()).collect();
        Trajectory::new(times.clone(), values, times.iter().map(|&t| input(t)).collect()).unwrap()
    };
    let runs = runs.iter().map(run).collect();
    Trajectories::new(names.iter().map(|n| (*n).to_string()).collect(), vec!["u".into()], runs).unwrap()
}

/// Polynomials under additive noise.
fn polynomials(candidates: usize) -> Options {
    Options { noise: NoiseChoice::Only(Noise::Additive), operators: None, candidates, ..Options::default() }
}

fn terms(found: &Discovery) -> Vec<Vec<&str>> {
    let key = |&k: &usize| found.vocabulary.features()[k].key();
    found.chosen.law.support.equations.iter().map(|set| set.iter().map(key).collect()).collect()
}

fn assert_constants(found: &Discovery, truth: &[f64], within: f64) {
    let constants = &found.chosen.law.constants;
    assert_eq!(constants.len(), truth.len());
    for (constant, truth) in constants.iter().zip(truth) {
        assert!((constant.value / truth - 1.0).abs() < within, "{constant:?} for {truth}");
    }
}

/// `x' = v`, `v' = -4x - v/2 + 3u` under a chirp and, in a second run, under a ramp that ends: each run has its own input.
#[test]
fn a_driven_oscillator_is_found() {
    let rate: Rate = |y, u, dy| {
        dy[0] = y[1];
        dy[1] = -4.0 * y[0] - 0.5 * y[1] + 3.0 * u;
    };
    let chirp = |t: f64| (0.7 * t + 0.12 * t * t).sin();
    let ramp = |t: f64| (0.5 * t).min(1.0);
    let data = driven(&["x", "v"], rate, &[(&[0.5, 0.0], chirp), (&[-0.4, 0.6], ramp)], 61, 0.1, 1.0);
    let found = discover(&data, &polynomials(60), &Unobserved).unwrap();
    assert_eq!(terms(&found), [vec!["v"], vec!["x", "v", "u"]]);
    assert_eq!(found.verdict, Verdict::Law);
    assert_constants(&found, &[1.0, -4.0, -0.5, 3.0], 0.05);
    assert!(found.forecast_r2 > 0.99, "{}", found.forecast_r2);
    // A fitted state is that of the run's own input.
    let law = &found.chosen.law;
    let last = |run: usize| law.fit.state(&data, run, 60)[0] - data.runs()[run].row(60)[0];
    assert!(last(0).abs() < 0.05 && last(1).abs() < 0.05);
}

/// Predators that are taken from outside: an input that multiplies a state.
#[test]
fn harvested_predators_are_found() {
    let rate: Rate = |y, u, dy| {
        dy[0] = 0.6 * y[0] - 0.5 * y[0] * y[1];
        dy[1] = 0.45 * y[0] * y[1] - 0.7 * y[1] - 0.8 * u * y[1];
    };
    let season = |t: f64| 0.25 + 0.25 * (1.3 * t).sin();
    let data = driven(&["prey", "predator"], rate, &[(&[1.0, 0.6], season)], 80, 0.3, 1.0);
    let found = discover(&data, &polynomials(60), &Unobserved).unwrap();
    assert_eq!(terms(&found), [vec!["prey", "prey*predator"], vec!["predator", "prey*predator", "predator*u"]]);
    assert_constants(&found, &[0.6, -0.5, -0.7, 0.45, -0.8], 0.1);
}
