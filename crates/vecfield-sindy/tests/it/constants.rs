//! Constants inside features.

use crate::support::Noise;
use vecfield_data::{Trajectories, Trajectory};
use vecfield_sindy::{Candidates, Constraint, Form, Model, Selection, Sindy, SindyError};
use vecfield_solvers::{Options, Save, field, solve_explicit, tableau::DOP853};

/// Runs of a system at 80 times up to `end`, with noise of this share of each variable's size.
fn runs(
    names: &[&str],
    rates: impl Fn(f64, &[f64], &mut [f64]),
    starts: &[&[f64]],
    end: f64,
    sigma: f64,
    seed: u64,
) -> Trajectories {
    let d = names.len();
    let system = field(d, rates);
    let times: Vec<f64> = (0..80).map(|k| end * f64::from(k) / 79.0).collect();
    let options = Options::tolerances(1e-11, 1e-13);
    let clean = starts.iter().map(|start| {
        let solution = solve_explicit(&system, (0.0, end), start, &DOP853, &options, Save::At(&times)).unwrap();
        Trajectory::new(times.clone(), solution.y, vec![]).unwrap()
    });
    let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    let clean = Trajectories::new(names.clone(), vec![], clean.collect()).unwrap();
    let mut noise = Noise::new(seed);
    let noisy = clean.runs().iter().map(|run| {
        let values = run.values().iter().enumerate().map(|(at, y)| y + sigma * clean.rms(at % d) * noise.normal());
        Trajectory::new(run.times().to_vec(), values.collect(), vec![]).unwrap()
    });
    Trajectories::new(names, vec![], noisy.collect()).unwrap()
}

/// Monod's growth on a substrate: `X' = 0.8 S X/(0.5 + S)`, `S' = -1.6 S X/(0.5 + S)`.
fn growth(sigma: f64) -> Trajectories {
    let rates = |_: f64, y: &[f64], dy: &mut [f64]| {
        let rate = y[0] * y[1] / (0.5 + y[1]);
        (dy[0], dy[1]) = (0.8 * rate, -1.6 * rate);
    };
    runs(&["X", "S"], rates, &[&[0.1, 2.0], &[0.3, 1.0], &[0.2, 3.0]], 6.0, sigma, 1)
}

fn of(library: &str) -> Sindy {
    Sindy::new(Candidates::parse(library).unwrap())
}

fn keys(model: &Model, i: usize) -> Vec<&str> {
    model.terms(i).map(|(key, ..)| key).collect()
}

/// Constant and coefficients within four and a half standard errors (false alarms: 1 in 100,000 each), and what the fixed steps leave.
fn check(model: &Model, constant: f64, terms: &[&[(&str, f64)]], sigma: f64) {
    let [found] = model.constants() else { panic!("{:?}", model.constants()) };
    assert!((found.value - constant).abs() < 4.5 * found.stderr + 1e-4 * constant.abs(), "{found:?}");
    assert!(found.stderr < 20.0 * sigma * constant.abs() + 1e-4, "{found:?}");
    for (i, wanted) in terms.iter().enumerate() {
        assert_eq!(keys(model, i), wanted.iter().map(|term| term.0).collect::<Vec<_>>(), "{sigma}");
        for ((key, c, stderr), (_, exact)) in model.terms(i).zip(*wanted) {
            assert!((c - exact).abs() < 4.5 * stderr + 1e-3 * exact.abs(), "{key}: {c} ± {stderr}");
        }
    }
}

#[test]
fn saturation_is_found_with_its_constant() {
    for sigma in [0.0, 0.01] {
        let model = of("polynomial:2,custom:S*X/(K + S)").fit(&growth(sigma)).unwrap();
        check(&model, 0.5, &[&[("S*X/(K + S)", 0.8)], &[("S*X/(K + S)", -1.6)]], sigma);
        assert!(sigma > 0.0 || model.equations(Some(3))[0].contains("/(0.5 + S)"), "{:?}", model.equations(Some(3)));
    }
}

#[test]
fn exponents_and_frequencies_are_found() {
    let relaxing = |_: f64, y: &[f64], dy: &mut [f64]| dy[0] = 2.0 * (-0.7 * y[0]).exp() - 0.5;
    for sigma in [0.0, 0.005] {
        let data = runs(&["x"], relaxing, &[&[-1.0], &[0.0], &[4.0], &[6.0]], 5.0, sigma, 2);
        let model = of("polynomial:2,custom:exp(-k*x)").fit(&data).unwrap();
        check(&model, 0.7, &[&[("1", -0.5), ("exp(-k*x)", 2.0)]], sigma);
    }
    let pendulum = |_: f64, y: &[f64], dy: &mut [f64]| (dy[0], dy[1]) = (y[1], -2.0 * (1.5 * y[0]).sin() - 0.1 * y[1]);
    let data = runs(&["x", "v"], pendulum, &[&[1.5, 0.0], &[-0.5, 1.0]], 8.0, 0.01, 3);
    let model = of("polynomial:1,custom:sin(w*x)").fit(&data).unwrap();
    let w = model.constants()[0].value;
    // The sign of a frequency is the sign of its coefficient.
    check(&model, 1.5 * w.signum(), &[&[("v", 1.0)], &[("v", -0.1), ("sin(w*x)", -2.0 * w.signum())]], 0.01);
    let forced = |t: f64, y: &[f64], dy: &mut [f64]| dy[0] = 2.0 * (3.0 * t).cos() - y[0];
    let data = runs(&["x"], forced, &[&[1.0], &[-2.0]], 10.0, 0.01, 4);
    let model = of("polynomial:1,custom:cos(w*t)").fit(&data).unwrap();
    let w = model.constants()[0].value;
    check(&model, 3.0 * w.signum(), &[&[("x", -1.0), ("cos(w*t)", 2.0)]], 0.01);
}

/// The other forms and selections, relations between coefficients, and libraries of single equations know constants too.
#[test]
fn constants_are_fitted_whatever_is_matched_and_chosen() {
    let data = growth(1e-4);
    let sindy = of("X: custom:X*S/(K + S); S: polynomial:1,custom:X*S/(K + S)");
    let stlsq = Selection::Stlsq { threshold: 0.1, ridge: 0.0 };
    let tied = vec![Constraint::parse("S[X*S/(K + S)] = -2*X[X*S/(K + S)]").unwrap()];
    for sindy in [
        Sindy { form: Form::FiniteDifference(6), selection: stlsq, ..sindy.clone() },
        Sindy { selection: Selection::Exact { largest: 2 }, ..sindy.clone() },
        Sindy { selection: stlsq, ensemble: 20, ..sindy.clone() },
        Sindy { constraints: tied, ..sindy.clone() },
    ] {
        let model = sindy.fit(&data).unwrap();
        let found = &model.constants()[0];
        assert!((found.value - 0.5).abs() < 5e-3 && found.stderr < 5e-3, "{:?} {found:?}", sindy.form);
        assert_eq!(keys(&model, 0), ["X*S/(K + S)"]);
        let (_, c, _) = model.terms(1).find(|term| term.0 == "X*S/(K + S)").unwrap();
        assert!((c + 1.6).abs() < 0.02, "{:?} {c}", sindy.form);
    }
}

#[test]
fn two_constants_are_found_together() {
    let rates = |_: f64, y: &[f64], dy: &mut [f64]| dy[0] = 1.0 / (1.0 + (y[1] / 0.6).powi(4)) - y[0];
    let repressed = move |t: f64, y: &[f64], dy: &mut [f64]| {
        rates(t, y, dy);
        dy[1] = 1.5 * y[0] - 0.8 * y[1];
    };
    let starts: [&[f64]; 3] = [&[0.1, 0.1], &[1.0, 0.2], &[0.2, 1.4]];
    let data = runs(&["x", "y"], repressed, &starts, 6.0, 1e-3, 5);
    let model = of("x: custom:x,custom:y,custom:1/(1 + (y/K)^n); y: polynomial:1").fit(&data).unwrap();
    assert_eq!(keys(&model, 0), ["x", "1/(1 + (y/K)^n)"], "{:?} {:?}", model.equations(Some(5)), model.constants());
    for (found, (name, exact)) in model.constants().iter().zip([("K", 0.6), ("n", 4.0)]) {
        assert_eq!(found.name, name);
        assert!((found.value.abs() - exact).abs() < 4.5 * found.stderr + 1e-3 * exact, "{found:?}");
    }
}

#[test]
fn names_that_are_slips_or_of_no_use_are_told() {
    let data = growth(0.01);
    let slip = runs(&["hare"], |_, y, dy| dy[0] = -y[0], &[&[1.0]], 2.0, 0.0, 1);
    let error = of("custom:exp(-hre)").fit(&slip).unwrap_err();
    assert!(error.to_string().contains("did you mean \"hare\""), "{error}");
    let quotient = Sindy { rational: true, ..of("polynomial:1,custom:exp(-k*S)") };
    assert!(matches!(quotient.fit(&data), Err(SindyError::ConstantsNeedSums { name }) if name == "k"));
    let many = of("custom:a*S + exp(b*S) + sin(c*S) + cos(d*S)").fit(&data);
    assert!(matches!(many, Err(SindyError::TooManyConstants { found: 4, .. })));
    let nowhere = of("polynomial:1,custom:log(-1 - (k*S)^2)").fit(&data);
    assert!(matches!(nowhere, Err(SindyError::NoConstants { .. })), "{nowhere:?}");
    // A constant that no equation needs is not one of the model's.
    let decay = runs(&["x"], |_, y, dy| dy[0] = -y[0], &[&[1.0], &[-2.0]], 2.0, 0.0, 1);
    let model = of("polynomial:1,custom:exp(-k*x)").fit(&decay).unwrap();
    assert!(model.constants().is_empty() && keys(&model, 0) == ["x"], "{:?}", model.equations(None));
}
