//! Fits find what the data were made from, and know how surely.

use crate::systems::{Drift, LotkaVolterra, changed, runs, scatter};
use core::ops::ControlFlow;
use proptest::prelude::*;
use vecfield_adjoint::{
    Belief, Blind, CHI_SQUARE_95, Fit, FitOptions, Initial, Loss, Noise, Prior, Profile, Progress, Scale, Start,
    Uncertainty, fit, resume,
};
use vecfield_data::Trajectories;
use vecfield_solvers::Method;
use vecfield_traits::{Dynamics, Elementary};

fn go_on(_progress: &Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn fit_lotka_volterra(data: &Trajectories, theta: &[f64], options: &FitOptions) -> Fit {
    let state = |run: usize, row: usize, out: &mut [f64]| {
        for (out, &v) in out.iter_mut().zip(data.runs()[run].row(row)) {
            *out = if v.is_nan() { 1.0 } else { v };
        }
    };
    fit(&LotkaVolterra, data, &Start { theta: theta.to_vec(), state: &state }, options, &mut go_on).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Noiseless data give back the constants, from a start 40 % off, with every fifth cell missing, under either noise
    /// model.
    #[test]
    fn noiseless_data_give_the_constants_back(
        theta in prop::array::uniform4(0.4..0.8_f64),
        off in prop::array::uniform4(-0.4..0.4_f64),
        multiplicative in any::<bool>(),
    ) {
        let times: Vec<f64> = (0..25).map(|k| 0.4 * f64::from(k)).collect();
        let exact = runs(&LotkaVolterra, &theta, &[vec![1.0, 1.5], vec![2.0, 0.7]], &times);
        let data = changed(&exact, |run, row, v, value| if (run + 2 * row + v) % 5 == 1 { f64::NAN } else { value });
        let noise = if multiplicative { Noise::Multiplicative } else { Noise::Additive };
        let options = FitOptions { windows: vec![8, usize::MAX], ..FitOptions::new(2, 4, noise, vec![0.1; 2]) };
        let start: Vec<f64> = theta.iter().zip(off).map(|(t, o)| t * (1.0 + o)).collect();
        let found = fit_lotka_volterra(&data, &start, &options);
        for (a, b) in found.theta.iter().zip(theta) {
            prop_assert!((a - b).abs() < 1e-5, "{:?} against {theta:?}", found.theta);
        }
    }

    /// Held constants stay, bit for bit.
    #[test]
    fn held_constants_stay(held in 0..4_usize) {
        let theta = [0.6, 0.5, 0.55, 0.7];
        let times: Vec<f64> = (0..15).map(|k| 0.4 * f64::from(k)).collect();
        let data = runs(&LotkaVolterra, &theta, &[vec![1.0, 1.5]], &times);
        let free: Vec<usize> = (0..4).filter(|k| *k != held).collect();
        let options = FitOptions { free, ..FitOptions::new(2, 4, Noise::Additive, vec![0.1; 2]) };
        let mut start = [0.5; 4];
        start[held] = theta[held];
        let found = fit_lotka_volterra(&data, &start, &options);
        prop_assert_eq!(found.theta[held], theta[held]);
        prop_assert!(found.theta.iter().zip(theta).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

/// `y = y₀ + θ t` with noise is a straight-line regression: estimate, noise level and standard error have closed forms.
#[test]
fn a_drift_is_a_linear_regression() {
    let times: Vec<f64> = (0..30).map(|k| 0.2 * f64::from(k)).collect();
    let data = changed(&runs(&Drift, &[1.5], &[vec![2.0]], &times), |_, row, _, value| value + 0.3 * scatter(row));
    let options = FitOptions::new(1, 1, Noise::Additive, vec![0.1]);
    let start = Start { theta: vec![0.0], state: &|_, _, out| out[0] = 0.0 };
    let found = fit(&Drift, &data, &start, &options, &mut go_on).unwrap();
    let sure = Uncertainty::of(&Drift, &data, &found, &options).unwrap();

    let n = times.len() as f64;
    let y: Vec<f64> = data.observed(0).collect();
    let (t_mean, y_mean) = (times.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let sxx: f64 = times.iter().map(|t| (t - t_mean).powi(2)).sum();
    let slope = times.iter().zip(&y).map(|(t, y)| (t - t_mean) * (y - y_mean)).sum::<f64>() / sxx;
    let rss: f64 = times.iter().zip(&y).map(|(t, y)| (y - y_mean - slope * (t - t_mean)).powi(2)).sum();
    let stderr = (rss / (n - 2.0) / sxx).sqrt();
    assert!((found.theta[0] - slope).abs() < 1e-7);
    assert!((found.sigma[0] - (rss / n).sqrt()).abs() < 1e-5);
    assert!((sure.stderr[0] / stderr - 1.0).abs() < 1e-4, "{} against {stderr}", sure.stderr[0]);
    // The band of a line: σ² (1/n + (t - t̄)²/Sxx).
    for (row, t) in times.iter().enumerate() {
        let band = (rss / (n - 2.0) * (1.0 / n + (t - t_mean).powi(2) / sxx)).sqrt();
        assert!((sure.band[row] / band - 1.0).abs() < 1e-4);
    }
}

/// With the initial value known, the slope of a line through it: `Σ t (y - y₀)/Σ t²`, and its standard error.
#[test]
fn a_known_start_is_kept() {
    let times: Vec<f64> = (0..30).map(|k| 0.2 * f64::from(k)).collect();
    let data = changed(&runs(&Drift, &[1.5], &[vec![2.0]], &times), |_, row, _, value| value + 0.3 * scatter(row));
    let options = FitOptions { initial: vec![Initial::Held], ..FitOptions::new(1, 1, Noise::Additive, vec![0.1]) };
    let start = Start { theta: vec![0.0], state: &|_, _, out| out[0] = 2.0 };
    let found = fit(&Drift, &data, &start, &options, &mut go_on).unwrap();
    let sure = Uncertainty::of(&Drift, &data, &found, &options).unwrap();
    let y: Vec<f64> = data.observed(0).collect();
    let stt: f64 = times.iter().map(|t| t * t).sum();
    let slope = times.iter().zip(&y).map(|(t, y)| t * (y - 2.0)).sum::<f64>() / stt;
    let rss: f64 = times.iter().zip(&y).map(|(t, y)| (y - 2.0 - slope * t).powi(2)).sum();
    assert_eq!(found.starts, [2.0]);
    assert!((found.theta[0] - slope).abs() < 1e-7, "{} for {slope}", found.theta[0]);
    let stderr = (rss / (times.len() as f64 - 1.0) / stt).sqrt();
    assert!((sure.stderr[0] / stderr - 1.0).abs() < 1e-4, "{} for {stderr}", sure.stderr[0]);
    assert_eq!(sure.band[0], 0.0);
}

/// Bounds hold, and a constant that would pass them ends on them.
#[test]
fn bounds_are_kept() {
    let times: Vec<f64> = (0..15).map(|k| 0.4 * f64::from(k)).collect();
    let data = runs(&LotkaVolterra, &[0.6, 0.5, 0.55, 0.7], &[vec![1.0, 1.5]], &times);
    let bounds = vec![(0.0, 1.0), (0.0, 0.45), (0.0, 1.0), (0.0, 1.0)];
    let options = FitOptions { bounds, ..FitOptions::new(2, 4, Noise::Additive, vec![0.1; 2]) };
    let found = fit_lotka_volterra(&data, &[0.5, 0.4, 0.5, 0.6], &options);
    assert_eq!(found.theta[1], 0.45);
}

/// One wild outlier moves a least-squares fit by percents and a Huber fit by next to nothing.
#[test]
fn huber_shrugs_at_an_outlier() {
    let theta = [0.6, 0.5, 0.55, 0.7];
    let times: Vec<f64> = (0..40).map(|k| 0.3 * f64::from(k)).collect();
    let exact = runs(&LotkaVolterra, &theta, &[vec![1.0, 1.5]], &times);
    let data = changed(&exact, |_, row, v, value| {
        value + 0.01 * scatter(2 * row + v) + if (row, v) == (17, 0) { 3.0 } else { 0.0 }
    });
    let error = |loss| {
        let options =
            FitOptions { loss, estimate_sigma: false, ..FitOptions::new(2, 4, Noise::Additive, vec![0.006; 2]) };
        let found = fit_lotka_volterra(&data, &theta, &options);
        found.theta.iter().zip(theta).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    let (squared, huber) = (error(Loss::Squared), error(Loss::Huber));
    assert!(huber < 0.01 && squared > 5.0 * huber, "squared {squared}, Huber {huber}");
}

/// An observer that breaks off gets the best so far.
#[test]
fn a_cut_fit_says_so() {
    let times: Vec<f64> = (0..20).map(|k| 0.3 * f64::from(k)).collect();
    let data = runs(&LotkaVolterra, &[0.6, 0.5, 0.55, 0.7], &[vec![1.0, 1.5]], &times);
    let options = FitOptions::new(2, 4, Noise::Additive, vec![0.1; 2]);
    let state = |_: usize, row: usize, out: &mut [f64]| out.copy_from_slice(data.runs()[0].row(row));
    let start = Start { theta: vec![0.5; 4], state: &state };
    let cut = fit(&LotkaVolterra, &data, &start, &options, &mut |_| ControlFlow::Break(())).unwrap();
    assert!(!cut.converged && cut.checkpoint.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A fit that is broken off at any of its steps and taken up again ends in the same bits as one that was not, by explicit and
    /// by implicit methods, with and without estimated noise levels.
    #[test]
    fn a_fit_goes_on_as_if_it_had_not_stopped(
        at in 0..90_usize,
        method in prop::sample::select(vec!["auto", "tsit5", "radau5"]),
        estimate_sigma in any::<bool>(),
        horizons in prop::sample::select(vec![vec![], vec![8, 12]]),
        off in prop::array::uniform4(-0.5..0.5_f64),
    ) {
        let theta = [0.6, 0.5, 0.55, 0.7];
        let times: Vec<f64> = (0..24).map(|k| 0.4 * f64::from(k)).collect();
        let exact = runs(&LotkaVolterra, &theta, &[vec![1.0, 1.5]], &times);
        let data = changed(&exact, |_, row, v, value| value + 0.02 * scatter(2 * row + v));
        let options = FitOptions {
            method: Method::named(method).unwrap(),
            estimate_sigma,
            horizons,
            windows: vec![6, 12, usize::MAX],
            scales: vec![Scale::Log; 4],
            ..FitOptions::new(2, 4, Noise::Additive, vec![0.1; 2])
        };
        let state = |_: usize, row: usize, out: &mut [f64]| out.copy_from_slice(data.runs()[0].row(row));
        let start = Start { theta: theta.iter().zip(off).map(|(t, o)| t * (1.0 + o)).collect(), state: &state };
        let whole = fit(&LotkaVolterra, &data, &start, &options, &mut go_on).unwrap();
        let mut seen = 0;
        let mut stop = |_: &Progress<'_>| {
            seen += 1;
            if seen > at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut found = fit(&LotkaVolterra, &data, &start, &options, &mut stop).unwrap();
        if let Some(checkpoint) = found.checkpoint {
            found = resume(&LotkaVolterra, &data, &start, &checkpoint, &options, &mut go_on).unwrap();
        }
        prop_assert_eq!(format!("{found:?}"), format!("{whole:?}"));
    }
}

/// Prey alone is measured, two rates start twice too large: the beginning of the run first, then more of it, leads to the truth. (Of `θ₁` and the predators' number the prey see the product.)
#[test]
fn a_hidden_state_is_found_from_the_beginning_on() {
    let theta = [0.55, 0.5, 0.6, 0.8];
    let times: Vec<f64> = (0..60).map(|k| 0.6 * f64::from(k)).collect();
    let exact = runs(&LotkaVolterra, &theta, &[vec![1.0, 0.4]], &times);
    let data = changed(&exact, |_, _, v, value| if v == 1 { f64::NAN } else { value });
    let start = Start { theta: vec![1.1, 0.5, 1.2, 0.8], state: &|_, _, out| out.copy_from_slice(&[1.0, 0.4]) };
    let options = FitOptions {
        free: vec![0, 2, 3],
        scales: vec![Scale::Log; 3],
        horizons: vec![8, 12, 18, 27, 40],
        windows: vec![usize::MAX],
        match_first: false,
        ..FitOptions::new(2, 4, Noise::Additive, vec![0.3; 2])
    };
    let found = fit(&LotkaVolterra, &data, &start, &options, &mut go_on).unwrap();
    assert!(found.theta.iter().zip(theta).all(|(a, b)| (a - b).abs() < 1e-5), "{:?}", found.theta);
    // Broken off on the way, it still says where the whole run would go.
    let cut = fit(&LotkaVolterra, &data, &start, &options, &mut |_| ControlFlow::Break(())).unwrap();
    assert!(cut.states.len() == 120 && cut.states.iter().all(|y| y.is_finite()));
}

/// Runs share what is shared, and have what is their own: rates of death by run, noiselessly, each with the runs' own starts.
#[test]
fn constants_may_differ_between_runs() {
    let times: Vec<f64> = (0..25).map(|k| 0.4 * f64::from(k)).collect();
    let deaths = [0.7, 0.5, 0.9];
    let all: Vec<_> = deaths
        .iter()
        .map(|&death| runs(&LotkaVolterra, &[0.6, 0.5, 0.55, death], &[vec![1.0, 1.5]], &times).runs()[0].clone())
        .collect();
    let data = Trajectories::new(vec!["x0".into(), "x1".into()], vec![], all).unwrap();
    let options = FitOptions {
        local: vec![3],
        scales: vec![Scale::Log; 4],
        ..FitOptions::new(2, 4, Noise::Additive, vec![0.1; 2])
    };
    let found = fit_lotka_volterra(&data, &[0.9, 0.3, 0.8, 1.0], &options);
    for (run, death) in deaths.iter().enumerate() {
        for (a, b) in found.theta_of(run).iter().zip([0.6, 0.5, 0.55, *death]) {
            assert!((a - b).abs() < 1e-5, "run {run}: {:?}", found.theta_of(run));
        }
    }
}

/// What is known of each run by itself is given, not fitted: deaths that differ between runs, the other constants shared.
#[test]
fn constants_that_are_held_may_differ_between_runs() {
    let times: Vec<f64> = (0..25).map(|k| 0.4 * f64::from(k)).collect();
    let truth = |death: f64| [0.6, 0.5, 0.55, death];
    let run = |death: f64| runs(&LotkaVolterra, &truth(death), &[vec![1.0, 1.5]], &times).runs()[0].clone();
    let data = Trajectories::new(vec!["x0".into(), "x1".into()], vec![], vec![run(0.7), run(0.5)]).unwrap();
    let options = FitOptions { free: vec![0, 1, 2], ..FitOptions::new(2, 4, Noise::Additive, vec![0.1; 2]) };
    let start = [[0.9, 0.3, 0.8, 0.7], [0.9, 0.3, 0.8, 0.5]].concat();
    let found = fit_lotka_volterra(&data, &start, &options);
    for (run, death) in [0.7, 0.5].into_iter().enumerate() {
        let of_run = found.theta_of(run);
        assert!(of_run.iter().zip(truth(death)).all(|(a, b)| (a - b).abs() < 1e-5), "run {run}: {of_run:?}");
    }
}

/// A prior and the data meet where their precisions say: for a line through a known point, `(Σ t (y - y₀)/σ² + m/s²) /
/// (Σ t²/σ² + 1/s²)`, with the standard error `(Σ t²/σ² + 1/s²)^(-1/2)`.
#[test]
fn a_prior_is_one_more_measurement() {
    let times: Vec<f64> = (0..30).map(|k| 0.2 * f64::from(k)).collect();
    let data = changed(&runs(&Drift, &[1.5], &[vec![2.0]], &times), |_, row, _, value| value + 0.3 * scatter(row));
    let options = FitOptions {
        initial: vec![Initial::Held],
        estimate_sigma: false,
        priors: vec![Prior { parameter: 0, belief: Belief::Normal { mean: 1.0, deviation: 0.02 } }],
        ..FitOptions::new(1, 1, Noise::Additive, vec![0.3])
    };
    let start = Start { theta: vec![0.0], state: &|_, _, out| out[0] = 2.0 };
    let found = fit(&Drift, &data, &start, &options, &mut go_on).unwrap();
    let sure = Uncertainty::of(&Drift, &data, &found, &options).unwrap();
    let (told, weight) = (1.0 / (0.02 * 0.02), 1.0 / (0.3 * 0.3));
    let y: Vec<f64> = data.observed(0).collect();
    let pull: f64 = times.iter().zip(&y).map(|(t, y)| weight * t * (y - 2.0)).sum();
    let precision = told + weight * times.iter().map(|t| t * t).sum::<f64>();
    assert!((found.theta[0] - (pull + told) / precision).abs() < 1e-7, "{}", found.theta[0]);
    assert!((sure.stderr[0] * precision.sqrt() - 1.0).abs() < 1e-6);
}

/// `y' = (θ₀ + θ₁) y`.
struct Split;
impl Dynamics for Split {
    fn dim(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        2
    }
    fn eval<S: Elementary>(&self, _t: S, y: &[S], theta: &[S], dy: &mut [S]) {
        dy[0] = (theta[0] + theta[1]) * y[0];
    }
}

/// The profile of a line's slope is a parabola: with the noise known, its interval is the estimate and 1.96 standard errors on either
/// side.
#[test]
fn the_profile_of_a_line_is_its_standard_error() {
    let times: Vec<f64> = (0..30).map(|k| 0.2 * f64::from(k)).collect();
    let data = changed(&runs(&Drift, &[1.5], &[vec![2.0]], &times), |_, row, _, value| value + 0.3 * scatter(row));
    for (estimate_sigma, scales) in [(false, vec![Scale::Linear]), (false, vec![Scale::Log]), (true, vec![Scale::Log])]
    {
        let options = FitOptions { estimate_sigma, scales, ..FitOptions::new(1, 1, Noise::Additive, vec![0.2]) };
        let start = Start { theta: vec![1.0], state: &|_, _, out| out[0] = 0.0 };
        let found = fit(&Drift, &data, &start, &options, &mut go_on).unwrap();
        let sure = Uncertainty::of(&Drift, &data, &found, &options).unwrap();
        let profile = Profile::of(&Drift, &data, &found, &options, 0, None, CHI_SQUARE_95, &mut go_on).unwrap();
        let n = times.len() as f64;
        // With the noise estimated, n ln(RSS) takes the place of RSS/σ²: RSS grows by the factor exp(level/n).
        let half = match estimate_sigma {
            false => CHI_SQUARE_95.sqrt() * sure.stderr[0],
            true => (n * ((CHI_SQUARE_95 / n).exp() - 1.0)).sqrt() * sure.stderr[0] * ((n - 2.0) / n).sqrt(),
        };
        for (end, exact) in [(profile.lower, found.theta[0] - half), (profile.upper, found.theta[0] + half)] {
            assert!((end.unwrap() - exact).abs() < 2e-3 * half, "{end:?} for {exact}");
        }
        assert!(profile.points.is_sorted_by(|a, b| a.0 < b.0));
    }
}

/// A bound of nothing: where the data see a sum, each part alone may be anything.
#[test]
fn an_unseen_constant_has_no_interval() {
    let times: Vec<f64> = (0..12).map(|k| 0.2 * f64::from(k)).collect();
    let data = changed(&runs(&Split, &[-0.2, -0.4], &[vec![2.0]], &times), |_, row, _, v| v + 0.01 * scatter(row));
    let options = FitOptions::new(1, 2, Noise::Additive, vec![0.1]);
    let start = Start { theta: vec![-0.2, -0.4], state: &|_, _, out| out[0] = 2.0 };
    let found = fit(&Split, &data, &start, &options, &mut go_on).unwrap();
    let profile = Profile::of(&Split, &data, &found, &options, 0, None, CHI_SQUARE_95, &mut go_on).unwrap();
    assert_eq!((profile.lower, profile.upper), (None, None), "{profile:?}");
}

/// `y' = (θ₀ + θ₁) y`: the data see the sum alone, and the direction that they do not see is named.
#[test]
fn the_unseen_combination_is_named() {
    let times: Vec<f64> = (0..12).map(|k| 0.2 * f64::from(k)).collect();
    let data = runs(&Split, &[-0.2, -0.4], &[vec![2.0]], &times);
    let options = FitOptions::new(1, 2, Noise::Additive, vec![0.1]);
    let start = Start { theta: vec![-0.2, -0.4], state: &|_, _, out| out[0] = 2.0 };
    let found = fit(&Split, &data, &start, &options, &mut go_on).unwrap();
    let blind = Blind::directions(&Split, &data, &found, &options, 1e-6).unwrap();
    assert_eq!(blind.len(), 1);
    // θ₀ up by 1, θ₁ down by 1: relative to themselves, by 1/θ₀ and -1/θ₁.
    let ratio = blind[0].constants[1] / blind[0].constants[0];
    assert!((ratio + found.theta[0] / found.theta[1]).abs() < 1e-4, "{:?} at {:?}", blind[0], found.theta);
    assert!(blind[0].starts[0].abs() < 1e-4);
}
