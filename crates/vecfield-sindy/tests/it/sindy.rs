//! From data to equations.

use crate::support::Noise;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::{Candidates, Constraint, Family, Form, Known, Refinement, Selection, Sindy, SindyError};
use vecfield_solvers::{Options, Save, field, solve_explicit, tableau::DOP853};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

fn lotka_volterra(y: &[f64], dy: &mut [f64]) {
    dy[0] = y[0] - 0.5 * y[0] * y[1];
    dy[1] = 0.4 * y[0] * y[1] - 1.2 * y[1];
}

/// Runs from two starts at irregular times, with noise in shares of each variable's size and cells missing.
pub(crate) fn data(sigma: f64, seed: u64, missing: bool, scale: [f64; 2]) -> Trajectories {
    let mut noise = Noise::new(seed);
    let lotka = field(2, |_t, y: &[f64], dy: &mut [f64]| lotka_volterra(y, dy));
    let runs = [[2.0, 1.0], [4.0, 3.0]].map(|start| {
        let mut t = 0.0;
        let times: Vec<f64> = (0..120)
            .map(|_| {
                let now = t;
                t += 0.06 + 0.08 * noise.uniform();
                now
            })
            .collect();
        let options = Options::tolerances(1e-10, 1e-12);
        let span = (0.0, *times.last().unwrap());
        let solution = solve_explicit(&lotka, span, &start, &DOP853, &options, Save::At(&times)).unwrap();
        let values = solution.y.iter().enumerate().map(|(at, y)| {
            if missing && at % 11 == 3 { f64::NAN } else { scale[at % 2] * (y + sigma * 2.5 * noise.normal()) }
        });
        Trajectory::new(times, values.collect(), vec![]).unwrap()
    });
    Trajectories::new(names(&["hare", "lynx"]), vec![], runs.to_vec()).unwrap()
}

fn keys(model: &vecfield_sindy::Model, i: usize) -> Vec<String> {
    model.terms(i).map(|(key, ..)| key.to_string()).collect()
}

#[test]
fn noisy_irregular_gappy_runs_give_their_equations() {
    for (sigma, seed) in [(0.0, 1), (0.01, 2), (0.05, 3)] {
        let model = Sindy::new(vec![Family::Polynomial(3)]).fit(&data(sigma, seed, true, [1.0; 2])).unwrap();
        assert_eq!(keys(&model, 0), ["hare", "hare*lynx"], "{sigma}");
        assert_eq!(keys(&model, 1), ["lynx", "hare*lynx"], "{sigma}");
        let truth = [[1.0, -0.5], [-1.2, 0.4]];
        for i in 0..2 {
            for ((_, c, stderr), exact) in model.terms(i).zip(truth[i]) {
                // Four and a half standard errors, and what fixed steps of half a sample leave.
                assert!((c - exact).abs() < 4.5 * stderr + 1e-5, "{sigma}: {c} ± {stderr} {exact}");
                assert!(stderr < 0.5 * sigma + 1e-5, "{stderr}");
            }
        }
        assert!(matches!(model.refinement(), Refinement::Shooting { .. }));
        for noise in model.noise() {
            assert!((noise - 2.5 * sigma).abs() < 0.3 * sigma + 1e-6, "{noise}");
        }
    }
}

/// Data in other units give the same equations in those units, where the choice does not hang on the prior.
#[test]
fn units_carry_over() {
    let sindy = Sindy::new(vec![Family::Polynomial(2)]);
    let plain = sindy.fit(&data(0.01, 4, false, [1.0; 2])).unwrap();
    let scaled = sindy.fit(&data(0.01, 4, false, [2.0, 0.5])).unwrap();
    assert_eq!(keys(&plain, 0), keys(&scaled, 0));
    assert_eq!(keys(&plain, 1), keys(&scaled, 1));
    let rate = |model: &vecfield_sindy::Model| model.terms(0).map(|(_, c, _)| c).collect::<Vec<_>>();
    assert!((rate(&plain)[0] - rate(&scaled)[0]).abs() < 1e-4);
    assert!((rate(&plain)[1] - 0.5 * rate(&scaled)[1]).abs() < 1e-4);
}

#[test]
fn every_form_and_selection_finds_a_clean_law() {
    let data = data(0.0, 5, false, [1.0; 2]);
    for form in [Form::Integral, Form::FiniteDifference(6), Form::SmoothedDerivative] {
        for selection in [Selection::Exact { largest: 4 }, Selection::Stlsq { threshold: 0.1, ridge: 0.0 }] {
            let sindy = Sindy { form, selection, ..Sindy::new(vec![Family::Polynomial(2)]) };
            let model = sindy.fit(&data).unwrap();
            for (i, truth) in
                [[("hare", 1.0), ("hare*lynx", -0.5)], [("lynx", -1.2), ("hare*lynx", 0.4)]].iter().enumerate()
            {
                for (key, exact) in truth {
                    let found = model.terms(i).find(|(k, ..)| k == key).map_or(0.0, |(_, c, _)| c);
                    assert!((found - exact).abs() < 2e-3, "{form:?} {selection:?} {key}: {found}");
                }
            }
            assert!(model.derivative_r2() > 0.999, "{form:?} {selection:?} {}", model.derivative_r2());
        }
    }
}

#[test]
fn a_model_simulates_what_it_was_made_from() {
    let data = data(0.0, 6, false, [1.0; 2]);
    let model = Sindy::new(vec![Family::Polynomial(2)]).fit(&data).unwrap();
    let run = &data.runs()[0];
    let path = model.simulate(run.row(0), run.times()).unwrap();
    for (found, exact) in path.iter().zip(run.values()) {
        assert!((found - exact).abs() < 1e-3, "{found} {exact}");
    }
    assert!(model.trajectory_r2().is_some_and(|r2| r2 > 0.9999), "{:?}", model.trajectory_r2());
    assert!(model.latex(Some(3))[0].contains("hare"));
    let runaway =
        Sindy { known: vec![Known::parse("hare: hare^2").unwrap()], ..Sindy::new(vec![Family::Polynomial(1)]) };
    let far = runaway.fit(&data).unwrap().simulate(&[10.0, 1.0], &[0.0, 1e6]);
    assert!(matches!(far, Err(SindyError::Solve(_))));
}

/// Rates, scores and refusals on other data: a law is as good there, a fit to the noise of few rows is not.
#[test]
fn a_model_is_judged_by_other_data() {
    let (own, other) = (data(0.01, 8, false, [1.0; 2]), data(0.01, 9, false, [1.0; 2]));
    let model = Sindy::new(vec![Family::Polynomial(2)]).fit(&own).unwrap();
    let score = model.score(&other).unwrap();
    assert!((score.derivative_r2 - model.derivative_r2()).abs() < 0.01, "{score:?}");
    assert!(score.trajectory_r2.is_some_and(|r2| r2 > 0.99), "{score:?}");
    let again = model.score(&own).unwrap();
    assert_eq!((again.derivative_r2, again.trajectory_r2), (model.derivative_r2(), model.trajectory_r2()));
    let run = &own.runs()[0];
    let rates = model.predict(run).unwrap();
    for (row, rates) in rates.chunks_exact(2).enumerate() {
        let (hare, lynx) = (run.row(row)[0], run.row(row)[1]);
        let exact = [hare - 0.5 * hare * lynx, -1.2 * lynx + 0.4 * hare * lynx];
        assert!(rates.iter().zip(exact).all(|(a, b)| (a - b).abs() < 0.05), "{rates:?} {exact:?}");
    }
    let renamed = Trajectories::new(vec!["hare".into(), "fox".into()], vec![], own.runs().to_vec()).unwrap();
    assert!(matches!(model.score(&renamed), Err(SindyError::OtherColumns { .. })));
}

/// Between its samples an input is guessed: no small terms make up for that, on clean data either (Kaiser, Kutz and Brunton 2018, section 3.2).
#[test]
fn a_driven_system_is_exact_without_noise() {
    let torque = |t: f64| (2.0 * t.sin() + 2.0 * (0.1 * t).sin()).powi(2);
    let system = field(2, |t: f64, x: &[f64], dx: &mut [f64]| {
        dx[0] = 0.5 * x[0] - 0.025 * x[0] * x[1];
        dx[1] = -0.5 * x[1] + 0.005 * x[0] * x[1] + torque(t);
    });
    let times: Vec<f64> = (0..=600).map(|k| 0.1 * f64::from(k)).collect();
    let options = Options::tolerances(1e-11, 1e-11);
    let path = solve_explicit(&system, (0.0, 60.0), &[60.0, 50.0], &DOP853, &options, Save::At(&times)).unwrap();
    let inputs = times.iter().map(|&t| torque(t)).collect();
    let run = Trajectory::new(times, path.y, inputs).unwrap();
    let data = Trajectories::new(vec!["x".into(), "y".into()], vec!["u".into()], vec![run]).unwrap();
    let model = Sindy::new(vec![Family::Polynomial(2)]).fit(&data).unwrap();
    assert_eq!(model.equations(Some(3)), ["0.5*x - 0.025*x*y", "-0.5*y + 1*u + 0.005*x*y"]);
    // Driven by the same input the model runs along the data.
    let run = &data.runs()[0];
    let again = model.simulate_along(run, run.row(0), run.times()).unwrap();
    assert!(again.iter().zip(run.values()).all(|(a, b)| (a - b).abs() < 0.02), "{:?}", model.equations(None));
    assert!(model.trajectory_r2().is_some_and(|r2| r2 > 0.999_999), "{:?}", model.trajectory_r2());
}

#[test]
fn known_parts_are_kept_and_not_found_again() {
    let data = data(0.001, 7, false, [1.0; 2]);
    let known = vec![Known::parse("hare: hare").unwrap(), Known::parse("lynx: -1.2*lynx").unwrap()];
    for selection in [Selection::Auto, Selection::Exact { largest: 3 }] {
        let sindy = Sindy { known: known.clone(), selection, ..Sindy::new(vec![Family::Polynomial(2)]) };
        let model = sindy.fit(&data).unwrap();
        for (i, exact) in [-0.5, 0.4].into_iter().enumerate() {
            let found = model.terms(i).find(|(key, ..)| *key == "hare*lynx").map_or(0.0, |(_, c, _)| c);
            assert!((found - exact).abs() < 2e-3, "{selection:?}: {found}");
            let known = ["hare", "lynx"][i];
            assert!(!keys(&model, i).iter().any(|key| key == known), "{selection:?}: {:?}", keys(&model, i));
        }
        // Linear regression on a smoothed path may keep a small term that makes up for its bias; shooting has none.
        if selection == Selection::Auto {
            assert_eq!((keys(&model, 0), keys(&model, 1)), (vec!["hare*lynx".into()], vec!["hare*lynx".into()]));
        }
        assert!(model.equations(Some(2))[0].starts_with("hare"), "{:?}", model.equations(Some(2)));
    }
    assert!(matches!(Known::parse("hare"), Err(SindyError::KnownSyntax { .. })));
    let unknown = Sindy { known: vec![Known::parse("hares: 1").unwrap()], ..Sindy::new(vec![Family::Polynomial(1)]) };
    let error = unknown.fit(&data).unwrap_err();
    assert!(error.to_string().contains("did you mean `hare`"), "{error}");
}

#[test]
fn what_cannot_be_fitted_is_refused_with_a_reason() {
    let one = |times: &[f64], values: &[f64]| {
        let run = Trajectory::new(times.to_vec(), values.to_vec(), vec![]).unwrap();
        Trajectories::new(names(&["x"]), vec![], vec![run]).unwrap()
    };
    let sindy = |selection| Sindy { selection, ..Sindy::new(vec![Family::Polynomial(2)]) };
    let few = sindy(Selection::Auto).fit(&one(&[0.0, 1.0, 2.0], &[1.0, 2.0, 3.0]));
    assert!(matches!(few, Err(SindyError::TooFewPoints { found: 3, .. })));
    let times: Vec<f64> = (0..30).map(f64::from).collect();
    for selection in [Selection::Auto, Selection::Exact { largest: 3 }] {
        let constant = sindy(selection).fit(&one(&times, &[2.0; 30]));
        let expected = SindyError::Collinear { first: "1".into(), second: "x".into() };
        assert_eq!(constant.map(|_| ()), Err(expected), "{selection:?}");
    }
    let values: Vec<f64> = times.iter().map(|t| (0.2 * t).sin()).collect();
    let wide = Sindy { selection: Selection::Exact { largest: 3 }, ..Sindy::new(vec![Family::Polynomial(40)]) };
    assert!(matches!(
        wide.fit(&one(&times, &values)),
        Err(SindyError::MoreFeaturesThanRows { features: 41, rows: 29 })
    ));
    let log = Sindy::new(vec![Family::Custom("log(x)".into())]).fit(&one(&times, &values));
    assert!(matches!(log, Err(SindyError::FeatureNotFinite { .. })));
    let columns = names(&["a", "b", "c", "d", "e", "f"]);
    let wide_run = Trajectory::new(times.clone(), (0..180).map(|k| f64::from(k % 17)).collect(), vec![]).unwrap();
    let many = Trajectories::new(columns, vec![], vec![wide_run]).unwrap();
    let huge = Sindy::new(vec![Family::Polynomial(5)]).fit(&many);
    assert!(matches!(huge, Err(SindyError::TooManyFeatures { features: 462, most: 166 })), "{huge:?}");
    let zeros = Sindy::new(vec![Family::Polynomial(2)]).fit(&one(&times, &[0.0; 30]));
    assert!(matches!(zeros, Err(SindyError::ZeroFeature { .. })), "{zeros:?}");
}

/// The Lorenz system among all monomials of degree 3, from one noisy run.
#[test]
fn a_chaotic_system_is_found_exactly() {
    let lorenz = field(3, |_t, y: &[f64], dy: &mut [f64]| {
        dy[0] = 10.0 * (y[1] - y[0]);
        dy[1] = y[0] * (28.0 - y[2]) - y[1];
        dy[2] = y[0] * y[1] - 8.0 / 3.0 * y[2];
    });
    let times: Vec<f64> = (0..500).map(|k| 0.01 * f64::from(k)).collect();
    let options = Options::tolerances(1e-10, 1e-12);
    let solution =
        solve_explicit(&lorenz, (0.0, 4.99), &[-8.0, 7.0, 27.0], &DOP853, &options, Save::At(&times)).unwrap();
    let mut noise = Noise::new(9);
    let values = solution.y.iter().map(|y| y + 0.3 * noise.normal()).collect();
    let run = Trajectory::new(times, values, vec![]).unwrap();
    let data = Trajectories::new(names(&["x", "y", "z"]), vec![], vec![run]).unwrap();
    let model = Sindy::new(vec![Family::Polynomial(3)]).fit(&data).unwrap();
    assert_eq!(keys(&model, 0), ["x", "y"]);
    assert_eq!(keys(&model, 1), ["x", "y", "x*z"]);
    assert_eq!(keys(&model, 2), ["z", "x*y"]);
    for (i, truth) in [vec![-10.0, 10.0], vec![28.0, -1.0, -1.0], vec![-8.0 / 3.0, 1.0]].iter().enumerate() {
        for ((key, c, stderr), exact) in model.terms(i).zip(truth) {
            assert!((c - exact).abs() < 4.5 * stderr, "{key}: {c} ± {stderr}");
        }
    }
}

/// Values whose products leave the range of a number are refused by name, not searched.
#[test]
fn an_impossible_unit_is_named() {
    let values: Vec<f64> = (0..20).map(|k| 1e100 * (1.0 + 0.3 * f64::from(k).sin())).collect();
    let run = Trajectory::new((0..20).map(f64::from).collect(), values, vec![]).unwrap();
    let data = Trajectories::new(vec!["x".into()], vec![], vec![run]).unwrap();
    let refused = Sindy::new(vec![Family::Polynomial(2)]).fit(&data).unwrap_err();
    assert!(matches!(&refused, SindyError::Unit { variable, .. } if variable == "x"), "{refused}");
}

/// Units of a billionth and a billion change no support: they are an accident. One threshold for all coefficients is refused there, and so
/// are more features than rows.
#[test]
fn wild_units_change_no_support() {
    let wild = data(0.01, 8, false, [1e-9, 1e9]);
    let model = Sindy::new(vec![Family::Polynomial(3)]).fit(&wild).unwrap();
    assert_eq!(
        (keys(&model, 0), keys(&model, 1)),
        (vec!["hare".into(), "hare*lynx".into()], vec!["lynx".into(), "hare*lynx".into()])
    );
    let rate: Vec<f64> = model.terms(1).map(|(_, c, _)| c).collect();
    assert!((rate[0] + 1.2).abs() < 0.05 && (rate[1] / 0.4e9 - 1.0).abs() < 0.05, "{rate:?}");
    let selection = Selection::Stlsq { threshold: 0.1, ridge: 0.0 };
    let thresholded = Sindy { selection, ..Sindy::new(vec![Family::Polynomial(2)]) }.fit(&wild);
    assert!(matches!(thresholded, Err(SindyError::UnlikeSizes { .. })));
    let few = data(0.0, 8, false, [1.0; 2]);
    let few = few.with_runs(vec![few.runs()[0].slice(0..12).unwrap()]).unwrap();
    let crowded = Sindy::new(vec![Family::Polynomial(6)]).fit(&few);
    assert!(matches!(crowded, Err(SindyError::MoreFeaturesThanRows { features: 28, rows: 11 })));
}

/// An equation takes terms of its own library alone, whatever the selection; the union of libraries need not be independent.
#[test]
fn equations_have_libraries_of_their_own() {
    let data = data(0.001, 8, false, [1.0; 2]);
    let of = |text: &str| Sindy::new(Candidates::parse(text).unwrap());
    let restricted = of("hare: custom:hare*(2 - lynx); polynomial:2");
    let tied = vec![Constraint::parse("hare[hare*(2 - lynx)] >= 0").unwrap()];
    let threshold = Selection::Stlsq { threshold: 0.05, ridge: 0.0 };
    for sindy in [
        restricted.clone(),
        Sindy { selection: Selection::Exact { largest: 3 }, ..restricted.clone() },
        Sindy { selection: threshold, ensemble: 20, ..restricted.clone() },
        Sindy { constraints: tied.clone(), ..restricted.clone() },
        Sindy { constraints: tied, selection: threshold, ..restricted.clone() },
    ] {
        let model = sindy.fit(&data).unwrap();
        assert_eq!(keys(&model, 0), ["hare*(2 - lynx)"], "{:?}", sindy.selection);
        assert_eq!(keys(&model, 1), ["lynx", "hare*lynx"], "{:?}", sindy.selection);
        let (_, half, _) = model.terms(0).next().unwrap();
        assert!((half - 0.5).abs() < 5e-3, "{half}");
    }
    let none = of("hare: polynomial:2").fit(&data);
    assert!(matches!(none, Err(SindyError::NoCandidates { variable }) if variable == "lynx"));
    let other = of("hares: polynomial:2; polynomial:1").fit(&data);
    assert!(matches!(other, Err(SindyError::UnknownVariable { nearest, .. }) if nearest == "hare"));
}

/// Under noise of 30 % of its size, Lorenz's -y is lost on short windows; along whole runs it is seven standard errors from zero.
#[test]
fn under_heavy_noise_whole_runs_are_one_path() {
    let lorenz = field(3, |_t, y: &[f64], dy: &mut [f64]| {
        (dy[0], dy[1], dy[2]) = (10.0 * (y[1] - y[0]), y[0] * (28.0 - y[2]) - y[1], y[0] * y[1] - 8.0 / 3.0 * y[2]);
    });
    let times: Vec<f64> = (0..=1000).map(|k| 0.01 * f64::from(k)).collect();
    let options = Options::tolerances(1e-9, 1e-9);
    let run = solve_explicit(&lorenz, (0.0, 10.0), &[-8.0, 7.0, 27.0], &DOP853, &options, Save::At(&times)).unwrap();
    let sigma = 0.3 * (run.y.iter().map(|y| y * y).sum::<f64>() / run.y.len() as f64).sqrt();
    let mut noise = Noise::new(3);
    let values = run.y.iter().map(|y| y + sigma * noise.normal()).collect();
    let run = Trajectory::new(times, values, vec![]).unwrap();
    let data = Trajectories::new(names(&["x", "y", "z"]), vec![], vec![run]).unwrap();
    let model = Sindy::new(vec![Family::Polynomial(2)]).fit(&data).unwrap();
    assert_eq!([0, 1, 2].map(|i| keys(&model, i)), [vec!["x", "y"], vec!["x", "y", "x*z"], vec!["z", "x*y"]]);
    assert!(matches!(model.refinement(), Refinement::Shooting { tied: true, .. }));
    let truth = [-10.0, 10.0, 28.0, -1.0, -1.0, -8.0 / 3.0, 1.0];
    for ((key, c, stderr), exact) in (0..3).flat_map(|i| model.terms(i)).zip(truth) {
        assert!((c - exact).abs() < 4.5 * stderr, "{key}: {c} ± {stderr}");
        assert!(stderr < exact.abs() / 5.0, "{key}: {c} ± {stderr}");
    }
}
